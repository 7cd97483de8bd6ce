package dev.wharf.core.loop;

import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.event.LayerEvent;
import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.plan.Gate;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Goal;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Layer;
import dev.wharf.core.state.Network;
import dev.wharf.core.state.Volume;
import dev.wharf.model.ContainerId;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverName;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.Exit;
import dev.wharf.model.InitProcess;
import dev.wharf.model.NetworkId;
import dev.wharf.model.SubjectId;
import dev.wharf.model.VolumeName;
import dev.wharf.spi.Driver;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.content.ContentStore;
import dev.wharf.spi.kernel.Kernel;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.network.Endpoint;
import dev.wharf.spi.network.NetworkDriver;
import dev.wharf.spi.runtime.OciRuntime;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.StorageDriver;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at the kernel and the disk as they are and says what is different from what is known. It is needed: a crash between
 * an effect and its event leaves a thing that no event names.
 */
final class Survey {
    private static final Logger log = LoggerFactory.getLogger(Survey.class);

    private static final String SNAPSHOT = "snapshot";
    private static final String BLOB = "blob";

    private final Workshop workshop;

    Survey(Workshop workshop) {
        this.workshop = workshop;
    }

    /** What was found: judged later, against the host as it is then, but for subjects touched meanwhile. */
    record Findings(List<Look> looks) {
        List<Event> against(Host host, Instant now, Set<SubjectId> touched) {
            List<Event> events = new ArrayList<>();
            for (Look look : looks) {
                look.compare(host, now).stream()
                        .filter(e -> !touched.contains(e.subject()))
                        .forEach(events::add);
            }
            return events;
        }

        /** What can be made again is made again; what somebody wrote cannot, and who misses it looks into the log. */
        static void tellOfLoss(Event event) {
            if (event instanceof ContainerEvent.Observed found && found.rung().equals("rootfs") && !found.there()) {
                log.warn("files of a container are gone, it begins anew container={}", found.container());
            } else if (event instanceof VolumeEvent.Observed found && !found.there()) {
                log.warn("data of a volume is gone, it begins anew volume={}", found.volume());
            }
        }
    }

    /** One port's findings. */
    interface Look {
        List<Event> compare(Host host, Instant now);
    }

    /** Reads everything there is. A port that cannot be read says nothing. */
    Findings look() {
        List<Look> looks = new ArrayList<>();
        attempt("kernel", () -> looks.addAll(kernel(workshop.kernel())));
        looks.addAll(lookAtProcesses().looks());
        for (StorageDriver storage : workshop.storage.serving()) {
            ask(workshop.storage, storage, looks, s -> storage(s));
        }
        for (NetworkDriver network : workshop.network.serving()) {
            ask(workshop.network, network, looks, n -> network(n, false));
        }
        attempt("content", () -> looks.add(content(workshop.content())));
        return new Findings(looks);
    }

    /** Reads which processes run, and no more: all that it takes to tell what became of containers while nobody looked. */
    Findings lookAtProcesses() {
        List<Look> looks = new ArrayList<>();
        for (OciRuntime runtime : workshop.runtime.serving()) {
            ask(workshop.runtime, runtime, looks, r -> runtime(r));
        }
        return new Findings(looks);
    }

    /**
     * Reads what networks have left.
     *
     * @param sure whether what is there is to be made whole as well, since rules may be missing that nobody counts
     */
    Findings lookAtNetworks(boolean sure) {
        List<Look> looks = new ArrayList<>();
        for (NetworkDriver network : workshop.network.serving()) {
            ask(workshop.network, network, looks, n -> network(n, sure));
        }
        return new Findings(looks);
    }

    private interface Reading {
        void read() throws DriverException;
    }

    private static void attempt(String what, Reading reading) {
        try {
            reading.read();
        } catch (DriverException e) {
            // Only an agent that stops interrupts who looks.
            if (!Thread.currentThread().isInterrupted()) {
                log.warn("cannot survey what={} reason={}", what, e.failure().message());
            }
        } catch (RuntimeException | LinkageError e) {
            log.error("survey broke what={}", what, e);
        }
    }

    /** One driver's part. Where it hangs, the others are looked at all the same. */
    private <D extends Driver> void ask(DriverGate<D> gate, D driver, List<Look> looks, Gate.Use<D, Look> reading) {
        gate.nameOf(driver)
                .ifPresent(name -> attempt(
                        name.value(),
                        () -> looks.add(Interview.ask(
                                "the survey of " + name, workshop.deadlines.call(), () -> gate.use(name, reading)))));
    }

    private static List<Look> kernel(Kernel kernel) throws DriverException {
        Map<ContainerId, Path> mounted = kernel.mountedRootfs();
        Set<ContainerId> sandboxes =
                kernel.sandboxes().stream().map(s -> s.key().container()).collect(Collectors.toSet());
        Set<Sandbox> exact = new HashSet<>(kernel.sandboxes());
        Map<VolumeName, Path> volumes = kernel.volumes();
        Set<VolumeName> devices = kernel.mountedVolumes();
        return List.of(
                (host, now) -> containers(
                        host,
                        "mount",
                        c -> c.mount().isPresent(),
                        c -> !c.mount().isAbsent(),
                        c -> mounted.containsKey(c.id())),
                (host, now) -> containers(
                        host,
                        "sandbox",
                        c -> c.sandbox().isPresent(),
                        c -> !c.sandbox().isAbsent(),
                        c -> c.sandbox()
                                .last()
                                .map(s -> exact.stream().anyMatch(e -> e.key().equals(s.key())))
                                .orElse(sandboxes.contains(c.id()))),
                (host, now) -> volumes(host, volumes, devices));
    }

    /** One that is somewhere else than it was went there with the data root. */
    static List<Event> volumes(Host host, Map<VolumeName, Path> found, Set<VolumeName> devices) {
        List<Event> events = new ArrayList<>();
        for (Volume volume : host.volumes().values()) {
            Optional<Path> there = Optional.ofNullable(found.get(volume.name()));
            if (volume.path().isPresent() && !volume.path().value().equals(there)) {
                events.add(there.<Event>map(path -> new VolumeEvent.Ready(volume.name(), path))
                        .orElseGet(() -> new VolumeEvent.Observed(volume.name(), false)));
            }
            if (volume.mount().isPresent() != devices.contains(volume.name())) {
                events.add(new VolumeEvent.MountObserved(volume.name(), devices.contains(volume.name())));
            }
        }
        return events;
    }

    private interface Is {
        boolean so(Container c);
    }

    private static List<Event> containers(Host host, String rung, Is present, Is known, Is there) {
        List<Event> events = new ArrayList<>();
        for (Container c : host.containers().values()) {
            if (present.so(c) && !there.so(c)) {
                events.add(new ContainerEvent.Observed(c.id(), rung, false));
            } else if (!known.so(c) && there.so(c)) {
                events.add(new ContainerEvent.Observed(c.id(), rung, true));
            }
        }
        return events;
    }

    private static Look runtime(OciRuntime runtime) throws DriverException {
        Map<ContainerId, OciRuntime.Found> found = new HashMap<>();
        runtime.survey().forEach(f -> found.put(f.container(), f));
        Set<ContainerId> frozen = frozen(runtime, found.values());
        DriverName name = runtime.name();
        return (host, now) -> {
            List<Event> events = new ArrayList<>();
            for (Container c : host.containers().values()) {
                if (c.spec().runtime().equals(name)) {
                    List<Event> told = process(c, Optional.ofNullable(found.get(c.id())), now);
                    events.addAll(told);
                    if (told.isEmpty() && c.isRunning() && c.frozen().isPresent() != frozen.contains(c.id())) {
                        events.add(new ContainerEvent.Observed(c.id(), "frozen", frozen.contains(c.id())));
                    }
                }
            }
            return events;
        };
    }

    /** Whoever has ended since it was found is not. */
    private static boolean isFrozen(OciRuntime.Freezing freezing, ContainerId container) throws DriverException {
        try {
            return freezing.isFrozen(container);
        } catch (DriverException e) {
            if (e.failure().kind() == Failure.Kind.MISSING) {
                return false;
            }
            throw e;
        }
    }

    private static Set<ContainerId> frozen(OciRuntime runtime, Collection<OciRuntime.Found> found) {
        Set<ContainerId> frozen = new HashSet<>();
        runtime.capability(OciRuntime.Freezing.class).ifPresent(freezing -> {
            for (OciRuntime.Found one : found) {
                if (one.process().isPresent() && one.started()) {
                    attempt("pause of container " + one.container(), () -> {
                        if (isFrozen(freezing, one.container())) {
                            frozen.add(one.container());
                        }
                    });
                }
            }
        });
        return frozen;
    }

    static List<Event> process(Container c, Optional<OciRuntime.Found> found, Instant now) {
        Optional<InitProcess> alive = found.flatMap(OciRuntime.Found::process);
        if (c.isRunning()) {
            boolean same = alive.isPresent()
                    && c.process()
                            .last()
                            .map(p -> isSame(p.init(), alive.get()))
                            .orElse(false);
            if (same) {
                return List.of();
            }
            // A true exit is told by the runtime's own listener; what nobody wrote down has to be concluded.
            Exit exit = found.flatMap(OciRuntime.Found::exit).orElse(new Exit(255, now, false, true));
            return List.of(new ContainerEvent.Exited(c.id(), exit));
        }
        Optional<Instant> startedAt = found.flatMap(OciRuntime.Found::startedAt);
        // What the runtime keeps of a process that nobody recorded, or not its start, is of none before it.
        boolean unrecorded = c.remains().isAbsent() || c.process().isPresent();
        if (startedAt.isPresent() && alive.isPresent() && c.goal() == Goal.RUNNING && unrecorded) {
            return List.of(
                    new ContainerEvent.ProcessCreated(c.id(), alive.get(), c.generation(), Optional.empty()),
                    new ContainerEvent.Started(c.id(), alive.get(), startedAt.get()));
        }
        Optional<Exit> ended = found.flatMap(OciRuntime.Found::exit);
        if (startedAt.isPresent() && ended.isPresent() && c.process().isPresent()) {
            // It has run, so it must not be run once more.
            InitProcess init = c.process().value().orElseThrow().init();
            return List.of(
                    new ContainerEvent.Started(c.id(), init, startedAt.get()),
                    new ContainerEvent.Exited(c.id(), ended.get()));
        }
        if (found.isPresent() && c.remains().isAbsent()) {
            return List.of(new ContainerEvent.Observed(c.id(), "created", true));
        }
        if (found.isEmpty() && !c.process().isAbsent()) {
            return List.of(new ContainerEvent.Observed(c.id(), "created", false));
        }
        return List.of();
    }

    static boolean isSame(InitProcess a, InitProcess b) {
        return a.pid() == b.pid() && a.startTicks() == b.startTicks();
    }

    private static Look storage(StorageDriver storage) throws DriverException {
        Set<SnapshotKey> there = storage.survey().stream().map(Snapshot::key).collect(Collectors.toSet());
        DriverName name = storage.name();
        return (host, now) -> {
            List<Event> events = new ArrayList<>();
            for (Container c : host.containers().values()) {
                if (c.spec().storage().equals(name)) {
                    boolean isThere = there.contains(SnapshotKey.of(c.id()));
                    if (c.rootfs().isPresent() && !isThere) {
                        events.add(new ContainerEvent.Observed(c.id(), "rootfs", false));
                    } else if (c.rootfs().isAbsent() && isThere) {
                        events.add(new ContainerEvent.Observed(c.id(), "rootfs", true));
                    }
                }
            }
            for (Container kept : host.kept().values()) {
                if (kept.spec().storage().equals(name)
                        && kept.rootfs().isPresent()
                        && !there.contains(SnapshotKey.of(kept.id()))) {
                    events.add(new ContainerEvent.Observed(kept.id(), "rootfs", false));
                }
            }
            for (Layer layer : host.layers().values()) {
                if (layer.storage().equals(name)) {
                    boolean isThere = there.contains(SnapshotKey.of(layer.id()));
                    if (layer.snapshot().isPresent() && !isThere) {
                        events.add(new LayerEvent.Observed(layer.id(), "snapshot", false));
                    } else if (layer.snapshot().isAbsent() && isThere) {
                        events.add(new LayerEvent.Observed(layer.id(), "snapshot", true));
                    }
                }
            }
            return events;
        };
    }

    /** A layer whose blob somebody else took away can be run and not be passed on; the next pull brings it anew. */
    private static Look content(ContentStore content) throws DriverException {
        Set<Digest> there = content.survey().keySet();
        return (host, now) -> host.layers().values().stream()
                .filter(l -> l.content()
                        .value()
                        .filter(blob -> !there.contains(blob.digest()))
                        .isPresent())
                .map(l -> (Event) new LayerEvent.Observed(l.id(), "content", false))
                .toList();
    }

    private static Look network(NetworkDriver network, boolean sure) throws DriverException {
        if (!network.leavesTraces()) {
            return (host, now) -> List.of();
        }
        Set<String> there = network.survey().stream().map(Endpoint::id).collect(Collectors.toSet());
        DriverName name = network.name();
        Optional<NetworkDriver.Watching> watching = network.capability(NetworkDriver.Watching.class);
        Set<NetworkId> standing = watching.isPresent() ? watching.get().standing() : Set.of();
        return (host, now) -> {
            List<Event> events = new ArrayList<>();
            for (Network one : host.networks().values()) {
                boolean ours = watching.isPresent() && one.spec().driver().equals(name);
                if (ours && one.device().isPresent() && (sure || !standing.contains(one.id()))) {
                    events.add(new NetworkEvent.Observed(one.id(), standing.contains(one.id())));
                }
            }
            for (Container c : host.containers().values()) {
                for (Container.Place place : c.places().values()) {
                    boolean ours = host.network(place.endpoint().network())
                            .map(n -> n.spec().driver().equals(name))
                            .orElse(false);
                    if (ours
                            && place.fact().isPresent()
                            && !there.contains(place.endpoint().id())) {
                        events.add(new ContainerEvent.Observed(
                                c.id(), "endpoint:" + place.endpoint().network().value(), false));
                    } else if (ours
                            && place.fact().isAbsent()
                            && there.contains(place.endpoint().id())) {
                        events.add(new ContainerEvent.Observed(
                                c.id(), "endpoint:" + place.endpoint().network().value(), true));
                    }
                }
            }
            return events;
        };
    }

    /** Something under our keys that belongs to no subject, and how it goes. */
    record Orphan(String kind, String key, Removal removal) {
        /** Whether it lies in the data root, where nothing lies that a journal never told of. */
        boolean isOnDisk() {
            return kind.equals(SNAPSHOT) || kind.equals(BLOB);
        }
    }

    interface Removal {
        /** Answers whether it is gone. */
        boolean remove() throws DriverException;
    }

    /**
     * What lies under our keys and belongs to no subject, in the order in which it can go. Only asked while nothing else is
     * going on, for what a step has made and not yet told would look like an orphan too.
     */
    List<Orphan> orphans(Host host) {
        List<Orphan> orphans = new ArrayList<>();
        workshop.runtime.serving().forEach(runtime -> orphans.addAll(orphans(runtime, () -> host)));
        attempt("kernel", () -> {
            Kernel kernel = workshop.kernel();
            for (ContainerId id : kernel.mountedRootfs().keySet()) {
                if (host.container(id).isEmpty()) {
                    add(orphans, "mount", id.value(), () -> kernel.unmountRootfs(id));
                }
            }
            for (Sandbox sandbox : kernel.sandboxes()) {
                boolean owned = host.container(sandbox.key().container())
                        .map(c -> c.sandbox()
                                .last()
                                .map(s -> s.key().equals(sandbox.key()))
                                .orElse(true))
                        .orElse(false);
                if (!owned) {
                    add(orphans, "sandbox", sandbox.key().value(), () -> kernel.removeSandbox(sandbox.key()));
                }
            }
        });
        workshop.network.serving().forEach(network -> orphans.addAll(orphans(network, () -> host)));
        workshop.storage.serving().forEach(storage -> orphans.addAll(orphans(storage, () -> host)));
        attempt("content", () -> blobs(workshop.content(), host, orphans));
        return orphans;
    }

    /** The same of a single driver, which nobody uses yet; {@code host} is asked when the driver has told what it has. */
    List<Orphan> orphans(Driver driver, Supplier<Host> host) {
        List<Orphan> orphans = new ArrayList<>();
        attempt(driver.name().value(), () -> {
            if (driver instanceof OciRuntime runtime) {
                processes(runtime, runtime.survey(), host.get(), orphans);
            } else if (driver instanceof NetworkDriver network) {
                endpoints(network, network.survey(), host.get(), orphans);
            } else if (driver instanceof StorageDriver storage) {
                snapshots(storage, storage.survey(), host.get(), orphans);
            }
        });
        return orphans;
    }

    /** Removes orphans, and answers what went. */
    static List<Event> sweep(List<Orphan> orphans) {
        List<Event> swept = new ArrayList<>();
        for (Orphan orphan : orphans) {
            attempt(orphan.kind() + " " + orphan.key(), () -> {
                if (orphan.removal().remove()) {
                    log.info("swept kind={} key={}", orphan.kind(), orphan.key());
                    swept.add(new HostEvent.Swept(orphan.kind(), orphan.key()));
                }
            });
        }
        return swept;
    }

    private static void processes(OciRuntime runtime, List<OciRuntime.Found> there, Host host, List<Orphan> orphans) {
        for (OciRuntime.Found found : there) {
            if (!host.owns(found.container())) {
                add(orphans, "container process", found.container().value(), () -> {
                    runtime.delete(found.container());
                    runtime.forget(found.container());
                });
            }
        }
    }

    private static void endpoints(NetworkDriver network, List<Endpoint> there, Host host, List<Orphan> orphans) {
        Set<String> owned = host.containers().values().stream()
                .flatMap(c -> c.places().values().stream())
                .map(p -> p.endpoint().id())
                .collect(Collectors.toSet());
        for (Endpoint endpoint : there) {
            Optional<Network> of = host.network(endpoint.network());
            if (!owned.contains(endpoint.id()) && of.isPresent()) {
                EndpointSpec enough = new EndpointSpec(
                        endpoint.id(),
                        endpoint.network(),
                        endpoint.hostInterface(),
                        "eth0",
                        "",
                        "",
                        "",
                        "",
                        endpoint.mac(),
                        List.of(),
                        List.of(),
                        Map.of());
                Sandbox nowhere = new Sandbox(
                        dev.wharf.spi.kernel.SandboxKey.of(new ContainerId("0".repeat(64)), 0), Sandbox.HOST_PATH);
                add(
                        orphans,
                        "endpoint",
                        endpoint.id(),
                        () -> network.detach(of.get().spec(), enough, nowhere));
            }
        }
    }

    private static void snapshots(StorageDriver storage, List<Snapshot> there, Host host, List<Orphan> orphans) {
        List<Snapshot> left = new ArrayList<>();
        for (Snapshot snapshot : there) {
            String key = snapshot.key().value();
            boolean ours = key.startsWith("layer-") || key.startsWith("container-");
            if (!ours || !host.keeps(snapshot.key(), storage.name())) {
                left.add(snapshot);
            }
        }
        // From the leaves down: a snapshot goes when nothing stands on it.
        while (!left.isEmpty()) {
            Set<SnapshotKey> parents = left.stream().map(Snapshot::parent).collect(Collectors.toSet());
            List<Snapshot> leaves =
                    left.stream().filter(s -> !parents.contains(s.key())).toList();
            if (leaves.isEmpty()) {
                return;
            }
            for (Snapshot leaf : leaves) {
                add(orphans, SNAPSHOT, leaf.key().value(), () -> storage.remove(leaf.key()));
            }
            left.removeAll(leaves);
        }
    }

    private static void blobs(ContentStore content, Host host, List<Orphan> orphans) throws DriverException {
        Set<Digest> owned = new HashSet<>();
        host.images().values().stream().flatMap(i -> i.documents().stream()).forEach(d -> owned.add(d.digest()));
        host.layers().values().forEach(l -> owned.add(l.spec().descriptor().digest()));
        host.pulls().values().stream()
                .flatMap(p -> p.resolved().stream())
                .flatMap(r -> Stream.concat(
                        Stream.of(r.target(), r.manifest(), r.configBlob()),
                        r.layers().stream().map(l -> l.descriptor())))
                .forEach(d -> owned.add(d.digest()));
        for (Digest digest : content.survey().keySet()) {
            if (!owned.contains(digest)) {
                orphans.add(new Orphan(BLOB, digest.toString(), () -> content.remove(digest)));
            }
        }
    }

    private static void add(List<Orphan> orphans, String kind, String key, Reading removal) {
        orphans.add(new Orphan(kind, key, () -> {
            removal.read();
            return true;
        }));
    }
}
