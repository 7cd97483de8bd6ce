/**
 * The journal on Chronicle Queue, made durable. Begin with {@link dev.wharf.log.chronicle.ChronicleLog}.
 */
@NullMarked
package dev.wharf.log.chronicle;

import org.jspecify.annotations.NullMarked;
