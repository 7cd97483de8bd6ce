package dev.wharf.jolokia.door;

import com.sun.net.httpserver.HttpServer;
import java.io.Closeable;
import java.io.IOException;
import java.lang.reflect.Field;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jolokia.jvmagent.JolokiaServer;
import org.jolokia.jvmagent.JolokiaServerConfig;

/**
 * A server that listens, with Jolokia and the console page behind it. Made by its name, it is spoken to through interfaces of the
 * JDK alone: it answers with Jolokia's address.
 */
public final class Door implements Supplier<String>, Closeable {
    /** More at once wait; each page that is open follows the journal on one of them. */
    private static final int THREADS = Console.PAGES + 8;

    private final ThreadPoolExecutor threads = threads();
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
        // Jolokia looks for what it consists of through the thread's class loader as well.
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(Door.class.getClassLoader());
        try {
            jolokia = new JolokiaServer(new JolokiaServerConfig(options(said)));
            HttpServer http = listener(jolokia);
            http.setExecutor(threads);
            http.createContext(Console.PATH, new Console(said.apply("socket")));
            jolokia.start(false);
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    /** Jolokia makes its server itself, with its certificates and its authenticator, and shows it to nobody. */
    private static HttpServer listener(JolokiaServer jolokia) {
        try {
            Field field = JolokiaServer.class.getDeclaredField("httpServer");
            field.setAccessible(true);
            return (HttpServer) field.get(jolokia);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this Jolokia keeps its server elsewhere", e);
        }
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
        if (!said.apply("certificate").isBlank()) {
            options.put("protocol", "https");
            options.put("serverCert", said.apply("certificate"));
            options.put("serverKey", said.apply("key"));
            if (!said.apply("authorities").isBlank()) {
                options.put("caCert", said.apply("authorities"));
                options.put("useSslClientAuthentication", "true");
            }
        }
        return options;
    }

    @Override
    public String get() {
        return jolokia.getUrl();
    }

    @Override
    public void close() {
        jolokia.stop();
        threads.shutdownNow();
        Doorkeeper.know(Optional.empty());
    }
}
