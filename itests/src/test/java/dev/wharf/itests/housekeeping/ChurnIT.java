package dev.wharf.itests.housekeeping;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.command.WaitContainerResultCallback;
import com.github.dockerjava.api.exception.DockerException;
import com.github.dockerjava.api.model.HostConfig;
import com.github.dockerjava.api.model.LogConfig;
import com.github.dockerjava.core.DefaultDockerClientConfig;
import com.github.dockerjava.core.DockerClientImpl;
import com.github.dockerjava.zerodep.ZerodepDockerHttpClient;
import com.sun.tools.attach.VirtualMachine;
import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.daemon.Traces;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.openmbean.CompositeData;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A day of churn in a short while: lifecycles with logs that rotate, images that come and go, trims, scrubs and collections. What
 * the agent holds afterwards is what it held before. {@code -Dwharf.churn=5000} says how many lifecycles; CI does few.
 */
@Timeout(value = 60, unit = TimeUnit.MINUTES)
class ChurnIT {
    private static final int LIFECYCLES = Integer.getInteger("wharf.churn", 40);
    private static final int WARM_UP = Math.max(30, LIFECYCLES / 5);
    private static final int SIDE_BY_SIDE = 4;
    private static final long JOURNAL_BYTES = 8L << 20;

    /** What the journal has on disk beyond its limit: the parts that are written now. */
    private static final long DISK_SLACK = 48L << 20;

    /** What the agent remembers of commands, so that none is done twice, is full after some three thousand lifecycles. */
    private static final long REMEMBERED_BYTES = 10L << 20;

    @TempDir
    private Path folder;

    /** What an agent holds. */
    private record Held(
            long heapBytes,
            int threads,
            long descriptors,
            int classes,
            long unloaded,
            int mounts,
            int links,
            long diskBytes) {
        @Override
        public String toString() {
            return String.format(
                    "heap %.1f MB, %d threads, %d descriptors, %d classes (%d unloaded), %d mounts, %d links, disk"
                            + " %.1f MB",
                    heapBytes / 1e6, threads, descriptors, classes, unloaded, mounts, links, diskBytes / 1e6);
        }
    }

    @Test
    void thousandsOfLifecyclesLeaveNothingBehind() throws Exception {
        Path etc = Files.createDirectories(folder.resolve("etc"));
        Files.writeString(
                etc.resolve("dev.wharf.housekeeping.cfg"),
                "journal.keep = 1s\njournal.size = " + JOURNAL_BYTES + "\ngc.unused.for = 30d\n");
        try (Daemon daemon = SharedAgent.withBusybox(folder.resolve("agent"), "--config-dir=" + etc);
                JMXConnector console = attach(daemon);
                DockerClient client = client(daemon)) {
            MBeanServerConnection beans = console.getMBeanServerConnection();
            daemon.docker("run", "--detach", "--name", "stays", "busybox", "sleep", "100000")
                    .outOrThrow();
            churn(daemon, client, WARM_UP);
            Held before = held(daemon, beans);
            long began = System.nanoTime();

            churn(daemon, client, LIFECYCLES);

            double seconds = (System.nanoTime() - began) / 1e9;
            Held after = held(daemon, beans);
            System.out.printf(
                    "ChurnIT: %d lifecycles in %.0f s%n  before %s%n  after  %s%n", LIFECYCLES, seconds, before, after);
            assertThat(after.heapBytes()).as("heap").isLessThan(before.heapBytes() + REMEMBERED_BYTES);
            assertThat(after.threads()).as("threads").isLessThanOrEqualTo(before.threads() + 6);
            assertThat(after.descriptors()).as("descriptors").isLessThanOrEqualTo(before.descriptors() + 8);
            assertThat(after.classes()).as("classes").isLessThanOrEqualTo(before.classes() + 150);
            assertThat(after.mounts()).as("mounts").isEqualTo(before.mounts());
            assertThat(after.links()).as("links").isEqualTo(before.links());
            assertThat(after.diskBytes()).as("disk").isLessThan(before.diskBytes() + JOURNAL_BYTES + DISK_SLACK);
            assertThat(daemon.wharf("journal", "verify").outOrThrow()).contains("whole");
            assertThat(daemon.docker("inspect", "--format", "{{.State.Running}}", "stays")
                            .outOrThrow())
                    .isEqualTo("true\n");
            daemon.docker("rm", "--force", "stays").outOrThrow();
            assertThat(Traces.settled(daemon, List.of())).isEmpty();
        }
    }

    private static void churn(Daemon daemon, DockerClient client, int lifecycles) throws Exception {
        AtomicInteger left = new AtomicInteger(lifecycles);
        ExecutorService people = Executors.newFixedThreadPool(SIDE_BY_SIDE);
        try {
            List<Future<?>> all = new ArrayList<>();
            for (int person = 0; person < SIDE_BY_SIDE; person++) {
                all.add(people.submit(() -> {
                    for (int n = left.getAndDecrement(); n > 0; n = left.getAndDecrement()) {
                        live(client, n);
                    }
                    return true;
                }));
            }
            int rounds = 0;
            int every = Math.max(30, lifecycles / 12);
            int next = lifecycles - every;
            while (all.stream().anyMatch(f -> !f.isDone())) {
                if (left.get() <= next) {
                    next -= every;
                    tidy(daemon, rounds++);
                }
                Thread.sleep(20);
            }
            for (Future<?> one : all) {
                one.get();
            }
            tidy(daemon, 0);
        } finally {
            people.shutdownNow();
        }
    }

    /** One life, in one of the ways that lives go. */
    private static void live(DockerClient client, int number) throws Exception {
        String script = number % 5 == 0
                ? "for i in 1 2 3 4 5 6 7 8; do head -c 3000 /dev/zero | tr '\\0' x; echo; done"
                : number % 7 == 0 ? "exit 3" : "echo " + number;
        String id = client.createContainerCmd("busybox")
                .withCmd("sh", "-c", script)
                .withLabels(Map.of("number", Integer.toString(number)))
                .withHostConfig(HostConfig.newHostConfig()
                        .withLogConfig(new LogConfig(
                                LogConfig.LoggingType.JSON_FILE, Map.of("max-size", "5k", "max-file", "2"))))
                .exec()
                .getId();
        try {
            client.startContainerCmd(id).exec();
            if (number % 3 == 0) {
                client.killContainerCmd(id).exec();
            }
        } catch (DockerException e) {
            // It had ended already.
        }
        client.waitContainerCmd(id).exec(new WaitContainerResultCallback()).awaitStatusCode(60, TimeUnit.SECONDS);
        client.removeContainerCmd(id).withForce(true).withRemoveVolumes(true).exec();
    }

    /** What a day's housekeeping does. */
    private static void tidy(Daemon daemon, int round) throws Exception {
        daemon.docker("run", "--name", "made", "busybox", "sh", "-c", "head -c 200000 /dev/urandom > /x")
                .outOrThrow();
        daemon.docker("commit", "made", "made:" + round).outOrThrow();
        daemon.docker("rm", "made").outOrThrow();
        daemon.wharf(
                        "gc",
                        "--unused-for",
                        "0s",
                        "--min-age",
                        "0s",
                        "--keep-reference",
                        "busybox",
                        "--keep-reference",
                        "layout.local/busybox")
                .outOrThrow();
        daemon.wharf("jobs", "run", "journal").outOrThrow();
        daemon.wharf("scrub", "--rate", "1000").outOrThrow();
        daemon.wharf("jobs", "run", "survey").outOrThrow();
        daemon.wharf("jobs", "run", "logs").outOrThrow();
    }

    // ---- what it holds

    private static Held held(Daemon daemon, MBeanServerConnection beans) throws Exception {
        ObjectName memory = new ObjectName(ManagementFactory.MEMORY_MXBEAN_NAME);
        long heap = Long.MAX_VALUE;
        for (int i = 0; i < 5; i++) {
            beans.invoke(memory, "gc", new Object[0], new String[0]);
            Thread.sleep(200);
            heap = Math.min(heap, (Long) ((CompositeData) beans.getAttribute(memory, "HeapMemoryUsage")).get("used"));
        }
        // Threads that wait for work in vain go after a while.
        Thread.sleep(LIFECYCLES > 500 ? 12_000 : 2_000);
        ObjectName classes = new ObjectName(ManagementFactory.CLASS_LOADING_MXBEAN_NAME);
        return new Held(
                heap,
                (Integer) beans.getAttribute(new ObjectName(ManagementFactory.THREAD_MXBEAN_NAME), "ThreadCount"),
                (Long) beans.getAttribute(
                        new ObjectName(ManagementFactory.OPERATING_SYSTEM_MXBEAN_NAME), "OpenFileDescriptorCount"),
                (Integer) beans.getAttribute(classes, "LoadedClassCount"),
                (Long) beans.getAttribute(classes, "UnloadedClassCount"),
                mounts(daemon),
                count(Path.of("/sys/class/net"), daemon),
                disk(daemon));
    }

    private static int mounts(Daemon daemon) throws Exception {
        try (Stream<String> lines = Files.lines(Path.of("/proc/" + daemon.pid() + "/mountinfo"))) {
            return (int) lines.filter(l -> l.contains(daemon.execRoot().toString())
                            || l.contains(daemon.dataRoot().toString()))
                    .count();
        }
    }

    private static int count(Path links, Daemon daemon) throws Exception {
        try (Stream<Path> all = Files.list(links.resolve(daemon.bridge()).resolve("brif"))) {
            return (int) all.count();
        }
    }

    private static long disk(Daemon daemon) throws Exception {
        String line = Outcome.of(
                        "du",
                        "--summarize",
                        "--block-size=1",
                        "--one-file-system",
                        daemon.dataRoot().toString())
                .out();
        return Long.parseLong(line.substring(0, line.indexOf('\t')));
    }

    private static DockerClient client(Daemon daemon) {
        DefaultDockerClientConfig config = DefaultDockerClientConfig.createDefaultConfigBuilder()
                .withDockerHost(daemon.host())
                .withDockerTlsVerify(false)
                .build();
        return DockerClientImpl.getInstance(
                config,
                new ZerodepDockerHttpClient.Builder()
                        .dockerHost(config.getDockerHost())
                        .maxConnections(SIDE_BY_SIDE * 2)
                        .build());
    }

    @SuppressWarnings("BanJNDI") // the address is that which the agent's own JVM has just given
    private static JMXConnector attach(Daemon daemon) throws Exception {
        VirtualMachine machine = VirtualMachine.attach(Long.toString(daemon.pid()));
        try {
            return JMXConnectorFactory.connect(new JMXServiceURL(machine.startLocalManagementAgent()));
        } finally {
            machine.detach();
        }
    }
}
