package dev.wharf.systemd;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Host;
import dev.wharf.core.story.Standing;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Feeds the watchdog as long as the loop opens letters, and with it the line that {@code systemctl status} shows. The thread that
 * feeds proves nothing by itself: it feeds only after the loop has answered, so an agent whose loop is stuck is started anew.
 */
final class Watch implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(Watch.class);

    /** Without a watchdog only the status wants to be fresh. */
    private static final Duration USUAL = Duration.ofSeconds(30);

    private final Supervisor supervisor;
    private final Agent agent;
    private final Duration beat;

    Watch(Supervisor supervisor, Agent agent) {
        this.supervisor = supervisor;
        this.agent = agent;
        // Three chances before the watchdog's patience is over.
        this.beat = supervisor.watchdog().map(patience -> patience.dividedBy(3)).orElse(USUAL);
    }

    @Override
    public void run() {
        try {
            while (true) {
                feel();
                Thread.sleep(beat.toMillis());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Waits for the loop for one beat, and says so where it does not answer; then the next beat asks again. */
    private void feel() throws InterruptedException {
        try {
            Position at = agent.pulse().toCompletableFuture().get(Math.max(1, beat.toMillis()), TimeUnit.MILLISECONDS);
            supervisor.alive(status(agent.host(), at));
        } catch (TimeoutException e) {
            LOG.error("the loop does not answer, so the watchdog is not fed waiting={} {}", beat, doing());
            supervisor.say("the loop does not answer");
        } catch (ExecutionException e) {
            LOG.error("the loop cannot be asked", e);
        }
    }

    static String status(Host host, Position at) {
        Map<Standing, Integer> counts = Standing.counts(host);
        int running = counts.getOrDefault(Standing.RUNNING, 0) + counts.getOrDefault(Standing.PAUSED, 0);
        return running + " of " + host.containers().size() + " containers running, journal at " + at.sequence();
    }

    /** Where the loop's thread stands, for whoever asks later why the agent was ended. */
    private static String doing() {
        StringBuilder text = new StringBuilder();
        Thread.getAllStackTraces().forEach((thread, frames) -> {
            if (!thread.getName().equals("wharf-sequencer")) return;
            text.append("state=").append(thread.getState());
            for (StackTraceElement frame : frames) {
                text.append(" < ").append(frame);
            }
        });
        return text.length() == 0 ? "state=GONE" : text.toString();
    }
}
