package dev.wharf.plugins;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Fleet.Candidate;
import dev.wharf.core.agent.Fleet.Standing;
import dev.wharf.model.DriverId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipFile;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.wiring.FrameworkWiring;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows a folder with the framework. A bundle dropped in is installed and started; one whose file goes is taken out. One
 * whose file is replaced stays until the new one has taken over all that it served, and for good where the new one cannot:
 * both stand side by side for a moment, so that nobody waits and nothing is lost by trying. What a bundle does when it is
 * started or stopped, it does on a thread of its own and within a deadline.
 */
final class PluginFolder {
    private static final Logger log = LoggerFactory.getLogger(PluginFolder.class);

    /** How often the folder is looked at, and how soon again where a file seems to be on its way. */
    private static final Duration BEAT = Duration.ofSeconds(1);

    private static final Duration SOON = Duration.ofMillis(200);

    /** How long a file that is no whole jar has to rest until nothing more of it is awaited. */
    private static final Duration REST = Duration.ofSeconds(5);

    /** How long a bundle may take to leave with everybody who is inside it. */
    private static final Duration STOP = Duration.ofSeconds(30);

    /** How long the folder's own thread waits for that. */
    private static final Duration SHORTLY = Duration.ofSeconds(1);

    /** How long a new bundle's drivers may take to be asked and to take over. */
    private static final Duration VERDICT = Duration.ofSeconds(45);

    /** How long a driver that is expected may take to appear once its bundle runs. */
    private static final Duration APPEARANCE = Duration.ofSeconds(5);

    /** How long threads of a bundle that has gone may take to end. */
    private static final Duration FAREWELL = Duration.ofSeconds(2);

    private final BundleContext context;
    private final Bundle framework;
    private final Path folder;
    private final Shelf shelf;
    private final Duration patience;
    private final Map<String, Plugin> plugins = new HashMap<>();

    /** Bundles that stand in for those of a file that cannot serve, by the file's stem. */
    private final Map<String, Plugin> standIns = new HashMap<>();

    private final Semaphore bell = new Semaphore(0);
    private final List<Runnable> wishes = new ArrayList<>();
    private final Thread thread = new Thread(this::follow, "wharf-plugins");
    private final Object door = new Object();
    private Optional<Agent> agent = Optional.empty();
    private String trouble = "";
    private volatile boolean closing;

    /** @param patience how long a bundle may take to start */
    PluginFolder(BundleContext context, Path folder, Shelf shelf, Duration patience) {
        this.patience = patience;
        this.context = context;
        this.framework = context.getBundle(Constants.SYSTEM_BUNDLE_LOCATION);
        this.folder = folder;
        this.shelf = shelf;
        thread.setDaemon(true);
    }

    /** What is known of one file: how it looked, and what runs of it. */
    private static final class Plugin {
        /** The file as it was last seen, and whether that was acted upon. */
        String look = "";

        long seen;
        boolean settled;
        Optional<Shelf.Kept> kept = Optional.empty();
        Optional<Bundle> bundle = Optional.empty();
        String implementation = "";
    }

    void open() {
        thread.start();
    }

    void close() {
        closing = true;
        bell.release();
    }

    void tell(Agent now) {
        synchronized (door) {
            agent = Optional.of(now);
            door.notifyAll();
        }
    }

    void forget(Agent gone) {
        synchronized (door) {
            agent = agent.filter(a -> a != gone);
        }
    }

    /** Whether this, or the framework with all that is in it, stops. */
    private boolean isOver() {
        return closing || framework.getState() == Bundle.STOPPING;
    }

    // ---- the beat

    private void follow() {
        boolean first = true;
        try {
            while (!closing) {
                boolean soon = false;
                try {
                    soon = look(first);
                    first = false;
                    runWishes();
                    trouble = "";
                } catch (IOException | RuntimeException e) {
                    tellOnce(e);
                }
                if (bell.tryAcquire((soon ? SOON : BEAT).toMillis(), TimeUnit.MILLISECONDS)) {
                    bell.drainPermits();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What runs goes on, and the folder is looked at again with the next beat; the same trouble is told of once. */
    private void tellOnce(Exception e) {
        if (!isOver() && !trouble.equals(e.toString())) {
            trouble = e.toString();
            log.error("plugins folder cannot be followed now; what runs goes on folder={}", folder, e);
        }
    }

    private void runWishes() {
        List<Runnable> now;
        synchronized (wishes) {
            now = List.copyOf(wishes);
            wishes.clear();
        }
        now.forEach(Runnable::run);
    }

    /** @return whether a file is on its way, so that another look is due soon */
    private boolean look(boolean first) throws InterruptedException, IOException {
        List<Path> files;
        try (Stream<Path> all = Files.list(folder)) {
            files = all.filter(PluginFolder::isJar)
                    .sorted(java.util.Comparator.comparing(f -> f.toFile().lastModified()))
                    .toList();
        }
        Set<String> there = files.stream().map(PluginFolder::stem).collect(Collectors.toSet());
        for (String gone :
                plugins.keySet().stream().filter(s -> !there.contains(s)).toList()) {
            leave(gone);
        }
        boolean soon = false;
        List<Plugin> fresh = new ArrayList<>();
        for (Path file : files) {
            if (isOver()) {
                return false;
            }
            Plugin plugin = plugins.computeIfAbsent(stem(file), key -> new Plugin());
            String look = lookOf(file);
            if (!look.equals(plugin.look)) {
                // A file may still be on its way; at the start it has been there for longer than we have.
                plugin.look = look;
                plugin.seen = System.nanoTime();
                plugin.settled = false;
                if (!first) {
                    soon = true;
                    continue;
                }
            }
            if (!plugin.settled && !look.isEmpty()) {
                if (!first && !isWhole(file) && System.nanoTime() - plugin.seen < REST.toNanos()) {
                    soon = true;
                    continue;
                }
                plugin.settled = true;
                if (first) {
                    fresh.add(plugin);
                    installFirst(file, plugin);
                } else {
                    come(file, plugin);
                }
            }
        }
        if (first) {
            startFirst(fresh);
        }
        return soon;
    }

    private static boolean isJar(Path file) {
        String name = file.getFileName().toString();
        return name.endsWith(".jar") && !name.startsWith(".") && Files.isRegularFile(file);
    }

    /** What lists a jar's content is the last that is written of it. */
    private static boolean isWhole(Path file) {
        try (ZipFile jar = new ZipFile(file.toFile())) {
            return jar.size() > 0;
        } catch (IOException e) {
            return false;
        }
    }

    private static String stem(Path file) {
        String name = file.getFileName().toString();
        return name.substring(0, name.length() - ".jar".length());
    }

    /** Which file this is, how large, and how old; another one where any of these is. */
    private static String lookOf(Path file) {
        try {
            BasicFileAttributes a = Files.readAttributes(file, BasicFileAttributes.class);
            return a.fileKey() + " " + a.size() + " " + a.lastModifiedTime();
        } catch (IOException e) {
            return "";
        }
    }

    // ---- the first look: all are installed before any is started, for they may need one another

    private void installFirst(Path file, Plugin plugin) {
        try {
            Shelf.Kept kept = shelf.keep(stem(file), file);
            plugin.kept = Optional.of(kept);
            plugin.implementation = implementation(kept);
            plugin.bundle = Optional.of(context.installBundle(kept.location()));
        } catch (IOException | BundleException e) {
            if (isOver()) {
                return;
            }
            log.warn("plugin is no bundle file={} reason={}", file, reason(e));
            later(() -> standIn(stem(file), "", good -> blame(file, good, reason(e))));
        }
    }

    /** What is no bundle says nothing of its drivers, so those are told of it that the one before it has. */
    private void blame(Path file, Shelf.Kept good, String why) {
        try {
            journal(Manifesto.of(good.file()).drivers(), file.getFileName().toString(), why);
        } catch (IOException e) {
            log.debug("plugin names no drivers", e);
        }
    }

    private void startFirst(List<Plugin> fresh) {
        List<Plugin> present = fresh.stream().filter(p -> p.bundle.isPresent()).toList();
        framework
                .adapt(FrameworkWiring.class)
                .resolveBundles(present.stream().map(p -> p.bundle.get()).toList());
        for (Plugin plugin : present) {
            Optional<String> trouble = start(plugin.bundle.get());
            if (isOver()) {
                // Whoever does not start now is not to blame.
                return;
            }
            if (trouble.isPresent()) {
                Bundle broken = plugin.bundle.get();
                Shelf.Kept kept = plugin.kept.get();
                plugin.bundle = Optional.empty();
                later(() -> {
                    reject(kept, plugin.implementation, trouble.get());
                    takeOut(broken, threads());
                    standIn(kept);
                });
            } else {
                watchFirst(plugin);
            }
        }
    }

    /** Where a bundle's drivers cannot serve from the start, the last of its name that could stands in. */
    private void watchFirst(Plugin plugin) {
        Shelf.Kept kept = plugin.kept.orElseThrow();
        try {
            Set<DriverId> promised = new HashSet<>(Manifesto.of(kept.file()).drivers());
            if (promised.isEmpty()) {
                return;
            }
            Thread watcher = new Thread(
                    () -> {
                        try {
                            Optional<String> trouble = awaitVerdict(plugin.implementation, promised);
                            if (trouble.isEmpty()) {
                                serves(kept);
                            } else {
                                later(() -> standIn(kept));
                            }
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                    },
                    "wharf-plugins-first");
            watcher.setDaemon(true);
            watcher.start();
        } catch (IOException e) {
            log.debug("plugin names no drivers", e);
        }
    }

    private void standIn(Shelf.Kept broken) {
        standIn(broken.stem(), broken.digest(), good -> {});
    }

    private void standIn(String stem, String brokenDigest, Consumer<Shelf.Kept> told) {
        try {
            Optional<Shelf.Kept> good = shelf.good(stem).filter(g -> !g.digest().equals(brokenDigest));
            if (good.isPresent()) {
                log.warn("the last plugin of its name that served stands in plugin={}", stem);
                told.accept(good.get());
                standInWith(good.get());
            }
        } catch (IOException e) {
            log.warn("no plugin stands in for one that cannot serve plugin={}", stem, e);
        }
    }

    private void standInWith(Shelf.Kept kept) {
        try {
            Plugin plugin = new Plugin();
            plugin.kept = Optional.of(kept);
            plugin.implementation = implementation(kept);
            Bundle bundle = context.installBundle(kept.location());
            plugin.bundle = Optional.of(bundle);
            Optional<String> trouble = start(bundle);
            if (trouble.isPresent()) {
                reject(kept, plugin.implementation, trouble.get());
                takeOut(bundle, threads());
            } else {
                Plugin before = standIns.put(kept.stem(), plugin);
                if (before != null) {
                    before.bundle.filter(b -> b != bundle).ifPresent(b -> takeOut(b, threads()));
                }
            }
        } catch (IOException | BundleException e) {
            log.warn("kept plugin cannot be brought back file={} reason={}", kept.file(), reason(e));
        }
    }

    private void later(Runnable deed) {
        synchronized (wishes) {
            wishes.add(deed);
        }
        bell.release();
    }

    // ---- one comes, is replaced, or goes

    private void come(Path file, Plugin plugin) throws InterruptedException {
        Shelf.Kept kept;
        Manifesto says;
        try {
            kept = shelf.keep(stem(file), file);
            if (plugin.kept.isPresent()
                    && plugin.kept.get().digest().equals(kept.digest())
                    && plugin.bundle.isPresent()) {
                log.info("plugin is the same as before file={}", file);
                return;
            }
            says = Manifesto.of(kept.file());
        } catch (NoSuchFileException e) {
            return;
        } catch (IOException e) {
            log.warn("plugin is no bundle, and what it replaces stays file={} reason={}", file, reason(e));
            journal(
                    plugin.implementation.isEmpty() ? List.of() : driversOf(plugin.implementation),
                    file.getFileName().toString(),
                    reason(e));
            return;
        }
        String implementation = says.implementation() + "@" + kept.digest();
        Set<Thread> before = threads();
        Set<DriverId> expected = new HashSet<>(says.drivers());
        if (plugin.bundle.isPresent()) {
            expected.addAll(driversOf(plugin.implementation));
        }
        Bundle fresh;
        try {
            fresh = context.installBundle(kept.location());
        } catch (BundleException e) {
            reject(expected, implementation, reason(e));
            return;
        }
        Optional<String> trouble = start(fresh);
        boolean told = false;
        if (trouble.isEmpty() && (plugin.bundle.isPresent() || !expected.isEmpty())) {
            trouble = awaitVerdict(implementation, expected);
            told = trouble.isPresent() && wasTurnedAway(implementation);
        }
        if (trouble.isPresent() && (plugin.bundle.isPresent() || !told)) {
            if (!told) {
                reject(expected, implementation, trouble.get());
            }
            log.warn(
                    "plugin rejected file={} reason={} before={}",
                    file,
                    trouble.get(),
                    plugin.bundle.isPresent() ? "serves on" : "none");
            takeOut(fresh, before);
            return;
        }
        Optional<Bundle> old = plugin.bundle;
        plugin.bundle = Optional.of(fresh);
        plugin.kept = Optional.of(kept);
        plugin.implementation = implementation;
        old.ifPresent(b -> takeOut(b, minus(threads(), before)));
        Plugin stood = standIns.remove(kept.stem());
        if (stood != null && trouble.isEmpty()) {
            stood.bundle.filter(b -> b != fresh).ifPresent(b -> takeOut(b, minus(threads(), before)));
        }
        if (trouble.isEmpty()) {
            serves(kept);
        }
        log.info("plugin in place file={} implementation={} replaced={}", file, implementation, old.isPresent());
    }

    private void serves(Shelf.Kept kept) {
        try {
            shelf.serves(kept);
        } catch (IOException e) {
            log.warn("not noted which plugin served last plugin={}", kept.stem(), e);
        }
    }

    private void leave(String stem) {
        Plugin gone = plugins.remove(stem);
        Plugin stood = standIns.remove(stem);
        for (Plugin plugin : gone == null ? List.<Plugin>of() : stood == null ? List.of(gone) : List.of(gone, stood)) {
            plugin.bundle.ifPresent(b -> takeOut(b, Set.of()));
            log.info("plugin taken out plugin={} implementation={}", stem, plugin.implementation);
        }
    }

    /** What is served by an implementation now. */
    private List<DriverId> driversOf(String implementation) {
        return current()
                .map(a -> a.fleet().candidates().stream()
                        .filter(c -> c.implementation().equals(implementation) && c.standing() != Standing.REJECTED)
                        .map(Candidate::driver)
                        .toList())
                .orElse(List.of());
    }

    private boolean wasTurnedAway(String implementation) {
        return current()
                .map(a -> a.fleet().candidates().stream()
                        .anyMatch(c -> c.implementation().equals(implementation) && c.standing() == Standing.REJECTED))
                .orElse(false);
    }

    private Optional<Agent> current() {
        synchronized (door) {
            return agent;
        }
    }

    private Optional<Agent> awaitAgent() throws InterruptedException {
        synchronized (door) {
            long end = System.nanoTime() + VERDICT.toNanos();
            while (agent.isEmpty() && System.nanoTime() < end && !closing) {
                door.wait(BEAT.toMillis());
            }
            return agent;
        }
    }

    /** Waits until each expected driver of an implementation serves or may wait behind a better one; else why not. */
    private Optional<String> awaitVerdict(String implementation, Set<DriverId> expected) throws InterruptedException {
        Optional<Agent> known = awaitAgent();
        if (known.isEmpty()) {
            return Optional.empty();
        }
        long began = System.nanoTime();
        while (true) {
            List<Candidate> mine = known.get().fleet().candidates().stream()
                    .filter(c -> c.implementation().equals(implementation))
                    .toList();
            Optional<Candidate> rejected =
                    mine.stream().filter(c -> c.standing() == Standing.REJECTED).findFirst();
            if (rejected.isPresent()) {
                return Optional.of(rejected.get().why());
            }
            Set<DriverId> settled = mine.stream()
                    .filter(c -> c.standing() == Standing.SERVING || c.standing() == Standing.WAITING)
                    .map(Candidate::driver)
                    .collect(Collectors.toSet());
            boolean arriving = mine.stream().anyMatch(c -> c.standing() == Standing.ARRIVING);
            if (settled.containsAll(expected) && !arriving) {
                return Optional.empty();
            }
            long waited = System.nanoTime() - began;
            if (waited > (arriving ? VERDICT : APPEARANCE).toNanos()) {
                return Optional.of(
                        arriving
                                ? "its drivers were not asked within " + VERDICT.toSeconds() + " s"
                                : "it brings no " + words(minus(expected, settled))
                                        + ", which it should: its component may lack"
                                        + " a service or a setting that it needs");
            }
            Thread.sleep(50);
        }
    }

    private static String words(Set<DriverId> drivers) {
        return drivers.stream().map(d -> "driver " + d).sorted().collect(Collectors.joining(", "));
    }

    private static <T> Set<T> minus(Set<T> all, Set<T> some) {
        Set<T> rest = new HashSet<>(all);
        rest.removeAll(some);
        return rest;
    }

    private void reject(Shelf.Kept kept, String implementation, String why) {
        try {
            reject(Manifesto.of(kept.file()).drivers(), implementation, why);
        } catch (IOException e) {
            log.warn("plugin cannot be used implementation={} reason={}", implementation, why, e);
        }
    }

    /** @param drivers those it would have brought, and those it should have taken over */
    private void reject(Collection<DriverId> drivers, String implementation, String why) {
        log.warn("plugin cannot be used implementation={} reason={}", implementation, why);
        journal(drivers, implementation, why);
    }

    private void journal(Collection<DriverId> drivers, String implementation, String why) {
        current().ifPresentOrElse(a -> drivers.forEach(d -> a.fleet().turnAway(d, implementation, why)), () -> {
            if (!drivers.isEmpty() && !closing) {
                later(() -> awaitAndJournal(drivers, implementation, why));
            }
        });
    }

    private void awaitAndJournal(Collection<DriverId> drivers, String implementation, String why) {
        try {
            awaitAgent().ifPresent(a -> drivers.forEach(d -> a.fleet().turnAway(d, implementation, why)));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static String implementation(Shelf.Kept kept) throws IOException {
        return Manifesto.of(kept.file()).implementation() + "@" + kept.digest();
    }

    // ---- what a bundle does, on a thread of its own

    private Optional<String> start(Bundle bundle) {
        if (bundle.getHeaders().get(Constants.FRAGMENT_HOST) != null) {
            return Optional.empty();
        }
        return within("it did not start", patience, () -> {
            bundle.start(Bundle.START_TRANSIENT);
            return bundle;
        });
    }

    /** Takes a bundle out, and goes on without waiting where that takes long, as where it hangs in its own start. */
    private void takeOut(Bundle bundle, Set<Thread> othersThreads) {
        Thread helper = new Thread(() -> takeOutNow(bundle, othersThreads), "wharf-plugin-out");
        helper.setDaemon(true);
        helper.start();
        try {
            helper.join(SHORTLY.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Stops a bundle, which waits for whoever is inside its drivers, and takes it away with all it holds. */
    private void takeOutNow(Bundle bundle, Set<Thread> othersThreads) {
        String name = bundle.getSymbolicName() + "/" + bundle.getVersion();
        Set<String> classes = Threads.ownPackages(bundle);
        Optional<String> trouble = within("it did not stop", STOP, () -> {
            bundle.uninstall();
            return bundle;
        });
        if (trouble.isPresent()) {
            // To wire anew waits for the bundle under the framework's one lock, and this one may never let go of
            // itself.
            log.warn("plugin is not out yet implementation={} reason={}", name, trouble.get());
        } else {
            FrameworkWiring wiring = framework.adapt(FrameworkWiring.class);
            // Whoever else is wired to it, a plugin that uses a library of it, is wired anew; mostly that is nobody.
            wiring.refreshBundles(List.of(bundle));
        }
        List<Thread> left = Threads.leftBehind(classes, othersThreads, FAREWELL);
        if (!left.isEmpty()) {
            String names = left.stream().map(Thread::getName).sorted().collect(Collectors.joining(", "));
            log.warn("plugin left threads running implementation={} threads={}", name, names);
            journal(driversLeft(bundle), name, "it left " + left.size() + " threads running when it went: " + names);
        }
    }

    private List<DriverId> driversLeft(Bundle bundle) {
        try {
            return Manifesto.of(Path.of(java.net.URI.create(bundle.getLocation().substring("reference:".length()))))
                    .drivers();
        } catch (IOException e) {
            return List.of();
        }
    }

    private static Set<Thread> threads() {
        return new HashSet<>(Thread.getAllStackTraces().keySet());
    }

    private static Optional<String> within(String what, Duration deadline, Callable<Bundle> deed) {
        FutureTask<Bundle> task = new FutureTask<>(deed);
        Thread thread = new Thread(task, "wharf-plugin");
        thread.setDaemon(true);
        thread.start();
        try {
            task.get(deadline.toMillis(), TimeUnit.MILLISECONDS);
            return Optional.empty();
        } catch (TimeoutException e) {
            StackTraceElement[] at = thread.getStackTrace();
            thread.interrupt();
            return Optional.of(what + " within " + deadline.toSeconds() + " s"
                    + (at.length == 0 ? "" : ", it stands in " + at[0].getClassName() + "." + at[0].getMethodName()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.of("interrupted");
        } catch (ExecutionException e) {
            return Optional.of(reason(e));
        }
    }

    /** The innermost cause, which says most. */
    private static String reason(Throwable e) {
        Throwable cause = e;
        while (cause.getCause() != null && cause.getCause() != cause) {
            cause = cause.getCause();
        }
        String message = cause.getMessage();
        String text = message == null || message.isBlank() ? cause.toString() : message;
        return (cause instanceof BundleException || cause instanceof IOException
                        ? text
                        : cause.getClass().getSimpleName() + ": " + text)
                .lines()
                .findFirst()
                .orElse("")
                .strip();
    }

    // ---- the way back

    /** Brings a bundle back that was replaced. */
    boolean bringBack(String implementation, boolean lasting) {
        int at = implementation.lastIndexOf('@');
        if (at < 0) {
            return false;
        }
        try {
            Optional<Shelf.Kept> kept = shelf.find(implementation.substring(at + 1));
            if (kept.isEmpty()) {
                return false;
            }
            if (lasting) {
                Shelf.place(kept.get(), folder);
                bell.release();
            } else {
                later(() -> standInWith(kept.get()));
            }
            return true;
        } catch (IOException e) {
            log.warn("kept plugin cannot be brought back implementation={} reason={}", implementation, e.toString());
            return false;
        }
    }
}
