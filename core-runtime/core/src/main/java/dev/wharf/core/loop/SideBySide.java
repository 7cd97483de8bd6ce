package dev.wharf.core.loop;

import dev.wharf.core.plan.Drivers.Part;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;

/** Parts of a step's work side by side: a registry that is far away answers each upload late, and none sooner for being alone. */
final class SideBySide {
    /** As many as Docker's {@code max-concurrent-uploads}. */
    private static final int MOST = 5;

    private final Queue<Part> left;
    private final AtomicReference<Throwable> trouble = new AtomicReference<>();
    private final List<Thread> others = new CopyOnWriteArrayList<>();

    private SideBySide(List<Part> parts) {
        this.left = new ConcurrentLinkedQueue<>(parts);
    }

    /** Runs all; after the first that fails no other is begun, and those on their way are interrupted. */
    static void run(List<Part> parts) throws DriverException {
        SideBySide all = new SideBySide(parts);
        for (int i = 1; i < Math.min(MOST, parts.size()); i++) {
            Thread other = new Thread(all::work, "wharf-part");
            other.setDaemon(true);
            all.others.add(other);
            other.start();
        }
        all.work();
        all.await();
        all.check();
    }

    private void work() {
        while (trouble.get() == null) {
            Part next = left.poll();
            if (next == null) {
                return;
            }
            try {
                next.run();
            } catch (DriverException | RuntimeException | Error e) {
                end(e);
            }
        }
    }

    private void end(Throwable why) {
        trouble.compareAndSet(null, why);
        others.forEach(Thread::interrupt);
    }

    /** Whoever interrupts this one means all of them. */
    private void await() {
        boolean interrupted = false;
        for (Thread other : others) {
            while (other.isAlive()) {
                try {
                    other.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                    end(DriverException.failure(Failure.Kind.UNAVAILABLE, "the work was interrupted"));
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void check() throws DriverException {
        Throwable first = trouble.get();
        if (first instanceof DriverException e) {
            throw e;
        }
        if (first instanceof RuntimeException e) {
            throw e;
        }
        if (first instanceof Error e) {
            throw e;
        }
    }
}
