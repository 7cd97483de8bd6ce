package dev.wharf.spi.kernel;

import dev.wharf.model.Signal;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.IntConsumer;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Facts about processes, and the starting of them. Where a pid alone could have been used again by the kernel, its start
 * time says which process is meant. Safe to use from any thread.
 */
@ProviderType
public interface Processes {
    /** Field 22 of /proc/[pid]/stat (proc(5)): clock ticks since boot; empty where no such process is left, or a zombie. */
    OptionalLong startTicks(int pid);

    /**
     * Calls {@code ended} once when the process has ended, at once when it is gone already or its start time differs.
     * Without polling and without a thread per watch: a pidfd (pidfd_open(2)) in one epoll set. Callbacks come from one
     * thread and must return soon. Closing the watch drops the interest; it never ends the process.
     */
    Watch watch(int pid, long startTicks, Runnable ended) throws IOException;

    /**
     * Calls {@code reaped} once with the exit code of a process that another one reaps, as soon as that has happened: 128 and
     * the signal's number for a killed one. A hint from the thread of {@link #watch}, for those who would hear of it otherwise,
     * but later: it never comes where the kernel keeps no exit codes for others (PIDFD_GET_INFO of ioctl_pidfd(2), Linux
     * 6.15), nor for a process that had ended before.
     */
    Watch watchReaped(int pid, long startTicks, IntConsumer reaped) throws IOException;

    /** Sends a signal by pidfd_send_signal(2), so never to another process; false where the process has ended. */
    boolean signal(int pid, long startTicks, Signal signal) throws IOException;

    /**
     * Starts a program with posix_spawn(3), which copies no memory, and answers with its pid. The program gets exactly the
     * descriptors of {@link Spawn#descriptors} and no other, no signal blocked or ignored. When it ends it is reaped and
     * {@code ended} hears its exit code, 128 and the signal's number for a killed one, from the thread of {@link #watch}.
     * A missing or unsuitable program is an IOException, not an exit.
     */
    int spawn(Spawn spawn, IntConsumer ended) throws IOException;

    /**
     * Says that a process will be put into a control group soon, so that the kernel can get ready meanwhile. A hint: it
     * returns at once, never fails, and changes nothing where no process comes.
     */
    default void expectNewcomer() {}

    /**
     * Says that others wait for what the calling thread does, and that this is never much at a time: the scheduler lets it run
     * sooner, and no longer than others altogether (sched_setattr(2), the slice of a thread of SCHED_OTHER, since Linux 6.12).
     * Threads and processes that it makes do not inherit that. A hint: it never fails.
     */
    default void takeShortTurns() {}

    /** An interest in the end of a process. */
    interface Watch extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * A program to start.
     *
     * @param program an absolute path; no search
     * @param arguments everything from argv[1] on
     * @param argv0 what the program is told it is called
     * @param environment the whole of it, nothing is inherited
     * @param directory the working directory
     * @param descriptors the caller's raw descriptor for each of 0, 1, 2, 3, ... in the program; {@link #NULL} for
     *     /dev/null. The caller's own are left open
     * @param newSession whether it leads a session of its own (setsid(2))
     */
    record Spawn(
            Path program,
            String argv0,
            List<String> arguments,
            Map<String, String> environment,
            Path directory,
            List<Integer> descriptors,
            boolean newSession) {
        /** Stands for /dev/null in {@link #descriptors}. */
        public static final int NULL = -1;

        public Spawn {
            arguments = List.copyOf(arguments);
            environment = Map.copyOf(environment);
            descriptors = List.copyOf(descriptors);
        }
    }
}
