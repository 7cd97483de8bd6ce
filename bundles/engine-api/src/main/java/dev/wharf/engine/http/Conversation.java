package dev.wharf.engine.http;

import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.engine.http.Query.Percent;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.CorruptedFrameException;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.handler.codec.http.websocketx.WebSocket13FrameDecoder;
import io.netty.handler.codec.http.websocketx.WebSocket13FrameEncoder;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection: requests one after the other, and maybe raw bytes at last. Everything here happens on the connection's event
 * loop.
 */
final class Conversation extends ChannelInboundHandlerAdapter {
    private static final Logger LOG = LoggerFactory.getLogger(Conversation.class);

    /** How many pieces of later requests are held while one is answered; then the connection is not read. */
    private static final int AHEAD = 32;

    /** How long a client may take to read the end of an answer and close. */
    private static final int LINGER_SECONDS = 10;

    /** No event tells that a client which ended its input is gone altogether, so it is looked for in this rhythm. */
    private static final int PROBE_SECONDS = 10;

    private static final long READ_PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private final Server server;
    private final Link link;
    private final DuplexChannel channel;
    private final HttpRequestDecoder decoder;
    private final Queue<HttpObject> ahead = new ArrayDeque<>();
    private @Nullable Actor actor;
    private @Nullable Exchange exchange;
    private @Nullable Raw raw;
    private boolean taking;
    private boolean inputEnded;
    private boolean lingering;

    Conversation(Server server, Link link, HttpRequestDecoder decoder) {
        this.server = server;
        this.link = link;
        this.channel = link.channel();
        this.decoder = decoder;
    }

    Server server() {
        return server;
    }

    Channel channel() {
        return channel;
    }

    synchronized Actor actor() {
        if (actor == null) {
            actor = link.actor();
        }
        return actor;
    }

    // ---- what comes in

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (lingering) {
            ReferenceCountUtil.release(message);
        } else if (message instanceof ByteBuf bytes) {
            raw().received(bytes);
        } else {
            ahead.add((HttpObject) message);
            takeAhead();
        }
    }

    /** Takes what may be taken now: all of one request, and the next only when that was answered. */
    private void takeAhead() {
        if (taking) {
            return;
        }
        taking = true;
        try {
            while (!ahead.isEmpty() && (exchange == null || !exchange.isBodyRead()) && !lingering) {
                take(ahead.remove());
            }
        } finally {
            taking = false;
        }
        if (ahead.size() > AHEAD) {
            channel.config().setAutoRead(false);
        } else if (inputEnded && exchange == null && ahead.isEmpty()) {
            channel.close();
        }
    }

    private void take(HttpObject message) {
        try {
            if (message.decoderResult().isFailure()) {
                refuse(message.decoderResult().cause());
                return;
            }
            if (message instanceof HttpRequest request) {
                begin(request);
            }
            if (message instanceof HttpContent content && exchange != null) {
                exchange.content(content.content());
                if (message instanceof LastHttpContent && exchange != null) {
                    exchange.bodyEnded();
                }
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    /** A request that is no HTTP. */
    private void refuse(Throwable cause) {
        Answer.Whole answer = cause instanceof TooLongHttpLineException
                ? Answer.error(414, "the request's path and query are too long")
                : cause instanceof TooLongHttpHeaderException
                        ? Answer.error(431, "the request's headers are too large")
                        : Answer.error(400, "malformed HTTP request: " + cause.getMessage());
        answerAndClose(answer);
    }

    private void answerAndClose(Answer.Whole answer) {
        lingering = true;
        channel.writeAndFlush(Wire.whole(channel.alloc(), answer, Optional.empty(), true, true))
                .addListener(done -> linger());
    }

    private void begin(HttpRequest request) {
        String method = request.method().name();
        String uri = request.uri();
        Exchange.Head head;
        Optional<Router.Match> match;
        try {
            Target target = Target.of(uri);
            head = new Exchange.Head(
                    method,
                    uri,
                    target.path(),
                    target.version().orElse(ApiVersion.NEWEST),
                    target.query(),
                    request.headers(),
                    HttpUtil.isKeepAlive(request),
                    request.protocolVersion().equals(HttpVersion.HTTP_1_0),
                    HttpUtil.is100ContinueExpected(request));
            match = server.router().find(method, target.path());
            if (match.isEmpty()) {
                match = Optional.of(answering(target.elsewhere()
                        .map(place -> Answer.empty(301).with("Location", place))
                        .orElseGet(() -> Answer.error(404, "page not found"))));
            } else {
                Optional<Answer> refusal = target.version().flatMap(Conversation::versionRefusal);
                if (refusal.isPresent()) {
                    match = Optional.of(answering(refusal.get()));
                }
            }
        } catch (Problem e) {
            head = new Exchange.Head(
                    method,
                    uri,
                    "",
                    ApiVersion.NEWEST,
                    Query.parse(""),
                    request.headers(),
                    HttpUtil.isKeepAlive(request),
                    request.protocolVersion().equals(HttpVersion.HTTP_1_0),
                    HttpUtil.is100ContinueExpected(request));
            match = Optional.of(answering(Answer.error(e.status(), e.message())));
        }
        exchange = new Exchange(this, head, match.get());
        exchange.begin();
    }

    private static Router.Match answering(Answer answer) {
        Router router = new Router().early("ANY", "/", request -> answer);
        return router.find("ANY", "/").orElseThrow();
    }

    private static Optional<Answer> versionRefusal(ApiVersion version) {
        if (version.compareTo(ApiVersion.NEWEST) > 0) {
            return Optional.of(Answer.error(
                    400,
                    "client version " + version.text() + " is too new. Maximum supported API version is "
                            + ApiVersion.NEWEST));
        }
        if (version.compareTo(ApiVersion.OLDEST) < 0) {
            // Clients as old as that show the text as it is.
            return Optional.of(Answer.text(
                            400,
                            "client version " + version.text() + " is too old. Minimum supported API version is "
                                    + ApiVersion.OLDEST + ", please upgrade your client to a newer version\n")
                    .with("X-Content-Type-Options", "nosniff"));
        }
        return Optional.empty();
    }

    /** What a request asks for: the version in its path, if any, and the path and query decoded. */
    private record Target(String local, Optional<ApiVersion> version, String path, Query query) {
        static Target of(String uri) {
            String local = uri;
            if (!uri.startsWith("/")) {
                // The absolute form, which proxies send (RFC 9112, 3.2.2).
                int scheme = uri.indexOf("://");
                int slash = scheme < 0 ? -1 : uri.indexOf('/', scheme + 3);
                local = slash < 0 ? "/" : uri.substring(slash);
            }
            int mark = local.indexOf('?');
            String path = Percent.decode(mark < 0 ? local : local.substring(0, mark), false);
            Query query = Query.parse(mark < 0 ? "" : local.substring(mark + 1));
            if (path.startsWith("/v") && path.length() > 2 && Character.isDigit(path.charAt(2))) {
                int slash = path.indexOf('/', 2);
                Optional<ApiVersion> version =
                        slash < 0 ? Optional.empty() : ApiVersion.parse(path.substring(2, slash));
                if (version.isPresent()) {
                    return new Target(local, version, path.substring(slash), query);
                }
            }
            return new Target(local, Optional.empty(), path, query);
        }

        /** Where it would be with single slashes: a client whose address of the engine ends with one sends two. */
        Optional<String> elsewhere() {
            int mark = local.indexOf('?');
            String path = mark < 0 ? local : local.substring(0, mark);
            String single = path.replaceAll("/{2,}", "/");
            return single.equals(path)
                    ? Optional.empty()
                    : Optional.of(single + (mark < 0 ? "" : local.substring(mark)));
        }
    }

    // ---- taking the connection over

    /** What follows the request is not HTTP; the decoder hands over what it has read ahead. */
    void goRaw() {
        raw = new Raw(this);
        channel.pipeline().remove(decoder);
    }

    /**
     * Does {@code then} once the client has read what was sent, as far as can be told, or has let us wait too long. Some
     * clients read the head of an answer through a buffer and lose whatever else is in it when they take over.
     */
    void onceRead(Runnable then) {
        onceRead(then, System.nanoTime() + READ_PATIENCE_NANOS);
    }

    private void onceRead(Runnable then, long deadline) {
        // A channel that is closed cannot be asked.
        if (!channel.isActive() || link.isRead() || System.nanoTime() > deadline) {
            then.run();
        } else {
            channel.eventLoop().schedule(() -> onceRead(then, deadline), 1, TimeUnit.MILLISECONDS);
        }
    }

    /** From here on the bytes of both sides travel in frames. A client sends none before it was answered (RFC 6455, 4.1). */
    void speakInFrames(boolean binary) {
        String us = channel.pipeline().context(this).name();
        channel.pipeline()
                .addBefore(us, null, new WebSocket13FrameEncoder(false))
                .addBefore(us, null, new WebSocket13FrameDecoder(true, false, Frames.LONGEST))
                .addBefore(us, null, new Frames(binary));
    }

    boolean isRaw() {
        return raw != null;
    }

    Raw raw() {
        if (raw == null) {
            throw new IllegalStateException("only a hijack route takes a connection over");
        }
        return raw;
    }

    // ---- ends

    /** An answer was written and its request read: the next may come. */
    void over(Exchange finished) {
        if (exchange != finished) {
            return;
        }
        exchange = null;
        takeAhead();
        if (!lingering && ahead.size() <= AHEAD && !channel.config().isAutoRead()) {
            channel.config().setAutoRead(true);
        }
    }

    /**
     * Ends our side, and closes when the client has ended its own. A plain close would tell a client that is still sending of
     * a broken connection before it has read the answer.
     */
    void linger() {
        lingering = true;
        ahead.forEach(ReferenceCountUtil::release);
        ahead.clear();
        if (inputEnded || !channel.isActive()) {
            channel.close();
            return;
        }
        link.endOutput();
        channel.config().setAutoRead(true);
        channel.eventLoop().schedule(() -> channel.close(), LINGER_SECONDS, TimeUnit.SECONDS);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        // Under TLS the end of the input is a message (RFC 8446, 6.1), and the socket may stay open.
        if (event instanceof ChannelInputShutdownEvent || event instanceof SslCloseCompletionEvent) {
            if (inputEnded) {
                return;
            }
            inputEnded = true;
            if (lingering || link.isPeerGone() || exchange == null && ahead.isEmpty() && raw == null) {
                channel.close();
                return;
            }
            if (raw != null) {
                raw.ended();
            } else if (exchange != null && !exchange.isBodyRead()) {
                // The rest of the request will never come.
                channel.close();
                return;
            }
            channel.eventLoop().schedule(this::probe, PROBE_SECONDS, TimeUnit.SECONDS);
        }
    }

    private void probe() {
        if (channel.isActive()) {
            if (link.isPeerGone()) {
                channel.close();
            } else {
                channel.eventLoop().schedule(this::probe, PROBE_SECONDS, TimeUnit.SECONDS);
            }
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        Writability.of(channel).changed();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        ahead.forEach(ReferenceCountUtil::release);
        ahead.clear();
        if (exchange != null) {
            exchange.clientGone();
        }
        if (raw != null) {
            raw.clientGone();
        }
        Writability.of(channel).changed();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (cause instanceof IOException) {
            LOG.debug("connection broken reason={}", cause.getMessage());
        } else if (cause instanceof CorruptedFrameException) {
            LOG.debug("WebSocket broken off reason={}", cause.getMessage());
        } else if (cause.getCause() instanceof SSLException refused) {
            LOG.info("client refused reason={}", refused.getMessage());
        } else {
            LOG.error("connection ended by a fault; please report this", cause);
        }
        channel.close();
    }
}
