package dev.wharf.itests.swap;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Containers serve pages through published ports and write to their root file systems while the bundles they stand on are
 * replaced again and again. {@code -Dwharf.swap.containers=20 -Dwharf.swap.times=20} is the full measure.
 */
@Timeout(600)
class SwapUnderLoadIT {
    private static final int CONTAINERS = Integer.getInteger("wharf.swap.containers", 6);
    private static final int TIMES = Integer.getInteger("wharf.swap.times", 4);
    private static final String OVERLAY = "dev.wharf.storage.overlay.jar";
    private static final String BRIDGE = "dev.wharf.network.bridge.jar";

    /** Serves a page, and writes, changes and removes small files for as long as it lives; complains where it cannot. */
    private static final String WORK = "mkdir -p /srv /work; echo served > /srv/index.html;"
            + " (i=0; while :; do i=$((i+1)); echo $i > /work/$((i%50)) || echo cannot write >&2;"
            + " [ \"$(cat /work/$((i%50)))\" = $i ] || echo cannot read >&2;"
            + " [ $((i%7)) -ne 0 ] || rm /work/$((i%50)) || echo cannot remove >&2; sleep 0.05; done) &"
            + " exec httpd -f -p 80 -h /srv";

    @TempDir
    private Path folder;

    private final Queue<String> troubles = new ConcurrentLinkedQueue<>();
    private final AtomicLong pages = new AtomicLong();
    private final AtomicLong slowestPageNanos = new AtomicLong();
    private final AtomicLong slowestAnswerNanos = new AtomicLong();
    private final AtomicInteger started = new AtomicInteger();
    private volatile boolean over;
    private Daemon daemon;
    private Plugins plugins;

    @Test
    void nobodyNoticesThatTheDriversUnderneathAreReplaced() throws Exception {
        Path home = Daemon.copyTo(folder.resolve("wharf"));
        plugins = new Plugins(home, Files.createDirectories(folder.resolve("workshop")));
        SharedAgent.offerBusybox(folder.resolve("agent/data"));
        try (Daemon agent = Daemon.start(home, folder.resolve("agent"))) {
            daemon = agent;
            SharedAgent.pullBusybox(daemon);
            List<Integer> ports = new ArrayList<>();
            for (int i = 0; i < CONTAINERS; i++) {
                daemon.docker(
                                "run",
                                "--detach",
                                "--name=web" + i,
                                "--publish=127.0.0.1::80",
                                "busybox",
                                "sh",
                                "-c",
                                WORK)
                        .outOrThrow();
                String at = daemon.docker("port", "web" + i, "80").outOrThrow().strip();
                ports.add(Integer.parseInt(at.substring(at.lastIndexOf(':') + 1)));
            }
            // The first swap makes what the next ones only use again: it is where leaks are counted from.
            List<Thread> work = begin(ports);
            replace(0);
            end(work);
            Footprint before = Footprint.settled(daemon);
            long position = position();

            work = begin(ports);
            for (int i = 1; i <= TIMES; i++) {
                replace(i);
            }
            end(work);

            assertThat(troubles).isEmpty();
            for (int i = 0; i < CONTAINERS; i++) {
                Outcome logs = daemon.docker("logs", "web" + i);
                assertThat(logs.out() + logs.err()).isEmpty();
                assertThat(daemon.docker("exec", "web" + i, "sh", "-c", "ls /work | wc -l")
                                .outOrThrow()
                                .strip())
                        .isNotEqualTo("0");
            }
            assertNothingIsMissingInTheJournal(position);
            Footprint after = Footprint.settled(daemon);
            System.out.printf(
                    "swapped %d times under %d containers: %d pages, slowest page %d ms, slowest answer of the API %d ms,"
                            + " %d containers came and went; before %s; after %s%n",
                    2 * TIMES,
                    CONTAINERS,
                    pages.get(),
                    slowestPageNanos.get() / 1_000_000,
                    slowestAnswerNanos.get() / 1_000_000,
                    started.get(),
                    before.numbers(),
                    after.numbers());
            after.assertNoMoreThan(before);
        }
    }

    private List<Thread> begin(List<Integer> ports) {
        over = false;
        List<Thread> work = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            int first = i;
            work.add(thread(() -> {
                for (int n = first; !over; n++) page(ports.get(n % ports.size()));
                return null;
            }));
        }
        work.add(thread(() -> {
            while (!over) answer();
            return null;
        }));
        work.add(thread(() -> {
            while (!over) {
                Outcome run = daemon.docker("run", "--rm", "busybox", "echo", "new");
                started.incrementAndGet();
                if (run.status() != 0 || !run.out().equals("new\n")) {
                    troubles.add("run: " + run);
                }
            }
            return null;
        }));
        return work;
    }

    private Thread thread(Callable<Void> body) {
        Thread thread = new Thread(() -> {
            try {
                body.call();
            } catch (Exception e) {
                troubles.add(e.toString());
            }
        });
        thread.start();
        return thread;
    }

    private void end(List<Thread> work) throws InterruptedException {
        over = true;
        for (Thread thread : work) {
            thread.join();
        }
    }

    private void page(int port) throws InterruptedException {
        long began = System.nanoTime();
        try (Socket socket = new Socket()) {
            socket.setSoTimeout(5_000);
            socket.connect(new InetSocketAddress("127.0.0.1", port), 5_000);
            socket.getOutputStream().write("GET / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            String page = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
            if (!page.contains(" 200 ") || !page.contains("served")) troubles.add("page: " + page);
        } catch (IOException e) {
            troubles.add("page: " + e);
        }
        pages.incrementAndGet();
        slowestPageNanos.accumulateAndGet(System.nanoTime() - began, Math::max);
        // Enough to notice a gap of a few milliseconds, and little enough to leave the agent a processor.
        Thread.sleep(5);
    }

    private void answer() throws IOException, InterruptedException {
        long began = System.nanoTime();
        Outcome answer = daemon.curl("/containers/json");
        if (answer.status() != 0 || !answer.out().contains("web0")) troubles.add("API: " + answer.err());
        slowestAnswerNanos.accumulateAndGet(System.nanoTime() - began, Math::max);
        Thread.sleep(50);
    }

    private void replace(int mark) throws Exception {
        for (Map.Entry<String, String> one :
                Map.of(OVERLAY, "storage/overlay", BRIDGE, "network/bridge").entrySet()) {
            String before = serving(one.getValue());
            plugins.drop(plugins.variant(one.getKey(), "variant " + mark), one.getKey());
            long deadline = System.nanoTime() + Duration.ofSeconds(40).toNanos();
            while (serving(one.getValue()).equals(before)) {
                if (System.nanoTime() > deadline)
                    throw new AssertionError(one.getKey() + " was not replaced\n" + driversInLog());
                Thread.sleep(100);
            }
        }
    }

    private String driversInLog() throws IOException {
        try (Stream<String> lines = Files.lines(daemon.log())) {
            return lines.filter(line -> line.contains("Swaps") || line.contains("PluginFolder"))
                    .reduce("", (a, b) -> a + b + "\n");
        }
    }

    private String serving(String driver) throws Exception {
        Matcher serving = Pattern.compile("\"serving\":\"([^\"]+)\"")
                .matcher(daemon.curl("/wharf/v1/drivers/inspect?driver=" + driver)
                        .outOrThrow());
        return serving.find() ? serving.group(1) : "";
    }

    private long position() throws Exception {
        Matcher end = Pattern.compile("\"end\":(\\d+)")
                .matcher(daemon.curl("/wharf/v1/journal/facts").outOrThrow());
        assertThat(end.find()).isTrue();
        return Long.parseLong(end.group(1));
    }

    /** Every position is there, every swap is told of as one, and nothing of what runs was lost from sight. */
    private void assertNothingIsMissingInTheJournal(long from) throws Exception {
        String journal = daemon.curl("/wharf/v1/journal?from=" + from).outOrThrow();
        long handedOver =
                journal.lines().filter(l -> l.contains("driver.handed-over")).count();
        assertThat(handedOver).isEqualTo(2L * TIMES);
        assertThat(journal).doesNotContain("swap-rejected", "driver.unbound", "container.failed", "container.stalled");
        assertThat(journal.lines().filter(l -> l.contains("container.observed")))
                .isEmpty();
        assertThat(daemon.curl("/wharf/v1/journal/verify").outOrThrow()).contains("\"whole\":true");
        long born =
                journal.lines().filter(l -> l.contains("\"container.created\"")).count();
        long gone =
                journal.lines().filter(l -> l.contains("\"container.removed\"")).count();
        assertThat(gone).isEqualTo(born);
    }

    /** What the agent holds: threads, open files, and class loaders of bundles. */
    private record Footprint(long threads, long files, long loaders, long drivers, List<String> names) {
        static Footprint settled(Daemon daemon) throws Exception {
            Footprint last = now(daemon);
            // Threads of pools go half a minute after their last work.
            for (int i = 0; i < 8; i++) {
                Thread.sleep(5_000);
                Footprint next = now(daemon);
                if (next.numbers().equals(last.numbers())) return next;
                last = next;
            }
            return last;
        }

        private static Footprint now(Daemon daemon) throws Exception {
            Path process = Path.of("/proc", Long.toString(daemon.pid()));
            // A histogram collects all garbage first; each class of each loader has a line of its own.
            String histogram = Outcome.of(
                            List.of(
                                    Path.of(System.getProperty("java.home"), "bin/jcmd")
                                            .toString(),
                                    Long.toString(daemon.pid()),
                                    "GC.class_histogram"),
                            Map.of(),
                            Duration.ofSeconds(30))
                    .outOrThrow();
            return new Footprint(
                    names(process.resolve("task")).size(),
                    count(process.resolve("fd")),
                    instances(histogram, "BundleWiringImpl$BundleClassLoader"),
                    instances(histogram, "storage.overlay.OverlayDriver")
                            + instances(histogram, "network.bridge.BridgeDriver"),
                    names(process.resolve("task")));
        }

        /** Of threads, without those that come and go with the work: of pools, and the JVM's own compilers. */
        private static List<String> names(Path tasks) throws IOException {
            try (Stream<Path> entries = Files.list(tasks)) {
                return entries.map(task -> task.resolve("comm"))
                        .map(Footprint::read)
                        .filter(name -> !name.matches("|.*Compiler.*|wharf-(lane|work|asking|http|move|newcomers).*"))
                        .sorted()
                        .toList();
            }
        }

        private static String read(Path file) {
            try {
                return Files.readString(file).strip();
            } catch (IOException e) {
                return "";
            }
        }

        private static long count(Path folder) throws IOException {
            try (Stream<Path> entries = Files.list(folder)) {
                return entries.count();
            }
        }

        private static long instances(String histogram, String type) {
            return histogram
                    .lines()
                    .map(String::strip)
                    .map(line -> line.split("\\s+"))
                    .filter(words -> words.length >= 4 && words[3].endsWith(type))
                    .mapToLong(words -> Long.parseLong(words[1]))
                    .sum();
        }

        String numbers() {
            return threads + " threads, " + files + " files, " + loaders + " class loaders, " + drivers + " drivers";
        }

        void assertNoMoreThan(Footprint before) {
            assertThat(drivers).as("instances of the replaced drivers").isLessThanOrEqualTo(before.drivers);
            assertThat(loaders).as("class loaders of bundles").isLessThanOrEqualTo(before.loaders);
            // Connections and logs that are open, and threads that begin with the first work for them, come and go by a
            // few;
            // swaps that leak one each do not.
            int few = Math.min(3, TIMES - 1);
            assertThat(threads)
                    .as("threads, %s and before %s", names, before.names)
                    .isLessThanOrEqualTo(before.threads + few);
            assertThat(files).as("open files").isLessThanOrEqualTo(before.files + few);
        }
    }
}
