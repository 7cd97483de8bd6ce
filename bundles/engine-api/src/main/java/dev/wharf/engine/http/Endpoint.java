package dev.wharf.engine.http;

import io.netty.handler.ssl.SslContext;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Optional;

/** Where the engine listens. */
public sealed interface Endpoint {
    /** The address as operators write it. */
    String url();

    /**
     * A unix socket.
     *
     * @param group a name or a number; members may use the engine, which makes them as mighty as root
     * @param mode the file's permission bits
     */
    record Unix(Path path, String group, int mode) implements Endpoint {
        /** The group that clients' packages make. */
        public static final String USUAL_GROUP = "docker";

        public static final int USUAL_MODE = 0660;

        /** A socket for root and the usual group, where there is one. */
        public Unix(Path path) {
            this(path, USUAL_GROUP, USUAL_MODE);
        }

        @Override
        public String url() {
            return "unix://" + path;
        }
    }

    /**
     * A unix socket that whoever started this process listens on already, so that clients wait there while no agent runs.
     *
     * @param descriptor open in this process
     * @param path where the socket's file lies; it is not ours to remove
     */
    record Passed(int descriptor, String path) implements Endpoint {
        @Override
        public String url() {
            return "unix://" + path;
        }
    }

    /**
     * A TCP port that whoever started this process listens on already.
     *
     * @param descriptor open in this process
     * @param tls as with {@link Tcp}
     */
    record PassedTcp(int descriptor, InetSocketAddress address, Optional<SslContext> tls) implements Endpoint {
        @Override
        public String url() {
            return new Tcp(address, tls).url();
        }
    }

    /** A TCP port that tells numbers and nothing else, so whoever reaches it learns names and can do nothing. */
    record Numbers(InetSocketAddress address) implements Endpoint {
        @Override
        public String url() {
            return "http://" + address.getHostString() + ":" + address.getPort() + "/metrics";
        }
    }

    /**
     * A TCP port.
     *
     * @param tls how clients prove who they are; without it, whoever reaches the port is root on this host
     */
    record Tcp(InetSocketAddress address, Optional<SslContext> tls) implements Endpoint {
        @Override
        public String url() {
            return "tcp://" + address.getHostString() + ":" + address.getPort();
        }
    }
}
