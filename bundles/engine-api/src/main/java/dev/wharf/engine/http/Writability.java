package dev.wharf.engine.http;

import io.netty.channel.Channel;
import io.netty.util.AttributeKey;
import java.util.ArrayList;
import java.util.List;

/** Who waits for a channel to take more. */
final class Writability {
    private static final AttributeKey<Writability> KEY = AttributeKey.valueOf(Writability.class, "of");

    private final Channel channel;
    private final List<Runnable> waiting = new ArrayList<>();

    private Writability(Channel channel) {
        this.channel = channel;
    }

    static Writability of(Channel channel) {
        Writability known = channel.attr(KEY).get();
        if (known != null) {
            return known;
        }
        Writability fresh = new Writability(channel);
        Writability other = channel.attr(KEY).setIfAbsent(fresh);
        return other == null ? fresh : other;
    }

    /** Calls {@code wake} once when the channel is writable or closed; may call at once. */
    void once(Runnable wake) {
        synchronized (waiting) {
            if (!channel.isWritable() && channel.isActive()) {
                waiting.add(wake);
                return;
            }
        }
        wake.run();
    }

    /** The channel may have become writable, or has closed. */
    void changed() {
        List<Runnable> woken;
        synchronized (waiting) {
            if (waiting.isEmpty() || channel.isActive() && !channel.isWritable()) {
                return;
            }
            woken = List.copyOf(waiting);
            waiting.clear();
        }
        woken.forEach(Runnable::run);
    }
}
