package dev.wharf.engine.http;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Serves HTTP on unix sockets. */
public final class Server implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Server.class);

    /** Registry credentials travel in a header, and filters in the query; both outgrow the usual limits. */
    private static final int HEAD_LIMIT = 128 << 10;

    private static final int CHUNK_LIMIT = 256 << 10;
    private static final WriteBufferWaterMark WATER_MARK = new WriteBufferWaterMark(128 << 10, 512 << 10);
    private static final int LOOPS = Math.min(4, Runtime.getRuntime().availableProcessors());

    private final Router router;
    private final Door door;
    private final Workers workers;
    private final EventLoopGroup loops = new MultiThreadIoEventLoopGroup(
            LOOPS, new DefaultThreadFactory("wharf-http", true), WatchedEpoll.newFactory());
    private final ChannelGroup open = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
    private final List<SocketFile> files = new ArrayList<>();

    private Server(Router router, Door door, Workers workers) {
        this.router = router;
        this.door = door;
        this.workers = workers;
    }

    /**
     * Opens every socket or none; an error names the one that cannot be, and why.
     *
     * @param sockets where to listen
     */
    public static Server open(List<Path> sockets, Router router, Door door, Workers workers) throws IOException {
        Epoll.ensureAvailability();
        Server server = new Server(router, door, workers);
        try {
            for (Path socket : sockets) {
                server.listen(socket);
            }
            return server;
        } catch (IOException | RuntimeException e) {
            server.close();
            throw e;
        }
    }

    private void listen(Path socket) throws IOException {
        SocketFile file = new SocketFile(socket);
        Path fresh = file.prepare();
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(loops)
                .channel(EpollServerDomainSocketChannel.class)
                .option(ChannelOption.SO_BACKLOG, 1024)
                .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK)
                .childHandler(new ChannelInitializer<EpollDomainSocketChannel>() {
                    @Override
                    protected void initChannel(EpollDomainSocketChannel channel) {
                        open.add(channel);
                        HttpRequestDecoder decoder = new HttpRequestDecoder(new HttpDecoderConfig()
                                .setMaxInitialLineLength(HEAD_LIMIT)
                                .setMaxHeaderSize(HEAD_LIMIT)
                                .setMaxChunkSize(CHUNK_LIMIT));
                        channel.pipeline().addLast(decoder, new Conversation(Server.this, channel, decoder));
                    }
                });
        var bound = bootstrap.bind(new DomainSocketAddress(fresh.toFile())).awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new IOException(
                    "cannot listen on " + socket + ": " + bound.cause().getMessage(), bound.cause());
        }
        Channel channel = bound.channel();
        open.add(channel);
        file.publish(fresh);
        files.add(file);
        LOG.info("listening socket={}", socket);
    }

    Router router() {
        return router;
    }

    Door door() {
        return door;
    }

    Workers workers() {
        return workers;
    }

    /** Stops listening and breaks what is open; containers do not notice. */
    @Override
    public void close() {
        for (SocketFile file : files) {
            try {
                file.remove();
            } catch (IOException e) {
                LOG.warn("socket file left behind reason={}", e.getMessage());
            }
        }
        open.close().awaitUninterruptibly(2, TimeUnit.SECONDS);
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(3, TimeUnit.SECONDS);
    }
}
