package dev.wharf.registry.http;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** A web server for a folder, on a free port of loopback, with the faults that such servers have. */
final class FileServer implements AutoCloseable {
    private final HttpServer server;
    private final ExecutorService pool = Executors.newCachedThreadPool();
    private final Path folder;

    final List<String> ranges = new CopyOnWriteArrayList<>();
    final List<String> authorizations = new CopyOnWriteArrayList<>();
    /** Whether it begins in the middle where it is asked to. */
    volatile boolean rangesServed = true;
    /** So many answers are broken off after half of their bytes. */
    final AtomicInteger toBreakOff = new AtomicInteger();
    /** Where everything is now. */
    volatile Optional<String> movedTo = Optional.empty();
    /** Answered to those who say nothing of themselves. */
    volatile boolean anonymousRefused;

    FileServer(Path folder) throws IOException {
        this.folder = folder;
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(pool);
        server.createContext("/", this::answer);
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String range = exchange.getRequestHeaders().getFirst("Range");
            String authorization = exchange.getRequestHeaders().getFirst("Authorization");
            ranges.add(String.valueOf(range));
            authorizations.add(String.valueOf(authorization));
            Path file = folder.resolve(exchange.getRequestURI().getPath().substring(1));
            if (movedTo.isPresent()) {
                exchange.getResponseHeaders()
                        .set(
                                "Location",
                                movedTo.get() + exchange.getRequestURI().getPath());
                exchange.sendResponseHeaders(307, -1);
            } else if (anonymousRefused && authorization == null) {
                exchange.sendResponseHeaders(403, -1);
            } else if (!Files.isRegularFile(file)) {
                exchange.sendResponseHeaders(404, -1);
            } else {
                send(exchange, Files.readAllBytes(file), range);
            }
        }
    }

    private void send(HttpExchange exchange, byte[] bytes, String range) throws IOException {
        int from = rangesServed && range != null
                ? Integer.parseInt(range.substring("bytes=".length(), range.indexOf('-')))
                : 0;
        int length = bytes.length - from;
        boolean breaksOff = length > 100_000 && toBreakOff.getAndDecrement() > 0;
        exchange.sendResponseHeaders(from > 0 ? 206 : 200, length == 0 ? -1 : length);
        OutputStream out = exchange.getResponseBody();
        out.write(bytes, from, breaksOff ? length / 2 : length);
    }

    @Override
    public void close() {
        server.stop(0);
        pool.shutdownNow();
    }
}
