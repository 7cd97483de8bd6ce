package dev.wharf.systemd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Host;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class WatchTest {
    private final BlockingQueue<String> told = new LinkedBlockingQueue<>();

    private Supervisor supervisor(Duration watchdog) {
        return new Supervisor(
                "@manager",
                Optional.of(watchdog),
                (address, message) -> told.add(address + " " + new String(message, StandardCharsets.UTF_8)));
    }

    /** One whose loop answers only while it is alive. */
    private static final class Loop {
        private volatile boolean alive = true;

        Agent agent() {
            return (Agent) Proxy.newProxyInstance(
                    Agent.class.getClassLoader(), new Class<?>[] {Agent.class}, (self, method, arguments) -> {
                        return switch (method.getName()) {
                            case "host" -> Host.EMPTY;
                            case "pulse" ->
                                alive
                                        ? CompletableFuture.completedFuture(new Position(41))
                                        : new CompletableFuture<Position>();
                            default -> throw new AssertionError(method);
                        };
                    });
        }
    }

    @Test
    void aLoopThatAnswersFeedsTheWatchdogAndOneThatDoesNotStarvesIt() throws Exception {
        Loop loop = new Loop();
        Thread watch = new Thread(new Watch(supervisor(Duration.ofMillis(90)), loop.agent()));
        watch.start();
        try {
            String fed = "@manager WATCHDOG=1\nSTATUS=0 of 0 containers running, journal at 41\n";
            assertThat(told.poll(5, TimeUnit.SECONDS)).isEqualTo(fed);
            assertThat(told.poll(5, TimeUnit.SECONDS)).isEqualTo(fed);

            loop.alive = false;
            String next = told.poll(5, TimeUnit.SECONDS);
            while (fed.equals(next)) next = told.poll(5, TimeUnit.SECONDS);
            assertThat(next).isEqualTo("@manager STATUS=the loop does not answer\n");

            loop.alive = true;
            next = told.poll(5, TimeUnit.SECONDS);
            while (!fed.equals(next)) next = told.poll(5, TimeUnit.SECONDS);
        } finally {
            watch.interrupt();
            watch.join();
        }
    }

    @Test
    void nobodySupervisesWhereTheEnvironmentNamesNobody() {
        assertThat(Supervisor.of(Map.of(), 7, (a, m) -> {})).isEmpty();
    }

    @Test
    void aWatchdogThatIsMeantForAnotherProcessIsNone() {
        Map<String, String> environment =
                Map.of("NOTIFY_SOCKET", "/run/n", "WATCHDOG_USEC", "60000000", "WATCHDOG_PID", "6");

        assertThat(Supervisor.of(environment, 6, (a, m) -> {}).orElseThrow().watchdog())
                .hasValue(Duration.ofSeconds(60));
        assertThat(Supervisor.of(environment, 7, (a, m) -> {}).orElseThrow().watchdog())
                .isEmpty();
    }
}
