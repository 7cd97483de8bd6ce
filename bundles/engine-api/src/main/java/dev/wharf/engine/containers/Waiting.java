package dev.wharf.engine.containers;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Follower;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Goal;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Outlet;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.json.Json;
import dev.wharf.model.ContainerId;
import dev.wharf.spi.Failure;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * {@code /containers/{id}/wait}. The head of the answer goes out before the wait begins, because clients start the container
 * only when they have it. A wait is a follower of the journal and holds no thread.
 */
final class Waiting {
    /**
     * How long the end of a container that goes by itself is kept back from who waits for the end, and not for the removal: what it
     * said last comes over another connection, and some stop to listen there when they have their answer here.
     */
    private static final Duration HEAD_START = Duration.ofMillis(3);

    private final Follower follower;
    private final ContainerId id;
    private final Outlet outlet;
    private final boolean removal;
    private final boolean passing;
    private final Request request;
    private final AtomicBoolean over = new AtomicBoolean();
    private Optional<Integer> lastCode;
    private Optional<Failure> trouble = Optional.empty();
    private boolean ended;

    private Waiting(Follower follower, Container container, Request request, Outlet outlet, boolean removal) {
        this.follower = follower;
        this.id = container.id();
        this.request = request;
        this.outlet = outlet;
        this.removal = removal;
        this.passing = !removal && container.spec().autoRemove();
        this.lastCode = Optional.of(ContainerShapes.exitCode(container));
    }

    static Answer handle(Agent agent, Request request) throws IOException {
        String condition = request.query().value("condition").orElse("not-running");
        if (!java.util.Set.of("not-running", "next-exit", "removed").contains(condition)) {
            throw Problem.invalid("invalid condition: \"" + condition + "\"");
        }
        // Followed from before the look, so that no exit falls between the two.
        Follower follower = agent.follow(agent.position());
        Container c;
        try {
            c = ContainerRoutes.found(agent, request);
        } catch (Problem e) {
            follower.close();
            throw e;
        }
        boolean isOver = condition.equals("not-running") && !c.isRunning() && !c.isRestarting();
        if (isOver) {
            follower.close();
            int code = ContainerShapes.exitCode(c);
            return Answer.json(verdict(code));
        }
        return Answer.flow(Answer.JSON, outlet -> {
            Waiting waiting = new Waiting(follower, c, request, outlet, condition.equals("removed"));
            outlet.onGone(waiting::end);
            waiting.look();
        });
    }

    private static ObjectNode verdict(int code) {
        return Json.object().put("StatusCode", code);
    }

    private void look() {
        try {
            for (Optional<Follower.Moment> moment = follower.poll(); moment.isPresent(); moment = follower.poll()) {
                if (isEnd(moment.get())) {
                    end();
                    if (passing) {
                        request.after(HEAD_START, this::answer);
                    } else {
                        answer();
                    }
                    return;
                }
            }
            follower.onMore(() -> {
                if (!over.get()) {
                    look();
                }
            });
        } catch (IOException e) {
            outlet.abort();
            end();
        }
    }

    private void answer() {
        ObjectNode verdict = verdict(lastCode.orElse(0));
        trouble.ifPresent(t -> verdict.putObject("Error").put("Message", t.message()));
        outlet.send(Json.line(verdict));
        outlet.end();
    }

    private boolean isEnd(Follower.Moment moment) {
        Event event = moment.event();
        if (!(event instanceof ContainerEvent about) || !about.container().equals(id)) {
            return false;
        }
        if (event instanceof ContainerEvent.Exited exited) {
            lastCode = Optional.of(exited.exit().code());
            ended = !removal;
        }
        if (event instanceof ContainerEvent.StopRequested && !isUp(moment)) {
            // It was between two runs, so no exit will come.
            ended = !removal;
        }
        if (ended) {
            // Whoever waited for the end goes on with its ports.
            return moment.after()
                    .container(id)
                    .map(moment.after()::isOutOfTheWay)
                    .orElse(true);
        }
        if (event instanceof ContainerEvent.Failed) {
            lastCode = moment.after().container(id).map(ContainerShapes::exitCode);
            return false;
        }
        if (event instanceof ContainerEvent.Stalled && isRemoving(moment)) {
            // Nobody knows when it will go; whoever waits for that is told why.
            trouble = event.trouble();
        }
        return event instanceof ContainerEvent.Removed || trouble.isPresent();
    }

    private boolean isUp(Follower.Moment moment) {
        return moment.after().container(id).map(Container::isRunning).orElse(false);
    }

    private boolean isRemoving(Follower.Moment moment) {
        return moment.after().container(id).map(c -> c.goal() == Goal.REMOVED).orElse(false);
    }

    private void end() {
        if (over.compareAndSet(false, true)) {
            follower.close();
        }
    }
}
