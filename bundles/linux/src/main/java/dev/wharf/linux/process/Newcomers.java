package dev.wharf.linux.process;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Readies the kernel for a process that is about to be put into a control group.
 *
 * <p>Whoever writes to a {@code cgroup.procs} file takes a lock that every fork and exit takes for reading, and the first
 * writer after a quiet while waits for an RCU grace period, which is most of the time that a container's start takes: 8 ms
 * here, against 0.02 ms for those who come soon after (kernel/cgroup/cgroup.c, cgroup_attach_lock; kernel/rcu/sync.c). So
 * this process moves itself to where it is, which changes nothing, and asks the kernel to make haste meanwhile
 * ({@link GracePeriods}).
 */
public final class Newcomers {
    private static final Logger LOG = LoggerFactory.getLogger(Newcomers.class);
    private static final Path MEMBERSHIP = Path.of("/proc/self/cgroup");
    private static final Path ROOT = Path.of("/sys/fs/cgroup");

    /** One thread that leaves when there is nothing to do; whoever comes while it waits is served by the same wait. */
    private static final ExecutorService THREAD = thread();

    private static Optional<Path> file = find();

    private Newcomers() {}

    private static ExecutorService thread() {
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                1,
                1,
                10,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(1),
                work -> {
                    Thread thread = new Thread(work, "wharf-newcomers");
                    thread.setDaemon(true);
                    return thread;
                },
                new ThreadPoolExecutor.DiscardPolicy());
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    /** Says that a process will be put into a control group within some milliseconds. Returns at once, and never fails. */
    public static void expect() {
        THREAD.execute(Newcomers::ready);
    }

    private static synchronized void ready() {
        if (file.isEmpty()) {
            return;
        }
        try (FileChannel members = FileChannel.open(file.get(), StandardOpenOption.WRITE);
                GracePeriods.Haste ignored = GracePeriods.hasten()) {
            // 0 is the writer itself (cgroups(7)).
            members.write(ByteBuffer.wrap("0".getBytes(StandardCharsets.US_ASCII)));
        } catch (IOException e) {
            LOG.debug("control groups cannot be made ready, so starts take a little longer reason={}", e.toString());
            file = Optional.empty();
        }
    }

    /** The file of the group that this process is in: of a hierarchy without controllers, or of the unified one. */
    private static Optional<Path> find() {
        try {
            for (String line : Files.readAllLines(MEMBERSHIP)) {
                String[] fields = line.split(":", 3);
                boolean named = fields[1].startsWith("name=");
                if (named || fields[1].isEmpty()) {
                    String group = fields[2].replaceFirst("^/+", "");
                    Path own = named ? ROOT.resolve(fields[1].substring("name=".length())) : ROOT;
                    Path members = own.resolve(group).resolve("cgroup.procs");
                    if (Files.isWritable(members)) {
                        return Optional.of(members);
                    }
                }
            }
        } catch (IOException e) {
            LOG.debug("no control group of our own reason={}", e.toString());
        }
        return Optional.empty();
    }
}
