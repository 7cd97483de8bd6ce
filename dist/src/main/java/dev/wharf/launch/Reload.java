package dev.wharf.launch;

import dev.wharf.launch.log.Logs;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Reads {@code wharfd.conf} at the start, and again whenever a hang-up asks for it. Of what stands there, only the level of the log
 * counts at once; for anything else that has changed, a line of the log says that it waits for the next start. Settings of
 * components lie in files of their own, which are looked at once a second whether anybody asks or not; a reload is over when that
 * has happened.
 */
final class Reload {
    private static final String LOG_LEVEL = "wharf.log.level";

    /** Every setting of {@code wharfd.conf}, as its {@code README.md} explains them. What is not Wharf's is the framework's. */
    static final Set<String> KNOWN = Set.of(
            LOG_LEVEL,
            "wharf.journald",
            "wharf.metrics.address",
            "wharf.journal.sync",
            "wharf.journal.kind",
            "wharf.journal.keep",
            "wharf.undelete.retention",
            "wharf.storage",
            Options.ADDRESS_POOLS,
            Options.HOST_GATEWAY,
            "wharf.driver.interview",
            "wharf.driver.drain",
            "wharf.driver.call",
            "wharf.survey.beat");

    /** A little longer than {@code felix.fileinstall.poll}. */
    private static final long SETTINGS_ARE_READ_MILLIS = 1200;

    /** Reads the settings, or says why they cannot be read. */
    interface Source {
        Map<String, String> read() throws CannotStart;
    }

    private final Source source;
    private final Optional<Level> given;
    private final Semaphore requests = new Semaphore(0);
    private Map<String, String> settings = Map.of();

    /** @param given the level that the command line names, which stays whatever the file says */
    Reload(Source source, Optional<Level> given) {
        this.source = source;
        this.given = given;
    }

    /** Reads the settings for a start. */
    void begin() throws CannotStart {
        settings = Map.copyOf(source.read());
        Logs.setLevel(level(settings));
        warnOfUnknown(LoggerFactory.getLogger("dev.wharf.launch"), settings);
    }

    private static void warnOfUnknown(Logger log, Map<String, String> settings) {
        unknown(settings).forEach(key -> log.warn("there is no such setting file=wharfd.conf key={}", key));
    }

    /** What somebody meant for Wharf and mistyped, most likely. */
    static Collection<String> unknown(Map<String, String> settings) {
        return settings.keySet().stream()
                .filter(key -> key.startsWith("wharf.") && !KNOWN.contains(key))
                .sorted()
                .toList();
    }

    /** What was read at the start. */
    Map<String, String> settings() {
        return settings;
    }

    /** Asks for a reload; may be called at any time and returns at once. */
    void request() {
        requests.release();
    }

    /** Reloads in a thread of its own whenever asked to, until the process ends. */
    void serve(BundleContext context) {
        Thread thread = new Thread(
                () -> {
                    try {
                        while (true) {
                            requests.acquire();
                            // Whoever asked meanwhile is served by this one, too.
                            requests.drainPermits();
                            tell(context, "begin");
                            again();
                            Thread.sleep(SETTINGS_ARE_READ_MILLIS);
                            tell(context, "end");
                        }
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                },
                "wharf-reload");
        thread.setDaemon(true);
        thread.start();
    }

    private void again() {
        Logger log = LoggerFactory.getLogger("dev.wharf.launch");
        try {
            Map<String, String> fresh = source.read();
            Level level = level(fresh);
            Logs.setLevel(level);
            log.info("settings read again log-level={}", Options.word(level));
            warnOfUnknown(log, fresh);
            waiting(settings, fresh).stream()
                    .filter(key -> !unknown(fresh).contains(key))
                    .forEach(key -> log.warn("setting waits for the next start key={}", key));
        } catch (CannotStart e) {
            log.warn("settings stay as they are: {}", e.getMessage());
        }
    }

    private Level level(Map<String, String> from) throws CannotStart {
        if (given.isPresent()) return given.get();
        String word = from.getOrDefault(LOG_LEVEL, Options.word(Level.INFO));
        try {
            return Options.logLevel(LOG_LEVEL + " =", word);
        } catch (Misuse e) {
            throw new CannotStart("wharfd.conf: " + e.getMessage(), e);
        }
    }

    /** What was changed, added or taken away since the start and does not count before the next. */
    static Collection<String> waiting(Map<String, String> before, Map<String, String> now) {
        TreeSet<String> keys = new TreeSet<>(before.keySet());
        keys.addAll(now.keySet());
        keys.removeIf(key -> key.equals(LOG_LEVEL) || Objects.equals(before.get(key), now.get(key)));
        return List.copyOf(keys);
    }

    /** Bundles that want to hear of it offer a consumer of words, for the launcher knows no type of theirs. */
    @SuppressWarnings({"rawtypes", "unchecked"})
    private static void tell(BundleContext context, String what) {
        try {
            for (ServiceReference<Consumer> who :
                    context.getServiceReferences(Consumer.class, "(wharf.hears=reload)")) {
                Consumer<String> listener = context.getService(who);
                if (listener != null) listener.accept(what);
            }
        } catch (InvalidSyntaxException | IllegalStateException e) {
            // The framework is going; nobody is left to hear it.
            LoggerFactory.getLogger("dev.wharf.launch").debug("nobody hears of a reload", e);
        }
    }
}
