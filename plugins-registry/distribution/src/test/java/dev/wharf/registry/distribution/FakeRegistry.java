package dev.wharf.registry.distribution;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.wharf.model.Digest;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A registry that misbehaves as it is told, and remembers what it was asked. */
final class FakeRegistry implements AutoCloseable {
    /** What came in. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Asked(String method, String path, Headers headers, byte[] body) {
        String header(String name) {
            String value = headers.getFirst(name);
            return value == null ? "" : value;
        }
    }

    /** What goes out. */
    interface Answer {
        void give(HttpExchange exchange, Asked asked) throws Exception;
    }

    private record Rule(String method, String path, Answer answer) {}

    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<Rule> rules = Collections.synchronizedList(new ArrayList<>());
    private final List<Asked> asked = Collections.synchronizedList(new ArrayList<>());

    FakeRegistry() throws IOException {
        this("127.0.0.1");
    }

    /** A registry at another address of this machine, which to a client is another host. */
    FakeRegistry(String address) throws IOException {
        this(HttpServer.create(new InetSocketAddress(address, 0), 16));
    }

    FakeRegistry(HttpServer server) {
        this.server = server;
        server.setExecutor(threads);
        server.createContext("/", this::handle);
        server.start();
        on("GET", "/v2/", status(200, ""));
    }

    String host() {
        return server.getAddress().getAddress().getHostAddress() + ":" + port();
    }

    int port() {
        return server.getAddress().getPort();
    }

    /** The answer to {@code method} and a path; the last rule that fits counts, and a path may end in a star. */
    FakeRegistry on(String method, String path, Answer answer) {
        rules.add(0, new Rule(method, path, answer));
        return this;
    }

    /** All that was asked but for the first word. */
    List<Asked> asked() {
        synchronized (asked) {
            return asked.stream().filter(one -> !one.path().equals("/v2/")).toList();
        }
    }

    List<Asked> asked(String method, String path) {
        return asked().stream()
                .filter(one -> one.method().equals(method) && one.path().equals(path))
                .toList();
    }

    private void handle(HttpExchange exchange) {
        try (exchange) {
            Asked one = new Asked(
                    exchange.getRequestMethod(),
                    exchange.getRequestURI().toString(),
                    exchange.getRequestHeaders(),
                    exchange.getRequestBody().readAllBytes());
            asked.add(one);
            for (Rule rule : List.copyOf(rules)) {
                String path = one.path().replaceFirst("\\?.*", "");
                boolean fits = rule.path().endsWith("*")
                        ? path.startsWith(rule.path().substring(0, rule.path().length() - 1))
                        : path.equals(rule.path());
                if (fits && rule.method().equals(one.method())) {
                    rule.answer().give(exchange, one);
                    return;
                }
            }
            status(404, "{\"errors\":[{\"code\":\"NAME_UNKNOWN\",\"message\":\"nothing here\"}]}")
                    .give(exchange, one);
        } catch (Exception e) {
            // The client has gone, or the answer was to break off.
        }
    }

    static Answer status(int status, String body, String... headers) {
        return (exchange, asked) -> {
            for (int i = 0; i < headers.length; i += 2) {
                exchange.getResponseHeaders().add(headers[i], headers[i + 1]);
            }
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            boolean silent = asked.method().equals("HEAD") || bytes.length == 0;
            exchange.sendResponseHeaders(status, silent ? -1 : bytes.length);
            if (!silent) {
                exchange.getResponseBody().write(bytes);
            }
        };
    }

    static Answer redirect(String location) {
        return status(307, "", "Location", location);
    }

    static Answer bytes(String mediaType, byte[] bytes) {
        return (exchange, asked) -> {
            exchange.getResponseHeaders().add("Content-Type", mediaType);
            exchange.getResponseHeaders()
                    .add("Docker-Content-Digest", Digest.sha256(bytes).toString());
            if (asked.method().equals("HEAD")) {
                exchange.getResponseHeaders().add("Content-Length", Integer.toString(bytes.length));
                exchange.sendResponseHeaders(200, -1);
                return;
            }
            exchange.sendResponseHeaders(200, bytes.length);
            exchange.getResponseBody().write(bytes);
        };
    }

    /** A body that begins as announced and never ends well. */
    static Answer brokenAfter(byte[] bytes, int count) {
        return (exchange, asked) -> {
            exchange.sendResponseHeaders(200, bytes.length);
            OutputStream out = exchange.getResponseBody();
            out.write(bytes, 0, count);
            out.flush();
            exchange.close();
        };
    }

    /** One answer after another; the last one stays. */
    static Answer inTurn(Answer... answers) {
        List<Answer> left = new ArrayList<>(List.of(answers));
        return (exchange, asked) -> {
            Answer answer;
            synchronized (left) {
                answer = left.size() > 1 ? left.remove(0) : left.get(0);
            }
            answer.give(exchange, asked);
        };
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
