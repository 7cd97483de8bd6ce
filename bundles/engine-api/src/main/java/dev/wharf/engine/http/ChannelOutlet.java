package dev.wharf.engine.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** The body of a streamed answer on its channel. */
final class ChannelOutlet implements Outlet {
    private final Exchange exchange;
    private final Channel channel;
    private final Wire.Framing framing;
    private boolean ended;

    ChannelOutlet(Exchange exchange, Wire.Framing framing) {
        this.exchange = exchange;
        this.channel = exchange.channel();
        this.framing = framing;
    }

    @Override
    public synchronized boolean send(List<byte[]> chunks) {
        List<byte[]> full = chunks.stream().filter(bytes -> bytes.length > 0).toList();
        if (!ended && !full.isEmpty() && !exchange.isHead && channel.isActive()) {
            channel.writeAndFlush(framed(full), channel.voidPromise());
        }
        return channel.isWritable();
    }

    private ByteBuf framed(List<byte[]> chunks) {
        return framing == Wire.Framing.CHUNKED
                ? Wire.chunks(channel.alloc(), chunks)
                : Unpooled.wrappedBuffer(chunks.toArray(byte[][]::new));
    }

    @Override
    public void onWritable(Runnable wake) {
        Writability.of(channel).once(wake);
    }

    @Override
    public synchronized void end() {
        if (ended) {
            return;
        }
        ended = true;
        boolean close = framing == Wire.Framing.CLOSE || !exchange.keepAlive;
        ByteBuf last = framing == Wire.Framing.CHUNKED ? Wire.end(channel.alloc()) : Unpooled.EMPTY_BUFFER;
        channel.writeAndFlush(last).addListener(done -> exchange.finish(close));
    }

    @Override
    public synchronized void abort() {
        ended = true;
        channel.close();
    }

    @Override
    public void onGone(Runnable gone) {
        exchange.onGone(gone);
    }

    @Override
    public boolean isGone() {
        return exchange.isGone() || !channel.isActive();
    }

    @Override
    public OutputStream blocking() {
        return new Blocking();
    }

    /** Gathers small writes, and waits where the client is slow. */
    private final class Blocking extends OutputStream {
        private static final int BUFFER = 64 << 10;

        private byte[] buffer = new byte[BUFFER];
        private int length;

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int count) throws IOException {
            int at = offset;
            int left = count;
            while (left > 0) {
                int step = Math.min(left, buffer.length - length);
                System.arraycopy(bytes, at, buffer, length, step);
                length += step;
                at += step;
                left -= step;
                if (length == buffer.length) {
                    flush();
                }
            }
        }

        @Override
        public void flush() throws IOException {
            if (isGone()) {
                throw new IOException("the client went away before its answer was whole");
            }
            if (length == 0) {
                return;
            }
            byte[] full = length == buffer.length ? buffer : java.util.Arrays.copyOf(buffer, length);
            buffer = full == buffer ? new byte[BUFFER] : buffer;
            length = 0;
            if (!send(full)) {
                CountDownLatch writable = new CountDownLatch(1);
                onWritable(writable::countDown);
                onGone(writable::countDown);
                try {
                    writable.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new InterruptedIOException("the engine stops");
                }
            }
        }

        @Override
        public void close() throws IOException {
            flush();
            end();
        }
    }
}
