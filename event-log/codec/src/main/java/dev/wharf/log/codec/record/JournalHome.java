package dev.wharf.log.codec.record;

import dev.wharf.core.journal.EventJournal;
import dev.wharf.log.codec.EventCodec;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Hashtable;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceRegistration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A journal as a service. Both kinds are shipped and both bundles start, but one serves: the kind that the settings name.
 * The other touches nothing. A house without a journal cannot stand, so where it cannot be opened the framework stops.
 */
public final class JournalHome implements Closeable {
    private static final Logger log = LoggerFactory.getLogger(JournalHome.class);

    private final Optional<EventJournal> journal;
    private final Optional<ServiceRegistration<EventJournal>> registration;

    /** How a kind of log is opened. */
    public interface Opener {
        RecordLog open(Path directory, String writer) throws IOException;
    }

    private JournalHome(Optional<EventJournal> journal, Optional<ServiceRegistration<EventJournal>> registration) {
        this.journal = journal;
        this.registration = registration;
    }

    /** Opens the journal in the data root and lets it serve, if {@code kind} is chosen. */
    public static JournalHome open(LogKind kind, BundleContext context, Opener opener) {
        JournalHome empty = new JournalHome(Optional.empty(), Optional.empty());
        String setting = context.getProperty(LogKind.SETTING);
        Optional<LogKind> chosen = LogKind.chosen(setting == null ? "" : setting);
        if (chosen.isEmpty() && kind == LogKind.USUAL) {
            log.error(
                    "setting names no kind of journal, stopping key={} value={} known={}",
                    LogKind.SETTING,
                    setting,
                    Arrays.stream(LogKind.values()).map(LogKind::word).toList());
            leave(context);
        }
        if (chosen.isEmpty() || chosen.get() != kind) {
            return empty;
        }
        try {
            EventJournal journal = new RecordJournal(openLog(kind, context, opener), new EventCodec());
            Hashtable<String, String> properties = new Hashtable<>();
            properties.put("wharf.name", kind.word());
            return new JournalHome(
                    Optional.of(journal),
                    Optional.of(context.registerService(EventJournal.class, journal, properties)));
        } catch (IOException e) {
            log.error("journal cannot be opened, stopping: {}", e.getMessage());
            leave(context);
            return empty;
        }
    }

    private static RecordLog openLog(LogKind kind, BundleContext context, Opener opener) throws IOException {
        long began = System.nanoTime();
        RecordLog opened = opener.open(
                Path.of(context.getProperty("wharf.data.root"), "journal"),
                context.getBundle().getVersion().toString());
        log.info(
                "journal opened kind={} position={} millis={}",
                kind.word(),
                opened.last(),
                TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began));
        opened.mended()
                .ifPresent(mended -> log.warn(
                        "journal mended last={} dropped={} reason={}",
                        mended.last(),
                        mended.droppedBytes(),
                        mended.reason()));
        return opened;
    }

    private static void leave(BundleContext context) {
        try {
            context.getBundle(Constants.SYSTEM_BUNDLE_LOCATION).stop();
        } catch (BundleException e) {
            log.error("the framework cannot be stopped", e);
        }
    }

    /** Stops serving, and closes the journal when nobody uses it any more. */
    @Override
    public void close() throws IOException {
        registration.ifPresent(ServiceRegistration::unregister);
        if (journal.isPresent()) {
            journal.get().close();
        }
    }
}
