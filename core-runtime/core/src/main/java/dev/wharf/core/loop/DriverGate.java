package dev.wharf.core.loop;

import dev.wharf.core.plan.Gate;
import dev.wharf.model.DriverName;
import dev.wharf.spi.Driver;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The gate of one kind of driver. It knows every implementation that is there and lends, for each name, the ready one of the
 * highest rank. Whoever leaves is waited for: {@link #remove} returns when nobody is inside any more.
 */
final class DriverGate<D extends Driver> implements Gate<D> {
    private final Duration patience;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<Guest<D>> guests = new ArrayList<>();

    /** An implementation that is there. {@code inside} counts the calls it is lent to now. */
    private static final class Guest<D> {
        final D driver;
        final DriverName name;
        final int rank;
        final String implementation;
        boolean ready;
        boolean leaving;
        int inside;

        Guest(D driver, DriverName name, int rank, String implementation, boolean ready) {
            this.driver = driver;
            this.name = name;
            this.rank = rank;
            this.implementation = implementation;
            this.ready = ready;
        }
    }

    /** @param patience how long a call waits for a driver that is not there, and a driver for calls that do not end */
    DriverGate(Duration patience) {
        this.patience = patience;
    }

    void add(D driver, DriverName name, int rank, String implementation, boolean ready) {
        lock.lock();
        try {
            guests.add(new Guest<>(driver, name, rank, implementation, ready));
            guests.sort(Comparator.comparingInt((Guest<D> g) -> -g.rank).thenComparing(g -> g.name.value()));
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Admits no new call to the driver and waits for those inside, at most the gate's patience. */
    void remove(D driver) {
        lock.lock();
        try {
            Optional<Guest<D>> guest =
                    guests.stream().filter(g -> g.driver == driver).findFirst();
            if (guest.isEmpty()) {
                return;
            }
            guest.get().leaving = true;
            long nanos = patience.toNanos();
            while (guest.get().inside > 0 && nanos > 0) {
                nanos = changed.awaitNanos(nanos);
            }
            guests.remove(guest.get());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    /** The implementation that serves under a name now. */
    Optional<D> serving(DriverName name) {
        lock.lock();
        try {
            return find(name).map(g -> g.driver);
        } finally {
            lock.unlock();
        }
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

    /** Every driver that serves under some name now, best first. */
    List<D> serving() {
        lock.lock();
        try {
            return guests.stream()
                    .filter(g -> g.ready && !g.leaving)
                    .map(g -> g.driver)
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public <R> R use(DriverName name, Use<D, R> use) throws DriverException {
        Guest<D> guest = enter(name);
        try {
            return use.with(guest.driver);
        } finally {
            leave(guest);
        }
    }

    private Guest<D> enter(DriverName name) throws DriverException {
        lock.lock();
        try {
            long nanos = patience.toNanos();
            Optional<Guest<D>> guest = find(name);
            while (guest.isEmpty()) {
                if (nanos <= 0) {
                    throw DriverException.failure(
                            Failure.Kind.UNAVAILABLE,
                            "no driver \"" + name + "\" is there; see wharf driver ls for those that are");
                }
                nanos = changed.awaitNanos(nanos);
                guest = find(name);
            }
            guest.get().inside++;
            return guest.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw DriverException.failure(Failure.Kind.UNAVAILABLE, "interrupted while waiting for driver " + name);
        } finally {
            lock.unlock();
        }
    }

    private void leave(Guest<D> guest) {
        lock.lock();
        try {
            guest.inside--;
            changed.signalAll();
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
