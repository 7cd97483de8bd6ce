package dev.wharf.testkit.runtime;

import dev.wharf.spi.runtime.StreamSink;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Remembers what a process wrote, and lets a test wait for it. */
public final class RecordingSink implements StreamSink {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final CountDownLatch closed = new CountDownLatch(1);
    private int callsAfterClose;
    private int writableCalls;

    @Override
    public synchronized void bytes(StandardStream stream, ByteBuffer bytes) {
        if (closed.getCount() == 0) {
            callsAfterClose++;
        }
        byte[] copy = new byte[bytes.remaining()];
        bytes.get(copy);
        (stream == StandardStream.OUT ? out : err).writeBytes(copy);
        notifyAll();
    }

    @Override
    public synchronized void writable() {
        writableCalls++;
        notifyAll();
    }

    @Override
    public synchronized void closed() {
        if (closed.getCount() == 0) {
            callsAfterClose++;
        }
        closed.countDown();
        notifyAll();
    }

    public synchronized String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    public synchronized String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    public synchronized byte[] outBytes() {
        return out.toByteArray();
    }

    public synchronized int size() {
        return out.size() + err.size();
    }

    /** How often anything was called after the last call. */
    public synchronized int callsAfterClose() {
        return callsAfterClose;
    }

    public synchronized int writableCalls() {
        return writableCalls;
    }

    public boolean isClosed() {
        return closed.getCount() == 0;
    }

    /** Waits until the streams are closed; false where that takes too long. */
    public boolean awaitClosed() throws InterruptedException {
        return closed.await(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    /** Waits until stdout holds {@code text}; false where that takes too long. */
    public boolean awaitOut(String text) throws InterruptedException {
        return await(() -> out().contains(text));
    }

    /** Waits until {@code condition} holds, which is looked at after each call; false where that takes too long. */
    public synchronized boolean await(BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
            if (left <= 0) {
                return false;
            }
            wait(left);
        }
        return true;
    }
}
