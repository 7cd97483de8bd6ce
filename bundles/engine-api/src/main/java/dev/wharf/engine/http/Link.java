package dev.wharf.engine.http;

import dev.wharf.core.journal.EventJournal.Actor;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.unix.RawUnixChannelOption;
import io.netty.handler.ssl.SslHandler;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.cert.X509Certificate;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.net.ssl.SSLPeerUnverifiedException;

/** The connection under a conversation: what differs between kinds of sockets. */
sealed interface Link {
    DuplexChannel channel();

    /** Who is at the other end. */
    Actor actor();

    /** Tells the client that nothing more comes, while it may still send. */
    void endOutput();

    /** Whether a client that ended its input is gone altogether, as far as the kernel knows. */
    boolean isPeerGone();

    /** Whether the client has read all that was sent; true where the kernel cannot tell. */
    boolean isRead();

    /** A unix socket, which knows the process at the other end. */
    record Unix(EpollDomainSocketChannel channel) implements Link {
        private static final int SOL_SOCKET = 1;
        private static final int SO_MEMINFO = 55;
        private static final int SK_MEMINFO_VARS = 9;

        /** Of the numbers about the socket's memory, the third is what was sent and not yet read. */
        private static final int WRITTEN_AND_UNREAD = 2 * Integer.BYTES;

        private static final RawUnixChannelOption MEMORY =
                new RawUnixChannelOption("SO_MEMINFO", SOL_SOCKET, SO_MEMINFO, SK_MEMINFO_VARS * Integer.BYTES);

        @Override
        public Actor actor() {
            return Peer.of(channel);
        }

        @Override
        public void endOutput() {
            channel.shutdownOutput();
        }

        /** A write of nothing fails on a socket whose other end was closed, and does nothing where that only ended its input. */
        @Override
        public boolean isPeerGone() {
            try {
                channel.fd().write(ByteBuffer.allocateDirect(1), 0, 0);
                return false;
            } catch (IOException e) {
                return true;
            }
        }

        /** The bytes that lie in the other end's queue are the sender's until they are read (SO_MEMINFO, socket(7)). */
        @Override
        public boolean isRead() {
            ByteBuffer memory = channel.config().getOption(MEMORY);
            return memory == null || memory.order(ByteOrder.nativeOrder()).getInt(WRITTEN_AND_UNREAD) == 0;
        }
    }

    /** A TCP connection, which knows the certificate at the other end, or only an address. */
    record Tcp(EpollSocketChannel channel, Optional<SslHandler> tls) implements Link {
        @Override
        public Actor actor() {
            Map<String, String> details = new LinkedHashMap<>();
            details.put("address", channel.remoteAddress().getAddress().getHostAddress());
            String name = "tcp " + details.get("address");
            if (tls.isPresent()) {
                try {
                    X509Certificate certificate =
                            (X509Certificate) tls.get().engine().getSession().getPeerCertificates()[0];
                    details.put("subject", certificate.getSubjectX500Principal().getName());
                    details.put("serial", certificate.getSerialNumber().toString(16));
                    name = commonName(details.get("subject"));
                } catch (SSLPeerUnverifiedException e) {
                    details.put("certificate", "none");
                }
            }
            return new Actor(Actor.Kind.PEER, name, details);
        }

        private static String commonName(String subject) {
            try {
                return new LdapName(subject)
                        .getRdns().stream()
                                .filter(part -> part.getType().equalsIgnoreCase("CN"))
                                .map(Rdn::getValue)
                                .map(Object::toString)
                                .findFirst()
                                .orElse(subject);
            } catch (InvalidNameException e) {
                return subject;
            }
        }

        @Override
        public void endOutput() {
            if (tls.isPresent()) {
                // Sends close_notify and closes: TLS before 1.3 knows no half-closed connection (RFC 5246, 7.2.1).
                tls.get().closeOutbound();
            } else {
                channel.shutdownOutput();
            }
        }

        /** The kernel tells what has arrived, and not what was read. */
        @Override
        public boolean isRead() {
            return true;
        }

        /** Nothing short of data tells; the kernel's keep-alive ends what is dead. */
        @Override
        public boolean isPeerGone() {
            return false;
        }
    }
}
