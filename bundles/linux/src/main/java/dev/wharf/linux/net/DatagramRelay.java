package dev.wharf.linux.net;

import dev.wharf.spi.kernel.Descriptors.Readiness;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Carries datagrams of a socket to the target, each sender's by a socket of its own, by which the answers come back to it. */
final class DatagramRelay extends Carrier {
    private static final int MSG_DONTWAIT = 0x40;
    private static final int LONGEST_ADDRESS = 28;

    /** Senders beyond this many push out who said nothing for the longest. */
    private static final int MOST = 1024;

    /** Whoever says nothing for this long is forgotten when somebody new comes. */
    private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(90);

    private final ByteBuffer datagram;

    /** By the sender's struct sockaddr, who was heard last comes last. At most {@link #MOST}. Of the relay's thread alone. */
    private final Map<ByteBuffer, Sender> senders = new LinkedHashMap<>(16, 0.75f, true);

    DatagramRelay(Relay relay, int socket, Address to, int port) throws IOException {
        super(relay, socket, to, port);
        this.datagram = relay.datagram;
    }

    @Override
    void end() {
        senders.values().forEach(Sender::close);
        senders.clear();
    }

    @Override
    synchronized void arrived() {
        byte[] from = new byte[LONGEST_ADDRESS];
        for (int i = 0; i < Relay.AT_ONCE && isOpen(); i++) {
            int[] length = {LONGEST_ADDRESS};
            long count = libc.recvfrom(socket, datagram, datagram.capacity(), MSG_DONTWAIT, from, length);
            if (count < 0) {
                return;
            }
            try {
                // What cannot be sent is lost, as datagrams are.
                libc.send(sender(Arrays.copyOf(from, length[0])).socket, datagram, count, MSG_DONTWAIT);
            } catch (IOException e) {
                Relay.pauseIfPoor();
                return;
            }
        }
    }

    private Sender sender(byte[] address) throws IOException {
        ByteBuffer key = ByteBuffer.wrap(address);
        Sender known = senders.get(key);
        if (known == null) {
            forgetTheSilent();
            known = new Sender(address);
            senders.put(key, known);
        }
        known.heard = System.nanoTime();
        return known;
    }

    private void forgetTheSilent() {
        Iterator<Sender> eldest = senders.values().iterator();
        while (eldest.hasNext()) {
            Sender sender = eldest.next();
            if (senders.size() < MOST && System.nanoTime() - sender.heard < IDLE_NANOS) {
                return;
            }
            eldest.remove();
            sender.close();
        }
    }

    private synchronized void answer(ByteBuffer text, long count, byte[] to) {
        if (isOpen()) {
            libc.sendto(socket, text, count, MSG_DONTWAIT, to, to.length);
        }
    }

    /** Somebody who sent. */
    private final class Sender {
        private final byte[] address;
        private final int socket;
        private final Readiness answers;
        private long heard;

        Sender(byte[] address) throws IOException {
            this.address = address;
            this.socket = connected(Relay.SOCK_DGRAM);
            try {
                this.answers = relay.watch(socket, (readable, writable) -> answer());
                answers.want(true, false);
            } catch (IOException e) {
                libc.close(socket);
                throw e;
            }
        }

        private void answer() {
            for (int i = 0; i < Relay.AT_ONCE; i++) {
                long count = libc.recv(socket, datagram, datagram.capacity(), MSG_DONTWAIT);
                if (count < 0) {
                    // Nothing more, or the target's host said that nobody is there: the sender hears nothing.
                    return;
                }
                DatagramRelay.this.answer(datagram, count, address);
            }
        }

        void close() {
            answers.close();
            libc.close(socket);
        }
    }
}
