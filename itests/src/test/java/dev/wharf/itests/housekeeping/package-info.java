/** A host that keeps itself tidy: jobs on a real agent, and thousands of lifecycles that leave nothing behind. */
@org.jspecify.annotations.NullMarked
package dev.wharf.itests.housekeeping;
