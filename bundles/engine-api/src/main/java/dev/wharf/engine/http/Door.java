package dev.wharf.engine.http;

import dev.wharf.core.agent.Agent;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Where requests wait for the agent while the house wakes up or an agent is exchanged. Never blocks. */
public final class Door {
    private static final int WAITING_ROOM = 1024;

    private final List<CompletableFuture<Agent>> waiting = new ArrayList<>();
    private volatile Optional<Agent> agent = Optional.empty();

    /** The agent is there: lets everybody in who waits. */
    public void open(Agent arrived) {
        List<CompletableFuture<Agent>> guests;
        synchronized (waiting) {
            agent = Optional.of(arrived);
            guests = List.copyOf(waiting);
            waiting.clear();
        }
        guests.forEach(guest -> guest.complete(arrived));
    }

    /** The agent goes away; those who come now wait for the next. */
    public void close(Agent left) {
        synchronized (waiting) {
            if (agent.filter(a -> a == left).isPresent()) {
                agent = Optional.empty();
            }
        }
    }

    /** The agent, where it is there now. */
    public Optional<Agent> now() {
        return agent;
    }

    /** Completes when the agent is there; UNAVAILABLE at once where too many wait already. */
    CompletionStage<Agent> agent() {
        Optional<Agent> present = agent;
        if (present.isPresent()) {
            return CompletableFuture.completedFuture(present.get());
        }
        CompletableFuture<Agent> guest = new CompletableFuture<>();
        synchronized (waiting) {
            if (agent.isPresent()) {
                return CompletableFuture.completedFuture(agent.get());
            }
            if (waiting.size() >= WAITING_ROOM) {
                throw notReady();
            }
            waiting.add(guest);
        }
        return guest;
    }

    /** The guest waits no longer. */
    void leave(CompletionStage<Agent> guest) {
        synchronized (waiting) {
            waiting.remove(guest);
        }
        guest.toCompletableFuture().completeExceptionally(notReady());
    }

    private static Problem notReady() {
        return Problem.unavailable(
                "the engine is still starting: its journal is not open yet; try again in a moment, or see its log");
    }
}
