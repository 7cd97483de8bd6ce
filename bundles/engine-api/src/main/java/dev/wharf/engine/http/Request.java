package dev.wharf.engine.http;

import dev.wharf.core.agent.Tracing;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.model.Digest;
import io.netty.handler.codec.http.HttpHeaders;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.regex.Pattern;

/** One request, as a handler sees it. Safe to use from any thread. */
public final class Request {
    /** What a client may call its request; it becomes part of a command's id. */
    private static final Pattern REQUEST_ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}");

    /** W3C Trace Context, 3.2, version 00. */
    private static final Pattern TRACE_PARENT = Pattern.compile("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}");

    /** What a server adds to the client's key (RFC 6455, 1.3). */
    private static final String WEB_SOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    private final Exchange exchange;
    private final String method;
    private final String path;
    private final String name;
    private final ApiVersion version;
    private final Query query;
    private final HttpHeaders headers;
    private int commands;

    Request(
            Exchange exchange,
            String method,
            String path,
            String name,
            ApiVersion version,
            Query query,
            HttpHeaders headers) {
        this.exchange = exchange;
        this.method = method;
        this.path = path;
        this.name = name;
        this.version = version;
        this.query = query;
        this.headers = headers;
    }

    public String method() {
        return method;
    }

    /** The decoded path without its version. */
    public String path() {
        return path;
    }

    /** What stood in the braces of the route's path. */
    public String name() {
        return name;
    }

    public ApiVersion version() {
        return version;
    }

    /** What stands behind the question mark, and before it what a form in the body says: {@code curl -d} sends one. */
    public Query query() {
        boolean form = exchange.gathered().length > 0 && mediaType().equals("application/x-www-form-urlencoded");
        return form
                ? Query.parse(new String(exchange.gathered(), StandardCharsets.UTF_8))
                        .and(query)
                : query;
    }

    private String mediaType() {
        String type = header("Content-Type").orElse("");
        String bare = type.contains(";") ? type.substring(0, type.indexOf(';')) : type;
        return bare.strip().toLowerCase(Locale.ROOT);
    }

    public Optional<String> header(String header) {
        return Optional.ofNullable(headers.get(header));
    }

    /** Whether the client asked to take the connection over with an upgrade, as all but the oldest do. */
    public boolean wantsUpgrade() {
        return headers.contains("Upgrade");
    }

    /**
     * The opening of a WebSocket.
     *
     * @param accept what proves to the client that it was understood
     * @param protocol the protocol the client would speak inside, if it names one
     */
    public record Handshake(String accept, Optional<String> protocol) {}

    /** The opening of a WebSocket that this request is (RFC 6455, 4.2.1); 400 where it is none. */
    public Handshake webSocket() {
        String key = header("Sec-WebSocket-Key").orElse("");
        if (!"websocket".equalsIgnoreCase(header("Upgrade").orElse("")) || key.isEmpty()) {
            throw Problem.invalid("this path is for WebSockets; send \"Upgrade: websocket\" and a Sec-WebSocket-Key");
        }
        if (!header("Sec-WebSocket-Version").orElse("").equals("13")) {
            throw Problem.invalid("WebSockets of version 13 are served, and no others");
        }
        List<String> protocols = Arrays.stream(
                        header("Sec-WebSocket-Protocol").orElse("").split(","))
                .map(String::strip)
                .filter(protocol -> !protocol.isEmpty())
                .toList();
        if (protocols.size() > 1) {
            throw Problem.invalid("of several protocols inside a WebSocket none can be chosen; name one, or none");
        }
        return new Handshake(
                Base64.getEncoder().encodeToString(sha1(key + WEB_SOCKET)),
                protocols.stream().findFirst());
    }

    private static byte[] sha1(String text) {
        try {
            return MessageDigest.getInstance("SHA-1").digest(text.getBytes(StandardCharsets.US_ASCII));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-1", e);
        }
    }

    /** The JSON object in the body; one without fields where there is no body. */
    public Body json() {
        byte[] bytes = exchange.gathered();
        if (bytes.length == 0) {
            return Body.EMPTY;
        }
        if (!mediaType().equals("application/json")) {
            throw Problem.invalid("unsupported Content-Type header ("
                    + header("Content-Type").orElse("") + "): must be 'application/json'");
        }
        return Body.parse(bytes);
    }

    /** How many bytes the body has that {@link #json} reads. */
    public int size() {
        return exchange.gathered().length;
    }

    /** The body as it comes, for worker threads and {@link Router#upload} routes only. */
    public InputStream stream() {
        return exchange.stream();
    }

    /** Who asks. */
    public Actor actor() {
        return exchange.actor();
    }

    /**
     * The cause of a command that this request gives. A client that names its request by {@code X-Request-Id} may send it
     * again: the same command is then answered again and done once.
     */
    public synchronized Cause cause() {
        int number = commands++;
        CommandId command = requestId()
                .map(id -> new CommandId(id + "." + fingerprint() + "." + number))
                .orElseGet(CommandId::once);
        return new Cause(command, Optional.empty(), traced(actor()));
    }

    /** The trace that the client says its request belongs to goes into the journal with who asked. */
    private Actor traced(Actor actor) {
        Optional<String> parent = header(Tracing.TRACE_PARENT)
                .filter(text -> TRACE_PARENT.matcher(text).matches());
        if (parent.isEmpty()) {
            return actor;
        }
        Map<String, String> details = new LinkedHashMap<>(actor.details());
        details.put(Tracing.TRACE_PARENT, parent.get());
        return new Actor(actor.kind(), actor.name(), details);
    }

    /** What the client called this request. */
    Optional<String> requestId() {
        return header("X-Request-Id").filter(id -> REQUEST_ID.matcher(id).matches());
    }

    /** Tells requests apart that a client calls by the same name, as some proxies do. */
    private String fingerprint() {
        return Digest.sha256(method + " " + exchange.uri() + "\n" + Digest.sha256(exchange.gathered()))
                .hex()
                .substring(0, 16);
    }

    /** Runs what may block on a worker thread; fails with UNAVAILABLE where too much is waiting. */
    public <T> CompletionStage<T> work(Callable<T> task) {
        return exchange.workers().run(task);
    }

    /** Worker threads for short tasks that may block. */
    public Executor workers() {
        return exchange.workers();
    }

    /** Runs a task that moves many bytes, and may wait for the client, on a thread that is kept for such. */
    public <T> CompletionStage<T> transfer(Callable<T> task) {
        return exchange.workers().transfer(task);
    }

    /** Runs a short task after a while. */
    public void after(Duration delay, Runnable task) {
        exchange.after(delay, task);
    }

    /** Calls {@code gone} once when the client has gone away before its answer was whole. */
    public void onGone(Runnable gone) {
        exchange.onGone(gone);
    }
}
