package dev.wharf.engine.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.wharf.engine.json.Json;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;

/** What a handler answers: whole, as a stream, on a connection taken over raw, or later. */
public sealed interface Answer {
    /** The content type of JSON; clients compare the text for equality, so it carries no charset. */
    String JSON = "application/json";

    /** An answer whose body is known. */
    record Whole(int status, String contentType, byte[] body, Map<String, String> headers) implements Answer {
        public Whole {
            headers = Map.copyOf(headers);
        }

        public Whole with(String name, String value) {
            Map<String, String> more = new java.util.LinkedHashMap<>(headers);
            more.put(name, value);
            return new Whole(status, contentType, body, more);
        }
    }

    /**
     * An answer that is made bit by bit. The head is sent at once, before {@code source} has anything to say.
     *
     * @param source is called once, on an event loop, and must not block
     */
    record Flow(int status, String contentType, Map<String, String> headers, Consumer<Outlet> source)
            implements Answer {
        public Flow {
            headers = Map.copyOf(headers);
        }
    }

    /**
     * Takes the connection over: bytes flow both ways from here on. Only routes made by {@link Router#hijack} may answer so.
     *
     * @param protocol what the connection speaks then, for the head of an upgrade
     * @param talk is called once, on an event loop, after the head was sent, and must not block
     */
    record Switch(String contentType, String protocol, Consumer<Duplex> talk) implements Answer {
        /** Docker's own streams, which name no protocol that anybody else has. */
        public Switch(String contentType, Consumer<Duplex> talk) {
            this(contentType, "tcp", talk);
        }
    }

    /**
     * Takes the connection over as a WebSocket (RFC 6455): the bytes of either side travel in messages. Only routes made by
     * {@link Router#hijack} may answer so, and only to a request that {@link Request#webSocket} found to be one.
     *
     * @param binary whether what is sent is said to be bytes, rather than text
     */
    record WebSocket(Request.Handshake handshake, boolean binary, Consumer<Duplex> talk) implements Answer {}

    /** An answer that comes when something has happened. A failed stage is told as an error. */
    record Later(CompletionStage<? extends Answer> answer) implements Answer {}

    static Answer later(CompletionStage<? extends Answer> answer) {
        return new Later(answer);
    }

    static Whole empty(int status) {
        return new Whole(status, "", new byte[0], Map.of());
    }

    static Whole text(int status, String body) {
        return new Whole(status, "text/plain; charset=utf-8", body.getBytes(StandardCharsets.UTF_8), Map.of());
    }

    static Whole json(int status, JsonNode body) {
        return json(status, Json.line(body));
    }

    static Whole json(JsonNode body) {
        return json(200, body);
    }

    /** JSON that was encoded before, as a line: tools that read lines wait for its end. */
    static Whole json(int status, byte[] line) {
        return new Whole(status, JSON, line, Map.of());
    }

    /** The error body that every client reads. */
    static Whole error(int status, String message) {
        return json(status, Json.object().put("message", message));
    }

    static Flow flow(String contentType, Consumer<Outlet> source) {
        return new Flow(200, contentType, Map.of(), source);
    }
}
