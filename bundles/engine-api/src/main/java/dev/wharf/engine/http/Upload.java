package dev.wharf.engine.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;
import java.util.Queue;

/**
 * A request's body on its way from the event loop to the worker that reads it. Holds a bounded part of it: while the worker is
 * behind, the connection is not read.
 */
final class Upload extends InputStream {
    private static final int HIGH_WATER = 1 << 20;
    private static final int LOW_WATER = 256 << 10;

    private final Channel channel;
    private final boolean expectsContinue;
    private final Queue<ByteBuf> pieces = new ArrayDeque<>();
    private int held;
    private boolean paused;
    private boolean opened;
    private boolean ended;
    private boolean broken;
    private boolean discarding;

    Upload(Channel channel, boolean expectsContinue) {
        this.channel = channel;
        this.expectsContinue = expectsContinue;
    }

    /** The worker begins to read; only now is the client asked to go on, where it waits for that. */
    synchronized InputStream open() {
        if (!opened && expectsContinue && held == 0 && !ended) {
            channel.writeAndFlush(Wire.proceed(channel.alloc()));
        }
        opened = true;
        return this;
    }

    // ---- on the event loop

    synchronized void take(ByteBuf piece) {
        if (discarding || broken || !piece.isReadable()) {
            piece.release();
            return;
        }
        pieces.add(piece);
        held += piece.readableBytes();
        if (held > HIGH_WATER && !paused) {
            paused = true;
            channel.config().setAutoRead(false);
        }
        notifyAll();
    }

    synchronized void end() {
        ended = true;
        notifyAll();
    }

    synchronized void breakOff() {
        broken = !ended;
        notifyAll();
    }

    /** Nobody will read what still comes. */
    synchronized void discard() {
        discarding = true;
        pieces.forEach(ByteBuf::release);
        pieces.clear();
        held = 0;
        resume();
        notifyAll();
    }

    // ---- on the worker

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public synchronized int read(byte[] bytes, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        while (pieces.isEmpty()) {
            if (broken) {
                throw new IOException("the client went away before its request was whole");
            }
            if (ended || discarding) {
                return -1;
            }
            await();
        }
        ByteBuf piece = pieces.element();
        int count = Math.min(length, piece.readableBytes());
        piece.readBytes(bytes, offset, count);
        held -= count;
        if (!piece.isReadable()) {
            pieces.remove().release();
        }
        if (held < LOW_WATER) {
            resume();
        }
        return count;
    }

    private void await() throws InterruptedIOException {
        try {
            wait();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("the engine stops");
        }
    }

    private void resume() {
        if (paused) {
            paused = false;
            channel.eventLoop().execute(() -> channel.config().setAutoRead(true));
        }
    }

    @Override
    public synchronized int available() {
        return held;
    }
}
