package dev.wharf.core.loop;

import dev.wharf.core.event.Event;
import dev.wharf.core.state.Host;
import dev.wharf.model.SubjectId;
import dev.wharf.spi.Driver;
import dev.wharf.spi.DriverException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Compares the world with what is known of it, at the start, on a slow beat and when there is a reason, and tidies up. */
final class Rounds {
    private static final Logger log = LoggerFactory.getLogger(Rounds.class);

    /** How long after a first look that found something the second one is taken. */
    private static final Duration SECOND_LOOK = Duration.ofSeconds(2);

    private final Survey survey;
    private final Workshop workshop;
    private final Sequencer sequencer;
    private final LostRecords lost;
    private final InstantSource clock;
    private final Duration patience;
    private final boolean first;
    private final Executor lanes;

    /** Rung when there is a reason to look at the world before the next beat. */
    private final BlockingQueue<Boolean> bell = new ArrayBlockingQueue<>(1);

    /** Whether what earlier lives left has been looked for, so that who comes now was not asked. */
    private volatile boolean swept;

    private volatile boolean over;

    /**
     * @param patience how long a survey waits to be judged
     * @param first whether the journal begins with this life
     */
    Rounds(
            Workshop workshop,
            Sequencer sequencer,
            LostRecords lost,
            InstantSource clock,
            Duration patience,
            boolean first,
            Executor lanes) {
        survey = new Survey(workshop);
        this.workshop = workshop;
        this.sequencer = sequencer;
        this.lost = lost;
        this.clock = clock;
        this.patience = patience;
        this.first = first;
        this.lanes = lanes;
    }

    /** Looks at the world at every beat and whenever the bell is rung, until {@link #close} or an interrupt. */
    void make(Duration beat) {
        while (!over) {
            try {
                bell.poll(beat.toMillis(), TimeUnit.MILLISECONDS);
                sweepStrays();
                compareTwice();
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException e) {
                log.error("a survey broke", e);
            }
        }
    }

    /** Has the next round made soon. */
    void ring() {
        bell.offer(true);
    }

    void close() {
        over = true;
    }

    /** What seems amiss is looked at twice, for it may only have been on its way; the number of differences. */
    int compareTwice() throws InterruptedException {
        if (survey.look().against(host(), clock.instant(), Set.of()).isEmpty()) {
            return 0;
        }
        Thread.sleep(SECOND_LOOK.toMillis());
        return compare();
    }

    int compare() {
        return compare(survey::look);
    }

    int compareProcesses() {
        return compare(survey::lookAtProcesses);
    }

    /** @param sure whether what is there is to be made whole as well, since rules may be missing that nobody counts */
    int compareNetworks(boolean sure) {
        return compare(() -> survey.lookAtNetworks(sure));
    }

    private int compare(Supplier<Survey.Findings> look) {
        Set<SubjectId> touched = sequencer.beginSurvey();
        Survey.Findings findings = look.get();
        CompletableFuture<Integer> judged = new CompletableFuture<>();
        sequencer.observe(List.of(), (host, now) -> {
            List<Event> differences = findings.against(host, now, touched);
            differences.forEach(Survey.Findings::tellOfLoss);
            judged.complete(differences.size());
            return differences;
        });
        int found = 0;
        try {
            found = judged.get(patience.toSeconds() + 1, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            log.warn("a survey was not judged in time");
        }
        sequencer.endSurvey(touched);
        return found;
    }

    /** Removes what earlier lives left with the drivers that are here. */
    void sweep() {
        swept = true;
        sweep(survey.orphans(host()));
    }

    /** Removes what earlier lives left with a driver that serves for the first time in this one. */
    void sweep(Driver driver) {
        if (swept) {
            sweep(survey.orphans(driver, this::host));
        }
    }

    /** Removes what a crash left, unless it may be what lost records tell of. */
    private void sweep(List<Survey.Orphan> orphans) {
        if (first && orphans.stream().anyMatch(Survey.Orphan::isOnDisk)) {
            lost.note(List.of("the journal was empty, and the data root was not"));
        }
        if (lost.spare(orphans)) {
            return;
        }
        List<Event> removed = Survey.sweep(orphans);
        if (!removed.isEmpty()) {
            sequencer.observe(List.of(), (host, now) -> removed);
        }
    }

    /** Removes blobs that were brought here and found no owner. */
    void sweepStrays() {
        if (over) {
            return;
        }
        try {
            Strays.Swept strays = workshop.strays.sweep(this::host, workshop.content());
            if (!strays.events().isEmpty()) {
                sequencer.observe(List.of(), (host, now) -> strays.events());
            }
            if (strays.again()) {
                CompletableFuture.delayedExecutor(SECOND_LOOK.toMillis(), TimeUnit.MILLISECONDS, lanes)
                        .execute(this::sweepStrays);
            }
        } catch (DriverException e) {
            log.debug(
                    "blobs without an owner stay for now reason={}", e.failure().message());
        }
    }

    private Host host() {
        return sequencer.view().host();
    }
}
