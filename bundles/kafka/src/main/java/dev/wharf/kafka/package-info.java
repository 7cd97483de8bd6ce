/**
 * The journal as topics of Kafka, and commands from one. Every batch is published exactly once and in order; what is published
 * stands in the same transaction as how far it is, so the broker knows where to go on. Begin with
 * {@link dev.wharf.kafka.Publisher}.
 */
@NullMarked
package dev.wharf.kafka;

import org.jspecify.annotations.NullMarked;
