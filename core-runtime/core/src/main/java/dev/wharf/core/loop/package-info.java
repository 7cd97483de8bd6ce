/**
 * The one place that has threads and a clock. Begin with {@link dev.wharf.core.loop.Sequencer}.
 */
@NullMarked
package dev.wharf.core.loop;

import org.jspecify.annotations.NullMarked;
