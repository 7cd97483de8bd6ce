package dev.wharf.linux.process;

import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One epoll set (epoll(7)) with one thread, which begins at first use. Whoever is told of something must return soon. */
@Component(service = Epoll.class)
public final class Epoll implements AutoCloseable {
    public static final int IN = 0x001;
    public static final int OUT = 0x004;
    static final int ERROR_OR_HANG_UP = 0x008 | 0x010;

    private static final Logger LOG = LoggerFactory.getLogger(Epoll.class);
    private static final int ADD = 1;
    private static final int DELETE = 2;
    private static final int MODIFY = 3;
    private static final int BATCH = 64;
    private static final long WAKE = 0;

    /** struct epoll_event is packed on x86-64 alone. */
    private static final boolean PACKED = System.getProperty("os.arch").equals("amd64");

    private static final int EVENT_SIZE = PACKED ? 12 : 16;
    private static final int DATA_OFFSET = PACKED ? 4 : 8;

    private final LibC libc = LibC.get();
    private final String name;
    private final AtomicLong tokens = new AtomicLong(WAKE);
    private final Map<Long, Handler> handlers = new ConcurrentHashMap<>();
    /** As long as there are watches whose end was known at once; each is taken within one turn. */
    private final Queue<Runnable> soon = new ConcurrentLinkedQueue<>();

    private int epoll = -1;
    private int wake = -1;
    private volatile boolean closed;

    @Activate
    public Epoll() {
        this("wharf-epoll");
    }

    /** @param name of its thread */
    public Epoll(String name) {
        this.name = name;
    }

    /** Adds a descriptor; {@code handler} hears the events of {@code interest}, and of errors and hang-ups always. */
    public Registration add(int fd, int interest, Handler handler) throws IOException {
        start();
        long token = tokens.incrementAndGet();
        handlers.put(token, handler);
        if (libc.epoll_ctl(epoll, ADD, fd, event(interest, token)) < 0) {
            IOException failure = Errno.failed("epoll_ctl", "descriptor " + fd);
            handlers.remove(token);
            throw failure;
        }
        return new Registration(fd, token);
    }

    /** Runs {@code task} on the thread of this set. */
    public void execute(Runnable task) throws IOException {
        start();
        soon.add(task);
        wakeUp();
    }

    @Override
    @Deactivate
    public synchronized void close() {
        closed = true;
        if (epoll >= 0) {
            wakeUp();
        }
    }

    private synchronized void start() throws IOException {
        if (closed) {
            throw new IOException("the epoll set is closed");
        }
        if (epoll >= 0) {
            return;
        }
        int set = Errno.check(libc.epoll_create1(LibC.O_CLOEXEC), "epoll_create1", "epoll");
        wake = Errno.check(libc.eventfd(0, LibC.O_CLOEXEC | LibC.O_NONBLOCK), "eventfd", "epoll");
        Errno.check(libc.epoll_ctl(set, ADD, wake, event(IN, WAKE)), "epoll_ctl", "eventfd");
        epoll = set;
        Thread thread = new Thread(this::run, name);
        thread.setDaemon(true);
        thread.start();
    }

    private void run() {
        ShortTurns.take(libc);
        ByteBuffer events = ByteBuffer.allocateDirect(BATCH * EVENT_SIZE).order(ByteOrder.nativeOrder());
        ByteBuffer count = ByteBuffer.allocateDirect(8);
        while (!closed) {
            int ready = libc.epoll_wait(epoll, events, BATCH, -1);
            if (ready < 0 && LibC.errno() != Errno.EINTR) {
                LOG.error("cannot wait for events, exits will go unnoticed error={}", Errno.text(LibC.errno()));
                return;
            }
            for (int i = 0; i < ready; i++) {
                long token = events.getLong(i * EVENT_SIZE + DATA_OFFSET);
                if (token == WAKE) {
                    libc.read(wake, count, 8);
                } else {
                    tell(token, events.getInt(i * EVENT_SIZE));
                }
            }
            for (Runnable task = soon.poll(); task != null; task = soon.poll()) {
                guarded(task);
            }
        }
        libc.close(wake);
        libc.close(epoll);
    }

    private void tell(long token, int events) {
        Handler handler = handlers.get(token);
        if (handler != null) {
            guarded(() -> handler.ready(events));
        }
    }

    /** One listener's bug must not silence all others. */
    private static void guarded(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException | LinkageError e) {
            LOG.error("a listener failed", e);
        }
    }

    private void wakeUp() {
        ByteBuffer one =
                ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder()).putLong(0, 1);
        libc.write(wake, one, 8);
    }

    private static byte[] event(int interest, long token) {
        ByteBuffer event = ByteBuffer.allocate(EVENT_SIZE).order(ByteOrder.nativeOrder());
        event.putInt(0, interest).putLong(DATA_OFFSET, token);
        return event.array();
    }

    /** Hears of events. */
    public interface Handler {
        void ready(int events);
    }

    /** A descriptor in the set. */
    public final class Registration implements AutoCloseable {
        private final int fd;
        private final long token;

        Registration(int fd, long token) {
            this.fd = fd;
            this.token = token;
        }

        void interest(int interest) throws IOException {
            Errno.check(libc.epoll_ctl(epoll, MODIFY, fd, event(interest, token)), "epoll_ctl", "descriptor " + fd);
        }

        /** Repeating it does nothing, so it never meets a new descriptor of the same number. */
        @Override
        public void close() {
            if (handlers.remove(token) != null) {
                libc.epoll_ctl(epoll, DELETE, fd, event(0, token));
            }
        }
    }
}
