package dev.wharf.core.plan;

import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Stall;
import dev.wharf.model.ByteCount;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.DriverName;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.ExecId;
import dev.wharf.model.ExecSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.Resources;
import dev.wharf.model.Signal;
import dev.wharf.model.SubjectId;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.kernel.SandboxKey;
import dev.wharf.spi.network.Endpoint;
import dev.wharf.spi.runtime.OciRuntime;
import dev.wharf.spi.runtime.RuntimeSpec;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.StorageDriver;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The effects on containers. Steps up fail for good; steps down stall and are tried again. */
public sealed interface ContainerStep extends Step {
    ContainerId container();

    @Override
    default SubjectId subject() {
        return container();
    }

    /** A step on the way up. */
    sealed interface Up extends ContainerStep {
        @Override
        default Event failed(Failure failure, Instant now) {
            return new ContainerEvent.Failed(container(), rung(), failure);
        }
    }

    /** A step on the way down; {@code tries} says how often it stalled before. */
    sealed interface Down extends ContainerStep {
        int tries();

        @Override
        default Event failed(Failure failure, Instant now) {
            return new ContainerEvent.Stalled(
                    container(), new Stall(rung(), failure, now.plus(BackOff.after(tries())), tries() + 1));
        }
    }

    /** A step on the way down that clears away what an ended process has left. */
    sealed interface Clearance extends Down {
        @Override
        default boolean tidies() {
            return true;
        }
    }

    /** What {@code --storage-opt size=} asks for; checked when the container was created. */
    static Optional<Long> sizeLimit(ContainerSpec spec) {
        return Optional.ofNullable(spec.storageOptions().get("size")).flatMap(ByteCount::parse);
    }

    /** Holds a snapshot to its limit, where its driver can do such a thing. */
    static void limit(StorageDriver driver, SnapshotKey snapshot, long sizeBytes) throws DriverException {
        driver.capability(StorageDriver.Limiting.class)
                .orElseThrow(() -> DriverException.failure(
                        Failure.Kind.UNSUPPORTED,
                        "storage driver " + driver.name()
                                + " cannot limit the size of a container (--storage-opt size)"))
                .limit(snapshot, sizeBytes);
    }

    /**
     * Makes anew what was lost: files, or a place that somebody else took from what runs. Nobody waits for it, nobody wants the
     * container gone for it, and what runs goes on without.
     */
    record Restore(Up lost, int tries) implements Down {
        @Override
        public ContainerId container() {
            return lost.container();
        }

        @Override
        public String rung() {
            return lost.rung();
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            return lost.run(drivers);
        }
    }

    /**
     * Makes the container's files, and what others may look for before it is ever started.
     *
     * @param workingDir a directory to be made where the image has none; empty where there is nothing to make
     * @param fill empty volumes to fill from the image: path inside to volume directory
     */
    record PrepareRootfs(
            ContainerId container,
            DriverName storage,
            SnapshotKey parent,
            Optional<Long> limitBytes,
            String workingDir,
            Map<String, Path> fill)
            implements Up {
        public PrepareRootfs {
            fill = Map.copyOf(fill);
        }

        @Override
        public String rung() {
            return "rootfs";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            Snapshot made = prepare(drivers);
            if (!fill.isEmpty() || !workingDir.isEmpty()) {
                furnish(drivers);
            }
            return new ContainerEvent.RootfsPrepared(container, made);
        }

        /** From the image alone where that will do: to let go of a file system that could be written to takes a sync of all. */
        private void furnish(Drivers drivers) throws DriverException {
            boolean missing = !workingDir.isEmpty();
            if (!parent.equals(SnapshotKey.SCRATCH)) {
                try {
                    List<Mount> image = drivers.storage().use(storage, s -> s.mounts(parent));
                    Path view = drivers.kernel().pin(container, 0, image, "");
                    for (Map.Entry<String, Path> volume : fill.entrySet()) {
                        drivers.kernel().copyUp(view, volume.getKey(), volume.getValue());
                    }
                    missing = missing && !drivers.kernel().isDirectory(view, workingDir);
                } finally {
                    drivers.kernel().unpin(container);
                }
            }
            if (missing) {
                List<Mount> own = drivers.storage().use(storage, s -> s.mounts(SnapshotKey.of(container)));
                try {
                    drivers.kernel().makeDirectory(drivers.kernel().mountRootfs(container, own), workingDir);
                } finally {
                    drivers.kernel().unmountRootfs(container);
                }
            }
        }

        private Snapshot prepare(Drivers drivers) throws DriverException {
            return drivers.storage().use(storage, s -> {
                Snapshot made = s.prepare(SnapshotKey.of(container), parent);
                if (limitBytes.isPresent()) {
                    limit(s, made.key(), limitBytes.get());
                }
                return made;
            });
        }
    }

    /** @param passing whether the container goes when it ends */
    record MountRootfs(ContainerId container, DriverName storage, boolean passing) implements Up {
        @Override
        public String rung() {
            return "mount";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            drivers.kernel().expectNewcomer();
            List<Mount> mounts = drivers.storage().use(storage, this::mounts);
            Path target = drivers.kernel().mountRootfs(container, mounts);
            return new ContainerEvent.RootfsMounted(container, target);
        }

        private List<Mount> mounts(StorageDriver driver) throws DriverException {
            SnapshotKey key = SnapshotKey.of(container);
            Optional<StorageDriver.Passing> sparing =
                    passing ? driver.capability(StorageDriver.Passing.class) : Optional.empty();
            return sparing.isPresent() ? sparing.get().passingMounts(key) : driver.mounts(key);
        }
    }

    /** @param anew whether one that is there may hold what is left of before, and nobody is in it */
    record CreateSandbox(ContainerId container, boolean anew) implements Up {
        @Override
        public String rung() {
            return "sandbox";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            if (anew) {
                drivers.kernel().removeSandbox(SandboxKey.of(container));
            }
            return new ContainerEvent.SandboxCreated(
                    container, drivers.kernel().createSandbox(SandboxKey.of(container)));
        }
    }

    /** What the files of a container that runs say of its addresses, and what they are to say. */
    record Readdressed(DriverName runtime, RuntimeSpec.Whereabouts before, RuntimeSpec.Whereabouts after) {
        void tell(Drivers drivers) throws DriverException {
            drivers.runtime().use(runtime, r -> {
                Optional<OciRuntime.Addressing> addressing = r.capability(OciRuntime.Addressing.class);
                if (addressing.isPresent()) {
                    addressing.get().readdress(before, after);
                }
                return runtime;
            });
        }
    }

    record AttachEndpoint(
            ContainerId container,
            NetworkSpec network,
            EndpointSpec endpoint,
            Sandbox sandbox,
            List<Readdressed> readdressed)
            implements Up {
        public AttachEndpoint {
            readdressed = List.copyOf(readdressed);
        }

        @Override
        public String rung() {
            return "endpoint:" + network.id().value();
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            Endpoint attached = drivers.network().use(network.driver(), n -> n.attach(network, endpoint, sandbox));
            Map<String, String> settings = endpoint.settings();
            if (!settings.isEmpty()) {
                tune(drivers, settings);
            }
            for (Readdressed each : readdressed) {
                each.tell(drivers);
            }
            return new ContainerEvent.EndpointAttached(container, attached);
        }

        /** A place whose settings cannot be had is no place: the next try would find its device there. */
        private void tune(Drivers drivers, Map<String, String> settings) throws DriverException {
            try {
                drivers.kernel().tune(sandbox, settings);
            } catch (DriverException e) {
                drivers.network().use(network.driver(), n -> {
                    n.detach(network, endpoint, sandbox);
                    return network;
                });
                throw e;
            }
        }
    }

    /**
     * Has the runtime make the first process.
     *
     * @param sources bind sources, and whether a missing one is made
     * @param fill empty volumes to fill from the image that could not be filled before: path inside to volume directory
     * @param pins what must be resolved and held before it can be mounted, by the target of the mount
     */
    record CreateProcess(
            RuntimeSpec spec,
            DriverName runtime,
            Map<Path, Boolean> sources,
            Map<String, Path> fill,
            Map<String, Pin> pins)
            implements Up {
        public CreateProcess {
            sources = Map.copyOf(sources);
            fill = Map.copyOf(fill);
            pins = Map.copyOf(pins);
        }

        /**
         * The source of a mount that is no plain path: what is at {@code inside} of a directory, or of a snapshot.
         *
         * @param snapshot whose content it is, and the driver that keeps it; empty where {@code directory} is meant
         * @param filled whether it gets what the image has at the target, if it is empty
         */
        record Pin(
                Path directory, Optional<Map.Entry<DriverName, SnapshotKey>> snapshot, String inside, boolean filled) {}

        @Override
        public ContainerId container() {
            return spec.container();
        }

        @Override
        public String rung() {
            return "created";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            for (Map.Entry<Path, Boolean> source : sources.entrySet()) {
                drivers.kernel().ensureBindSource(source.getKey(), source.getValue());
            }
            for (Map.Entry<String, Path> volume : fill.entrySet()) {
                drivers.kernel().copyUp(spec.rootfs(), volume.getKey(), volume.getValue());
            }
            if (pins.isEmpty()) {
                return created(drivers, spec);
            }
            try {
                return created(drivers, pinned(drivers));
            } finally {
                drivers.kernel().unpin(spec.container());
            }
        }

        private RuntimeSpec pinned(Drivers drivers) throws DriverException {
            List<RuntimeSpec.BoundMount> mounts = new ArrayList<>();
            for (RuntimeSpec.BoundMount mount : spec.mounts()) {
                Pin pin = pins.get(mount.target());
                if (pin == null) {
                    mounts.add(mount);
                    continue;
                }
                List<Mount> source = pin.snapshot().isEmpty()
                        ? List.of(new Mount("bind", pin.directory().toString(), List.of("rbind")))
                        : drivers.storage()
                                .use(
                                        pin.snapshot().get().getKey(),
                                        s -> s.mounts(pin.snapshot().get().getValue()));
                Path held = drivers.kernel().pin(spec.container(), mounts.size(), source, pin.inside());
                if (pin.filled()) {
                    drivers.kernel().copyUp(spec.rootfs(), mount.target(), held);
                }
                mounts.add(new RuntimeSpec.BoundMount(mount.type(), held.toString(), mount.target(), mount.options()));
            }
            return spec.withMounts(mounts);
        }

        private Event created(Drivers drivers, RuntimeSpec whole) throws DriverException {
            return new ContainerEvent.ProcessCreated(
                    spec.container(),
                    drivers.runtime().use(runtime, r -> r.create(whole)),
                    spec.generation(),
                    Optional.of(spec.spec().resources()));
        }
    }

    record StartProcess(ContainerId container, DriverName runtime) implements Up {
        @Override
        public String rung() {
            return "running";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            drivers.attend(container);
            return new ContainerEvent.Started(
                    container, drivers.runtime().use(runtime, r -> r.start(container)), drivers.now());
        }
    }

    record Freeze(ContainerId container, DriverName runtime) implements Up {
        @Override
        public String rung() {
            return "frozen";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            drivers.runtime().use(runtime, r -> {
                capable(r, OciRuntime.Freezing.class, "pause").freeze(container);
                return container;
            });
            return new ContainerEvent.Frozen(container, drivers.now());
        }
    }

    record Limit(ContainerId container, DriverName runtime, Resources resources) implements Up {
        @Override
        public String rung() {
            return "limits";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            return limited(drivers, container, runtime, resources);
        }
    }

    /** Sets the limits of before, when others could not be set. */
    record RestoreLimits(ContainerId container, DriverName runtime, Resources resources, int tries) implements Down {
        @Override
        public String rung() {
            return "limits";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            // What is gone needs no limits; that it is gone is told elsewhere.
            unlessGone(() -> limited(drivers, container, runtime, resources));
            return new ContainerEvent.Limited(container, resources);
        }
    }

    record Thaw(ContainerId container, DriverName runtime, int tries) implements Down {
        @Override
        public String rung() {
            return "frozen";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            unlessGone(() -> drivers.runtime().use(runtime, r -> {
                capable(r, OciRuntime.Freezing.class, "resume").thaw(container);
                return container;
            }));
            return new ContainerEvent.Thawed(container);
        }
    }

    /** One signal of a stop on its way. A process that is gone already has had its signal. */
    record StopProcess(ContainerId container, DriverName runtime, Signal signal, int tries) implements Down {
        @Override
        public String rung() {
            return "running";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            send(drivers, container, runtime, signal, true);
            return new ContainerEvent.Signaled(container, signal, false);
        }
    }

    record DeleteProcess(ContainerId container, DriverName runtime, int tries) implements Clearance {
        @Override
        public String rung() {
            return "remains";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            drivers.runtime().use(runtime, r -> {
                r.delete(container);
                return container;
            });
            return new ContainerEvent.ProcessDeleted(container);
        }
    }

    record DetachEndpoint(
            ContainerId container,
            NetworkSpec network,
            EndpointSpec endpoint,
            Sandbox sandbox,
            boolean inhabited,
            List<Readdressed> readdressed,
            int tries)
            implements Clearance {
        public DetachEndpoint {
            readdressed = List.copyOf(readdressed);
        }

        @Override
        public String rung() {
            return "endpoint:" + network.id().value();
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            drivers.network().use(network.driver(), n -> {
                if (inhabited) {
                    n.detach(network, endpoint, sandbox);
                } else {
                    n.release(network, endpoint, sandbox);
                }
                return network;
            });
            for (Readdressed each : readdressed) {
                each.tell(drivers);
            }
            return new ContainerEvent.EndpointDetached(container, network.id(), !inhabited);
        }
    }

    /** Takes the line of a link out of the hosts file of a container that runs, by hand. */
    record TellUnlinked(ContainerId container, Readdressed readdressed, ContainerSpec changed)
            implements ContainerStep {
        /** @param changed without the link */
        public static TellUnlinked of(Host host, Container c, ContainerSpec changed) {
            Container after = c.respecified(changed);
            return new TellUnlinked(
                    c.id(),
                    new Readdressed(
                            c.spec().runtime(),
                            RuntimeSpecs.whereabouts(host, c),
                            RuntimeSpecs.whereabouts(host.with(after), after)),
                    changed);
        }

        @Override
        public String rung() {
            return "unlink";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            readdressed.tell(drivers);
            return new ContainerEvent.NetworksChanged(container, changed);
        }

        @Override
        public Event failed(Failure failure, Instant now) {
            return new ContainerEvent.Noted(container, "unlink-failed", Map.of("reason", failure.message()));
        }
    }

    /** Gives up a place whose network is gone, and with it the device that held it. */
    record ForgetEndpoint(ContainerId container, NetworkId network, int tries) implements Down {
        @Override
        public String rung() {
            return "endpoint:" + network.value();
        }

        @Override
        public Event run(Drivers drivers) {
            return new ContainerEvent.EndpointDetached(container, network);
        }
    }

    record RemoveSandbox(ContainerId container, SandboxKey key, int tries) implements Clearance {
        @Override
        public String rung() {
            return "sandbox";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            drivers.kernel().removeSandbox(key);
            return new ContainerEvent.SandboxRemoved(container);
        }
    }

    record UnmountRootfs(ContainerId container, int tries) implements Clearance {
        @Override
        public String rung() {
            return "mount";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            drivers.kernel().unmountRootfs(container);
            return new ContainerEvent.RootfsUnmounted(container);
        }
    }

    record RemoveRootfs(ContainerId container, DriverName storage, DriverName runtime, int tries) implements Down {
        @Override
        public String rung() {
            return "rootfs";
        }

        @Override
        public boolean destroys() {
            return true;
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            // The snapshot goes last: a survey sees it, and while it is there this step is taken again after a crash.
            drivers.runtime().use(runtime, r -> {
                r.forget(container);
                return container;
            });
            drivers.storage().use(storage, s -> {
                s.remove(SnapshotKey.of(container));
                return container;
            });
            return new ContainerEvent.RootfsRemoved(container);
        }
    }

    /** A signal by hand: sent once, recorded after, never repeated. */
    record SendSignal(ContainerId container, DriverName runtime, Signal signal) implements ContainerStep {
        @Override
        public String rung() {
            return "signal";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            send(drivers, container, runtime, signal, false);
            return new ContainerEvent.Signaled(container, signal, true);
        }

        @Override
        public Event failed(Failure failure, Instant now) {
            return new ContainerEvent.Noted(
                    container,
                    "signal-failed",
                    Map.of("reason", failure.message(), "kind", failure.kind().name()));
        }
    }

    /** A further command in a running container: run once, recorded after. */
    record RunExec(ContainerId container, DriverName runtime, ExecId exec, ExecSpec spec) implements ContainerStep {
        @Override
        public String rung() {
            return "exec:" + exec.value();
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            int pid = drivers.runtime()
                    .use(
                            runtime,
                            r -> capable(r, OciRuntime.Executing.class, "exec").exec(container, exec, spec));
            return new ContainerEvent.ExecStarted(container, exec, pid);
        }

        @Override
        public Event failed(Failure failure, Instant now) {
            return new ContainerEvent.ExecExited(container, exec, failure.exitCode(), failure.message());
        }
    }

    /** Asks a container whether it is well. */
    record AskHealth(
            ContainerId container, int generation, DriverName runtime, ExecId exec, ExecSpec spec, Duration patience)
            implements ContainerStep {
        static final String RUNG = "health";

        @Override
        public String rung() {
            return RUNG;
        }

        @Override
        public boolean asks() {
            return true;
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            Instant start = drivers.now();
            Drivers.Answer answer = drivers.ask(container, runtime, exec, spec, patience);
            return probed(start, drivers.now(), answer.code(), answer.output());
        }

        /** A question that cannot be asked is an answer, too. */
        @Override
        public Event failed(Failure failure, Instant now) {
            return probed(now, now, -1, failure.message());
        }

        private Event probed(Instant start, Instant end, int code, String output) {
            return new ContainerEvent.Probed(
                    container, generation, exec, new Container.Probe(start, end, code, output));
        }
    }

    private static Event limited(Drivers drivers, ContainerId container, DriverName runtime, Resources resources)
            throws DriverException {
        drivers.runtime().use(runtime, r -> {
            capable(r, OciRuntime.Limiting.class, "update").limit(container, resources);
            return container;
        });
        return new ContainerEvent.Limited(container, resources);
    }

    private static void send(
            Drivers drivers, ContainerId container, DriverName runtime, Signal signal, boolean goneIsFine)
            throws DriverException {
        Effect send = () -> drivers.runtime().use(runtime, r -> {
            r.signal(container, signal);
            return container;
        });
        if (goneIsFine) {
            unlessGone(send);
        } else {
            send.happen();
        }
    }

    /** Something done to a process. */
    interface Effect {
        Object happen() throws DriverException;
    }

    private static void unlessGone(Effect effect) throws DriverException {
        try {
            effect.happen();
        } catch (DriverException e) {
            if (e.failure().kind() != Failure.Kind.MISSING) {
                throw e;
            }
        }
    }

    private static <C extends dev.wharf.spi.Driver.Capability> C capable(OciRuntime runtime, Class<C> kind, String what)
            throws DriverException {
        return runtime.capability(kind)
                .orElseThrow(() -> DriverException.failure(
                        Failure.Kind.UNSUPPORTED, "runtime " + runtime.name() + " cannot " + what));
    }
}
