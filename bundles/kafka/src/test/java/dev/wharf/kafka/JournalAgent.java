package dev.wharf.kafka;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Follower;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.Command;
import dev.wharf.core.command.Decision;
import dev.wharf.core.event.Event;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.EventJournal.Entry;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Host;
import dev.wharf.model.Digest;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

/** As much of an agent as a publisher asks for, over a real journal and no host. Every batch counts as durable. */
final class JournalAgent {
    final EventJournal journal;
    final Map<String, Position> holds = new ConcurrentHashMap<>();
    private final List<Runnable> wakes = new ArrayList<>();
    private final Map<CommandId, Event> done = new ConcurrentHashMap<>();
    private final Executor sequencer = Executors.newSingleThreadExecutor(work -> {
        Thread thread = new Thread(work, "test-sequencer");
        thread.setDaemon(true);
        return thread;
    });
    private Host host = Host.EMPTY;

    JournalAgent(EventJournal journal) throws IOException {
        this(journal, true);
    }

    /** @param remembering whether it knows which commands were done, which takes memory for each there ever was */
    JournalAgent(EventJournal journal, boolean remembering) throws IOException {
        this.journal = journal;
        if (remembering) {
            remember();
        }
        this.host = fold(journal.end());
    }

    private void remember() throws IOException {
        try (EventJournal.Reader reader = journal.open(journal.origin())) {
            for (Optional<Entry> entry = reader.poll(); entry.isPresent(); entry = reader.poll()) {
                Batch batch = entry.get().batch();
                done.putIfAbsent(
                        batch.cause().command(),
                        batch.events().get(batch.events().size() - 1));
            }
        }
    }

    synchronized Position append(Batch batch) throws IOException {
        Position at = journal.append(batch);
        for (Event event : batch.events()) {
            host = event.apply(host);
        }
        wakes.forEach(Runnable::run);
        wakes.clear();
        return at;
    }

    synchronized Host host() {
        return host;
    }

    /** Judges and writes down, as an agent does; what would follow does not. A command that comes again is answered again. */
    synchronized CompletionStage<Event> submit(Command command, Cause cause) throws IOException {
        Event before = done.get(cause.command());
        if (before != null) {
            return CompletableFuture.completedStage(before);
        }
        Decision decision = command.decide(host, Instant.now());
        if (decision instanceof Decision.Refused refused) {
            return CompletableFuture.failedStage(new RefusedException(refused.refusal()));
        }
        List<Event> events = ((Decision.Accepted) decision).events();
        append(new Batch(cause, Instant.now(), events));
        done.put(cause.command(), events.get(events.size() - 1));
        return CompletableFuture.completedStage(events.get(events.size() - 1));
    }

    /** On a thread that nobody interrupts, as an agent's sequencer is: an interrupt would close the journal's file for good. */
    private CompletionStage<Event> later(Command command, Cause cause) {
        CompletableFuture<Event> answer = new CompletableFuture<>();
        sequencer.execute(() -> {
            try {
                submit(command, cause).whenComplete((event, trouble) -> {
                    if (trouble == null) {
                        answer.complete(event);
                    } else {
                        answer.completeExceptionally(trouble);
                    }
                });
            } catch (IOException | RuntimeException e) {
                answer.completeExceptionally(e);
            }
        });
        return answer;
    }

    /** Waits until everything that was submitted is done. */
    void rest() throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        sequencer.execute(done::countDown);
        done.await();
    }

    private Host fold(Position upTo) throws IOException {
        Host folded = Host.EMPTY;
        try (EventJournal.Reader reader = journal.open(journal.origin())) {
            for (Optional<Entry> entry = reader.poll();
                    entry.isPresent() && !entry.get().position().isAfter(upTo);
                    entry = reader.poll()) {
                for (Event event : entry.get().batch().events()) {
                    folded = event.apply(folded);
                }
            }
        }
        return folded;
    }

    Agent agent() {
        return (Agent) Proxy.newProxyInstance(
                Agent.class.getClassLoader(), new Class<?>[] {Agent.class}, (proxy, method, arguments) -> {
                    switch (method.getName()) {
                        case "host":
                            return host();
                        case "position":
                            return journal.end();
                        case "journal":
                            return new Agent.JournalFacts(
                                    journal.origin(),
                                    journal.end(),
                                    journal.end(),
                                    journal.head(),
                                    0,
                                    "os",
                                    Optional.empty(),
                                    Optional.empty(),
                                    Map.of());
                        case "follow":
                            return new Following((Position) arguments[0]);
                        case "submit":
                            return later((Command) arguments[0], (Cause) arguments[1]);
                        case "hostAt":
                            return fold((Position) arguments[0]);
                        case "hold":
                            holds.put((String) arguments[0], (Position) arguments[1]);
                            return null;
                        case "release":
                            holds.remove((String) arguments[0]);
                            return null;
                        default:
                            throw new UnsupportedOperationException(method.getName());
                    }
                });
    }

    private final class Following implements Follower {
        private final EventJournal.Reader reader;
        private final Deque<Moment> ready = new ArrayDeque<>();
        private Position seen;
        private Host folded;
        private int index;

        Following(Position after) throws IOException {
            reader = journal.open(after);
            seen = after;
            folded = fold(after);
        }

        @Override
        public Optional<Moment> poll() throws IOException {
            if (ready.isEmpty()) {
                Optional<Entry> entry = reader.poll();
                if (entry.isEmpty()) {
                    return Optional.empty();
                }
                int index = 0;
                Batch batch = entry.get().batch();
                for (Event event : batch.events()) {
                    Host before = folded;
                    folded = event.apply(before);
                    ready.add(new Moment(
                            entry.get().position(), index++, batch.cause(), batch.at(), event, before, folded));
                }
                seen = entry.get().position();
            }
            Optional<Moment> next = Optional.ofNullable(ready.poll());
            next.ifPresent(moment -> index = moment.index());
            return next;
        }

        @Override
        public Optional<byte[]> text() {
            return reader.text(index);
        }

        @Override
        public Digest head() {
            return reader.head();
        }

        @Override
        public void onMore(Runnable wake) {
            synchronized (JournalAgent.this) {
                if (ready.isEmpty() && !journal.end().isAfter(seen)) {
                    wakes.add(wake);
                    return;
                }
            }
            wake.run();
        }

        @Override
        public void close() {
            reader.close();
        }
    }
}
