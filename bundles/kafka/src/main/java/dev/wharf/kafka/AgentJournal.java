package dev.wharf.kafka;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Entry;
import dev.wharf.core.journal.Position;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.log.codec.record.ClosedLog;
import dev.wharf.log.codec.record.RecordJournal;
import dev.wharf.model.Digest;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;

/** The heads of a host's own journal, to hold what was published against: of an agent that runs, or of a folder that none has open. */
interface AgentJournal extends AutoCloseable {
    /** A batch and the journal's head with it; without one where the batch is a checkpoint, which is not published. */
    record Link(Position position, Digest head, boolean checkpoint) {}

    /** The id of the host whose journal this is. */
    String host();

    /** What is wrong with the chain within the journal itself, empty when it is whole. */
    Optional<String> damage() throws IOException;

    /** The next batch, or empty at the end, which is where the journal ended when it was asked first. */
    Optional<Link> next() throws IOException;

    @Override
    void close() throws IOException;

    /** Asks the agent at this socket. */
    static AgentJournal ofAgent(Path socket) throws IOException {
        return new OverSocket(socket);
    }

    /** Opens the journal of a data root whose agent does not run. */
    static AgentJournal ofFolder(Path root) throws IOException {
        EventJournal journal = new RecordJournal(ClosedLog.open(root.resolve("journal")), new EventCodec());
        try {
            return new Closed(journal);
        } catch (IOException | RuntimeException e) {
            journal.close();
            throw e;
        }
    }

    /** A journal that no agent has. */
    final class Closed implements AgentJournal {
        private final EventJournal journal;
        private final EventJournal.Reader reader;
        private final String host;

        private Closed(EventJournal journal) throws IOException {
            this.journal = journal;
            this.host = identity(journal);
            this.reader = journal.open(journal.origin());
        }

        private static String identity(EventJournal journal) throws IOException {
            try (EventJournal.Reader reader = journal.open(journal.origin())) {
                for (Optional<Entry> entry = reader.poll(); entry.isPresent(); entry = reader.poll()) {
                    for (var event : entry.get().batch().events()) {
                        if (event instanceof HostEvent.Opened opened) {
                            return opened.id();
                        } else if (event instanceof HostEvent.Recorded recorded) {
                            return recorded.identity().id();
                        }
                    }
                }
            }
            throw new IOException("the journal does not say whose it is");
        }

        @Override
        public String host() {
            return host;
        }

        @Override
        public Optional<String> damage() throws IOException {
            return journal.verify().map(d -> "position " + d.position() + ": " + d.what());
        }

        @Override
        public Optional<Link> next() throws IOException {
            return reader.poll()
                    .map(entry -> new Link(
                            entry.position(), reader.head(), entry.batch().isCheckpoint()));
        }

        @Override
        public void close() throws IOException {
            reader.close();
            journal.close();
        }
    }

    /** The journal of an agent, as it streams it; HTTP/1.0, so that the answer ends with the connection. */
    final class OverSocket implements AgentJournal {
        private static final ObjectMapper JSON = new ObjectMapper();

        /** What a batch begins with that is a checkpoint or a part of one. */
        private static final Set<String> CHECKPOINT = Set.of("host.checkpoint-started", "host.checkpoint-continued");

        private final Path socket;
        private final String host;
        private Optional<SocketChannel> channel = Optional.empty();
        private Optional<BufferedReader> lines = Optional.empty();

        private OverSocket(Path socket) throws IOException {
            this.socket = socket;
            try (SocketChannel first = connect(socket)) {
                byte[] body = ask(first, "/wharf/v1/host").readAllBytes();
                host = JSON.readTree(body).path("host").path("id").asText();
            }
        }

        /** Only when it is wanted: its end is where the journal ends then. */
        private BufferedReader open() throws IOException {
            SocketChannel made = connect(socket);
            channel = Optional.of(made);
            BufferedReader reader = new BufferedReader(
                    new InputStreamReader(ask(made, "/wharf/v1/journal?heads=true"), StandardCharsets.UTF_8));
            lines = Optional.of(reader);
            return reader;
        }

        private static SocketChannel connect(Path socket) throws IOException {
            SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                channel.connect(UnixDomainSocketAddress.of(socket));
                return channel;
            } catch (IOException e) {
                channel.close();
                throw new IOException("no agent answers at unix://" + socket + ": " + e.getMessage(), e);
            }
        }

        private static InputStream ask(SocketChannel channel, String path) throws IOException {
            ByteBuffer request = ByteBuffer.wrap(
                    ("GET " + path + " HTTP/1.0\r\nHost: wharf\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
            while (request.hasRemaining()) {
                channel.write(request);
            }
            InputStream in = new BufferedInputStream(Channels.newInputStream(channel), 1 << 16);
            String status = line(in);
            boolean chunked = false;
            for (String header = line(in); !header.isEmpty(); header = line(in)) {
                chunked |= header.equalsIgnoreCase("transfer-encoding: chunked");
            }
            if (!status.contains(" 200 ") || chunked) {
                throw new IOException("the agent does not tell its journal: " + status);
            }
            return in;
        }

        private static String line(InputStream in) throws IOException {
            ByteArrayOutputStream line = new ByteArrayOutputStream(80);
            for (int b = in.read(); b != '\n' && b >= 0; b = in.read()) {
                if (b != '\r') {
                    line.write(b);
                }
            }
            return line.toString(StandardCharsets.US_ASCII);
        }

        @Override
        public String host() {
            return host;
        }

        @Override
        public Optional<String> damage() throws IOException {
            try (SocketChannel asking = connect(socket)) {
                JsonNode verdict =
                        JSON.readTree(ask(asking, "/wharf/v1/journal/verify").readAllBytes());
                return verdict.path("whole").asBoolean()
                        ? Optional.empty()
                        : Optional.of(verdict.path("damage").asText());
            }
        }

        @Override
        public Optional<Link> next() throws IOException {
            String line = (lines.isPresent() ? lines.get() : open()).readLine();
            if (line == null) {
                return Optional.empty();
            }
            JsonNode node = JSON.readTree(line);
            return Optional.of(new Link(
                    new Position(node.path("position").asLong()),
                    Digest.parse(node.path("head").asText()),
                    CHECKPOINT.contains(node.path("type").asText())));
        }

        @Override
        public void close() throws IOException {
            if (channel.isPresent()) {
                channel.get().close();
            }
        }
    }
}
