/** A real Kafka for tests, as a process of its own. Begin with {@link dev.wharf.testkit.kafka.Broker}. */
@NullMarked
package dev.wharf.testkit.kafka;

import org.jspecify.annotations.NullMarked;
