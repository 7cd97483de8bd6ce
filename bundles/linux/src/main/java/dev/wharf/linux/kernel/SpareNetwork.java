package dev.wharf.linux.kernel;

import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.linux.process.LinuxNamespaces;
import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A network namespace made before it is needed, because making one takes longer than all else that a start waits for before
 * the runtime. Only a descriptor holds it, so it goes with the process. It is made a moment after the one before was taken,
 * when the start that took it has other things to wait for; who comes sooner makes one for himself.
 */
final class SpareNetwork implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SpareNetwork.class);
    private static final long A_MOMENT_MILLIS = 60;

    private final LibC libc = LibC.get();
    private final LinuxNamespaces namespaces;
    private final Callable<?> furnish;
    private final ScheduledThreadPoolExecutor maker;
    private int spare = -1;
    private boolean closed;

    /** Namespaces in each of which {@code furnish} has run. */
    SpareNetwork(LinuxNamespaces namespaces, Callable<?> furnish) {
        this.namespaces = namespaces;
        this.furnish = furnish;
        this.maker = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "wharf-spare-network");
            thread.setDaemon(true);
            return thread;
        });
        maker.setKeepAliveTime(10, TimeUnit.SECONDS);
        maker.allowCoreThreadTimeOut(true);
    }

    /** The descriptor of a namespace, which the caller closes; empty where none is ready. Afterwards another is made. */
    synchronized OptionalInt take() {
        int taken = spare;
        spare = -1;
        if (!closed) {
            try {
                maker.schedule(this::make, A_MOMENT_MILLIS, TimeUnit.MILLISECONDS);
            } catch (RejectedExecutionException e) {
                LOG.debug("no spare network namespace, the agent stops");
            }
        }
        return taken < 0 ? OptionalInt.empty() : OptionalInt.of(taken);
    }

    private void make() {
        synchronized (this) {
            if (spare >= 0 || closed) {
                return;
            }
        }
        try {
            int made = namespaces.inNewNetwork(() -> {
                furnish.call();
                Path here = Path.of("/proc/thread-self/ns/net");
                return Errno.check(libc.open(CString.of(here), LibC.O_RDONLY | LibC.O_CLOEXEC, 0), "open", here);
            });
            keep(made);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Exception e) {
            LOG.debug("no spare network namespace reason={}", e.toString());
        }
    }

    private synchronized void keep(int made) throws IOException {
        if (spare >= 0 || closed) {
            libc.close(made);
        } else {
            spare = made;
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        maker.shutdownNow();
        if (spare >= 0) {
            libc.close(spare);
            spare = -1;
        }
    }
}
