package dev.wharf.engine;

import dev.wharf.engine.http.Endpoint;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The sockets that whoever started this process listens on and passes (sd_listen_fds(3)): {@code LISTEN_FDS} of them, from the
 * first descriptor after the standard ones on, for the process {@code LISTEN_PID}. What each of them is, the kernel says.
 */
final class Passed {
    private static final int FIRST = 3;

    /** As /proc/net/unix marks a socket that accepts, and one of streams. */
    private static final String LISTENS = "00010000";

    private static final String STREAM = "0001";

    /** As /proc/net/tcp marks one that listens. */
    private static final String TCP_LISTENS = "0A";

    private static final int HEX = 16;

    /** How clients of a port prove who they are, by the port's address; throws where they need not and nobody wants that. */
    interface Clients {
        Optional<SslContext> at(String address) throws IOException;
    }

    private final Map<String, String> environment;
    private final Path proc;

    Passed(Map<String, String> environment, Path proc) {
        this.environment = environment;
        this.proc = proc;
    }

    /** All of them; an IllegalArgumentException says why there are none, or which cannot be used. */
    List<Endpoint> sockets(Clients clients) throws IOException {
        int count = count();
        List<Endpoint> sockets = new ArrayList<>();
        for (int descriptor = FIRST; descriptor < FIRST + count; descriptor++) {
            sockets.add(socket(descriptor, clients));
        }
        return sockets;
    }

    private int count() throws IOException {
        String self = proc.resolve("self").toRealPath().getFileName().toString();
        String count = environment.getOrDefault("LISTEN_FDS", "");
        if (!environment.getOrDefault("LISTEN_PID", "").equals(self) || !count.matches("[1-9][0-9]{0,3}")) {
            throw new IllegalArgumentException(
                    "cannot listen on fd://: no sockets were passed; start by a socket unit of systemd, or name a socket");
        }
        return Integer.parseInt(count);
    }

    private Endpoint socket(int descriptor, Clients clients) throws IOException {
        String what =
                Files.readSymbolicLink(proc.resolve("self/fd/" + descriptor)).toString();
        String inode = what.startsWith("socket:[") ? what.substring(8, what.length() - 1) : what;
        Optional<Endpoint> local = local(descriptor, inode);
        if (local.isPresent()) {
            return local.get();
        }
        InetSocketAddress port = port(inode)
                .orElseThrow(() -> new IllegalArgumentException("cannot listen on fd://: descriptor " + descriptor
                        + " is no unix socket and no TCP port that listens"));
        Endpoint.PassedTcp open = new Endpoint.PassedTcp(descriptor, port, Optional.empty());
        return new Endpoint.PassedTcp(descriptor, port, clients.at(open.url()));
    }

    private Optional<Endpoint> local(int descriptor, String inode) throws IOException {
        try (Stream<String> lines = Files.lines(proc.resolve("net/unix"))) {
            return lines.map(line -> line.strip().split("\\s+", 8))
                    .filter(words -> words.length == 8
                            && words[6].equals(inode)
                            && words[3].equals(LISTENS)
                            && words[4].equals(STREAM))
                    .findFirst()
                    .map(words -> new Endpoint.Passed(descriptor, words[7]));
        }
    }

    private Optional<InetSocketAddress> port(String inode) throws IOException {
        for (String table : List.of("net/tcp", "net/tcp6")) {
            Path file = proc.resolve(table);
            if (!Files.exists(file)) {
                // A kernel without IPv6.
                continue;
            }
            try (Stream<String> lines = Files.lines(file)) {
                Optional<String> address = lines.map(line -> line.strip().split("\\s+"))
                        .filter(words -> words.length > 9 && words[9].equals(inode) && words[3].equals(TCP_LISTENS))
                        .map(words -> words[1])
                        .findFirst();
                if (address.isPresent()) {
                    return Optional.of(address(address.get()));
                }
            }
        }
        return Optional.empty();
    }

    /** As proc(5) has it, {@code 0100007F:0947}: words of four bytes as this processor keeps them, then the port. */
    private static InetSocketAddress address(String text) throws IOException {
        int colon = text.indexOf(':');
        ByteBuffer bytes = ByteBuffer.allocate(colon / 2).order(ByteOrder.nativeOrder());
        for (int at = 0; at < colon; at += 8) {
            bytes.putInt(Integer.parseUnsignedInt(text.substring(at, at + 8), HEX));
        }
        return new InetSocketAddress(
                InetAddress.getByAddress(bytes.array()), Integer.parseInt(text.substring(colon + 1), HEX));
    }
}
