package dev.wharf.launch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkEvent;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.framework.startlevel.BundleStartLevel;
import org.osgi.framework.wiring.BundleRevision;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The framework and the bundles in it. A folder {@code bundles/N-name} holds the bundles of start level N; drivers come
 * from the plugins folder, which File Install watches. Bundles are installed by reference, so the cache holds no copy
 * of them and is made afresh at every start.
 */
final class House {
    /** The level up to which a rehearsal goes: what comes after it touches the host. */
    private static final int REHEARSED_LEVEL = 2;

    /** Longer than any bundle needs to leave; after it the process goes without them. */
    private static final Duration FAREWELL = Duration.ofSeconds(20);

    /** The unit of times in /proc, the same on every Linux that Java runs on. */
    private static final long TICKS_PER_SECOND = 100;

    private final Options options;
    private final Path cache;

    House(Options options) {
        this.options = options;
        this.cache = options.dataRoot().resolve("osgi");
    }

    /** Lives until the process is told to stop, or until the framework stops by itself; answers the exit status. */
    int live() throws CannotStart {
        prepare();
        Logger log = LoggerFactory.getLogger("dev.wharf.launch");
        Framework framework = open(Integer.MAX_VALUE);
        AtomicBoolean asked = stopOnSignal(framework);
        try {
            List<Bundle> bundles = furnish(framework.getBundleContext());
            framework.start();
            if (!asked.get()) check(bundles);
            log.info(
                    "started version={} bundles={} data={} in={}ms",
                    Texts.version(),
                    bundles.size(),
                    options.dataRoot(),
                    ageMillis());
            framework.waitForStop(0);
            log.info("stopped asked={}", asked.get());
            return asked.get() ? 0 : 1;
        } catch (BundleException e) {
            throw new CannotStart("cannot start the framework: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CannotStart("interrupted while running", e);
        }
    }

    /** Starts the bundles that leave the host alone, and stops them again. */
    int rehearse() throws CannotStart {
        prepare();
        Framework framework = open(REHEARSED_LEVEL);
        try {
            furnish(framework.getBundleContext());
            framework.start();
            framework.stop();
            framework.waitForStop(FAREWELL.toMillis());
            return 0;
        } catch (BundleException e) {
            throw new CannotStart("cannot rehearse: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CannotStart("interrupted while rehearsing", e);
        }
    }

    private void prepare() throws CannotStart {
        // In the data root, because /run is often mounted so that no library can be loaded from it.
        Path scratch = options.dataRoot().resolve("tmp");
        try {
            clear(cache);
            clear(scratch);
            Files.createDirectories(scratch);
        } catch (IOException e) {
            throw new CannotStart("cannot clear " + options.dataRoot() + ": " + Reason.of(e), e);
        }
        // Native libraries are unpacked here, where the next start finds and removes what a killed agent left.
        System.setProperty("java.io.tmpdir", scratch.toString());
        Map.of(
                        "logFile", "System.err",
                        "defaultLogLevel", options.logLevel().word(),
                        "showDateTime", "true",
                        "dateTimeFormat", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
                        "showThreadName", "false",
                        "log.io.netty", "warn")
                .forEach((key, value) -> System.setProperty("org.slf4j.simpleLogger." + key, value));
    }

    private Framework open(int level) throws CannotStart {
        FrameworkFactory factory = ServiceLoader.load(FrameworkFactory.class)
                .findFirst()
                .orElseThrow(() ->
                        new CannotStart("no OSGi framework in " + Options.home().resolve("lib")));
        Map<String, String> properties = Texts.framework();
        properties.putAll(options.properties());
        properties.put(Constants.FRAMEWORK_STORAGE, cache.resolve("bundles").toString());
        properties.put(Constants.FRAMEWORK_BEGINNING_STARTLEVEL, Integer.toString(Math.min(level, 100)));
        properties.put("felix.cm.dir", cache.resolve("config").toString());
        properties.put("felix.fileinstall.dir", options.pluginsDir() + "," + options.configDir());
        properties.put("felix.fileinstall.tmpdir", cache.resolve("fileinstall").toString());
        Framework framework = factory.newFramework(properties);
        try {
            framework.init();
        } catch (BundleException e) {
            throw new CannotStart("cannot open the framework in " + cache + ": " + e.getMessage(), e);
        }
        framework.getBundleContext().addFrameworkListener(House::report);
        return framework;
    }

    private static void report(FrameworkEvent event) {
        if (event.getType() != FrameworkEvent.ERROR) return;
        LoggerFactory.getLogger("dev.wharf.launch")
                .error("bundle failed bundle={}", event.getBundle().getSymbolicName(), event.getThrowable());
    }

    /** Installs every bundle at its level and marks it to be started when the framework gets there. */
    private static List<Bundle> furnish(BundleContext context) throws CannotStart {
        List<Bundle> bundles = new ArrayList<>();
        for (Path level : list(Options.home().resolve("bundles"))) {
            for (Path jar : list(level)) {
                try {
                    Bundle bundle = context.installBundle("reference:" + jar.toUri());
                    bundle.adapt(BundleStartLevel.class).setStartLevel(number(level));
                    if (isFragment(bundle)) continue;
                    bundle.start();
                    bundles.add(bundle);
                } catch (BundleException e) {
                    throw new CannotStart("cannot install " + jar + ": " + e.getMessage(), e);
                }
            }
        }
        if (bundles.isEmpty()) {
            throw new CannotStart(
                    "no bundles in " + Options.home().resolve("bundles") + "; build Wharf with mvn package");
        }
        return bundles;
    }

    private static int number(Path level) throws CannotStart {
        String name = String.valueOf(level.getFileName());
        String digits = name.substring(0, Math.max(0, name.indexOf('-')));
        if (digits.isEmpty() || !digits.chars().allMatch(Character::isDigit)) {
            throw new CannotStart(
                    level + ": a folder of bundles is called by its start level and a name, as in 2-front");
        }
        return Integer.parseInt(digits);
    }

    private static boolean isFragment(Bundle bundle) {
        return (bundle.adapt(BundleRevision.class).getTypes() & BundleRevision.TYPE_FRAGMENT) != 0;
    }

    private static List<Path> list(Path folder) throws CannotStart {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        } catch (IOException e) {
            throw new CannotStart("cannot read " + folder + ": " + Reason.of(e), e);
        }
    }

    /** A house with a wall missing does not open: a bundle that is not up has said why in the log. */
    private static void check(List<Bundle> bundles) throws CannotStart {
        for (Bundle bundle : bundles) {
            if (bundle.getState() == Bundle.ACTIVE || bundle.getState() == Bundle.STARTING) continue;
            throw new CannotStart("the bundle " + bundle.getSymbolicName() + " did not start: " + whyNot(bundle));
        }
    }

    private static String whyNot(Bundle bundle) {
        try {
            bundle.start();
            return "it started at the second try";
        } catch (BundleException e) {
            return String.valueOf(e.getMessage());
        }
    }

    /** Turns a signal into an orderly stop; the main thread then comes back from its wait and ends the process. */
    private static AtomicBoolean stopOnSignal(Framework framework) {
        AtomicBoolean asked = new AtomicBoolean();
        Thread main = Thread.currentThread();
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> {
                            asked.set(true);
                            try {
                                framework.stop();
                                main.join(FAREWELL.toMillis());
                            } catch (BundleException | InterruptedException e) {
                                LoggerFactory.getLogger("dev.wharf.launch").error("cannot stop in good order", e);
                            }
                        },
                        "wharfd-stop"));
        return asked;
    }

    /**
     * The time since the process began, the JVM's own start included. Both numbers come from the kernel's clock since
     * boot, which no change of the wall clock moves.
     */
    private static long ageMillis() {
        try {
            String stat = Files.readString(Path.of("/proc/self/stat"));
            // The command's name is in parentheses and may hold spaces; the start is the 20th field after it.
            long startTicks =
                    Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[19]);
            double uptimeSeconds =
                    Double.parseDouble(Files.readString(Path.of("/proc/uptime")).split(" ")[0]);
            return Math.round(uptimeSeconds * 1000) - startTicks * (1000 / TICKS_PER_SECOND);
        } catch (IOException e) {
            return 0;
        }
    }

    private static void clear(Path folder) throws IOException {
        if (!Files.exists(folder)) return;
        try (Stream<Path> tree = Files.walk(folder)) {
            for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
