package dev.wharf.dns;

import java.io.IOException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.time.Duration;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One thread with all sockets of all sandboxes, and the times until which something is awaited. */
final class Loop implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Loop.class);

    private final Selector selector;
    /** As long as what was asked for since the last turn. */
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();

    private final Thread thread = new Thread(this::run, "wharf-dns");
    private volatile boolean closed;

    /** Owned by the thread. */
    private final PriorityQueue<Alarm> alarms = new PriorityQueue<>(Comparator.comparingLong(a -> a.at));

    Loop() throws IOException {
        selector = Selector.open();
        thread.setDaemon(true);
        thread.start();
    }

    /** Hears that its channel is ready. Failures close the channel. */
    interface Handler {
        void ready(SelectionKey key) throws IOException;
    }

    /** Something to do at a time, unless it is called off before. */
    static final class Alarm {
        private final long at;
        private final Runnable task;
        private boolean off;

        private Alarm(long at, Runnable task) {
            this.at = at;
            this.task = task;
        }

        void callOff() {
            off = true;
        }
    }

    void execute(Runnable task) {
        tasks.add(task);
        selector.wakeup();
    }

    /** On the thread of the loop only. */
    SelectionKey register(SelectableChannel channel, int interest, Handler handler) throws IOException {
        channel.configureBlocking(false);
        return channel.register(selector, interest, handler);
    }

    /** On the thread of the loop only. */
    Alarm after(Duration time, Runnable task) {
        Alarm alarm = new Alarm(System.nanoTime() + time.toNanos(), task);
        alarms.add(alarm);
        return alarm;
    }

    private void run() {
        while (!closed) {
            try {
                selector.select(this::tell, untilNextAlarm());
            } catch (IOException e) {
                LOG.error("the resolver of the containers stops", e);
                return;
            }
            for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
                guarded(task);
            }
            while (!alarms.isEmpty() && (alarms.peek().off || alarms.peek().at - System.nanoTime() <= 0)) {
                Alarm alarm = alarms.remove();
                if (!alarm.off) {
                    guarded(alarm.task);
                }
            }
        }
        selector.keys().forEach(key -> close(key.channel()));
        try {
            selector.close();
        } catch (IOException e) {
            LOG.debug("selector not closed", e);
        }
    }

    /** In milliseconds, at least one; 0 waits for ever. */
    private long untilNextAlarm() {
        if (alarms.isEmpty()) {
            return 0;
        }
        return Math.max(1, (alarms.peek().at - System.nanoTime()) / 1_000_000 + 1);
    }

    private void tell(SelectionKey key) {
        guarded(() -> {
            try {
                if (key.isValid() && key.attachment() instanceof Handler handler) {
                    handler.ready(key);
                }
            } catch (IOException e) {
                LOG.debug("socket failed", e);
                close(key.channel());
            }
        });
    }

    /** One bad packet must not silence everybody. */
    private static void guarded(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException e) {
            LOG.error("a question broke the resolver's turn", e);
        }
    }

    static void close(AutoCloseable channel) {
        try {
            channel.close();
        } catch (Exception e) {
            LOG.debug("channel not closed", e);
        }
    }

    @Override
    public void close() {
        closed = true;
        selector.wakeup();
        try {
            thread.join(2000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
