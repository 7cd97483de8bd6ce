package dev.wharf.runtime;

import dev.wharf.spi.kernel.Descriptors;
import dev.wharf.spi.runtime.Attachment;
import dev.wharf.spi.runtime.StreamSink;
import dev.wharf.spi.runtime.StreamSink.StandardStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.Executor;

/**
 * The streams of one process, given out to any number of clients over one connection to its monitor. Clients may come before
 * the process: they wait here, and are in place before it runs.
 *
 * <p>The slowest client sets the pace, down to the process itself, for no byte is ever dropped. Once the process is dead
 * there is little left to come, so the rest is read at once and kept for the slow, and the monitor can end.
 *
 * <p>Bytes come on the descriptors' one thread. No lock is held while a sink is called.
 */
final class Hub {
    /** conmon reads its socket in pieces that are never smaller than this; a longer packet would lose its tail. */
    private static final int PACKET = 8 * 1024;

    /** Above this much waiting input a writer is told to wait, and below the other it is told to go on. */
    private static final int HIGH = 64 * 1024;

    private static final int LOW = 16 * 1024;

    /** How many packets one stream may deliver before the next has its turn. */
    private static final int TURN = 16;

    /** How many of a dead process: two pipes of the largest size that anybody may make them (pipe(7)), in full reads. */
    private static final int LAST_TURN = 40;

    /** A dead process leaves no more than its pipes held; more than this means that somebody else writes into them. */
    private static final int BACKLOG_LIMIT = 4 * 1024 * 1024;

    /** Large enough for the packets of every conmon; nearly always the descriptors' thread reads. */
    private static final ThreadLocal<ByteBuffer> READ =
            ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(64 * 1024));

    private final Executor aside;

    private List<Client> clients = List.of();
    private final Deque<ByteBuffer> input = new ArrayDeque<>();
    private int inputBytes;
    private boolean inputEnds;
    private boolean inputEnded;
    private boolean takesInput = true;
    private boolean keepsInput;

    private Optional<Wire> wire = Optional.empty();
    private boolean reading;
    private boolean readAgain;
    private boolean ended;
    private boolean undecided;
    private boolean dead;
    private Runnable onPause = () -> {};
    private boolean pauseSeen;

    /** A hub without a process yet; {@code aside} runs what must not run on the caller's thread. */
    Hub(Executor aside) {
        this.aside = aside;
    }

    /** Adds a client, which hears every byte from now on; empty where the streams are closed already. */
    synchronized Optional<Attachment> join(StreamSink sink) {
        if (isOver()) {
            return Optional.empty();
        }
        Client client = new Client(sink);
        List<Client> more = new ArrayList<>(clients);
        more.add(client);
        clients = List.copyOf(more);
        return Optional.of(client);
    }

    /** Whether nobody is here, and nobody left input for a process that is yet to come. */
    synchronized boolean isEmpty() {
        return clients.isEmpty() && input.isEmpty() && !(inputEnds && !inputEnded);
    }

    /** Whether it had a process whose streams are closed: then it serves no more clients. */
    synchronized boolean isOver() {
        return ended && !undecided;
    }

    /**
     * Says what the process's input is like. Without one, what clients send is thrown away; where it is kept, no client
     * ends it.
     */
    synchronized void takes(boolean input, boolean kept) {
        takesInput = input;
        keepsInput = kept;
        if (!input) {
            this.input.clear();
            inputBytes = 0;
        }
    }

    /** Called once, when a client first asks to wait: whoever knows the process then tells of its death. */
    synchronized void onPause(Runnable action) {
        onPause = action;
    }

    /**
     * Connects to the process's streams. While {@code undecided}, an end of them is not passed on, because it is not known
     * yet whether the process came to be; {@link #decide} says.
     */
    void connect(Wire.Connector connector, boolean undecided) throws IOException {
        synchronized (this) {
            if (wire.isPresent() || ended) {
                return;
            }
            this.undecided = undecided;
            wire = Optional.of(connector.connect(this::ready));
            flush();
            want();
        }
    }

    /** The process came to be. */
    void decide() {
        boolean over;
        synchronized (this) {
            undecided = false;
            over = ended;
        }
        if (over) {
            closeAll();
        }
    }

    /** The process did not come to be: clients read why, as Docker's do where its output would be, and that it is over. */
    void refuse(String words) {
        byte[] text = words.isEmpty() ? new byte[0] : (words + "\r\n").getBytes(StandardCharsets.UTF_8);
        List<Client> told;
        synchronized (this) {
            undecided = false;
            ended = true;
            disconnect();
            told = clients;
        }
        for (Client client : told) {
            if (text.length > 0) {
                client.deliver(StandardStream.OUT, ByteBuffer.wrap(text));
            }
        }
        closeAll();
    }

    /** The process is dead: from now on nothing holds its last words back. */
    void processEnded() {
        boolean last;
        synchronized (this) {
            if (wire.isEmpty()) {
                // Whoever is here waits for the next process.
                return;
            }
            dead = true;
            want();
            last = wire.isPresent() && !wire.get().isMonitored();
        }
        if (last) {
            // Somebody else may hold the pipes open for ever, so nobody will say that these were the last words.
            read();
        }
    }

    /** Lets go of the monitor and of the clients, without a word about the process. */
    void abandon() {
        synchronized (this) {
            ended = true;
            undecided = false;
            disconnect();
        }
        closeAll();
    }

    private void ready(boolean readable, boolean writable) {
        if (writable) {
            List<Client> eased = List.of();
            synchronized (this) {
                flush();
                if (inputBytes <= LOW) {
                    eased = clients.stream().filter(Client::wasToldToWait).toList();
                    eased.forEach(client -> client.toldToWait = false);
                }
                want();
            }
            eased.forEach(Client::goOn);
        }
        if (readable) {
            read();
        }
    }

    /** Reads a turn. Of two threads that come here at once, the first reads for both, so that no byte overtakes another. */
    private void read() {
        synchronized (this) {
            readAgain = reading;
            if (reading) {
                return;
            }
            reading = true;
        }
        boolean more = true;
        while (more) {
            readTurn();
            synchronized (this) {
                more = readAgain;
                readAgain = false;
                reading = more;
            }
        }
        closeAllIfOver();
    }

    private void readTurn() {
        ByteBuffer buffer = READ.get();
        for (int i = 0; i < (dead ? LAST_TURN : TURN); i++) {
            List<Client> hearers;
            synchronized (this) {
                if (wire.isEmpty() || isHeld()) {
                    want();
                    return;
                }
                buffer.clear();
                int count = read(wire.get(), buffer);
                if (count == Descriptors.WOULD_BLOCK && !isOverWhenSilent()) {
                    return;
                }
                if (count < 0) {
                    end();
                    return;
                }
                hearers = clients;
            }
            buffer.flip();
            int stream = buffer.get();
            if (stream == Wire.STDOUT || stream == Wire.STDERR) {
                StandardStream name = stream == Wire.STDERR ? StandardStream.ERR : StandardStream.OUT;
                for (Client client : hearers) {
                    client.deliver(name, buffer.duplicate());
                }
            }
        }
        synchronized (this) {
            if (wire.isPresent() && isOverWhenSilent()) {
                end();
            }
        }
    }

    /**
     * A monitor that ends with input unread resets the connection, and the kernel tells of that before it gives out what the
     * monitor had sent, as for every error of a socket that is pending. It is told once, so the second read has the last words.
     */
    private static int read(Wire wire, ByteBuffer buffer) {
        try {
            return wire.read(buffer);
        } catch (IOException reset) {
            try {
                return wire.read(buffer);
            } catch (IOException e) {
                return Descriptors.END;
            }
        }
    }

    /** A monitor says itself when all was read; of a dead process's own pipes nobody does. */
    private boolean isOverWhenSilent() {
        return dead && wire.isPresent() && !wire.get().isMonitored();
    }

    private void end() {
        ended = true;
        disconnect();
    }

    private boolean isHeld() {
        return !dead && clients.stream().anyMatch(client -> client.paused);
    }

    /** Says what is wanted of the descriptor now; called with the lock. */
    private void want() {
        if (wire.isEmpty()) {
            return;
        }
        try {
            // Whoever was told to wait is told to go on from there, also when another's write has emptied the queue
            // meanwhile.
            wire.get().want(!isHeld(), !input.isEmpty() || clients.stream().anyMatch(Client::wasToldToWait));
        } catch (IOException e) {
            end();
            aside.execute(this::closeAllIfOver);
        }
    }

    private void closeAllIfOver() {
        if (isOver()) {
            closeAll();
        }
    }

    /** Sends what it can of the waiting input; called with the lock. */
    private void flush() {
        try {
            while (wire.isPresent() && !input.isEmpty()) {
                ByteBuffer packet = input.peek();
                int length = packet.remaining();
                boolean full = wire.get().write(packet) == Descriptors.WOULD_BLOCK;
                inputBytes -= length - packet.remaining();
                if (full) {
                    return;
                }
                if (!packet.hasRemaining()) {
                    input.remove();
                }
            }
            if (inputEnds && !inputEnded && wire.isPresent()) {
                inputEnded = true;
                if (!keepsInput) {
                    wire.get().endInput();
                }
            }
        } catch (IOException e) {
            // Nobody reads the input any more; the end of the output tells the rest.
            input.clear();
            inputBytes = 0;
            takesInput = false;
        }
    }

    private void disconnect() {
        wire.ifPresent(Wire::close);
        wire = Optional.empty();
        input.clear();
        inputBytes = 0;
    }

    private void closeAll() {
        List<Client> told;
        synchronized (this) {
            told = clients;
            clients = List.of();
        }
        told.forEach(Client::end);
    }

    /**
     * A client is gone. The last one takes the connection along, unless the process would take that for the end of its
     * input which nobody asked for, or nobody else would read what it says or send what it is still to be told. Whoever
     * comes then is served by a new hub, for the end of this process's input is not the next one's.
     */
    private synchronized void leave(Client client) {
        clients = clients.stream().filter(other -> other != client).toList();
        boolean harmless = wire.isPresent() && wire.get().isMonitored() && (keepsInput || !takesInput || inputEnded);
        if (clients.isEmpty() && input.isEmpty() && harmless && !undecided) {
            end();
        } else {
            want();
        }
    }

    private boolean send(ByteBuffer bytes, Client client) {
        synchronized (this) {
            if (!takesInput || inputEnds || ended) {
                bytes.position(bytes.limit());
                return true;
            }
            while (bytes.hasRemaining()) {
                byte[] packet = new byte[Math.min(PACKET, bytes.remaining())];
                bytes.get(packet);
                input.add(ByteBuffer.wrap(packet));
                inputBytes += packet.length;
            }
            flush();
            boolean full = inputBytes >= HIGH;
            client.toldToWait |= full;
            want();
            return !full;
        }
    }

    private synchronized void endInput() {
        if (keepsInput) {
            return;
        }
        inputEnds = true;
        flush();
    }

    private void pauseChanged(boolean paused) {
        Runnable first = () -> {};
        synchronized (this) {
            if (paused && !pauseSeen && wire.isPresent()) {
                pauseSeen = true;
                first = onPause;
            }
            want();
        }
        first.run();
    }

    /** One client's hold on the streams. */
    private final class Client implements Attachment {
        private final StreamSink sink;
        private final Queue<Runnable> backlog = new ArrayDeque<>();
        private int backlogBytes;
        private boolean catchingUp;
        private boolean left;
        private boolean over;
        private volatile boolean paused;
        private volatile boolean toldToWait;

        private Client(StreamSink sink) {
            this.sink = sink;
        }

        /** Hands bytes on, or keeps them while the client wants none; in order, and by one thread at a time. */
        private void deliver(StandardStream stream, ByteBuffer bytes) {
            synchronized (backlog) {
                if (left || over) {
                    return;
                }
                if (paused || !backlog.isEmpty()) {
                    keep(stream, bytes);
                    return;
                }
            }
            sink.bytes(stream, bytes);
        }

        private void keep(StandardStream stream, ByteBuffer bytes) {
            if (backlogBytes > BACKLOG_LIMIT) {
                over = true;
                backlog.add(sink::closed);
                return;
            }
            byte[] copy = new byte[bytes.remaining()];
            bytes.get(copy);
            backlogBytes += copy.length;
            backlog.add(() -> sink.bytes(stream, ByteBuffer.wrap(copy)));
        }

        /** The last call to the sink, after whatever is kept for it. */
        private void end() {
            synchronized (backlog) {
                if (left || over) {
                    return;
                }
                over = true;
                if (!backlog.isEmpty()) {
                    backlog.add(sink::closed);
                    return;
                }
            }
            sink.closed();
        }

        /** Runs aside, one at a time: the descriptors' thread adds to the backlog as long as there is one. */
        private void catchUp() {
            while (true) {
                Runnable next;
                synchronized (backlog) {
                    if (paused || left || backlog.isEmpty()) {
                        catchingUp = false;
                        return;
                    }
                    next = backlog.peek();
                }
                next.run();
                synchronized (backlog) {
                    backlog.poll();
                }
            }
        }

        private boolean wasToldToWait() {
            return toldToWait;
        }

        private void goOn() {
            sink.writable();
        }

        @Override
        public boolean write(ByteBuffer bytes) {
            return send(bytes, this);
        }

        @Override
        public void closeInput() {
            endInput();
        }

        @Override
        public void reading(boolean wanted) {
            boolean behind;
            synchronized (backlog) {
                paused = !wanted;
                behind = wanted && !backlog.isEmpty() && !catchingUp;
                catchingUp |= behind;
            }
            if (behind) {
                aside.execute(this::catchUp);
            }
            pauseChanged(!wanted);
        }

        @Override
        public void close() {
            synchronized (backlog) {
                left = true;
                backlog.clear();
            }
            leave(this);
        }
    }
}
