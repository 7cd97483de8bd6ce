package dev.wharf.engine.containers;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Goal;
import dev.wharf.engine.http.Problem;
import java.util.Optional;
import java.util.concurrent.Callable;

/**
 * Work on a container's files that may meet its removal. Nothing holds them then, and what goes wrong in the middle says much of
 * directories and drivers; the client is told that the container goes, or is gone.
 */
public final class Leaving {
    private Leaving() {}

    /** The same work, whose failure is told in the light of what became of the container. */
    public static <T> Callable<T> aware(Agent agent, Container c, Callable<T> work) {
        return () -> {
            try {
                return work.call();
            } catch (Exception e) {
                throw problem(agent, c).map(left -> (Exception) left).orElse(e);
            }
        };
    }

    /** What is to be told where the container is gone or on its way out; empty while it stays. */
    public static Optional<Problem> problem(Agent agent, Container c) {
        Optional<Container> now = agent.host().container(c.id());
        if (now.isEmpty()) {
            return Optional.of(Problem.missing("No such container: " + c.name()));
        }
        return now.filter(n -> n.goal() == Goal.REMOVED)
                .map(n -> Problem.conflict("container " + c.name() + " is being removed"));
    }
}
