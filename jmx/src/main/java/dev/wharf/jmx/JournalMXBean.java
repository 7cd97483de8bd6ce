package dev.wharf.jmx;

/**
 * The journal, as {@code dev.wharf:type=Journal}. It sends a notification for every event: its type is {@code dev.wharf.} and the
 * event's, such as {@code dev.wharf.container.started}, its sequence number the position of the batch, its message the event in
 * words, and its user data says the rest by name: {@code position}, {@code index}, {@code subject}, {@code name}, {@code actor},
 * {@code command}. A filter on the type ({@link javax.management.NotificationFilterSupport}) works by prefix.
 */
public interface JournalMXBean {
    /** The last batch that listeners were told of. */
    long getTold();

    /** Notifications that listeners were too slow for; each run of them is told of as {@code dev.wharf.notifications-lost}. */
    long getLost();
}
