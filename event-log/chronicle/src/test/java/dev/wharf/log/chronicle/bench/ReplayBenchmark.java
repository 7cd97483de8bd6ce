package dev.wharf.log.chronicle.bench;

import dev.wharf.core.event.Event;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Host;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a start has to wait for: open a journal of 100,000 events that was closed cleanly, read and decode every one, and fold
 * the host. Cold, in a JVM that has just started and with the flags of the agent's, and warm.
 */
@State(Scope.Benchmark)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class ReplayBenchmark {
    private static final int EVENTS = 100_000;

    @Param({"chronicle", "file"})
    public String kind = "";

    private Path directory;

    @Setup
    public void write() throws IOException {
        directory =
                Files.createTempDirectory(Path.of(System.getProperty("journal.bench", "/var/tmp")), "journal-bench");
        // By another JVM, or writing would warm this one up.
        Process writer = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElse("java"),
                        "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
                        "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Writer.class.getName(),
                        kind,
                        directory.toString())
                .inheritIO()
                .start();
        try {
            if (writer.waitFor() != 0) {
                throw new IOException("the journal cannot be written");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @TearDown
    public void delete() throws IOException {
        Histories.delete(directory);
    }

    /** Writes the journal that is read. */
    public static final class Writer {
        private Writer() {}

        public static void main(String[] words) throws IOException {
            try (EventJournal journal = Histories.open(words[0], Path.of(words[1]))) {
                Histories.write(journal, EVENTS);
            }
        }
    }

    private int replay() throws IOException {
        try (EventJournal journal = Histories.open(kind, directory)) {
            Host host = Host.EMPTY;
            try (EventJournal.Reader reader = journal.open(Position.START)) {
                for (var entry = reader.poll(); entry.isPresent(); entry = reader.poll()) {
                    for (Event event : entry.get().batch().events()) {
                        host = event.apply(host);
                    }
                }
            }
            return host.containers().size();
        }
    }

    @Benchmark
    @BenchmarkMode(Mode.SingleShotTime)
    @Fork(
            value = 5,
            jvmArgsAppend = {"-XX:TieredStopAtLevel=1", "-Xms16m", "-Xmx96m"})
    @Warmup(iterations = 0)
    @Measurement(iterations = 1)
    public int cold() throws IOException {
        return replay();
    }

    @Benchmark
    @BenchmarkMode(Mode.AverageTime)
    @Fork(1)
    @Warmup(iterations = 3, time = 2)
    @Measurement(iterations = 3, time = 2)
    public int warm() throws IOException {
        return replay();
    }
}
