package dev.wharf.engine.build;

import com.fasterxml.jackson.databind.JsonNode;
import dev.wharf.build.run.Offers;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.json.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The first line of the body of {@code POST /wharf/v1/build}: what the client lends, in JSON, before the context's tar. It comes
 * in the body since that is the one part of a request that nobody on the way writes down.
 */
final class Loan implements Offers {
    /** As much as BuildKit takes of one secret, and room for many. */
    private static final int LARGEST_SECRET = 500 << 10;

    private static final int LARGEST_LINE = 16 << 20;

    private final Map<String, byte[]> secrets;
    private final Map<String, Path> agents;

    private Loan(Map<String, byte[]> secrets, Map<String, Path> agents) {
        this.secrets = Map.copyOf(secrets);
        this.agents = Map.copyOf(agents);
    }

    @Override
    public Optional<byte[]> secret(String id) {
        return Optional.ofNullable(secrets.get(id));
    }

    @Override
    public Optional<Agent> agent(String id) {
        return Optional.ofNullable(agents.get(id)).map(socket -> () -> new Local(socket));
    }

    @Override
    public String toString() {
        return "offers of secrets " + secrets.keySet() + " and agents " + agents.keySet();
    }

    /** A connection to an agent on this host. */
    private static final class Local implements Connection {
        private final SocketChannel channel;

        Local(Path socket) throws IOException {
            channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        }

        @Override
        public int read(byte[] bytes) throws IOException {
            return channel.read(ByteBuffer.wrap(bytes));
        }

        @Override
        public void write(byte[] bytes, int length) throws IOException {
            ByteBuffer buffer = ByteBuffer.wrap(bytes, 0, length);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    static Offers read(InputStream body, Actor actor) throws IOException {
        JsonNode line;
        try {
            line = Json.parse(line(body));
        } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
            // Its own message would quote what it stumbled over.
            throw Problem.invalid("the first line of the body is no JSON");
        }
        Map<String, byte[]> secrets = new HashMap<>();
        for (JsonNode one : line.path("secrets")) {
            String id = id(one);
            byte[] secret;
            try {
                secret = Base64.getDecoder().decode(one.path("base64").asText());
            } catch (IllegalArgumentException e) {
                throw Problem.invalid("secret " + id + " is not in Base64");
            }
            if (secret.length > LARGEST_SECRET) {
                throw Problem.invalid("secret " + id + " is larger than " + LARGEST_SECRET + " bytes");
            }
            secrets.put(id, secret);
        }
        Map<String, Path> agents = new HashMap<>();
        for (JsonNode one : line.path("ssh")) {
            String id = id(one);
            if (actor.kind() != Actor.Kind.PEER) {
                throw Problem.invalid(
                        "an ssh agent can be lent by a client on this host only, through the unix socket");
            }
            Path socket = Path.of(one.path("socket").asText());
            if (!socket.isAbsolute()) {
                throw Problem.invalid("the socket of ssh agent " + id + " is no absolute path");
            }
            agents.put(id, socket);
        }
        return new Loan(secrets, agents);
    }

    private static String id(JsonNode one) {
        String id = one.path("id").asText();
        if (!id.matches("[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")) {
            throw Problem.invalid("an id of a secret or an ssh agent is made of letters, digits, dots, dashes and _");
        }
        return id;
    }

    private static byte[] line(InputStream body) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int b = body.read(); b != '\n'; b = body.read()) {
            if (b < 0) {
                throw Problem.invalid("the body ends before its first line does");
            }
            if (line.size() >= LARGEST_LINE) {
                throw Problem.invalid("the first line of the body is longer than " + LARGEST_LINE + " bytes");
            }
            line.write(b);
        }
        return line.toByteArray();
    }
}
