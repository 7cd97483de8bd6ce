package dev.wharf.core.loop;

import dev.wharf.core.agent.FailedException;
import dev.wharf.core.agent.Fleet;
import dev.wharf.core.agent.PluginStore;
import dev.wharf.core.agent.Refusals;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.Command;
import dev.wharf.core.command.DriverCommand;
import dev.wharf.core.command.Refusal;
import dev.wharf.core.event.DriverEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.state.DriverBinding;
import dev.wharf.core.state.Host;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.spi.Driver;
import dev.wharf.spi.Driver.Format;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Drivers as they come and go. Whoever comes is asked, on a thread of its own and within a deadline, who it is, whether it can
 * work here, and whether it finds everything that is known to be there. Only then do callers wait, for the moment in which the
 * one that served is drained and the new one looks again. Whatever goes wrong, the one that served goes on.
 */
final class Swaps implements Fleet {
    private static final Logger log = LoggerFactory.getLogger(Swaps.class);

    private static final Cause OWN = new Cause(CommandId.NONE, Optional.empty(), Actor.WHARF);

    /** How many of those that were turned away are remembered for people. */
    private static final int MOST_REMEMBERED = 32;

    /** How long a calling thread has to come out once it was interrupted. */
    private static final Duration GRACE = Duration.ofSeconds(2);

    /** A beat of the watch over drivers that takes longer than this was no beat, but a halt of everything. */
    private static final Duration PAUSE = Duration.ofSeconds(10);

    /**
     * How long each may take.
     *
     * @param interview a driver to answer one question
     * @param drain the calls inside to end, before they are interrupted
     * @param call one brief call; of storage, which may have to copy a tree, five times that
     */
    record Deadlines(Duration interview, Duration drain, Duration call) {
        static final Deadlines USUAL =
                new Deadlines(Duration.ofSeconds(10), Duration.ofSeconds(5), Duration.ofSeconds(60));

        Duration call(DriverKind kind) {
            return kind == DriverKind.STORAGE ? call.multipliedBy(5) : call;
        }
    }

    /** What of the house is needed here. */
    interface Surroundings {
        CompletionStage<Event> submit(Command command, Cause cause);

        Host host();

        /** Whether the world was looked at, so that what is known to be there is. */
        boolean isFurnished();

        /** A driver is about to serve under a name under which none does. */
        void comes(DriverId id, Driver driver);

        /** A driver serves from now on. */
        void serves(DriverKind kind, Driver driver);

        /** Waits for drivers that come with a start. */
        void awaitDrivers() throws DriverException;

        /** A driver serves no more. */
        void rests(Driver driver);

        void abandon(Thread thread, Failure failure);
    }

    private final Surroundings house;
    private final Deadlines deadlines;
    private final Workshop workshop;
    private final Map<DriverId, Object> turns = new ConcurrentHashMap<>();
    private final Map<String, Candidate> remembered = new LinkedHashMap<>();
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private final AtomicInteger arriving = new AtomicInteger();
    private final RegistryRoutes routes;
    private volatile Optional<PluginStore> store = Optional.empty();
    private volatile Optional<Refusals> refusals = Optional.empty();
    private volatile boolean closing;

    Swaps(Workshop workshop, Deadlines deadlines, Surroundings house) {
        this.workshop = workshop;
        this.house = house;
        this.deadlines = deadlines;
        this.routes = workshop.routes;
        workshop.gates().values().forEach(gate -> gate.onChange(this::changed));
    }

    void open() {
        Thread watch = new Thread(this::watch, "wharf-driver-watch");
        watch.setDaemon(true);
        watch.start();
    }

    void close() {
        closing = true;
    }

    void keptBy(Optional<PluginStore> now) {
        store = now;
    }

    void settingsBy(Optional<Refusals> now) {
        refusals = now;
    }

    /** Whether somebody is still being asked. */
    boolean isQuiet() {
        return arriving.get() == 0;
    }

    private Object turn(DriverId id) {
        return turns.computeIfAbsent(id, key -> new Object());
    }

    // ---- one comes

    /** What a driver says of itself. */
    private record Word(DriverName name, List<Format> formats, Driver.Readiness readiness) {
        Word {
            Objects.requireNonNull(name, "it has no name");
            Objects.requireNonNull(readiness, "it does not say whether it can work here");
            formats = List.copyOf(Objects.requireNonNull(formats, "it names no formats"));
        }
    }

    /** Somebody comes, and cannot be asked yet, since making it may take as long as it likes. */
    void announce(DriverId id, String implementation, int rank) {
        arriving.incrementAndGet();
        remember(
                new Candidate(id, implementation, rank, Standing.ARRIVING, "it is being asked whether it can work", 0));
    }

    /** Whoever was announced is in, turned away or gone again. */
    void arrived(DriverId id, String implementation) {
        arriving.decrementAndGet();
        synchronized (remembered) {
            Candidate now = remembered.get(key(id, implementation));
            if (now != null && now.standing() == Standing.ARRIVING) {
                remembered.remove(key(id, implementation));
            }
        }
        changed();
    }

    /**
     * A driver came. Returns when it serves, waits behind a better one, or was turned away.
     *
     * @param claimed what it calls itself before it can be asked
     */
    <D extends Driver> void bind(
            DriverId claimed,
            DriverGate<D> gate,
            D driver,
            int rank,
            String implementation,
            DriverGate.Presence presence) {
        Word word;
        try {
            word = Interview.ask(
                    "its probe",
                    deadlines.interview(),
                    () -> new Word(driver.name(), driver.formats(), driver.probe()));
        } catch (DriverException e) {
            refuse(
                    claimed,
                    gate,
                    driver,
                    List.of(),
                    rank,
                    implementation,
                    e.failure().message(),
                    presence);
            return;
        }
        DriverId id = new DriverId(claimed.driverKind(), word.name());
        Optional<String> unfit = !id.equals(claimed)
                ? Optional.of(
                        "it calls itself " + word.name() + ", and the wharf.name of its component is " + claimed.name())
                : Optional.of(word.readiness().why())
                        .filter(why -> !word.readiness().ready());
        if (unfit.isPresent()) {
            refuse(claimed, gate, driver, word.formats(), rank, implementation, unfit.get(), presence);
            return;
        }
        synchronized (turn(id)) {
            HandOver.Verdict verdict = judge(id, driver);
            if (verdict.reason().isPresent()) {
                refuse(
                        id,
                        gate,
                        driver,
                        word.formats(),
                        rank,
                        implementation,
                        verdict.reason().get(),
                        presence);
                return;
            }
            Optional<String> chosen = house.host().driver(id).flatMap(DriverBinding::chosen);
            boolean isChosen = chosen.equals(Optional.of(implementation));
            Optional<DriverGate.Serving<D>> incumbent = gate.best(id.name());
            if (incumbent.isEmpty()) {
                house.comes(id, driver);
                if (gate.add(driver, id.name(), rank, implementation, true, "", presence)) {
                    gate.choose(id.name(), chosen);
                    forget(id, implementation);
                    told(new DriverCommand.Bind(id, implementation, word.formats(), rank, true, ""));
                    serves(id, driver, implementation);
                }
            } else if (isChosen || gate.wouldServe(id.name(), rank)) {
                takeOver(id, gate, incumbent.get(), driver, rank, implementation, presence, false, OWN);
            } else if (gate.add(driver, id.name(), rank, implementation, true, "", presence)) {
                forget(id, implementation);
                log.info("driver waits behind a better one driver={} implementation={}", id, implementation);
            }
        }
    }

    private void serves(DriverId id, Driver driver, String implementation) {
        log.info(
                "driver serves kind={} name={} implementation={}",
                id.driverKind().word(),
                id.name(),
                implementation);
        house.serves(id.driverKind(), driver);
    }

    private <D extends Driver> void refuse(
            DriverId id,
            DriverGate<D> gate,
            D driver,
            List<Format> formats,
            int rank,
            String implementation,
            String why,
            DriverGate.Presence presence) {
        if (!gate.add(driver, id.name(), rank, implementation, false, why, presence)) {
            return;
        }
        if (gate.serving(id.name()).isPresent()) {
            turnAway(id, implementation, why);
        } else {
            // Few hosts can use every driver that comes with the agent, and none misses what never served it.
            Level level = house.host().driver(id).filter(DriverBinding::ready).isPresent() ? Level.WARN : Level.INFO;
            log.atLevel(level)
                    .log("driver cannot work here driver={} implementation={} reason={}", id, implementation, why);
            remember(new Candidate(id, implementation, rank, Standing.REJECTED, why, 0));
            house.submit(new DriverCommand.Bind(id, implementation, formats, rank, false, why), OWN);
        }
    }

    @Override
    public void turnAway(DriverId id, String implementation, String reason) {
        log.warn("driver turned away driver={} implementation={} reason={}", id, implementation, reason);
        remember(new Candidate(id, implementation, 0, Standing.REJECTED, reason, 0));
        house.submit(new DriverCommand.TurnAway(id, implementation, reason), OWN);
    }

    /** What is known to be there is known only once the world was looked at. */
    private HandOver.Verdict judge(DriverId id, Driver driver) {
        try {
            return house.isFurnished()
                    ? Interview.ask("its survey", deadlines.interview(), () -> HandOver.judge(house::host, id, driver))
                    : Interview.ask(
                            "its formats", deadlines.interview(), () -> HandOver.Verdict.fit(driver.formats(), 0));
        } catch (DriverException e) {
            return HandOver.Verdict.unfit(e.failure().message());
        }
    }

    // ---- one follows another

    /** Drains, lets the new one look, and opens the gate to it or, where something is missing, to the old one again. */
    private <D extends Driver> CompletionStage<Event> takeOver(
            DriverId id,
            DriverGate<D> gate,
            DriverGate.Serving<D> old,
            D driver,
            int rank,
            String implementation,
            DriverGate.Presence presence,
            boolean chosen,
            Cause cause) {
        boolean asked = house.host().driver(id).flatMap(DriverBinding::chosen).equals(Optional.of(implementation));
        if (chosen || !asked) {
            CompletionStage<Event> request = told(new DriverCommand.RequestSwap(id, implementation, chosen), cause);
            if (request.toCompletableFuture().isCompletedExceptionally() && chosen) {
                return request;
            }
        }
        long began = System.nanoTime();
        try {
            int stuck = gate.drain(id.name(), deadlines.drain());
            if (stuck > 0) {
                log.warn("calls stay in a driver that hands over driver={} implementation={} calls={}", id, old, stuck);
            }
            told(new DriverCommand.Drain(id, old.implementation()), OWN);
            HandOver.Verdict verdict = judge(id, driver);
            if (verdict.reason().isPresent()) {
                gate.add(
                        driver,
                        id.name(),
                        rank,
                        implementation,
                        false,
                        verdict.reason().get(),
                        presence);
                turnAway(id, implementation, verdict.reason().get());
                return CompletableFuture.failedFuture(new FailedException(new Failure(
                        Failure.Kind.FAILED,
                        implementation + " was turned away: " + verdict.reason().get())));
            }
            if (!gate.add(driver, id.name(), rank, implementation, true, "", presence)) {
                return CompletableFuture.failedFuture(
                        new FailedException(new Failure(Failure.Kind.UNAVAILABLE, implementation + " has gone again")));
            }
            gate.choose(
                    id.name(),
                    chosen
                            ? Optional.of(implementation)
                            : house.host().driver(id).flatMap(DriverBinding::chosen));
            forget(id, implementation);
            house.rests(old.driver());
            // The wish itself was written down above; under its own number this would count as the same once more.
            Cause handing = new Cause(CommandId.NONE, cause.because(), cause.actor());
            CompletionStage<Event> handed = told(
                    new DriverCommand.HandOver(id, implementation, verdict.formats(), rank, verdict.adopted()),
                    handing);
            log.info(
                    "driver handed over driver={} from={} to={} adopted={} millis={}",
                    id,
                    old.implementation(),
                    implementation,
                    verdict.adopted(),
                    TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began));
            return handed;
        } finally {
            gate.open(id.name());
            gate.best(id.name())
                    .filter(now -> now.driver() == driver)
                    .ifPresent(now -> serves(id, driver, implementation));
        }
    }

    private CompletionStage<Event> told(Command command) {
        return told(command, OWN);
    }

    /** Waits until it is written down, so that what follows comes after it in the journal. */
    private CompletionStage<Event> told(Command command, Cause cause) {
        CompletableFuture<Event> answer = house.submit(command, cause).toCompletableFuture();
        try {
            answer.get(deadlines.interview().toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            log.debug("not written down command={} reason={}", command, e.toString());
        }
        return answer;
    }

    // ---- one goes

    /** A driver goes, when nobody is inside any more; the next best under its name that finds everything goes on. */
    <D extends Driver> void unbind(DriverKind kind, DriverGate<D> gate, D driver, String implementation) {
        Optional<DriverName> name = gate.nameOf(driver);
        if (name.isEmpty()) {
            return;
        }
        DriverId id = new DriverId(kind, name.get());
        boolean served = gate.serving(name.get()).filter(d -> d == driver).isPresent();
        if (!served) {
            gate.remove(driver);
            return;
        }
        try {
            // Waits outside the turn: whoever is just coming may have to wait for somebody inside this one.
            gate.shut(name.get());
            gate.remove(driver);
            house.rests(driver);
            if (!closing) {
                house.submit(new DriverCommand.Unbind(id, implementation), OWN);
                goOn(id, gate);
            }
        } finally {
            gate.open(name.get());
        }
    }

    /** The names under which nobody serves, whatever the journal says: what served when the agent ended has not come since. */
    private List<DriverId> deserted() {
        return house.host().drivers().values().stream()
                .filter(b -> b.serving().isPresent() && isDeserted(b.id()))
                .map(DriverBinding::id)
                .toList();
    }

    private boolean isDeserted(DriverId id) {
        return workshop.gate(id).serving(id.name()).isEmpty();
    }

    /** Writes that down of each. Whoever is just coming is not meant, so nobody takes a turn meanwhile. */
    void tellDeserted() {
        for (DriverId id : deserted()) {
            synchronized (turn(id)) {
                Optional<String> gone = house.host().driver(id).flatMap(DriverBinding::serving);
                if (!closing && gone.isPresent() && isDeserted(id)) {
                    log.warn("driver has not come again driver={} implementation={}", id, gone.get());
                    house.submit(new DriverCommand.Unbind(id, gone.get()), OWN);
                }
            }
        }
    }

    /** The best of those left that finds everything; the gate is shut, or nobody serves. */
    private <D extends Driver> void goOn(DriverId id, DriverGate<D> gate) {
        synchronized (turn(id)) {
            for (Optional<DriverGate.Serving<D>> next = gate.best(id.name());
                    next.isPresent();
                    next = gate.best(id.name())) {
                D driver = next.get().driver();
                HandOver.Verdict verdict = judge(id, driver);
                if (verdict.reason().isEmpty()) {
                    told(new DriverCommand.HandOver(
                            id,
                            next.get().implementation(),
                            verdict.formats(),
                            next.get().rank(),
                            verdict.adopted()));
                    serves(id, driver, next.get().implementation());
                    return;
                }
                gate.condemn(driver, verdict.reason().get());
                turnAway(id, next.get().implementation(), verdict.reason().get());
            }
        }
    }

    // ---- one hangs

    private void watch() {
        long beat = Math.max(100, Math.min(1000, deadlines.call().toMillis() / 4));
        long before = System.nanoTime();
        while (!closing) {
            try {
                Thread.sleep(beat);
                long passed = System.nanoTime() - before;
                before += passed;
                if (passed > PAUSE.toNanos()) {
                    // The whole process stood still, frozen or on a host that did; calls had no more time than this
                    // watch.
                    log.warn("the house stood still seconds={}", TimeUnit.NANOSECONDS.toSeconds(passed));
                    workshop.gates().values().forEach(gate -> gate.forgive(passed));
                }
                workshop.gates().forEach((kind, gate) -> watch(kind, gate));
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException e) {
                log.error("the watch over drivers broke", e);
            }
        }
    }

    private <D extends Driver> void watch(DriverKind kind, DriverGate<D> gate) {
        for (DriverGate.Overdue<D> call : gate.overdue(deadlines.call(kind))) {
            DriverId id = new DriverId(kind, call.name());
            String why = "a call did not end within " + Interview.words(deadlines.call(kind)) + where(call.thread());
            boolean first = gate.condemn(call.driver(), why);
            call.thread().interrupt();
            Thread helper = new Thread(() -> giveUp(id, gate, call, why, first), "wharf-driver-hangs");
            helper.setDaemon(true);
            helper.start();
            gate.seen(call.driver(), call.thread());
        }
    }

    /** Where the thread stands, as far as that is the driver's doing. */
    private static String where(Thread thread) {
        StackTraceElement[] frames = thread.getStackTrace();
        return frames.length == 0 ? "" : ", it stands in " + frames[0].getClassName() + "." + frames[0].getMethodName();
    }

    private <D extends Driver> void giveUp(
            DriverId id, DriverGate<D> gate, DriverGate.Overdue<D> call, String why, boolean first) {
        try {
            Thread.sleep(GRACE.toMillis());
        } catch (InterruptedException e) {
            return;
        }
        if (gate.isInside(call.driver(), call.thread())) {
            gate.abandon(call.driver(), call.thread());
            house.abandon(
                    call.thread(), new Failure(Failure.Kind.UNAVAILABLE, "driver " + id.name() + " hangs: " + why));
        }
        if (!first) {
            return;
        }
        Optional<String> before = house.host().driver(id).flatMap(DriverBinding::previous);
        house.rests(call.driver());
        turnAway(id, call.implementation(), why);
        goOn(id, gate);
        if (gate.best(id.name()).isEmpty()) {
            told(new DriverCommand.Bind(id, call.implementation(), List.of(), 0, false, why));
            if (before.isPresent()
                    && store.map(s -> s.bringBack(before.get(), false)).orElse(false)) {
                log.warn("the driver before is brought back driver={} implementation={}", id, before.get());
            }
        }
    }

    // ---- the operator

    @Override
    public List<Candidate> candidates() {
        List<Candidate> candidates = new ArrayList<>();
        workshop.gates()
                .forEach((kind, gate) -> gate.standings()
                        .forEach(s -> candidates.add(new Candidate(
                                new DriverId(kind, s.name()),
                                s.implementation(),
                                s.rank(),
                                s.serves() ? Standing.SERVING : s.ready() ? Standing.WAITING : Standing.REJECTED,
                                s.serves() ? "" : s.ready() ? waits(new DriverId(kind, s.name()), s) : s.why(),
                                s.inside()))));
        synchronized (remembered) {
            remembered.values().stream()
                    .filter(r -> candidates.stream()
                            .noneMatch(c -> c.driver().equals(r.driver())
                                    && c.implementation().equals(r.implementation())))
                    .forEach(candidates::add);
        }
        candidates.sort(Comparator.comparing((Candidate c) -> c.driver().driverKind())
                .thenComparing(c -> c.driver().name().value())
                .thenComparing(Candidate::standing));
        return candidates;
    }

    private void changed() {
        listeners.forEach(Runnable::run);
    }

    @Override
    public AutoCloseable onChange(Runnable listener) {
        listeners.add(listener);
        return () -> listeners.remove(listener);
    }

    @Override
    public void awaitDrivers() throws DriverException {
        house.awaitDrivers();
    }

    @Override
    public Calls calls(DriverId driver, String implementation) {
        return workshop.gate(driver).calls(driver.name(), implementation).orElse(Calls.NONE);
    }

    private String waits(DriverId id, DriverGate.Standing s) {
        Optional<DriverBinding> binding = house.host().driver(id);
        Optional<String> chosen = binding.flatMap(DriverBinding::chosen);
        if (chosen.isPresent() && chosen.equals(binding.flatMap(DriverBinding::serving))) {
            return "an operator chose " + chosen.get();
        }
        return binding.filter(b -> b.rank() > s.rank())
                .map(b -> "rank " + b.rank() + " goes before rank " + s.rank())
                .orElse("a newer one of the same rank serves");
    }

    @Override
    public List<String> refusedSettings(DriverId id) {
        List<String> refused = new ArrayList<>();
        if (id.driverKind() == DriverKind.REGISTRY) {
            routes.refused().ifPresent(refused::add);
        }
        workshop.gate(id).best(id.name()).ifPresent(serving -> {
            String bundle = serving.implementation().split("/")[0];
            refusals.map(r -> r.of(bundle)).ifPresent(refused::addAll);
            try {
                if (serving.driver() instanceof Driver.Configured configured) {
                    refused.addAll(Interview.ask(
                            "its settings", deadlines.interview(), () -> List.copyOf(configured.refused())));
                }
            } catch (DriverException e) {
                refused.add(e.failure().message());
            }
        });
        return refused;
    }

    @Override
    public CompletionStage<Event> swap(DriverId id, String implementation, Cause cause) {
        return later(() -> swap(id, workshop.gate(id), implementation, cause));
    }

    private <D extends Driver> CompletionStage<Event> swap(
            DriverId id, DriverGate<D> gate, String implementation, Cause cause) {
        synchronized (turn(id)) {
            Optional<D> driver = gate.find(id.name(), implementation);
            Optional<DriverGate.Standing> standing = gate.standings().stream()
                    .filter(s ->
                            s.name().equals(id.name()) && s.implementation().equals(implementation))
                    .findFirst();
            if (driver.isEmpty() || standing.isEmpty()) {
                return refused(
                        Refusal.Kind.MISSING,
                        "no implementation " + implementation + " of " + id + " is there; wharf driver inspect " + id
                                + " shows those that are");
            }
            if (standing.get().serves()) {
                return refused(Refusal.Kind.UNCHANGED, implementation + " serves " + id + " already");
            }
            if (!standing.get().ready()) {
                return refused(
                        Refusal.Kind.CONFLICT,
                        implementation + " cannot serve: " + standing.get().why()
                                + "; once that is mended, wharf driver" + " probe " + id + " asks it again");
            }
            Optional<DriverGate.Serving<D>> old = gate.best(id.name());
            return old.isEmpty()
                    ? refused(Refusal.Kind.CONFLICT, "nothing serves " + id)
                    : takeOver(
                            id,
                            gate,
                            old.get(),
                            driver.get(),
                            standing.get().rank(),
                            implementation,
                            () -> true,
                            true,
                            cause);
        }
    }

    @Override
    public CompletionStage<Event> rollBack(DriverId id, Cause cause) {
        Optional<String> previous = house.host().driver(id).flatMap(DriverBinding::previous);
        if (previous.isEmpty()) {
            return refused(Refusal.Kind.CONFLICT, "nothing served " + id + " before what serves now");
        }
        String implementation = previous.get();
        String from = house.host().driver(id).flatMap(DriverBinding::serving).orElse("");
        boolean there = candidates().stream()
                .anyMatch(c -> c.driver().equals(id)
                        && c.implementation().equals(implementation)
                        && c.standing() == Standing.WAITING);
        if (there) {
            return swap(id, implementation, cause);
        }
        return later(() -> {
            // Said first, so that the journal tells who asked, and that it serves after a restart whatever else is
            // there.
            told(new DriverCommand.RequestSwap(id, implementation, true), cause);
            if (!store.map(s -> s.bringBack(implementation, true)).orElse(false)) {
                String why = "served before and is kept no more; put its bundle into the plugins folder";
                turnAway(id, implementation, "it " + why);
                return refused(Refusal.Kind.MISSING, implementation + " " + why);
            }
            return awaitService(id, from, implementation, cause);
        });
    }

    /** The bundle that was brought back arrives as any other does. */
    private CompletionStage<Event> awaitService(DriverId id, String from, String implementation, Cause cause) {
        long end = System.nanoTime() + deadlines.interview().multipliedBy(4).toNanos();
        while (System.nanoTime() < end) {
            Optional<Candidate> now = candidates().stream()
                    .filter(c -> c.driver().equals(id) && c.implementation().equals(implementation))
                    .findFirst();
            if (now.filter(c -> c.standing() == Standing.SERVING).isPresent()) {
                DriverBinding binding = house.host().driver(id).orElseThrow();
                return CompletableFuture.completedFuture(
                        new DriverEvent.HandedOver(id, from, implementation, binding.formats(), binding.rank(), 0));
            }
            if (now.filter(c -> c.standing() == Standing.WAITING).isPresent()) {
                return swap(id, workshop.gate(id), implementation, cause);
            }
            if (now.filter(c -> c.standing() == Standing.REJECTED).isPresent()) {
                return CompletableFuture.failedFuture(new FailedException(new Failure(
                        Failure.Kind.FAILED,
                        implementation + " was turned away: " + now.get().why())));
            }
            try {
                Thread.sleep(50);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                break;
            }
        }
        return CompletableFuture.failedFuture(new FailedException(new Failure(
                Failure.Kind.UNAVAILABLE, implementation + " was brought back and does not come; see the log")));
    }

    @Override
    public List<Candidate> probe(DriverId id) {
        probe(id, workshop.gate(id));
        return candidates().stream().filter(c -> c.driver().equals(id)).toList();
    }

    private <D extends Driver> void probe(DriverId id, DriverGate<D> gate) {
        for (DriverGate.Standing s : gate.standings()) {
            Optional<D> driver =
                    s.name().equals(id.name()) ? gate.find(s.name(), s.implementation()) : Optional.empty();
            if (driver.isPresent()) {
                probe(id, gate, driver.get(), s);
            }
        }
    }

    private <D extends Driver> void probe(DriverId id, DriverGate<D> gate, D driver, DriverGate.Standing s) {
        if (!s.serves() && !s.ready()) {
            gate.remove(driver);
            bind(id, gate, driver, s.rank(), s.implementation(), () -> true);
            return;
        }
        Optional<String> why;
        try {
            Driver.Readiness readiness = Interview.ask("its probe", deadlines.interview(), () -> driver.probe());
            why = readiness.ready() ? judge(id, driver).reason() : Optional.of(readiness.why());
        } catch (DriverException e) {
            why = Optional.of(e.failure().message());
        }
        if (why.isPresent() && !s.serves()) {
            gate.condemn(driver, why.get());
            turnAway(id, s.implementation(), why.get());
        } else if (why.isPresent()) {
            // What serves goes on, for nothing is better; the next look at the world says what it misses.
            log.warn("serving driver does not pass its probe driver={} reason={}", id, why.get());
            house.submit(new DriverCommand.TurnAway(id, s.implementation(), why.get()), OWN);
        }
    }

    private interface Deed {
        CompletionStage<Event> run();
    }

    private CompletionStage<Event> later(Deed deed) {
        CompletableFuture<Event> answer = new CompletableFuture<>();
        Thread thread = new Thread(
                () -> {
                    try {
                        deed.run().whenComplete((event, trouble) -> {
                            if (trouble == null) {
                                answer.complete(event);
                            } else {
                                answer.completeExceptionally(trouble);
                            }
                        });
                    } catch (RuntimeException e) {
                        answer.completeExceptionally(e);
                    }
                },
                "wharf-swap");
        thread.setDaemon(true);
        thread.start();
        return answer;
    }

    private static CompletionStage<Event> refused(Refusal.Kind kind, String why) {
        return CompletableFuture.failedFuture(new RefusedException(new Refusal(kind, why)));
    }

    // ---- what people are told

    private static String key(DriverId id, String implementation) {
        return id + " " + implementation;
    }

    private void remember(Candidate candidate) {
        synchronized (remembered) {
            remembered.remove(key(candidate.driver(), candidate.implementation()));
            remembered.put(key(candidate.driver(), candidate.implementation()), candidate);
            if (remembered.size() > MOST_REMEMBERED) {
                remembered.remove(remembered.keySet().iterator().next());
            }
        }
        changed();
    }

    private void forget(DriverId id, String implementation) {
        synchronized (remembered) {
            remembered.remove(key(id, implementation));
        }
        changed();
    }
}
