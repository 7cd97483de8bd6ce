package dev.wharf.core.loop;

import dev.wharf.core.agent.FailedException;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.agent.Tracing;
import dev.wharf.core.command.Decision;
import dev.wharf.core.command.Refusal;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.journal.BatchTooLargeException;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.JournalFullException;
import dev.wharf.core.journal.Position;
import dev.wharf.core.journal.RecentBatches;
import dev.wharf.core.loop.Durability.Haste;
import dev.wharf.core.plan.Plan;
import dev.wharf.core.plan.Proposal;
import dev.wharf.core.plan.Step;
import dev.wharf.core.state.Host;
import dev.wharf.model.ContainerId;
import dev.wharf.model.LayerId;
import dev.wharf.model.SubjectId;
import dev.wharf.spi.Failure;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one writer: opens letters, judges them, writes down what follows, and sees what should happen next. It touches no device
 * but the journal. Everything here is owned by the thread that calls {@link #turn}, except the inbox and what is volatile.
 */
final class Sequencer {
    private static final Logger log = LoggerFactory.getLogger(Sequencer.class);

    /** More wishes than this at once are answered "not now", so that a flood ends at the door and not in memory. */
    private static final int WISHES = 4096;

    /** How many commands are remembered, so that one delivered twice is done once. */
    private static final int REMEMBERED = 16_384;

    /** How many of the last hosts are kept at hand; they share nearly everything. */
    private static final int HOSTS = 64;

    /** Plans that say something in every one of so many rounds contradict each other; that is a bug, and it must not loop. */
    private static final int ROUNDS = 10_000;

    /** What those hear who ask for changes while the journal finds no space. */
    static final String FULL =
            "no space left on device: nothing new begins until the disk of the journal has some; stopping and removing"
                    + " go on";

    /** How often it is looked whether there is space again; no event tells of it. */
    private static final long SPACE_BEAT_SECONDS = 1;

    private static final Cause OWN = new Cause(CommandId.NONE, Optional.empty(), Actor.WHARF);

    private final EventJournal journal;
    private final InstantSource clock;
    private final Lanes lanes;
    private final Timers timers;
    private final Durability durability;
    private final BlockingQueue<Letter> inbox = new LinkedBlockingQueue<>();

    /** Letters that come before those in the box: a letter leaves when it is written down, which may have to wait for space. */
    private final Deque<Letter> first = new ArrayDeque<>();

    private final Stopwatch turns = new Stopwatch();
    private final Stopwatch appends = new Stopwatch();

    private volatile View view;
    private volatile Tracing tracing = Tracing.OFF;
    private volatile Optional<String> closed = Optional.empty();
    private volatile boolean settling;
    private volatile boolean broken;
    private boolean full;

    /** The rungs that steps are on; by hand, two may be on one. */
    private final Map<SubjectId, List<String>> busy = new ConcurrentHashMap<>();

    private final Map<SubjectId, Cause> causes = new HashMap<>();

    /** By identity, for the same may be asked for twice at once. */
    private final Map<Step, CompletableFuture<Event>> acts = new IdentityHashMap<>();

    private final Map<SubjectId, Deque<Letter.Observation>> held = new HashMap<>();
    private final Set<SubjectId> dirty = new LinkedHashSet<>();
    private Position lastExit = Position.START;
    private final Set<SubjectId> awaiting = new LinkedHashSet<>();

    /** What was waited for long enough, though the clock, which was set back, says that it is still to come. */
    private final Map<SubjectId, Instant> reached = new HashMap<>();

    /** Rungs whose steps only ask. */
    private final Set<String> asking = new HashSet<>();

    /** Wishes that act and found no lane; they are judged anew when one comes back. */
    private final Deque<Letter.Wish> laneless = new ArrayDeque<>();

    private final Waiters waiters = new Waiters();
    private final Onlookers onlookers = new Onlookers();
    private final List<Set<SubjectId>> surveys = new ArrayList<>();
    private final Map<CommandId, CompletableFuture<Event>> remembered = remembering();

    private final RecentBatches<Host> hosts = new RecentBatches<>(HOSTS);

    /** A host and the position of the batch that made it so. */
    record View(Host host, Position position) {}

    Sequencer(
            EventJournal journal,
            InstantSource clock,
            Lanes lanes,
            Timers timers,
            Durability durability,
            Host host,
            Map<CommandId, Event> answered) {
        this.journal = journal;
        this.clock = clock;
        this.lanes = lanes;
        this.timers = timers;
        this.durability = durability;
        show(host, journal.end());
        answered.forEach((id, event) -> remembered.put(id, CompletableFuture.completedFuture(event)));
    }

    /** What is known of the commands that came last; of more than a flood of them, the first are forgotten. */
    static <T> Map<CommandId, T> remembering() {
        return new LinkedHashMap<>() {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<CommandId, T> eldest) {
                return size() > REMEMBERED;
            }
        };
    }

    View view() {
        return view;
    }

    void trace(Tracing by) {
        tracing = by;
    }

    int waiting() {
        return inbox.size();
    }

    /** The rungs of a subject that steps work on now. */
    Set<String> busy(SubjectId subject) {
        return Set.copyOf(busy.getOrDefault(subject, List.of()));
    }

    /** Puts a letter in the box; from any thread. */
    void post(Letter letter) {
        if (letter instanceof Letter.Wish wish) {
            Optional<String> why =
                    inbox.size() >= WISHES ? Optional.of("too many requests are waiting; try again") : closed;
            if (why.isPresent()) {
                wish.answer().completeExceptionally(refused(Refusal.Kind.UNAVAILABLE, why.get()));
                return;
            }
        }
        inbox.add(letter);
    }

    /** Puts in the box what was seen of some subjects; what it means is asked when it is their turn. */
    void observe(List<SubjectId> about, BiFunction<Host, Instant, List<Event>> meaning) {
        post(new Letter.Observation(about, meaning));
    }

    /** From now on wishes are refused with {@code why}; what is under way goes on. */
    void close(String why) {
        closed = Optional.of(why);
    }

    /** From now on plans are followed. Before, the host is only read and facts are only gathered. */
    void settle() {
        settling = true;
        post(new Letter.Errand(() -> {
            Host host = view.host();
            dirty.addAll(host.containers().keySet());
            dirty.addAll(host.kept().keySet());
            dirty.addAll(host.images().keySet());
            dirty.addAll(host.pulls().keySet());
            dirty.addAll(host.layers().keySet());
            dirty.addAll(host.networks().keySet());
            dirty.addAll(host.volumes().keySet());
            dirty.add(HostEvent.SELF);
        }));
    }

    /** Begins a survey: the set gathers every subject that is touched from now on, about which the survey says nothing. */
    Set<SubjectId> beginSurvey() {
        Set<SubjectId> touched = ConcurrentHashMap.newKeySet();
        touched.addAll(busy.keySet());
        post(new Letter.Errand(() -> {
            touched.addAll(busy.keySet());
            surveys.add(touched);
        }));
        return touched;
    }

    void endSurvey(Set<SubjectId> touched) {
        post(new Letter.Errand(() -> surveys.removeIf(s -> s == touched)));
    }

    /** Takes turns until interrupted. */
    void run() throws InterruptedException {
        while (true) {
            Letter letter = isHeldUp() ? inbox.poll(SPACE_BEAT_SECONDS, TimeUnit.SECONDS) : inbox.take();
            if (letter == null) {
                work();
            } else {
                turn(letter);
            }
        }
    }

    /** Takes a turn if a letter is there, or if one could not be written down for want of space. */
    boolean turnIfAny() {
        Letter letter = inbox.poll();
        if (letter == null) {
            boolean waits = isHeldUp();
            if (waits) {
                work();
            }
            return waits;
        }
        turn(letter);
        return true;
    }

    /** One turn: open a letter, judge it, write it down, and see what should happen next. */
    void turn(Letter letter) {
        if (letter instanceof Letter.Pulse pulse) {
            // A loop that waits for space on the disk is alive, so this does not stand behind what it cannot write.
            pulse.felt().complete(view.position());
            return;
        }
        if (broken && !(letter instanceof Letter.Wish) && !(letter instanceof Letter.Errand)) {
            // What cannot be written down must not lead to anything more; the next start finds it by looking.
            return;
        }
        if (letter instanceof Letter.Wish wish && isHeldUp()) {
            wish.answer().completeExceptionally(refused(Refusal.Kind.UNAVAILABLE, FULL));
            return;
        }
        first.add(letter);
        long began = System.nanoTime();
        work();
        turns.ended(began);
    }

    Stopwatch turns() {
        return turns;
    }

    Stopwatch appends() {
        return appends;
    }

    /** Opens every letter that is first, and follows. Where there is no space, all that was not written down stays as it was. */
    private void work() {
        try {
            while (!first.isEmpty()) {
                Letter letter = first.removeFirst();
                try {
                    open(letter);
                } catch (JournalFullException e) {
                    if (!(letter instanceof Letter.Wish)) {
                        first.addFirst(letter);
                    }
                    throw e;
                }
                release(letter);
            }
            if (settling && !broken) {
                follow();
            }
        } catch (JournalFullException e) {
            if (!full) {
                full = true;
                log.error("the journal has no space; refusing every change until there is some", e);
            }
        } catch (IOException e) {
            broken = true;
            first.clear();
            log.error("journal cannot be written; refusing every change until the agent is started again", e);
            close("the journal cannot be written: " + e.getMessage());
            failWaiters();
        }
    }

    /** Whether something that happened waits to be written down until there is space. */
    private boolean isHeldUp() {
        return full && !broken && !(first.isEmpty() && dirty.isEmpty());
    }

    /**
     * What was seen of a subject while a step was on it is opened next, now that its outcome is written down; and so is a wish
     * that waited for the step's lane.
     */
    private void release(Letter letter) {
        if (letter instanceof Letter.Outcome outcome) {
            Deque<Letter.Observation> waiting = held.remove(outcome.step().subject());
            while (waiting != null && !waiting.isEmpty()) {
                first.addFirst(waiting.removeLast());
            }
            if (!laneless.isEmpty() && lanes.hasRoom()) {
                first.addLast(laneless.removeFirst());
            }
        }
    }

    private void open(Letter letter) throws IOException {
        if (letter instanceof Letter.Wish wish) {
            judge(wish);
        } else if (letter instanceof Letter.Outcome outcome) {
            record(outcome);
        } else if (letter instanceof Letter.Alarm alarm) {
            dirty.add(alarm.subject());
            if (alarm.at().isAfter(clock.instant())) {
                reached.put(alarm.subject(), alarm.at());
            }
        } else if (letter instanceof Letter.Observation observation) {
            take(observation);
        } else if (letter instanceof Letter.Errand errand) {
            errand.errand().run();
        }
    }

    /** Whether the journal could not be written, after which nothing is changed any more. */
    boolean isBroken() {
        return broken;
    }

    private void judge(Letter.Wish wish) throws IOException {
        if (broken) {
            wish.answer().completeExceptionally(refused(Refusal.Kind.UNAVAILABLE, "the journal cannot be written"));
            return;
        }
        CommandId id = wish.cause().command();
        CompletableFuture<Event> before = id.mayComeAgain() ? remembered.get(id) : null;
        if (before != null) {
            before.whenComplete((event, trouble) -> {
                if (trouble == null) {
                    wish.answer().complete(event);
                } else {
                    wish.answer().completeExceptionally(trouble);
                }
            });
            return;
        }
        if (!wish.command().letsGo() && !journal.hasRoom()) {
            wish.answer().completeExceptionally(refused(Refusal.Kind.UNAVAILABLE, FULL));
            return;
        }
        Decision decision;
        try (Tracing.Work span = tracing.decision(wish.command(), wish.cause())) {
            decision = wish.command().decide(view.host(), clock.instant());
            if (decision instanceof Decision.Refused refused) {
                span.failed(refused.refusal().message());
            }
        } catch (RuntimeException e) {
            log.error(
                    "command cannot be judged command={}",
                    wish.command().getClass().getSimpleName(),
                    e);
            wish.answer().completeExceptionally(e);
            return;
        }
        if (decision instanceof Decision.Refused refused) {
            // A refusal changes nothing, so it is true once everything before it is; nobody need wait for the disk.
            wish.answer().completeExceptionally(new RefusedException(refused.refusal()));
            return;
        }
        if (id.mayComeAgain()) {
            remembered.put(id, wish.answer());
        }
        if (decision instanceof Decision.Acted acted) {
            causes.put(acted.step().subject(), wish.cause());
            acts.put(acted.step(), wish.answer());
            if (!begin(acted.step())) {
                acts.remove(acted.step());
                remembered.remove(id);
                laneless.add(wish);
            }
            return;
        }
        Decision.Accepted accepted = (Decision.Accepted) decision;
        Waiters.Waiter waiter = waiters.add(accepted, wish.answer());
        Position at;
        try {
            at = commit(wish.cause(), accepted.events());
        } catch (JournalFullException e) {
            takeBack(waiter, id, refused(Refusal.Kind.UNAVAILABLE, FULL));
            throw e;
        } catch (BatchTooLargeException e) {
            takeBack(waiter, id, refused(Refusal.Kind.INVALID, tooLarge(e)));
            return;
        }
        Cause because = new Cause(id, Optional.of(at), wish.cause().actor());
        accepted.events().forEach(e -> causes.put(e.subject(), because));
    }

    private void takeBack(Waiters.Waiter waiter, CommandId id, RefusedException why) {
        waiters.remove(waiter);
        remembered.remove(id);
        waiter.answer().completeExceptionally(why);
    }

    private static String tooLarge(BatchTooLargeException e) {
        return "this is more than can be written down at once (" + e.getMessage()
                + "): labels, environment and the like must be shorter";
    }

    private void record(Letter.Outcome told) throws IOException {
        Step step = told.step();
        SubjectId subject = step.subject();
        Cause cause = causes.getOrDefault(subject, OWN);
        Letter.Outcome outcome = told;
        Position at;
        try {
            at = commit(cause, List.of(outcome.event()));
        } catch (BatchTooLargeException e) {
            // As with an image whose configuration is larger than any that is real.
            Failure why = new Failure(Failure.Kind.INVALID, tooLarge(e));
            outcome = new Letter.Outcome(step, step.failed(why, clock.instant()), true);
            at = commit(cause, List.of(outcome.event()));
        }
        vacate(step);
        dirty.add(subject);
        CompletableFuture<Event> answer = acts.remove(step);
        if (answer != null) {
            Event event = outcome.event();
            boolean failed = outcome.failed();
            durability.whenDurable(at, () -> {
                if (failed) {
                    answer.completeExceptionally(new FailedException(failure(event)));
                } else {
                    answer.complete(event);
                }
            });
        }
    }

    private static Failure failure(Event event) {
        if (event.trouble().isPresent()) {
            return event.trouble().get();
        }
        if (event instanceof ContainerEvent.ExecExited exec) {
            // It ended before it began, as a command does that its container cannot run.
            return new Failure(Failure.Kind.INVALID, exec.reason());
        }
        Map<String, String> details = event instanceof ContainerEvent.Noted n
                ? n.details()
                : event instanceof dev.wharf.core.event.ImageEvent.Noted i ? i.details() : Map.of();
        return new Failure(
                Failure.Kind.valueOf(details.getOrDefault("kind", Failure.Kind.FAILED.name())),
                details.getOrDefault("reason", "it did not work"));
    }

    /** What is seen of a subject waits behind its steps in flight, so that no exit is told before its start. */
    private void take(Letter.Observation observation) throws IOException {
        for (SubjectId subject : observation.about()) {
            if (isChanging(subject)) {
                held.computeIfAbsent(subject, s -> new ArrayDeque<>()).add(observation);
                return;
            }
        }
        List<Event> events = observation.meaning().apply(view.host(), clock.instant());
        if (!events.isEmpty()) {
            Cause cause = observation.about().size() == 1
                    ? causes.getOrDefault(observation.about().get(0), OWN)
                    : OWN;
            durability.appended(commitApart(cause, events), Haste.NOW);
        }
    }

    /** In as many batches as it takes: what is seen of a large host, as after a boot, may be more than one holds. */
    private Position commitApart(Cause cause, List<Event> events) throws IOException {
        try {
            return commit(cause, events);
        } catch (BatchTooLargeException e) {
            int half = events.size() / 2;
            if (half == 0) {
                throw e;
            }
            commitApart(cause, events.subList(0, half));
            return commitApart(cause, events.subList(half, events.size()));
        }
    }

    /** Whether a step is under way that may change the subject; one that only asks changes nothing. */
    private boolean isChanging(SubjectId subject) {
        return busy.getOrDefault(subject, List.of()).stream().anyMatch(rung -> !asking.contains(rung));
    }

    /** Writes events down and makes them so. A bug in the fold shows here, before anything is written. */
    private Position commit(Cause cause, List<Event> events) throws IOException {
        Host before = view.host();
        Host after = before;
        Set<SubjectId> changed = new LinkedHashSet<>();
        for (Event event : events) {
            changed.add(event.subject());
            changed.addAll(event.touches(after));
            after = event.apply(after);
        }
        dirty.addAll(changed);
        for (Set<SubjectId> touched : surveys) {
            events.forEach(e -> touched.add(e.subject()));
        }
        long began = System.nanoTime();
        Position at;
        try (Tracing.Writing writing = tracing.writing(events, cause)) {
            at = journal.append(new Batch(cause, clock.instant(), events));
            writing.lieAt(at);
        }
        appends.ended(began);
        if (full) {
            full = false;
            log.info("the journal has space again");
        }
        show(after, at);
        onlookers.tell(changed, after);
        List<Waiters.Answered> answers = waiters.answered(events, changed, after);
        answers.forEach(answered -> tell(answered, at));
        boolean awaited = events.stream().anyMatch(e -> isAwaited(e, before));
        if (events.stream().anyMatch(ContainerEvent.Exited.class::isInstance)) {
            lastExit = at;
        }
        boolean matters = events.stream().anyMatch(e -> !(e instanceof ContainerEvent.Probed));
        durability.appended(at, !answers.isEmpty() || awaited ? Haste.NOW : matters ? Haste.SOON : Haste.WHENEVER);
        return at;
    }

    private void show(Host host, Position at) {
        view = new View(host, at);
        hosts.put(at, host);
    }

    /** The host as it was at one of the last positions, which followers begin from all the time. */
    Optional<Host> recent(Position position) {
        return hosts.at(position);
    }

    /**
     * Whether somebody waits for an event who did not ask for it: whoever ran a container, for its end, or until it is gone
     * where it goes by itself, or until what others may miss of it is free; and the resolver of networks with names, for a
     * sandbox, because it has to be heard there before the process asks.
     */
    private static boolean isAwaited(Event event, Host before) {
        return event instanceof ContainerEvent.Removed
                || event instanceof ContainerEvent.Exited
                || event instanceof ContainerEvent.EndpointDetached left && isInTheWay(left.container(), before)
                || event instanceof ContainerEvent.SandboxCreated made && hasNames(made.container(), before);
    }

    private static boolean isInTheWay(ContainerId id, Host host) {
        return host.container(id).filter(c -> !host.isOutOfTheWay(c)).isPresent();
    }

    private static boolean hasNames(ContainerId id, Host host) {
        return host.container(id).stream()
                .flatMap(c -> c.places().keySet().stream())
                .flatMap(network -> host.network(network).stream())
                .anyMatch(network -> !network.spec().predefined());
    }

    /** A batch that changes nothing, such as a checkpoint, was appended between turns. */
    void passed(Position at) {
        show(view.host(), at);
        durability.appended(at, Haste.NOW);
    }

    /** Does {@code then} once the host is {@code so}, now or later; see {@link dev.wharf.core.agent.Agent#when}. */
    void when(SubjectId about, Predicate<Host> so, Runnable then) {
        onlookers.when(about, so, then, () -> view.host());
    }

    private void tell(Waiters.Answered answered, Position at) {
        durability.whenDurable(at, () -> {
            Optional<Failure> trouble = answered.event().trouble();
            if (trouble.isPresent()) {
                answered.answer().completeExceptionally(new FailedException(trouble.get()));
            } else {
                answered.answer().complete(answered.event());
            }
        });
    }

    private void settle(SubjectId subject) {
        waiters.settled(subject).forEach(answered -> tell(answered, view.position()));
    }

    /** Asks the plans of whatever changed, and of whatever waits for something else to change, until nothing follows. */
    private void follow() throws IOException {
        Set<SubjectId> round = new LinkedHashSet<>(dirty);
        round.addAll(awaiting);
        dirty.clear();
        int rounds = 0;
        while (!round.isEmpty()) {
            if (++rounds > ROUNDS) {
                throw new IllegalStateException("plans never come to an end: " + round);
            }
            try {
                for (SubjectId subject : round) {
                    follow(subject);
                }
            } catch (JournalFullException e) {
                dirty.addAll(round);
                throw e;
            }
            round = new LinkedHashSet<>(dirty);
            if (!round.isEmpty()) {
                round.addAll(awaiting);
            }
            dirty.clear();
        }
    }

    private void follow(SubjectId subject) throws IOException {
        Instant now = clock.instant();
        Set<String> rungs = busy(subject);
        Proposal proposal = Plan.of(subject).next(view.host(), now, rungs);
        Instant past = reached.get(subject);
        if (past != null && proposal.wakeAt().equals(Optional.of(past))) {
            proposal = Plan.of(subject).next(view.host(), past, rungs);
        } else {
            reached.remove(subject);
        }
        awaiting.remove(subject);
        if (!proposal.says().isEmpty()) {
            try {
                commit(causes.getOrDefault(subject, OWN), proposal.says());
                dirty.add(subject);
            } catch (BatchTooLargeException e) {
                // Hardly ever, as what a plan says was written down before in other words; others go on.
                dirty.remove(subject);
                log.error("what a plan says is more than the journal takes subject={}", subject, e);
            }
            return;
        }
        boolean begun = !rungs.isEmpty();
        for (Step step : proposal.steps()) {
            begun |= begin(step);
        }
        proposal.wakeAt().ifPresent(at -> timers.set(subject, at));
        if (proposal.rests()) {
            causes.remove(subject);
            if (rungs.isEmpty() && !(subject instanceof LayerId)) {
                settle(subject);
            }
        } else if (!begun && proposal.wakeAt().isEmpty()) {
            awaiting.add(subject);
        }
    }

    /**
     * Begins a step. What it destroys must be unwanted for good: were the wish lost with the power, its subject would come back
     * without what it held. What it only clears away after an exit must not take the processor from those who tell of it.
     */
    private boolean begin(Step step) {
        Runnable later = () -> post(new Letter.Errand(() -> {
            if (!lanes.begin(step, cause(step), this::post)) {
                vacate(step);
                dirty.add(step.subject());
            }
        }));
        if (step.destroys()) {
            durability.whenDurable(view.position(), later);
        } else if (!step.tidies() || !durability.afterTold(lastExit, later)) {
            return beginNow(step);
        }
        occupy(step);
        return true;
    }

    private boolean beginNow(Step step) {
        if (!lanes.begin(step, cause(step), this::post)) {
            return false;
        }
        occupy(step);
        return true;
    }

    private Cause cause(Step step) {
        return causes.getOrDefault(step.subject(), OWN);
    }

    private void occupy(Step step) {
        if (step.asks()) {
            asking.add(step.rung());
        }
        busy.computeIfAbsent(step.subject(), s -> new CopyOnWriteArrayList<>()).add(step.rung());
    }

    private void vacate(Step step) {
        busy.computeIfPresent(step.subject(), (s, rungs) -> {
            rungs.remove(step.rung());
            return rungs.isEmpty() ? null : rungs;
        });
    }

    private void failWaiters() {
        waiters.clear()
                .forEach(answer -> answer.completeExceptionally(
                        refused(Refusal.Kind.UNAVAILABLE, "the journal cannot be written")));
        acts.values()
                .forEach(a ->
                        a.completeExceptionally(refused(Refusal.Kind.UNAVAILABLE, "the journal cannot be written")));
        acts.clear();
        laneless.forEach(wish -> wish.answer()
                .completeExceptionally(refused(Refusal.Kind.UNAVAILABLE, "the journal cannot be written")));
        laneless.clear();
    }

    /** Whether nothing is under way and nothing waits: every plan rests. */
    boolean isQuiet() {
        return inbox.isEmpty()
                && first.isEmpty()
                && laneless.isEmpty()
                && busy.isEmpty()
                && awaiting.isEmpty()
                && dirty.isEmpty();
    }

    /** Subjects that wait for something else to change; for the simulation's last look. */
    Set<SubjectId> awaiting() {
        return new HashSet<>(awaiting);
    }

    private static RefusedException refused(Refusal.Kind kind, String message) {
        return new RefusedException(new Refusal(kind, message));
    }
}
