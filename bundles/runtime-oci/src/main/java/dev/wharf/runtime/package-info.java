/**
 * The OCI runtime port over crun, runc or youki. {@link dev.wharf.runtime.OciDriver} is the door; behind it one
 * {@link dev.wharf.runtime.Monitors monitor} process per container keeps streams, log and exit status, so that containers
 * outlive the agent. Nothing here is truth in memory: what is known of a container lies in its {@link
 * dev.wharf.runtime.Places places} on disk and in the kernel.
 */
@NullMarked
package dev.wharf.runtime;

import org.jspecify.annotations.NullMarked;
