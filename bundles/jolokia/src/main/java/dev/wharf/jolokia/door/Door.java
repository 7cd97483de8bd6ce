package dev.wharf.jolokia.door;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jolokia.core.api.LogHandler;
import org.jolokia.jvmagent.JolokiaServer;
import org.jolokia.jvmagent.JolokiaServerConfig;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A server that listens, with Jolokia and the console page behind it. Made by its name, it is spoken to through interfaces of the
 * JDK alone: it answers with Jolokia's address.
 */
public final class Door implements Supplier<String>, Closeable {
    /** More at once wait; each page that is open follows the journal on one of them. */
    private static final int THREADS = Console.PAGES + 8;

    /** As many as Jolokia lets wait at its own server. */
    private static final int BACKLOG = 10;

    private final ThreadPoolExecutor threads = threads();
    private final HttpServer http;
    private final JolokiaServer jolokia;

    /**
     * @param said the settings by their names in {@link dev.wharf.jolokia.JolokiaSettings}, and the agent's {@code socket}
     * @throws IllegalArgumentException if they make no sense
     * @throws IOException if nothing can listen there
     */
    public Door(Function<String, String> said) throws IOException {
        People people = People.of(said);
        Doorkeeper.know(Optional.of(people));
        Policy.letIn(People.words(said.apply("origins")));
        http = server(said);
        http.setExecutor(threads);
        // Jolokia looks for what it consists of through the thread's class loader as well.
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(Door.class.getClassLoader());
        try {
            JolokiaServerConfig config = new Guarded(options(said));
            jolokia = new JolokiaServer(http, config, new Report());
            http.createContext(Console.PATH, new Console(said.apply("socket")));
            jolokia.start(false);
            http.start();
        } catch (RuntimeException e) {
            http.stop(0);
            throw e;
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    /** Jolokia would make one itself, but of keys it knows RSA only. */
    private static HttpServer server(Function<String, String> said) throws IOException {
        InetSocketAddress address = new InetSocketAddress(said.apply("address"), Integer.parseInt(said.apply("port")));
        if (address.isUnresolved()) {
            throw new IllegalArgumentException("no address is known for " + said.apply("address"));
        }
        Optional<Certificates> certificates = Certificates.of(said);
        if (certificates.isEmpty()) {
            return HttpServer.create(address, BACKLOG);
        }
        HttpsConfigurator tls = certificates.get().configurator();
        HttpsServer server = HttpsServer.create(address, BACKLOG);
        server.setHttpsConfigurator(tls);
        return server;
    }

    private static ThreadPoolExecutor threads() {
        AtomicInteger number = new AtomicInteger();
        ThreadPoolExecutor threads =
                new ThreadPoolExecutor(THREADS, THREADS, 30, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
                    Thread made = new Thread(task, "wharf-door-" + number.incrementAndGet());
                    made.setDaemon(true);
                    return made;
                });
        threads.allowCoreThreadTimeOut(true);
        return threads;
    }

    /** Jolokia's own words (its manual, "JVM agent"). */
    private static Map<String, String> options(Function<String, String> said) {
        Map<String, String> options = new HashMap<>();
        options.put("host", said.apply("address"));
        options.put("port", said.apply("port"));
        options.put("agentContext", "/jolokia");
        options.put("authMode", "basic");
        options.put("authClass", Doorkeeper.class.getName());
        options.put("restrictorClass", Policy.class.getName());
        options.put("discoveryEnabled", "false");
        options.put("allowErrorDetails", "false");
        options.put("includeStackTrace", "false");
        options.put("lazy", "false");
        options.put("protocol", said.apply("certificate").isBlank() ? "http" : "https");
        return options;
    }

    @Override
    public String get() {
        return jolokia.getUrl();
    }

    @Override
    public void close() {
        jolokia.stop();
        http.stop(0);
        threads.shutdownNow();
        Doorkeeper.know(Optional.empty());
    }

    /** Makes the authenticator, which Jolokia itself does only together with a server of its own. */
    private static final class Guarded extends JolokiaServerConfig {
        Guarded(Map<String, String> options) {
            super(options);
            initAuthenticator();
            if (!(getAuthenticator() instanceof Doorkeeper)) {
                throw new IllegalStateException("this Jolokia would let in everybody");
            }
        }
    }

    /** What Jolokia has to say goes where everything is said. */
    private static final class Report implements LogHandler {
        private static final Logger LOG = LoggerFactory.getLogger(Door.class);

        @Override
        public void debug(String message) {
            LOG.trace("{}", message);
        }

        @Override
        public void info(String message) {
            LOG.debug("{}", message);
        }

        @Override
        public void error(String message, @Nullable Throwable thrown) {
            LOG.warn("{}", message, thrown);
        }

        @Override
        public boolean isDebug() {
            return LOG.isTraceEnabled();
        }
    }
}
