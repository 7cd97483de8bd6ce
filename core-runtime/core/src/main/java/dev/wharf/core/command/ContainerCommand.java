package dev.wharf.core.command;

import static dev.wharf.core.command.Decision.accept;
import static dev.wharf.core.command.Decision.act;
import static dev.wharf.core.command.Decision.refuse;
import static dev.wharf.core.command.Refusal.Kind.CONFLICT;
import static dev.wharf.core.command.Refusal.Kind.FORBIDDEN;
import static dev.wharf.core.command.Refusal.Kind.INVALID;
import static dev.wharf.core.command.Refusal.Kind.MISSING;
import static dev.wharf.core.command.Refusal.Kind.UNCHANGED;
import static dev.wharf.core.command.Refusal.Kind.UNMET;

import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.plan.ContainerStep;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Goal;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Link;
import dev.wharf.core.state.Network;
import dev.wharf.core.state.Volume;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.ContainerSpec.Namespace;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.ExecId;
import dev.wharf.model.ExecSpec;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.MountSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkWish;
import dev.wharf.model.Resources;
import dev.wharf.model.RestartPolicy;
import dev.wharf.model.Signal;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import dev.wharf.spi.Failure;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Wishes about containers. */
public sealed interface ContainerCommand extends Command {
    ContainerId container();

    String TOO_MANY_NAMES =
            "the aliases, links and options of a container on its networks take more than 256 KiB together";

    /** No end in sight: the deadline of a stop that waits for ever. */
    Instant NEVER = Instant.parse("9999-12-31T23:59:59Z");

    /**
     * Makes a container. Volumes its mounts name and nobody made are made with it.
     *
     * @param name without a slash
     */
    record Create(ContainerId container, String name, ContainerSpec spec) implements ContainerCommand {
        private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9_.-]+");

        @Override
        public Decision decide(Host host, Instant now) {
            if (!NAME.matcher(name).matches()) {
                return refuse(
                        INVALID, "Invalid container name (" + name + "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
            }
            Optional<Container> other = host.containerNamed(name);
            if (other.isPresent()) {
                return refuse(
                        CONFLICT,
                        "Conflict. The container name \"/" + name + "\" is already in use by container \""
                                + other.get().id()
                                + "\". You have to remove (or rename) that container to be able to reuse that name.");
            }
            Optional<Image> image = host.image(spec.image()).filter(Image::wanted);
            if (image.isEmpty()) {
                return refuse(MISSING, "No such image: " + spec.imageReference());
            }
            for (NetworkWish wish : spec.networking().networks()) {
                if (wish.awaited().isPresent()) {
                    continue;
                }
                Optional<Network> network = host.network(wish.network()).filter(Network::wanted);
                if (network.isEmpty()) {
                    return refuse(MISSING, "network " + wish.network() + " not found");
                }
                Optional<String> beyond = beyond(network.get(), wish);
                if (beyond.isPresent()) {
                    return refuse(
                            INVALID,
                            "invalid config for network " + network.get().spec().name() + ": " + beyond.get());
                }
            }
            if (!Container.hasRoomFor(spec.networking().networks())) {
                return refuse(INVALID, TOO_MANY_NAMES);
            }
            List<Event> events = new ArrayList<>();
            for (MountSpec mount : spec.mounts()) {
                if (mount.kind() == MountSpec.Kind.VOLUME) {
                    VolumeName volume = new VolumeName(mount.source());
                    Optional<Volume> known = host.volume(volume).filter(v -> !v.isKept());
                    if (known.isPresent() && !known.get().wanted()) {
                        return refuse(CONFLICT, "volume " + volume + " is being removed");
                    }
                    if (known.isEmpty()
                            && events.stream().noneMatch(e -> e.subject().equals(volume))) {
                        VolumeSpec own = mount.volume();
                        Optional<String> wrong = VolumeCommand.wrong(own);
                        if (wrong.isPresent()) {
                            return refuse(INVALID, "create " + volume + ": " + wrong.get());
                        }
                        events.add(new VolumeEvent.Created(own, now));
                    }
                }
            }
            List<LayerSpec> layers = image.get().layers();
            Optional<LayerId> top = layers.isEmpty()
                    ? Optional.empty()
                    : Optional.of(layers.get(layers.size() - 1).id());
            // A container lives where its image lives, wherever new images go now.
            ContainerSpec at = top.flatMap(host::layer)
                    .map(layer -> spec.withStorage(layer.storage()))
                    .orElse(spec);
            events.add(new ContainerEvent.Created(container, name, at, top, now));
            return accept(events)
                    .until(answer(container, ContainerEvent.RootfsPrepared.class))
                    .once(isOutOfTheWay(container));
        }
    }

    /** Starts a container that does not run; every choice it takes is made from {@code entropy}. */
    record Start(ContainerId container, Entropy entropy) implements ContainerCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return found(host, container, c -> judge(host, c));
        }

        private Decision judge(Host host, Container c) {
            ContainerSpec settled = Endpoints.settled(host, c.spec());
            return settled.equals(c.spec())
                    ? judge(host, c, List.of())
                    : judge(
                            host,
                            c.respecified(settled),
                            List.of(new ContainerEvent.NetworksChanged(container, settled)));
        }

        /** @param before what is written down first */
        private Decision judge(Host host, Container c, List<Event> before) {
            if (c.goal() == Goal.REMOVED) {
                return refuse(CONFLICT, "container is marked for removal and cannot be started");
            }
            if (c.goal() == Goal.PAUSED) {
                return refuse(CONFLICT, "cannot start a paused container, try unpause instead");
            }
            if (c.goal() == Goal.RUNNING && !c.isRestarting()) {
                return refuse(UNCHANGED, "container is already running");
            }
            Optional<ContainerId> joined = c.spec().networking().sandbox().container();
            Optional<Container> joinedOne = joined.flatMap(host::container);
            if (joined.isPresent() && joinedOne.isEmpty()) {
                return refuse(UNMET, "joining network namespace of container: No such container: " + joined.get());
            }
            if (joinedOne.isPresent() && !joinedOne.get().isRunning()) {
                return refuse(
                        CONFLICT,
                        "cannot join network namespace of a non running container: container "
                                + joinedOne.get().name() + " does not run");
            }
            for (Map.Entry<String, Namespace> shared : List.of(
                    Map.entry("PID", c.spec().namespaces().pid()),
                    Map.entry("IPC", c.spec().namespaces().ipc()),
                    Map.entry("UTS", c.spec().namespaces().uts()))) {
                Optional<ContainerId> other = shared.getValue().container();
                if (other.isPresent()
                        && !host.container(other.get())
                                .map(Container::isRunning)
                                .orElse(false)) {
                    return refuse(
                            UNMET,
                            "failed to join " + shared.getKey() + " namespace: container " + other.get()
                                    + " is not running");
                }
            }
            for (Link link : host.links(c)) {
                if (!link.target().isRunning()) {
                    return refuse(
                            CONFLICT,
                            "Cannot link to a non running container: /"
                                    + link.target().name() + " AS /" + c.name() + "/" + link.alias());
                }
                if (link.address(host).isEmpty()) {
                    return refuse(
                            CONFLICT,
                            "Cannot link to /" + link.target().name()
                                    + ", as it does not belong to the default network");
                }
            }
            try {
                List<EndpointSpec> places = new Endpoints(host, container, entropy).choose(c);
                List<Event> events = new ArrayList<>(before);
                events.add(new ContainerEvent.StartRequested(container, places));
                return accept(events)
                        .until(answer(container, ContainerEvent.Started.class))
                        .once(isOutOfTheWay(container));
            } catch (Endpoints.Impossible e) {
                Optional<Failure> failure = e.failure();
                if (failure.isEmpty()) {
                    return e.refused();
                }
                // What stands in the way may be gone tomorrow: the start was tried and failed, which is told of it
                // later.
                Event failed = new ContainerEvent.Failed(container, "places", failure.get());
                return accept(new ContainerEvent.StartRequested(container, List.of()), failed)
                        .once(isOutOfTheWay(container));
            }
        }
    }

    /**
     * Stops a container: the signal, and after the grace the kill.
     *
     * @param signal empty for the container's own
     * @param grace empty for the container's own; negative waits for ever
     */
    record Stop(ContainerId container, Optional<Signal> signal, Optional<Duration> grace) implements ContainerCommand {
        @Override
        public boolean letsGo() {
            return true;
        }

        @Override
        public Decision decide(Host host, Instant now) {
            return found(host, container, c -> {
                if (!c.isRunning() && !c.goal().wantsProcess()) {
                    return refuse(UNCHANGED, "container is already stopped");
                }
                Decision.Accepted stop = accept(new ContainerEvent.StopRequested(
                        container, signal.orElse(c.spec().stop().signal()), deadline(c, grace, now), false));
                return c.isRunning() || !c.process().isAbsent()
                        ? stop.until(answer(container, ContainerEvent.Exited.class))
                                .once(isOutOfTheWay(container))
                        : stop;
            });
        }
    }

    /** Kills a container: SIGKILL ends it and waits for the end; any other signal is just sent. */
    record Kill(ContainerId container, Signal signal) implements ContainerCommand {
        @Override
        public boolean letsGo() {
            return true;
        }

        @Override
        public Decision decide(Host host, Instant now) {
            return found(host, container, c -> {
                // Of what waits for its restart nothing runs that could be told; who asks for the end means the
                // restarts.
                boolean end = signal.equals(Signal.KILL)
                        || signal.equals(c.spec().stop().signal());
                if (!c.isRunning() && !(c.isRestarting() && end)) {
                    return notRunning(c);
                }
                if (c.isRunning() && !signal.equals(Signal.KILL)) {
                    return act(new ContainerStep.SendSignal(container, c.spec().runtime(), signal));
                }
                Decision.Accepted kill = accept(new ContainerEvent.StopRequested(container, signal, now, true));
                return c.process().isAbsent()
                        ? kill
                        : kill.until(answer(container, ContainerEvent.Exited.class))
                                .once(isOutOfTheWay(container));
            });
        }
    }

    /** Stops a container that runs, and starts it again; starts one that does not. */
    record Restart(ContainerId container, Optional<Signal> signal, Optional<Duration> grace, Entropy entropy)
            implements ContainerCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return found(host, container, c -> {
                boolean coming = c.goal() == Goal.RUNNING && !c.isRestarting();
                if (!c.isRunning() && !coming) {
                    return begin(host, now);
                }
                if (c.goal() == Goal.REMOVED) {
                    return refuse(CONFLICT, "container is marked for removal and cannot be started");
                }
                return accept(new ContainerEvent.RestartRequested(
                                container, signal.orElse(c.spec().stop().signal()), deadline(c, grace, now)))
                        .until(answer(container, ContainerEvent.Started.class))
                        .once(isOutOfTheWay(container));
            });
        }

        /** There is nothing to stop; it is still told as a restart. */
        private Decision begin(Host host, Instant now) {
            Decision start = new Start(container, entropy).decide(host, now);
            if (!(start instanceof Decision.Accepted accepted)) {
                return start;
            }
            List<Event> events = new ArrayList<>();
            events.add(new ContainerEvent.RestartRequested(container, Signal.KILL, now));
            events.addAll(accepted.events());
            return accept(events).until(accepted.until()).once(accepted.once());
        }
    }

    record Pause(ContainerId container) implements ContainerCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return found(host, container, c -> {
                if (!c.isRunning() || !c.goal().wantsProcess()) {
                    return notRunning(c);
                }
                if (c.goal() == Goal.PAUSED) {
                    return refuse(CONFLICT, "Container " + container + " is already paused");
                }
                return accept(new ContainerEvent.PauseRequested(container))
                        .until(answer(container, ContainerEvent.Frozen.class));
            });
        }
    }

    record Resume(ContainerId container) implements ContainerCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return found(host, container, c -> {
                if (c.goal() != Goal.PAUSED) {
                    return refuse(CONFLICT, "Container " + container + " is not paused");
                }
                return accept(new ContainerEvent.ResumeRequested(container))
                        .until(answer(container, ContainerEvent.Thawed.class));
            });
        }
    }

    record Rename(ContainerId container, String name) implements ContainerCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return found(host, container, c -> {
                if (!Create.NAME.matcher(name).matches()) {
                    return refuse(
                            INVALID,
                            "Error when allocating new name: Invalid container name (/" + name
                                    + "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
                }
                if (name.equals(c.name())) {
                    return refuse(INVALID, "Renaming a container with the same name as its current name");
                }
                Optional<Container> other = host.containerNamed(name);
                if (other.isPresent()) {
                    return refuse(
                            CONFLICT,
                            "Error when allocating new name: Conflict. The container name \"/" + name
                                    + "\" is already in use by container \""
                                    + other.get().id()
                                    + "\". You have to remove (or rename) that container to be able to reuse that name.");
                }
                return accept(new ContainerEvent.Renamed(container, c.name(), name));
            });
        }
    }

    /** Changes limits and, where given, the restart policy; what runs is changed where it runs. */
    record Update(ContainerId container, Resources resources, Optional<RestartPolicy> restartPolicy)
            implements ContainerCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return found(host, container, c -> {
                if (c.goal() == Goal.REMOVED) {
                    return refuse(CONFLICT, "container is marked for removal and cannot be \"update\"");
                }
                if (restartPolicy.isPresent()
                        && restartPolicy.get().kind() != RestartPolicy.Kind.NO
                        && c.spec().autoRemove()) {
                    return refuse(
                            CONFLICT,
                            "Cannot update container " + container
                                    + ": Restart policy cannot be updated because AutoRemove is enabled for the container");
                }
                Decision.Accepted update =
                        accept(new ContainerEvent.UpdateRequested(container, resources, restartPolicy));
                return c.isRunning() && !resources.equals(c.spec().resources())
                        ? update.until(answer(container, ContainerEvent.Limited.class))
                        : update;
            });
        }
    }

    /**
     * Removes a container.
     *
     * @param force whether one that runs is killed first
     * @param volumes whether the volumes it made for itself go with it
     * @param keep how long its files are kept, so that it can be had back; zero for not at all
     */
    record Remove(ContainerId container, boolean force, boolean volumes, Duration keep) implements ContainerCommand {
        @Override
        public boolean letsGo() {
            return true;
        }

        public Remove(ContainerId container, boolean force, boolean volumes) {
            this(container, force, volumes, Duration.ZERO);
        }

        @Override
        public Decision decide(Host host, Instant now) {
            return found(host, container, c -> {
                if (c.goal() == Goal.REMOVED) {
                    return refuse(CONFLICT, "removal of container " + container + " is already in progress");
                }
                if (!force && c.isPaused()) {
                    return refuse(
                            CONFLICT,
                            "cannot remove container \"" + c.name()
                                    + "\": container is paused and must be unpaused first");
                }
                if (!force && (c.isRunning() || c.goal().wantsProcess())) {
                    return refuse(
                            CONFLICT,
                            "cannot remove container \"" + c.name() + "\": container is "
                                    + (c.isRestarting() ? "restarting" : "running")
                                    + ": stop the container before removing or force remove");
                }
                return accept(new ContainerEvent.RemoveRequested(container, volumes, now, kept(keep, now)))
                        .until(answer(container, ContainerEvent.Removed.class).or(standsStill(container)));
            });
        }
    }

    /** Gives a container a place on one more network, now where it runs, at its next start where it does not. */
    private static ContainerSpec inSandbox(Container c, Namespace sandbox) {
        return c.spec().withNetworking(c.spec().networking().withSandbox(sandbox));
    }

    record Connect(ContainerId container, NetworkWish wish, Entropy entropy) implements ContainerCommand {
        /** Nobody goes to the host's network later. */
        public static final String HOST_FIRST =
                "cannot connect container to host network - container must be created in host network mode";

        /** Whoever is where another is, be it the host, is nowhere else. */
        public static final String SHARED =
                "container sharing network namespace with another container or host cannot be connected to any other"
                        + " network";

        /** Whoever is on no network is on no other. */
        public static final String ALONE =
                "container cannot be connected to multiple networks with one of the networks in private (none) mode";

        @Override
        public Decision decide(Host host, Instant now) {
            return settled(host, container, c -> {
                Optional<Network> network = host.network(wish.network()).filter(Network::wanted);
                if (network.isEmpty()) {
                    return refuse(MISSING, "network " + wish.network() + " not found");
                }
                Optional<Decision> special = special(c, network.get());
                if (special.isPresent()) {
                    return special.get();
                }
                Optional<String> beyond = beyond(network.get(), wish);
                if (beyond.isPresent()) {
                    return refuse(INVALID, beyond.get());
                }
                boolean known = c.spec().networking().networks().stream()
                        .anyMatch(w -> w.network().equals(wish.network()));
                // A place that it is just leaving is there until it has left, and another one would make it forgotten.
                if (c.isRunning() && (known || c.places().containsKey(wish.network()))) {
                    return twice(c, network.get());
                }
                List<NetworkWish> more = new ArrayList<>(c.spec().networking().networks());
                // Before it runs, to connect it once more is to wish something else of the same network.
                more.replaceAll(w -> w.network().equals(wish.network()) ? wish : w);
                if (!known) {
                    more.add(wish);
                }
                if (!Container.hasRoomFor(more)) {
                    return refuse(INVALID, TOO_MANY_NAMES);
                }
                ContainerSpec changed =
                        c.spec().withNetworking(c.spec().networking().withNetworks(more));
                Event respecified = new ContainerEvent.NetworksChanged(container, changed);
                if (!c.isRunning()) {
                    return accept(respecified);
                }
                try {
                    Endpoints endpoints = new Endpoints(host, container, entropy);
                    EndpointSpec place = endpoints.choose(c, network.get(), wish);
                    List<Event> events = new ArrayList<>(List.of(respecified));
                    endpoints.ranked(c.respecified(changed), place).stream()
                            .map(e -> new ContainerEvent.ConnectRequested(container, e))
                            .forEach(events::add);
                    return accept(events)
                            .until(e -> answer(container, ContainerEvent.EndpointAttached.class)
                                            .test(e)
                                    && !(e instanceof ContainerEvent.EndpointAttached attached
                                            && !attached.endpoint().network().equals(wish.network())));
                } catch (Endpoints.Impossible e) {
                    return e.refused();
                }
            });
        }

        /** What of the host's network, of another's and of none cannot be mixed with others, and what comes of none. */
        private Optional<Decision> special(Container c, Network network) {
            Namespace.Kind sandbox = c.spec().networking().sandbox().kind();
            String mode = network.spec().driver().value();
            boolean same = sandbox.name().toLowerCase(java.util.Locale.ROOT).equals(mode);
            if (same && (mode.equals("host") || mode.equals("none"))) {
                return Optional.of(
                        c.isRunning()
                                ? twice(c, network)
                                : accept(new ContainerEvent.NetworksChanged(container, c.spec())));
            }
            if (sandbox == Namespace.Kind.HOST || sandbox == Namespace.Kind.CONTAINER) {
                return Optional.of(refuse(INVALID, SHARED));
            }
            if (mode.equals("host")) {
                return Optional.of(refuse(INVALID, HOST_FIRST));
            }
            if (network.spec().configOnly()) {
                return Optional.of(refuse(FORBIDDEN, "cannot create endpoint on configuration-only network"));
            }
            boolean nowhere = c.spec().networking().networks().isEmpty();
            if (sandbox == Namespace.Kind.NONE || mode.equals("none") && !nowhere) {
                return Optional.of(refuse(INVALID, ALONE));
            }
            return mode.equals("none")
                    ? Optional.of(accept(new ContainerEvent.NetworksChanged(
                            container, inSandbox(c, new Namespace(Namespace.Kind.NONE, Optional.empty())))))
                    : Optional.empty();
        }

        private static Decision twice(Container c, Network network) {
            return refuse(
                    FORBIDDEN,
                    "endpoint with name " + c.name() + " already exists in network "
                            + network.spec().name());
        }
    }

    /** Ends a link on the default network; whoever runs is told of it in its hosts file. */
    record Unlink(ContainerId container, String alias) implements ContainerCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return found(host, container, c -> {
                if (host.links(c).stream().noneMatch(l -> l.alias().equals(alias))) {
                    return refuse(MISSING, "No such link: /" + c.name() + "/" + alias);
                }
                ContainerSpec changed =
                        c.spec().withNetworking(Link.without(c.spec().networking(), alias));
                return c.isRunning()
                        ? act(ContainerStep.TellUnlinked.of(host, c, changed))
                        : accept(new ContainerEvent.NetworksChanged(container, changed));
            });
        }
    }

    record Disconnect(ContainerId container, NetworkId network, boolean force) implements ContainerCommand {
        @Override
        public boolean letsGo() {
            return true;
        }

        @Override
        public Decision decide(Host host, Instant now) {
            return settled(host, container, c -> {
                Namespace.Kind sandbox = c.spec().networking().sandbox().kind();
                String mode = host.network(network)
                        .map(n -> n.spec().driver().value())
                        .orElse("");
                if (sandbox == Namespace.Kind.HOST && mode.equals("host")) {
                    return refuse(
                            INVALID,
                            "cannot disconnect container from host network - container was created in host network mode");
                }
                if (sandbox == Namespace.Kind.NONE && mode.equals("none")) {
                    // A sandbox of its own all the same, which may go on another network now.
                    return accept(new ContainerEvent.NetworksChanged(container, inSandbox(c, Namespace.PRIVATE)));
                }
                boolean known = c.places().containsKey(network)
                        || c.spec().networking().networks().stream()
                                .anyMatch(w -> w.network().equals(network));
                if (!known) {
                    return refuse(
                            UNMET,
                            "container " + container + " is not connected to "
                                    + (c.isRunning() ? "network " : "the network ")
                                    + host.network(network)
                                            .map(n -> n.spec().name())
                                            .orElse(network.value()));
                }
                List<NetworkWish> fewer = c.spec().networking().networks().stream()
                        .filter(w -> !w.network().equals(network))
                        .toList();
                Event respecified = new ContainerEvent.NetworksChanged(
                        container, c.spec().withNetworking(c.spec().networking().withNetworks(fewer)));
                if (!c.places().containsKey(network)) {
                    return accept(respecified);
                }
                Event leaving = new ContainerEvent.DisconnectRequested(container, network);
                Optional<EndpointSpec> heir = Endpoints.heir(host, c, network);
                if (heir.isPresent()) {
                    return accept(respecified, leaving, new ContainerEvent.ConnectRequested(container, heir.get()))
                            .until(answer(container, ContainerEvent.EndpointAttached.class)
                                    .or(left(heir.get().network())));
                }
                return accept(respecified, leaving).until(left(network));
            });
        }

        private Predicate<Event> left(NetworkId one) {
            Predicate<Event> detached = e -> e instanceof ContainerEvent.EndpointDetached d
                    && d.container().equals(container)
                    && d.network().equals(one);
            return detached.or(standsStill(container));
        }
    }

    /** Has a removed container back, under {@code name}, and the volumes that went with it; those that are gone are made. */
    record Undelete(ContainerId container, String name) implements ContainerCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            Container removed = host.kept().get(container);
            if (removed == null) {
                return refuse(MISSING, "No such removed container: " + container);
            }
            if (!Create.NAME.matcher(name).matches()) {
                return refuse(
                        INVALID, "Invalid container name (" + name + "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
            }
            if (!removed.rootfs().isPresent()
                    || removed.keepUntil().map(now::isAfter).orElse(true)) {
                return refuse(CONFLICT, "the files of container " + name + " are being removed for good");
            }
            if (host.containerNamed(name).isPresent()) {
                return refuse(
                        CONFLICT,
                        "the name \"" + name + "\" is in use by another container; give this one another name");
            }
            List<Event> events = new ArrayList<>();
            for (MountSpec mount : removed.spec().mounts()) {
                if (mount.kind() == MountSpec.Kind.VOLUME) {
                    VolumeName volume = new VolumeName(mount.source());
                    Optional<Volume> known = host.volume(volume);
                    if (known.filter(Volume::isKept).isPresent()) {
                        events.add(new VolumeEvent.Undeleted(volume));
                    } else if (known.isEmpty()) {
                        events.add(new VolumeEvent.Created(mount.volume(), now));
                    } else if (!known.get().wanted()) {
                        return refuse(CONFLICT, "volume " + volume + " is being removed");
                    }
                }
            }
            events.add(new ContainerEvent.Undeleted(container, name));
            return accept(events.stream().distinct().toList());
        }
    }

    /** Gives up what is kept of a removed container. */
    record Purge(ContainerId container) implements ContainerCommand {
        @Override
        public boolean letsGo() {
            return true;
        }

        @Override
        public Decision decide(Host host, Instant now) {
            return host.kept().containsKey(container)
                    ? accept(new ContainerEvent.PurgeRequested(container, now))
                            .until(e -> e instanceof ContainerEvent.Purged p
                                    && p.container().equals(container))
                    : refuse(MISSING, "No such removed container: " + container);
        }
    }

    private static Decision notRunning(Container c) {
        return refuse(
                CONFLICT,
                c.isRestarting()
                        ? "Container " + c.id() + " is restarting, wait until the container is running"
                        : "container " + c.id() + " is not running");
    }

    /** Until when to keep what is removed now. */
    static Optional<Instant> kept(Duration keep, Instant now) {
        return keep.isZero() ? Optional.empty() : Optional.of(now.plus(keep));
    }

    /** Prepares a command to run in a running container. */
    record CreateExec(ContainerId container, ExecId exec, ExecSpec spec) implements ContainerCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return found(host, container, c -> {
                if (c.isPaused()) {
                    return refuse(CONFLICT, "Container " + c.name() + " is paused, unpause the container before exec");
                }
                if (!c.isRunning()) {
                    return notRunning(c);
                }
                if (!c.hasRoomFor(spec)) {
                    return refuse(
                            INVALID,
                            "the commands that run in container " + container + " and this one are too long together,"
                                    + " with their environment; put some of it in a file");
                }
                return accept(new ContainerEvent.ExecCreated(container, exec, spec));
            });
        }
    }

    /**
     * Runs a prepared command, once.
     *
     * @param rows and {@code columns} of its terminal at first, 0 where nobody says more than when it was prepared
     */
    record StartExec(ContainerId container, ExecId exec, int rows, int columns) implements ContainerCommand {
        public StartExec(ContainerId container, ExecId exec) {
            this(container, exec, 0, 0);
        }

        @Override
        public Decision decide(Host host, Instant now) {
            return found(host, container, c -> {
                Container.Exec known = c.execs().get(exec);
                if (known == null) {
                    return refuse(MISSING, "No such exec instance: " + exec);
                }
                if (known.started() || known.exitCode().isPresent()) {
                    String what = known.isRunning() ? "is already running" : "has already run";
                    return refuse(CONFLICT, "exec command " + exec + " " + what);
                }
                if (c.isPaused()) {
                    return refuse(CONFLICT, "Container " + c.name() + " is paused, unpause the container before exec");
                }
                if (!c.isRunning()) {
                    return notRunning(c);
                }
                ExecSpec asked =
                        known.spec().tty() && rows > 0 ? known.spec().withConsole(rows, columns) : known.spec();
                return act(new ContainerStep.RunExec(container, c.spec().runtime(), exec, asked));
            });
        }
    }

    /** Writes down that a client did something to a container that changes nothing, such as attaching to it. */
    record Note(ContainerId container, String action, Map<String, String> details) implements ContainerCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return found(host, container, c -> accept(new ContainerEvent.Noted(container, action, details)));
        }
    }

    /** What a wish asks of a network that only networks of one's own have, or only those whose subnet somebody chose. */
    private static Optional<String> beyond(Network network, NetworkWish wish) {
        List<String> addresses = Stream.of(wish.ipv4(), wish.ipv6())
                .filter(address -> !address.isEmpty())
                .toList();
        List<String> why = new ArrayList<>();
        if (network.spec().predefined() && !addresses.isEmpty()) {
            why.add("user specified IP address is supported on user defined networks only");
        }
        if (network.spec().predefined() && !wish.aliases().isEmpty()) {
            why.add("network-scoped alias is supported only for containers in user defined networks");
        }
        addresses.forEach(address -> outside(network, address).ifPresent(why::add));
        return why.isEmpty()
                ? Optional.empty()
                : Optional.of("invalid endpoint settings:\n"
                        + (why.size() == 1 ? why.get(0) : "* " + String.join("\n* ", why)));
    }

    private static Optional<String> outside(Network network, String address) {
        List<Addresses.Subnet> subnets = network.spec().pools().stream()
                .filter(pool -> !pool.chosen())
                .map(pool -> Addresses.Subnet.parse(pool.subnet()))
                .filter(subnet -> subnet.isIpv4() == address.indexOf(':') < 0)
                .toList();
        if (subnets.isEmpty()) {
            return Optional.of("user specified IP address is supported only when connecting to networks with user"
                    + " configured subnets");
        }
        return subnets.stream().anyMatch(subnet -> subnet.contains(address))
                ? Optional.empty()
                : Optional.of("no configured subnet or ip-range contain the IP address " + address);
    }

    private static Decision found(Host host, ContainerId id, Function<Container, Decision> judge) {
        return host.container(id).map(judge).orElseGet(() -> refuse(MISSING, "No such container: " + id));
    }

    /** Judges a container by the networks that it means by now. */
    private static Decision settled(Host host, ContainerId id, Function<Container, Decision> judge) {
        return found(host, id, c -> judge.apply(c.respecified(Endpoints.settled(host, c.spec()))));
    }

    private static Instant deadline(Container c, Optional<Duration> grace, Instant now) {
        Duration wait = grace.orElse(c.spec().stop().timeout());
        // Longer than there are years is for ever, too.
        boolean ends = !wait.isNegative() && wait.compareTo(Duration.between(now, NEVER)) < 0;
        return ends ? now.plus(wait) : NEVER;
    }

    /**
     * Answers with the first event of this kind, or with the failure that takes its place. Where neither comes, because
     * another wish overtook this one, the answer is given when the container rests.
     */
    private static Predicate<Event> answer(ContainerId id, Class<? extends ContainerEvent> kind) {
        return e -> e instanceof ContainerEvent c
                && c.container().equals(id)
                && (kind.isInstance(c)
                        || c instanceof ContainerEvent.Failed failed && takesThePlaceOf(kind, failed.rung())
                        || c instanceof ContainerEvent.Removed
                        || c instanceof ContainerEvent.Exited && kind != ContainerEvent.Removed.class && isOver(kind));
    }

    /** Nobody waits for a driver that is away or fails time and again: what it shall let go of goes once it can. */
    private static Predicate<Event> standsStill(ContainerId id) {
        return e -> e instanceof ContainerEvent.Stalled stalled
                && stalled.container().equals(id)
                && stalled.trouble().isPresent();
    }

    /**
     * Whoever hears that a container ended, or could not be made or started, goes on at once with its ports, its network or,
     * where it goes for its failure, its name and volumes; so these are free by then.
     */
    private static Predicate<Host> isOutOfTheWay(ContainerId id) {
        return host -> host.container(id)
                .map(c -> c.goal() == Goal.REMOVED && c.failure().isPresent()
                        ? c.stall().isPresent()
                        : host.isOutOfTheWay(c))
                .orElse(true);
    }

    /** Whether a failure on a rung is the end of the wait for this kind of event, and not another wish's. */
    private static boolean takesThePlaceOf(Class<? extends ContainerEvent> kind, String rung) {
        boolean way = kind == ContainerEvent.Started.class || kind == ContainerEvent.RootfsPrepared.class;
        return switch (rung) {
            case "frozen" -> kind == ContainerEvent.Frozen.class;
            case "limits" -> kind == ContainerEvent.Limited.class;
            default -> way || kind == ContainerEvent.EndpointAttached.class && rung.startsWith("endpoint:");
        };
    }

    /** Whether an exit ends the wait for this kind of event, because it can no longer come. */
    private static boolean isOver(Class<? extends ContainerEvent> kind) {
        return kind == ContainerEvent.Frozen.class
                || kind == ContainerEvent.Thawed.class
                || kind == ContainerEvent.Limited.class;
    }
}
