package dev.wharf.engine;

import dev.wharf.engine.http.Endpoint;
import dev.wharf.engine.http.Tls;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Where to listen, from the framework's properties: {@code wharf.hosts}, a comma-separated list of {@code unix:///path},
 * {@code tcp://address:port}, and {@code fd://} for what systemd passes; {@code wharf.socket.group} and {@code wharf.socket.mode} (octal); {@code wharf.tls},
 * {@code wharf.tls.verify}, {@code wharf.tls.cacert}, {@code wharf.tls.cert}, {@code wharf.tls.key}; and
 * {@code wharf.tcp.insecure}, without which no port is opened that does not know its clients.
 */
final class Endpoints {
    private static final String DEFAULT_HOST = "unix:///run/wharf/wharf.sock";
    private static final String UNIX = "unix://";
    private static final String TCP = "tcp://";
    private static final int TLS_PORT = 2376;
    private static final int PLAIN_PORT = 2375;

    private final Function<String, String> property;
    private final Passed passed;

    /** Read once, for all ports. */
    private Optional<SslContext> tls = Optional.empty();

    /** @param property answers with an empty text where nothing was said */
    Endpoints(Function<String, String> property) {
        this(property, new Passed(System.getenv(), Path.of("/proc")));
    }

    Endpoints(Function<String, String> property, Passed passed) {
        this.property = property;
        this.passed = passed;
    }

    /** An IllegalArgumentException says what is wrong with a property, an IOException what is wrong with a file. */
    List<Endpoint> read() throws IOException {
        String hosts = property.apply("wharf.hosts");
        List<Endpoint> endpoints = new ArrayList<>();
        for (String host : (hosts.isBlank() ? DEFAULT_HOST : hosts).split(",")) {
            String address = host.strip();
            if (address.startsWith(UNIX + "/")) {
                endpoints.add(socket(Path.of(address.substring(UNIX.length()))));
            } else if (address.equals("fd://")) {
                endpoints.addAll(passed.sockets(this::clients));
            } else if (address.startsWith(TCP)) {
                endpoints.add(port(address, clients(address)));
            } else if (!address.isEmpty()) {
                throw new IllegalArgumentException("cannot listen on " + address + ": an address is " + UNIX + "/path, "
                        + TCP + "address:port or fd://");
            }
        }
        return endpoints;
    }

    /** Where numbers are told to who may do nothing else, from {@code wharf.metrics.address}; nowhere unless that says so. */
    Optional<Endpoint> numbers() {
        String said = property.apply("wharf.metrics.address").strip();
        if (said.isEmpty()) {
            return Optional.empty();
        }
        try {
            if (said.lastIndexOf(':') <= said.lastIndexOf(']')) {
                throw new IllegalArgumentException("no port in it");
            }
            return Optional.of(new Endpoint.Numbers(address(TCP + said, PLAIN_PORT)));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "wharf.metrics.address=" + said + ": expected an address and a port such as 127.0.0.1:9323", e);
        }
    }

    /** How those who come to a port prove who they are; a port where nobody has to is not opened unless forced. */
    private Optional<SslContext> clients(String address) throws IOException {
        checkClientsAreKnown(address);
        if (wantsTls() && tls.isEmpty()) {
            tls = Optional.of(tls());
        }
        return tls;
    }

    private void checkClientsAreKnown(String address) {
        boolean forced = property.apply("wharf.tcp.insecure").equals("true");
        if (!verifies() && !forced) {
            throw new IllegalArgumentException(
                    "will not listen on " + address + ": whoever reaches that port could become root"
                            + " on this host; use --tlsverify with --tlscacert, --tlscert and --tlskey, or force it with"
                            + " --insecure-tcp");
        }
    }

    private boolean wantsTls() {
        return verifies() || property.apply("wharf.tls").equals("true");
    }

    private boolean verifies() {
        return property.apply("wharf.tls.verify").equals("true");
    }

    private Endpoint socket(Path path) {
        String group = property.apply("wharf.socket.group");
        String mode = property.apply("wharf.socket.mode");
        try {
            return new Endpoint.Unix(
                    path,
                    group.isBlank() ? Endpoint.Unix.USUAL_GROUP : group,
                    mode.isBlank() ? Endpoint.Unix.USUAL_MODE : Integer.parseInt(mode, 8) & 0777);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("socket mode " + mode + ": expected octal digits such as 0660", e);
        }
    }

    private static Endpoint port(String address, Optional<SslContext> tls) {
        return new Endpoint.Tcp(address(address, tls.isPresent() ? TLS_PORT : PLAIN_PORT), tls);
    }

    private static InetSocketAddress address(String address, int usual) {
        String rest = address.substring(TCP.length());
        int colon = rest.lastIndexOf(':');
        boolean hasPort = colon >= 0 && colon > rest.lastIndexOf(']');
        String host = hasPort ? rest.substring(0, colon) : rest;
        int port = usual;
        if (hasPort) {
            try {
                port = Integer.parseInt(rest.substring(colon + 1));
            } catch (NumberFormatException e) {
                port = -1;
            }
        }
        if (port < 1 || port > 65535) {
            throw new IllegalArgumentException("cannot listen on " + address + ": a port is a number from 1 to 65535");
        }
        InetSocketAddress at = new InetSocketAddress(host.isEmpty() ? "0.0.0.0" : host, port);
        if (at.isUnresolved()) {
            throw new IllegalArgumentException("cannot listen on " + address + ": no such host");
        }
        return at;
    }

    private SslContext tls() throws IOException {
        return Tls.server(
                file("wharf.tls.cert", "--tlscert"),
                file("wharf.tls.key", "--tlskey"),
                verifies() ? Optional.of(file("wharf.tls.cacert", "--tlscacert")) : Optional.empty());
    }

    private Path file(String name, String option) {
        String value = property.apply(name);
        if (value.isBlank()) {
            throw new IllegalArgumentException("TLS needs " + option + " FILE");
        }
        return Path.of(value);
    }
}
