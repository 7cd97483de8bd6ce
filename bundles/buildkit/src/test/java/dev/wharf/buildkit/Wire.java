package dev.wharf.buildkit;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Two ends of a connection within this process. */
final class Wire implements AutoCloseable {
    private final ExecutorService thread = Executors.newSingleThreadExecutor();
    final End left = new End();
    final End right = new End();

    Wire() {
        left.other = right;
        right.other = left;
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }

    final class End implements Line {
        private End other = this;
        private final List<byte[]> early = new ArrayList<>();
        private final List<Runnable> gone = new ArrayList<>();
        private Input input = new Input() {
            @Override
            public void bytes(ByteBuffer bytes) {
                byte[] copy = new byte[bytes.remaining()];
                bytes.get(copy);
                early.add(copy);
            }

            @Override
            public void ended() {}
        };

        @Override
        public boolean send(ByteBuffer bytes) {
            byte[] copy = new byte[bytes.remaining()];
            bytes.get(copy);
            thread.execute(() -> other.input.bytes(ByteBuffer.wrap(copy)));
            return true;
        }

        @Override
        public void onWritable(Runnable wake) {
            wake.run();
        }

        @Override
        public void listen(Input listener) {
            thread.execute(() -> {
                input = listener;
                early.forEach(bytes -> input.bytes(ByteBuffer.wrap(bytes)));
                early.clear();
            });
        }

        @Override
        public void reading(boolean wanted) {}

        @Override
        public void finish() {
            if (!thread.isShutdown()) {
                thread.execute(() -> {
                    other.input.ended();
                    other.gone.forEach(Runnable::run);
                    other.gone.clear();
                });
            }
        }

        @Override
        public void onGone(Runnable heard) {
            thread.execute(() -> gone.add(heard));
        }
    }
}
