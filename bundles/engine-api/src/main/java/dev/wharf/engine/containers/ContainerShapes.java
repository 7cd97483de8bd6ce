package dev.wharf.engine.containers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Container.Place;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Network;
import dev.wharf.core.state.Volume;
import dev.wharf.engine.http.ApiVersion;
import dev.wharf.engine.images.ImageLookup;
import dev.wharf.engine.json.Json;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.ContainerSpec.Namespace;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.Healthcheck;
import dev.wharf.model.MountSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkWish;
import dev.wharf.model.PortWish;
import dev.wharf.model.PublishedPort;
import dev.wharf.model.Resources;
import dev.wharf.model.VolumeName;
import dev.wharf.spi.storage.Usage;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Containers in the shapes of the Engine API ({@code ContainerSummary}, {@code ContainerInspectResponse}). */
public final class ContainerShapes {
    private static final String NEVER = "0001-01-01T00:00:00Z";

    private final Host host;
    private final ApiVersion version;

    public ContainerShapes(Host host, ApiVersion version) {
        this.host = host;
        this.version = version;
    }

    // ---- a line of a list

    /** A line of a list. */
    public ObjectNode summary(Container c, Instant now, Optional<Usage> usage) {
        return lasting(c, usage).put("Status", Words.status(c, now));
    }

    /** What the creator called the image, as long as that is still the one; the image's id once something else is called so. */
    private String imageName(ContainerSpec spec) {
        return ImageLookup.means(host, spec.imageReference(), spec.image())
                ? spec.imageReference()
                : spec.image().value();
    }

    /** A line of a list, but for the status, which changes with time alone. */
    ObjectNode lasting(Container c, Optional<Usage> usage) {
        ObjectNode node = Json.object();
        node.put("Id", c.id().value());
        ArrayNode names = node.putArray("Names").add("/" + c.name());
        names(c).forEach(name -> names.add("/" + name));
        node.put("Image", imageName(c.spec()))
                .put("ImageID", c.spec().image().value())
                .put("Command", typed(c.spec().command().arguments()))
                .put("Created", c.createdAt().getEpochSecond());
        ArrayNode ports = node.putArray("Ports");
        List<String> published = new ArrayList<>();
        for (Place place : c.places().values()) {
            for (PublishedPort port : place.endpoint().ports()) {
                published.add(port.containerSide());
                ObjectNode line =
                        ports.addObject().put("IP", port.hostAddress()).put("PrivatePort", port.containerPort());
                if (port.isMapped()) {
                    line.put("PublicPort", port.hostPort());
                }
                line.put("Type", port.protocol());
            }
        }
        if (c.isRunning() && !c.places().isEmpty()) {
            for (String exposed : c.spec().networking().exposed()) {
                if (!published.contains(exposed)) {
                    int slash = exposed.indexOf('/');
                    ports.addObject()
                            .put("PrivatePort", Integer.parseInt(exposed.substring(0, slash)))
                            .put("Type", exposed.substring(slash + 1));
                }
            }
        }
        usage.filter(u -> u.sizeBytes() > 0).ifPresent(u -> node.put("SizeRw", u.sizeBytes()));
        usage.ifPresent(u -> node.put(
                "SizeRootFs",
                u.sizeBytes()
                        + host.image(c.spec().image()).map(i -> i.sizeBytes()).orElse(0L)));
        node.set("Labels", Json.map(c.spec().labels()));
        node.put("State", Words.state(c));
        ObjectNode hostConfig = node.putObject("HostConfig").put("NetworkMode", networkMode(c));
        if (version.atLeast(46) && !c.spec().annotations().isEmpty()) {
            hostConfig.set("Annotations", Json.map(c.spec().annotations()));
        }
        ObjectNode networks = networks(c);
        // A list has no names of endpoints, as with Docker.
        networks.forEach(network -> ((ObjectNode) network).putNull("Aliases").putNull("DNSNames"));
        node.putObject("NetworkSettings").set("Networks", networks);
        node.set("Mounts", mounts(c));
        return node;
    }

    /** What others call it that are linked to it. */
    private List<String> names(Container c) {
        return host.linkNames().entrySet().stream()
                .filter(name -> name.getValue().equals(c.id()))
                .map(Map.Entry::getKey)
                .sorted()
                .toList();
    }

    // ---- inspect

    /** A container with all that is known of it. */
    public ObjectNode inspect(Container c, Optional<Usage> usage, Optional<Path> log) {
        ContainerSpec spec = c.spec();
        List<String> arguments = spec.command().arguments();
        ObjectNode node = Json.object();
        node.put("Id", c.id().value())
                .put("Created", time(c.createdAt()))
                .put("Path", arguments.isEmpty() ? "" : arguments.get(0));
        node.set("Args", Json.array(arguments.subList(Math.min(1, arguments.size()), arguments.size())));
        node.set("State", state(c));
        node.put("Image", spec.image().value());
        Path files = log.map(Path::getParent).orElse(Path.of("/"));
        node.put(
                        "ResolvConfPath",
                        log.isEmpty() ? "" : files.resolve("resolv.conf").toString())
                .put(
                        "HostnamePath",
                        log.isEmpty() ? "" : files.resolve("hostname").toString())
                .put("HostsPath", log.isEmpty() ? "" : files.resolve("hosts").toString())
                .put("LogPath", log.map(Path::toString).orElse(""))
                .put("Name", "/" + c.name())
                .put("RestartCount", c.restarts())
                .put("Driver", spec.storage().value())
                .put("Platform", "linux")
                .put("MountLabel", "")
                .put("ProcessLabel", "")
                .put("AppArmorProfile", spec.security().apparmor());
        List<String> execs = c.execs().values().stream()
                .filter(Container.Exec::isRunning)
                .map(e -> e.id().value())
                .toList();
        node.set("ExecIDs", Json.arrayOrNull(execs));
        node.set("HostConfig", hostConfig(c));
        ObjectNode graph = node.putObject("GraphDriver");
        graph.put("Name", spec.storage().value());
        ObjectNode data = graph.putObject("Data");
        c.mount().value().ifPresent(m -> data.put("MergedDir", m.toString()));
        usage.ifPresent(u -> node.put("SizeRw", u.sizeBytes())
                .put(
                        "SizeRootFs",
                        u.sizeBytes()
                                + host.image(spec.image())
                                        .map(i -> i.sizeBytes())
                                        .orElse(0L)));
        node.set("Mounts", mounts(c));
        node.set("Config", config(c));
        node.set("NetworkSettings", networkSettings(c));
        return node;
    }

    /** A command in one line: what of its arguments holds a space stands in quotes. */
    private static String typed(List<String> command) {
        return Stream.concat(
                        command.stream().limit(1),
                        command.stream().skip(1).map(word -> word.contains(" ") ? "'" + word + "'" : word))
                .collect(Collectors.joining(" "));
    }

    private static String time(Instant instant) {
        return instant.toString();
    }

    /** What ends at once may have ended before its start was written down, and nothing ends before it began. */
    private static Optional<Instant> started(Container c) {
        return c.isRunning()
                ? c.startedAt()
                : c.startedAt()
                        .map(start -> c.exit()
                                .map(exit -> exit.at())
                                .filter(end -> end.isBefore(start))
                                .orElse(start));
    }

    private static ObjectNode state(Container c) {
        String word = Words.state(c);
        boolean running = c.isRunning() || word.equals("restarting");
        ObjectNode node = Json.object();
        node.put("Status", word)
                .put("Running", running)
                .put("Paused", c.isPaused())
                .put("Restarting", word.equals("restarting"))
                .put(
                        "OOMKilled",
                        !c.isRunning() && c.exit().map(e -> e.outOfMemory()).orElse(false))
                .put("Dead", word.equals("dead"))
                .put(
                        "Pid",
                        c.isRunning()
                                ? c.process().last().map(p -> p.init().pid()).orElse(0)
                                : 0)
                .put("ExitCode", c.isRunning() ? 0 : exitCode(c))
                .put("Error", c.failure().map(f -> f.message()).orElse(""))
                .put("StartedAt", started(c).map(ContainerShapes::time).orElse(NEVER))
                .put("FinishedAt", c.exit().map(e -> time(e.at())).orElse(NEVER));
        c.health().ifPresent(h -> {
            ObjectNode health = node.putObject("Health");
            health.put("Status", h.status()).put("FailingStreak", h.failingStreak());
            ArrayNode log = health.putArray("Log");
            h.log()
                    .forEach(p -> log.addObject()
                            .put("Start", time(p.start()))
                            .put("End", time(p.end()))
                            .put("ExitCode", p.code())
                            .put("Output", p.output()));
        });
        return node;
    }

    /** How the last run or the last try to run ended; 0 where there was none. */
    static int exitCode(Container c) {
        return c.failure()
                .map(f -> f.exitCode())
                .or(() -> c.exit().map(e -> e.code()))
                .orElse(0);
    }

    private ObjectNode config(Container c) {
        ContainerSpec spec = c.spec();
        ObjectNode node = Json.object();
        node.put("Hostname", spec.hostname())
                .put("Domainname", spec.domainname())
                .put("User", spec.command().user())
                .put("AttachStdin", spec.stdio().attachStdin())
                .put("AttachStdout", spec.stdio().attachStdout())
                .put("AttachStderr", spec.stdio().attachStderr());
        if (!spec.networking().exposed().isEmpty()) {
            node.set("ExposedPorts", Json.set(spec.networking().exposed()));
        }
        node.put("Tty", spec.stdio().tty())
                .put("OpenStdin", spec.stdio().openStdin())
                .put("StdinOnce", spec.stdio().stdinOnce());
        node.set("Env", Json.arrayOrNull(spec.command().env()));
        node.set("Cmd", Json.arrayOrNull(spec.command().cmd()));
        spec.healthcheck().ifPresent(h -> node.set("Healthcheck", healthcheck(h)));
        node.put("Image", spec.imageReference());
        ObjectNode volumes = Mounts.volumes(spec.mounts());
        node.set("Volumes", volumes.isEmpty() ? NullNode.instance : volumes);
        node.put("WorkingDir", spec.command().workingDir());
        node.set("Entrypoint", Json.arrayOrNull(spec.command().entrypoint()));
        node.set("OnBuild", NullNode.instance);
        node.set("Labels", Json.map(spec.labels()));
        if (!spec.stop().signal().equals(ContainerSpec.Stop.DEFAULT.signal())) {
            node.put("StopSignal", spec.stop().signal().toString());
        }
        if (!spec.stop().timeout().equals(ContainerSpec.Stop.DEFAULT.timeout())) {
            node.put("StopTimeout", spec.stop().timeout().toSeconds());
        }
        if (!spec.command().shell().isEmpty()) {
            node.set("Shell", Json.array(spec.command().shell()));
        }
        String mac = spec.networking().networks().stream()
                .findFirst()
                .map(NetworkWish::mac)
                .orElse(spec.networking().macAddress());
        if (!mac.isEmpty()) {
            node.put("MacAddress", mac);
        }
        Remarks.config(spec.remarks(), node);
        return node;
    }

    /** How a container is asked whether it is well, without what nobody said. */
    public static ObjectNode healthcheck(Healthcheck check) {
        ObjectNode node = Json.object();
        if (!check.test().isEmpty()) {
            node.set("Test", Json.array(check.test()));
        }
        if (!check.interval().isZero()) {
            node.put("Interval", check.interval().toNanos());
        }
        if (!check.timeout().isZero()) {
            node.put("Timeout", check.timeout().toNanos());
        }
        if (!check.startPeriod().isZero()) {
            node.put("StartPeriod", check.startPeriod().toNanos());
        }
        if (!check.startInterval().isZero()) {
            node.put("StartInterval", check.startInterval().toNanos());
        }
        if (check.retries() != 0) {
            node.put("Retries", check.retries());
        }
        return node;
    }

    // ---- host config

    /** What its creator called its network, whatever other networks it has been on since. */
    private String networkMode(Container c) {
        Optional<String> said = Remarks.networkMode(c.spec().remarks());
        if (said.isPresent()) {
            return said.get();
        }
        Namespace sandbox = c.spec().networking().sandbox();
        return switch (sandbox.kind()) {
            case HOST -> "host";
            case NONE -> "none";
            case CONTAINER ->
                "container:" + sandbox.container().map(Object::toString).orElse("");
            default ->
                c.spec().networking().networks().stream()
                        .findFirst()
                        .flatMap(w -> host.network(w.network()))
                        .map(n -> n.spec().name())
                        .orElse("bridge");
        };
    }

    private static String mode(Namespace namespace) {
        return switch (namespace.kind()) {
            case PRIVATE -> "";
            case CONTAINER ->
                "container:" + namespace.container().map(Object::toString).orElse("");
            default -> namespace.kind().name().toLowerCase(Locale.ROOT);
        };
    }

    private ObjectNode hostConfig(Container c) {
        ContainerSpec spec = c.spec();
        Resources r = spec.resources();
        ContainerSpec.Security s = spec.security();
        ObjectNode node = Json.object();
        node.set("Binds", orNull(Mounts.binds(spec.mounts())));
        node.put("ContainerIDFile", "");
        ObjectNode log = node.putObject("LogConfig").put("Type", spec.logging().driver());
        log.set("Config", Json.map(spec.logging().options()));
        node.put("NetworkMode", networkMode(c));
        node.set("PortBindings", orNull(bindings(spec.networking().published())));
        node.putObject("RestartPolicy")
                .put(
                        "Name",
                        spec.restartPolicy()
                                .kind()
                                .name()
                                .toLowerCase(Locale.ROOT)
                                .replace('_', '-'))
                .put("MaximumRetryCount", spec.restartPolicy().maximumRetries());
        node.put("AutoRemove", spec.autoRemove()).put("VolumeDriver", "");
        node.set("VolumesFrom", Json.arrayOrNull(Mounts.lenders(spec.mounts())));
        node.putArray("ConsoleSize").add(spec.stdio().rows()).add(spec.stdio().columns());
        if (!spec.annotations().isEmpty()) {
            node.set("Annotations", Json.map(spec.annotations()));
        }
        node.set("CapAdd", Json.arrayOrNull(s.capAdd()));
        node.set("CapDrop", Json.arrayOrNull(s.capDrop()));
        node.put(
                "CgroupnsMode",
                mode(spec.namespaces().cgroup()).isEmpty()
                        ? "private"
                        : mode(spec.namespaces().cgroup()));
        node.set("Dns", Json.arrayOrNull(spec.networking().dns()));
        node.set("DnsOptions", Json.arrayOrNull(spec.networking().dnsOptions()));
        node.set("DnsSearch", Json.arrayOrNull(spec.networking().dnsSearch()));
        node.set("ExtraHosts", Json.arrayOrNull(spec.networking().extraHosts()));
        node.set("GroupAdd", Json.arrayOrNull(spec.command().additionalGroups()));
        node.put(
                        "IpcMode",
                        mode(spec.namespaces().ipc()).isEmpty()
                                ? "private"
                                : mode(spec.namespaces().ipc()))
                .put("Cgroup", "");
        node.set(
                "Links",
                Json.arrayOrNull(host.links(c).stream()
                        .map(link -> "/" + link.target().name() + ":/" + c.name() + "/" + link.alias())
                        .toList()));
        node.put("OomScoreAdj", r.oomScoreAdj())
                .put("PidMode", mode(spec.namespaces().pid()))
                .put("Privileged", s.privileged())
                .put("PublishAllPorts", spec.networking().publishAll())
                .put("ReadonlyRootfs", s.readOnlyRootfs());
        node.set("SecurityOpt", Json.arrayOrNull(securityOptions(spec)));
        if (!spec.storageOptions().isEmpty()) {
            node.set("StorageOpt", Json.map(spec.storageOptions()));
        }
        ObjectNode tmpfs = Mounts.tmpfs(spec.mounts());
        if (!tmpfs.isEmpty()) {
            node.set("Tmpfs", tmpfs);
        }
        node.put("UTSMode", mode(spec.namespaces().uts())).put("UsernsMode", "").put("ShmSize", r.shmSizeBytes());
        if (!s.sysctls().isEmpty()) {
            node.set("Sysctls", Json.map(s.sysctls()));
        }
        node.put("Runtime", RuntimeNames.shown(spec.runtime())).put("Isolation", "");
        node.put("CpuShares", r.cpuShares())
                .put("Memory", r.memoryBytes())
                .put("NanoCpus", r.nanoCpus())
                .put("CgroupParent", r.cgroupParent())
                .put("BlkioWeight", r.blkioWeight());
        node.set("BlkioWeightDevice", weights(r));
        node.set("BlkioDeviceReadBps", rates(r, "read-bps"));
        node.set("BlkioDeviceWriteBps", rates(r, "write-bps"));
        node.set("BlkioDeviceReadIOps", rates(r, "read-iops"));
        node.set("BlkioDeviceWriteIOps", rates(r, "write-iops"));
        node.put("CpuPeriod", r.cpuPeriodMicros())
                .put("CpuQuota", r.cpuQuotaMicros())
                .put("CpuCount", 0)
                .put("CpuPercent", 0)
                .put("IOMaximumIOps", 0)
                .put("IOMaximumBandwidth", 0)
                .put("CpuRealtimePeriod", 0)
                .put("CpuRealtimeRuntime", 0)
                .put("CpusetCpus", r.cpusetCpus())
                .put("CpusetMems", r.cpusetMems());
        ArrayNode devices = Json.array();
        r.devices()
                .forEach(d -> devices.addObject()
                        .put("PathOnHost", d.hostPath())
                        .put("PathInContainer", d.containerPath())
                        .put("CgroupPermissions", d.permissions()));
        node.set("Devices", orNull(devices));
        node.set("DeviceCgroupRules", Json.arrayOrNull(r.deviceCgroupRules()));
        node.set("DeviceRequests", NullNode.instance);
        node.put("MemoryReservation", r.memoryReservationBytes()).put("MemorySwap", r.memorySwapBytes());
        if (r.memorySwappiness() >= 0) {
            node.put("MemorySwappiness", r.memorySwappiness());
        } else {
            node.putNull("MemorySwappiness");
        }
        node.put("OomKillDisable", r.oomKillDisable());
        if (r.pidsLimit() != 0) {
            // Below 0 is a limit that was taken away, which is told otherwise than one that never was.
            node.put("PidsLimit", Math.max(0, r.pidsLimit()));
        } else {
            node.putNull("PidsLimit");
        }
        ArrayNode ulimits = Json.array();
        r.ulimits()
                .forEach(u -> ulimits.addObject()
                        .put("Name", u.name())
                        .put("Hard", u.hard())
                        .put("Soft", u.soft()));
        node.set("Ulimits", orNull(ulimits));
        ArrayNode mounts = Mounts.asked(spec.mounts());
        if (!mounts.isEmpty()) {
            node.set("Mounts", mounts);
        }
        node.set("MaskedPaths", paths(s, s.maskedPaths()));
        node.set("ReadonlyPaths", paths(s, s.readOnlyPaths()));
        if (spec.command().init()) {
            node.put("Init", true);
        }
        Remarks.hostConfig(spec.remarks(), node);
        return node;
    }

    /** Docker puts no SELinux label on what shares much with the host, unless somebody gives it one. */
    private static List<String> securityOptions(ContainerSpec spec) {
        List<String> options = new ArrayList<>(spec.security().options());
        boolean open = spec.security().privileged()
                || spec.namespaces().ipc().kind() == Namespace.Kind.HOST
                || spec.namespaces().pid().kind() == Namespace.Kind.HOST;
        if (open && options.stream().noneMatch(option -> option.startsWith("label"))) {
            options.add("label=disable");
        }
        return options;
    }

    /** A privileged container has no such paths, which is told otherwise than that somebody wanted none. */
    private static JsonNode paths(ContainerSpec.Security security, List<String> paths) {
        return security.privileged() && paths.isEmpty() ? NullNode.instance : Json.array(paths);
    }

    private static JsonNode rates(Resources r, String kind) {
        ArrayNode rates = Json.array();
        r.blockIo().stream()
                .filter(b -> b.kind().equals(kind))
                .forEach(b -> rates.addObject().put("Path", b.devicePath()).put("Rate", b.value()));
        return orNull(rates);
    }

    private static JsonNode weights(Resources r) {
        ArrayNode weights = Json.array();
        r.blockIo().stream()
                .filter(b -> b.kind().equals("weight"))
                .forEach(b -> weights.addObject().put("Path", b.devicePath()).put("Weight", b.value()));
        return orNull(weights);
    }

    /** What Go writes for a list or a map that nobody made. */
    private static JsonNode orNull(JsonNode members) {
        return members.isEmpty() ? NullNode.instance : members;
    }

    private static ObjectNode bindings(List<PortWish> published) {
        ObjectNode node = Json.object();
        for (PortWish wish : published) {
            String first = wish.hostPortFirst() == 0 ? "" : Integer.toString(wish.hostPortFirst());
            String range = wish.hostPortLast() > wish.hostPortFirst() ? first + "-" + wish.hostPortLast() : first;
            String side = wish.containerPort() + "/" + wish.protocol();
            ArrayNode list = node.path(side).isArray() ? (ArrayNode) node.get(side) : node.putArray(side);
            list.addObject().put("HostIp", wish.hostAddress()).put("HostPort", range);
        }
        return node;
    }

    // ---- networks and mounts

    private ObjectNode networkSettings(Container c) {
        ObjectNode node = Json.object();
        boolean legacy = !version.atLeast(52);
        if (legacy) {
            node.put("Bridge", "");
        }
        node.put("SandboxID", c.sandbox().value().map(s -> c.id().value()).orElse(""))
                .put(
                        "SandboxKey",
                        c.sandbox().value().map(s -> s.path().toString()).orElse(""));
        node.set("Ports", ports(c));
        if (legacy) {
            node.put("HairpinMode", false).put("LinkLocalIPv6Address", "").put("LinkLocalIPv6PrefixLen", 0);
            node.putNull("SecondaryIPAddresses");
            node.putNull("SecondaryIPv6Addresses");
            // The fields at the top repeat the default bridge's, and are empty on any other network.
            Optional<EndpointSpec> bridge = c.places().values().stream()
                    .filter(p -> p.fact().isPresent())
                    .map(Place::endpoint)
                    .filter(e -> host.network(e.network())
                            .map(n -> n.spec().predefined())
                            .orElse(false))
                    .findFirst();
            node.put("EndpointID", bridge.map(EndpointSpec::id).orElse(""))
                    .put("Gateway", bridge.map(EndpointSpec::gateway4).orElse(""))
                    .put("GlobalIPv6Address", bridge.map(e -> address(e.ipv6())).orElse(""))
                    .put(
                            "GlobalIPv6PrefixLen",
                            bridge.map(e -> prefix(e.ipv6())).orElse(0))
                    .put("IPAddress", bridge.map(e -> address(e.ipv4())).orElse(""))
                    .put("IPPrefixLen", bridge.map(e -> prefix(e.ipv4())).orElse(0))
                    .put("IPv6Gateway", bridge.map(EndpointSpec::gateway6).orElse(""))
                    .put(
                            "MacAddress",
                            bridge.map(EndpointSpec::mac).or(() -> wishedMac(c)).orElse(""));
        }
        node.set("Networks", networks(c));
        return node;
    }

    /** The one that somebody chose for the default bridge. */
    private Optional<String> wishedMac(Container c) {
        return c.spec().networking().networks().stream()
                .filter(wish -> host.network(wish.network())
                        .filter(n -> n.spec().predefined())
                        .isPresent())
                .map(NetworkWish::mac)
                .findFirst();
    }

    private static ObjectNode ports(Container c) {
        ObjectNode node = Json.object();
        // Where no network is, nothing is reached by a port of its own.
        if (!c.isRunning() || c.places().isEmpty()) {
            return node;
        }
        c.spec().networking().exposed().forEach(node::putNull);
        for (Place place : c.places().values()) {
            for (PublishedPort port : place.endpoint().ports()) {
                ArrayNode list = node.path(port.containerSide()).isArray()
                        ? (ArrayNode) node.get(port.containerSide())
                        : node.putArray(port.containerSide());
                list.addObject()
                        .put("HostIp", port.hostAddress())
                        .put("HostPort", port.isMapped() ? Integer.toString(port.hostPort()) : "");
            }
        }
        return node;
    }

    private ObjectNode networks(Container c) {
        ObjectNode node = Json.object();
        Namespace sandbox = c.spec().networking().sandbox();
        if (sandbox.kind() == Namespace.Kind.HOST || sandbox.kind() == Namespace.Kind.NONE) {
            String name = sandbox.kind() == Namespace.Kind.HOST ? "host" : "none";
            host.networkNamed(name)
                    .ifPresent(n -> node.set(name, endpoint(c, Optional.of(n), Optional.empty(), Optional.empty())));
        }
        for (NetworkWish wish : c.spec().networking().networks()) {
            host.network(wish.network())
                    .ifPresent(n -> node.set(
                            n.spec().name(),
                            endpoint(
                                    c,
                                    Optional.of(n),
                                    Optional.of(wish),
                                    Optional.ofNullable(c.places().get(wish.network()))
                                            .map(Place::endpoint))));
            wish.missing()
                    .ifPresent(
                            name -> node.set(name, endpoint(c, Optional.empty(), Optional.of(wish), Optional.empty())));
        }
        return node;
    }

    private ObjectNode endpoint(
            Container c, Optional<Network> network, Optional<NetworkWish> wish, Optional<EndpointSpec> place) {
        ObjectNode node = Json.object();
        List<String> linkLocal = wish.map(NetworkWish::linkLocal).orElse(List.of());
        boolean fixed = !linkLocal.isEmpty()
                || wish.map(w -> !w.ipv4().isEmpty() || !w.ipv6().isEmpty()).orElse(false);
        if (fixed) {
            ObjectNode ipam = node.putObject("IPAMConfig");
            wish.filter(w -> !w.ipv4().isEmpty()).ifPresent(w -> ipam.put("IPv4Address", w.ipv4()));
            wish.filter(w -> !w.ipv6().isEmpty()).ifPresent(w -> ipam.put("IPv6Address", w.ipv6()));
            if (!linkLocal.isEmpty()) {
                ipam.set("LinkLocalIPs", Json.array(linkLocal));
            }
        } else {
            node.putNull("IPAMConfig");
        }
        node.set("Links", Json.arrayOrNull(wish.map(NetworkWish::links).orElse(List.of())));
        List<String> aliases = wish.map(NetworkWish::aliases).orElse(List.of());
        // Names are given with the first start, but for those that somebody chose.
        boolean named =
                c.hasRun() && network.filter(n -> !n.spec().predefined()).isPresent();
        List<String> others = Stream.concat(
                        aliases.stream(), Stream.of(c.id().shortForm(), c.spec().hostname()))
                .filter(name -> !name.isEmpty())
                .distinct()
                .toList();
        // Compose 1.x takes the short id for a sign that the container has the aliases and links that it wants; where
        // it is not there, Compose joins the container anew.
        node.set("Aliases", Json.arrayOrNull(named && !version.atLeast(45) ? others : aliases));
        // What somebody chose is known before the container has it.
        node.put(
                "MacAddress",
                place.map(EndpointSpec::mac)
                        .or(() -> wish.map(NetworkWish::mac))
                        .orElse(""));
        Map<String, String> options = wish.map(NetworkWish::driverOptions).orElse(Map.of());
        node.set("DriverOpts", options.isEmpty() ? null : Json.map(options));
        node.put("GwPriority", wish.map(NetworkWish::gatewayPriority).orElse(0));
        // Docker tells which network it is from the first start on.
        node.put(
                        "NetworkID",
                        network.map(Network::id)
                                .or(() ->
                                        wish.filter(w -> w.awaited().isEmpty()).map(NetworkWish::network))
                                .filter(id -> c.hasRun())
                                .map(NetworkId::value)
                                .orElse(""))
                .put("EndpointID", place.map(EndpointSpec::id).orElse(""))
                .put("Gateway", place.map(EndpointSpec::gateway4).orElse(""))
                .put("IPAddress", place.map(e -> address(e.ipv4())).orElse(""))
                .put("IPPrefixLen", place.map(e -> prefix(e.ipv4())).orElse(0))
                .put("IPv6Gateway", place.map(EndpointSpec::gateway6).orElse(""))
                .put("GlobalIPv6Address", place.map(e -> address(e.ipv6())).orElse(""))
                .put("GlobalIPv6PrefixLen", place.map(e -> prefix(e.ipv6())).orElse(0));
        List<String> names =
                Stream.concat(Stream.of(c.name()), others.stream()).distinct().toList();
        node.set("DNSNames", Json.arrayOrNull(named ? names : List.of()));
        return node;
    }

    private static String address(String cidr) {
        int slash = cidr.indexOf('/');
        return slash < 0 ? cidr : cidr.substring(0, slash);
    }

    private static int prefix(String cidr) {
        int slash = cidr.indexOf('/');
        return slash < 0 ? 0 : Integer.parseInt(cidr.substring(slash + 1));
    }

    private ArrayNode mounts(Container c) {
        ArrayNode mounts = Json.array();
        for (MountSpec mount : c.spec().mounts()) {
            ObjectNode node;
            switch (mount.kind()) {
                case VOLUME -> {
                    String path = host.volume(new VolumeName(mount.source()))
                            .map(Volume::path)
                            .flatMap(p -> p.last())
                            .map(Path::toString)
                            .orElse("");
                    node = mounts.addObject()
                            .put("Type", "volume")
                            .put("Name", mount.source())
                            .put("Source", path)
                            .put("Destination", mount.target())
                            .put("Driver", "local");
                }
                case BIND ->
                    node = mounts.addObject()
                            .put("Type", "bind")
                            .put("Source", mount.source())
                            .put("Destination", mount.target());
                case IMAGE ->
                    node = mounts.addObject()
                            .put("Type", "image")
                            .put("Name", mount.options().getOrDefault("reference", mount.source()))
                            .put("Source", mount.source())
                            .put("Destination", mount.target());
                default -> {
                    if (!mount.options().containsKey("mount")) {
                        continue;
                    }
                    node = mounts.addObject()
                            .put("Type", "tmpfs")
                            .put("Source", "")
                            .put("Destination", mount.target());
                }
            }
            // Docker marks volumes that somebody named or asked for as to be labelled, and others not.
            boolean marked = mount.kind() == MountSpec.Kind.VOLUME
                    && !mount.options().containsKey("from")
                    && (!mount.options().containsKey("anonymous")
                            || mount.options().containsKey("mount"));
            node.put("Mode", mount.options().getOrDefault("mode-words", marked ? "z" : ""))
                    .put("RW", !mount.readOnly())
                    .put(
                            "Propagation",
                            mount.kind() == MountSpec.Kind.BIND
                                    ? mount.options().getOrDefault("propagation", "rprivate")
                                    : "");
        }
        return mounts;
    }
}
