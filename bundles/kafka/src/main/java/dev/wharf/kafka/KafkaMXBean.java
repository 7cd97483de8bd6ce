package dev.wharf.kafka;

/** How publishing is doing. */
public interface KafkaMXBean {
    /** {@code connecting}, {@code publishing}, {@code away}, {@code blocked}, {@code superseded} or {@code stopped}. */
    String getState();

    /** Why it does not publish, in words; empty while it does. */
    String getTrouble();

    /** The last position of the journal that is on the topics; -1 while that is not known. */
    long getPosition();

    /** Batches of the journal that are not on the topics yet; -1 while that is not known. */
    long getLag();

    /** Events that were published since the publisher started. */
    long getEvents();

    /** Transactions that were committed since then. */
    long getTransactions();

    /** Commands that were answered since then. */
    long getCommands();
}
