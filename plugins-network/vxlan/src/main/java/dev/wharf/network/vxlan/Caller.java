package dev.wharf.network.vxlan;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.wharf.spi.network.Peer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens to one other host, for as long as it is a peer, and remembers what it said last, on disk as well: an agent that is
 * down takes none of its containers down, and they keep their names. A machine that gives no sign at all is another matter.
 */
final class Caller implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Caller.class);
    private static final int CONNECT_MILLIS = 3000;
    private static final int SILENCE_MILLIS = 15_000;
    private static final long AGAIN_MILLIS = 1000;
    private static final long MISSED_NANOS = 30_000_000_000L;
    private static final int MOST_ROWS = 100_000;

    private final Peer peer;
    private final InetAddress self;
    private final InetAddress there;
    private final int port;
    private final Path memory;
    private final Exchange.Room room;
    private final Runnable news;
    private final Thread thread;
    private volatile boolean closing;
    private volatile List<Row> rows;
    private volatile long lastSign = System.nanoTime();
    private volatile Socket socket = new Socket();
    private boolean complained;

    /**
     * @param self the address that the other host knows us by
     * @param there where it is called
     * @param memory the file that keeps what was said last
     */
    Caller(Peer peer, InetAddress self, InetAddress there, int port, Path memory, Exchange.Room room, Runnable news) {
        this.peer = peer;
        this.self = self;
        this.there = there;
        this.port = port;
        this.memory = memory;
        this.room = room;
        this.news = news;
        rows = remembered();
        thread = new Thread(this::run, "wharf-overlay-" + peer.address());
        thread.setDaemon(true);
        thread.start();
    }

    Peer peer() {
        return peer;
    }

    List<Row> rows() {
        return rows;
    }

    /** Whether the machine gave a sign of late, if only that nobody listens there. */
    boolean isThere() {
        return System.nanoTime() - lastSign < MISSED_NANOS;
    }

    private void run() {
        while (!closing) {
            try (Socket connection = room.call(this::dial)) {
                lastSign = System.nanoTime();
                listen(new BufferedReader(new InputStreamReader(connection.getInputStream(), UTF_8)));
            } catch (ConnectException e) {
                // Refused is an answer, too.
                lastSign = String.valueOf(e.getMessage()).contains("refused") ? System.nanoTime() : lastSign;
                complain(e);
            } catch (IOException e) {
                complain(e);
            } catch (Exception e) {
                LOG.error("a peer cannot be listened to peer={}", peer.address(), e);
            }
            pause();
        }
    }

    private Socket dial() throws IOException {
        Socket connection = new Socket();
        socket = connection;
        try {
            connection.bind(new InetSocketAddress(self, 0));
            connection.connect(new InetSocketAddress(there, port), CONNECT_MILLIS);
            connection.setSoTimeout(SILENCE_MILLIS);
            return connection;
        } catch (IOException e) {
            connection.close();
            throw e;
        }
    }

    private void complain(IOException why) {
        if (!closing && !complained) {
            complained = true;
            LOG.info(
                    "peer says nothing, what it said last is kept peer={} name={} reason={}",
                    peer.address(),
                    peer.name(),
                    why.getMessage());
        }
    }

    private void pause() {
        try {
            if (!closing) {
                Thread.sleep(AGAIN_MILLIS);
            }
        } catch (InterruptedException e) {
            closing = true;
        }
    }

    private void listen(BufferedReader in) throws IOException {
        String greeting = line(in);
        if (!greeting.equals(Hall.GREETING)) {
            throw new IOException("it speaks another language: \"" + greeting + "\"");
        }
        while (!closing) {
            String line = line(in);
            lastSign = System.nanoTime();
            if (line.equals(Hall.TABLE)) {
                hear(in);
            }
        }
    }

    private void hear(BufferedReader in) throws IOException {
        List<Row> heard = new ArrayList<>();
        for (String line = line(in); !line.equals(Hall.END); line = line(in)) {
            Optional<Row> row = Row.parse(line);
            if (row.isEmpty() || heard.size() >= MOST_ROWS) {
                LOG.debug("not understood peer={} line={}", peer.address(), line);
            } else {
                heard.add(row.get());
            }
        }
        complained = false;
        if (!heard.equals(rows)) {
            rows = List.copyOf(heard);
            remember();
        }
        news.run();
    }

    private static String line(BufferedReader in) throws IOException {
        String line = in.readLine();
        if (line == null) {
            throw new IOException("it ended the conversation");
        }
        return line;
    }

    private void remember() throws IOException {
        Files.createDirectories(memory.toAbsolutePath().getParent());
        Path draft = memory.resolveSibling(memory.getFileName() + ".new");
        Files.write(draft, rows.stream().map(Row::line).toList());
        Files.move(draft, memory, StandardCopyOption.ATOMIC_MOVE);
    }

    private List<Row> remembered() {
        try {
            return Files.exists(memory)
                    ? Files.readAllLines(memory).stream()
                            .map(Row::parse)
                            .flatMap(Optional::stream)
                            .toList()
                    : List.of();
        } catch (IOException e) {
            LOG.warn("what a peer said last cannot be read peer={} reason={}", peer.address(), e.getMessage());
            return List.of();
        }
    }

    /** Stops listening; what was heard last is kept for another time. */
    @Override
    public void close() {
        closing = true;
        thread.interrupt();
        try {
            socket.close();
        } catch (IOException e) {
            LOG.debug("not closed", e);
        }
    }
}
