package dev.wharf.dns;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.xbill.DNS.Rcode;

/**
 * Asks resolvers, one after the other, from the host's own network. Each question gets a socket and an identifier of its own,
 * so that an answer is hard to forge (RFC 5452). Belongs to the loop.
 */
final class Forwarder {
    private static final Logger LOG = LoggerFactory.getLogger(Forwarder.class);

    /** How long one resolver is waited for; clients give up after five seconds, and then ask again. */
    private static final Duration PATIENCE = Duration.ofMillis(2500);

    /** How many questions may be under way at once; a container that floods us must not take every descriptor. */
    private static final int MOST = 1024;

    private static final int HEADER = 12;
    private static final int LARGEST = 65535;

    private final Loop loop;
    private final int port;
    private final SecureRandom random = new SecureRandom();
    private final ByteBuffer room = ByteBuffer.allocateDirect(LARGEST);
    private int underWay;

    /** @param port where resolvers listen */
    Forwarder(Loop loop, int port) {
        this.loop = loop;
        this.port = port;
    }

    /** Answers with the first good answer, or the last bad one; empty where nobody answered. */
    void ask(List<InetAddress> resolvers, byte[] question, boolean tcp, Consumer<Optional<byte[]>> answer) {
        if (underWay >= MOST || question.length < HEADER) {
            answer.accept(Optional.empty());
            return;
        }
        underWay++;
        new Errand(resolvers.iterator(), question, tcp, answer).next(Optional.empty());
    }

    private final class Errand {
        private final Iterator<InetAddress> resolvers;
        private final byte[] question;
        private final boolean tcp;
        private final Consumer<Optional<byte[]>> answer;
        private final byte[] asked;

        Errand(Iterator<InetAddress> resolvers, byte[] question, boolean tcp, Consumer<Optional<byte[]>> answer) {
            this.resolvers = resolvers;
            this.question = question;
            this.tcp = tcp;
            this.answer = answer;
            this.asked = question.clone();
        }

        void next(Optional<byte[]> worst) {
            if (!resolvers.hasNext()) {
                underWay--;
                answer.accept(worst);
                return;
            }
            InetAddress resolver = resolvers.next();
            int id = random.nextInt(1 << 16);
            asked[0] = (byte) (id >> 8);
            asked[1] = (byte) id;
            try {
                SocketAddress address = new InetSocketAddress(resolver, port);
                if (tcp) {
                    connect(address, worst);
                } else {
                    send(address, worst);
                }
            } catch (IOException e) {
                LOG.debug("resolver cannot be asked resolver={} reason={}", resolver, e.getMessage());
                next(worst);
            }
        }

        private void send(SocketAddress resolver, Optional<byte[]> worst) throws IOException {
            DatagramChannel channel = DatagramChannel.open(
                    ((InetSocketAddress) resolver).getAddress().getAddress().length == 4
                            ? StandardProtocolFamily.INET
                            : StandardProtocolFamily.INET6);
            try {
                channel.connect(resolver);
                channel.configureBlocking(false);
                channel.write(ByteBuffer.wrap(asked));
                Loop.Alarm alarm = loop.after(PATIENCE, () -> over(channel, worst));
                loop.register(channel, SelectionKey.OP_READ, key -> {
                    try {
                        room.clear();
                        if (channel.read(room) > 0) {
                            byte[] bytes = new byte[room.flip().remaining()];
                            room.get(bytes);
                            if (fits(bytes)) {
                                alarm.callOff();
                                Loop.close(channel);
                                judge(bytes);
                            }
                        }
                    } catch (IOException e) {
                        // Nobody listens there.
                        alarm.callOff();
                        over(channel, worst);
                    }
                });
            } catch (IOException e) {
                Loop.close(channel);
                throw e;
            }
        }

        private void connect(SocketAddress resolver, Optional<byte[]> worst) throws IOException {
            SocketChannel channel = SocketChannel.open();
            try {
                Framing framing = new Framing(channel);
                framing.add(asked);
                channel.configureBlocking(false);
                boolean connected = channel.connect(resolver);
                Loop.Alarm alarm = loop.after(PATIENCE, () -> over(channel, worst));
                loop.register(channel, connected ? SelectionKey.OP_WRITE : SelectionKey.OP_CONNECT, key -> {
                    try {
                        if (key.isConnectable() && !channel.finishConnect()) {
                            return;
                        }
                        boolean more = framing.write();
                        key.interestOps(more ? SelectionKey.OP_WRITE : SelectionKey.OP_READ);
                        Optional<byte[]> bytes = more ? Optional.empty() : framing.read();
                        if (bytes.isPresent() && fits(bytes.get())) {
                            alarm.callOff();
                            Loop.close(channel);
                            judge(bytes.get());
                        }
                    } catch (IOException e) {
                        alarm.callOff();
                        over(channel, worst);
                    }
                });
            } catch (IOException e) {
                Loop.close(channel);
                throw e;
            }
        }

        private void over(AutoCloseable channel, Optional<byte[]> worst) {
            Loop.close(channel);
            next(worst);
        }

        /** Whether it is an answer, to this question. */
        private boolean fits(byte[] bytes) {
            return bytes.length >= HEADER
                    && bytes[0] == asked[0]
                    && bytes[1] == asked[1]
                    && (bytes[2] & 0x80) != 0
                    && isSameQuestion(bytes);
        }

        /** Servers may leave the question out when they refuse, and keep its letters as they are. */
        private boolean isSameQuestion(byte[] bytes) {
            if (bytes[4] == 0 && bytes[5] == 0) {
                return (bytes[3] & 0xf) != Rcode.NOERROR;
            }
            int at = HEADER;
            while (at < asked.length && asked[at] != 0) {
                at += 1 + (asked[at] & 0xff);
            }
            int end = Math.min(at + 5, asked.length);
            for (int i = HEADER; i < end; i++) {
                if (i >= bytes.length || lower(bytes[i]) != lower(asked[i])) {
                    return false;
                }
            }
            return true;
        }

        private static int lower(byte letter) {
            return letter >= 'A' && letter <= 'Z' ? letter + 32 : letter;
        }

        /** One that cannot or will not say is no better than one that is silent, if there is another to ask. */
        private void judge(byte[] bytes) {
            bytes[0] = question[0];
            bytes[1] = question[1];
            int code = bytes[3] & 0xf;
            if (code == Rcode.SERVFAIL || code == Rcode.REFUSED) {
                next(Optional.of(bytes));
            } else {
                underWay--;
                answer.accept(Optional.of(bytes));
            }
        }
    }
}
