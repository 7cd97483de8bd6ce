package dev.wharf.systemd;

import dev.wharf.spi.kernel.Descriptors;
import dev.wharf.spi.kernel.Journald;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/**
 * Takes the agent's own log to journald with all its fields. The launcher, which logs before there is a bundle and after all are
 * gone, asks for a predicate that takes ({@code wharf.takes}) the log when it runs under journald; a line that is not taken, because
 * journald is away or does not keep up, it writes the way it did before.
 */
@Component(service = Predicate.class, property = "wharf.takes=log")
public final class JournaldLog implements Predicate<Map<String, String>> {
    private static final String SOCKET = "wharf.journald";

    private final Journald journald;

    @Activate
    public JournaldLog(BundleContext context, @Reference Descriptors descriptors) {
        this(
                descriptors,
                Optional.ofNullable(context.getProperty(SOCKET)).map(Path::of).orElse(Journald.SOCKET));
    }

    JournaldLog(Descriptors descriptors, Path socket) {
        journald = new Journald(
                descriptors,
                socket,
                Map.of(
                        "SYSLOG_IDENTIFIER",
                        "wharfd",
                        "SYSLOG_PID",
                        Long.toString(ProcessHandle.current().pid())));
    }

    @Override
    public boolean test(Map<String, String> entry) {
        try {
            journald.send(Journald.bytes(entry));
            return true;
        } catch (IOException e) {
            return false; // Not to be logged: we are the log. Whoever asks has another way.
        }
    }

    @Deactivate
    void close() {
        journald.close();
    }
}
