package dev.wharf.jolokia;

import java.io.Closeable;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.osgi.framework.BundleContext;
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

    private static final String UNIX = "unix://";

    private final Annexe annexe;
    private final Optional<Closeable> door;

    @Activate
    public JolokiaComponent(BundleContext context, JolokiaSettings settings) throws IOException {
        annexe = Annexe.open(context.getBundle(), context.getDataFile("lib").toPath());
        door = opened(words(settings, socket(context))::get);
        door.map(it -> String.valueOf(((Supplier<?>) it).get()))
                .ifPresent(url -> LOG.info(
                        "MXBeans are served url={} console={}", url, url.replaceAll("/jolokia/?$", "/console/")));
    }

    private Optional<Closeable> opened(Function<String, String> said) throws IOException {
        try {
            return Optional.of(open(annexe, said));
        } catch (IOException | RuntimeException e) {
            annexe.close();
            LOG.error("MXBeans are not served reason={}", e.getMessage());
            return Optional.empty();
        }
    }

    /** The first unix socket that the agent listens on, through which the console looks; empty where there is none. */
    private static String socket(BundleContext context) {
        String hosts = context.getProperty("wharf.hosts");
        if (hosts != null && hosts.contains("fd://")) {
            // Where systemd's own unit for it puts it.
            return "/run/wharf/wharf.sock";
        }
        return Arrays.stream((hosts == null || hosts.isBlank() ? UNIX + "/run/wharf/wharf.sock" : hosts).split(",", -1))
                .map(String::strip)
                .filter(host -> host.startsWith(UNIX))
                .map(host -> host.substring(UNIX.length()))
                .findFirst()
                .orElse("");
    }

    private static Map<String, String> words(JolokiaSettings settings, String socket) {
        return Map.of(
                "socket", socket,
                "address", settings.address(),
                "port", Integer.toString(settings.port()),
                "readers", settings.readers(),
                "operators", settings.operators(),
                "certificate", settings.certificate(),
                "key", settings.key(),
                "authorities", settings.authorities(),
                "certified_operators", settings.certified_operators(),
                "origins", settings.origins());
    }

    private static Closeable open(Annexe annexe, Function<String, String> said) throws IOException {
        try {
            return (Closeable) annexe.loadClass("dev.wharf.jolokia.door.Door")
                    .getConstructor(Function.class)
                    .newInstance(said);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof IOException io) {
                throw io;
            }
            throw new IllegalArgumentException(
                    String.valueOf(e.getTargetException().getMessage()), e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    @Deactivate
    void close() throws IOException {
        if (door.isPresent()) {
            door.get().close();
            annexe.close();
        }
    }
}
