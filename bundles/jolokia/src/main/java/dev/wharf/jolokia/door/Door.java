package dev.wharf.jolokia.door;

import java.io.Closeable;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jolokia.jvmagent.JolokiaServer;
import org.jolokia.jvmagent.JolokiaServerConfig;

/**
 * A Jolokia server that listens. Made by its name, it is spoken to through interfaces of the JDK alone: it answers with its
 * address.
 */
public final class Door implements Supplier<String>, Closeable {
    private final JolokiaServer server;

    /**
     * @param said the settings by their names in {@link dev.wharf.jolokia.JolokiaSettings}
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
            server = new JolokiaServer(new JolokiaServerConfig(options(said)));
            server.start(false);
        } finally {
            thread.setContextClassLoader(before);
        }
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
        options.put("executor", "single");
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
        return server.getUrl();
    }

    @Override
    public void close() {
        server.stop();
        Doorkeeper.know(Optional.empty());
    }
}
