package dev.wharf.core.state;

import dev.wharf.model.ContainerId;
import dev.wharf.model.EndpointSpec;
import java.util.Optional;
import org.pcollections.HashTreePMap;
import org.pcollections.PMap;

/** The addresses of one network that are taken, and the last ones given out, where the search for the next begins. */
public final class Leases {
    static final Leases NONE = new Leases(HashTreePMap.empty(), "", "");

    private final PMap<String, ContainerId> holders;
    private final String last4;
    private final String last6;

    private Leases(PMap<String, ContainerId> holders, String last4, String last6) {
        this.holders = holders;
        this.last4 = last4;
        this.last6 = last6;
    }

    /** Who holds an address, written without a prefix length. */
    public Optional<ContainerId> holder(String address) {
        return Optional.ofNullable(holders.get(address));
    }

    /** The IPv4 address given out last, or empty. */
    public String last4() {
        return last4;
    }

    /** The IPv6 address given out last, or empty. */
    public String last6() {
        return last6;
    }

    public int size() {
        return holders.size();
    }

    Leases with(EndpointSpec endpoint, ContainerId holder) {
        PMap<String, ContainerId> more = holders;
        String v4 = bare(endpoint.ipv4());
        String v6 = bare(endpoint.ipv6());
        if (!v4.isEmpty()) {
            more = more.plus(v4, holder);
        }
        if (!v6.isEmpty()) {
            more = more.plus(v6, holder);
        }
        return new Leases(more, v4.isEmpty() ? last4 : v4, v6.isEmpty() ? last6 : v6);
    }

    Leases without(EndpointSpec endpoint) {
        return new Leases(holders.minus(bare(endpoint.ipv4())).minus(bare(endpoint.ipv6())), last4, last6);
    }

    private static String bare(String cidr) {
        int slash = cidr.indexOf('/');
        return slash < 0 ? cidr : cidr.substring(0, slash);
    }
}
