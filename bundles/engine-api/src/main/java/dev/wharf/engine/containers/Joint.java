package dev.wharf.engine.containers;

import dev.wharf.core.agent.Agent;
import dev.wharf.engine.http.Duplex;
import dev.wharf.model.ContainerId;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.runtime.Attachment;
import dev.wharf.spi.runtime.LogCursor;
import dev.wharf.spi.runtime.LogQuery;
import dev.wharf.spi.runtime.StreamSink;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where a client's connection and a process's streams meet. It may be joined to the process before the client's connection is
 * taken over; what comes in between is kept, and the process waits when that becomes much. A side that is slow stops the other.
 */
final class Joint implements StreamSink, Duplex.Input {
    private static final Logger LOG = LoggerFactory.getLogger(Joint.class);
    private static final byte[] NO_HEAD = new byte[0];

    private final boolean framed;
    private final boolean wantsInput;
    private final boolean wantsOut;
    private final boolean wantsErr;
    private final boolean inputEnds;
    private final DetachKeys keys;
    private final Runnable detached;

    /** Keeps "go on" behind the "wait" that it answers: the process may take its input before the client is told to wait. */
    private final Object pace = new Object();

    private final List<Piece> early = new ArrayList<>();
    private Optional<Duplex> duplex = Optional.empty();
    private Optional<Attachment> attachment = Optional.empty();
    private boolean over;
    private Consumer<Runnable> ending = Runnable::run;

    private record Piece(byte[] head, ByteBuffer bytes) {}

    /** Something that joins the streams. */
    interface Joining {
        Attachment join() throws DriverException;
    }

    /**
     * @param framed whether each piece of output says which stream it is of
     * @param inputEnds whether the end of the client's input ends the process's
     * @param detached is told when the client let go by keys
     */
    Joint(
            boolean framed,
            boolean wantsInput,
            boolean wantsOut,
            boolean wantsErr,
            boolean inputEnds,
            DetachKeys keys,
            Runnable detached) {
        this.framed = framed;
        this.wantsInput = wantsInput;
        this.wantsOut = wantsOut;
        this.wantsErr = wantsErr;
        this.inputEnds = inputEnds;
        this.keys = keys;
        this.detached = detached;
    }

    /** Before the connection is closed at the streams' end, {@code how} is asked to say when. */
    synchronized void endAfter(Consumer<Runnable> how) {
        ending = how;
    }

    /** Joins the process's streams. */
    boolean open(Joining joining) {
        try {
            Attachment joined = joining.join();
            Optional<Duplex> waiting;
            synchronized (this) {
                attachment = Optional.of(joined);
                waiting = duplex;
                if (duplex.isEmpty()) {
                    joined.reading(false);
                }
            }
            waiting.ifPresent(d -> d.reading(true));
            return true;
        } catch (DriverException e) {
            LOG.info("streams cannot be joined reason={}", e.failure().message());
            say(e.failure().message() + "\r\n");
            endAfter(Runnable::run);
            closed();
            return false;
        }
    }

    /** The client's connection is ours now. */
    void talk(Duplex taken) {
        List<Piece> kept;
        boolean ended;
        boolean joined;
        synchronized (this) {
            duplex = Optional.of(taken);
            joined = attachment.isPresent();
            kept = List.copyOf(early);
            early.clear();
            ended = over;
            for (Piece piece : kept) {
                taken.send(piece.head(), piece.bytes());
            }
        }
        taken.onGone(() -> {
            endInput();
            drop();
        });
        if (!joined) {
            // What the client says while it is told what was before is for the process that it is joined to afterwards.
            taken.reading(false);
        }
        taken.listen(this);
        attachment().ifPresent(a -> a.reading(true));
        if (ended) {
            finish(taken);
        }
    }

    private synchronized Optional<Attachment> attachment() {
        return attachment;
    }

    private synchronized Optional<Duplex> duplex() {
        return duplex;
    }

    // ---- from the process

    @Override
    public void bytes(StandardStream stream, ByteBuffer bytes) {
        boolean wanted = stream == StandardStream.OUT ? wantsOut : wantsErr;
        if (wanted) {
            send(framed ? head(stream, bytes.remaining()) : NO_HEAD, bytes);
        }
    }

    static byte[] head(StandardStream stream, int length) {
        return new byte[] {
            (byte) (stream == StandardStream.OUT ? 1 : 2),
            0,
            0,
            0,
            (byte) (length >>> 24),
            (byte) (length >>> 16),
            (byte) (length >>> 8),
            (byte) length
        };
    }

    private void send(byte[] head, ByteBuffer bytes) {
        Duplex to;
        synchronized (this) {
            if (duplex.isEmpty()) {
                ByteBuffer copy = ByteBuffer.allocate(bytes.remaining())
                        .put(bytes.duplicate())
                        .flip();
                early.add(new Piece(head, copy));
                return;
            }
            to = duplex.get();
        }
        if (!to.send(head, bytes)) {
            attachment().ifPresent(a -> {
                a.reading(false);
                to.onWritable(() -> a.reading(true));
            });
        }
    }

    /** A line of our own among the output, where Docker says such things, too. */
    void say(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        send(framed ? head(StandardStream.OUT, bytes.length) : NO_HEAD, ByteBuffer.wrap(bytes));
    }

    /** Says why nothing will come, unless the streams ended with words of their own. No end is waited for then. */
    void refuse(String why) {
        synchronized (this) {
            if (over) {
                return;
            }
            ending = Runnable::run;
        }
        say(why);
        closed();
    }

    @Override
    public void writable() {
        synchronized (pace) {
            duplex().ifPresent(d -> d.reading(true));
        }
    }

    @Override
    public void closed() {
        Optional<Duplex> to;
        synchronized (this) {
            over = true;
            to = duplex;
        }
        to.ifPresent(this::finish);
    }

    private void finish(Duplex to) {
        Consumer<Runnable> how;
        synchronized (this) {
            how = ending;
        }
        how.accept(to::finish);
        drop();
    }

    /** Lets go of the process's streams. */
    void drop() {
        Optional<Attachment> held;
        synchronized (this) {
            held = attachment;
            attachment = Optional.empty();
        }
        held.ifPresent(Attachment::close);
    }

    // ---- from the client

    @Override
    public void bytes(ByteBuffer bytes) {
        Optional<Attachment> to = attachment();
        if (!wantsInput || to.isEmpty()) {
            return;
        }
        ByteBuffer passing = bytes;
        boolean letGo = false;
        if (!keys.isNone()) {
            ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.remaining());
            letGo = keys.pass(bytes, out);
            passing = ByteBuffer.wrap(out.toByteArray());
        }
        if (passing.hasRemaining()) {
            synchronized (pace) {
                if (!to.get().write(passing)) {
                    duplex().ifPresent(d -> d.reading(false));
                }
            }
        }
        if (letGo) {
            detached.run();
            letGo();
        }
    }

    /** Where the process's input does not end with the client's, nothing is left to talk about, and Docker hangs up. */
    @Override
    public void ended() {
        if (wantsInput && !inputEnds) {
            letGo();
        } else {
            endInput();
        }
    }

    private void endInput() {
        if (wantsInput && inputEnds) {
            attachment().ifPresent(Attachment::closeInput);
        }
    }

    private void letGo() {
        drop();
        duplex().ifPresent(Duplex::finish);
    }

    // ---- what was written before

    /** Sends stored output; on a worker thread. */
    void replay(Agent agent, ContainerId id) throws DriverException {
        try (LogCursor cursor = agent.streams()
                .logs(id, new LogQuery(wantsOut, wantsErr, Optional.empty(), Optional.empty(), -1, false))) {
            for (List<LogCursor.LogLine> lines = cursor.poll(); !lines.isEmpty(); lines = cursor.poll()) {
                for (LogCursor.LogLine line : lines) {
                    bytes(line.stream(), line.bytes());
                }
            }
        }
    }
}
