package dev.wharf.spi.kernel;

import dev.wharf.spi.DriverException;
import java.util.function.Consumer;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Tells what other programs, or people, take away in the daemon's own network namespace. The kernel says so by itself, so
 * nothing polls. Listeners are called from one thread and must return soon; a burst may be told more than once, and what the
 * kernel had no room to tell is told as if everything was gone.
 */
@ProviderType
public interface NetworkEvents {
    /** Calls {@code lost} when another program takes something out of an nf_tables table, or the whole table. */
    AutoCloseable onRulesLost(String table, Runnable lost) throws DriverException;

    /**
     * Calls {@code lost} when another program has a chain on the forward hook drop by policy, or takes a rule out of the
     * {@code FORWARD} chain of iptables(8).
     */
    AutoCloseable onPassageLost(Runnable lost) throws DriverException;

    /** Calls {@code lost} with each device that is removed or set down, by whomever, as it was last. */
    AutoCloseable onDeviceLost(Consumer<Links.Link> lost) throws DriverException;
}
