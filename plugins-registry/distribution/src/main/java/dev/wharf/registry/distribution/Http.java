package dev.wharf.registry.distribution;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends one request and brings one answer: no redirects, no credentials, no second tries. The connections and the threads
 * behind it come with the first request and go a while after the last remote was closed, so an agent that pulls nothing
 * carries nothing.
 */
final class Http {
    private static final Logger log = LoggerFactory.getLogger(Http.class);

    /** Long enough for the steps of one pull to share their connections. */
    private static final Duration LINGER = Duration.ofSeconds(20);

    private static final long LITTLE_BYTES = 16 << 10;

    private static final Duration THREAD_LINGER = Duration.ofSeconds(5);

    /** A request to send. Its body, if any, can be produced again for a second try. */
    record Request(String method, URI uri, Map<String, String> headers, Optional<Upload> body, Duration patience) {
        Request {
            headers = Map.copyOf(headers);
        }

        Request(String method, URI uri, Map<String, String> headers, Duration patience) {
            this(method, uri, headers, Optional.empty(), patience);
        }

        Request at(URI other) {
            return new Request(method, other, headers, body, patience);
        }

        Request with(String header, String value) {
            Map<String, String> more = new HashMap<>(headers);
            more.put(header, value);
            return new Request(method, uri, more, body, patience);
        }
    }

    /** The bytes of a request. */
    interface Upload {
        /** A publisher that starts from the beginning. */
        HttpRequest.BodyPublisher publisher();

        /** How many bytes left so far, to tell slow from stuck. */
        long sent();
    }

    /** An answer; whoever gets it closes it. */
    record Answer(int status, HttpHeaders headers, URI uri, InputStream body) implements AutoCloseable {
        String header(String name) {
            return headers.firstValue(name).orElse("");
        }

        List<String> headers(String name) {
            return headers.allValues(name);
        }

        /** Reads what is left, if that is little, so that the connection can be used again. */
        @Override
        public void close() {
            try (InputStream rest = body) {
                if (headers.firstValueAsLong("Content-Length").orElse(Long.MAX_VALUE) <= LITTLE_BYTES) {
                    rest.skip(LITTLE_BYTES);
                }
            } catch (IOException e) {
                // The answer was had; a connection that does not close well is dropped by the client.
                log.debug("closing an answer failed uri={}", uri, e);
            }
        }
    }

    private final Proxies proxies;
    private final Map<Tls, HttpClient> clients = new HashMap<>();
    private int users;
    private long generation;
    private boolean watched;

    private final ThreadPoolExecutor executor;

    Http(Proxies proxies) {
        this.proxies = proxies;
        AtomicInteger count = new AtomicInteger();
        executor = new ThreadPoolExecutor(
                0, Integer.MAX_VALUE, THREAD_LINGER.toSeconds(), TimeUnit.SECONDS, new SynchronousQueue<>(), task -> {
                    Thread thread = new Thread(task, "wharf-registry-" + count.incrementAndGet());
                    thread.setDaemon(true);
                    thread.setContextClassLoader(Http.class.getClassLoader());
                    return thread;
                });
    }

    /** Says that somebody is about to send requests. */
    synchronized void enter() {
        users++;
        generation++;
    }

    /** Says that somebody has done; after the last one the connections are let go. */
    synchronized void leave() {
        users--;
        generation++;
        if (users == 0 && !watched && !clients.isEmpty()) {
            watched = true;
            executor.execute(this::lingerAndRelease);
        }
    }

    private synchronized void lingerAndRelease() {
        try {
            while (users == 0 && !clients.isEmpty()) {
                long seen = generation;
                wait(LINGER.toMillis());
                if (users == 0 && seen == generation) {
                    release();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            // Whoever uses the connections now will have them watched again when leaving.
            watched = false;
        }
    }

    /** Lets go of every connection and thread; the next request brings new ones. */
    synchronized void release() {
        generation++;
        notifyAll();
        for (HttpClient client : clients.values()) {
            // From Java 21 on a client can be closed; before, it goes when nobody holds it any more.
            if (client instanceof AutoCloseable closeable) {
                executor.execute(() -> close(closeable));
            }
        }
        clients.clear();
    }

    private static void close(AutoCloseable client) {
        try {
            client.close();
        } catch (Exception e) {
            log.debug("closing an HTTP client failed", e);
        }
    }

    /** Sends {@code request} and waits for the head of the answer. */
    Answer send(Request request, Tls tls, Duration connectTimeout, Duration idleTimeout) throws IOException {
        CompletableFuture<HttpResponse<InputStream>> answer =
                client(tls, connectTimeout).sendAsync(build(request), head -> new BodyStream(idleTimeout));
        HttpResponse<InputStream> response = await(request, answer);
        return new Answer(response.statusCode(), response.headers(), request.uri(), response.body());
    }

    private static HttpRequest build(Request request) throws IOException {
        HttpRequest.BodyPublisher publisher =
                request.body().map(Upload::publisher).orElseGet(HttpRequest.BodyPublishers::noBody);
        try {
            HttpRequest.Builder builder = HttpRequest.newBuilder(request.uri())
                    .method(request.method(), publisher)
                    .setHeader("User-Agent", "wharf");
            request.headers().forEach(builder::setHeader);
            return builder.build();
        } catch (IllegalArgumentException e) {
            // What a registry gave us to send back may not fit into a header; it may also be a secret.
            throw new IOException("the registry asked for a request that cannot be sent", e);
        }
    }

    private static HttpResponse<InputStream> await(Request request, CompletableFuture<HttpResponse<InputStream>> answer)
            throws IOException {
        long before = -1;
        while (true) {
            try {
                return answer.get(request.patience().toMillis(), TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                long sent = request.body().map(Upload::sent).orElse(-1L);
                if (sent == before) {
                    answer.cancel(true);
                    throw new HttpTimeoutException(
                            "no answer for " + request.patience().toSeconds() + " s");
                }
                before = sent;
            } catch (InterruptedException e) {
                answer.cancel(true);
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted");
            } catch (ExecutionException e) {
                if (e.getCause() instanceof IOException cause) {
                    throw cause;
                }
                throw new IOException(String.valueOf(e.getCause()), e.getCause());
            }
        }
    }

    private synchronized HttpClient client(Tls tls, Duration connectTimeout) throws IOException {
        HttpClient client = clients.get(tls);
        if (client == null) {
            client = build(tls, connectTimeout);
            clients.put(tls, client);
        }
        return client;
    }

    private HttpClient build(Tls tls, Duration connectTimeout) throws IOException {
        Thread thread = Thread.currentThread();
        ClassLoader caller = thread.getContextClassLoader();
        // The client's own thread lives on and must not hold the bundle that happened to ask first.
        thread.setContextClassLoader(Http.class.getClassLoader());
        try {
            HttpClient.Builder builder = HttpClient.newBuilder()
                    // Large bodies one after another gain nothing from HTTP/2, and more servers get 1.1 right.
                    .version(HttpClient.Version.HTTP_1_1)
                    .followRedirects(HttpClient.Redirect.NEVER)
                    .connectTimeout(connectTimeout)
                    .proxy(proxies)
                    .executor(executor);
            tls.context().ifPresent(builder::sslContext);
            return builder.build();
        } finally {
            thread.setContextClassLoader(caller);
        }
    }

    /** For tests: whether connections are held. */
    synchronized boolean isIdle() {
        return clients.isEmpty();
    }
}
