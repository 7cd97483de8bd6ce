package dev.wharf.buildkit;

import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.local.LocalChannel;
import io.netty.channel.local.LocalServerChannel;
import org.jspecify.annotations.Nullable;

/** A channel in memory that is told to keep itself alive, as gRPC tells every channel, and says nothing of it. */
final class Quiet extends LocalChannel {
    /** Not there yet while the channel itself is made. */
    private final @Nullable ChannelConfig config =
            new Config(this).setAllocator(super.config().getAllocator());

    Quiet() {}

    private Quiet(LocalServerChannel parent, LocalChannel peer) {
        super(parent, peer);
    }

    @Override
    public ChannelConfig config() {
        return config == null ? super.config() : config;
    }

    /** Takes quiet ones in. */
    static final class Server extends LocalServerChannel {
        @Override
        protected LocalChannel newLocalChannel(LocalChannel peer) {
            return new Quiet(this, peer);
        }
    }

    private static final class Config extends DefaultChannelConfig {
        Config(LocalChannel channel) {
            super(channel);
        }

        @Override
        public <T> boolean setOption(ChannelOption<T> option, T value) {
            return option == ChannelOption.SO_KEEPALIVE || super.setOption(option, value);
        }
    }
}
