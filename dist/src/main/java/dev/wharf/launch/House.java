package dev.wharf.launch;

import dev.wharf.launch.log.Logs;
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
import org.osgi.framework.wiring.BundleRevision;
import org.osgi.framework.wiring.FrameworkWiring;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The framework and the bundles in it. A folder {@code bundles/N-name} is a floor: its bundles are installed, resolved and
 * started together, before those of the next floor are looked at. So the front answers while the rest of the house wakes
 * up. Drivers come last, from the plugins folder, which File Install watches. Bundles are installed by reference and
 * started for this run only; the cache holds nothing worth keeping and is made afresh at every start.
 */
final class House {
    /** Longer than any bundle needs to leave; after it the process goes without them. */
    private static final Duration FAREWELL = Duration.ofSeconds(20);

    /** The unit of times in /proc, the same on every Linux that Java runs on. */
    private static final long TICKS_PER_SECOND = 100;

    private final Options options;
    private final Path cache;
    private final AtomicBoolean asked = new AtomicBoolean();

    House(Options options) {
        this.options = options;
        this.cache = options.execRoot().resolve("osgi");
    }

    /** Lives until the process is told to stop, or until the framework stops by itself; answers the exit status. */
    int live() throws CannotStart {
        prepare();
        Logger log = LoggerFactory.getLogger("dev.wharf.launch");
        Framework framework = open();
        stopOnSignal(framework);
        try {
            framework.start();
            furnish(framework);
            log.info("started version={} data={} in={}ms", Texts.version(), options.dataRoot(), ageMillis());
        } catch (BundleException | IllegalStateException e) {
            // Where a signal came while bundles were still being started, the framework is on its way down already.
            if (!asked.get()) throw new CannotStart("cannot start: " + e.getMessage(), e);
        }
        try {
            framework.waitForStop(0);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CannotStart("interrupted while running", e);
        }
        log.info("stopped asked={}", asked.get());
        return asked.get() ? 0 : 1;
    }

    private void prepare() throws CannotStart {
        // In the data root, because /run is often mounted so that no library can be loaded from it.
        Path scratch = options.dataRoot().resolve("tmp");
        try {
            clear(cache);
            clear(scratch);
            Files.createDirectories(scratch);
        } catch (IOException e) {
            throw new CannotStart("cannot clear " + cache + " and " + scratch + ": " + Reason.of(e), e);
        }
        // Native libraries are unpacked here, where the next start finds and removes what a killed agent left.
        System.setProperty("java.io.tmpdir", scratch.toString());
        Logs.setLevel(options.logLevel());
    }

    private Framework open() throws CannotStart {
        FrameworkFactory factory = ServiceLoader.load(FrameworkFactory.class)
                .findFirst()
                .orElseThrow(() ->
                        new CannotStart("no OSGi framework in " + Options.home().resolve("lib")));
        Map<String, String> properties = Texts.framework();
        properties.putAll(settings(options.configDir().resolve("wharfd.conf")));
        properties.putAll(options.properties());
        properties.put(Constants.FRAMEWORK_STORAGE, cache.resolve("bundles").toString());
        properties.put("felix.cm.dir", cache.resolve("config").toString());
        properties.put("felix.fileinstall.dir", options.configDir() + "," + options.pluginsDir());
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

    /** What has no option on the command line and is needed before settings can be read live. */
    private static Map<String, String> settings(Path file) throws CannotStart {
        if (!Files.exists(file)) return Map.of();
        try {
            return Texts.properties(Files.readString(file));
        } catch (IOException e) {
            throw new CannotStart("cannot read " + file + ": " + Reason.of(e), e);
        }
    }

    private static void report(FrameworkEvent event) {
        if (event.getType() != FrameworkEvent.ERROR) return;
        LoggerFactory.getLogger("dev.wharf.launch")
                .error("bundle failed bundle={}", event.getBundle().getSymbolicName(), event.getThrowable());
    }

    private static void furnish(Framework framework) throws BundleException, CannotStart {
        List<Path> floors = list(Options.home().resolve("bundles"));
        if (floors.isEmpty()) {
            throw new CannotStart("no bundles in " + Options.home() + "; build Wharf with mvn package");
        }
        for (Path floor : floors) {
            List<Bundle> bundles = install(framework.getBundleContext(), floor);
            // All at once: resolving them one by one as they start takes twice the time.
            framework.adapt(FrameworkWiring.class).resolveBundles(bundles);
            for (Bundle bundle : bundles) {
                // A house with a wall missing does not open; the exception names the bundle and what it lacks.
                if (!isFragment(bundle)) bundle.start(Bundle.START_TRANSIENT);
            }
        }
    }

    private static List<Bundle> install(BundleContext context, Path floor) throws BundleException, CannotStart {
        List<Bundle> bundles = new ArrayList<>();
        for (Path jar : list(floor)) {
            bundles.add(context.installBundle("reference:" + jar.toUri()));
        }
        return bundles;
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

    /** Turns a signal into an orderly stop; the main thread then comes back from its wait and ends the process. */
    private void stopOnSignal(Framework framework) {
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
