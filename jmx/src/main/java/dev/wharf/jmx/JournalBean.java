package dev.wharf.jmx;

import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.event.EventType;
import dev.wharf.core.story.Names;
import dev.wharf.core.story.Story;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.management.ListenerNotFoundException;
import javax.management.MBeanNotificationInfo;
import javax.management.Notification;
import javax.management.NotificationBroadcasterSupport;
import javax.management.NotificationEmitter;
import javax.management.NotificationFilter;
import javax.management.NotificationListener;
import javax.management.openmbean.CompositeDataSupport;
import javax.management.openmbean.CompositeType;
import javax.management.openmbean.OpenDataException;
import javax.management.openmbean.OpenType;
import javax.management.openmbean.SimpleType;

/** Tells listeners of events, on a thread of its own with a bounded queue, so that a slow one delays nobody but listeners. */
final class JournalBean implements JournalMXBean, NotificationEmitter, AutoCloseable {
    /** What may wait for listeners before they are told that they missed something. */
    static final int WAITING = 10_000;

    static final String PREFIX = "dev.wharf.";
    static final String LOST = PREFIX + "notifications-lost";

    private static final String[] ITEMS = {"position", "index", "subject", "name", "actor", "command"};
    private static final CompositeType DETAILS = details();

    private final ThreadPoolExecutor teller =
            new ThreadPoolExecutor(1, 1, 30, TimeUnit.SECONDS, new ArrayBlockingQueue<>(WAITING), task -> {
                Thread thread = new Thread(task, "wharf-jmx-teller");
                thread.setDaemon(true);
                return thread;
            });
    private final NotificationBroadcasterSupport listeners =
            new NotificationBroadcasterSupport(new MBeanNotificationInfo(
                    new String[] {PREFIX + "*"},
                    Notification.class.getName(),
                    "Every event of the journal, in order."));
    private final AtomicLong lost = new AtomicLong();
    private final AtomicLong untold = new AtomicLong();
    private final AtomicLong listening = new AtomicLong();
    private volatile long told;

    JournalBean() {
        teller.allowCoreThreadTimeOut(true);
    }

    private static CompositeType details() {
        try {
            OpenType<?>[] types = {
                SimpleType.LONG,
                SimpleType.INTEGER,
                SimpleType.STRING,
                SimpleType.STRING,
                SimpleType.STRING,
                SimpleType.STRING
            };
            String[] words = {
                "the batch",
                "which event of it",
                "what it is about",
                "what that is called",
                "who asked",
                "the command's id"
            };
            return new CompositeType("event", "an event's place and cause", ITEMS, words, types);
        } catch (OpenDataException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Tells of one event; makes nothing where nobody listens. */
    void tell(Moment moment) {
        long position = moment.position().sequence();
        if (listening.get() == 0) {
            told = position;
            return;
        }
        Notification notification = notification(moment);
        try {
            teller.execute(() -> {
                long missed = untold.getAndSet(0);
                if (missed > 0) {
                    listeners.sendNotification(new Notification(
                            LOST,
                            this,
                            position,
                            missed + " events went by before this one; read them from the journal"));
                }
                listeners.sendNotification(notification);
                told = position;
            });
        } catch (RejectedExecutionException e) {
            lost.incrementAndGet();
            untold.incrementAndGet();
        }
    }

    private Notification notification(Moment moment) {
        EventType type = moment.event().getClass().getAnnotation(EventType.class);
        Story story = Story.of(moment);
        Notification notification = new Notification(
                PREFIX + (type == null ? "event" : type.value()),
                this,
                moment.position().sequence(),
                moment.at().toEpochMilli(),
                story.name() + " " + story.words());
        Object[] values = {
            moment.position().sequence(),
            moment.index(),
            moment.event().subject().kind() + ":" + moment.event().subject().value(),
            Names.of(moment.event().subject(), moment.after()),
            moment.cause().actor().name(),
            moment.cause().command().value()
        };
        try {
            notification.setUserData(new CompositeDataSupport(DETAILS, ITEMS, values));
        } catch (OpenDataException e) {
            throw new IllegalStateException(e);
        }
        return notification;
    }

    @Override
    public long getTold() {
        return told;
    }

    @Override
    public long getLost() {
        return lost.get();
    }

    @Override
    public void addNotificationListener(NotificationListener listener, NotificationFilter filter, Object handback) {
        listeners.addNotificationListener(listener, filter, handback);
        listening.incrementAndGet();
    }

    @Override
    public void removeNotificationListener(NotificationListener listener) throws ListenerNotFoundException {
        listeners.removeNotificationListener(listener);
        listening.decrementAndGet();
    }

    @Override
    public void removeNotificationListener(NotificationListener listener, NotificationFilter filter, Object handback)
            throws ListenerNotFoundException {
        listeners.removeNotificationListener(listener, filter, handback);
        listening.decrementAndGet();
    }

    @Override
    public MBeanNotificationInfo[] getNotificationInfo() {
        return listeners.getNotificationInfo();
    }

    @Override
    public void close() {
        teller.shutdownNow();
    }
}
