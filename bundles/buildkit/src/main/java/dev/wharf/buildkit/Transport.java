package dev.wharf.buildkit;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.local.LocalAddress;
import io.netty.channel.local.LocalChannel;
import io.netty.channel.local.LocalIoHandler;
import io.netty.channel.local.LocalServerChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * gRPC over lines that are there already: each line has a channel in memory, since gRPC takes and makes connections only by
 * itself.
 */
final class Transport implements AutoCloseable {
    /** As much as one message may have; files and logs come in smaller pieces. */
    private static final int LARGEST_MESSAGE = 16 << 20;

    private static final AtomicLong NUMBERS = new AtomicLong();

    private final EventLoopGroup loop = new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("wharf-buildkit-io", true), LocalIoHandler.newFactory());
    private final ExecutorService workers =
            Executors.newCachedThreadPool(new DefaultThreadFactory("wharf-buildkit", true));

    ExecutorService workers() {
        return workers;
    }

    private static LocalAddress address() {
        return new LocalAddress("wharf-buildkit-" + NUMBERS.incrementAndGet());
    }

    /** Answers whoever is at the other end of a line, until it goes away. */
    void serve(Line line, List<ServerServiceDefinition> services) throws IOException {
        LocalAddress address = address();
        NettyServerBuilder builder = NettyServerBuilder.forAddress(address)
                .channelFactory(Quiet.Server::new)
                .bossEventLoopGroup(loop)
                .workerEventLoopGroup(loop)
                .executor(workers)
                .maxInboundMessageSize(LARGEST_MESSAGE);
        services.forEach(builder::addService);
        Server server = builder.build().start();
        new Bootstrap()
                .group(loop)
                .channel(LocalChannel.class)
                .handler(new Relay(line))
                .connect(address)
                .addListener(connected -> {
                    if (!connected.isSuccess()) {
                        line.finish();
                        server.shutdownNow();
                    }
                });
        line.onGone(server::shutdownNow);
    }

    /** Asks whoever is at the other end of a line. */
    ManagedChannel reach(Line line) throws IOException {
        LocalAddress address = address();
        Channel door;
        try {
            door = new ServerBootstrap()
                    .group(loop)
                    .channel(LocalServerChannel.class)
                    .childHandler(new Once(line))
                    .bind(address)
                    .sync()
                    .channel();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
        ManagedChannel channel = NettyChannelBuilder.forAddress(address)
                .channelFactory(Quiet::new)
                .eventLoopGroup(loop)
                .executor(workers)
                .usePlaintext()
                .overrideAuthority("localhost")
                // One line is all there is: what went idle could not come back.
                .idleTimeout(365, TimeUnit.DAYS)
                .maxInboundMessageSize(LARGEST_MESSAGE)
                .build();
        line.onGone(() -> {
            channel.shutdownNow();
            door.close();
        });
        // Connects, and with that hears of the end.
        channel.getState(true);
        return channel;
    }

    @Override
    public void close() {
        workers.shutdownNow();
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    /** Lets in the one connection that a line can be joined to. */
    @ChannelHandler.Sharable
    private static final class Once extends io.netty.channel.ChannelInitializer<Channel> {
        private final Line line;
        private boolean taken;

        Once(Line line) {
            this.line = line;
        }

        @Override
        protected synchronized void initChannel(Channel channel) {
            if (taken) {
                channel.close();
                return;
            }
            taken = true;
            channel.pipeline().addLast(new Relay(line));
        }
    }
}
