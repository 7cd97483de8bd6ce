package dev.wharf.runtime;

import dev.wharf.spi.kernel.Descriptors;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The streams of a process without a monitor: the pipes themselves. Owns the descriptors. */
final class PipeWire implements Wire {
    private final Descriptors descriptors;
    private final List<End> outputs = new ArrayList<>();
    private Optional<End> input = Optional.empty();
    private boolean errFirst;

    /** One end of a pipe and what was last asked of it. */
    private final class End {
        private final int descriptor;
        private final byte stream;
        private final Descriptors.Readiness readiness;

        private End(int descriptor, byte stream, Descriptors.Readiness readiness) {
            this.descriptor = descriptor;
            this.stream = stream;
            this.readiness = readiness;
        }

        private void close() {
            readiness.close();
            descriptors.close(descriptor);
        }
    }

    /** A wire over the agent's ends of a process's pipes, which from now on never wait. */
    PipeWire(Descriptors descriptors, Optional<Integer> stdin, int stdout, int stderr, Descriptors.Ready ready)
            throws IOException {
        this.descriptors = descriptors;
        outputs.add(watch(stdout, STDOUT, (readable, writable) -> ready.ready(true, false)));
        outputs.add(watch(stderr, STDERR, (readable, writable) -> ready.ready(true, false)));
        if (stdin.isPresent()) {
            input = Optional.of(watch(stdin.get(), (byte) 0, (readable, writable) -> ready.ready(false, true)));
        }
    }

    private End watch(int descriptor, byte stream, Descriptors.Ready ready) throws IOException {
        descriptors.nonBlocking(descriptor);
        return new End(descriptor, stream, descriptors.watch(descriptor, ready));
    }

    @Override
    public void want(boolean readable, boolean writable) throws IOException {
        for (End output : outputs) {
            output.readiness.want(readable, false);
        }
        if (input.isPresent()) {
            input.get().readiness.want(false, writable);
        }
    }

    /** Takes turns between the outputs; the order between two pipes is nobody's. */
    @Override
    public int read(ByteBuffer into) throws IOException {
        errFirst = !errFirst;
        for (End output : errFirst ? List.copyOf(outputs) : reversed()) {
            int start = into.position();
            into.put(output.stream);
            int count = descriptors.read(output.descriptor, into);
            if (count > 0) {
                return count + 1;
            }
            into.position(start);
            if (count == Descriptors.END) {
                output.close();
                outputs.remove(output);
            }
        }
        return outputs.isEmpty() ? Descriptors.END : Descriptors.WOULD_BLOCK;
    }

    private List<End> reversed() {
        List<End> reversed = new ArrayList<>(outputs);
        java.util.Collections.reverse(reversed);
        return reversed;
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
        return input.isPresent() ? descriptors.write(input.get().descriptor, from) : swallow(from);
    }

    private static int swallow(ByteBuffer from) {
        int count = from.remaining();
        from.position(from.limit());
        return count;
    }

    @Override
    public void endInput() {
        input.ifPresent(End::close);
        input = Optional.empty();
    }

    @Override
    public boolean isMonitored() {
        return false;
    }

    @Override
    public void close() {
        endInput();
        outputs.forEach(End::close);
        outputs.clear();
    }
}
