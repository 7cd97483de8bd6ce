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
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkEvent;
import org.osgi.framework.SynchronousBundleListener;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.framework.wiring.BundleRevision;
import org.osgi.framework.wiring.FrameworkWiring;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sun.misc.Signal;

/**
 * The framework and the bundles in it. A folder {@code bundles/N-name} is a floor: its bundles are installed, resolved and
 * started together, before those of the next floor are looked at. So the front answers while the rest of the house wakes
 * up. Drivers come last, from the plugins folder, which a bundle of ours watches. Bundles are installed by reference and
 * started for this run only; the cache holds nothing worth keeping and is made afresh at every start.
 */
final class House {
    /** Longer than any bundle needs to leave; after it the process goes without them. */
    private static final Duration FAREWELL = Duration.ofSeconds(20);

    /** The unit of times in /proc, the same on every Linux that Java runs on. */
    private static final long TICKS_PER_SECOND = 100;

    /** Where the JVM writes which classes it loads, while {@code wharf-install-cds} makes an archive of them. */
    private static final String LOADED = System.getProperty("wharf.loaded");

    private final Options options;
    private final Path cache;

    /** Open while the house shall stand. */
    private final CountDownLatch over = new CountDownLatch(1);

    private volatile boolean asked;

    private final Reload reload;
    private final Spare spare;

    House(Options options) {
        this.options = options;
        this.cache = options.execRoot().resolve("osgi");
        this.spare = new Spare(options.dataRoot());
        this.reload = new Reload(() -> settings(options.configDir().resolve("wharfd.conf")), options.logLevel());
    }

    /** Lives until the process is told to stop, or until the framework stops by itself; answers the exit status. */
    int live() throws CannotStart {
        listenForSignals();
        prepare();
        Logger log = LoggerFactory.getLogger("dev.wharf.launch");
        try {
            // Where it is missing, nobody would hear of what is put there later.
            Files.createDirectories(options.configDir());
        } catch (IOException e) {
            log.warn("no settings are read config-dir={} reason={}", options.configDir(), Reason.of(e));
        }
        Framework framework = open();
        try {
            framework.start();
            Journal.follow(framework.getBundleContext());
            furnish(framework);
            reload.serve(framework.getBundleContext());
            log.info("started version={} data={} in={}ms", Texts.version(), options.dataRoot(), ageMillis());
            spare.keepSoon();
            over.await();
            if (LOADED != null) {
                Linking.link(List.of(framework.getBundleContext().getBundles()), Path.of(LOADED));
            }
            framework.stop();
            FrameworkEvent end = framework.waitForStop(FAREWELL.toMillis());
            log.info("stopped asked={} in-time={}", asked, end.getType() != FrameworkEvent.WAIT_TIMEDOUT);
            return asked ? 0 : 1;
        } catch (BundleException e) {
            boolean ended = framework.getState() != Bundle.ACTIVE && framework.getState() != Bundle.STARTING;
            throw new CannotStart(
                    "cannot start: " + (ended ? "one of its parts could not; the line above says why" : e.getMessage()),
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CannotStart("interrupted while running", e);
        }
    }

    /**
     * Makes a signal the beginning of an orderly stop on the main thread. Not a shutdown hook: there, libraries have hooks of
     * their own, which run at the same time and in no order. A hang-up is no reason to stop, but one to read the settings again.
     */
    private void listenForSignals() {
        Signal.handle(new Signal("HUP"), signal -> reload.request());
        for (String name : List.of("TERM", "INT")) {
            Signal.handle(new Signal(name), signal -> {
                asked = true;
                over.countDown();
            });
        }
    }

    private void prepare() throws CannotStart {
        // In the data root, because /run is often mounted so that no library can be loaded from it.
        Path scratch = options.dataRoot().resolve("tmp");
        try {
            spare.give();
            clear(cache);
            clear(scratch);
            Files.createDirectories(scratch);
        } catch (IOException e) {
            throw new CannotStart("cannot clear " + cache + " and " + scratch + ": " + Reason.of(e), e);
        }
        // Native libraries are unpacked here, where the next start finds and removes what a killed agent left.
        System.setProperty("java.io.tmpdir", scratch.toString());
        reload.begin();
    }

    private Framework open() throws CannotStart {
        FrameworkFactory factory = ServiceLoader.load(FrameworkFactory.class)
                .findFirst()
                .orElseThrow(() ->
                        new CannotStart("no OSGi framework in " + Options.home().resolve("lib")));
        Map<String, String> properties = Texts.framework();
        properties.putAll(reload.settings());
        properties.putAll(options.properties());
        properties.put(Constants.FRAMEWORK_STORAGE, cache.resolve("bundles").toString());
        properties.put("felix.cm.dir", cache.resolve("config").toString());
        properties.put("felix.fileinstall.dir", options.configDir().toString());
        properties.put("felix.fileinstall.tmpdir", cache.resolve("fileinstall").toString());
        Framework framework = factory.newFramework(properties);
        try {
            framework.init();
        } catch (BundleException e) {
            throw new CannotStart("cannot open the framework in " + cache + ": " + e.getMessage(), e);
        }
        framework.getBundleContext().addFrameworkListener(House::report);
        framework.getBundleContext().addBundleListener(new Farewells());
        // Somebody inside may stop the framework: an operator in the shell, or a bundle that cannot go on.
        framework.getBundleContext().addBundleListener((SynchronousBundleListener) event -> {
            if (event.getBundle().getBundleId() == 0 && event.getType() == BundleEvent.STOPPING) over.countDown();
        });
        return framework;
    }

    /** What has no option on the command line and is needed before settings can be read live. */
    private static Map<String, String> settings(Path file) throws CannotStart {
        if (!Files.exists(file)) return Map.of();
        try {
            Map<String, String> settings = Texts.properties(Files.readString(file));
            for (String pool : settings.getOrDefault(Options.ADDRESS_POOLS, "").split(";")) {
                if (!pool.isBlank()) Options.addressPool(Options.ADDRESS_POOLS + " =", pool.strip());
            }
            Options.hostGateway(settings.getOrDefault(Options.HOST_GATEWAY, ""));
            return settings;
        } catch (Misuse e) {
            throw new CannotStart("wharfd.conf: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new CannotStart("cannot read " + file + ": " + Reason.of(e), e);
        }
    }

    private static void report(FrameworkEvent event) {
        if (event.getType() != FrameworkEvent.ERROR) return;
        LoggerFactory.getLogger("dev.wharf.launch")
                .error("bundle failed bundle={}", event.getBundle().getSymbolicName(), event.getThrowable());
    }

    private void furnish(Framework framework) throws BundleException, CannotStart {
        List<Path> floors = list(Options.home().resolve("bundles"));
        if (floors.isEmpty()) {
            throw new CannotStart("no bundles in " + Options.home() + "; build Wharf with mvn package");
        }
        for (Path floor : floors) {
            List<Bundle> bundles = install(framework.getBundleContext(), floor);
            // All at once: resolving them one by one as they start takes twice the time.
            framework.adapt(FrameworkWiring.class).resolveBundles(bundles);
            for (Bundle bundle : bundles) {
                if (asked) return;
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
