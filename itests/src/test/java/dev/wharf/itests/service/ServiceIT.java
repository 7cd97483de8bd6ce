package dev.wharf.itests.service;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.images.LoopbackRegistry;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a service manager is told, and what clients and containers notice when it replaces the agent by another. */
@Timeout(180)
class ServiceIT {
    /** Nobody is kept waiting longer than by this, whatever else the machine does; how long it really takes is printed. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    private Path folder;

    @Test
    void theManagerHearsThatTheAgentIsReadyAliveReloadingAndStopping() throws Exception {
        Managed managed = Managed.start(Daemon.distribution(), folder, Duration.ofMillis(1500));
        try (managed) {
            assertThat(managed.told().get(0)).startsWith("READY=1|STATUS=0 of 0 containers running, journal at ");
            // Three beats: the loop has answered each time.
            managed.awaitTold(line -> line.startsWith("WATCHDOG=1|STATUS="), 3);

            Files.writeString(
                    folder.resolve("etc/wharfd.conf"),
                    Managed.settings(folder) + "wharf.log.level = debug\nwharf.storage = vfs\n");
            managed.command("reload");
            managed.awaitTold(line -> line.startsWith("READY=1"), 2);

            assertThat(managed.told()).anyMatch(line -> line.matches("RELOADING=1\\|MONOTONIC_USEC=[0-9]+\\|.*"));
            assertThat(managed.journal())
                    .anySatisfy(entry -> assertThat(fields(entry))
                            .containsEntry("MESSAGE", "launch: settings read again log-level=debug")
                            .containsEntry("PRIORITY", "6")
                            .containsEntry("SYSLOG_IDENTIFIER", "wharfd")
                            .containsEntry("WHARF_EVENT", "settings read again")
                            .containsEntry("WHARF_LOG_LEVEL", "debug")
                            .containsEntry("CODE_FILE", "Reload.java"))
                    .anySatisfy(entry -> assertThat(fields(entry))
                            .containsEntry("PRIORITY", "4")
                            .containsEntry("WHARF_EVENT", "setting waits for the next start")
                            .containsEntry("WHARF_KEY", "wharf.storage"));
            assertThat(managed.docker("version", "--format", "{{.Server.Version}}"))
                    .isNotEmpty();
            assertThat(managed.journal())
                    .anySatisfy(entry -> assertThat(fields(entry)).containsEntry("PRIORITY", "7"));

            managed.command("restart");
            managed.awaitTold(line -> line.startsWith("READY=1"), 3);
            // The socket was the manager's all the while.
            assertThat(managed.docker("version", "--format", "{{.Server.Version}}"))
                    .isNotEmpty();
        }
        assertThat(managed.told()).last().asString().startsWith("STOPPING=1");
        // Who speaks with journald is gone by then, so the last words go by standard error, with their priority.
        assertThat(managed.log().strip().lines().toList())
                .last()
                .asString()
                .matches("<6>launch: stopped asked=true .*");
    }

    private static Map<String, String> fields(JsonNode entry) {
        Map<String, String> fields = new TreeMap<>();
        entry.fields()
                .forEachRemaining(
                        field -> fields.put(field.getKey(), field.getValue().asText()));
        return fields;
    }

    @Test
    void anAgentIsReplacedWhileContainersServeAndClientsWaitAMoment() throws Exception {
        Path home = Daemon.copyTo(folder.resolve("opt"));
        archive(home);
        int port = LoopbackRegistry.freePort();
        try (Managed managed = Managed.start(home, folder, Duration.ofSeconds(60))) {
            managed.docker("pull", "--quiet", "layout.local/busybox");
            managed.docker(
                    "run",
                    "-d",
                    "--name",
                    "web",
                    "-p",
                    port + ":80",
                    "layout.local/busybox",
                    "sh",
                    "-c",
                    "mkdir /www; echo ahoy >/www/index.html; exec httpd -f -p 80 -h /www");
            String process = managed.docker("inspect", "--format", "{{.State.Pid}} {{.State.StartedAt}}", "web");
            try (Visitor api = Visitor.of(() -> ping(managed.socket()));
                    Visitor page = Visitor.of(() -> fetch(port))) {
                api.awaitVisits(20);
                try {
                    page.awaitVisits(20);
                } catch (AssertionError e) {
                    throw new AssertionError(e.getMessage() + "\n" + network(managed), e);
                }

                // What an update of the package does: other files in the same place, their archive, a restart of the
                // unit.
                Path other = Daemon.copyTo(folder.resolve("new"));
                Files.move(home, folder.resolve("old"));
                Files.move(other, home);
                archive(home);
                managed.command("restart");
                managed.awaitTold(line -> line.startsWith("READY=1"), 2);
                api.awaitVisits(20);
                page.awaitVisits(20);

                assertThat(api.failures()).as("clients that were refused").isEmpty();
                assertThat(page.failures()).as("visits that failed").isEmpty();
                System.out.println("API gap " + api.longest().toMillis() + " ms, page gap "
                        + page.longest().toMillis() + " ms");
                assertThat(api.longest()).as("the longest that a client waited").isLessThan(PATIENCE);
            }
            assertThat(managed.docker("inspect", "--format", "{{.State.Pid}} {{.State.StartedAt}}", "web"))
                    .isEqualTo(process);
            assertThat(managed.docker("exec", "web", "cat", "/www/index.html")).isEqualTo("ahoy");
        }
    }

    /** What stands between a visitor and the page, for somebody who has to find out why it is not reached. */
    private static String network(Managed managed) throws IOException, InterruptedException {
        return String.join(
                "\n",
                managed.docker("ps", "--all"),
                managed.docker(
                        "exec", "web", "sh", "-c", "ps; netstat -ltn; ip addr; wget -O - http://127.0.0.1/ 2>&1"),
                Outcome.of(
                                "sh",
                                "-c",
                                "ip -brief addr; ip route show table all; nft list ruleset;"
                                        + " sysctl net.ipv4.ip_forward; ss -ltnp")
                        .out());
    }

    private static void archive(Path home) throws IOException, InterruptedException {
        Outcome.of(home.resolve("bin/wharf-install-cds").toString()).outOrThrow();
    }

    private static String ping(Path socket) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            channel.write(ByteBuffer.wrap("GET /containers/json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                    .getBytes(StandardCharsets.US_ASCII)));
            ByteBuffer answer = ByteBuffer.allocate(64 << 10);
            while (channel.read(answer) >= 0) {
                if (!answer.hasRemaining()) throw new IOException("too long");
            }
            String text = new String(answer.array(), 0, answer.position(), StandardCharsets.UTF_8);
            if (!text.startsWith("HTTP/1.1 200 ") || !text.contains("\"/web\""))
                throw new IOException("answered " + text);
            return text;
        }
    }

    private static String fetch(int port) throws IOException {
        HttpURLConnection connection = (HttpURLConnection)
                URI.create("http://127.0.0.1:" + port + "/").toURL().openConnection();
        connection.setConnectTimeout(2000);
        connection.setReadTimeout(2000);
        return new String(connection.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    /** Comes again and again, and notes how long it had to wait from one answer to the next. */
    private static final class Visitor implements AutoCloseable {
        private final Callable<String> visit;
        private final AtomicBoolean over = new AtomicBoolean();
        private final AtomicInteger visits = new AtomicInteger();
        private final AtomicLong longest = new AtomicLong();
        private volatile String early = "none";
        private final List<String> failures = new java.util.concurrent.CopyOnWriteArrayList<>();
        private final CompletableFuture<Void> done;

        private Visitor(Callable<String> visit) {
            this.visit = visit;
            this.done = CompletableFuture.runAsync(this::comeAgain, task -> new Thread(task, "visitor").start());
        }

        static Visitor of(Callable<String> visit) {
            return new Visitor(visit);
        }

        private void comeAgain() {
            long last = 0;
            while (!over.get()) {
                try {
                    visit.call();
                    long now = System.nanoTime();
                    // The first visit may come before the page does.
                    if (last != 0) longest.accumulateAndGet(now - last, Math::max);
                    last = now;
                    visits.incrementAndGet();
                } catch (Exception e) {
                    if (last != 0) failures.add(e.toString());
                    else early = e.toString();
                }
                try {
                    Thread.sleep(10);
                } catch (InterruptedException e) {
                    return;
                }
            }
        }

        void awaitVisits(int more) throws InterruptedException {
            int wanted = visits.get() + more;
            for (int i = 0; i < 1000 && visits.get() < wanted; i++) Thread.sleep(20);
            assertThat(visits.get())
                    .as("visits; before the first " + early + ", later " + failures)
                    .isGreaterThanOrEqualTo(wanted);
        }

        List<String> failures() {
            return failures;
        }

        Duration longest() {
            return Duration.ofNanos(longest.get());
        }

        @Override
        public void close() throws Exception {
            over.set(true);
            done.get();
        }
    }
}
