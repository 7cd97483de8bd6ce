package dev.wharf.linux.process;

import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.model.Signal;
import dev.wharf.spi.kernel.Processes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Processes by pidfd and posix_spawn. */
@Component(service = Processes.class)
public final class LinuxProcesses implements Processes {
    private static final int P_PIDFD = 3;
    private static final int WNOHANG = 1;
    private static final int WEXITED = 4;
    private static final int CLD_EXITED = 1;

    /** _IOWR(0xFF, 11, struct pidfd_info), whose first version has 64 octets (linux/pidfd.h). */
    private static final long PIDFD_GET_INFO = 0xC040FF0BL;

    private static final int PIDFD_INFO_SIZE = 64;
    private static final long PIDFD_INFO_EXIT = 1 << 3;
    private static final int EXIT_CODE_OFFSET = 60;

    /** Room for the first 22 fields of a stat line, a name of 64 octets among them (proc(5)). */
    private static final int STAT = 1024;

    private final LibC libc = LibC.get();
    private final Epoll epoll;

    @Activate
    public LinuxProcesses(@Reference Epoll epoll) {
        this.epoll = epoll;
        GracePeriods.mend();
    }

    @Override
    public OptionalLong startTicks(int pid) {
        byte[] stat = new byte[STAT];
        // Read in one go and without a stream, which has an exception for each process that is gone: this is asked many
        // times
        // for each container.
        int fd = libc.open(CString.of("/proc/" + pid + "/stat"), LibC.O_RDONLY | LibC.O_CLOEXEC, 0);
        if (fd < 0) {
            return OptionalLong.empty();
        }
        int length = (int) libc.read(fd, stat, STAT);
        libc.close(fd);
        // The name in parentheses may hold anything, spaces and parentheses too; field 3 follows the last one.
        int at = length - 1;
        while (at >= 0 && stat[at] != ')') {
            at--;
        }
        int state = at + 2;
        if (at < 0 || state >= length) {
            return OptionalLong.empty();
        }
        boolean zombie = stat[state] == 'Z' || stat[state] == 'X';
        // A first thread that has ended while others run on looks like a zombie and is none.
        boolean gone = zombie && field(stat, length, state, 20) <= 1;
        return gone ? OptionalLong.empty() : OptionalLong.of(field(stat, length, state, 22));
    }

    /** A number of a stat line by its place, counted from 1 as in proc(5); field 3 begins at {@code state}. */
    private static long field(byte[] stat, int length, int state, int place) {
        int at = state;
        for (int i = 3; i < place && at < length; at++) {
            if (stat[at] == ' ') {
                i++;
            }
        }
        long value = 0;
        while (at < length && stat[at] >= '0' && stat[at] <= '9') {
            value = value * 10 + stat[at++] - '0';
        }
        return value;
    }

    @Override
    public void expectNewcomer() {
        Newcomers.expect();
    }

    @Override
    public void takeShortTurns() {
        ShortTurns.take(libc);
    }

    @Override
    public Watch watch(int pid, long startTicks, Runnable ended) throws IOException {
        int pidfd = open(pid, startTicks);
        if (pidfd < 0) {
            AtomicBoolean wanted = new AtomicBoolean(true);
            epoll.execute(() -> {
                if (wanted.getAndSet(false)) {
                    ended.run();
                }
            });
            return () -> wanted.set(false);
        }
        return new PidWatch(pidfd, Epoll.IN, ended);
    }

    @Override
    public Watch watchReaped(int pid, long startTicks, IntConsumer reaped) throws IOException {
        int pidfd = open(pid, startTicks);
        if (pidfd < 0) {
            return () -> {};
        }
        // Of a pidfd it is the reaping that hangs it up, and hang-ups are always told.
        return new PidWatch(pidfd, 0, () -> exitCode(pidfd).ifPresent(reaped));
    }

    @Override
    public boolean signal(int pid, long startTicks, Signal signal) throws IOException {
        int pidfd = open(pid, startTicks);
        if (pidfd < 0) {
            return false;
        }
        try {
            if (libc.syscall(LibC.SYS_PIDFD_SEND_SIGNAL, pidfd, signal.number(), 0, 0) == 0) {
                return true;
            }
            if (LibC.errno() == Errno.ESRCH) {
                return false;
            }
            throw Errno.failed("pidfd_send_signal " + signal, "process " + pid);
        } finally {
            libc.close(pidfd);
        }
    }

    @Override
    public int spawn(Spawn spawn, IntConsumer ended) throws IOException {
        int pid;
        try (SpawnCall call = new SpawnCall(libc, spawn)) {
            pid = call.run();
        }
        // Nobody but us reaps it, so its pid is its own until then.
        int pidfd = pidfdOpen(pid);
        Errno.check(pidfd, "pidfd_open", spawn.program());
        new PidWatch(pidfd, Epoll.IN, () -> ended.accept(reap(pidfd)));
        return pid;
    }

    /** A pidfd of the very process, or -1 where it has ended. */
    private int open(int pid, long startTicks) throws IOException {
        int pidfd = pidfdOpen(pid);
        if (pidfd < 0) {
            int errno = LibC.errno();
            // EINVAL: the number now names a thread, so the process of that pid is gone.
            if (errno == Errno.ESRCH || errno == Errno.EINVAL) {
                return -1;
            }
            throw Errno.exception(errno, "pidfd_open", "process " + pid);
        }
        // Looked at after the opening: from here on the pid cannot pass to another process unseen.
        OptionalLong found = startTicks(pid);
        if (found.isEmpty() || found.getAsLong() != startTicks) {
            libc.close(pidfd);
            return -1;
        }
        return pidfd;
    }

    private int pidfdOpen(int pid) {
        return (int) libc.syscall(LibC.SYS_PIDFD_OPEN, pid, 0, 0, 0);
    }

    private int reap(int pidfd) {
        byte[] raw = new byte[128];
        if (libc.waitid(P_PIDFD, pidfd, raw, WEXITED | WNOHANG) < 0) {
            // Somebody ignores SIGCHLD for the whole JVM: then the kernel reaps, and the status is lost.
            return 255;
        }
        ByteBuffer siginfo = ByteBuffer.wrap(raw).order(ByteOrder.nativeOrder());
        int code = siginfo.getInt(8);
        int status = siginfo.getInt(24);
        return code == CLD_EXITED ? status : 128 + status;
    }

    /** What the kernel keeps of a process that was reaped; empty where it does not. */
    private OptionalInt exitCode(int pidfd) {
        byte[] raw = new byte[PIDFD_INFO_SIZE];
        ByteBuffer info = ByteBuffer.wrap(raw).order(ByteOrder.nativeOrder());
        info.putLong(0, PIDFD_INFO_EXIT);
        if (libc.ioctl(pidfd, PIDFD_GET_INFO, raw) < 0 || (info.getLong(0) & PIDFD_INFO_EXIT) == 0) {
            return OptionalInt.empty();
        }
        int status = info.getInt(EXIT_CODE_OFFSET);
        int signal = status & 0x7f;
        return OptionalInt.of(signal == 0 ? status >> 8 & 0xff : 128 + signal);
    }

    /** Interest in one pidfd; tells once and closes itself, or is closed by whoever has lost interest. */
    private final class PidWatch implements Watch {
        private final int pidfd;
        private final AtomicBoolean open = new AtomicBoolean(true);
        private final Runnable ended;
        private final Epoll.Registration registration;

        PidWatch(int pidfd, int interest, Runnable ended) throws IOException {
            this.pidfd = pidfd;
            this.ended = ended;
            Epoll.Registration added;
            try {
                synchronized (this) {
                    added = epoll.add(pidfd, interest, events -> end());
                    this.registration = added;
                }
            } catch (IOException e) {
                libc.close(pidfd);
                throw e;
            }
        }

        private void end() {
            synchronized (this) {
                if (!open.getAndSet(false)) {
                    return;
                }
                registration.close();
            }
            try {
                ended.run();
            } finally {
                libc.close(pidfd);
            }
        }

        @Override
        public void close() {
            synchronized (this) {
                if (!open.getAndSet(false)) {
                    return;
                }
                registration.close();
            }
            libc.close(pidfd);
        }
    }
}
