package dev.wharf.network.vxlan;

import dev.wharf.model.NetworkId;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.kernel.Tunnels.Destination;
import dev.wharf.spi.network.Peer;
import dev.wharf.spi.network.Resident;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The hosts that talk about one sort of networks: of plain ones by their own addresses, of encrypted ones by those that they
 * have inside the encrypted link, so that not even names are seen outside. Belongs to one thread.
 */
final class Circle {
    private final Path memory;
    private final String suffix;
    private final int port;
    private final Exchange.Room room;
    private final Runnable news;
    private final Map<Peer, Caller> callers = new HashMap<>();
    private Optional<Hall> hall = Optional.empty();
    private Optional<InetAddress> at = Optional.empty();

    /** @param suffix of the files in the memory, so that each circle remembers for itself */
    Circle(Path memory, String suffix, int port, Exchange.Room room, Runnable news) {
        this.memory = memory;
        this.suffix = suffix;
        this.port = port;
        this.room = room;
        this.news = news;
    }

    /** How a host is reached. */
    interface Way {
        InetAddress to(Peer peer) throws DriverException;
    }

    /** Tells whoever of the others calls; answers with what went wrong: where nobody can be told, others can be listened to. */
    Optional<Exception> open(Peer self, List<Peer> others, Way way) throws Exception {
        Optional<Exception> failed = Optional.empty();
        InetAddress here = way.to(self);
        // Whoever speaks from an address that is gone is heard no more.
        if (at.filter(a -> !isSame(a, here)).isPresent()) {
            close();
        }
        at = Optional.of(here);
        if (hall.isEmpty()) {
            try {
                hall = Optional.of(new Hall(here, port, room));
            } catch (IOException e) {
                failed = Optional.of(new IOException(
                        "cannot tell other hosts who is here: " + here.getHostAddress() + ":" + port + ": "
                                + e.getMessage(),
                        e));
            }
        }
        Set<InetAddress> admitted = new HashSet<>();
        for (Peer peer : others) {
            admitted.add(way.to(peer));
        }
        hall.ifPresent(h -> h.admit(admitted));
        callers.values().removeIf(caller -> {
            boolean gone = !others.contains(caller.peer());
            if (gone) {
                caller.close();
            }
            return gone;
        });
        for (Peer peer : others) {
            if (!callers.containsKey(peer)) {
                Path rows = memory.resolve(peer.address().replace(':', '_') + suffix);
                callers.put(peer, new Caller(peer, here, way.to(peer), port, rows, room, news));
            }
        }
        return failed;
    }

    /** Whether it was ever known how to reach the others; before that nothing is said of where frames go. */
    boolean isOpen() {
        return at.isPresent();
    }

    private static boolean isSame(InetAddress one, InetAddress other) {
        return one.equals(other) && scope(one) == scope(other);
    }

    private static int scope(InetAddress address) {
        return address instanceof Inet6Address six ? six.getScopeId() : 0;
    }

    void tell(String lines) {
        hall.ifPresent(h -> h.tell(lines));
    }

    List<Resident> elsewhere(Tunnel tunnel) {
        return callers.values().stream()
                .filter(Caller::isThere)
                .flatMap(c -> c.rows().stream())
                .filter(row -> row.number() == tunnel.number())
                .map(row -> with(tunnel.network(), row.resident()))
                .collect(Collectors.toUnmodifiableList());
    }

    private static Resident with(NetworkId network, Resident there) {
        return new Resident(
                network, there.endpoint(), there.container(), there.names(), there.addresses(), there.mac());
    }

    /**
     * Where frames of a tunnel go.
     *
     * @param taken hardware addresses that are here, whatever others say
     */
    Set<Destination> destinations(Tunnel tunnel, Set<String> taken) {
        Set<Destination> destinations = new HashSet<>();
        Set<String> led = new HashSet<>(taken);
        callers.values().stream()
                .sorted((a, b) -> Integer.compare(a.peer().number(), b.peer().number()))
                .forEach(caller -> {
                    Peer peer = caller.peer();
                    String host = tunnel.sealed() ? SealedLink.inside(peer.number()) : peer.address();
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

    void close() {
        hall.ifPresent(Hall::close);
        hall = Optional.empty();
        callers.values().forEach(Caller::close);
        callers.clear();
        at = Optional.empty();
    }
}
