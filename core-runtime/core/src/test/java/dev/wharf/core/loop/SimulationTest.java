package dev.wharf.core.loop;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Thousands of histories, each from a seed. {@code -Dsim.seed=42} runs one alone and prints its story; {@code -Dsim.count} and
 * {@code -Dsim.steps} run more or longer ones; {@code -Dsim.tidy=true} with a seed is a history with housekeeping. Without a count the test ends after a while even where the machine is slow.
 */
class SimulationTest {
    private static final long COUNT = Long.getLong("sim.count", 4000);
    private static final int STEPS = Integer.getInteger("sim.steps", 400);
    private static final Duration WHILE =
            Long.getLong("sim.count") == null ? Duration.ofSeconds(30) : Duration.ofHours(1);

    @Test
    @Timeout(3700)
    void whateverHappensTheHostComesToRestAsItsJournalSays() {
        Long only = Long.getLong("sim.seed");
        if (only != null) {
            run(only, true, Boolean.getBoolean("sim.tidy"));
            return;
        }
        runAll(COUNT, WHILE, false);
    }

    @Test
    @Timeout(3700)
    void blobsThatRotAndCollectionsLoseNothingThatIsNeeded() {
        if (Long.getLong("sim.seed") == null) {
            runAll(COUNT / 4, WHILE.dividedBy(5), true);
        }
    }

    /** Histories know nothing of one another, so each processor runs its own. */
    private static void runAll(long count, Duration most, boolean tidy) {
        long began = System.nanoTime();
        AtomicLong seeds = new AtomicLong();
        AtomicLong done = new AtomicLong();
        List<CompletableFuture<Void>> runs = new ArrayList<>();
        for (int i = 0; i < Runtime.getRuntime().availableProcessors(); i++) {
            runs.add(CompletableFuture.runAsync(
                    () -> {
                        for (long seed = seeds.getAndIncrement();
                                seed < count && System.nanoTime() - began < most.toNanos();
                                seed = seeds.getAndIncrement()) {
                            run(seed, false, tidy);
                            done.incrementAndGet();
                        }
                    },
                    task -> new Thread(task, "simulation").start()));
        }
        runs.forEach(CompletableFuture::join);
        System.out.println("simulated " + done + " histories of " + STEPS + " steps in "
                + Duration.ofNanos(System.nanoTime() - began).toMillis() + " ms");
    }

    private static void run(long seed, boolean tell, boolean tidy) {
        Simulation simulation = tidy ? Simulation.tidy(seed) : new Simulation(seed);
        try {
            simulation.run(STEPS);
            if (tell) {
                simulation.story().forEach(System.out::println);
            }
        } catch (Throwable e) {
            List<String> story = simulation.story();
            story.subList(tell ? 0 : Math.max(0, story.size() - 40), story.size())
                    .forEach(System.out::println);
            throw new AssertionError(
                    "seed " + seed + " fails; run it alone with -Dsim.seed=" + seed + (tidy ? " -Dsim.tidy=true" : ""),
                    e);
        }
    }
}
