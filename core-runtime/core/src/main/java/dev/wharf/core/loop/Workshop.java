package dev.wharf.core.loop;

import dev.wharf.core.agent.Attendance;
import dev.wharf.core.agent.Tracing;
import dev.wharf.core.plan.Drivers;
import dev.wharf.core.plan.Gate;
import dev.wharf.model.ContainerId;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.model.ExecId;
import dev.wharf.model.ExecSpec;
import dev.wharf.model.LayerId;
import dev.wharf.model.Progress;
import dev.wharf.model.PullId;
import dev.wharf.model.Repository;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.content.ContentStore;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.kernel.Kernel;
import dev.wharf.spi.network.NetworkDriver;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import dev.wharf.spi.runtime.OciRuntime;
import dev.wharf.spi.storage.StorageDriver;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where steps find their tools: the gates, the ports that have no gate, and what is kept in memory for pulls under way. */
final class Workshop implements Drivers {
    private static final Logger log = LoggerFactory.getLogger(Workshop.class);

    /** How long a start waits for those who get something ready beside it. */
    private static final Duration ATTENDANCE = Duration.ofSeconds(1);

    /** How long a step waits for a tool that is not there. */
    private final Duration patience;

    private final InstantSource clock;
    final DriverGate<StorageDriver> storage;
    final DriverGate<NetworkDriver> network;
    final DriverGate<RegistryBackend> registry;
    final DriverGate<OciRuntime> runtime;
    private final Map<DriverKind, DriverGate<?>> gates = new EnumMap<>(DriverKind.class);
    final Port<Kernel> kernel = new Port<>("kernel");
    final Visits visits = new Visits();
    final Strays strays = new Strays();
    final Port<ContentStore> content = new Port<>("content store");
    final Port<FileCalls> files = new Port<>("file calls");
    final Questions questions = new Questions();
    final RegistryRoutes routes;

    final List<Attendance> attendances = new CopyOnWriteArrayList<>();

    /** How long drivers may take; said before the house is built. */
    Swaps.Deadlines deadlines = Swaps.Deadlines.USUAL;

    private volatile Tracing tracing = Tracing.OFF;
    private volatile boolean closing;
    private long arrivals;
    private volatile Predicate<LayerId> wanted = layer -> true;

    /** Whether everything that comes at the start is here; asked after each arrival until it says so. */
    private volatile BooleanSupplier complete = () -> true;

    private final Map<PullId, Client> clients = new ConcurrentHashMap<>();
    private final Map<PullId, Set<Consumer<Progress>>> listeners = new ConcurrentHashMap<>();

    Workshop(InstantSource clock, Duration patience) {
        this(clock, patience, new RegistryRoutes());
    }

    Workshop(InstantSource clock, Duration patience, RegistryRoutes routes) {
        this.clock = clock;
        this.routes = routes;
        this.patience = patience;
        storage = new DriverGate<>(patience);
        network = new DriverGate<>(patience);
        registry = new DriverGate<>(patience);
        runtime = new DriverGate<>(patience);
        gates.put(DriverKind.STORAGE, storage);
        gates.put(DriverKind.NETWORK, network);
        gates.put(DriverKind.REGISTRY, registry);
        gates.put(DriverKind.RUNTIME, runtime);
    }

    Map<DriverKind, DriverGate<?>> gates() {
        return gates;
    }

    /** The one through which steps reach a driver; there is one for each kind. */
    DriverGate<?> gate(DriverId driver) {
        return Objects.requireNonNull(gates.get(driver.driverKind()));
    }

    /** For whom a pull or push is. */
    private record Client(Credentials credentials, boolean present) {}

    /** A port of which there is one; it may come and go. */
    final class Port<T> {
        private final String what;
        private @Nullable T tool;

        Port(String what) {
            this.what = what;
        }

        synchronized void set(@Nullable T now) {
            tool = now;
            notifyAll();
            arrived();
        }

        synchronized void clear(T gone) {
            if (tool == gone) {
                tool = null;
            }
        }

        synchronized T get() throws DriverException {
            long end = System.nanoTime() + patience.toNanos();
            while (tool == null) {
                if (closing) {
                    throw DriverException.failure(
                            Failure.Kind.UNAVAILABLE, "the agent stops, and the " + what + " is not there");
                }
                long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                if (left <= 0) {
                    throw DriverException.failure(Failure.Kind.UNAVAILABLE, "the " + what + " is not there");
                }
                try {
                    wait(left);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw DriverException.failure(Failure.Kind.UNAVAILABLE, "interrupted waiting for the " + what);
                }
            }
            return tool;
        }

        private synchronized void wake() {
            notifyAll();
        }

        synchronized boolean isThere() {
            return tool != null;
        }
    }

    /** A tool came, a bundle is up, a network is there, or none is waited for any more: whoever waits looks again. */
    synchronized void arrived() {
        arrivals++;
        notifyAll();
    }

    private synchronized long arrivals() {
        return arrivals;
    }

    /** Looks, without a lock, whether all is there, now and after each arrival, until it is or patience ends. */
    boolean await(BooleanSupplier there) throws InterruptedException {
        long end = System.nanoTime() + patience.toNanos();
        long seen = arrivals();
        while (!there.getAsBoolean()) {
            synchronized (this) {
                while (arrivals == seen) {
                    long left = end - System.nanoTime();
                    if (left <= 0) {
                        return false;
                    }
                    TimeUnit.NANOSECONDS.timedWait(this, left);
                }
                seen = arrivals;
            }
        }
        return true;
    }

    /** From now on calls of drivers and of the kernel are told of. */
    void trace(Tracing by) {
        tracing = by;
        storage.trace(DriverKind.STORAGE, StorageDriver.class, by);
        network.trace(DriverKind.NETWORK, NetworkDriver.class, by);
        registry.trace(DriverKind.REGISTRY, RegistryBackend.class, by);
        runtime.trace(DriverKind.RUNTIME, OciRuntime.class, by);
    }

    /** The agent stops: nobody waits any longer for what is not there. */
    void closing() {
        closing = true;
        complete = () -> true;
        List.of(storage, network, registry, runtime).forEach(DriverGate::closing);
        List.of(kernel, content, files).forEach(Port::wake);
        arrived();
    }

    @Override
    public Gate<StorageDriver> storage() {
        return storage;
    }

    @Override
    public Gate<NetworkDriver> network() {
        return network;
    }

    @Override
    public Gate<OciRuntime> runtime() {
        return runtime;
    }

    /** Says who knows whether backends are still on their way: the one that is meant may not be the one that comes first. */
    void completeWhen(BooleanSupplier known) {
        complete = known;
    }

    void awaitComplete() throws DriverException {
        try {
            await(() -> complete.getAsBoolean());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw DriverException.failure(Failure.Kind.UNAVAILABLE, "interrupted while waiting for drivers that start");
        }
        complete = () -> true;
    }

    @Override
    public <R> R registry(Repository repository, Optional<DriverName> preferred, Gate.Use<RegistryBackend, R> use)
            throws DriverException {
        awaitComplete();
        Optional<DriverName> stays =
                preferred.filter(name -> registry.best(name).isPresent());
        return registry.useLong(stays.isPresent() ? stays.get() : backend(repository), use);
    }

    /** The backend that serves a repository: by the first route that is its, or else the first by rank that has it. */
    DriverName backend(Repository repository) throws DriverException {
        Optional<RegistryRoutes.Route> route = routes.of(repository);
        if (route.isPresent()) {
            return backend(route.get(), repository);
        }
        for (DriverGate.Standing one : registry.standings()) {
            if (one.serves() && serves(one.name(), repository)) {
                return one.name();
            }
        }
        throw DriverException.failure(
                Failure.Kind.UNAVAILABLE, "no registry backend serves " + repository + "; see wharf driver ls");
    }

    /** The last of a route's backends is not asked whether it has the repository: its answer is the one that people get. */
    private DriverName backend(RegistryRoutes.Route route, Repository repository) throws DriverException {
        List<DriverName> there = route.backends().stream()
                .filter(name -> registry.best(name).isPresent())
                .toList();
        for (int i = 0; i < there.size() - 1; i++) {
            if (serves(there.get(i), repository)) {
                return there.get(i);
            }
        }
        if (there.isEmpty()) {
            throw DriverException.failure(
                    Failure.Kind.UNAVAILABLE,
                    "the route \"" + route + "\" leads to no registry backend that is there; see wharf driver ls");
        }
        return there.get(there.size() - 1);
    }

    /** One backend that breaks when it is asked must not keep the others from being asked. */
    private boolean serves(DriverName name, Repository repository) {
        try {
            return registry.use(name, backend -> backend.serves(repository));
        } catch (DriverException | RuntimeException | LinkageError e) {
            log.warn("registry backend passed over name={} repository={} reason={}", name, repository, e.toString());
            return false;
        }
    }

    @Override
    public Kernel kernel() throws DriverException {
        Kernel watched = visits.watched(kernel.get());
        Tracing now = tracing;
        return now == Tracing.OFF ? watched : Overheard.of(Kernel.class, watched, now::kernelCall);
    }

    @Override
    public ContentStore content() throws DriverException {
        return strays.watched(content.get());
    }

    @Override
    public Credentials credentials(PullId pull) {
        Client client = clients.get(pull);
        return client == null ? Credentials.ANONYMOUS : client.credentials();
    }

    void lend(PullId pull, Credentials who) {
        clients.put(pull, new Client(who, true));
    }

    void giveUp(PullId push) {
        clients.computeIfPresent(push, (p, client) -> new Client(client.credentials(), false));
    }

    @Override
    public boolean isWanted(PullId push) {
        Client client = clients.get(push);
        return client == null || client.present();
    }

    @Override
    public void sideBySide(List<Part> parts) throws DriverException {
        SideBySide.run(parts);
    }

    /** A pull or push is over: nobody's secrets are kept, and nobody hears of it any more. */
    void forget(PullId pull) {
        clients.remove(pull);
        listeners.remove(pull);
    }

    boolean isWatched(PullId pull) {
        return listeners.containsKey(pull);
    }

    AutoCloseable watch(PullId pull, Consumer<Progress> listener) {
        listeners.computeIfAbsent(pull, p -> ConcurrentHashMap.newKeySet()).add(listener);
        return () -> listeners.computeIfPresent(pull, (p, all) -> {
            all.remove(listener);
            return all.isEmpty() ? null : all;
        });
    }

    @Override
    public boolean isWanted(LayerId layer) {
        return wanted.test(layer);
    }

    /** Says who knows which layers are wanted. */
    void wants(Predicate<LayerId> known) {
        wanted = known;
    }

    @Override
    public Answer ask(ContainerId container, DriverName name, ExecId exec, ExecSpec spec, Duration time)
            throws DriverException {
        return questions.ask(runtime, container, name, exec, spec, time);
    }

    @Override
    public void attend(ContainerId container) {
        try {
            for (Attendance each : attendances) {
                each.await(container, ATTENDANCE);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void progress(PullId pull, Progress progress) {
        // What is fetched or unpacked is so for every pull that waits for the same layer; what is sent goes to one
        // place.
        if (progress.kind().isOutgoing()) {
            listeners.getOrDefault(pull, Set.of()).forEach(l -> l.accept(progress));
        } else {
            listeners.values().forEach(all -> all.forEach(l -> l.accept(progress)));
        }
    }

    @Override
    public Instant now() {
        return clock.instant();
    }
}
