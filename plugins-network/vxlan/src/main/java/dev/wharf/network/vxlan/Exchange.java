package dev.wharf.network.vxlan;

import dev.wharf.model.NetworkId;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Links;
import dev.wharf.spi.kernel.Links.Link;
import dev.wharf.spi.kernel.Tunnels;
import dev.wharf.spi.kernel.Tunnels.Destination;
import dev.wharf.spi.network.Neighbourhood;
import dev.wharf.spi.network.Peer;
import dev.wharf.spi.network.PeerSource;
import dev.wharf.spi.network.PeerSource.Peers;
import dev.wharf.spi.network.Resident;
import dev.wharf.spi.network.Residents;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
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
 * makes the kernel's tables fit. Which networks there are it reads from the kernel; where there is none it does nothing and
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
    private final String agent;
    private final int port;
    private final Path memory;
    private final Room room;
    private final Semaphore bell = new Semaphore(0);
    private final Thread thread = new Thread(this::run, "wharf-overlay-exchange");
    private volatile boolean closing;
    private volatile Map<NetworkId, List<Resident>> beyond = Map.of();

    /** Guarded by this. */
    private Optional<PeerSource> source = Optional.empty();

    private Optional<Residents> residents = Optional.empty();
    private AutoCloseable ofSource = () -> {};
    private AutoCloseable ofResidents = () -> {};
    private boolean hearsResidents;

    /** Owned by the thread. */
    private final Map<Peer, Caller> callers = new HashMap<>();

    private Optional<Hall> hall = Optional.empty();
    private Optional<Peers> known = Optional.empty();
    /** Turns in a row that went wrong, and what was said of that. */
    private int troubles;

    private String told = "";

    /** Where sockets are opened: the daemon's own network, or another one that tests made. */
    interface Room {
        <T> T call(Callable<T> work) throws Exception;
    }

    @Activate
    public Exchange(BundleContext framework, @Reference Links links, @Reference Tunnels tunnels) {
        this(
                links,
                tunnels,
                OverlayDriver.agent(framework.getProperty("wharf.exec.root")),
                PORT,
                Path.of(framework.getProperty("wharf.exec.root"), "overlay"),
                Callable::call);
    }

    /** @param memory the folder that keeps what other hosts said last */
    Exchange(Links links, Tunnels tunnels, String agent, int port, Path memory, Room room) {
        this.links = links;
        this.tunnels = tunnels;
        this.agent = agent;
        this.port = port;
        this.memory = memory;
        this.room = room;
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
        hall.ifPresent(Hall::close);
        hall = Optional.empty();
        callers.values().forEach(Caller::close);
        callers.clear();
        beyond = Map.of();
    }

    /** Answers whether there is anything to look after. */
    private boolean turn() throws Exception {
        List<Tunnel> mine = mine();
        if (mine.isEmpty()) {
            rest();
            return false;
        }
        Peers peers = current();
        Optional<Residents> here = here();
        Optional<Exception> failed = open(peers);
        call(peers);
        Set<String> taken = new HashSet<>();
        StringBuilder lines = new StringBuilder();
        for (Tunnel tunnel : mine) {
            for (Resident resident : here.map(r -> r.of(tunnel.network())).orElse(List.of())) {
                taken.add(resident.mac());
                lines.append(new Row(tunnel.number(), resident).line()).append('\n');
            }
        }
        hall.ifPresent(h -> h.tell(lines.toString()));
        Map<NetworkId, List<Resident>> elsewhere = new HashMap<>();
        for (Tunnel tunnel : mine) {
            elsewhere.put(tunnel.network(), elsewhere(tunnel));
            try {
                tunnels.lead(tunnel.name(), tunnel.bridge(), destinations(tunnel, taken));
            } catch (DriverException e) {
                failed = Optional.of(e);
            }
        }
        beyond = Map.copyOf(elsewhere);
        if (failed.isPresent()) {
            throw failed.get();
        }
        return true;
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

    /** Answers with what went wrong: where nobody can be told, others can still be listened to. */
    private Optional<Exception> open(Peers peers) throws Exception {
        Optional<Exception> failed = Optional.empty();
        InetAddress self = address(peers.self());
        if (hall.isPresent() && !hall.get().address().equals(self)) {
            hall.get().close();
            hall = Optional.empty();
        }
        if (hall.isEmpty()) {
            try {
                hall = Optional.of(new Hall(self, port, room));
            } catch (IOException e) {
                failed = Optional.of(new IOException(
                        "cannot tell other hosts who is here: " + self.getHostAddress() + ":" + port + ": "
                                + e.getMessage(),
                        e));
            }
        }
        Set<InetAddress> admitted = new HashSet<>();
        for (Peer peer : peers.others()) {
            admitted.add(address(peer));
        }
        hall.ifPresent(h -> h.admit(admitted));
        return failed;
    }

    private void call(Peers peers) throws Exception {
        InetAddress self = address(peers.self());
        callers.values().removeIf(caller -> {
            boolean gone = !peers.others().contains(caller.peer());
            if (gone) {
                caller.close();
            }
            return gone;
        });
        for (Peer peer : peers.others()) {
            callers.computeIfAbsent(
                    peer,
                    p -> new Caller(
                            p, self, port, memory.resolve(p.address().replace(':', '_') + ".rows"), room, this::wake));
        }
    }

    private List<Resident> elsewhere(Tunnel tunnel) {
        return callers.values().stream()
                .filter(Caller::isThere)
                .flatMap(c -> c.rows().stream())
                .filter(row -> row.number() == tunnel.number())
                .map(row -> new Resident(
                        tunnel.network(),
                        row.resident().endpoint(),
                        row.resident().container(),
                        row.resident().names(),
                        row.resident().addresses(),
                        row.resident().mac()))
                .collect(Collectors.toUnmodifiableList());
    }

    /** @param taken hardware addresses that are here, whatever others say */
    private Set<Destination> destinations(Tunnel tunnel, Set<String> taken) {
        Set<Destination> destinations = new HashSet<>();
        Set<String> led = new HashSet<>(taken);
        callers.values().stream()
                .sorted((a, b) -> Integer.compare(a.peer().number(), b.peer().number()))
                .forEach(caller -> {
                    String host = caller.peer().address();
                    destinations.add(new Destination(Destination.EVERYBODY, host, List.of()));
                    for (Row row : caller.rows()) {
                        if (row.number() == tunnel.number()
                                && led.add(row.resident().mac())) {
                            destinations.add(new Destination(
                                    row.resident().mac(), host, row.resident().addresses()));
                        }
                    }
                });
        return destinations;
    }

    private static InetAddress address(Peer peer) throws DriverException, IOException {
        return InetAddress.getByAddress(Share.bytes(peer.address()));
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
