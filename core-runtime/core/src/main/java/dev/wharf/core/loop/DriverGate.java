package dev.wharf.core.loop;

import dev.wharf.core.agent.Fleet.Calls;
import dev.wharf.core.agent.Tracing;
import dev.wharf.core.agent.Vitals.Latency;
import dev.wharf.core.plan.Gate;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.spi.Driver;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gate of one kind of driver. It knows every implementation that is there and lends, for each name, the one that serves:
 * the chosen one, else the one of the highest rank, else the newest. Whoever leaves is waited for, and while one hands over
 * to another the gate of that name is shut and callers wait.
 */
final class DriverGate<D extends Driver> implements Gate<D> {
    private static final Logger log = LoggerFactory.getLogger(DriverGate.class);

    /** How long callers who were interrupted have to come out, before they are given up. */
    private static final Duration GRACE = Duration.ofSeconds(2);

    private final Duration patience;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<Guest<D>> guests = new ArrayList<>();

    /** Names whose gate is shut while one implementation hands over to another. */
    private final Set<DriverName> shut = new HashSet<>();

    private long arrivals;
    private boolean closing;

    /** Called after an implementation came or went, without the lock. */
    private volatile Runnable listener = () -> {};

    /** What comes between callers and a driver while somebody traces. */
    private volatile Overhearing<D> overhearing = guest -> guest.driver;

    /** An implementation that is there. {@code inside} has the calls it is lent to now, and when each began. */
    static final class Guest<D> {
        final D driver;
        final DriverName name;
        final int rank;
        final String implementation;
        private final long number;
        private final Map<Thread, Call> inside = new IdentityHashMap<>();
        private final Tally tally = new Tally();
        private boolean ready;
        private boolean leaving;
        private boolean chosen;

        /** Why it does not serve, where it cannot. */
        private String why;

        private Guest(
                D driver, DriverName name, int rank, String implementation, long number, boolean ready, String why) {
            this.driver = driver;
            this.name = name;
            this.rank = rank;
            this.implementation = implementation;
            this.number = number;
            this.ready = ready;
            this.why = why;
        }
    }

    /** What came of the calls so far. Made large only by calls, for most drivers are never asked. */
    private static final class Tally {
        private static final int DIGITS = 2;

        private long failures;
        private long sum;
        private @Nullable Histogram times;

        void ended(long nanos, boolean failed) {
            failures += failed ? 1 : 0;
            sum += nanos;
            Histogram known = times;
            if (known == null) {
                known = new Histogram(DIGITS);
                times = known;
            }
            known.recordValue(Math.max(0, nanos));
        }

        Calls read() {
            Histogram known = times;
            return new Calls(failures, known == null ? Latency.NONE : Stopwatch.latency(known, sum));
        }
    }

    /** One thread's stay: a driver may be asked again from inside a call to it. */
    private static final class Call {
        long since = System.nanoTime();
        boolean brief;
        int depth;

        Call(boolean brief) {
            this.brief = brief;
        }
    }

    /** How one implementation stands, for people. */
    record Standing(
            DriverName name, String implementation, int rank, boolean ready, boolean serves, String why, int inside) {}

    private interface Overhearing<D> {
        D over(Guest<D> guest);
    }

    /** From now on every call to a driver is told of. */
    void trace(DriverKind kind, Class<D> port, Tracing by) {
        overhearing = by == Tracing.OFF
                ? guest -> guest.driver
                : guest -> Overheard.of(
                        port,
                        guest.driver,
                        method -> by.call(new DriverId(kind, guest.name), guest.implementation, method));
    }

    /** @param patience how long a call waits for a driver that is not there, and a driver for calls that do not end */
    DriverGate(Duration patience) {
        this.patience = patience;
    }

    /** From now on it is said when an implementation came or went. */
    void onChange(Runnable told) {
        listener = told;
    }

    /** Nobody waits any longer for a driver that is not there. */
    void closing() {
        lock.lock();
        try {
            closing = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Lets an implementation in, which serves at once where it is the best. */
    void add(D driver, DriverName name, int rank, String implementation, boolean ready) {
        add(driver, name, rank, implementation, ready, "", () -> true);
    }

    /**
     * The same, unless it has left meanwhile.
     *
     * @param ready whether it may serve, and {@code why} not
     */
    boolean add(
            D driver, DriverName name, int rank, String implementation, boolean ready, String why, Presence presence) {
        lock.lock();
        try {
            if (!presence.isThere()) {
                return false;
            }
            guests.removeIf(g -> g.driver == driver);
            guests.add(new Guest<>(driver, name, rank, implementation, ++arrivals, ready, why));
            guests.sort(Comparator.comparing((Guest<D> g) -> !g.chosen)
                    .thenComparing(g -> -g.rank)
                    .thenComparing(g -> -g.number));
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        listener.run();
        return true;
    }

    /** Whether whoever came is still there. */
    interface Presence {
        boolean isThere();
    }

    /** Makes one implementation go before those of higher rank, and no other under its name. */
    void choose(DriverName name, Optional<String> implementation) {
        lock.lock();
        try {
            guests.stream()
                    .filter(g -> g.name.equals(name))
                    .forEach(g -> g.chosen = implementation.equals(Optional.of(g.implementation)));
            guests.sort(Comparator.comparing((Guest<D> g) -> !g.chosen)
                    .thenComparing(g -> -g.rank)
                    .thenComparing(g -> -g.number));
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes an implementation out of service where it stands; those inside are not waited for.
     *
     * @return whether it was in service until now
     */
    boolean condemn(D driver, String why) {
        lock.lock();
        try {
            boolean was = false;
            for (Guest<D> guest : guests) {
                if (guest.driver == driver) {
                    was = guest.ready;
                    guest.ready = false;
                    guest.why = why;
                }
            }
            changed.signalAll();
            return was;
        } finally {
            lock.unlock();
        }
    }

    /** The name an implementation is known under here. */
    Optional<DriverName> nameOf(D driver) {
        lock.lock();
        try {
            return guests.stream()
                    .filter(g -> g.driver == driver)
                    .map(g -> g.name)
                    .findFirst();
        } finally {
            lock.unlock();
        }
    }

    /** Admits no new call under the name until {@link #open}. */
    void shut(DriverName name) {
        lock.lock();
        try {
            shut.add(name);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Admits no new call under the name and waits for those inside the one that serves. Past the deadline they are
     * interrupted. The gate stays shut until {@link #open}.
     *
     * @return how many calls did not come out even then
     */
    int drain(DriverName name, Duration deadline) {
        lock.lock();
        try {
            shut.add(name);
            int left = 0;
            for (Guest<D> guest : guests) {
                if (guest.name.equals(name)) {
                    left += await(guest, deadline);
                }
            }
            return left;
        } finally {
            lock.unlock();
        }
    }

    void open(DriverName name) {
        lock.lock();
        try {
            shut.remove(name);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Admits no new call to the driver and waits for those inside, at most the gate's patience; then they are interrupted. */
    void remove(D driver) {
        lock.lock();
        try {
            Optional<Guest<D>> guest =
                    guests.stream().filter(g -> g.driver == driver).findFirst();
            if (guest.isPresent()) {
                guest.get().leaving = true;
                changed.signalAll();
                await(guest.get(), patience);
                guests.remove(guest.get());
            }
        } finally {
            lock.unlock();
        }
        listener.run();
    }

    /** Waits, with the lock, until nobody is inside; answers how many would not come out. */
    private int await(Guest<D> guest, Duration deadline) {
        try {
            if (!awaitEmpty(guest, deadline)) {
                guest.inside.keySet().forEach(Thread::interrupt);
                awaitEmpty(guest, GRACE);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return guest.inside.size();
    }

    private boolean awaitEmpty(Guest<D> guest, Duration deadline) throws InterruptedException {
        long nanos = deadline.toNanos();
        while (!guest.inside.isEmpty() && nanos > 0) {
            nanos = changed.awaitNanos(nanos);
        }
        return guest.inside.isEmpty();
    }

    /** The implementation that serves under a name now. */
    Optional<D> serving(DriverName name) {
        return best(name).map(Serving::driver);
    }

    /** What serves under a name now: the driver, its rank and its implementation. */
    record Serving<D>(D driver, int rank, String implementation) {}

    Optional<Serving<D>> best(DriverName name) {
        lock.lock();
        try {
            return find(name).map(g -> new Serving<>(g.driver, g.rank, g.implementation));
        } finally {
            lock.unlock();
        }
    }

    /** Whether a newcomer of this rank would serve in place of the one that does. */
    boolean wouldServe(DriverName name, int rank) {
        lock.lock();
        try {
            return find(name).map(g -> !g.chosen && g.rank <= rank).orElse(true);
        } finally {
            lock.unlock();
        }
    }

    /** The one driver that serves under each name, best first. */
    List<D> serving() {
        lock.lock();
        try {
            Set<DriverName> seen = new HashSet<>();
            return guests.stream()
                    .filter(g -> g.ready && !g.leaving && seen.add(g.name))
                    .map(g -> g.driver)
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    /** Every implementation that is there, best first. */
    List<Standing> standings() {
        lock.lock();
        try {
            return guests.stream()
                    .filter(g -> !g.leaving)
                    .map(g -> new Standing(
                            g.name,
                            g.implementation,
                            g.rank,
                            g.ready,
                            find(g.name).filter(best -> best == g).isPresent(),
                            g.why,
                            g.inside.size()))
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    /** An implementation by its name, however it stands. */
    Optional<D> find(DriverName name, String implementation) {
        lock.lock();
        try {
            return guests.stream()
                    .filter(g -> !g.leaving && g.name.equals(name) && g.implementation.equals(implementation))
                    .map(g -> g.driver)
                    .findFirst();
        } finally {
            lock.unlock();
        }
    }

    /** A call that is inside for longer than it may be. */
    record Overdue<D>(D driver, DriverName name, String implementation, Thread thread) {}

    List<Overdue<D>> overdue(Duration deadline) {
        lock.lock();
        try {
            long before = System.nanoTime() - deadline.toNanos();
            List<Overdue<D>> overdue = new ArrayList<>();
            for (Guest<D> guest : guests) {
                guest.inside.forEach((thread, call) -> {
                    if (call.brief && call.since - before < 0) {
                        overdue.add(new Overdue<>(guest.driver, guest.name, guest.implementation, thread));
                    }
                });
            }
            return overdue;
        } finally {
            lock.unlock();
        }
    }

    /** Nothing happened for so long, so it does not count for those that are inside. */
    void forgive(long nanos) {
        lock.lock();
        try {
            guests.forEach(guest -> guest.inside.values().forEach(call -> call.since += nanos));
        } finally {
            lock.unlock();
        }
    }

    /** Counts a call as brief no more, for something is being done about it. */
    void seen(D driver, Thread thread) {
        lock.lock();
        try {
            guests.stream()
                    .filter(g -> g.driver == driver)
                    .flatMap(g -> Stream.ofNullable(g.inside.get(thread)))
                    .forEach(call -> call.brief = false);
        } finally {
            lock.unlock();
        }
    }

    boolean isInside(D driver, Thread thread) {
        lock.lock();
        try {
            return guests.stream().anyMatch(g -> g.driver == driver && g.inside.containsKey(thread));
        } finally {
            lock.unlock();
        }
    }

    /** Waits for one thread no more: it will not come out. */
    void abandon(D driver, Thread thread) {
        lock.lock();
        try {
            guests.stream().filter(g -> g.driver == driver).forEach(g -> g.inside.remove(thread));
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public <R> R use(DriverName name, Use<D, R> use) throws DriverException {
        return use(name, use, true, patience);
    }

    @Override
    public <R> R useLong(DriverName name, Use<D, R> use) throws DriverException {
        return use(name, use, false, patience);
    }

    /** The same for what can be done without: a hand-over is waited for, and a driver that is not there is not. */
    <R> R useIfThere(DriverName name, Use<D, R> use) throws DriverException {
        return use(name, use, true, Duration.ZERO);
    }

    private <R> R use(DriverName name, Use<D, R> use, boolean brief, Duration absence) throws DriverException {
        Guest<D> guest = enter(name, brief, absence);
        boolean failed = true;
        try {
            Optional<R> answer = Optional.ofNullable(use.with(overhearing.over(guest)));
            failed = answer.isEmpty();
            // Drivers are others' work, and null is no answer to any of our questions.
            return answer.orElseThrow(() -> DriverException.failure(
                    Failure.Kind.FAILED, "driver \"" + name + "\" gave no answer, which is a fault of its own"));
        } catch (DriverException e) {
            throw e;
        } catch (Exception | Error e) {
            if (e instanceof VirtualMachineError && !(e instanceof StackOverflowError)) {
                // The JVM itself is at its end.
                throw e;
            }
            log.error("a driver broke name={} implementation={}", name, guest.implementation, e);
            throw DriverException.failure(
                    Failure.Kind.FAILED, "driver \"" + name + "\" broke, which is a fault of its own: " + e, e);
        } finally {
            leave(guest, failed);
        }
    }

    /** The reason of the one that is there and cannot serve, where there is one. */
    private String whyNone(DriverName name) {
        return guests.stream()
                .filter(guest -> guest.name.equals(name) && !guest.why.isEmpty())
                .map(guest -> "driver \"" + name + "\" cannot work here: " + guest.why)
                .findFirst()
                .orElse("no driver \"" + name + "\" is there; see wharf driver ls for those that are");
    }

    /** @param absence how long it may be that no driver is there */
    private Guest<D> enter(DriverName name, boolean brief, Duration absence) throws DriverException {
        Thread thread = Thread.currentThread();
        lock.lock();
        try {
            for (Guest<D> already : guests) {
                Call call = already.name.equals(name) ? already.inside.get(thread) : null;
                if (call != null) {
                    call.depth++;
                    return already;
                }
            }
            long began = System.nanoTime();
            Optional<Guest<D>> guest = find(name);
            while (guest.isEmpty() || shut.contains(name)) {
                if (closing) {
                    throw DriverException.failure(
                            Failure.Kind.UNAVAILABLE, "the agent stops, and no driver \"" + name + "\" is there");
                }
                Duration most = guest.isEmpty() && !shut.contains(name) ? absence : patience;
                long nanos = most.toNanos() - (System.nanoTime() - began);
                if (nanos <= 0) {
                    throw DriverException.failure(Failure.Kind.UNAVAILABLE, whyNone(name));
                }
                changed.await(nanos, TimeUnit.NANOSECONDS);
                guest = find(name);
            }
            guest.get().inside.put(thread, new Call(brief));
            return guest.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw DriverException.failure(Failure.Kind.UNAVAILABLE, "interrupted while waiting for driver " + name);
        } finally {
            lock.unlock();
        }
    }

    private void leave(Guest<D> guest, boolean failed) {
        lock.lock();
        try {
            Call call = guest.inside.get(Thread.currentThread());
            if (call != null && call.depth-- == 0) {
                guest.inside.remove(Thread.currentThread());
                guest.tally.ended(System.nanoTime() - call.since, failed);
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** What came of the calls of an implementation, since it is there. */
    Optional<Calls> calls(DriverName name, String implementation) {
        lock.lock();
        try {
            return guests.stream()
                    .filter(g -> g.name.equals(name) && g.implementation.equals(implementation))
                    .map(g -> g.tally.read())
                    .findFirst();
        } finally {
            lock.unlock();
        }
    }

    private Optional<Guest<D>> find(DriverName name) {
        return guests.stream()
                .filter(g -> g.ready && !g.leaving && g.name.equals(name))
                .findFirst();
    }
}
