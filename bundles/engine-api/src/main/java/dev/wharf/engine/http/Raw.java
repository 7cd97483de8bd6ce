package dev.wharf.engine.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/** A connection that is no longer HTTP. What the client sent ahead of the answer is kept for whoever listens. */
final class Raw implements Duplex {
    private final Conversation conversation;
    private final Channel channel;

    // On the event loop only.
    private final Queue<ByteBuf> ahead = new ArrayDeque<>();
    private @Nullable Input input;
    private boolean inputEnded;
    private boolean endTold;
    private boolean wanted = true;
    private boolean finishing;
    private boolean finishesOnceHeard;

    /** Set on the event loop only, where what depends on it is done, too. */
    private volatile boolean unheard = true;

    private final List<Runnable> goneListeners = new ArrayList<>();
    private boolean gone;

    Raw(Conversation conversation) {
        this.conversation = conversation;
        this.channel = conversation.channel();
        channel.config().setAutoRead(false);
    }

    /** The answer is yes; the connection lasts until one side ends it. */
    void taken() {
        if (input == null && finishing) {
            conversation.linger();
        }
    }

    /** The client has read the answer: now it may have what was sent since. */
    void heard() {
        unheard = false;
        channel.flush();
        if (finishesOnceHeard) {
            end();
        }
    }

    // ---- what the client sends, on the event loop

    void received(ByteBuf bytes) {
        if (finishing) {
            bytes.release();
        } else if (input == null || !wanted || !ahead.isEmpty()) {
            ahead.add(bytes);
        } else {
            hand(input, bytes);
        }
    }

    void ended() {
        inputEnded = true;
        pass();
    }

    private void pass() {
        if (input == null) {
            return;
        }
        while (wanted && !ahead.isEmpty()) {
            hand(input, ahead.remove());
        }
        if (wanted && inputEnded && !endTold) {
            endTold = true;
            input.ended();
        }
    }

    private static void hand(Input input, ByteBuf bytes) {
        try {
            for (ByteBuffer buffer : bytes.nioBuffers()) {
                input.bytes(buffer);
            }
        } finally {
            bytes.release();
        }
    }

    // ---- from any thread

    @Override
    public void listen(Input listener) {
        onLoop(() -> {
            input = listener;
            pass();
            channel.config().setAutoRead(wanted);
        });
    }

    @Override
    public void reading(boolean more) {
        onLoop(() -> {
            wanted = more;
            pass();
            channel.config().setAutoRead(wanted && input != null);
        });
    }

    @Override
    public boolean send(byte[] head, ByteBuffer bytes) {
        if (channel.isActive()) {
            ByteBuf out = channel.alloc().buffer(head.length + bytes.remaining());
            out.writeBytes(head).writeBytes(bytes.duplicate());
            if (unheard) {
                onLoop(() -> {
                    channel.write(out, channel.voidPromise());
                    if (!unheard) {
                        channel.flush();
                    }
                });
            } else {
                channel.writeAndFlush(out, channel.voidPromise());
            }
        }
        return channel.isWritable();
    }

    @Override
    public void onWritable(Runnable wake) {
        Writability.of(channel).once(wake);
    }

    @Override
    public void finish() {
        onLoop(() -> {
            if (unheard) {
                finishesOnceHeard = true;
            } else {
                end();
            }
        });
    }

    private void end() {
        channel.writeAndFlush(io.netty.buffer.Unpooled.EMPTY_BUFFER)
                .addListener(done -> onLoop(() -> {
                    if (!finishing) {
                        finishing = true;
                        drop();
                        conversation.linger();
                    }
                }));
    }

    @Override
    public void onGone(Runnable listener) {
        synchronized (goneListeners) {
            if (!gone) {
                goneListeners.add(listener);
                return;
            }
        }
        listener.run();
    }

    void clientGone() {
        drop();
        List<Runnable> listeners;
        synchronized (goneListeners) {
            if (gone) {
                return;
            }
            gone = true;
            listeners = finishing ? List.of() : List.copyOf(goneListeners);
            goneListeners.clear();
        }
        listeners.forEach(Runnable::run);
    }

    private void drop() {
        ahead.forEach(ByteBuf::release);
        ahead.clear();
    }

    private void onLoop(Runnable task) {
        if (channel.eventLoop().inEventLoop()) {
            task.run();
        } else {
            channel.eventLoop().execute(task);
        }
    }
}
