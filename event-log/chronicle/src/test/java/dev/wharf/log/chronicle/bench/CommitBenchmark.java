package dev.wharf.log.chronicle.bench;

import dev.wharf.core.journal.EventJournal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
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
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What it costs to have an event acknowledged, encoded, appended and forced, when one asks and when many do.
 */
@State(Scope.Benchmark)
@BenchmarkMode({Mode.Throughput, Mode.SampleTime})
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 1, time = 3)
@Measurement(iterations = 2, time = 4)
@Fork(1)
public class CommitBenchmark {
    @Param({"chronicle", "file"})
    public String kind = "";

    @Param({"always", "os"})
    public String sync = "";

    private Path directory;
    private EventJournal journal;
    private Committer committer;
    private final AtomicInteger numbers = new AtomicInteger();

    @Setup
    public void open() throws IOException {
        directory =
                Files.createTempDirectory(Path.of(System.getProperty("journal.bench", "/var/tmp")), "journal-bench");
        journal = Histories.open(kind, directory);
        committer = new Committer(journal, sync.equals("always"));
    }

    @TearDown
    public void close() throws Exception {
        committer.close();
        journal.close();
        Histories.delete(directory);
    }

    private void commit() throws IOException, InterruptedException {
        int number = numbers.incrementAndGet();
        committer.commit(Histories.batch(number));
        if (number % 50_000 == 0) {
            // A host forgets, and the disk of who measures is small.
            synchronized (journal) {
                journal.trim(journal.end());
            }
        }
    }

    @Benchmark
    @Threads(1)
    public void oneCommitter() throws Exception {
        commit();
    }

    @Benchmark
    @Threads(8)
    public void eightCommitters() throws Exception {
        commit();
    }

    @Benchmark
    @Threads(64)
    public void sixtyFourCommitters() throws Exception {
        commit();
    }
}
