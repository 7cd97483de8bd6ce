package dev.wharf.spi.kernel;

import dev.wharf.spi.DriverException;
import java.util.List;
import java.util.function.Predicate;
import org.osgi.annotation.versioning.ProviderType;

/** nf_tables of the daemon's own network namespace, by libnftables(3) inside the process. Safe to use from any thread. */
@ProviderType
public interface Firewall {
    /**
     * Runs commands in the language of nft(8) as one transaction: all or none. MISSING where a table, chain, set or element
     * that they name is not there, EXISTS where an element is there with another value.
     */
    void apply(String commands) throws DriverException;

    /** The elements of a set or map now. MISSING where there is no such set. */
    List<Element> elements(String family, String table, String set) throws DriverException;

    /** Every table there is now. */
    List<Table> tables() throws DriverException;

    /** Chains on the forward hook whose policy drops, whoever made them. */
    List<Chain> droppingForwardChains() throws DriverException;

    /** The rules of a chain now, first to last. MISSING where there is no such chain. */
    List<Rule> rules(Chain chain) throws DriverException;

    /**
     * Has flows of datagrams (UDP) meet the rules as they are now with their next packet: rules of translation are asked once
     * for a flow, which lasts while its packets follow one another, and are not asked again where they have changed.
     *
     * @param stale whether a flow is to be forgotten
     */
    void forgetDatagrams(Predicate<Flow> stale) throws DriverException;

    /**
     * A flow as the kernel tracks it. Without translation replies come from where it is sent to and go to where it comes from.
     * Addresses are written as by {@link java.net.InetAddress#getHostAddress}.
     */
    record Flow(
            String source, String destination, int port, String replySource, int replyPort, String replyDestination) {}

    /** A table by family, such as {@code inet}, and name. */
    record Table(String family, String name) {}

    /** A chain by family, such as {@code ip}, table and name; as text what nft calls it by. */
    record Chain(String family, String table, String name) {
        @Override
        public String toString() {
            return family + " " + table + " " + name;
        }
    }

    /**
     * A rule of a chain.
     *
     * @param handle what the kernel calls it by
     * @param comment what its maker wrote on it, or empty
     */
    record Rule(long handle, String comment) {}

    /**
     * An element of a set or map.
     *
     * @param key the parts of its key in nft's words, such as {@code tcp}, {@code 10.0.0.1}, {@code 80}
     * @param value the parts of what it is mapped to, empty in a set
     * @param comment what its maker wrote on it, or empty
     */
    record Element(List<String> key, List<String> value, String comment) {
        public Element {
            key = List.copyOf(key);
            value = List.copyOf(value);
        }
    }
}
