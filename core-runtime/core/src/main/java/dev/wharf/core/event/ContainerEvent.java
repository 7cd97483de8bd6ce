package dev.wharf.core.event;

import dev.wharf.core.state.Container;
import dev.wharf.core.state.Fact;
import dev.wharf.core.state.Goal;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Stall;
import dev.wharf.core.state.Volume;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.ExecId;
import dev.wharf.model.ExecSpec;
import dev.wharf.model.Exit;
import dev.wharf.model.InitProcess;
import dev.wharf.model.LayerId;
import dev.wharf.model.MountSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.Resources;
import dev.wharf.model.RestartPolicy;
import dev.wharf.model.Signal;
import dev.wharf.model.SubjectId;
import dev.wharf.model.VolumeName;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.network.Endpoint;
import dev.wharf.spi.storage.Snapshot;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What happens to containers: first the wishes, then what came of them, then trouble, then what was found. */
public sealed interface ContainerEvent extends Event {
    ContainerId container();

    @Override
    default SubjectId subject() {
        return container();
    }

    /** Volumes with a device of their own, which is mounted while somebody uses it. */
    @Override
    default List<SubjectId> touches(Host host) {
        List<MountSpec> mounts =
                host.container(container()).map(c -> c.spec().mounts()).orElse(List.of());
        // Nearly all events of nearly all hosts end here.
        if (mounts.isEmpty()) {
            return List.of();
        }
        return mounts.stream()
                .filter(m -> m.kind() == MountSpec.Kind.VOLUME)
                .flatMap(m -> host.volume(new VolumeName(m.source())).stream())
                .filter(v -> v.spec().hasDevice())
                .<SubjectId>map(Volume::name)
                .toList();
    }

    // ---- intents

    @EventType("container.created")
    record Created(ContainerId container, String name, ContainerSpec spec, Optional<LayerId> top, Instant at)
            implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.with(Container.created(container, name, spec, top, at)).used(spec, at);
        }
    }

    /** Addresses, interface names and host ports were chosen by whoever decided and are given back when it stops. */
    @EventType("container.start-requested")
    record StartRequested(ContainerId container, List<EndpointSpec> endpoints) implements ContainerEvent {
        public StartRequested {
            endpoints = endpoints == null ? List.of() : List.copyOf(endpoints);
        }

        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.starting(endpoints));
        }
    }

    @EventType("container.pause-requested")
    record PauseRequested(ContainerId container) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.aim(Goal.PAUSED));
        }
    }

    @EventType("container.resume-requested")
    record ResumeRequested(ContainerId container) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.aim(Goal.RUNNING));
        }
    }

    /** {@code kill} tells a plain kill from a stop that begins politely. */
    @EventType("container.stop-requested")
    record StopRequested(ContainerId container, Signal signal, Instant deadline, boolean kill)
            implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.stopping(signal, deadline, kill));
        }
    }

    @EventType("container.restart-requested")
    record RestartRequested(ContainerId container, Signal signal, Instant deadline) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.restarting(signal, deadline));
        }
    }

    @EventType("container.connect-requested")
    record ConnectRequested(ContainerId container, EndpointSpec endpoint) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.connecting(endpoint));
        }
    }

    @EventType("container.disconnect-requested")
    record DisconnectRequested(ContainerId container, NetworkId network) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.disconnecting(network));
        }
    }

    /** The networks a container that does not run now will be on when it starts. */
    @EventType("container.networks-changed")
    record NetworksChanged(ContainerId container, ContainerSpec spec) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.respecified(spec));
        }
    }

    @EventType("container.update-requested")
    record UpdateRequested(ContainerId container, Resources resources, Optional<RestartPolicy> restartPolicy)
            implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.updated(resources, restartPolicy));
        }
    }

    @EventType("container.renamed")
    record Renamed(ContainerId container, String oldName, String name) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.renamed(name));
        }
    }

    /** {@code keepUntil} says how long its files outlast it, so that it can be had back. */
    @EventType("container.remove-requested")
    record RemoveRequested(ContainerId container, boolean volumes, Instant at, Optional<Instant> keepUntil)
            implements ContainerEvent {
        public RemoveRequested(ContainerId container, boolean volumes, Instant at) {
            this(container, volumes, at, Optional.empty());
        }

        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.removing(volumes, at, keepUntil));
        }
    }

    /** A removed container is had back, under a name that is free. */
    @EventType("container.undeleted")
    record Undeleted(ContainerId container, String name) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            Container removed = host.kept().get(container);
            return removed == null ? host : host.keepingNoMore(container).with(removed.undeleted(name));
        }
    }

    /** The files of a removed container are kept no longer than now. */
    @EventType("container.purge-requested")
    record PurgeRequested(ContainerId container, Instant at) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            Container removed = host.kept().get(container);
            return removed == null ? host : host.keeping(removed.unkept(at));
        }
    }

    // ---- outcomes, on the way up

    @EventType("container.rootfs-prepared")
    record RootfsPrepared(ContainerId container, Snapshot snapshot) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.settled().rootfs(Fact.present(snapshot)));
        }
    }

    @EventType("container.rootfs-mounted")
    record RootfsMounted(ContainerId container, Path target) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.settled().mount(Fact.present(target)));
        }
    }

    @EventType("container.sandbox-created")
    record SandboxCreated(ContainerId container, Sandbox sandbox) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.settled().sandboxed(sandbox));
        }
    }

    @EventType("container.endpoint-attached")
    record EndpointAttached(ContainerId container, Endpoint endpoint) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.settled().endpoint(endpoint.network(), Fact.present(endpoint)));
        }
    }

    /** The runtime made the first process, which waits to be let go; {@code limits} are those it was made with. */
    @EventType("container.process-created")
    record ProcessCreated(ContainerId container, InitProcess process, int generation, Optional<Resources> limits)
            implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.settled().processCreated(process, generation, limits));
        }
    }

    @EventType("container.started")
    record Started(ContainerId container, InitProcess process, Instant at) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.running(process, at));
        }
    }

    @EventType("container.frozen")
    record Frozen(ContainerId container, Instant at) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.settled().frozen(Fact.present(at)));
        }
    }

    @EventType("container.limited")
    record Limited(ContainerId container, Resources resources) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.settled().limited(resources));
        }
    }

    // ---- outcomes, on the way down

    @EventType("container.thawed")
    record Thawed(ContainerId container) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.settled().frozen(Fact.absent()));
        }
    }

    /** A signal was sent, by a stop on its way or by hand. */
    @EventType("container.signaled")
    record Signaled(ContainerId container, Signal signal, boolean byHand) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(
                    container,
                    c -> byHand ? c.signaledByHand(signal) : c.settled().signaled(signal));
        }
    }

    @EventType("container.exited")
    record Exited(ContainerId container, Exit exit) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            Host after = host.change(container, c -> c.settled().exited(exit));
            return host.container(container)
                    .map(c -> after.used(c.spec(), exit.at()))
                    .orElse(after);
        }
    }

    /** The runtime keeps nothing more of the process: cgroup, state and monitor are gone. */
    @EventType("container.process-deleted")
    record ProcessDeleted(ContainerId container) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.settled().remains(Fact.absent()));
        }
    }

    /** @param deviceLeft whether the device went on lying in the sandbox, to go with it: as it is, that is not to be used again */
    @EventType("container.endpoint-detached")
    record EndpointDetached(ContainerId container, NetworkId network, boolean deviceLeft) implements ContainerEvent {
        public EndpointDetached(ContainerId container, NetworkId network) {
            this(container, network, false);
        }

        @Override
        public Host apply(Host host) {
            return host.change(container, c -> {
                Container after = c.settled().forgotten(network);
                return deviceLeft ? after.sandbox(after.sandbox().doubtful()) : after;
            });
        }
    }

    @EventType("container.sandbox-removed")
    record SandboxRemoved(ContainerId container) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.settled().sandbox(Fact.absent()));
        }
    }

    @EventType("container.rootfs-unmounted")
    record RootfsUnmounted(ContainerId container) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.settled().mount(Fact.absent()));
        }
    }

    @EventType("container.rootfs-removed")
    record RootfsRemoved(ContainerId container) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.settled().rootfs(Fact.absent()));
        }
    }

    /** Nothing of it is left but its history. */
    @EventType("container.removed")
    record Removed(ContainerId container) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.without(container);
        }

        @Override
        public List<SubjectId> touches(Host host) {
            return chain(host, host.container(container));
        }
    }

    /** A container that is about to be gone, whole: its files stay until {@code state} says. */
    @EventType("container.kept")
    record Kept(Container state) implements ContainerEvent {
        @Override
        public ContainerId container() {
            return state.id();
        }

        @Override
        public Host apply(Host host) {
            return host.keeping(state);
        }
    }

    /** The files of a removed container are gone, too. */
    @EventType("container.purged")
    record Purged(ContainerId container) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.keepingNoMore(container);
        }

        @Override
        public List<SubjectId> touches(Host host) {
            return chain(host, Optional.ofNullable(host.kept().get(container)));
        }
    }

    private static List<SubjectId> chain(Host host, Optional<Container> container) {
        List<SubjectId> chain = new ArrayList<>();
        Optional<LayerId> at = container.flatMap(Container::top);
        while (at.isPresent()) {
            chain.add(at.get());
            at = host.layer(at.get()).flatMap(l -> l.spec().parent());
        }
        return chain;
    }

    // ---- trouble

    /**
     * An effect on the way up did not work. Before the process runs the whole start is given up; beside a running process only
     * the wish itself is.
     */
    @EventType("container.failed")
    record Failed(ContainerId container, String rung, Failure failure) implements ContainerEvent {
        @Override
        public Optional<Failure> trouble() {
            return Optional.of(failure);
        }

        @Override
        public Host apply(Host host) {
            return host.change(container, c -> {
                Container doubted = doubt(c, rung);
                if (rung.equals("frozen")) {
                    return doubted.aim(Goal.RUNNING);
                }
                if (rung.equals("limits")) {
                    return doubted.unlimited(failure);
                }
                if (rung.startsWith("endpoint:") && c.isRunning()) {
                    return doubted.disconnecting(new NetworkId(rung.substring("endpoint:".length())));
                }
                return doubted.failed(failure);
            });
        }
    }

    /** An effect on the way down did not work; it will be tried again. */
    @EventType("container.stalled")
    record Stalled(ContainerId container, Stall stall) implements ContainerEvent {
        @Override
        public Optional<Failure> trouble() {
            return stall.lasting();
        }

        @Override
        public Host apply(Host host) {
            return host.change(container, c -> doubt(c, stall.rung()).stalled(stall));
        }
    }

    // ---- found

    /**
     * A survey found something else than was known. What is there is doubtful, so that it is made sure or let go; what is not
     * there is absent.
     */
    @EventType("container.observed")
    record Observed(ContainerId container, String rung, boolean there) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> there ? doubt(c, rung) : absent(c, rung));
        }
    }

    /** A health check was answered; {@code exec} is what asked. Its verdict, where that changes, is an event of its own. */
    @EventType("container.probed")
    record Probed(ContainerId container, int generation, ExecId exec, Container.Probe probe) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.probed(generation, probe));
        }
    }

    @EventType("container.health-changed")
    record HealthChanged(ContainerId container, String status, int failingStreak) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.judged(status, failingStreak));
        }
    }

    @EventType("container.out-of-memory")
    record OutOfMemory(ContainerId container) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host;
        }
    }

    /** A client did something to a container that changes nothing, such as attaching to it. */
    @EventType("container.noted")
    record Noted(ContainerId container, String action, java.util.Map<String, String> details)
            implements ContainerEvent {
        public Noted {
            // In the order in which they are stored, so that what is written again is the same, byte for byte.
            details = details == null
                    ? java.util.Map.of()
                    : java.util.Collections.unmodifiableMap(new java.util.LinkedHashMap<>(details));
        }

        @Override
        public Host apply(Host host) {
            return host;
        }
    }

    @EventType("container.exec-created")
    record ExecCreated(ContainerId container, ExecId exec, ExecSpec spec) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> c.exec(new Container.Exec(exec, spec, 0, Optional.empty(), false)));
        }
    }

    @EventType("container.exec-started")
    record ExecStarted(ContainerId container, ExecId exec, int pid) implements ContainerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(container, c -> {
                Container.Exec known = c.execs().get(exec);
                // Its environment is with it now, and nobody asks for it again.
                return known == null
                        ? c
                        : c.exec(
                                new Container.Exec(exec, known.spec().withEnv(List.of()), pid, known.exitCode(), true));
            });
        }
    }

    /** {@code reason} says why a command that could not be run ended so; empty for one that ran. */
    @EventType("container.exec-exited")
    record ExecExited(ContainerId container, ExecId exec, int code, String reason) implements ContainerEvent {
        public ExecExited {
            reason = reason == null ? "" : reason;
        }

        public ExecExited(ContainerId container, ExecId exec, int code) {
            this(container, exec, code, "");
        }

        @Override
        public Host apply(Host host) {
            return host.change(container, c -> {
                Container.Exec known = c.execs().get(exec);
                return known == null
                        ? c
                        : c.exec(new Container.Exec(exec, known.spec(), known.pid(), Optional.of(code), true));
            });
        }
    }

    @EventType("container.recorded")
    record Recorded(Container state) implements ContainerEvent {
        @Override
        public ContainerId container() {
            return state.id();
        }

        @Override
        public Host apply(Host host) {
            return host.with(state);
        }
    }

    /** A removed container whose files are kept, written down by a checkpoint. */
    @EventType("container.kept-recorded")
    record KeptRecorded(Container state) implements ContainerEvent {
        @Override
        public ContainerId container() {
            return state.id();
        }

        @Override
        public Host apply(Host host) {
            return host.keeping(state);
        }
    }

    private static Container doubt(Container c, String rung) {
        return switch (rung) {
            case "rootfs" -> c.rootfs(c.rootfs().doubtful());
            case "mount" -> c.mount(c.mount().doubtful());
            case "sandbox" -> c.sandbox(c.sandbox().doubtful());
            case "created", "running" ->
                c.process(c.process().doubtful()).remains(c.remains().doubtful());
            case "remains" -> c.remains(c.remains().doubtful());
            case "frozen" -> c.frozen(c.frozen().doubtful());
            default ->
                rung.startsWith("endpoint:")
                        ? c.endpoint(
                                new NetworkId(rung.substring("endpoint:".length())),
                                Optional.ofNullable(c.places().get(new NetworkId(rung.substring("endpoint:".length()))))
                                        .map(p -> p.fact().doubtful())
                                        .orElse(Fact.absent()))
                        : c;
        };
    }

    private static Container absent(Container c, String rung) {
        return switch (rung) {
            case "rootfs" -> c.rootfs(c.rootfs().lost());
            case "mount" -> c.mount(Fact.absent());
            case "sandbox" -> c.sandbox(Fact.absent());
            case "created", "running" -> c.process(Fact.absent());
            case "remains" -> c.remains(Fact.absent());
            case "frozen" -> c.frozen(Fact.absent());
            default ->
                rung.startsWith("endpoint:") ? unplugged(c, new NetworkId(rung.substring("endpoint:".length()))) : c;
        };
    }

    /** What runs keeps its place, which somebody else took the device of; it is made again as what it was. */
    private static Container unplugged(Container c, NetworkId network) {
        return c.endpoint(
                network,
                Optional.ofNullable(c.places().get(network))
                        .filter(place -> place.wanted() && c.isRunning())
                        .map(place -> place.fact().doubtful())
                        .orElse(Fact.absent()));
    }
}
