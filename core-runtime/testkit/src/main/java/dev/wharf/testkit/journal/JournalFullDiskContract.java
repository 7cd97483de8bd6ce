package dev.wharf.testkit.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Batch;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What a journal does on a disk that is really full: a file system in memory with room for little, where a store to a page
 * that was never written ends a process by a signal. Needs root, for the mount.
 */
@Timeout(value = 1, unit = TimeUnit.MINUTES)
public abstract class JournalFullDiskContract<D> {
    private static final int BALLAST_BYTES = 1 << 20;

    private Path disk = Path.of(".");

    protected abstract JournalKit<D> kit();

    @BeforeEach
    void mount() throws IOException {
        assumeThat(Files.getAttribute(Path.of("/proc/self"), "unix:uid")).isEqualTo(0);
        disk = Files.createTempDirectory("wharf-full-");
        run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk.toString());
        Files.write(ballast(), new byte[BALLAST_BYTES]);
    }

    @AfterEach
    void unmount() throws IOException {
        if (!disk.equals(Path.of("."))) {
            run("umount", "-l", disk.toString());
            Files.delete(disk);
        }
    }

    private Path ballast() {
        return disk.resolve("ballast");
    }

    private EventJournal open() throws IOException {
        return kit().open(disk.resolve("journal"));
    }

    @Test
    public void aFullDiskRefusesBatchesAndALittleSpaceTakesThemAgain() throws IOException {
        List<Batch> kept = new ArrayList<>();
        Random chance = new Random(3);
        try (EventJournal journal = open()) {
            for (int round = 0; round < 3; round++) {
                IOException refusal = fill(journal, kept, chance);
                assertThat(refusal).hasMessageContaining("No space left");
                for (int i = 0; i < 20; i++) {
                    assertThatThrownBy(() -> journal.append(Batches.saying("x".repeat(50_000))))
                            .isInstanceOf(IOException.class)
                            .hasMessageContaining("No space left");
                }
                journal.sync();
                assertThat(Batches.read(journal).inOrder()).isEqualTo(kept);
                makeRoom(300_000);
                kept.add(Batches.saying("room again"));
                journal.append(kept.get(kept.size() - 1));
            }
            fill(journal, kept, chance);
        }
        try (EventJournal journal = open()) {
            assertThat(journal.recovery()).isEmpty();
            assertThat(Batches.read(journal).inOrder()).isEqualTo(kept);
            assertThat(journal.verify()).isEmpty();
        }
    }

    @Test
    public void aJournalThatFillsTheDiskByOthersHandsLosesNothing() throws IOException {
        List<Batch> kept = new ArrayList<>();
        Random chance = new Random(4);
        try (EventJournal journal = open()) {
            for (int i = 0; i < 50; i++) {
                kept.add(Batches.random(chance, 1000));
                journal.append(kept.get(i));
            }
            journal.sync();
            fillWithBallast();
            fill(journal, kept, chance);
            assertThat(Batches.read(journal).inOrder()).isEqualTo(kept);
            Files.delete(ballast());
            kept.add(Batches.saying("on"));
            journal.append(kept.get(kept.size() - 1));
            journal.sync();
            assertThat(Batches.read(journal).inOrder()).isEqualTo(kept);
            assertThat(journal.verify()).isEmpty();
        }
    }

    @Test
    public void aJournalOpensForReadingOnAFullDiskAndGoesOnWhenThereIsSpace() throws IOException {
        // What is in the way differs: a file to begin, space for a record, or nothing at all.
        for (int seed = 0; seed < 8; seed++) {
            layBallast();
            openAndGoOn(seed);
            JournalCrashContract.delete(disk.resolve("journal"));
        }
    }

    private void openAndGoOn(int seed) throws IOException {
        List<Batch> kept = new ArrayList<>();
        try (EventJournal journal = open()) {
            fill(journal, kept, new Random(seed));
        }
        fillWithBallast();
        try (EventJournal journal = open()) {
            assertThat(Batches.read(journal).inOrder()).isEqualTo(kept);
            fill(journal, kept, new Random(seed + 100));
            Files.delete(ballast());
            kept.add(Batches.saying("on"));
            journal.append(kept.get(kept.size() - 1));
            journal.sync();
        }
        try (EventJournal journal = open()) {
            assertThat(journal.recovery()).isEmpty();
            assertThat(Batches.read(journal).inOrder()).isEqualTo(kept);
        }
    }

    @Test
    public void aJournalThatWasNotClosedOpensForReadingOnAFullDiskAndGoesOnWhenThereIsSpace() throws IOException {
        List<Batch> kept = new ArrayList<>();
        try (EventJournal journal = open()) {
            for (int i = 0; i < 50; i++) {
                kept.add(Batches.saying("batch " + i));
                journal.append(kept.get(i));
            }
        }
        // Without this note it is as after a crash.
        Files.delete(disk.resolve("journal/clean"));
        fillWithBallast();
        try (EventJournal journal = open();
                EventJournal.Reader reader = journal.open(journal.origin())) {
            for (int i = 0; i < 30; i++) {
                assertThat(reader.poll().orElseThrow().batch()).isEqualTo(kept.get(i));
            }
            assertThat(Batches.read(journal).inOrder()).isEqualTo(kept);
            fill(journal, kept, new Random(6));
            Files.delete(ballast());
            kept.add(Batches.saying("on"));
            journal.append(kept.get(kept.size() - 1));
            journal.sync();
            for (int i = 30; i < kept.size(); i++) {
                assertThat(reader.poll().orElseThrow().batch()).isEqualTo(kept.get(i));
            }
            assertThat(reader.poll()).isEmpty();
        }
        try (EventJournal journal = open()) {
            assertThat(journal.recovery()).isEmpty();
            assertThat(Batches.read(journal).inOrder()).isEqualTo(kept);
            assertThat(journal.verify()).isEmpty();
        }
    }

    /** Appends until the journal refuses, and answers with what it said. */
    private static IOException fill(EventJournal journal, List<Batch> kept, Random chance) throws IOException {
        for (int i = 0; i < 100_000; i++) {
            Batch batch = Batches.random(chance, 3000);
            try {
                journal.append(batch);
            } catch (IOException e) {
                return e;
            }
            kept.add(batch);
        }
        throw new AssertionError("the disk takes everything");
    }

    private void makeRoom(int bytes) throws IOException {
        try (FileChannel file = FileChannel.open(ballast(), StandardOpenOption.WRITE)) {
            file.truncate(Math.max(0, file.size() - bytes));
        }
    }

    /** The file of a journal that was mapped gives its space back a moment after it is deleted. */
    private void layBallast() throws IOException {
        long end = System.nanoTime() + 10_000_000_000L;
        while (true) {
            try {
                Files.write(ballast(), new byte[BALLAST_BYTES]);
                return;
            } catch (IOException e) {
                if (System.nanoTime() > end) {
                    throw e;
                }
                LockSupport.parkNanos(20_000_000);
            }
        }
    }

    private void fillWithBallast() throws IOException {
        try (FileChannel file = FileChannel.open(ballast(), StandardOpenOption.WRITE, StandardOpenOption.APPEND)) {
            while (true) {
                file.write(ByteBuffer.allocate(4096));
            }
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("No space left");
        }
    }

    private static void run(String... words) throws IOException {
        Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes());
        try {
            if (process.waitFor() != 0) {
                throw new IOException(String.join(" ", words) + ": " + said);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
