/**
 * What every journal promises, as tests: its contract, its manners when the disk fails, and what it keeps when the power
 * does. Begin with {@link dev.wharf.testkit.journal.JournalContract}.
 */
@NullMarked
package dev.wharf.testkit.journal;

import org.jspecify.annotations.NullMarked;
