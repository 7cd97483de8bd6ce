package dev.wharf.network.bridge;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.wharf.model.DriverName;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkWish;
import dev.wharf.model.PublishedPort;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Firewall;
import dev.wharf.spi.kernel.Firewall.Element;
import dev.wharf.spi.kernel.HostPorts;
import dev.wharf.spi.kernel.Links;
import dev.wharf.spi.kernel.Links.Link;
import dev.wharf.spi.kernel.NetworkEvents;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.network.Device;
import dev.wharf.spi.network.Endpoint;
import dev.wharf.spi.network.Neighbour;
import dev.wharf.spi.network.NetworkDriver;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Joins sandboxes by pairs of devices to a bridge per network. Its truth lies in the kernel: devices carry a {@link Tag} and
 * port elements the endpoint's id. Nothing here waits for a device or a namespace to die, except where somebody lives on in
 * the sandbox.
 */
@Component(
        service = NetworkDriver.class,
        configurationPid = "dev.wharf.network.bridge",
        property = {"wharf.name=" + BridgeDriver.NAME, "wharf.formats=" + BridgeDriver.FORMAT_NAME + " 1"})
@Designate(ocd = BridgeSettings.class)
public final class BridgeDriver
        implements NetworkDriver, NetworkDriver.Planning, NetworkDriver.Watching, NetworkDriver.Seeing {
    public static final String NAME = "bridge";
    static final String FORMAT_NAME = "bridge-nft";
    /** The version counts up when tags or tables change so that an older driver would misread them. */
    private static final Format FORMAT = new Format(FORMAT_NAME, 1);

    private static final Logger LOG = LoggerFactory.getLogger(BridgeDriver.class);
    private static final String BRIDGED_TO_IP = "bridge/bridge-nf-call-iptables";

    private final Links links;
    private final Firewall firewall;
    private final HostPorts ports;
    private final NetworkEvents events;
    private final Rules rules;
    private final Passage passage;
    private final Datagrams datagrams;

    /** For networks that say nothing of it themselves; in bytes, 0 for the kernel's own choice. */
    private volatile int usualMtu;

    @Activate
    public BridgeDriver(
            BundleContext framework,
            Map<String, Object> configuration,
            @Reference Links links,
            @Reference Firewall firewall,
            @Reference HostPorts ports,
            @Reference NetworkEvents events) {
        this(links, firewall, ports, events, agent(framework.getProperty("wharf.exec.root")));
        changed(configuration);
    }

    /** @param agent names this agent's table and devices among those of others, such as {@code wharf-1a2b3c4d} */
    public BridgeDriver(Links links, Firewall firewall, HostPorts ports, NetworkEvents events, String agent) {
        this.links = links;
        this.firewall = firewall;
        this.ports = ports;
        this.events = events;
        this.rules = new Rules(agent);
        this.passage = new Passage(firewall, agent);
        this.datagrams = new Datagrams(firewall);
    }

    /** Takes a changed configuration, for what is attached from now on. Wrong values do not come here. */
    @Modified
    void changed(Map<String, Object> configuration) {
        usualMtu = Integer.parseInt(
                String.valueOf(configuration.getOrDefault("mtu", "0")).strip());
    }

    private int mtu(NetworkSpec network) {
        int own = Options.mtu(network);
        return own == 0 ? usualMtu : own;
    }

    @Override
    public DriverName name() {
        return new DriverName(NAME);
    }

    @Override
    public List<Format> formats() {
        return List.of(FORMAT);
    }

    @Override
    public Readiness probe() {
        try {
            links.find("lo");
            firewall.tables();
            return Readiness.yes();
        } catch (DriverException e) {
            return Readiness.no(e.failure().message());
        }
    }

    @Override
    public NetworkSpec plan(NetworkSpec wanted) throws DriverException {
        Options.check(wanted);
        return wanted;
    }

    @Override
    public Device create(NetworkSpec network) throws DriverException {
        refuseForeign(network);
        List<String> addresses = new ArrayList<>();
        for (NetworkSpec.Pool pool : network.pools()) {
            boolean ipv6 = Rules.isIpv6(pool.gateway());
            if (!pool.gateway().isEmpty() && Options.addressed(network, ipv6)) {
                addresses.add(
                        pool.gateway() + pool.subnet().substring(pool.subnet().indexOf('/')));
            }
        }
        links.bridge(new Links.Bridge(
                network.deviceName(),
                mac(network),
                mtu(network),
                addresses,
                tag(network).toString()));
        // Lets the host's own 127.0.0.1 reach a published port; Rules.whole keeps everybody else from that way.
        links.sysctl("ipv4/conf/" + network.deviceName() + "/route_localnet", "1");
        if (!network.internal()) {
            forward(network);
        }
        firewall.apply(rules.whole() + rules.add(network));
        passage.open(network.deviceName());
        return new Device(network.id(), network.deviceName());
    }

    @Override
    public void remove(NetworkSpec network) throws DriverException {
        try {
            firewall.apply(rules.remove(network));
        } catch (DriverException e) {
            if (e.failure().kind() != Failure.Kind.MISSING) {
                throw e;
            }
        }
        passage.close(network.deviceName());
        if (links.find(network.deviceName()).filter(l -> isOurs(l, network)).isPresent()) {
            links.remove(network.deviceName());
        }
    }

    @Override
    public Endpoint attach(NetworkSpec network, EndpointSpec endpoint, Sandbox sandbox) throws DriverException {
        try {
            for (PublishedPort port : endpoint.ports()) {
                if (port.isMapped()) {
                    hold(
                            endpoint.id(),
                            port.protocol(),
                            port.hostAddress(),
                            port.hostPort(),
                            Rules.inner(endpoint, port),
                            port.containerPort());
                }
            }
            join(network, endpoint, sandbox);
            publish(network, endpoint);
            datagrams.published(endpoint);
        } catch (DriverException e) {
            undo(endpoint, e);
            throw e;
        }
        return new Endpoint(endpoint.id(), network.id(), endpoint.hostInterface(), endpoint.mac());
    }

    /** The kernel leads nothing from one family of addresses to the other, and nothing that comes from ::1; the agent does. */
    private void hold(String owner, String protocol, String address, int port, String inner, int innerPort)
            throws DriverException {
        boolean carried = !inner.isEmpty() && (Rules.isIpv6(address) || Rules.isIpv6(inner));
        if (carried) {
            ports.carry(owner, protocol, address, port, new InetSocketAddress(inner, innerPort));
        } else {
            ports.hold(owner, protocol, address, port);
        }
    }

    @Override
    public void detach(NetworkSpec network, EndpointSpec endpoint, Sandbox sandbox) throws DriverException {
        release(network, endpoint, sandbox);
        links.remove(endpoint.hostInterface());
    }

    @Override
    public void release(NetworkSpec network, EndpointSpec endpoint, Sandbox sandbox) throws DriverException {
        unpublish(endpoint);
        ports.release(endpoint.id());
        try {
            // To remove a pair takes the kernel 20 ms, and the end of its namespace takes it along for nothing.
            Tag tag = Tag.of(rules.table(), endpoint, 0).gone();
            links.alias(endpoint.hostInterface(), tag.toString());
        } catch (DriverException e) {
            if (e.failure().kind() != Failure.Kind.MISSING) {
                throw e;
            }
        }
    }

    @Override
    public List<Endpoint> survey() throws DriverException {
        // Elements first: whoever attaches makes the device before the elements, so an element without one is left
        // over.
        Map<String, List<PlacedElement>> elements = elements();
        boolean standing = firewall.tables().contains(new Firewall.Table("inet", rules.table()));
        Map<Integer, Link> devices = new HashMap<>();
        links.list().forEach(link -> devices.put(link.index(), link));
        List<Endpoint> found = new ArrayList<>();
        Set<String> known = new HashSet<>();
        for (Link link : devices.values()) {
            Optional<Tag> ours = Tag.parse(link.alias()).filter(this::isOurs);
            if (ours.filter(Tag::isGone).isPresent()) {
                // It has gone with its sandbox by now, unless somebody entered that who is none of ours.
                links.remove(link.name());
            }
            Optional<Tag> tag = ours.filter(Tag::isEndpoint);
            if (tag.isPresent()) {
                known.add(tag.get().id());
                List<PlacedElement> own = elements.getOrDefault(tag.get().id(), List.of());
                long ruled = own.stream().filter(e -> Rules.isRuled(e.map)).count();
                boolean whole = standing
                        && link.up()
                        && link.master() != 0
                        && ruled >= tag.get().ports();
                if (whole) {
                    own.forEach(e -> holdAgain(tag.get().id(), e));
                    found.add(new Endpoint(
                            tag.get().id(),
                            tag.get().networkId(),
                            link.name(),
                            tag.get().mac()));
                }
            }
        }
        for (Map.Entry<String, List<PlacedElement>> entry : elements.entrySet()) {
            if (!known.contains(entry.getKey())) {
                sweep(entry.getValue());
            }
        }
        return found;
    }

    @Override
    public AutoCloseable watch(Listener listener) throws DriverException {
        List<AutoCloseable> ears = new ArrayList<>();
        try {
            ears.add(events.onRulesLost(rules.table(), listener::rulesLost));
            ears.add(events.onPassageLost(listener::deviceLost));
            ears.add(events.onDeviceLost(link -> {
                // What the kernel had no room to tell may have been ours. What we take away ourselves is "gone" before.
                if (link.name().isEmpty()
                        || Tag.parse(link.alias())
                                .filter(t -> isOurs(t) && !t.isGone())
                                .isPresent()) {
                    listener.deviceLost();
                }
            }));
            return () -> ears.forEach(BridgeDriver::closeQuietly);
        } catch (DriverException e) {
            ears.forEach(BridgeDriver::closeQuietly);
            throw e;
        }
    }

    private static void closeQuietly(AutoCloseable ear) {
        try {
            ear.close();
        } catch (Exception e) {
            LOG.debug("not closed", e);
        }
    }

    @Override
    public Set<NetworkId> standing() throws DriverException {
        Set<String> ruled = new HashSet<>();
        try {
            for (Element element : firewall.elements("inet", rules.table(), Rules.BRIDGES)) {
                ruled.add(element.key().get(0));
            }
        } catch (DriverException e) {
            if (e.failure().kind() != Failure.Kind.MISSING) {
                throw e;
            }
        }
        Set<String> reached = passage.among(ruled);
        Set<NetworkId> standing = new HashSet<>();
        for (Link link : links.list()) {
            Tag.parse(link.alias())
                    .filter(t -> t.isNetwork() && isOurs(t) && link.up() && reached.contains(link.name()))
                    .ifPresent(t -> standing.add(t.networkId()));
        }
        return standing;
    }

    @Override
    public List<Neighbour> neighbours() throws DriverException {
        return links.routes().stream()
                .map(route -> new Neighbour(route.destination(), route.device(), route.connected()))
                .toList();
    }

    private void join(NetworkSpec network, EndpointSpec endpoint, Sandbox sandbox) throws DriverException {
        Links.Veth veth = new Links.Veth(
                endpoint.hostInterface(),
                network.deviceName(),
                endpoint.containerInterface(),
                endpoint.mac(),
                mtu(network),
                Stream.concat(
                                Stream.of(endpoint.ipv4(), endpoint.ipv6()).filter(a -> !a.isEmpty()),
                                linkLocal(endpoint))
                        .toList(),
                Stream.of(endpoint.gateway4(), endpoint.gateway6())
                        .filter(a -> !a.isEmpty())
                        .toList(),
                endpoint.metric(),
                bridgeCallsIpTables(),
                !Options.talksWithin(network),
                Tag.of(rules.table(), endpoint, rules.count(endpoint)).toString());
        try {
            links.join(veth, sandbox.path());
        } catch (DriverException e) {
            if (e.failure().kind() != Failure.Kind.MISSING) {
                throw e;
            }
            // Somebody removed the bridge while the network stands; it may have been made anew since.
            if (links.find(network.deviceName()).isEmpty()) {
                create(network);
            }
            links.join(veth, sandbox.path());
        }
    }

    private static Stream<String> linkLocal(EndpointSpec endpoint) {
        String text = endpoint.options().getOrDefault(NetworkWish.LINK_LOCAL, "");
        return Stream.of(text.split(",")).filter(a -> !a.isEmpty()).map(a -> a + (Rules.isIpv6(a) ? "/64" : "/16"));
    }

    private void publish(NetworkSpec network, EndpointSpec endpoint) throws DriverException {
        String commands = rules.canary(network) + rules.publish(endpoint);
        try {
            firewall.apply(commands);
        } catch (DriverException e) {
            switch (e.failure().kind()) {
                // Somebody flushed the rules.
                case MISSING -> firewall.apply(rules.whole() + rules.add(network) + commands);
                case EXISTS -> {
                    // What leads to a container that is gone was left by a crash.
                    survey();
                    publishOrSay(endpoint, commands);
                }
                default -> throw e;
            }
        }
    }

    private void publishOrSay(EndpointSpec endpoint, String commands) throws DriverException {
        try {
            firewall.apply(commands);
        } catch (DriverException e) {
            if (e.failure().kind() != Failure.Kind.EXISTS) {
                throw e;
            }
            String places = String.join(
                    ", ",
                    endpoint.ports().stream()
                            .map(p -> p.hostAddress() + ":" + p.hostPort())
                            .toList());
            throw DriverException.failure(
                    Failure.Kind.EXISTS, "Bind for " + places + " failed: port is already allocated", e);
        }
    }

    private void unpublish(EndpointSpec endpoint) throws DriverException {
        List<String> each = rules.unpublish(endpoint);
        if (each.isEmpty()) {
            return;
        }
        try {
            firewall.apply(String.join("", each));
        } catch (DriverException e) {
            for (String one : each) {
                unpublishOne(one);
            }
        }
        datagrams.unpublished(endpoint);
    }

    private void unpublishOne(String commands) throws DriverException {
        try {
            firewall.apply(commands);
        } catch (DriverException e) {
            boolean notOurs =
                    e.failure().kind() == Failure.Kind.MISSING || e.failure().kind() == Failure.Kind.EXISTS;
            if (!notOurs) {
                throw e;
            }
        }
    }

    /** Takes the device away at once, or the next try in the same sandbox would find its name taken. */
    private void undo(EndpointSpec endpoint, DriverException cause) {
        try {
            takeAway(endpoint);
        } catch (DriverException e) {
            cause.addSuppressed(e);
        }
    }

    private void takeAway(EndpointSpec endpoint) throws DriverException {
        unpublish(endpoint);
        ports.release(endpoint.id());
        links.remove(endpoint.hostInterface());
    }

    /** Agents differ in their exec roots, and one keeps its own over restarts. */
    static String agent(String execRoot) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256")
                    .digest(Path.of(execRoot)
                            .toAbsolutePath()
                            .normalize()
                            .toString()
                            .getBytes(UTF_8));
            return "wharf-" + HexFormat.of().formatHex(hash, 0, 4);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** Port elements by the endpoint they lead to; none where the table is gone. */
    private Map<String, List<PlacedElement>> elements() throws DriverException {
        Map<String, List<PlacedElement>> found = new HashMap<>();
        for (String map : Rules.PORTS) {
            try {
                for (Element element : firewall.elements("inet", rules.table(), map)) {
                    found.computeIfAbsent(element.comment(), id -> new ArrayList<>())
                            .add(new PlacedElement(map, element));
                }
            } catch (DriverException e) {
                if (e.failure().kind() != Failure.Kind.MISSING) {
                    throw e;
                }
            }
        }
        return found;
    }

    private void sweep(List<PlacedElement> orphans) throws DriverException {
        for (PlacedElement orphan : orphans) {
            LOG.info("sweep a port that leads nowhere map={} key={}", orphan.map, orphan.element.key());
            unpublishOne(rules.delete(orphan.map, orphan.element.key()));
        }
    }

    /** A courtesy after a restart; what somebody else took meanwhile stays theirs, the kernel translates before them. */
    private void holdAgain(String endpoint, PlacedElement placed) {
        if (placed.element.value().isEmpty()) {
            return;
        }
        List<String> key = placed.element.key();
        List<String> value = placed.element.value();
        String protocol = switch (key.get(0)) {
            case "6" -> "tcp";
            case "132" -> "sctp";
            default -> "udp";
        };
        String address = key.size() == 3 ? key.get(1) : placed.map.equals("any6") ? "::" : "0.0.0.0";
        try {
            hold(
                    endpoint,
                    protocol,
                    address,
                    Integer.parseInt(key.get(key.size() - 1)),
                    value.get(0),
                    Integer.parseInt(value.get(1)));
        } catch (DriverException e) {
            LOG.warn(
                    "cannot hold a published port endpoint={} reason={}",
                    endpoint,
                    e.failure().message());
        }
    }

    /** A device of that name that somebody else made, be it another agent, is not ours to change. */
    private void refuseForeign(NetworkSpec network) throws DriverException {
        Optional<Link> found = links.find(network.deviceName());
        if (found.isPresent() && !isOurs(found.get(), network)) {
            throw DriverException.failure(
                    Failure.Kind.EXISTS,
                    "cannot make network " + network.name() + ": there is a device " + network.deviceName()
                            + " that this agent did not make; choose another name, or remove it with: ip link delete "
                            + network.deviceName());
        }
    }

    /** Its tag says so; its hardware address does where a crash came before the tag was written. */
    private boolean isOurs(Link link, NetworkSpec network) {
        return Tag.parse(link.alias())
                .map(this::isOurs)
                .orElseGet(() -> link.mac().equals(mac(network)));
    }

    private boolean isOurs(Tag tag) {
        return tag.agent().equals(rules.table());
    }

    private Tag tag(NetworkSpec network) {
        return Tag.of(rules.table(), network);
    }

    /** Given, because a bridge without one takes the lowest of its ports' and changes it as they come and go. */
    private static String mac(NetworkSpec network) {
        String id = network.id().value();
        StringBuilder mac = new StringBuilder("02");
        for (int i = 0; i < 10; i += 2) {
            mac.append(':').append(id, i, i + 2);
        }
        return mac.toString();
    }

    private void forward(NetworkSpec network) throws DriverException {
        links.sysctl("ipv4/ip_forward", "1");
        boolean ipv6 = network.pools().stream().anyMatch(NetworkSpec.Pool::isIpv6);
        if (ipv6 && !links.sysctl("ipv6/conf/all/forwarding").equals(Optional.of("1"))) {
            // A host that forwards stops believing its own router, unless told to go on.
            for (Link link : links.list()) {
                String acceptRa = "ipv6/conf/" + link.name() + "/accept_ra";
                if (links.sysctl(acceptRa).equals(Optional.of("1"))) {
                    links.sysctl(acceptRa, "2");
                }
            }
            links.sysctl("ipv6/conf/all/forwarding", "1");
        }
    }

    /**
     * Where bridged packets pass the IP rules as well, one that is translated back to the bridge port it came from is dropped
     * unless the port is a hairpin.
     */
    private boolean bridgeCallsIpTables() throws DriverException {
        return links.sysctl(BRIDGED_TO_IP).equals(Optional.of("1"));
    }

    private record PlacedElement(String map, Element element) {}
}
