package dev.wharf.engine.http;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Serves HTTP on unix sockets and TCP ports. */
public final class Server implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Server.class);

    /** Registry credentials travel in a header, and filters in the query; both outgrow the usual limits. */
    private static final int HEAD_LIMIT = 1 << 20;

    private static final int CHUNK_LIMIT = 256 << 10;

    /** A listening socket reads no bytes; some size has to be named. */
    private static final int PASSED_BUFFER = 64;

    private static final WriteBufferWaterMark WATER_MARK = new WriteBufferWaterMark(128 << 10, 512 << 10);
    private static final int LOOPS = Math.min(4, Runtime.getRuntime().availableProcessors());

    private final Router router;
    private final Door door;
    private final Workers workers;
    private final EventLoopGroup loops = new MultiThreadIoEventLoopGroup(
            LOOPS, new DefaultThreadFactory("wharf-http", true), WatchedEpoll.newFactory());
    private final ChannelGroup open = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
    private final List<SocketFile> files = new ArrayList<>();
    private final ChannelGroup listening = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);

    private Server(Router router, Door door, Workers workers) {
        this.router = router;
        this.door = door;
        this.workers = workers;
    }

    /**
     * Opens every socket or none; an error names the one that cannot be, and why.
     *
     * @param endpoints where to listen
     */
    public static Server open(List<Endpoint> endpoints, Router router, Door door, Workers workers) throws IOException {
        Epoll.ensureAvailability();
        Server server = new Server(router, door, workers);
        try {
            for (Endpoint endpoint : endpoints) {
                if (endpoint instanceof Endpoint.Unix socket) {
                    server.listen(socket);
                } else if (endpoint instanceof Endpoint.Tcp port) {
                    server.listen(port);
                } else if (endpoint instanceof Endpoint.Numbers port) {
                    server.listen(port);
                } else if (endpoint instanceof Endpoint.PassedTcp port) {
                    server.listen(port);
                } else if (endpoint instanceof Endpoint.Passed passed) {
                    server.listen(passed);
                }
            }
            return server;
        } catch (IOException | RuntimeException e) {
            server.close();
            throw e;
        }
    }

    private void listen(Endpoint.Unix socket) throws IOException {
        SocketFile file = new SocketFile(socket);
        Path fresh = file.prepare();
        ServerBootstrap bootstrap =
                bootstrap().channel(EpollServerDomainSocketChannel.class).childHandler(local());
        bind(bootstrap, new DomainSocketAddress(fresh.toFile()), socket);
        file.publish(fresh);
        files.add(file);
    }

    private void listen(Endpoint.Passed socket) throws IOException {
        ServerBootstrap bootstrap = oneByOne(bootstrap()
                .channelFactory(() -> new EpollServerDomainSocketChannel(socket.descriptor(), true))
                .childHandler(local()));
        opened(bootstrap.register().awaitUninterruptibly(), socket);
    }

    private ChannelInitializer<EpollDomainSocketChannel> local() {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(EpollDomainSocketChannel channel) {
                converse(new Link.Unix(channel));
            }
        };
    }

    private void listen(Endpoint.Tcp port) throws IOException {
        warn(port, port.tls());
        bind(port, port.address(), port.tls());
    }

    private void listen(Endpoint.Numbers port) throws IOException {
        bind(port, port.address(), Optional.empty());
    }

    private void bind(Endpoint port, InetSocketAddress address, Optional<SslContext> tls) throws IOException {
        ServerBootstrap bootstrap =
                bootstrap(tls).channel(EpollServerSocketChannel.class).option(ChannelOption.SO_REUSEADDR, true);
        bind(bootstrap, address, port);
    }

    private void listen(Endpoint.PassedTcp port) throws IOException {
        warn(port, port.tls());
        ServerBootstrap bootstrap =
                oneByOne(bootstrap(port.tls()).channelFactory(() -> new EpollServerSocketChannel(port.descriptor())));
        opened(bootstrap.register().awaitUninterruptibly(), port);
    }

    private static void warn(Endpoint port, Optional<SslContext> tls) {
        if (tls.isEmpty()) {
            LOG.warn(
                    "without TLS, everybody who can reach this port can become root on this host address={}",
                    port.url());
        }
    }

    /** For ports, with or without TLS. */
    private ServerBootstrap bootstrap(Optional<SslContext> tls) {
        return bootstrap()
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.SO_KEEPALIVE, true)
                .childHandler(new ChannelInitializer<EpollSocketChannel>() {
                    @Override
                    protected void initChannel(EpollSocketChannel channel) {
                        Optional<SslHandler> handler = tls.map(context -> context.newHandler(channel.alloc()));
                        handler.ifPresent(secured -> channel.pipeline().addLast(new PlainHttp(), secured));
                        converse(new Link.Tcp(channel, handler));
                    }
                });
    }

    /** The descriptor may be one on which to accept is to wait, so no more are taken than are there for certain. */
    private static ServerBootstrap oneByOne(ServerBootstrap passed) {
        return passed.option(
                ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(PASSED_BUFFER).maxMessagesPerRead(1));
    }

    private ServerBootstrap bootstrap() {
        return new ServerBootstrap()
                .group(loops)
                .option(ChannelOption.SO_BACKLOG, 1024)
                .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK);
    }

    private void converse(Link link) {
        open.add(link.channel());
        HttpRequestDecoder decoder = new HttpRequestDecoder(new HttpDecoderConfig()
                .setMaxInitialLineLength(HEAD_LIMIT)
                .setMaxHeaderSize(HEAD_LIMIT)
                .setMaxChunkSize(CHUNK_LIMIT)
                // Clients that attach over OkHttp send both, and Go goes by the chunks; the connection ends with the
                // answer.
                .setUseRfc9112TransferEncoding(false)
                .setAllowDuplicateContentLengths(true));
        link.channel().pipeline().addLast(decoder, new Conversation(this, link, decoder));
    }

    private void bind(ServerBootstrap bootstrap, SocketAddress address, Endpoint endpoint) throws IOException {
        opened(bootstrap.bind(address).awaitUninterruptibly(), endpoint);
    }

    private void opened(ChannelFuture bound, Endpoint endpoint) throws IOException {
        if (!bound.isSuccess()) {
            throw new IOException(
                    "cannot listen on " + endpoint.url() + ": " + bound.cause().getMessage(), bound.cause());
        }
        listening.add(bound.channel());
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

    /**
     * Lets nobody in any more, and goes on answering who is. Whoever comes to a socket that was passed waits there for the next
     * agent; anywhere else they are refused.
     */
    public void stopListening() {
        for (SocketFile file : files) {
            try {
                file.remove();
            } catch (IOException e) {
                LOG.warn("socket file left behind reason={}", e.getMessage());
            }
        }
        listening.close().awaitUninterruptibly(2, TimeUnit.SECONDS);
    }

    /** Stops listening and breaks what is open; containers do not notice. */
    @Override
    public void close() {
        stopListening();
        open.close().awaitUninterruptibly(2, TimeUnit.SECONDS);
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(3, TimeUnit.SECONDS);
    }
}
