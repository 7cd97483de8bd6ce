package dev.wharf.kafka;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.log.codec.record.RecordJournal;
import dev.wharf.log.file.FileLog;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import dev.wharf.testkit.kafka.Broker;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * How fast a journal is published that grew while the brokers were away, and what it costs: the processor's time for each event,
 * here and in the broker, which other work on the machine hardly changes, and what is allocated. Run by hand with the class path
 * of the tests, an agent's flags ({@code -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx96m}), a folder to work in, and maybe how
 * many thousand events, a compression, and how often.
 */
final class CatchUpBenchmark {
    private CatchUpBenchmark() {}

    public static void main(String[] words) throws Exception {
        Path folder = Files.createDirectories(Path.of(words[0]));
        int count = words.length > 1 ? Integer.parseInt(words[1]) * 1000 : 400_000;
        String compression = words.length > 2 ? words[2] : "none";
        int times = words.length > 3 ? Integer.parseInt(words[3]) : 3;
        try (EventJournal journal = new RecordJournal(
                        new FileLog(new FileLog.Options(folder.resolve("journal"), "bench")), new EventCodec());
                Broker broker = Broker.start(folder.resolve("broker"))) {
            grow(journal, count);
            JournalAgent agent = new JournalAgent(journal, false);
            for (int i = 0; i < times; i++) {
                Settings settings = Topics.settings(broker.address(), "bench" + i, Map.of("compression", compression));
                publish(agent, settings, journal.end().sequence(), broker.pid());
            }
        }
    }

    private static void grow(EventJournal journal, int count) throws Exception {
        Actor actor = new Actor(Actor.Kind.PEER, "root", Map.of("uid", "0", "pid", "4711"));
        journal.append(new Batch(
                new Cause(CommandId.NONE, Optional.empty(), actor),
                Instant.now(),
                List.of(new HostEvent.Opened("0123456789abcdef", 1, "bench", Instant.now()))));
        for (int i = 0; i < 200; i++) {
            VolumeSpec spec = new VolumeSpec(
                    new VolumeName("volume-" + i), VolumeSpec.LOCAL, Map.of(), Map.of("team", "storage"), false);
            append(journal, actor, new VolumeEvent.Created(spec, Instant.now()));
        }
        for (int i = 0; i < count; i++) {
            append(
                    journal,
                    actor,
                    new VolumeEvent.Ready(
                            new VolumeName("volume-" + i % 200), Path.of("/var/lib/wharf/volumes/volume-" + i)));
        }
    }

    private static void append(EventJournal journal, Actor actor, Event event) throws Exception {
        journal.append(new Batch(
                new Cause(new CommandId("c-" + journal.end().sequence()), Optional.of(journal.end()), actor),
                Instant.now(),
                List.of(event)));
    }

    private static void publish(JournalAgent agent, Settings settings, long end, long broker) throws Exception {
        Gauges gauges = new Gauges();
        Meter meter = new Meter(broker);
        long begin = System.nanoTime();
        long first = 0;
        try (Publisher publisher = new Publisher(agent.agent(), settings, gauges, Optional::empty)) {
            publisher.start();
            while (gauges.getPosition() < end) {
                if (first == 0 && gauges.getPosition() > 0) {
                    first = System.nanoTime();
                }
                Thread.sleep(5);
                meter.look();
            }
        }
        long done = System.nanoTime();
        double events = gauges.getEvents();
        System.out.printf(
                "%.0f events in %d transactions, compression %s: %.0f events/s (%.0f after the first transaction);"
                        + " for each event %.1f us of processor here, %.1f us in the broker, %.0f bytes allocated%n",
                events,
                gauges.getTransactions(),
                settings.compression(),
                events * 1e9 / (done - begin),
                events * 1e9 / (done - first),
                meter.ours() / 1e3 / events,
                meter.theirs() / 1e3 / events,
                meter.allocated() / events);
        meter.threads().forEach((name, nanos) -> {
            if (nanos > 1e8) {
                System.out.printf("    %-40s %.1f us%n", name, nanos / 1e3 / events);
            }
        });
    }

    /** What this process and the broker's used since it was made. Threads are looked at while they live. */
    private static final class Meter {
        private final OperatingSystemMXBean system =
                (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        private final Map<Long, Long> bytes = new HashMap<>();
        private final Map<Long, Long> nanos = new HashMap<>();
        private final Map<Long, String> names = new HashMap<>();
        private final Map<Long, long[]> before = new HashMap<>();
        private final long broker;
        private final long ours = system.getProcessCpuTime();
        private final long theirs;

        Meter(long broker) {
            this.broker = broker;
            this.theirs = cpu(broker).toNanos();
            look();
            bytes.forEach((id, b) -> before.put(id, new long[] {b, nanos.getOrDefault(id, 0L)}));
        }

        private static Duration cpu(long pid) {
            return ProcessHandle.of(pid)
                    .flatMap(p -> p.info().totalCpuDuration())
                    .orElse(Duration.ZERO);
        }

        void look() {
            for (long id : threads.getAllThreadIds()) {
                long allocated = threads.getThreadAllocatedBytes(id);
                var info = threads.getThreadInfo(id);
                if (allocated >= 0 && info != null) {
                    bytes.put(id, allocated);
                    nanos.put(id, threads.getThreadCpuTime(id));
                    names.put(id, info.getThreadName());
                }
            }
        }

        long ours() {
            return system.getProcessCpuTime() - ours;
        }

        long theirs() {
            return cpu(broker).toNanos() - theirs;
        }

        double allocated() {
            return bytes.entrySet().stream()
                    .mapToLong(e -> e.getValue() - before.getOrDefault(e.getKey(), new long[2])[0])
                    .sum();
        }

        Map<String, Long> threads() {
            Map<String, Long> all = new TreeMap<>();
            nanos.forEach((id, n) -> all.merge(
                    names.get(id).replaceAll("[0-9a-f]{12}", "HOST"),
                    n - before.getOrDefault(id, new long[2])[1],
                    Long::sum));
            return all;
        }
    }
}
