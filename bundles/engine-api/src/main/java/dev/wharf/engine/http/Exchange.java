package dev.wharf.engine.http;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.engine.http.Router.Manner;
import dev.wharf.engine.http.Router.Route;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One request and its answer, on the event loop of its connection. Handlers see it through {@link Request}, from any thread.
 */
final class Exchange {
    /** The greatest body that is gathered; a container's creation with a seccomp profile in it is far smaller. */
    static final int GATHERED_LIMIT = 8 << 20;

    /** How long a request waits for the agent before it is told why there is none. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private static final byte[] NOTHING = new byte[0];

    private final Conversation conversation;
    private final Route route;
    private final Request request;
    private final String uri;
    private final boolean expectsContinue;
    final boolean isHead;
    final boolean keepAlive;
    final boolean oldHttp;

    private final List<Runnable> goneListeners = new ArrayList<>();
    private boolean gone;

    private @Nullable ByteArrayOutputStream gathering;
    private byte[] gathered = NOTHING;
    private @Nullable Upload upload;
    private boolean bodyRead;
    private boolean answered;
    private boolean finished;

    /** The head of a request as it came. */
    record Head(
            String method,
            String uri,
            String path,
            ApiVersion version,
            Query query,
            io.netty.handler.codec.http.HttpHeaders headers,
            boolean keepAlive,
            boolean oldHttp,
            boolean expectsContinue) {}

    Exchange(Conversation conversation, Head head, Router.Match match) {
        this.conversation = conversation;
        this.route = match.route();
        this.uri = head.uri();
        this.keepAlive = head.keepAlive();
        this.oldHttp = head.oldHttp();
        this.expectsContinue = head.expectsContinue();
        this.isHead = head.method().equals("HEAD");
        this.request = new Request(
                this, head.method(), head.path(), match.name(), head.version(), head.query(), head.headers());
    }

    Request request() {
        return request;
    }

    String uri() {
        return uri;
    }

    Channel channel() {
        return conversation.channel();
    }

    Workers workers() {
        return conversation.server().workers();
    }

    Actor actor() {
        return conversation.actor();
    }

    void after(Duration delay, Runnable task) {
        channel().eventLoop().schedule(task, delay.toMillis(), TimeUnit.MILLISECONDS);
    }

    // ---- the request's body

    /** The head is here. */
    void begin() {
        if (route.manner() == Manner.STREAMED) {
            upload = new Upload(channel(), expectsContinue);
            dispatch();
        } else if (expectsContinue) {
            channel().writeAndFlush(Wire.proceed(channel().alloc()));
        }
    }

    /** A piece of the body is here. */
    void content(ByteBuf piece) {
        if (upload != null) {
            upload.take(piece.retain());
        } else if (!answered && piece.isReadable()) {
            if (gathering == null) {
                gathering = new ByteArrayOutputStream(piece.readableBytes());
            }
            if (gathering.size() + piece.readableBytes() > GATHERED_LIMIT) {
                gathering = null;
                settle(Answer.error(413, "request body is larger than the limit of " + GATHERED_LIMIT + " bytes"));
                return;
            }
            byte[] bytes = new byte[piece.readableBytes()];
            piece.getBytes(piece.readerIndex(), bytes);
            gathering.writeBytes(bytes);
        }
    }

    /** The body is whole. */
    void bodyEnded() {
        bodyRead = true;
        if (upload != null) {
            upload.end();
        } else if (!answered) {
            if (gathering != null) {
                gathered = gathering.toByteArray();
                gathering = null;
            }
            if (route.manner() == Manner.HIJACKED) {
                conversation.goRaw();
            }
            dispatch();
        }
        finishIfOver();
    }

    boolean isBodyRead() {
        return bodyRead;
    }

    byte[] gathered() {
        return gathered;
    }

    InputStream stream() {
        if (upload == null) {
            throw new IllegalStateException("the route of " + uri + " does not stream its body");
        }
        return upload.open();
    }

    // ---- the answer

    private void dispatch() {
        try {
            if (!route.needsAgent()) {
                settle(route.early().handle(request));
                return;
            }
            Door door = conversation.server().door();
            Optional<Agent> agent = door.now();
            if (agent.isPresent()) {
                settle(route.handler().handle(agent.get(), request));
            } else {
                await(door);
            }
        } catch (Throwable e) {
            settle(Problems.answer(e));
        }
    }

    private void await(Door door) {
        CompletionStage<Agent> guest = door.agent();
        after(PATIENCE, () -> door.leave(guest));
        onGone(() -> door.leave(guest));
        guest.whenComplete((agent, thrown) -> onLoop(() -> {
            try {
                settle(thrown == null ? route.handler().handle(agent, request) : Problems.answer(thrown));
            } catch (Throwable e) {
                settle(Problems.answer(e));
            }
        }));
    }

    private void settle(Answer answer) {
        if (answer instanceof Answer.Later later) {
            later.answer()
                    .whenComplete((settled, thrown) -> onLoop(() -> {
                        if (thrown != null) {
                            settle(Problems.answer(thrown));
                        } else {
                            settle(settled);
                        }
                    }));
        } else if (!answered && !finished) {
            answered = true;
            try {
                write(answer);
            } catch (RuntimeException e) {
                Problems.of(e);
                channel().close();
            }
        }
    }

    private void write(Answer answer) {
        if (answer instanceof Answer.Whole whole) {
            boolean close = closes();
            channel()
                    .writeAndFlush(Wire.whole(channel().alloc(), whole, request.requestId(), close, !isHead))
                    .addListener(done -> finish(close));
        } else if (answer instanceof Answer.Flow flow) {
            boolean close = closes();
            Wire.Framing framing = oldHttp ? Wire.Framing.CLOSE : Wire.Framing.CHUNKED;
            channel().writeAndFlush(Wire.flow(channel().alloc(), flow, request.requestId(), framing, close));
            ChannelOutlet outlet = new ChannelOutlet(this, framing);
            flow.source().accept(outlet);
        } else if (answer instanceof Answer.Switch taken) {
            Raw raw = conversation.raw();
            channel().writeAndFlush(Wire.hijack(channel().alloc(), taken, request.wantsUpgrade(), request.requestId()));
            raw.taken();
            // What is to happen begins at once, and what comes of it waits for the client.
            conversation.onceRead(raw::heard);
            taken.talk().accept(raw);
        } else if (answer instanceof Answer.WebSocket taken) {
            Raw raw = conversation.raw();
            channel().writeAndFlush(Wire.webSocket(channel().alloc(), taken.handshake()));
            conversation.speakInFrames(taken.binary());
            raw.taken();
            raw.heard();
            taken.talk().accept(raw);
        }
    }

    /** Whether the connection ends with the answer: the client wishes so, or what it still sends is in the way. */
    private boolean closes() {
        return !keepAlive || !bodyRead || conversation.isRaw();
    }

    /** The answer was written whole. */
    void finish(boolean close) {
        if (finished) {
            return;
        }
        finished = true;
        if (upload != null) {
            upload.discard();
        }
        if (close || !bodyRead) {
            conversation.linger();
        } else {
            conversation.over(this);
        }
    }

    private void finishIfOver() {
        if (finished) {
            conversation.over(this);
        }
    }

    void onLoop(Runnable task) {
        if (channel().eventLoop().inEventLoop()) {
            task.run();
        } else {
            channel().eventLoop().execute(task);
        }
    }

    // ---- a client that goes away

    void onGone(Runnable listener) {
        synchronized (goneListeners) {
            if (!gone) {
                goneListeners.add(listener);
                return;
            }
        }
        listener.run();
    }

    boolean isGone() {
        synchronized (goneListeners) {
            return gone;
        }
    }

    /** The client went away. */
    void clientGone() {
        List<Runnable> listeners;
        synchronized (goneListeners) {
            if (gone) {
                return;
            }
            gone = true;
            listeners = finished ? List.of() : List.copyOf(goneListeners);
            goneListeners.clear();
        }
        if (upload != null) {
            upload.breakOff();
        }
        listeners.forEach(Runnable::run);
    }
}
