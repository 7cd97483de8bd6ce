/**
 * Brings services to where documents of desired state want them. {@link dev.wharf.kafka.desired.Convergence} says what comes
 * next, a pure function of the host; {@link dev.wharf.kafka.desired.Steward} gives that to the agent as commands. How far a
 * rollout is stands in the journal and nowhere else, so an agent that was killed goes on where it was, and it does so with
 * brokers away. Begin with {@link dev.wharf.kafka.desired.Convergence}.
 */
@NullMarked
package dev.wharf.kafka.desired;

import org.jspecify.annotations.NullMarked;
