package dev.wharf.core.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import dev.wharf.core.loop.Durability.Haste;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class CommitterTest {
    private final SimWorld world = new SimWorld(new Random(1));
    private final SimJournal journal = new SimJournal(world);
    private final AtomicInteger forces = new AtomicInteger();
    private final CompletableFuture<IOException> broken = new CompletableFuture<>();
    private final Forced forced = new Forced();
    private final Committer committer = new Committer(forced, true, broken::complete);
    private volatile boolean diskFails;

    /** The journal with its forces counted. */
    private final class Forced extends Delegate {
        Forced() {
            super(journal);
        }

        @Override
        public void sync() throws IOException {
            forces.incrementAndGet();
            if (diskFails) {
                throw new IOException("disk is gone");
            }
            super.sync();
        }
    }

    @AfterEach
    void close() {
        committer.close();
    }

    private Position append() throws IOException {
        world.stormy = false;
        return journal.append(
                new Batch(new Cause(CommandId.NONE, Optional.empty(), Actor.WHARF), Instant.EPOCH, List.of()));
    }

    private CompletableFuture<Position> durable(Position at) {
        CompletableFuture<Position> told = new CompletableFuture<>();
        committer.whenDurable(at, () -> told.complete(at));
        return told;
    }

    @Test
    void anAnswerComesAfterTheForceThatCoversIt() throws Exception {
        committer.start();
        Position at = append();
        committer.appended(at, Haste.NOW);
        durable(at).get(5, TimeUnit.SECONDS);
        assertThat(forces.get()).isPositive();
        assertThat(committer.durable()).isEqualTo(at);
    }

    @Test
    void anAnswerThatIsAskedForBeforeItsBatchIsToldOfComesToo() throws Exception {
        committer.start();
        Position at = append();
        CompletableFuture<Position> answer = durable(at);
        Thread.sleep(50);
        assertThat(answer.isDone()).isFalse();
        assertThat(forces.get()).isZero();
        committer.appended(at, Haste.WHENEVER);
        assertThat(answer.get(30, TimeUnit.SECONDS)).isEqualTo(at);
        assertThat(forces.get()).isEqualTo(1);
    }

    @Test
    void manyAnswersShareAForce() throws Exception {
        List<CompletableFuture<Position>> answers = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            Position at = append();
            committer.appended(at, Haste.NOW);
            answers.add(durable(at));
        }
        committer.start();
        for (CompletableFuture<Position> answer : answers) {
            answer.get(5, TimeUnit.SECONDS);
        }
        assertThat(forces.get()).isLessThan(5);
    }

    @Test
    void whatWouldNotBeMissedWaitsLongerThanWhatIsWatched() throws Exception {
        committer.start();
        CompletableFuture<Void> woken = new CompletableFuture<>();
        committer.onDurable(committer.durable(), () -> woken.complete(null));
        committer.appended(append(), Haste.WHENEVER);
        Thread.sleep(200);
        assertThat(woken.isDone()).isFalse();
        assertThat(forces.get()).isZero();
        committer.appended(append(), Haste.SOON);
        woken.get(500, TimeUnit.MILLISECONDS);
        assertThat(committer.durable()).as("it rode along").isEqualTo(journal.end());
        committer.appended(append(), Haste.WHENEVER);
        CompletableFuture<Void> late = new CompletableFuture<>();
        committer.onDurable(committer.durable(), () -> late.complete(null));
        late.get(5, TimeUnit.SECONDS);
    }

    @Test
    void whatComesAfterTheTellingComesAfterAnswersAndFollowers() throws Exception {
        List<String> order = Collections.synchronizedList(new ArrayList<>());
        Position at = append();
        committer.appended(at, Haste.NOW);
        CompletableFuture<Void> tidied = new CompletableFuture<>();
        assertThat(committer.afterTold(at, () -> {
                    order.add("tidied");
                    tidied.complete(null);
                }))
                .isTrue();
        committer.onDurable(committer.durable(), () -> order.add("woken"));
        committer.whenDurable(at, () -> order.add("answered"));
        committer.start();
        tidied.get(30, TimeUnit.SECONDS);
        assertThat(order).containsExactly("answered", "woken", "tidied");
        assertThat(committer.afterTold(at, () -> order.add("never")))
                .as("all were told")
                .isFalse();
    }

    @Test
    void aForceThatFailsAnswersNobodyAndIsTold() throws Exception {
        diskFails = true;
        committer.start();
        Position at = append();
        committer.appended(at, Haste.NOW);
        CompletableFuture<Position> answer = durable(at);
        assertThat(broken.get(5, TimeUnit.SECONDS)).hasMessageContaining("disk is gone");
        assertThat(answer.isDone()).isFalse();
        assertThat(committer.durable()).isEqualTo(Position.START);
    }

    @Test
    void theEndMakesEverythingDurable() throws Exception {
        committer.start();
        List<Position> told = Collections.synchronizedList(new ArrayList<>());
        committer.appended(append(), Haste.WHENEVER);
        committer.onDurable(committer.durable(), () -> told.add(committer.durable()));
        committer.close();
        assertThat(told).containsExactly(journal.end());
    }
}
