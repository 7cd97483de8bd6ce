package dev.wharf.kafka.desired;

import dev.wharf.core.command.Command;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.command.Decision;
import dev.wharf.core.command.DesiredCommand;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.command.Refusal;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.DesiredEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Goal;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Service;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.Descriptor;
import dev.wharf.model.DesiredNetwork;
import dev.wharf.model.Digest;
import dev.wharf.model.DocumentKey;
import dev.wharf.model.DriverName;
import dev.wharf.model.Exit;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.ImageId;
import dev.wharf.model.InitProcess;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkWish;
import dev.wharf.model.Platform;
import dev.wharf.model.PullId;
import dev.wharf.model.Reference;
import dev.wharf.model.Resources;
import dev.wharf.model.RestartPolicy;
import dev.wharf.model.ServiceName;
import dev.wharf.model.ServiceSpec;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A host without machines: wishes are judged as the agent judges them, and what would follow in the world follows at once. */
final class Yard {
    static final DocumentKey DOCUMENT = new DocumentKey("group/shop");
    static final ServiceName WEB = new ServiceName("web");

    /** Images whose containers end as soon as they start. */
    final Set<String> bad = new java.util.HashSet<>();

    final List<Event> told = new ArrayList<>();
    private int serial;
    Host host = Host.EMPTY;
    Instant now = Instant.parse("2026-01-01T00:00:00Z");

    void tell(Event event) {
        host = event.apply(host);
        told.add(event);
    }

    /** Judges a wish; true where it was granted. */
    boolean wish(Command command) {
        Decision decision = command.decide(host, now);
        if (decision instanceof Decision.Refused refused) {
            if (refused.refusal().kind() == Refusal.Kind.INVALID) {
                throw new AssertionError(refused.refusal().message());
            }
            return false;
        }
        ((Decision.Accepted) decision).events().forEach(this::tell);
        return true;
    }

    void apply(ServiceSpec... services) {
        apply(List.of(), services);
    }

    void apply(List<DesiredNetwork> networks, ServiceSpec... services) {
        Digest digest = Digest.sha256(List.of(services) + "/" + networks);
        wish(new DesiredCommand.Apply(DOCUMENT, digest, "wharf.desired-0@1", List.of(services), networks, List.of()));
    }

    static ServiceSpec service(String image, int replicas, ServiceSpec.Update update, String... networks) {
        return new ServiceSpec(
                WEB,
                image,
                List.of(),
                List.of(),
                List.of(),
                "",
                Map.of(),
                replicas,
                List.of(),
                List.of(networks),
                List.of(),
                Optional.empty(),
                new RestartPolicy(RestartPolicy.Kind.ALWAYS, 0),
                0,
                0,
                update);
    }

    static ServiceSpec.Update update(int parallelism, boolean startFirst, int maxFailures, boolean rollBack) {
        return new ServiceSpec.Update(
                parallelism, startFirst, Duration.ofSeconds(60), Duration.ofSeconds(2), maxFailures, rollBack);
    }

    List<Action> next() {
        return new Convergence(host, now).next();
    }

    Service web() {
        return host.service(WEB).orElseThrow();
    }

    /** The running containers by replica and image. */
    Map<String, Integer> running() {
        Map<String, Integer> running = new HashMap<>();
        host.containers().values().stream()
                .filter(Container::isRunning)
                .forEach(c -> running.merge(c.spec().imageReference(), 1, Integer::sum));
        return running;
    }

    long well(int ofReplicas) {
        return host.containers().values().stream()
                .filter(c -> Convergence.replica(c) <= ofReplicas)
                .filter(c -> Convergence.judge(c, web().target().spec().update(), now)
                                .standing()
                        == Convergence.Standing.WELL)
                .map(Convergence::replica)
                .distinct()
                .count();
    }

    /** Goes on until nothing is left to do, in turns of half a second. */
    void settle(int turns) {
        for (int i = 0; i < turns; i++) {
            List<Action> actions = next();
            actions.forEach(this::perform);
            now = now.plusMillis(500);
        }
    }

    void perform(Action action) {
        if (action instanceof Action.Note note) {
            wish(note.command());
        } else if (action instanceof Action.Make make) {
            make(make);
        } else if (action instanceof Action.Start start) {
            start(start.container());
        } else if (action instanceof Action.Stop stop) {
            stop(stop.container());
        } else if (action instanceof Action.Remove remove) {
            remove(remove.container());
        } else if (action instanceof Action.Resume resume) {
            if (wish(new ContainerCommand.Resume(resume.container()))) {
                tell(new ContainerEvent.Thawed(resume.container()));
            }
        } else if (action instanceof Action.Pull pull) {
            image(pull.image());
        } else if (action instanceof Action.MakeNetwork network) {
            network(network.network());
        } else if (action instanceof Action.RemoveNetwork network) {
            tell(new NetworkEvent.Removed(network.network()));
        } else {
            throw new IllegalStateException(action.toString());
        }
    }

    private void make(Action.Make make) {
        ServiceSpec spec = make.version().spec();
        ContainerId id = new ContainerId(Digest.sha256("c" + serial++).hex());
        Map<String, String> labels = Map.of(
                Service.LABEL,
                spec.name().value(),
                Service.VERSION_LABEL,
                make.version().id(),
                Service.REPLICA_LABEL,
                Integer.toString(make.replica()),
                Service.DOCUMENT_LABEL,
                DOCUMENT.value());
        List<NetworkWish> wishes = spec.networks().stream()
                .filter(n -> !DocumentText.ALONE.contains(n))
                .map(n -> NetworkWish.on(host.networkNamed(n).orElseThrow().id()))
                .toList();
        ImageId image = host.imageNamed(Reference.parse(spec.image()).toString())
                .orElseThrow()
                .id();
        if (wish(new ContainerCommand.Create(
                id, make.name(), container(image, spec.image(), labels, wishes, spec.restart())))) {
            tell(new ContainerEvent.RootfsPrepared(id, new Snapshot(SnapshotKey.of(id), SnapshotKey.SCRATCH, false)));
        }
    }

    private void start(ContainerId id) {
        if (host.container(id).isEmpty() || host.container(id).get().goal() == Goal.REMOVED) {
            return;
        }
        Decision decision = new ContainerCommand.Start(id, new Entropy("s" + serial++)).decide(host, now);
        if (!(decision instanceof Decision.Accepted)) {
            return;
        }
        // Where a place on a network is chosen does not matter here.
        tell(new ContainerEvent.StartRequested(id, List.of()));
        run(id);
        Container c = host.container(id).orElseThrow();
        if (bad.contains(c.spec().imageReference())) {
            tell(new ContainerEvent.Exited(id, new Exit(1, now)));
        }
    }

    private void run(ContainerId id) {
        InitProcess process = new InitProcess(100 + serial++, 1, 1);
        int generation = host.container(id).orElseThrow().generation();
        tell(new ContainerEvent.ProcessCreated(id, process, generation, Optional.of(Resources.UNLIMITED)));
        tell(new ContainerEvent.Started(id, process, now));
    }

    void stop(ContainerId id) {
        boolean ran = host.container(id).map(Container::isRunning).orElse(false);
        if (wish(new ContainerCommand.Stop(id, Optional.empty(), Optional.empty())) && ran) {
            tell(new ContainerEvent.Exited(id, new Exit(143, now)));
        }
    }

    void pause(ContainerId id) {
        if (wish(new ContainerCommand.Pause(id))) {
            tell(new ContainerEvent.Frozen(id, now));
        }
    }

    void remove(ContainerId id) {
        if (wish(new ContainerCommand.Remove(id, true, false, Duration.ZERO))) {
            tell(new ContainerEvent.Removed(id));
        }
    }

    void image(String name) {
        ImageId id = new ImageId(Digest.sha256(name));
        Descriptor document = new Descriptor(MediaTypes.OCI_MANIFEST, id.digest(), 10);
        ImageConfig config = ImageConfig.of(Platform.host());
        tell(new ImageEvent.Stored(
                new PullId("0".repeat(32)),
                new Image(
                        id,
                        document,
                        document,
                        config,
                        List.of(),
                        List.of(Reference.parse(name).toString()),
                        10,
                        now,
                        true,
                        Optional.empty())));
    }

    private void network(DesiredNetwork wanted) {
        tell(new NetworkEvent.Created(
                new NetworkSpec(
                        new NetworkId(Digest.sha256("n" + serial++).hex()),
                        wanted.name(),
                        wanted.driver(),
                        "br0",
                        List.of(),
                        false,
                        true,
                        false,
                        false,
                        Map.of(),
                        Map.of(),
                        Map.of(Service.DOCUMENT_LABEL, DOCUMENT.value())),
                now));
    }

    private static ContainerSpec container(
            ImageId image,
            String reference,
            Map<String, String> labels,
            List<NetworkWish> networks,
            RestartPolicy restart) {
        return new ContainerSpec(
                image,
                reference,
                new ContainerSpec.Command(List.of(), List.of("true"), List.of(), "", List.of(), "/", false, List.of()),
                new ContainerSpec.Stdio(false, false, false),
                "web",
                "",
                labels,
                Map.of(),
                Resources.UNLIMITED,
                new ContainerSpec.Security(
                        false, List.of(), List.of(), List.of(), false, "default", "", List.of(), List.of(), false,
                        Map.of(), List.of()),
                ContainerSpec.Namespaces.PRIVATE,
                List.of(),
                new ContainerSpec.Networking(
                        ContainerSpec.Namespace.PRIVATE,
                        networks,
                        List.of(),
                        List.of(),
                        false,
                        List.of(),
                        List.of(),
                        List.of(),
                        List.of(),
                        List.of(),
                        ""),
                restart,
                false,
                ContainerSpec.Stop.DEFAULT,
                Optional.empty(),
                new ContainerSpec.Logging("json-file", Map.of()),
                new DriverName("overlay"),
                Map.of(),
                new DriverName("default"),
                Map.of());
    }

    /** The names of events about services, in order. */
    List<String> story() {
        return told.stream()
                .filter(e -> e instanceof DesiredEvent.OfService)
                .map(e -> e.getClass().getSimpleName())
                .toList();
    }
}
