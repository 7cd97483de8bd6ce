package dev.wharf.core;

import dev.wharf.core.command.Command;
import dev.wharf.core.command.Decision;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverName;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.Exit;
import dev.wharf.model.Healthcheck;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.ImageId;
import dev.wharf.model.InitProcess;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.MountSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkWish;
import dev.wharf.model.Platform;
import dev.wharf.model.PortWish;
import dev.wharf.model.PullId;
import dev.wharf.model.Resources;
import dev.wharf.model.RestartPolicy;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.kernel.SandboxKey;
import dev.wharf.spi.network.Device;
import dev.wharf.spi.network.Endpoint;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Hosts, specifications and events for tests: a host is what a list of events makes of nothing. */
public final class Given {
    public static final Instant T0 = Instant.parse("2026-01-01T00:00:00Z");
    public static final ContainerId WEB = container("web");
    public static final ContainerId DB = container("db");
    public static final ImageId IMAGE = new ImageId(Digest.sha256("image"));
    public static final NetworkId BRIDGE = network("bridge");
    public static final InitProcess PROCESS = new InitProcess(4711, 99, 4710);
    public static final DriverName OVERLAY = new DriverName("overlay");
    public static final DriverName RUNTIME = new DriverName("default");

    private Given() {}

    public static ContainerId container(String name) {
        return new ContainerId(Digest.sha256("container " + name).hex());
    }

    public static NetworkId network(String name) {
        return new NetworkId(Digest.sha256("network " + name).hex());
    }

    public static Host host(Event... events) {
        return after(Host.EMPTY, events);
    }

    public static Host after(Host host, Event... events) {
        Host now = host;
        for (Event event : events) {
            now = event.apply(now);
        }
        return now;
    }

    /** A host with an image, the bridge, and whatever else is told. */
    public static Host furnished(Event... events) {
        return after(host(stored(IMAGE, "docker.io/library/busybox:latest"), bridge(), bridgeReady()), events);
    }

    public static Container the(Host host, ContainerId id) {
        return host.container(id).orElseThrow();
    }

    // ---- wishes

    /** The events of a granted wish. */
    public static List<Event> granted(Host host, Command command, Instant now) {
        Decision decision = command.decide(host, now);
        if (decision instanceof Decision.Accepted accepted) {
            return accepted.events();
        }
        throw new AssertionError("not granted: " + decision);
    }

    public static Host grant(Host host, Command command, Instant now) {
        return after(host, granted(host, command, now).toArray(Event[]::new));
    }

    // ---- events

    public static Event created(ContainerId id, String name, ContainerSpec spec) {
        return new ContainerEvent.Created(id, name, spec, Optional.empty(), T0);
    }

    public static Event started(ContainerId id, Instant at) {
        return new ContainerEvent.Started(id, PROCESS, at);
    }

    public static Event exited(ContainerId id, int code, Instant at) {
        return new ContainerEvent.Exited(id, new Exit(code, at));
    }

    /** Everything from the wish to start to the running process. */
    public static Event[] run(ContainerId id, int generation, Instant at, EndpointSpec... places) {
        List<Event> events = new ArrayList<>();
        events.add(new ContainerEvent.StartRequested(id, List.of(places)));
        events.addAll(up(id, generation, at, places));
        return events.toArray(Event[]::new);
    }

    private static List<Event> up(ContainerId id, int generation, Instant at, EndpointSpec... places) {
        List<Event> events = new ArrayList<>();
        events.add(new ContainerEvent.RootfsPrepared(id, new Snapshot(SnapshotKey.of(id), SnapshotKey.SCRATCH, false)));
        events.add(new ContainerEvent.RootfsMounted(id, Path.of("/run/rootfs")));
        events.add(new ContainerEvent.SandboxCreated(id, new Sandbox(SandboxKey.of(id), Path.of("/run/netns/x"))));
        for (EndpointSpec place : places) {
            events.add(new ContainerEvent.EndpointAttached(
                    id, new Endpoint(place.id(), place.network(), place.hostInterface(), place.mac())));
        }
        events.add(new ContainerEvent.ProcessCreated(id, PROCESS, generation, Optional.of(Resources.UNLIMITED)));
        events.add(started(id, at));
        return events;
    }

    public static Event stored(ImageId id, String... references) {
        return new ImageEvent.Stored(new PullId("0".repeat(32)), image(id, references));
    }

    public static Image image(ImageId id, String... references) {
        Descriptor document = new Descriptor(MediaTypes.OCI_MANIFEST, id.digest(), 10);
        return new Image(
                id,
                document,
                document,
                ImageConfig.of(Platform.host()),
                List.of(),
                List.of(references),
                10,
                T0,
                true,
                Optional.empty());
    }

    public static Event bridge() {
        return new NetworkEvent.Created(
                net("bridge", true, new NetworkSpec.Pool("172.17.0.0/24", "172.17.0.1", "", Map.of())), T0);
    }

    public static Event bridgeReady() {
        return new NetworkEvent.DeviceReady(BRIDGE, new Device(BRIDGE, "wharf0"));
    }

    public static NetworkSpec net(String name, boolean predefined, NetworkSpec.Pool... pools) {
        return new NetworkSpec(
                network(name),
                name,
                new DriverName("bridge"),
                "br-" + name,
                List.of(pools),
                false,
                false,
                false,
                predefined,
                Map.of(),
                Map.of(),
                Map.of());
    }

    public static Event volume(String name) {
        return new VolumeEvent.Created(
                new VolumeSpec(new VolumeName(name), VolumeSpec.LOCAL, Map.of(), Map.of(), false), T0);
    }

    public static EndpointSpec place(NetworkId network, String ipv4) {
        String id = Digest.sha256(network + ipv4).hex();
        return new EndpointSpec(
                id,
                network,
                "veth" + id.substring(0, 7),
                "eth0",
                ipv4 + "/24",
                "172.17.0.1",
                "",
                "",
                "02:42:ac:11:00:02",
                List.of(),
                List.of(),
                Map.of());
    }

    // ---- specifications

    /** A specification with some parts other than usual. */
    public static final class Spec {
        private ImageId image = IMAGE;
        private RestartPolicy policy = RestartPolicy.NO;
        private boolean autoRemove;
        private Optional<Healthcheck> health = Optional.empty();
        private List<MountSpec> mounts = List.of();
        private List<NetworkWish> networks = List.of();
        private List<PortWish> ports = List.of();
        private ContainerSpec.Namespace sandbox = ContainerSpec.Namespace.PRIVATE;

        public Spec restart(RestartPolicy.Kind kind, int most) {
            policy = new RestartPolicy(kind, most);
            return this;
        }

        public Spec image(ImageId id) {
            image = id;
            return this;
        }

        public Spec autoRemove() {
            autoRemove = true;
            return this;
        }

        public Spec health(Duration pause, Duration startPeriod, int retries) {
            health = Optional.of(new Healthcheck(
                    List.of("CMD", "well"), pause, Duration.ofSeconds(1), startPeriod, Duration.ZERO, retries));
            return this;
        }

        public Spec mounts(MountSpec... all) {
            mounts = List.of(all);
            return this;
        }

        public Spec on(NetworkWish... all) {
            networks = List.of(all);
            return this;
        }

        public Spec ports(PortWish... all) {
            ports = List.of(all);
            return this;
        }

        public Spec in(ContainerSpec.Namespace namespace) {
            sandbox = namespace;
            return this;
        }

        public ContainerSpec make() {
            return new ContainerSpec(
                    image,
                    "busybox",
                    new ContainerSpec.Command(
                            List.of(), List.of("true"), List.of("A=b"), "", List.of(), "/", false, List.of()),
                    new ContainerSpec.Stdio(false, false, false),
                    "web",
                    "",
                    Map.of(),
                    Map.of(),
                    Resources.UNLIMITED,
                    new ContainerSpec.Security(
                            false, List.of(), List.of(), List.of(), false, "default", "", List.of(), List.of(), false,
                            Map.of(), List.of()),
                    ContainerSpec.Namespaces.PRIVATE,
                    mounts,
                    new ContainerSpec.Networking(
                            sandbox, networks, List.of(), ports, false, List.of(), List.of(), List.of(), List.of(),
                            List.of(), ""),
                    policy,
                    autoRemove,
                    ContainerSpec.Stop.DEFAULT,
                    health,
                    new ContainerSpec.Logging("json-file", Map.of()),
                    OVERLAY,
                    Map.of(),
                    RUNTIME,
                    Map.of());
        }
    }

    public static Spec spec() {
        return new Spec();
    }

    public static Resources memory(long bytes) {
        return new Resources(
                bytes, 0, 0, -1, 0, 0, 0, 0, "", "", 0, 0, List.of(), false, 0, 0, "", List.of(), List.of(), List.of());
    }
}
