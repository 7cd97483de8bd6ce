/** What a Prometheus reads of the host, its containers and the agent. */
@NullMarked
package dev.wharf.engine.metrics;

import org.jspecify.annotations.NullMarked;
