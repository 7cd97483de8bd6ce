package dev.wharf.engine.events;

import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Goal;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Pull;
import dev.wharf.core.state.Volume;
import dev.wharf.engine.networks.NetworkRoutes;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec.Namespace;
import dev.wharf.model.ExecId;
import dev.wharf.model.ImageId;
import dev.wharf.model.MountSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.Reference;
import dev.wharf.model.VolumeName;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Tells what the journal tells in Docker's words and order. It remembers which containers are being restarted, because Docker
 * tells a restart when it is over, and has containers leave their networks and then their volumes as soon as they end.
 */
final class Translator {
    /** An attribute of our own: the registry backend that an image came from or went to. */
    private static final String BACKEND = "wharf.backend";

    /** Another: the mirrors that the backend had the image's documents from. */
    private static final String MIRROR = "wharf.mirror";

    private final Set<ContainerId> restarting = new HashSet<>();

    /** Whose memory was told to have run out in this run, by the mark of the monitor or by the end. */
    private final Set<ContainerId> starved = new HashSet<>();

    /** The networks that containers are told to have left at their end, while they are still on them; volumes were left, too. */
    private final Map<ContainerId, Set<NetworkId>> left = new HashMap<>();

    List<EngineEvent> translate(Moment moment) {
        Event event = moment.event();
        if (event instanceof ContainerEvent c) {
            return container(moment, c);
        }
        if (event instanceof ImageEvent i) {
            return image(moment, i);
        }
        if (event instanceof NetworkEvent n) {
            return network(moment, n);
        }
        if (event instanceof VolumeEvent v) {
            return volume(moment, v);
        }
        if (event instanceof HostEvent.Pruned p) {
            return List.of(new EngineEvent(
                    p.kind(), "prune", "", Map.of("reclaimed", Long.toString(p.reclaimedBytes())), moment.at()));
        }
        return List.of();
    }

    // ---- containers

    private List<EngineEvent> container(Moment moment, ContainerEvent event) {
        ContainerId id = event.container();
        Optional<Container> known =
                moment.after().container(id).or(() -> moment.before().container(id));
        if (known.isEmpty()) {
            return List.of();
        }
        Telling tell = new Telling(known.get(), moment.at());
        Optional<Container> before = moment.before().container(id);
        if (event instanceof ContainerEvent.Created || event instanceof ContainerEvent.Undeleted) {
            tell.say("create");
        } else if (event instanceof ContainerEvent.RestartRequested) {
            restarting.add(id);
        } else if (event instanceof ContainerEvent.ProcessCreated) {
            common(known.get(), moment, "connect", tell);
            for (NetworkId network : Optional.ofNullable(left.remove(id)).orElseGet(HashSet::new)) {
                connected(moment, network, id, "connect", tell);
            }
            mounts(known.get(), moment, true, tell);
        } else if (event instanceof ContainerEvent.Started) {
            tell.say("start");
            starved.remove(id);
            if (restarting.remove(id)) {
                tell.say("restart");
            }
        } else if (event instanceof ContainerEvent.Signaled signaled) {
            tell.say("kill", Map.of("signal", Integer.toString(signaled.signal().number())));
        } else if (event instanceof ContainerEvent.StopRequested stop) {
            if (before.map(c -> !c.isRunning()).orElse(false) && !stop.kill()) {
                tell.say("stop");
            }
        } else if (event instanceof ContainerEvent.Exited exited) {
            exited(exited, before, moment, tell);
        } else if (event instanceof ContainerEvent.Frozen) {
            tell.say("pause");
        } else if (event instanceof ContainerEvent.Thawed) {
            if (before.map(c -> c.goal() == Goal.RUNNING).orElse(false)) {
                tell.say("unpause");
            }
        } else if (event instanceof ContainerEvent.OutOfMemory) {
            if (starved.add(id) || known.get().isRunning()) {
                tell.say("oom");
            }
        } else if (event instanceof ContainerEvent.Renamed renamed) {
            tell.say("rename", Map.of("oldName", "/" + renamed.oldName()));
        } else if (event instanceof ContainerEvent.UpdateRequested) {
            tell.say("update");
        } else if (event instanceof ContainerEvent.Removed) {
            restarting.remove(id);
            starved.remove(id);
            left.remove(id);
            tell.say("destroy");
        } else if (event instanceof ContainerEvent.HealthChanged health) {
            if (!before.flatMap(Container::health).map(Container.Health::status).equals(Optional.of(health.status()))) {
                tell.say("health_status: " + health.status());
            }
        } else if (event instanceof ContainerEvent.Probed probed) {
            // Docker asks by an ordinary exec, and its clients see it as one.
            String words = words(moment.after().probeCommand(known.get()));
            tell.say("exec_create: " + words, exec(probed.exec()));
            tell.say("exec_start: " + words, exec(probed.exec()));
            Map<String, String> more = new LinkedHashMap<>(exec(probed.exec()));
            more.put("exitCode", Integer.toString(probed.probe().code()));
            tell.say("exec_die", more);
        } else if (event instanceof ContainerEvent.ExecCreated created) {
            tell.say("exec_create: " + command(known.get(), created.exec()), exec(created.exec()));
        } else if (event instanceof ContainerEvent.ExecStarted started) {
            tell.say("exec_start: " + command(known.get(), started.exec()), exec(started.exec()));
        } else if (event instanceof ContainerEvent.ExecExited ended) {
            Map<String, String> more = new LinkedHashMap<>(exec(ended.exec()));
            more.put("exitCode", Integer.toString(ended.code()));
            tell.say("exec_die", more);
        } else if (event instanceof ContainerEvent.Noted noted) {
            tell.say(noted.action(), noted.details());
        } else if (event instanceof ContainerEvent.EndpointAttached attached) {
            boolean again = before.map(c -> c.places().get(attached.endpoint().network()))
                    .map(p -> p.fact().last().isPresent())
                    .orElse(false);
            if (!again) {
                connected(moment, attached.endpoint().network(), id, "connect", tell);
            }
        } else if (event instanceof ContainerEvent.EndpointDetached detached) {
            boolean was = before.map(c -> c.places().get(detached.network()))
                    .map(p -> p.fact().last().isPresent())
                    .orElse(false);
            boolean told = left.getOrDefault(id, new HashSet<>()).remove(detached.network());
            if (was && !told) {
                connected(moment, detached.network(), id, "disconnect", tell);
            }
        } else if (event instanceof ContainerEvent.RootfsUnmounted) {
            if (!left.containsKey(id)) {
                mounts(known.get(), moment, false, tell);
            }
        }
        return tell.told;
    }

    private void exited(ContainerEvent.Exited exited, Optional<Container> before, Moment moment, Telling tell) {
        long seconds = before.flatMap(Container::startedAt)
                .map(s -> Duration.between(s, exited.exit().at()).toSeconds())
                .orElse(0L);
        if (exited.exit().outOfMemory() && starved.add(tell.c.id())) {
            tell.say("oom");
        }
        Map<String, String> details = new LinkedHashMap<>();
        details.put("execDuration", Long.toString(Math.max(0, seconds)));
        details.put("exitCode", Integer.toString(exited.exit().code()));
        tell.say("die", details);
        common(tell.c, moment, "disconnect", tell);
        Set<NetworkId> networks = new LinkedHashSet<>();
        tell.c.places().forEach((network, place) -> {
            if (place.fact().isPresent()) {
                networks.add(network);
                connected(moment, network, tell.c.id(), "disconnect", tell);
            }
        });
        left.put(tell.c.id(), networks);
        mounts(tell.c, moment, false, tell);
        if (before.flatMap(Container::stopping).map(s -> !s.kill()).orElse(false)) {
            tell.say("stop");
        }
    }

    private static Map<String, String> exec(ExecId exec) {
        return Map.of("execID", exec.value());
    }

    private static String command(Container c, ExecId exec) {
        Container.Exec known = c.execs().get(exec);
        return known == null ? "" : words(known.spec().arguments());
    }

    /** As Docker joins them: the program, a blank, and what it is given, if only nothing. */
    private static String words(List<String> command) {
        return String.join(" ", command) + (command.size() == 1 ? " " : "");
    }

    private static void mounts(Container c, Moment moment, boolean mounted, Telling tell) {
        for (MountSpec mount : c.spec().mounts()) {
            if (mount.kind() == MountSpec.Kind.VOLUME) {
                Map<String, String> attributes = new LinkedHashMap<>();
                attributes.put("container", c.id().value());
                if (mounted) {
                    attributes.put("destination", mount.target());
                }
                attributes.put("driver", "local");
                if (mounted) {
                    attributes.put("propagation", mount.options().getOrDefault("propagation", ""));
                    attributes.put("read/write", Boolean.toString(!mount.readOnly()));
                }
                tell.told.add(new EngineEvent(
                        "volume", mounted ? "mount" : "unmount", mount.source(), attributes, moment.at()));
            }
        }
    }

    /** Who has the host's network or none at all is on the network of that name, as Docker has it. */
    private static void common(Container c, Moment moment, String action, Telling tell) {
        Namespace.Kind kind = c.spec().networking().sandbox().kind();
        if (kind == Namespace.Kind.HOST || kind == Namespace.Kind.NONE) {
            moment.after()
                    .networkNamed(kind == Namespace.Kind.HOST ? "host" : "none")
                    .ifPresent(n -> connected(moment, n.id(), c.id(), action, tell));
        }
    }

    private static void connected(
            Moment moment, NetworkId network, ContainerId container, String action, Telling tell) {
        Host host = moment.after();
        host.network(network)
                .or(() -> moment.before().network(network))
                .ifPresent(n -> tell.told.add(new EngineEvent(
                        "network",
                        action,
                        network.value(),
                        ordered(
                                "container",
                                container.value(),
                                "name",
                                n.spec().name(),
                                "type",
                                NetworkRoutes.driver(n)),
                        moment.at())));
    }

    private static Map<String, String> ordered(String... pairs) {
        Map<String, String> map = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            map.put(pairs[i], pairs[i + 1]);
        }
        return map;
    }

    /** Collects the events of one container, each with all its labels. */
    private static final class Telling {
        private final Container c;
        private final Instant at;
        private final List<EngineEvent> told = new ArrayList<>();

        Telling(Container c, Instant at) {
            this.c = c;
            this.at = at;
        }

        void say(String action) {
            say(action, Map.of());
        }

        void say(String action, Map<String, String> more) {
            Map<String, String> attributes = new LinkedHashMap<>(c.spec().labels());
            attributes.put("image", c.spec().imageReference());
            attributes.put("name", c.name());
            attributes.putAll(more);
            told.add(new EngineEvent("container", action, c.id().value(), attributes, at));
        }
    }

    // ---- images

    private static List<EngineEvent> image(Moment moment, ImageEvent event) {
        if (event instanceof ImageEvent.Stored stored) {
            Optional<Pull> pull = moment.before().pull(stored.pull());
            Pull.Source source = pull.map(Pull::source).orElse(Pull.Source.REGISTRY);
            List<String> wished = pull.map(Pull::references).orElse(List.of());
            String name = wished.stream()
                    .findFirst()
                    .map(r -> Reference.parse(r).familiar())
                    .orElse(stored.image().id().value());
            return switch (source) {
                case REGISTRY ->
                    List.of(named(moment, "pull", name, stored.image())
                            .with(BACKEND, pull.flatMap(Pull::resolved).flatMap(Pull.Resolved::backend))
                            .with(
                                    MIRROR,
                                    pull.flatMap(Pull::resolved)
                                            .map(r -> String.join(
                                                    ",",
                                                    new TreeSet<>(r.mirrors().values())))
                                            .filter(m -> !m.isEmpty())));
                case LOAD -> List.of(named(moment, "load", stored.image().id().value(), stored.image()));
                case IMPORT -> {
                    ImageId id = stored.image().id();
                    List<EngineEvent> told = new ArrayList<>();
                    if (!wished.isEmpty()) {
                        told.add(told(moment, "tag", id, name, stored.image()));
                    }
                    told.add(named(moment, "import", id.value(), stored.image()));
                    yield told;
                }
                case COMMIT, BUILD -> {
                    ImageId id = stored.image().id();
                    List<EngineEvent> told = new ArrayList<>();
                    // What a build made without a name holds the layers of its steps, which is nobody's business.
                    if (source == Pull.Source.COMMIT || !wished.isEmpty()) {
                        told.add(told(moment, "create", id, id.value(), stored.image()));
                    }
                    if (!wished.isEmpty()) {
                        told.add(told(moment, "tag", id, name, stored.image()));
                    }
                    yield told;
                }
            };
        }
        if (event instanceof ImageEvent.Tagged tagged) {
            return List.of(
                    told(moment, "tag", tagged.image(), familiar(tagged.reference()), image(moment, tagged.image())));
        }
        if (event instanceof ImageEvent.Untagged untagged) {
            return List.of(
                    told(moment, "untag", untagged.image(), untagged.image().value(), image(moment, untagged.image())));
        }
        if (event instanceof ImageEvent.Removed removed) {
            return List.of(
                    told(moment, "delete", removed.image(), removed.image().value(), image(moment, removed.image())));
        }
        if (event instanceof ImageEvent.Pushed pushed) {
            return List.of(named(moment, "push", familiar(pushed.reference()), image(moment, pushed.image()))
                    .with(BACKEND, pushed.backend()));
        }
        if (event instanceof ImageEvent.Noted noted) {
            return noted.action().endsWith("-failed")
                    ? List.of()
                    : List.of(told(
                            moment,
                            noted.action(),
                            noted.image(),
                            noted.image().value(),
                            image(moment, noted.image())));
        }
        return List.of();
    }

    private static String familiar(String reference) {
        return Reference.parse(reference).familiar();
    }

    private static Image image(Moment moment, ImageId id) {
        return moment.after().image(id).or(() -> moment.before().image(id)).orElseThrow();
    }

    private static EngineEvent named(Moment moment, String action, String name, Image image) {
        Map<String, String> attributes = new LinkedHashMap<>(image.config().labels());
        int colon = name.lastIndexOf(':');
        boolean tagged = colon > name.lastIndexOf('/') && !name.startsWith("sha256:");
        attributes.put("name", tagged ? name.substring(0, colon) : name);
        return new EngineEvent("image", action, name, attributes, moment.at());
    }

    private static EngineEvent told(Moment moment, String action, ImageId id, String name, Image image) {
        Map<String, String> attributes = new LinkedHashMap<>(image.config().labels());
        attributes.put("name", name);
        return new EngineEvent("image", action, id.value(), attributes, moment.at());
    }

    // ---- networks and volumes

    private static List<EngineEvent> network(Moment moment, NetworkEvent event) {
        NetworkId id = event.network();
        String action = event instanceof NetworkEvent.Created
                ? "create"
                : event instanceof NetworkEvent.Removed ? "destroy" : "";
        if (action.isEmpty()) {
            return List.of();
        }
        return moment.after().network(id).or(() -> moment.before().network(id)).stream()
                .map(n -> new EngineEvent(
                        "network",
                        action,
                        id.value(),
                        ordered("name", n.spec().name(), "type", NetworkRoutes.driver(n)),
                        moment.at()))
                .toList();
    }

    private static List<EngineEvent> volume(Moment moment, VolumeEvent event) {
        VolumeName name = event.volume();
        // For Docker's clients a volume is gone with its removal, however long its data is kept.
        boolean before = moment.before().volume(name).filter(v -> !v.isKept()).isPresent();
        boolean after = moment.after().volume(name).filter(v -> !v.isKept()).isPresent();
        String action = before == after || event instanceof VolumeEvent.Recorded ? "" : after ? "create" : "destroy";
        if (action.isEmpty()) {
            return List.of();
        }
        String driver = moment.after()
                .volume(name)
                .or(() -> moment.before().volume(name))
                .map(Volume::spec)
                .map(s -> s.driver().value())
                .orElse("local");
        return List.of(new EngineEvent("volume", action, name.value(), Map.of("driver", driver), moment.at()));
    }
}
