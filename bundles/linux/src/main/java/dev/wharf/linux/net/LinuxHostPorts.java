package dev.wharf.linux.net;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.HostPorts;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds ports with sockets that are bound and nothing more, unless a {@link Relay} has them: one that listened would let a client
 * in and never answer it. Such a socket keeps everybody else from binding, and the kernel refuses what reaches it.
 */
@Component(service = HostPorts.class)
public final class LinuxHostPorts implements HostPorts, AutoCloseable {
    private static final int SOL_SOCKET = 1;
    private static final int SO_REUSEADDR = 2;
    private static final int SO_RCVBUF = 8;
    private static final int IPPROTO_IPV6 = 41;
    private static final int IPV6_V6ONLY = 26;
    private static final int IPPROTO_SCTP = 132;
    private static final int EPROTONOSUPPORT = 93;
    private static final int EAFNOSUPPORT = 97;
    private static final int BACKLOG = 1;

    /** Where a line of /proc/net/tcp tells what (proc(5)). */
    private static final int LOCAL = 1;

    private static final int STATE = 3;
    private static final String LISTENING = "0A";

    private static final String OPEN_FILES = "Max open files";
    private static final int LONGEST_WAIT_MILLIS = 32;

    private static final Logger LOG = LoggerFactory.getLogger(LinuxHostPorts.class);

    private final LibC libc = LibC.get();
    private final HomeNetwork home;
    /** As many as there are published ports. Guarded by this. */
    private final Map<Place, Held> held = new HashMap<>();

    /** Of these, those with a socket. Guarded by this. */
    private long open;

    /** Begins with the first port that is carried. Guarded by this. */
    private @Nullable Relay relay;

    /** Beyond this many sockets a port is looked at and let go again: to hold it is a courtesy, and others need files, too. */
    private final long most;

    @Activate
    public LinuxHostPorts(@Reference HomeNetwork home) {
        this(home, openFiles() / 2);
    }

    LinuxHostPorts(HomeNetwork home, long most) {
        this.home = home;
        this.most = most;
    }

    /** How many files this process may have open (proc(5)). */
    private static long openFiles() {
        try (Stream<String> limits = Files.lines(Path.of("/proc/self/limits"), ISO_8859_1)) {
            return limits.filter(line -> line.startsWith(OPEN_FILES))
                    .map(line -> line.substring(OPEN_FILES.length()).strip().split(" ")[0])
                    .filter(number -> number.matches("\\d+"))
                    .mapToLong(Long::parseLong)
                    .findFirst()
                    .orElse(Long.MAX_VALUE);
        } catch (IOException e) {
            return Long.MAX_VALUE;
        }
    }

    @Override
    public void hold(String owner, String protocol, String address, int port) throws DriverException {
        hold(owner, protocol, address, port, Optional.empty());
    }

    @Override
    public void carry(String owner, String protocol, String address, int port, InetSocketAddress target)
            throws DriverException {
        hold(owner, protocol, address, port, protocol.equals("sctp") ? Optional.empty() : Optional.of(target));
    }

    private synchronized void hold(
            String owner, String protocol, String address, int port, Optional<InetSocketAddress> target)
            throws DriverException {
        Place place = new Place(protocol, Address.parse(address), port);
        Held current = held.get(place);
        if (current == null) {
            int fd = HomeNetwork.attempt(
                    "hold port " + port, () -> home.call(() -> reserve(place, address, target.isPresent())));
            if (fd >= 0 && open == most) {
                libc.close(fd);
                fd = -1;
            }
            Optional<AutoCloseable> socket = Optional.empty();
            if (fd >= 0) {
                open++;
                socket = Optional.of(target.isPresent() ? carried(place, fd, target.get()) : socket(fd));
            }
            held.put(place, new Held(owner, socket));
        } else if (!current.owner.equals(owner)) {
            throw taken(address, port);
        }
    }

    /** What ends the relay; the port is only held where there can be none. */
    private AutoCloseable carried(Place place, int fd, InetSocketAddress target) throws DriverException {
        Relay all = relay == null ? new Relay(home) : relay;
        relay = all;
        try {
            return all.carry(
                    fd,
                    place.protocol.equals("udp"),
                    Address.parse(target.getAddress().getHostAddress()),
                    target.getPort());
        } catch (IOException e) {
            LOG.warn("a published port is not reached from everywhere port={} reason={}", place.port, e.getMessage());
            return socket(fd);
        }
    }

    private AutoCloseable socket(int fd) {
        return () -> libc.close(fd);
    }

    @Override
    public synchronized void release(String owner) {
        held.values().removeIf(h -> {
            boolean theirs = h.owner.equals(owner);
            if (theirs) {
                end(h);
            }
            return theirs;
        });
    }

    @Override
    @Deactivate
    public synchronized void close() {
        held.values().forEach(this::end);
        held.clear();
        if (relay != null) {
            relay.close();
        }
    }

    private void end(Held one) {
        if (one.socket.isPresent()) {
            open--;
            try {
                one.socket.get().close();
            } catch (Exception e) {
                LOG.debug("not closed", e);
            }
        }
    }

    /** A bound socket, or -1 where the port is free and cannot be held now. */
    private int reserve(Place place, String address, boolean carried)
            throws IOException, DriverException, InterruptedException {
        // Connections of who had it before linger, and are none of a listener's business.
        boolean reuse = carried && place.protocol.equals("tcp");
        int fd = bound(place, reuse, carried);
        // A port that was let go just now is taken for as long as a child of this process has yet to become its
        // program.
        for (int wait = 1; -fd == Errno.EADDRINUSE && wait <= LONGEST_WAIT_MILLIS; wait *= 2) {
            if (place.protocol.equals("tcp") && (isFreeToListen(place) || isOfClients(place.port))) {
                return -1;
            }
            Thread.sleep(wait);
            fd = bound(place, reuse, carried);
        }
        if (fd >= 0) {
            return fd;
        }
        if (-fd == EAFNOSUPPORT || -fd == EPROTONOSUPPORT) {
            // A host without IPv6, or without SCTP: nobody can take the port there, and nobody can reach it.
            return -1;
        }
        if (-fd == Errno.EADDRINUSE) {
            throw taken(address, place.port);
        }
        if (-fd == Errno.EADDRNOTAVAIL) {
            throw DriverException.failure(
                    Failure.Kind.MISSING,
                    "Bind for " + shown(address) + ":" + place.port + " failed: the host has no such address");
        }
        throw Errno.exception(-fd, "bind", shown(address) + ":" + place.port);
    }

    /** Connections of a program that was here before linger for a minute and are no reason to refuse. */
    private boolean isFreeToListen(Place place) {
        int fd = bound(place, true, false);
        if (fd < 0) {
            return false;
        }
        int result = libc.listen(fd, BACKLOG);
        libc.close(fd);
        return result == 0;
    }

    /**
     * Whether the port is taken only because the kernel gave it to programs that connected to somewhere else. Their
     * connections go on: what comes for one of them is known by where it comes from before a published port is looked at.
     */
    private static boolean isOfClients(int port) throws IOException {
        boolean connected = false;
        for (String table : List.of("tcp", "tcp6")) {
            Path file = Path.of("/proc/thread-self/net", table);
            if (Files.exists(file)) {
                for (String line : Files.readAllLines(file, ISO_8859_1)) {
                    String[] fields = line.strip().split(" +");
                    if (fields.length > STATE && fields[LOCAL].endsWith(String.format(":%04X", port))) {
                        if (fields[STATE].equals(LISTENING)) {
                            return false;
                        }
                        connected = true;
                    }
                }
            }
        }
        return connected;
    }

    /** The socket, or the negated error. */
    private int bound(Place place, boolean reuse, boolean carried) {
        boolean ipv6 = place.address.isIpv6();
        int type = (place.protocol.equals("udp") ? Relay.SOCK_DGRAM : Relay.SOCK_STREAM) | LibC.O_CLOEXEC;
        int fd = libc.socket(place.address.family(), type, place.protocol.equals("sctp") ? IPPROTO_SCTP : 0);
        if (fd < 0) {
            return -LibC.errno();
        }
        if (ipv6) {
            libc.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, new int[] {1}, 4);
        }
        if (reuse) {
            libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, new int[] {1}, 4);
        }
        if (!carried) {
            // Datagrams that get here are nobody's; keep as few as the kernel allows.
            libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, new int[] {0}, 4);
        }
        byte[] name = place.address.socketAddress(place.port);
        if (libc.bind(fd, name, name.length) < 0) {
            int errno = LibC.errno();
            libc.close(fd);
            return -errno;
        }
        return fd;
    }

    private static DriverException taken(String address, int port) {
        return DriverException.failure(
                Failure.Kind.EXISTS, "Bind for " + shown(address) + ":" + port + " failed: port is already allocated");
    }

    private static String shown(String address) {
        return address.indexOf(':') >= 0 ? "[" + address + "]" : address;
    }

    private record Place(String protocol, Address address, int port) {}

    /** @param socket ends it; empty where the port is only known to be ours */
    private record Held(String owner, Optional<AutoCloseable> socket) {}
}
