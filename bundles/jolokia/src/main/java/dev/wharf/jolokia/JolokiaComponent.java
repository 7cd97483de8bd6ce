package dev.wharf.jolokia;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jolokia.jvmagent.JolokiaServer;
import org.jolokia.jvmagent.JolokiaServerConfig;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A Jolokia server for as long as there are settings for one: no class of Jolokia is loaded before. Settings that make no sense
 * open no door, and the log says why.
 */
@Component(
        service = {},
        immediate = true,
        configurationPid = "dev.wharf.jolokia",
        configurationPolicy = ConfigurationPolicy.REQUIRE)
@Designate(ocd = JolokiaSettings.class)
public final class JolokiaComponent {
    private static final Logger LOG = LoggerFactory.getLogger(JolokiaComponent.class);

    private final JolokiaServer server;

    @Activate
    public JolokiaComponent(JolokiaSettings settings) throws IOException {
        People people = People.of(settings);
        Doorkeeper.know(Optional.of(people));
        Policy.letIn(People.words(settings.origins()));
        server = open(options(settings));
        LOG.info("MXBeans are served url={}", server.getUrl());
    }

    /** Jolokia's own words (its manual, "JVM agent"). */
    static Map<String, String> options(JolokiaSettings settings) {
        Map<String, String> options = new HashMap<>(Map.of(
                "host", settings.address(),
                "port", Integer.toString(settings.port()),
                "agentContext", "/jolokia",
                "authMode", "basic",
                "authClass", Doorkeeper.class.getName(),
                "restrictorClass", Policy.class.getName(),
                "discoveryEnabled", "false",
                "allowErrorDetails", "false",
                "includeStackTrace", "false",
                "executor", "single"));
        options.put("lazy", "false");
        if (!settings.certificate().isBlank()) {
            options.put("protocol", "https");
            options.put("serverCert", settings.certificate());
            options.put("serverKey", settings.key());
            if (!settings.authorities().isBlank()) {
                options.put("caCert", settings.authorities());
                options.put("useSslClientAuthentication", "true");
            }
        }
        return options;
    }

    /** Jolokia looks for what it consists of through the thread's class loader. */
    private static JolokiaServer open(Map<String, String> options) throws IOException {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(JolokiaComponent.class.getClassLoader());
        try {
            JolokiaServer opened = new JolokiaServer(new JolokiaServerConfig(options));
            opened.start(false);
            return opened;
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    /** Where it listens. */
    String url() {
        return server.getUrl();
    }

    @Deactivate
    void close() {
        server.stop();
        Doorkeeper.know(Optional.empty());
    }
}
