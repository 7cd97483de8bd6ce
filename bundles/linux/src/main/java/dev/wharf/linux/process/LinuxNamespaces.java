package dev.wharf.linux.process;

import static dev.wharf.linux.libc.LibC.O_CLOEXEC;
import static dev.wharf.linux.libc.LibC.O_RDONLY;

import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.spi.kernel.Namespaces;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.osgi.service.component.annotations.Component;

/** Joins namespaces on throw-away threads: a thread that left the daemon's own namespace must never do other work. */
@Component(service = {Namespaces.class, LinuxNamespaces.class})
public final class LinuxNamespaces implements Namespaces {
    private static final int CLONE_NEWNET = 0x40000000;

    private final LibC libc = LibC.get();

    @Override
    public <T> T inNetwork(Path namespace, Callable<T> work) throws Exception {
        return onOwnThread("wharf-netns", () -> {
            int fd = Errno.check(libc.open(CString.of(namespace), O_RDONLY | O_CLOEXEC, 0), "open", namespace);
            try {
                Errno.check(libc.setns(fd, CLONE_NEWNET), "setns", namespace);
            } finally {
                libc.close(fd);
            }
            return work.call();
        });
    }

    /** Runs {@code work} in a new network namespace, which lives on only if the work makes something hold it. */
    public <T> T inNewNetwork(Callable<T> work) throws Exception {
        return onOwnThread("wharf-unshare", () -> {
            Errno.check(libc.unshare(CLONE_NEWNET), "unshare", "network namespace");
            return work.call();
        });
    }

    private static <T> T onOwnThread(String name, Callable<T> work) throws Exception {
        FutureTask<T> task = new FutureTask<>(work);
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
        try {
            return task.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Exception cause) {
                throw cause;
            }
            throw new IOException("work in a namespace failed", e.getCause());
        }
    }
}
