package dev.wharf.network.vxlan;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.wharf.model.DriverName;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkSpec.Pool;
import dev.wharf.network.bridge.BridgeDriver;
import dev.wharf.spi.Driver;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.ChildLinks;
import dev.wharf.spi.kernel.Firewall;
import dev.wharf.spi.kernel.HostPorts;
import dev.wharf.spi.kernel.Links;
import dev.wharf.spi.kernel.Links.Link;
import dev.wharf.spi.kernel.NetworkEvents;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.kernel.Tunnels;
import dev.wharf.spi.network.Device;
import dev.wharf.spi.network.Endpoint;
import dev.wharf.spi.network.Neighbour;
import dev.wharf.spi.network.NetworkDriver;
import dev.wharf.spi.network.Peer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Joins sandboxes of several hosts to one network. On each host that is a bridge like any other, with published ports and a
 * way out through that host, and one port more: a tunnel to the other hosts, which {@link Exchange} leads. Each host gives
 * out addresses from a part of the subnet that is its own, so that none has to ask another.
 */
@Component(
        service = NetworkDriver.class,
        configurationPid = "dev.wharf.network.vxlan",
        property = {"wharf.name=" + OverlayDriver.NAME, "wharf.formats=" + OverlayDriver.FORMAT_NAME + " 2"})
@Designate(ocd = OverlaySettings.class)
public final class OverlayDriver
        implements NetworkDriver,
                NetworkDriver.Planning,
                NetworkDriver.Watching,
                NetworkDriver.Seeing,
                Driver.Configured {
    /** What Docker calls networks over several hosts; the technique is VXLAN. */
    public static final String NAME = "overlay";

    static final String FORMAT_NAME = "overlay-vxlan";
    /** Of 2 are encrypted networks: a driver that knows only 1 would carry them in plain text. */
    private static final List<Format> FORMATS = List.of(new Format(FORMAT_NAME, 2), new Format(FORMAT_NAME, 1));

    private static final Logger LOG = LoggerFactory.getLogger(OverlayDriver.class);
    /** What a frame grows by inside a tunnel: the headers of Ethernet, IP, UDP and VXLAN. */
    private static final int GROWTH_4 = 50;

    private static final int GROWTH_6 = 70;
    /** What a packet grows by in WireGuard: the headers of IP, UDP and WireGuard. */
    private static final int SEALED_GROWTH_4 = 60;

    private static final int SEALED_GROWTH_6 = 80;
    /** What IPv6 asks of every link. */
    private static final int LEAST_MTU = 1280;

    private final Links links;
    private final ChildLinks children;
    private final Tunnels tunnels;
    private final NetworkEvents events;
    private final Exchange exchange;
    private final BridgeDriver bridge;
    private final String agent;
    /** The port of networks that are made from now on. */
    private volatile int usualPort = OverlayOptions.USUAL_PORT;

    @Activate
    public OverlayDriver(
            BundleContext framework,
            Map<String, Object> configuration,
            @Reference Links links,
            @Reference ChildLinks children,
            @Reference Tunnels tunnels,
            @Reference Firewall firewall,
            @Reference HostPorts ports,
            @Reference NetworkEvents events,
            @Reference Exchange exchange) {
        this(
                links,
                children,
                tunnels,
                events,
                exchange,
                agent(framework.getProperty("wharf.exec.root")),
                new BridgeDriver(links, firewall, ports, events, agent(framework.getProperty("wharf.exec.root"))));
        changed(configuration);
    }

    /** @param bridge with the same name for the agent, another one than the network mode bridge goes by */
    OverlayDriver(
            Links links,
            ChildLinks children,
            Tunnels tunnels,
            NetworkEvents events,
            Exchange exchange,
            String agent,
            BridgeDriver bridge) {
        this.links = links;
        this.children = children;
        this.tunnels = tunnels;
        this.events = events;
        this.exchange = exchange;
        this.agent = agent;
        this.bridge = bridge;
    }

    /** Takes a changed configuration. Wrong values do not come here. */
    @Modified
    void changed(Map<String, Object> configuration) {
        usualPort = number(configuration, "port", OverlayOptions.USUAL_PORT);
        exchange.link().port(number(configuration, "wireguard.port", SealedLink.USUAL_PORT));
        exchange.wake();
    }

    private static int number(Map<String, Object> configuration, String key, int otherwise) {
        return Integer.parseInt(
                String.valueOf(configuration.getOrDefault(key, otherwise)).strip());
    }

    @Override
    public List<String> refused() {
        return exchange.leftOut();
    }

    @Override
    public DriverName name() {
        return new DriverName(NAME);
    }

    @Override
    public List<Format> formats() {
        return FORMATS;
    }

    @Override
    public Readiness probe() {
        try {
            return children.knows("vxlan")
                    ? bridge.probe()
                    : Readiness.no(
                            "this kernel has no vxlan devices; load the module vxlan, or take a kernel built with"
                                    + " CONFIG_VXLAN");
        } catch (DriverException e) {
            return Readiness.no(e.failure().message());
        }
    }

    @Override
    public NetworkSpec plan(NetworkSpec wanted) throws DriverException {
        Map<String, String> options = new HashMap<>(wanted.options());
        boolean sealed = OverlayOptions.isEncrypted(options);
        // A wish for secrecy is never half granted.
        Peer self = sealed ? exchange.sealedSelf() : exchange.peers().self();
        options.put(OverlayOptions.NUMBER, Integer.toString(OverlayOptions.number(options, wanted.name())));
        // Written down, so that a network keeps its port when the usual one changes.
        options.put(OverlayOptions.PORT, Integer.toString(OverlayOptions.port(options, usualPort)));
        if (OverlayOptions.mtu(options) == 0) {
            options.put(OverlayOptions.MTU, Integer.toString(mtu(self, sealed)));
        }
        if (wanted.ipv6Only()) {
            throw DriverException.failure(Failure.Kind.UNSUPPORTED, "overlay networks without IPv4 are not served");
        }
        List<Pool> pools = new ArrayList<>();
        if (wanted.pools().stream().allMatch(Pool::isIpv6)) {
            pools.add(new Pool(OverlayOptions.subnet4(wanted.name()), "", "", Map.of()));
        }
        pools.addAll(wanted.pools());
        if (wanted.ipv6() && wanted.pools().stream().noneMatch(Pool::isIpv6)) {
            pools.add(new Pool(OverlayOptions.subnet6(wanted.name()), "", "", Map.of()));
        }
        List<Pool> parts = new ArrayList<>();
        for (Pool pool : pools) {
            parts.add(part(pool, options, self));
        }
        return wanted.planned(wanted.deviceName(), parts, wanted.internal(), options);
    }

    /** The pool with this host's part of it and an address for the host in there. */
    private static Pool part(Pool pool, Map<String, String> options, Peer self) throws DriverException {
        Share subnet = Share.parse(pool.subnet());
        // An operator who names a range has divided the subnet in another way.
        Share part = pool.range().isEmpty()
                ? subnet.part(self.number(), OverlayOptions.parts(options, subnet))
                : Share.parse(pool.range());
        String gateway = pool.gateway().isEmpty() ? part.at(1) : pool.gateway();
        if (!part.contains(gateway)) {
            throw DriverException.failure(
                    Failure.Kind.INVALID,
                    "gateway " + gateway + " is not in this host's part " + part + " of " + subnet
                            + "; each host is a gateway of its own, so leave it out");
        }
        Map<String, String> reserved = new HashMap<>(pool.reserved());
        if (part.isOdd() && !part.at(0).equals(subnet.at(0))) {
            reserved.put("first", part.at(0));
        }
        return new Pool(pool.subnet(), gateway, part.toString(), reserved);
    }

    private int mtu(Peer self, boolean sealed) throws DriverException {
        if (sealed) {
            return sealedMtu(self) - GROWTH_6;
        }
        return outside(self) - (isIpv6(self) ? GROWTH_6 : GROWTH_4);
    }

    /** Of the encrypted link itself. */
    private int sealedMtu(Peer self) throws DriverException {
        return Math.max(LEAST_MTU, outside(self) - (isIpv6(self) ? SEALED_GROWTH_6 : SEALED_GROWTH_4));
    }

    private int outside(Peer self) throws DriverException {
        return Math.min(children.holding(self.address()).map(Link::mtu).orElse(1500), 65_535);
    }

    private static boolean isIpv6(Peer self) {
        return self.address().indexOf(':') >= 0;
    }

    @Override
    public Device create(NetworkSpec network) throws DriverException {
        boolean sealed = OverlayOptions.isEncrypted(network.options());
        Peer self = sealed ? exchange.sealedSelf() : exchange.peers().self();
        boolean fresh = links.find(Tunnel.name(network.id())).isEmpty();
        Device device = bridge.create(network);
        try {
            if (sealed) {
                // The link goes with the last tunnel on it, so no other may go meanwhile.
                synchronized (exchange.link()) {
                    exchange.link().open(self, sealedMtu(self));
                    tunnel(
                            network,
                            SealedLink.inside(self.number()),
                            exchange.link().name());
                }
            } else {
                tunnel(network, self.address(), "");
            }
        } catch (DriverException e) {
            if (fresh) {
                undo(network, e);
            }
            throw e;
        }
        exchange.wake();
        return device;
    }

    private void tunnel(NetworkSpec network, String local, String lower) throws DriverException {
        int number = OverlayOptions.number(network);
        tunnels.vxlan(new Tunnels.Vxlan(
                Tunnel.name(network.id()),
                network.deviceName(),
                number,
                local,
                lower,
                OverlayOptions.port(network.options(), OverlayOptions.USUAL_PORT),
                OverlayOptions.mtu(network.options()),
                Tunnel.alias(agent, network.id(), number, network.deviceName(), !lower.isEmpty())));
    }

    private void undo(NetworkSpec network, DriverException cause) {
        try {
            remove(network);
        } catch (DriverException e) {
            cause.addSuppressed(e);
        }
    }

    @Override
    public void remove(NetworkSpec network) throws DriverException {
        String name = Tunnel.name(network.id());
        synchronized (exchange.link()) {
            if (links.find(name).flatMap(l -> Tunnel.parse(l, agent)).isPresent()) {
                links.remove(name);
            }
            if (OverlayOptions.isEncrypted(network.options())
                    && links.list().stream()
                            .noneMatch(l -> Tunnel.parse(l, agent)
                                    .filter(Tunnel::sealed)
                                    .isPresent())) {
                exchange.link().close();
            }
        }
        bridge.remove(network);
        exchange.wake();
    }

    @Override
    public Endpoint attach(NetworkSpec network, EndpointSpec endpoint, Sandbox sandbox) throws DriverException {
        refuseOthersAddress(network, endpoint.ipv4());
        refuseOthersAddress(network, endpoint.ipv6());
        return bridge.attach(network, endpoint, sandbox);
    }

    private static void refuseOthersAddress(NetworkSpec network, String cidr) throws DriverException {
        if (cidr.isEmpty()) {
            return;
        }
        String address = cidr.substring(0, cidr.indexOf('/'));
        for (Pool pool : network.pools()) {
            if (!pool.range().isEmpty()
                    && Share.parse(pool.subnet()).contains(address)
                    && !Share.parse(pool.range()).contains(address)) {
                throw DriverException.failure(
                        Failure.Kind.INVALID,
                        "address " + address + " belongs to another host: on network " + network.name()
                                + " this one gives out " + pool.range());
            }
        }
    }

    @Override
    public void detach(NetworkSpec network, EndpointSpec endpoint, Sandbox sandbox) throws DriverException {
        bridge.detach(network, endpoint, sandbox);
    }

    @Override
    public void release(NetworkSpec network, EndpointSpec endpoint, Sandbox sandbox) throws DriverException {
        bridge.release(network, endpoint, sandbox);
    }

    @Override
    public List<Endpoint> survey() throws DriverException {
        return bridge.survey();
    }

    @Override
    public AutoCloseable watch(Listener listener) throws DriverException {
        AutoCloseable ofBridges = bridge.watch(listener);
        try {
            AutoCloseable ofTunnels = events.onDeviceLost(link -> {
                if (Tunnel.parse(link, agent).isPresent()) {
                    listener.deviceLost();
                }
            });
            return () -> {
                ofBridges.close();
                ofTunnels.close();
            };
        } catch (DriverException e) {
            try {
                ofBridges.close();
            } catch (Exception other) {
                LOG.debug("not closed", other);
            }
            throw e;
        }
    }

    @Override
    public Set<NetworkId> standing() throws DriverException {
        Set<NetworkId> tunnelled = new HashSet<>();
        for (Link link : links.list()) {
            Tunnel.parse(link, agent)
                    .filter(t -> link.up() && link.master() != 0)
                    .ifPresent(t -> tunnelled.add(t.network()));
        }
        Set<NetworkId> standing = new HashSet<>(bridge.standing());
        standing.retainAll(tunnelled);
        return standing;
    }

    @Override
    public List<Neighbour> neighbours() throws DriverException {
        return bridge.neighbours();
    }

    /** Another name than that of the mode bridge, so that each has its own table and knows its own devices. */
    static String agent(String execRoot) {
        try {
            String root = Path.of(execRoot).toAbsolutePath().normalize().toString();
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(("overlay " + root).getBytes(UTF_8));
            return "wharf-" + HexFormat.of().formatHex(hash, 0, 4);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
