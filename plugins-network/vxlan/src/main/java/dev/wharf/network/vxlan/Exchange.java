package dev.wharf.network.vxlan;

import dev.wharf.model.NetworkId;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Links;
import dev.wharf.spi.kernel.Links.Link;
import dev.wharf.spi.kernel.Tunnels;
import dev.wharf.spi.kernel.WireGuard;
import dev.wharf.spi.network.Neighbourhood;
import dev.wharf.spi.network.Peer;
import dev.wharf.spi.network.PeerSource;
import dev.wharf.spi.network.PeerSource.Peers;
import dev.wharf.spi.network.Resident;
import dev.wharf.spi.network.Residents;
import java.io.IOException;
import java.net.InetAddress;
import java.net.StandardProtocolFamily;
import java.net.UnknownHostException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps this host's tunnels leading to where everybody is. It tells other hosts who is here, listens to who is there, and
 * makes the kernel's tables fit; of encrypted networks it speaks within their encrypted link alone. Which networks there are it reads from the kernel; where there is none it does nothing and
 * opens no port.
 */
@Component(service = {Exchange.class, Neighbourhood.class})
public final class Exchange implements Neighbourhood, AutoCloseable {
    /** Stands in what came from another host, whose own id for the network says nothing here. */
    static final NetworkId NOWHERE = new NetworkId("0".repeat(64));

    /** The port that Docker's hosts talk on among themselves. */
    static final int PORT = 7946;

    private static final Logger LOG = LoggerFactory.getLogger(Exchange.class);
    /** How often the kernel's tables are looked at though nothing was told. */
    private static final long BEAT_MILLIS = 5000;

    /** How soon after trouble the first tries follow, how many, and how many of them pass in silence. */
    private static final long SOON_MILLIS = 300;

    private static final int TRIES_SOON = 12;
    private static final int TRIES_QUIET = 4;

    /** A burst is one change. */
    private static final long BURST_MILLIS = 15;

    private final Links links;
    private final Tunnels tunnels;
    private final SealedLink link;
    private final String agent;
    private final Semaphore bell = new Semaphore(0);
    private final Thread thread = new Thread(this::run, "wharf-overlay-exchange");
    private volatile boolean closing;
    private volatile Map<NetworkId, List<Resident>> beyond = Map.of();
    /** Which hosts encrypted networks do not lead to, and why. */
    private volatile List<String> leftOut = List.of();

    /** Guarded by this. */
    private Optional<PeerSource> source = Optional.empty();

    private Optional<PeerSource> introducedTo = Optional.empty();

    private Optional<Residents> residents = Optional.empty();
    private AutoCloseable ofSource = () -> {};
    private AutoCloseable ofResidents = () -> {};
    private boolean hearsResidents;

    /** Owned by the thread. */
    private final Circle plain;

    private final Circle sealed;
    private Optional<Peers> known = Optional.empty();
    /** Turns in a row that went wrong, and what was said of that. */
    private int troubles;

    private String told = "";

    /** Where sockets are opened: the daemon's own network, or another one that tests made. */
    interface Room {
        <T> T call(Callable<T> work) throws Exception;
    }

    @Activate
    public Exchange(
            BundleContext framework,
            @Reference Links links,
            @Reference Tunnels tunnels,
            @Reference WireGuard wireGuard) {
        this(
                links,
                tunnels,
                new SealedLink(
                        links,
                        wireGuard,
                        OverlayDriver.agent(framework.getProperty("wharf.exec.root")),
                        Path.of(framework.getProperty("wharf.data.root"), "overlay-network")),
                OverlayDriver.agent(framework.getProperty("wharf.exec.root")),
                PORT,
                Path.of(framework.getProperty("wharf.exec.root"), "overlay"),
                Callable::call);
    }

    /** @param memory the folder that keeps what other hosts said last */
    Exchange(Links links, Tunnels tunnels, SealedLink link, String agent, int port, Path memory, Room room) {
        this.links = links;
        this.tunnels = tunnels;
        this.link = link;
        this.agent = agent;
        plain = new Circle(memory, ".rows", port, room, this::wake);
        sealed = new Circle(memory, ".sealed.rows", port, room, this::wake);
        thread.setDaemon(true);
        thread.start();
        wake();
    }

    @Reference(
            cardinality = ReferenceCardinality.OPTIONAL,
            policy = ReferencePolicy.DYNAMIC,
            policyOption = ReferencePolicyOption.GREEDY,
            unbind = "leave")
    synchronized void ask(PeerSource peers) {
        close(ofSource);
        source = Optional.of(peers);
        try {
            ofSource = peers.watch(this::wake);
        } catch (DriverException e) {
            LOG.warn("changes of peers are noticed late reason={}", e.failure().message());
        }
        wake();
    }

    synchronized void leave(PeerSource peers) {
        if (source.filter(s -> s == peers).isPresent()) {
            close(ofSource);
            ofSource = () -> {};
            source = Optional.empty();
        }
    }

    @Reference(
            cardinality = ReferenceCardinality.OPTIONAL,
            policy = ReferencePolicy.DYNAMIC,
            policyOption = ReferencePolicyOption.GREEDY,
            unbind = "part")
    synchronized void meet(Residents those) {
        close(ofResidents);
        ofResidents = () -> {};
        hearsResidents = false;
        residents = Optional.of(those);
        wake();
    }

    synchronized void part(Residents those) {
        if (residents.filter(r -> r == those).isPresent()) {
            close(ofResidents);
            ofResidents = () -> {};
            hearsResidents = false;
            residents = Optional.empty();
        }
    }

    /** This host and the others, or why that is not known. */
    Peers peers() throws DriverException {
        Optional<PeerSource> asked;
        synchronized (this) {
            asked = source;
        }
        if (asked.isEmpty()) {
            throw DriverException.failure(Failure.Kind.UNAVAILABLE, "nobody says which hosts share networks");
        }
        return asked.get().peers();
    }

    /** Says that something may have changed. */
    void wake() {
        bell.release();
    }

    @Override
    public List<Resident> beyond(NetworkId network) {
        return beyond.getOrDefault(network, List.of());
    }

    private void run() {
        boolean busy = true;
        while (!closing) {
            try {
                if (busy) {
                    boolean soon = troubles > 0 && troubles < TRIES_SOON;
                    bell.tryAcquire(soon ? SOON_MILLIS : BEAT_MILLIS, TimeUnit.MILLISECONDS);
                } else {
                    bell.acquire();
                }
                Thread.sleep(BURST_MILLIS);
                bell.drainPermits();
                busy = turn();
                troubles = 0;
                told = "";
            } catch (InterruptedException e) {
                break;
            } catch (Exception e) {
                busy = true;
                complain(e);
            }
        }
        rest();
    }

    /** Of what passes by itself, such as a port that another implementation of this lets go of just now, nothing is said. */
    private void complain(Exception why) {
        troubles++;
        String text = String.valueOf(why.getMessage());
        if (troubles >= TRIES_QUIET && !text.equals(told) && !closing) {
            told = text;
            LOG.warn("tunnels may not lead to everybody reason={}", text);
        }
    }

    private void rest() {
        plain.close();
        sealed.close();
        beyond = Map.of();
    }

    /** Answers whether there is anything to look after. */
    private boolean turn() throws Exception {
        introduce();
        List<Tunnel> mine = mine();
        if (mine.isEmpty()) {
            rest();
            return false;
        }
        Peers peers = current();
        Optional<Residents> here = here();
        List<Exception> failed = new ArrayList<>();
        plain.open(peers.self(), peers.others(), Exchange::address).ifPresent(failed::add);
        openSealed(peers, mine).ifPresent(failed::add);
        Set<String> taken = new HashSet<>();
        StringBuilder open = new StringBuilder();
        StringBuilder secret = new StringBuilder();
        for (Tunnel tunnel : mine) {
            for (Resident resident : here.map(r -> r.of(tunnel.network())).orElse(List.of())) {
                taken.add(resident.mac());
                (tunnel.sealed() ? secret : open)
                        .append(new Row(tunnel.number(), resident).line())
                        .append('\n');
            }
        }
        plain.tell(open.toString());
        sealed.tell(secret.toString());
        Map<NetworkId, List<Resident>> elsewhere = new HashMap<>();
        mine.forEach(tunnel -> elsewhere.put(tunnel.network(), (tunnel.sealed() ? sealed : plain).elsewhere(tunnel)));
        // Names go before the ways to them, and where a way is not there yet a frame goes to everybody.
        beyond = Map.copyOf(elsewhere);
        for (Tunnel tunnel : mine) {
            Circle circle = tunnel.sealed() ? sealed : plain;
            try {
                if (circle.isOpen()) {
                    tunnels.lead(tunnel.name(), tunnel.bridge(), circle.destinations(tunnel, taken));
                }
            } catch (DriverException e) {
                failed.add(e);
            }
        }
        if (!failed.isEmpty()) {
            throw failed.get(0);
        }
        return true;
    }

    private Optional<Exception> openSealed(Peers peers, List<Tunnel> mine) {
        if (mine.stream().noneMatch(Tunnel::sealed)) {
            sealed.close();
            leftOut = List.of();
            return Optional.empty();
        }
        try {
            List<Peer> others = withKeys(peers);
            Optional<Link> device = link.know(peers.self(), others);
            if (device.isEmpty()) {
                return Optional.of(new IOException("the device " + link.name() + " of encrypted networks is gone"));
            }
            return sealed.open(peers.self(), others, peer -> SealedLink.inside(peer, device.get()));
        } catch (Exception e) {
            return Optional.of(e);
        }
    }

    /** To a host without a key nothing is sent, least of all in plain text. */
    private List<Peer> withKeys(Peers peers) throws DriverException {
        List<Peer> known = new ArrayList<>();
        List<String> without = new ArrayList<>();
        Set<String> keys = new HashSet<>();
        String own = link.key().orElse("");
        if (!peers.self().key().equals(own)) {
            without.add(unknownHere(peers.self(), own));
        }
        keys.add(own);
        peers.others().stream().sorted(Comparator.comparingInt(Peer::number)).forEach(peer -> {
            String who = "host " + peer.name() + " (number " + peer.number() + ", " + peer.address() + ")";
            if (!OwnKey.isKey(peer.key())) {
                without.add("encrypted networks do not lead to " + who + ": its public key is not known");
            } else if (!keys.add(peer.key())) {
                without.add("encrypted networks do not lead to " + who + ": it has the key of another host");
            } else {
                known.add(peer);
            }
        });
        if (!without.equals(leftOut)) {
            leftOut = List.copyOf(without);
            without.forEach(why -> LOG.warn("a host is left out reason={}", why));
        }
        return known;
    }

    private static String unknownHere(Peer self, String own) {
        return "others do not know this host's key: write " + PeersComponent.KEY + self.number() + " = " + own
                + " into " + PeersComponent.PID + ".cfg of every host";
    }

    /** Which hosts encrypted networks do not lead to, and why. */
    List<String> leftOut() {
        return leftOut;
    }

    /** The link that encrypted networks stand on. */
    SealedLink link() {
        return link;
    }

    /** This host as others know it by its key; with the reason where an encrypted network would be none. */
    Peer sealedSelf() throws DriverException {
        String own = link.key()
                .orElseThrow(() -> DriverException.failure(
                        Failure.Kind.UNSUPPORTED,
                        "encrypted overlay networks are not served: this kernel has no WireGuard (CONFIG_WIREGUARD);"
                                + " take a kernel that has it, or where hosts have another VPN among themselves name its"
                                + " addresses as those of the peers, and all that overlays say is encrypted"));
        if (!hasIpv6()) {
            throw DriverException.failure(
                    Failure.Kind.UNSUPPORTED,
                    "encrypted overlay networks need IPv6 inside of this host, on no wire: set"
                            + " net.ipv6.conf.lo.disable_ipv6=0 and start the agent again");
        }
        introduce();
        Peer self = peers().self();
        if (!self.key().equals(own)) {
            throw DriverException.failure(
                    Failure.Kind.UNAVAILABLE,
                    "an encrypted overlay network would lead nowhere: " + unknownHere(self, own));
        }
        return self;
    }

    /** Java looks at its start whether any device has an address of IPv6. */
    private static boolean hasIpv6() {
        try (SocketChannel six = SocketChannel.open(StandardProtocolFamily.INET6)) {
            return six.isOpen();
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    /** Others hear of the key where the source can tell them; otherwise it is made, so that an operator can write it down. */
    private void introduce() {
        Optional<PeerSource> asked;
        synchronized (this) {
            asked = source.filter(s -> introducedTo.filter(i -> i == s).isEmpty());
        }
        if (asked.isEmpty()) {
            return;
        }
        try {
            if (asked.get() instanceof PeerSource.Announcing announcing) {
                announcing.announce(link.key().orElse(""));
            } else {
                asked.get().peers();
                link.key();
            }
            synchronized (this) {
                introducedTo = asked;
            }
        } catch (DriverException e) {
            // Said to whoever wants an encrypted network; others need no key.
            LOG.debug("no key for encrypted networks", e);
        }
    }

    private List<Tunnel> mine() throws DriverException {
        List<Tunnel> mine = new ArrayList<>();
        for (Link link : links.list()) {
            Tunnel.parse(link, agent).ifPresent(mine::add);
        }
        return mine;
    }

    /** What was last known goes on where nothing is known now. */
    private Peers current() throws DriverException {
        try {
            known = Optional.of(peers());
        } catch (DriverException e) {
            if (known.isEmpty()) {
                throw e;
            }
        }
        return known.get();
    }

    /** Whoever has no network of this kind is spared the following of its journal. */
    private synchronized Optional<Residents> here() {
        if (residents.isPresent() && !hearsResidents) {
            ofResidents = residents.get().watch(this::wake);
            hearsResidents = true;
        }
        return residents;
    }

    private static InetAddress address(Peer peer) throws DriverException {
        try {
            return InetAddress.getByAddress(Share.bytes(peer.address()));
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address of another length", e);
        }
    }

    private static void close(AutoCloseable ear) {
        try {
            ear.close();
        } catch (Exception e) {
            LOG.debug("not closed", e);
        }
    }

    @Override
    @Deactivate
    public void close() {
        closing = true;
        synchronized (this) {
            close(ofSource);
            close(ofResidents);
        }
        thread.interrupt();
        try {
            thread.join(5000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
