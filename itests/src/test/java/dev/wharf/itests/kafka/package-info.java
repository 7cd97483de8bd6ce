/** A whole agent and a real Kafka. */
@NullMarked
package dev.wharf.itests.kafka;

import org.jspecify.annotations.NullMarked;
