package dev.wharf.core.plan;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.registry.Content;
import java.util.Collection;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;

/** Contents on their way side by side: a registry that is far away answers each of them late, and none sooner for being alone. */
final class Uploads {
    /** As many as Docker's {@code max-concurrent-uploads}. */
    private static final int MOST = 5;

    /** Sends one. */
    interface Sending {
        void send(Content content) throws DriverException;
    }

    private final Queue<Content> left;
    private final Sending sending;
    private final AtomicReference<Throwable> trouble = new AtomicReference<>();
    private final List<Thread> others = new CopyOnWriteArrayList<>();

    private Uploads(Collection<? extends Content> contents, Sending sending) {
        this.left = new ConcurrentLinkedQueue<>(contents);
        this.sending = sending;
    }

    /** Sends all; after the first that cannot be sent no other is begun, and those on their way are interrupted. */
    static void all(Collection<? extends Content> contents, Sending sending) throws DriverException {
        Uploads uploads = new Uploads(contents, sending);
        for (int i = 1; i < Math.min(MOST, contents.size()); i++) {
            Thread other = new Thread(uploads::work, "wharf-push");
            other.setDaemon(true);
            uploads.others.add(other);
            other.start();
        }
        uploads.work();
        uploads.await();
        uploads.check();
    }

    private void work() {
        while (trouble.get() == null) {
            Content next = left.poll();
            if (next == null) {
                return;
            }
            try {
                sending.send(next);
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
                    end(DriverException.failure(Failure.Kind.UNAVAILABLE, "the push was interrupted"));
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
