package dev.wharf.runtime;

import dev.wharf.spi.kernel.Descriptors;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** The streams as a monitor gives them out: packets over its socket, the first byte says which stream. */
final class PacketWire implements Wire {
    private final Descriptors descriptors;
    private final int descriptor;
    private final Descriptors.Readiness readiness;

    /** Connects to the monitor that listens at {@code socket}. */
    PacketWire(Descriptors descriptors, Path socket, Descriptors.Ready ready) throws IOException {
        this.descriptors = descriptors;
        this.descriptor = descriptors.connect(socket, Descriptors.SocketType.SEQPACKET, true);
        try {
            this.readiness = descriptors.watch(descriptor, ready);
        } catch (IOException e) {
            descriptors.close(descriptor);
            throw e;
        }
    }

    @Override
    public void want(boolean readable, boolean writable) throws IOException {
        readiness.want(readable, writable);
    }

    @Override
    public int read(ByteBuffer into) throws IOException {
        return descriptors.read(descriptor, into);
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
        return descriptors.write(descriptor, from);
    }

    @Override
    public void endInput() throws IOException {
        descriptors.shutdownOutput(descriptor);
    }

    @Override
    public boolean isMonitored() {
        return true;
    }

    @Override
    public void close() {
        readiness.close();
        descriptors.close(descriptor);
    }
}
