package dev.wharf.linux.net;

import dev.wharf.linux.libc.LibC;
import dev.wharf.spi.kernel.Descriptors.Readiness;
import java.io.IOException;

/** Carries what comes to one socket of a {@link Relay} to its target, from {@link #begin} until it is closed. */
abstract class Carrier implements AutoCloseable {
    final Relay relay;
    final LibC libc;

    /** Its number may be somebody else's once this is closed, so whoever uses it holds the monitor and asks {@link #isOpen}. */
    final int socket;

    private final int family;
    private final byte[] target;
    private final Readiness arrivals;
    private boolean closed;

    Carrier(Relay relay, int socket, Address to, int port) throws IOException {
        this.relay = relay;
        this.libc = relay.libc;
        this.socket = socket;
        this.family = to.family();
        this.target = to.socketAddress(port);
        this.arrivals = relay.watch(socket, (readable, writable) -> arrived());
    }

    final void begin() throws IOException {
        arrivals.want(true, false);
    }

    /** Something is there to take. On the relay's thread. */
    abstract void arrived();

    /** Ends what is carried. On the relay's thread. */
    abstract void end();

    /** A socket to the target. */
    final int connected(int type) throws IOException {
        return relay.connected(family, type, target);
    }

    final boolean isOpen() {
        return !closed;
    }

    /** The port is free at once, and what is carried ends soon. */
    @Override
    public final void close() {
        synchronized (this) {
            closed = true;
            arrivals.close();
            libc.close(socket);
        }
        relay.execute(this::end);
    }
}
