package dev.wharf.core.agent;

/**
 * A house to rehearse in. Its loop and its journal are the real ones, and its drivers only say that they did as they were told:
 * nothing is made on this host, and nobody hears of it.
 */
public interface Stage extends AutoCloseable {
    Agent agent();

    /** Ends it, and takes away its journal. */
    @Override
    void close();
}
