package dev.wharf.network.vxlan;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Links;
import dev.wharf.spi.kernel.Links.Link;
import dev.wharf.spi.kernel.WireGuard;
import dev.wharf.spi.kernel.WireGuard.Other;
import dev.wharf.spi.network.Peer;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The one WireGuard device of this agent, which carries the tunnels of its encrypted networks. Inside, each host has a
 * link-local address that follows from its number: such addresses lead nowhere but through this device, whatever routes there
 * are, and the kernel takes frames for a tunnel that stands on it from nowhere else.
 */
final class SealedLink {
    /** Not the usual one of WireGuard, which an operator's own may have. */
    static final int USUAL_PORT = 51_830;

    private final Links links;
    private final WireGuard wireGuard;
    private final String agent;
    private final Path folder;
    private volatile int port = USUAL_PORT;
    private Optional<OwnKey> key = Optional.empty();

    /** @param folder where the private key lies */
    SealedLink(Links links, WireGuard wireGuard, String agent, Path folder) {
        this.links = links;
        this.wireGuard = wireGuard;
        this.agent = agent;
        this.folder = folder;
    }

    /** Such as {@code wg-1a2b3c4d} of the agent {@code wharf-1a2b3c4d}. */
    String name() {
        return "wg-" + agent.substring(agent.lastIndexOf('-') + 1);
    }

    void port(int number) {
        port = number;
    }

    /** The public key of this host, made when it is first asked for; empty where the kernel could do nothing with it. */
    synchronized Optional<String> key() throws DriverException {
        return wireGuard.isKnown() ? Optional.of(own().publicKey()) : Optional.empty();
    }

    private synchronized OwnKey own() throws DriverException {
        try {
            if (key.isEmpty()) {
                key = Optional.of(OwnKey.in(folder));
            }
            return key.get();
        } catch (IOException e) {
            throw DriverException.failure(Failure.Kind.FAILED, "encrypted networks have no key: " + e.getMessage(), e);
        }
    }

    /** Makes the device, or makes it whole again. */
    Link open(Peer self, int mtu) throws DriverException {
        return wireGuard.device(new WireGuard.Device(
                name(), own().secret(), port, inside(self.number()) + "/64", mtu, agent + " wireguard"));
    }

    /** Makes exactly these the other ends; answers with the device, which is not there where somebody took it away. */
    Optional<Link> know(Peer self, List<Peer> others) throws DriverException {
        Optional<Link> link = links.find(name());
        Optional<WireGuard.State> state = link.isEmpty() ? Optional.empty() : wireGuard.state(name());
        if (state.isEmpty()) {
            return Optional.empty();
        }
        if (state.get().port() != port || !state.get().key().equals(own().publicKey())) {
            link = Optional.of(open(self, 0));
        }
        Set<Other> ends = new HashSet<>();
        for (Peer other : others) {
            ends.add(new Other(other.key(), other.address(), port, List.of(inside(other.number()) + "/128")));
        }
        wireGuard.know(name(), ends);
        return link;
    }

    void close() throws DriverException {
        if (links.find(name())
                .filter(l -> l.alias().equals(agent + " wireguard"))
                .isPresent()) {
            links.remove(name());
        }
    }

    /** The address of a host inside. */
    static String inside(int number) {
        return "fe80:0:0:0:0:1:%x:%x".formatted(number >>> 16, number & 0xffff);
    }

    /** The same for a socket, which has to be told the device. */
    static InetAddress inside(Peer peer, Link device) throws DriverException {
        try {
            return Inet6Address.getByAddress("", Share.bytes(inside(peer.number())), device.index());
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address of 16 bytes", e);
        }
    }
}
