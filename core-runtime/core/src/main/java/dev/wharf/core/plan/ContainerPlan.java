package dev.wharf.core.plan;

import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.plan.Ladder.Rung;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Container.Place;
import dev.wharf.core.state.Container.Stopping;
import dev.wharf.core.state.Fact.Certainty;
import dev.wharf.core.state.Goal;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Network;
import dev.wharf.core.state.Stall;
import dev.wharf.core.state.Volume;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.ContainerSpec.Namespace;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverName;
import dev.wharf.model.ExecId;
import dev.wharf.model.ExecSpec;
import dev.wharf.model.Healthcheck;
import dev.wharf.model.MountSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.RestartPolicy;
import dev.wharf.model.Signal;
import dev.wharf.model.VolumeName;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.kernel.SandboxKey;
import dev.wharf.spi.storage.SnapshotKey;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a container needs next. From the foot up it holds a root file system, its mount, a sandbox, a place on each network,
 * a process made by the runtime, the process running, and the process frozen; beside them what the runtime keeps of a
 * process that ended.
 */
final class ContainerPlan implements Plan {
    /** After so many tries of a network or a layer, three seconds, whoever starts something on it is told that it does not come. */
    private static final int HOPELESS = 5;

    private final ContainerId id;

    ContainerPlan(ContainerId id) {
        this.id = id;
    }

    @Override
    public Proposal next(Host host, Instant now, Set<String> busy) {
        return host.container(id)
                .map(c -> new Turn(host, now, busy, c).next())
                .or(() -> Optional.ofNullable(host.kept().get(id)).map(c -> keep(c, now, busy)))
                .orElse(Proposal.REST);
    }

    /** A removed container has its files until its time is up. */
    private static Proposal keep(Container c, Instant now, Set<String> busy) {
        if (!busy.isEmpty()) {
            return Proposal.AWAIT;
        }
        if (c.rootfs().isAbsent()) {
            return Proposal.say(new ContainerEvent.Purged(c.id()));
        }
        if (c.stall().isPresent() && now.isBefore(c.stall().get().retryAt())) {
            return Proposal.until(c.stall().get().retryAt());
        }
        Instant until = c.keepUntil().orElse(Instant.MIN);
        return c.rootfs().isPresent() && now.isBefore(until)
                ? Proposal.restUntil(until)
                : Proposal.step(new ContainerStep.RemoveRootfs(
                        c.id(),
                        c.spec().storage(),
                        c.spec().runtime(),
                        c.stall().map(Stall::tries).orElse(0)));
    }

    private record Turn(Host host, Instant now, Set<String> busy, Container c) {
        Proposal next() {
            if (c.stall().isPresent() && now.isBefore(c.stall().get().retryAt())) {
                return Proposal.until(c.stall().get().retryAt());
            }
            boolean moving = host.move(SnapshotKey.of(c.id())).isPresent();
            boolean down = c.isBare() || c.keepsFiles() && c.isDown();
            if (c.goal() == Goal.REMOVED && down && busy.isEmpty() && !moving) {
                return farewell();
            }
            Optional<Proposal> move = busy.isEmpty() ? Moves.of(host, c, now) : Optional.empty();
            if (move.isPresent()) {
                return move.get();
            }
            Proposal next = ladder().next(busy).and(health()).and(Moves.originalOf(host, c, now, busy));
            boolean later = c.goal().wantsProcess()
                    && c.restartAt().isPresent()
                    && now.isBefore(c.restartAt().get());
            return later ? next.and(Proposal.until(c.restartAt().get())) : next;
        }

        /** A verdict that the last answers changed is written down; then the next question is asked when it is due. */
        private Proposal health() {
            Optional<String> verdict = c.newVerdict();
            if (verdict.isPresent()) {
                int streak = c.health().map(Container.Health::failingStreak).orElse(0);
                return Proposal.say(new ContainerEvent.HealthChanged(c.id(), verdict.get(), streak));
            }
            Optional<Instant> due = isCurrent() ? c.nextProbe() : Optional.empty();
            // An answer that is on its way is nothing to wait for.
            if (due.isEmpty() || busy.contains(ContainerStep.AskHealth.RUNG)) {
                return Proposal.REST;
            }
            return now.isBefore(due.get()) ? Proposal.restUntil(due.get()) : probe();
        }

        private Proposal probe() {
            ContainerSpec.Command command = c.spec().command();
            ExecSpec question = new ExecSpec(
                    host.probeCommand(c),
                    command.env(),
                    command.user(),
                    command.workingDir(),
                    false,
                    false,
                    false,
                    true,
                    true,
                    "");
            ExecId exec = new ExecId(
                    Digest.sha256(c.id() + "/" + c.generation() + "/" + now).hex());
            Duration patience =
                    c.spec().healthcheck().map(Healthcheck::patience).orElse(Duration.ZERO);
            return Proposal.step(
                    new ContainerStep.AskHealth(c.id(), c.generation(), runtime(), exec, question, patience));
        }

        private boolean isCurrent() {
            return c.process().last().map(p -> p.generation() == c.generation()).orElse(true);
        }

        private Ladder ladder() {
            boolean up = c.goal().wantsProcess();
            boolean due = c.restartAt().isEmpty() || !now.isBefore(c.restartAt().get());
            boolean current = isCurrent();
            boolean process = up && due && current;
            boolean ownSandbox = isOwn(c.spec().networking().sandbox());
            List<String> kept = new ArrayList<>(List.of("created"));
            List<Rung> rungs = new ArrayList<>();
            rungs.add(new Rung(
                    "rootfs",
                    c.goal() != Goal.REMOVED || c.keepsFiles(),
                    c.rootfs().certainty(),
                    List.of(),
                    this::prepare,
                    this::removeRootfs));
            rungs.add(new Rung(
                    "mount",
                    up,
                    c.mount().certainty(),
                    List.of("rootfs"),
                    this::mount,
                    () -> Proposal.step(new ContainerStep.UnmountRootfs(c.id(), tries()))));
            rungs.add(new Rung(
                    "sandbox",
                    up && ownSandbox,
                    c.sandbox().certainty(),
                    List.of(),
                    this::makeSandbox,
                    () -> Proposal.step(new ContainerStep.RemoveSandbox(c.id(), sandboxKey(), tries()))));
            for (Place place : c.places().values()) {
                String name = rung(place);
                if (place.wanted()) {
                    kept.add(name);
                }
                rungs.add(new Rung(
                        name,
                        up && place.wanted() && !isSandboxRenewed(),
                        certainty(place, up),
                        List.of("sandbox"),
                        () -> attach(place),
                        () -> detach(place)));
            }
            rungs.add(new Rung(
                    "created",
                    process,
                    madeCertainty(),
                    ownSandbox ? List.of("mount", "sandbox") : List.of("mount"),
                    this::create,
                    () -> Proposal.AWAIT));
            rungs.add(new Rung(
                    "running",
                    process,
                    runCertainty(),
                    kept,
                    () -> Proposal.step(new ContainerStep.StartProcess(c.id(), runtime())),
                    this::stop));
            rungs.add(new Rung(
                    "frozen",
                    c.goal() == Goal.PAUSED && current,
                    c.frozen().certainty(),
                    List.of("running"),
                    () -> Proposal.step(new ContainerStep.Freeze(c.id(), runtime())),
                    () -> Proposal.step(new ContainerStep.Thaw(c.id(), runtime(), tries()))));
            if (process && c.isRunning() && !c.isLimited()) {
                rungs.add(new Rung(
                        "limits",
                        true,
                        Certainty.DOUBTFUL,
                        List.of("running"),
                        () -> Proposal.step(
                                c.isUndoingLimits()
                                        ? new ContainerStep.RestoreLimits(
                                                c.id(), runtime(), c.spec().resources(), tries())
                                        : new ContainerStep.Limit(
                                                c.id(), runtime(), c.spec().resources())),
                        () -> Proposal.AWAIT));
            }
            rungs.add(new Rung(
                    "remains",
                    c.isRunning() || process && c.process().isPresent(),
                    c.remains().certainty(),
                    List.of("rootfs"),
                    () -> Proposal.AWAIT,
                    this::delete));
            return new Ladder(rungs);
        }

        /**
         * Holds nothing and is not wanted: it is gone, after the volumes it made for itself, if so wished. Whoever is told
         * that it is gone finds none of them; one that cannot be removed yet goes later, and is not waited for.
         */
        private Proposal farewell() {
            List<Event> events = new ArrayList<>();
            if (c.removeVolumes()) {
                List<Volume> own = volumesOfItsOwn();
                own.stream()
                        .filter(Volume::wanted)
                        .forEach(v -> events.add(new VolumeEvent.RemoveRequested(
                                v.name(), c.keepUntil().filter(t -> !v.spec().hasDevice()))));
                if (!events.isEmpty()) {
                    return Proposal.say(events);
                }
                if (own.stream().anyMatch(v -> !v.isKept() && v.stall().isEmpty())) {
                    return Proposal.AWAIT;
                }
            }
            if (c.keepsFiles()) {
                events.add(new ContainerEvent.Kept(c));
            }
            events.add(new ContainerEvent.Removed(c.id()));
            return Proposal.say(events);
        }

        /** The volumes that were made for it without a name and that nobody else uses. */
        private List<Volume> volumesOfItsOwn() {
            return c.spec().mounts().stream()
                    .filter(m ->
                            m.kind() == MountSpec.Kind.VOLUME && m.options().containsKey("anonymous"))
                    .map(m -> new VolumeName(m.source()))
                    .filter(name -> host.usersOf(name).stream()
                            .allMatch(user -> user.id().equals(c.id())))
                    .flatMap(name -> host.volume(name).stream())
                    .toList();
        }

        private Proposal prepare() {
            Optional<Proposal> volumes = c.hadFiles() ? Optional.empty() : awaitVolumes("rootfs");
            if (volumes.isPresent()) {
                return volumes.get();
            }
            ContainerStep.PrepareRootfs step = RuntimeSpecs.prepareRootfs(host, c);
            boolean waitedFor = c.goal().wantsProcess() || !c.hadFiles();
            return onImage("rootfs", waitedFor, waitedFor ? step : new ContainerStep.Restore(step, tries()));
        }

        private Proposal mount() {
            return onImage(
                    "mount",
                    true,
                    new ContainerStep.MountRootfs(
                            c.id(), c.spec().storage(), c.spec().autoRemove()));
        }

        /** A step that stands on the layers of the image, which are unpacked anew where they were lost. */
        private Proposal onImage(String rung, boolean waitedFor, ContainerStep step) {
            return host.lostBelow(c)
                    .map(layer -> layer.stall()
                            .filter(s -> s.tries() >= HOPELESS && waitedFor && !returnsByItself())
                            .map(s -> impossible(
                                    rung,
                                    "layer " + layer.spec().diffId() + " of its image is not there: "
                                            + s.failure().message()))
                            .orElse(Proposal.AWAIT))
                    .orElseGet(() -> Proposal.step(step));
        }

        private Proposal removeRootfs() {
            return Proposal.step(new ContainerStep.RemoveRootfs(c.id(), c.spec().storage(), runtime(), tries()));
        }

        /** One of before that nobody is in is made anew, for there may be devices in it that went to go with it. */
        private boolean isSandboxRenewed() {
            return !c.sandbox().isPresent() && c.sandbox().last().isPresent() && isVacant();
        }

        /**
         * A driver is told that an endpoint goes before the sandbox does in which it lies; and while a process is on its way
         * into it, or one of an older start on its way out, nobody knows yet whether it is to be made anew.
         */
        private Proposal makeSandbox() {
            if (isProcessComing() || !isCurrent()) {
                return Proposal.AWAIT;
            }
            boolean anew = isSandboxRenewed();
            boolean touched = busy.stream().anyMatch(rung -> rung.startsWith("endpoint:"))
                    || c.places().values().stream()
                            .anyMatch(place -> !place.fact().isAbsent());
            return anew && touched ? Proposal.AWAIT : Proposal.step(new ContainerStep.CreateSandbox(c.id(), anew));
        }

        private Proposal attach(Place place) {
            NetworkId network = place.endpoint().network();
            Optional<Network> known = host.network(network).filter(Network::wanted);
            if (known.isEmpty()) {
                return Proposal.say(new ContainerEvent.Failed(
                        c.id(),
                        "endpoint:" + network.value(),
                        new Failure(Failure.Kind.MISSING, "network " + network.value() + " not found")));
            }
            if (!known.get().device().isPresent()) {
                return known.get()
                        .stall()
                        .filter(s -> s.tries() >= HOPELESS && !returnsByItself() && !isLost(place))
                        .map(s -> impossible(
                                "endpoint:" + network.value(),
                                "network " + known.get().spec().name() + " is not there: "
                                        + s.failure().message()))
                        .orElse(Proposal.AWAIT);
            }
            if (!place.endpoint().ports().isEmpty() && leadElsewhere()) {
                return Proposal.AWAIT;
            }
            ContainerStep.AttachEndpoint step = new ContainerStep.AttachEndpoint(
                    c.id(),
                    known.get().spec(),
                    place.endpoint(),
                    c.sandbox().value().orElseThrow(),
                    readdressed(host.with(c.disconnecting(network)), host));
            return Proposal.step(isLost(place) ? new ContainerStep.Restore(step, tries()) : step);
        }

        /** Whether what runs had it already, so that it is to have it again, be it late. */
        private boolean isLost(Place place) {
            return c.isRunning() && place.fact().last().isPresent();
        }

        /** Whether it ran before and is to run again by itself, so that somebody counts on it more than on an answer. */
        private boolean returnsByItself() {
            return c.exit().isPresent()
                    && !c.isRunning()
                    && c.spec().restartPolicy().kind() != RestartPolicy.Kind.NO;
        }

        /** What runs is told of its new places, and so are those that are linked to it; others read of them when they start. */
        private List<ContainerStep.Readdressed> readdressed(Host before, Host after) {
            List<ContainerStep.Readdressed> all = new ArrayList<>();
            host.linkedTo(c.id()).stream()
                    .filter(Container::isRunning)
                    .forEach(owner ->
                            all.add(readdressed(owner.id(), owner.spec().runtime(), before, after)));
            if (c.isRunning() && !c.goal().equals(Goal.REMOVED)) {
                all.add(readdressed(c.id(), runtime(), before, after));
            }
            return all;
        }

        private static ContainerStep.Readdressed readdressed(
                ContainerId id, DriverName runtime, Host before, Host after) {
            return new ContainerStep.Readdressed(
                    runtime,
                    RuntimeSpecs.whereabouts(before, before.container(id).orElseThrow()),
                    RuntimeSpecs.whereabouts(after, after.container(id).orElseThrow()));
        }

        /** Whether ports lead to a place that is on its way out, whose they are until it is gone. */
        private boolean leadElsewhere() {
            return c.places().values().stream()
                    .anyMatch(p -> !p.wanted() && !p.endpoint().ports().isEmpty());
        }

        private Proposal detach(Place place) {
            NetworkId network = place.endpoint().network();
            Sandbox sandbox = c.sandbox().last().orElse(new Sandbox(sandboxKey(), Sandbox.HOST_PATH));
            return host.network(network)
                    .map(n -> Proposal.step(new ContainerStep.DetachEndpoint(
                            c.id(),
                            n.spec(),
                            place.endpoint(),
                            sandbox,
                            isInhabited(),
                            readdressed(host.with(c.connecting(place.endpoint())), host.with(c.disconnecting(network))),
                            tries())))
                    .orElseGet(() -> Proposal.step(new ContainerStep.ForgetEndpoint(c.id(), network, tries())));
        }

        /** Whether processes are or come in the sandbox, of this container or of one that shares it. */
        private boolean isInhabited() {
            return c.goal().wantsProcess() || !isVacant();
        }

        /** Whether no process is in the sandbox, of this container or of one that shares it. */
        private boolean isVacant() {
            Optional<ContainerId> here = Optional.of(c.id());
            return c.process().isAbsent()
                    && !isProcessComing()
                    && host.containers().values().stream()
                            .noneMatch(other -> !other.process().isAbsent()
                                    && other.spec()
                                            .networking()
                                            .sandbox()
                                            .container()
                                            .equals(here));
        }

        private boolean isProcessComing() {
            return busy.contains("created") || busy.contains("running");
        }

        /** Whether an endpoint is being let go just now, which may leave its device to a sandbox that nobody was to enter. */
        private boolean isEndpointLeaving() {
            return c.places().values().stream()
                    .anyMatch(place -> !place.fact().isAbsent() && busy.contains(rung(place)));
        }

        private static String rung(Place place) {
            return "endpoint:" + place.endpoint().network().value();
        }

        /** A place that is not wanted gives its address back even where nothing was ever attached. */
        private Certainty certainty(Place place, boolean up) {
            Certainty known = place.fact().certainty();
            return known == Certainty.ABSENT && !(up && place.wanted()) ? Certainty.DOUBTFUL : known;
        }

        private Proposal create() {
            if (!c.remains().isAbsent() || busy.contains("remains") || isEndpointLeaving()) {
                return Proposal.AWAIT;
            }
            Optional<Proposal> volumes = awaitVolumes("created").or(this::awaitDevices);
            if (volumes.isPresent()) {
                return volumes.get();
            }
            for (MountSpec mount : c.spec().mounts()) {
                if (mount.kind() == MountSpec.Kind.IMAGE
                        && RuntimeSpecs.topOf(host, mount).isEmpty()) {
                    return impossible(
                            "created", "image " + mount.source() + " cannot be mounted: it holds nothing, or is gone");
                }
            }
            Optional<ContainerId> joined = c.spec().networking().sandbox().container();
            Optional<Container> other = joined.flatMap(host::container);
            if (joined.isPresent() && other.filter(Container::isRunning).isEmpty()) {
                // Both may be on their way up, as after a boot.
                if (other.filter(o -> o.goal().wantsProcess()).isPresent()) {
                    return Proposal.AWAIT;
                }
                return impossible("created", "cannot join network of a non running container: " + joined.get());
            }
            return Proposal.step(RuntimeSpecs.createProcess(host, c));
        }

        /** What there is to do instead, while the directory of a volume is not there. */
        private Optional<Proposal> awaitVolumes(String rung) {
            for (VolumeName name : volumes()) {
                Optional<Volume> volume = host.volume(name).filter(Volume::wanted);
                if (volume.isEmpty()) {
                    return Optional.of(impossible(rung, "volume " + name + " is not there any more"));
                }
                if (!volume.get().path().isPresent()) {
                    return Optional.of(Proposal.AWAIT);
                }
            }
            return Optional.empty();
        }

        /** What there is to do instead, while the device of a volume is not mounted. */
        private Optional<Proposal> awaitDevices() {
            return volumes().stream()
                    .flatMap(name -> host.volume(name).stream())
                    .filter(volume -> volume.spec().hasDevice() && !volume.isMounted())
                    .map(volume -> volume.mountFailure()
                            .map(f -> impossible("created", f.message()))
                            .orElse(Proposal.AWAIT))
                    .findFirst();
        }

        private List<VolumeName> volumes() {
            return c.spec().mounts().stream()
                    .filter(mount -> mount.kind() == MountSpec.Kind.VOLUME)
                    .map(mount -> new VolumeName(mount.source()))
                    .toList();
        }

        private Proposal impossible(String rung, String message) {
            return Proposal.say(
                    new ContainerEvent.Failed(c.id(), rung, new Failure(Failure.Kind.UNAVAILABLE, message)));
        }

        /** A process that is being made or let go right now must first be known; then it is stopped, and then deleted. */
        private Proposal delete() {
            return isProcessComing()
                    ? Proposal.AWAIT
                    : Proposal.step(new ContainerStep.DeleteProcess(c.id(), runtime(), tries()));
        }

        /** The polite signal, the time it is given, the kill; then the exit comes by itself. */
        private Proposal stop() {
            Stopping stopping = c.stopping().orElse(new Stopping(Signal.KILL, now, true, 0));
            if (c.frozen().isPresent()) {
                return Proposal.AWAIT;
            }
            if (stopping.signaled() == 0) {
                return Proposal.step(new ContainerStep.StopProcess(c.id(), runtime(), stopping.signal(), tries()));
            }
            if (stopping.signaled() == 1 && !stopping.signal().equals(Signal.KILL)) {
                return now.isBefore(stopping.deadline())
                        ? Proposal.until(stopping.deadline())
                        : Proposal.step(new ContainerStep.StopProcess(c.id(), runtime(), Signal.KILL, tries()));
            }
            return Proposal.AWAIT;
        }

        private Certainty madeCertainty() {
            return c.process().certainty();
        }

        private Certainty runCertainty() {
            return c.isRunning() ? c.process().certainty() : Certainty.ABSENT;
        }

        private SandboxKey sandboxKey() {
            return c.sandbox().last().map(Sandbox::key).orElse(SandboxKey.of(c.id()));
        }

        private DriverName runtime() {
            return c.spec().runtime();
        }

        private int tries() {
            return c.stall().map(s -> s.tries()).orElse(0);
        }

        private static boolean isOwn(Namespace sandbox) {
            return sandbox.kind() == Namespace.Kind.PRIVATE || sandbox.kind() == Namespace.Kind.NONE;
        }
    }
}
