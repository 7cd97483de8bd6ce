package dev.wharf.testkit.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.Position;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What a journal keeps when the power goes. Each seed writes a journal, cuts the power at some moment, opens what is left,
 * writes on, cuts the power again, and looks twice more. Nothing acknowledged may be lost, torn or invisible, after any
 * number of restarts.
 *
 * <p>{@code -Djournal.seeds=10000} runs more, {@code -Djournal.seed=42} runs one. A slow machine runs as many as it can in a
 * minute, and a thousand at least.
 */
public abstract class JournalCrashContract<D> {
    private static final long ENOUGH_SECONDS = 60;
    private static final int ENOUGH_SEEDS = 1000;

    protected abstract JournalKit<D> kit();

    /** How many seeds fit into the build; each makes two crash images or more. */
    protected abstract int seeds();

    @Test
    @Timeout(value = 10, unit = TimeUnit.MINUTES)
    public void nothingAcknowledgedIsLostTornOrInvisibleAfterPowerCuts() throws IOException {
        int only = Integer.getInteger("journal.seed", -1);
        int from = only < 0 ? 0 : only;
        int to = only < 0 ? Integer.getInteger("journal.seeds", seeds()) : only + 1;
        boolean asked = only >= 0 || Integer.getInteger("journal.seeds") != null;
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(ENOUGH_SECONDS);
        int images = 0;
        int seed = from;
        for (; seed < to && (asked || seed < ENOUGH_SEEDS || System.nanoTime() < end); seed++) {
            try {
                images += new History(seed).run();
            } catch (IOException | RuntimeException | Error e) {
                throw new AssertionError("seed " + seed + " fails; run it alone with -Djournal.seed=" + seed, e);
            }
        }
        System.out.println(
                getClass().getSimpleName() + ": " + images + " crash images of seeds " + from + " to " + (seed - 1));
    }

    /** What was written in all lives, and what of it may not be missing. */
    private final class History {
        private final Random chance;
        private final Path work;
        private final TreeMap<Long, Batch> written = new TreeMap<>();
        private long acknowledged;
        private long trimmed;

        History(int seed) throws IOException {
            chance = new Random(seed * 0x9E3779B97F4A7C15L + 1);
            work = InMemory.create();
        }

        int run() throws IOException {
            try {
                Path here = Files.createDirectory(work.resolve("life-0"));
                int lives = 2 + chance.nextInt(2);
                int images = 0;
                for (int life = 1; life <= lives; life++) {
                    Path next = Files.createDirectory(work.resolve("life-" + life));
                    images += live(here, next, life);
                    here = next;
                }
                settle(here);
                return images;
            } finally {
                delete(work);
            }
        }

        /** Opens, checks, writes for a while, and loses its power; what is left is in {@code next}. */
        private int live(Path here, Path next, int life) throws IOException {
            Volatile<D> power = new Volatile<>(here, kit().diskType(), kit().disk());
            if (life > 1 && chance.nextInt(3) == 0) {
                // In the middle of the mending, or soon after.
                power.cutAfter(chance.nextInt(40));
            }
            EventJournal journal;
            try {
                journal = kit().open(here, power.disk());
            } catch (Volatile.PowerCut e) {
                power.crashTo(next, chance);
                return 1;
            }
            try {
                check(journal);
                write(journal, chance.nextInt(life == 1 ? 60 : 12));
                if (chance.nextInt(8) == 0) {
                    journal.close();
                    acknowledged = written.isEmpty() ? 0 : written.lastKey();
                }
            } catch (Volatile.PowerCut e) {
                // As planned.
            }
            power.crashTo(next, chance);
            power.cutAfter(Long.MAX_VALUE);
            close(journal);
            return 1;
        }

        private void write(EventJournal journal, int steps) throws IOException {
            for (int i = 0; i < steps; i++) {
                Batch batch = Batches.random(chance, chance.nextInt(10) == 0 ? 12_000 : 700);
                // Known before it is tried: a power cut in the middle may still leave it whole.
                written.put(journal.end().sequence() + 1, batch);
                journal.append(batch);
                if (chance.nextInt(3) > 0) {
                    journal.sync();
                    acknowledged = journal.end().sequence();
                }
                if (acknowledged > 0 && chance.nextInt(20) == 0) {
                    long to = 1 + chance.nextInt((int) acknowledged);
                    trimmed = Math.max(trimmed, to - 1);
                    journal.trim(new Position(to));
                }
            }
        }

        /** What must be there is, and what is there was written. Then the journal is what it is from now on. */
        private void check(EventJournal journal) throws IOException {
            Batches.Contents contents = Batches.read(journal);
            assertThat(contents.damaged()).isEmpty();
            assertThat(journal.end().sequence()).isGreaterThanOrEqualTo(acknowledged);
            assertThat(journal.origin().sequence()).isLessThanOrEqualTo(trimmed);
            for (Map.Entry<Long, Batch> entry : contents.batches().entrySet()) {
                assertThat(entry.getValue()).isEqualTo(written.get(entry.getKey()));
            }
            assertThat(contents.batches().keySet())
                    .containsAll(
                            written.subMap(trimmed, false, acknowledged, true).keySet());
            assertThat(journal.verify()).isEmpty();
            // Whoever read these records decides by them, so they may not go any more either.
            acknowledged = journal.end().sequence();
            written.tailMap(acknowledged, false).clear();
        }

        /** No more accidents: what was there is there again after clean ends. */
        private void settle(Path here) throws IOException {
            try (EventJournal journal = kit().open(here)) {
                check(journal);
                write(journal, 3);
                journal.sync();
                acknowledged = journal.end().sequence();
            }
            try (EventJournal journal = kit().open(here)) {
                assertThat(journal.recovery()).isEmpty();
                check(journal);
                assertThat(journal.end().sequence()).isEqualTo(acknowledged);
            }
        }
    }

    /** Lets go of files and mappings; the images are taken already. */
    private static void close(EventJournal journal) {
        try {
            journal.close();
        } catch (IOException | RuntimeException | Error e) {
            // It was cut off in the middle of something.
        }
    }

    static void delete(Path directory) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }
}
