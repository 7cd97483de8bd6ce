package dev.wharf.engine.containers;

import dev.wharf.core.command.Addresses;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.DriverBinding;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Network;
import dev.wharf.engine.http.ApiVersion;
import dev.wharf.engine.http.Body;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.images.ImageLookup;
import dev.wharf.engine.networks.NetworkRoutes;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.ContainerSpec.Namespace;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.model.Healthcheck;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.MountSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkWish;
import dev.wharf.model.Platform;
import dev.wharf.model.Signal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Turns the body of {@code POST /containers/create} into a whole specification, with what the image says filled in. */
public final class Creation {
    /** Names and values an image or a client may set many of; more is an attack or a mistake. */
    private static final int MANY = 10_000;

    private final Host host;
    private final ContainerId id;
    private final Body body;
    private final Body hostConfig;
    private final Image image;
    private final ImageConfig config;
    private final Entropy entropy;
    private final Optional<Path> dataRoot;
    private final ApiVersion version;

    public Creation(Host host, ContainerId id, Body body, Entropy entropy) {
        this(host, id, body, entropy, Optional.empty(), Optional.empty(), ApiVersion.NEWEST);
    }

    /**
     * @param platform the platform that the image must be of, where somebody says so
     * @param dataRoot the agent's own directory, where binds are held against it
     * @param version what the client speaks, which says what it means by what it leaves out
     */
    Creation(
            Host host,
            ContainerId id,
            Body body,
            Entropy entropy,
            Optional<Platform> platform,
            Optional<Path> dataRoot,
            ApiVersion version) {
        this.dataRoot = dataRoot;
        this.version = version;
        this.host = host;
        this.id = id;
        this.body = body;
        this.hostConfig = body.body("HostConfig");
        this.entropy = entropy;
        String name = body.text("Image");
        if (name.isBlank()) {
            if (body.isEmptyBut("HostConfig", "NetworkingConfig")) {
                throw Problem.invalid("config cannot be empty in order to create a container");
            }
            throw Problem.invalid(
                    body.words("Cmd").isEmpty() && body.words("Entrypoint").isEmpty()
                            ? "no command specified"
                            : "no image specified");
        }
        image = ImageLookup.get(host, name, platform).image();
        config = image.config();
    }

    public ContainerSpec spec() {
        try {
            return build();
        } catch (IllegalArgumentException e) {
            throw Problem.invalid(String.valueOf(e.getMessage()));
        }
    }

    private ContainerSpec build() {
        Namespace sandbox = sandbox();
        boolean tty = body.flag("Tty");
        HostSettings settings = new HostSettings(host, hostConfig);
        settings.checkForeign();
        String hostname = body.text("Hostname");
        if (!hostname.isEmpty()
                && settings.namespaces(!version.atLeast(40)).uts().kind() == Namespace.Kind.HOST) {
            throw Problem.invalid("conflicting options: hostname and the UTS mode");
        }
        if (hostname.isEmpty() && sandbox.kind() == Namespace.Kind.HOST) {
            hostname = hostName();
        } else if (hostname.isEmpty() && sandbox.kind() != Namespace.Kind.CONTAINER) {
            hostname = id.shortForm();
        } else if (hostname.isEmpty()) {
            hostname = sandbox.container()
                    .flatMap(host::container)
                    .map(c -> c.spec().hostname())
                    .orElse(id.shortForm());
        }
        Map<String, String> labels = new LinkedHashMap<>(config.labels());
        labels.putAll(body.map("Labels"));
        List<MountSpec> mounts = mounts();
        ContainerSpec.Networking networking = networking(sandbox);
        return new ContainerSpec(
                image.id(),
                body.text("Image"),
                command(),
                stdio(tty),
                hostname,
                body.text("Domainname"),
                labels,
                annotations(),
                settings.limits().resources(),
                settings.security(),
                settings.namespaces(!version.atLeast(40)),
                mounts,
                networking,
                settings.restartPolicy(),
                settings.autoRemove(),
                stop(),
                healthcheck(),
                settings.logging(),
                host.preferred(DriverKind.STORAGE)
                        .orElseThrow(() -> Problem.unavailable("no storage driver serves; see wharf driver ls")),
                hostConfig.map("StorageOpt"),
                runtime(),
                remarks(mounts, networking));
    }

    private Map<String, String> remarks(List<MountSpec> mounts, ContainerSpec.Networking networking) {
        Map<String, String> remarks = Remarks.of(body, config, env(), networking.exposed(), mounts);
        return networking.sandbox().kind() == Namespace.Kind.PRIVATE
                ? Remarks.withNetworkMode(remarks, mode())
                : remarks;
    }

    /** The runtime that is asked for by name, or the best there is; Docker's own names for its usual one mean that too. */
    private DriverName runtime() {
        String wanted = hostConfig.text("Runtime");
        Optional<DriverName> named = host.drivers().values().stream()
                .filter(b -> b.id().driverKind() == DriverKind.RUNTIME && b.ready())
                .map(b -> b.id().name())
                .filter(name ->
                        name.value().equals(wanted) || RuntimeNames.of(name).contains(wanted))
                .findFirst();
        if (named.isEmpty() && !wanted.isEmpty() && !RuntimeNames.USUAL.contains(wanted)) {
            throw Problem.invalid("unknown or invalid runtime name: " + wanted);
        }
        return named.or(() -> host.preferred(DriverKind.RUNTIME))
                .orElseThrow(() -> Problem.unavailable(whyNoRuntime()));
    }

    private String whyNoRuntime() {
        return host.drivers().values().stream()
                .filter(b ->
                        b.id().driverKind() == DriverKind.RUNTIME && !b.why().isEmpty())
                .map(DriverBinding::why)
                .findFirst()
                .orElse("no OCI runtime works on this host; install crun or runc, and see wharf driver ls");
    }

    private ContainerSpec.Stdio stdio(boolean tty) {
        Console console = Console.of(hostConfig);
        return new ContainerSpec.Stdio(
                tty,
                body.flag("OpenStdin"),
                body.flag("StdinOnce"),
                console.rows(),
                console.columns(),
                body.flag("AttachStdin"),
                body.flag("AttachStdout"),
                body.flag("AttachStderr"));
    }

    private static String hostName() {
        try {
            return java.nio.file.Files.readString(java.nio.file.Path.of("/proc/sys/kernel/hostname"))
                    .strip();
        } catch (java.io.IOException e) {
            return "localhost";
        }
    }

    // ---- what runs

    /**
     * An entry point of the client's own makes the image's arguments meaningless, so they go with the image's. An empty list
     * takes the image's away and leaves its arguments, as with Docker.
     */
    private ContainerSpec.Command command() {
        List<String> entrypoint = body.words("Entrypoint");
        List<String> cmd = body.words("Cmd");
        if (entrypoint.isEmpty() && cmd.isEmpty()) {
            cmd = config.cmd();
        }
        if (!body.has("Entrypoint")) {
            entrypoint = config.entrypoint();
        } else if (entrypoint.equals(List.of(""))) {
            entrypoint = List.of();
        }
        if (entrypoint.isEmpty() && cmd.isEmpty()) {
            throw Problem.invalid("no command specified");
        }
        String workingDir =
                body.optionalText("WorkingDir").filter(d -> !d.isEmpty()).orElse(config.workingDir());
        if (!workingDir.isEmpty()) {
            if (!workingDir.startsWith("/")) {
                throw Problem.invalid(
                        "the working directory '" + workingDir + "' is invalid, it needs to be an absolute path");
            }
            workingDir = Path.of(workingDir).normalize().toString();
        }
        return new ContainerSpec.Command(
                entrypoint,
                cmd,
                env(),
                body.optionalText("User").filter(u -> !u.isEmpty()).orElse(config.user()),
                hostConfig.texts("GroupAdd"),
                workingDir,
                hostConfig.flag("Init"),
                body.texts("Shell"));
    }

    private List<String> env() {
        // The client's come first and the image's own follow, as Docker writes them down. A name without a value takes
        // the
        // variable away, and is written down, too.
        Map<String, String> merged = new LinkedHashMap<>();
        for (String one : body.texts("Env")) {
            if (one.isEmpty() || one.startsWith("=")) {
                throw Problem.invalid("invalid environment variable: " + one);
            }
            merged.put(key(one), one);
        }
        config.env().forEach(one -> merged.putIfAbsent(key(one), one));
        if (merged.size() > MANY) {
            throw Problem.invalid("more than " + MANY + " environment variables");
        }
        return List.copyOf(merged.values());
    }

    static String key(String variable) {
        int equals = variable.indexOf('=');
        return equals < 0 ? variable : variable.substring(0, equals);
    }

    private ContainerSpec.Stop stop() {
        String signal =
                body.optionalText("StopSignal").filter(s -> !s.isEmpty()).orElse(config.stopSignal());
        Duration timeout = body.optionalNumber("StopTimeout")
                .map(Duration::ofSeconds)
                .orElse(ContainerSpec.Stop.DEFAULT.timeout());
        return new ContainerSpec.Stop(signal.isEmpty() ? Signal.TERM : Signal.parse(signal), timeout);
    }

    private Optional<Healthcheck> healthcheck() {
        Body check = body.body("Healthcheck");
        if (!body.has("Healthcheck")) {
            return config.healthcheck().filter(Creation::isSaid);
        }
        Healthcheck own = new Healthcheck(
                check.words("Test"),
                Duration.ofNanos(check.number("Interval")),
                Duration.ofNanos(check.number("Timeout")),
                Duration.ofNanos(check.number("StartPeriod")),
                Duration.ofNanos(check.number("StartInterval")),
                (int) check.number("Retries"));
        for (Map.Entry<String, Duration> time : Map.of(
                        "Interval",
                        own.interval(),
                        "Timeout",
                        own.timeout(),
                        "StartPeriod",
                        own.startPeriod(),
                        "StartInterval",
                        own.startInterval())
                .entrySet()) {
            if (!time.getValue().isZero() && time.getValue().compareTo(Duration.ofMillis(1)) < 0) {
                throw Problem.invalid(time.getKey() + " in Healthcheck cannot be less than 1ms");
            }
        }
        if (own.retries() < 0) {
            throw Problem.invalid("Retries in Healthcheck cannot be negative");
        }
        return Optional.of(config.healthcheck().map(own::over).orElse(own)).filter(Creation::isSaid);
    }

    /** Whether it says anything: that nobody is to ask is kept as well, for an image may say that one is. */
    private static boolean isSaid(Healthcheck check) {
        return !check.equals(Healthcheck.SILENT);
    }

    // ---- what it sees of the disk

    /** Later words win: the client's mounts over its binds over those of other containers over the image's volumes. */
    private List<MountSpec> mounts() {
        Map<String, MountSpec> byTarget = new LinkedHashMap<>();
        Mounts reader = new Mounts(host, entropy, dataRoot, version.atLeast(44));
        for (String from : hostConfig.texts("VolumesFrom")) {
            if (from.isEmpty()) {
                throw Problem.invalid("volumes-from specification cannot be an empty string");
            }
            int colon = from.indexOf(':');
            String name = colon < 0 ? from : from.substring(0, colon);
            List<String> words =
                    colon < 0 ? List.of() : List.of(from.substring(colon + 1).split(","));
            if (!Set.of("ro", "rw", "z", "Z").containsAll(words)) {
                throw Problem.invalid("invalid mode: " + from.substring(colon + 1));
            }
            boolean readOnly = words.contains("ro");
            Container other = ContainerLookup.joined(host, name, "");
            for (MountSpec mount : other.spec().mounts()) {
                if (mount.kind() == MountSpec.Kind.BIND || mount.kind() == MountSpec.Kind.VOLUME) {
                    Map<String, String> options = new LinkedHashMap<>(mount.options());
                    options.remove("mount");
                    options.remove("mode-words");
                    options.put("from", from);
                    byTarget.put(
                            mount.target(),
                            new MountSpec(
                                    mount.kind(),
                                    mount.source(),
                                    mount.target(),
                                    mount.readOnly() || readOnly,
                                    mount.createSource(),
                                    options));
                }
            }
        }
        List<MountSpec> own = new ArrayList<>();
        hostConfig.texts("Binds").forEach(bind -> own.add(reader.bind(bind)));
        boolean makesVolumes = own.stream().anyMatch(mount -> mount.kind() == MountSpec.Kind.VOLUME)
                || !config.volumes().isEmpty()
                || !body.keys("Volumes").isEmpty();
        hostConfig.map("Tmpfs").forEach((target, options) -> own.add(reader.tmpfs(target, options)));
        hostConfig.list("Mounts").forEach(mount -> own.add(reader.mount(mount)));
        body.keys("Volumes").forEach(Mounts::target);
        if (makesVolumes) {
            Mounts.localOnly(hostConfig.text("VolumeDriver"));
        }
        Map<String, MountSpec> seen = new LinkedHashMap<>();
        for (MountSpec mount : own) {
            if (seen.put(mount.target(), mount) != null) {
                throw Problem.invalid("Duplicate mount point: " + mount.target());
            }
            byTarget.put(mount.target(), mount);
        }
        Stream.concat(config.volumes().stream(), body.keys("Volumes").stream())
                .distinct()
                .forEach(path -> {
                    String target = Mounts.normal("/" + path);
                    if (!target.equals("/") && !byTarget.containsKey(target)) {
                        byTarget.put(target, reader.anonymous(target));
                    }
                });
        // A mount under another must come after it.
        return byTarget.values().stream()
                .sorted(java.util.Comparator.comparingLong(
                        m -> m.target().chars().filter(c -> c == '/').count()))
                .toList();
    }

    // ---- what it sees of the network

    private Namespace sandbox() {
        String mode = mode();
        if (mode.equals("host")) {
            return Namespace.HOST;
        }
        if (mode.equals("none")) {
            return new Namespace(Namespace.Kind.NONE, Optional.empty());
        }
        if (mode.equals("container") || mode.startsWith("container:")) {
            checkJoining();
            String name = mode.substring(mode.indexOf(':') + 1);
            if (name.isEmpty() || name.equals(mode)) {
                throw Problem.invalid("invalid network mode: invalid container format container:<name|id>");
            }
            return Namespace.of(ContainerLookup.joined(host, name, "joining network namespace of container: ")
                    .id());
        }
        return Namespace.PRIVATE;
    }

    private String mode() {
        if (body.flag("NetworkDisabled")) {
            return "none";
        }
        String mode = hostConfig.text("NetworkMode");
        return mode.isEmpty() || mode.equals("default") ? "bridge" : mode;
    }

    private ContainerSpec.Networking networking(Namespace sandbox) {
        boolean own = sandbox.kind() == Namespace.Kind.PRIVATE;
        List<String> exposed = Stream.concat(config.exposedPorts().stream(), body.keys("ExposedPorts").stream())
                .flatMap(port -> Ports.exposed(port).stream())
                .distinct()
                .toList();
        var published = Ports.published(hostConfig);
        if (!own
                && body.body("NetworkingConfig").bodies("EndpointsConfig").values().stream()
                        .map(e -> e.body("IPAMConfig"))
                        .anyMatch(ipam -> !ipam.text("IPv4Address").isEmpty()
                                || !ipam.text("IPv6Address").isEmpty())) {
            throw Problem.invalid("user specified IP address is supported on user defined networks only");
        }
        List<String> all = Stream.concat(
                        exposed.stream(), published.stream().map(p -> p.containerPort() + "/" + p.protocol()))
                .distinct()
                .toList();
        if (!own && !version.atLeast(44) && !NetworkRoutes.mac(body).isEmpty()) {
            throw Problem.invalid("conflicting options: mac-address and the network mode");
        }
        if (sandbox.kind() != Namespace.Kind.CONTAINER && !body.flag("NetworkDisabled")) {
            checkCompany(sandbox.kind());
        }
        DeviceSettings.of(hostConfig).check(version);
        List<NetworkWish> wishes = own ? wishes() : List.of();
        return new ContainerSpec.Networking(
                sandbox,
                wishes,
                all,
                published,
                hostConfig.flag("PublishAllPorts"),
                nameServers(),
                hostConfig.texts("DnsSearch"),
                hostConfig.texts("DnsOptions"),
                extraHosts(),
                links(sandbox, wishes),
                body.text("MacAddress"));
    }

    private List<String> nameServers() {
        List<String> servers = hostConfig.texts("Dns");
        for (String server : servers) {
            try {
                // An address of a link says which one.
                Addresses.literal(server.replaceFirst("%.+", ""));
            } catch (IllegalArgumentException e) {
                throw Problem.invalid("bad nameserver address " + server + ": unable to parse IP");
            }
        }
        return servers;
    }

    /** Who is on the host's network or on none is on no other; whoever shares another's sandbox is where that is. */
    private void checkCompany(Namespace.Kind sandbox) {
        List<String> drivers = body.body("NetworkingConfig").keys("EndpointsConfig").stream()
                .map(name -> NetworkRoutes.found(host, name.equals("default") ? mode() : name)
                        .map(n -> n.spec().driver().value())
                        .orElse(""))
                .toList();
        if (sandbox == Namespace.Kind.HOST && !drivers.stream().allMatch("host"::equals)) {
            throw Problem.invalid(ContainerCommand.Connect.SHARED);
        }
        if (sandbox != Namespace.Kind.HOST && drivers.contains("host")) {
            throw Problem.invalid(ContainerCommand.Connect.HOST_FIRST);
        }
        boolean nowhere = sandbox == Namespace.Kind.NONE || drivers.contains("none");
        if (nowhere && drivers.size() > (drivers.contains("none") ? 1 : 0)) {
            throw Problem.invalid(ContainerCommand.Connect.ALONE);
        }
    }

    /** What belongs to the sandbox is said where that was made. That is refused before anybody asks whether it is there. */
    private void checkJoining() {
        if (!body.text("Hostname").isEmpty()) {
            throw Problem.invalid("conflicting options: hostname and the network mode");
        }
        if (!hostConfig.texts("Links").isEmpty()) {
            throw Problem.invalid("conflicting options: container type network can't be used with links."
                    + " This would result in undefined behavior");
        }
        if (!hostConfig.texts("Dns").isEmpty()) {
            throw Problem.invalid("conflicting options: dns and the network mode");
        }
        if (!hostConfig.texts("ExtraHosts").isEmpty()) {
            throw Problem.invalid("conflicting options: custom host-to-IP mapping and the network mode");
        }
        if (!body.text("MacAddress").isEmpty()) {
            throw Problem.invalid("conflicting options: mac-address and the network mode");
        }
        if (!Ports.published(hostConfig).isEmpty() || hostConfig.flag("PublishAllPorts")) {
            throw Problem.invalid("conflicting options: port publishing and the container type network mode");
        }
        if (!body.keys("ExposedPorts").isEmpty()) {
            throw Problem.invalid("conflicting options: port exposing and the container type network mode");
        }
    }

    /**
     * Each names a container that is here; as Docker, a missing one is told so and not looked for as an image. On the default
     * network whom it names is settled now, whatever that is called later; on another the resolver looks for whom it names
     * whenever it is asked, so that one may come later.
     */
    private List<String> links(Namespace sandbox, List<NetworkWish> wishes) {
        List<String> links = hostConfig.texts("Links");
        if (!links.isEmpty() && sandbox.kind() == Namespace.Kind.HOST) {
            throw Problem.invalid("conflicting options: host type networking can't be used with links."
                    + " This would result in undefined behavior");
        }
        boolean onDefault = wishes.stream()
                .findFirst()
                .flatMap(w -> host.network(w.network()))
                .filter(n -> n.spec().predefined())
                .isPresent();
        boolean onOwn = !wishes.isEmpty() && !onDefault;
        List<String> settled = new ArrayList<>();
        for (String link : links) {
            int colon = link.indexOf(':');
            String name = colon < 0 ? link : link.substring(0, colon);
            String alias = colon < 0 ? link : link.substring(colon + 1);
            if (name.isEmpty() || alias.isEmpty() || alias.indexOf(':') >= 0) {
                throw Problem.invalid("bad format for links: " + link);
            }
            if (onOwn) {
                settled.add(link);
                continue;
            }
            Container target = ContainerLookup.joined(host, name, "could not get container for " + name + ": ");
            settled.add(onDefault ? linkable(target).id() + ":" + alias : link);
        }
        return settled;
    }

    /** A container in another's sandbox has that one's address, and one in the host's has none of its own. */
    private Container linkable(Container target) {
        Namespace sandbox = target.spec().networking().sandbox();
        if (sandbox.kind() == Namespace.Kind.HOST) {
            throw Problem.invalid("conflicting options: host type networking can't be used with links."
                    + " This would result in undefined behavior");
        }
        return sandbox.container().flatMap(host::container).map(this::linkable).orElse(target);
    }

    private Map<String, String> annotations() {
        Map<String, String> annotations = hostConfig.map("Annotations");
        if (annotations.containsKey("")) {
            throw Problem.invalid("invalid Annotations: the empty string is not permitted as an annotation key");
        }
        return annotations;
    }

    private List<String> extraHosts() {
        List<String> lines = hostConfig.texts("ExtraHosts");
        for (String line : lines) {
            if (line.indexOf(':') < 1 || line.endsWith(":")) {
                throw Problem.invalid("bad format for add-host: \"" + line + "\"");
            }
            String address = line.substring(line.indexOf(':') + 1);
            if (!address.equals("host-gateway")) {
                NetworkRoutes.checkHost(address);
            }
        }
        return lines;
    }

    /** The network that is called so, or what stands for it: it may be made after the container and before that starts. */
    private NetworkId network(String name) {
        return NetworkRoutes.found(host, name).map(Network::id).orElseGet(() -> NetworkWish.awaited(name));
    }

    private NetworkWish wish(String name, Body settings) {
        NetworkWish wish;
        try {
            wish = NetworkRoutes.wish(network(name), settings);
        } catch (Problem e) {
            throw unfit(name, e);
        }
        return host.network(wish.network()).isPresent() ? wish : wish.awaiting(name);
    }

    private static Problem unfit(String network, Problem why) {
        return new Problem(why.status(), "invalid config for network " + network + ": " + why.message());
    }

    /** The networks that the client named, the one of the mode before the others; where it named none, that of the mode. */
    private List<NetworkWish> wishes() {
        Map<NetworkId, NetworkWish> named = new LinkedHashMap<>();
        body.body("NetworkingConfig").bodies("EndpointsConfig").forEach((name, settings) -> {
            NetworkWish wish = wish(name.equals("default") ? mode() : name, settings);
            named.put(wish.network(), wish);
        });
        if (named.isEmpty()) {
            NetworkWish wish = wish(mode(), Body.EMPTY);
            named.put(wish.network(), wish);
        }
        List<NetworkWish> wishes = new ArrayList<>(named.values());
        OptionalInt main = IntStream.range(0, wishes.size())
                .filter(i -> network(mode()).equals(wishes.get(i).network()))
                .findFirst();
        main.ifPresent(i -> wishes.add(0, wishes.remove(i)));
        String mac;
        try {
            mac = NetworkRoutes.mac(body);
        } catch (Problem e) {
            throw unfit(mode(), e);
        }
        DeviceSettings settings = DeviceSettings.of(hostConfig);
        if (mac.isEmpty() && settings.settings().isEmpty()) {
            return wishes;
        }
        if (main.isEmpty() && version.atLeast(44)) {
            throw Problem.invalid(
                    "HostConfig.NetworkMode must match the identity of a network in NetworkSettings.Networks");
        }
        NetworkWish first = wishes.get(0);
        if (!mac.isEmpty()
                && version.atLeast(44)
                && !first.mac().isEmpty()
                && !first.mac().equals(mac)) {
            throw Problem.invalid("the container-wide MAC address must match the endpoint-specific MAC address for"
                    + " the main network, or be left empty");
        }
        wishes.set(
                0,
                new NetworkWish(
                        first.network(),
                        first.aliases(),
                        first.links(),
                        first.ipv4(),
                        first.ipv6(),
                        mac.isEmpty() ? first.mac() : mac,
                        first.gatewayPriority(),
                        settings.before(first.options())));
        return wishes;
    }
}
