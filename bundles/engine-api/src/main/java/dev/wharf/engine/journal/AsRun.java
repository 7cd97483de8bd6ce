package dev.wharf.engine.journal;

import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.engine.containers.HostSettings;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.ContainerSpec.Namespace;
import dev.wharf.model.DriverKind;
import dev.wharf.model.Healthcheck;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.MountSpec;
import dev.wharf.model.NetworkWish;
import dev.wharf.model.PortWish;
import dev.wharf.model.Resources;
import dev.wharf.model.RestartPolicy;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The command line that makes a container like this one again. What comes from the image is left out, for the image says it
 * again; what a command line cannot say is told in {@link #notes}.
 */
final class AsRun {
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_@%+=:,./-]+");
    private static final Pattern UNQUOTED = Pattern.compile("[^\\s\",][^\",\r\n]*");
    private static final String PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    private static final long DEFAULT_SHM = 64L << 20;
    private static final Map<String, String> BLOCK_IO = Map.of(
            "read-bps", "--device-read-bps",
            "write-bps", "--device-write-bps",
            "read-iops", "--device-read-iops",
            "write-iops", "--device-write-iops",
            "weight", "--blkio-weight-device");

    private final Host host;
    private final Container container;
    private final ContainerSpec spec;
    private final Optional<ImageConfig> image;
    private final List<String> words = new ArrayList<>(List.of("docker", "run"));
    private final List<String> notes = new ArrayList<>();

    /** Of a container on the host it stood on. */
    AsRun(Host host, Container container) {
        this.host = host;
        this.container = container;
        this.spec = container.spec();
        this.image = host.image(spec.image()).map(Image::config);
        if (image.isEmpty()) {
            notes.add(
                    "the image " + spec.image().shortForm() + " is not here any more, so what it said is spelled out");
        }
        write();
    }

    List<String> words() {
        return List.copyOf(words);
    }

    /** As a shell reads it. */
    String line() {
        return words.stream().map(AsRun::quoted).collect(Collectors.joining(" "));
    }

    List<String> notes() {
        return List.copyOf(notes);
    }

    static String quoted(String word) {
        return PLAIN.matcher(word).matches() ? word : "'" + word.replace("'", "'\\''") + "'";
    }

    private void write() {
        streams();
        option("--name", container.name());
        life();
        rights();
        process();
        limits(spec.resources());
        namespaces();
        network();
        mounts();
        health();
        logging();
        program();
    }

    private void flag(String name, boolean set) {
        if (set) words.add(name);
    }

    private void option(String name, String value) {
        if (!value.isEmpty()) {
            words.add(name);
            words.add(value);
        }
    }

    private void number(String name, long value) {
        if (value != 0) option(name, Long.toString(value));
    }

    private void options(String name, Iterable<String> values) {
        values.forEach(value -> option(name, value));
    }

    private void pairs(String name, Map<String, String> pairs) {
        pairs.forEach((key, value) -> option(name, value.isEmpty() ? key : key + "=" + value));
    }

    private <T> T ofImage(Function<ImageConfig, T> what, T otherwise) {
        return image.map(what).orElse(otherwise);
    }

    /** In the words of whoever created it, which is how it is shown, too. */
    private String said(String field, String otherwise) {
        return spec.remarks().getOrDefault(field, otherwise);
    }

    // ---- parts

    private void streams() {
        flag("-i", spec.stdio().openStdin());
        flag("-t", spec.stdio().tty());
        flag("-d", !(spec.stdio().openStdin() && spec.stdio().attachStdin()));
    }

    private void life() {
        flag("--rm", spec.autoRemove());
        RestartPolicy policy = spec.restartPolicy();
        if (policy.kind() != RestartPolicy.Kind.NO) {
            option(
                    "--restart",
                    policy.kind().name().toLowerCase(Locale.ROOT).replace('_', '-')
                            + (policy.maximumRetries() > 0 ? ":" + policy.maximumRetries() : ""));
        }
        String signal = spec.stop().signal().toString();
        String usual = ofImage(ImageConfig::stopSignal, "");
        boolean isUsual = signal.equals("SIGTERM") || signal.equals(usual) || signal.equals("SIG" + usual);
        option("--stop-signal", said("StopSignal", isUsual ? "" : signal));
        Duration timeout = spec.stop().timeout();
        boolean isDefault = timeout.equals(ContainerSpec.Stop.DEFAULT.timeout());
        option("--stop-timeout", said("StopTimeout", isDefault ? "" : Long.toString(timeout.toSeconds())));
        boolean other = host.preferred(DriverKind.RUNTIME)
                .map(best -> !best.equals(spec.runtime()))
                .orElse(false);
        option("--runtime", said("HostConfig.Runtime", other ? spec.runtime().value() : ""));
        pairs("--storage-opt", spec.storageOptions());
        option("--volume-driver", said("HostConfig.VolumeDriver", ""));
    }

    private void rights() {
        ContainerSpec.Security security = spec.security();
        flag("--privileged", security.privileged());
        options("--cap-add", security.capAdd());
        options("--cap-drop", security.capDrop());
        for (String option : security.options()) {
            if (option.startsWith("seccomp=") && option.contains("{")) {
                option("--security-opt", "seccomp=seccomp.json");
                notes.add("the seccomp profile was read from a file: write what `docker inspect` shows of it to"
                        + " seccomp.json");
            } else {
                option("--security-opt", option);
            }
        }
        boolean bare =
                security.maskedPaths().isEmpty() && security.readOnlyPaths().isEmpty();
        if (bare && !security.privileged()) option("--security-opt", "systempaths=unconfined");
        flag("--read-only", security.readOnlyRootfs());
        pairs("--sysctl", security.sysctls());
    }

    private void process() {
        ContainerSpec.Command command = spec.command();
        flag("--init", command.init());
        flag("--init=false", said("HostConfig.Init", "").equals("false"));
        if (!command.user().equals(ofImage(ImageConfig::user, ""))) option("--user", command.user());
        options("--group-add", command.additionalGroups());
        if (!command.workingDir().equals(ofImage(ImageConfig::workingDir, ""))) {
            option("--workdir", command.workingDir());
        }
        List<String> inherited = ofImage(ImageConfig::env, List.of());
        boolean pathless = inherited.stream().noneMatch(variable -> variable.startsWith("PATH="));
        command.env().stream()
                .filter(variable -> !inherited.contains(variable) && !(pathless && variable.equals(PATH)))
                .forEach(variable -> option("--env", variable));
        Map<String, String> labels = new LinkedHashMap<>(spec.labels());
        ofImage(ImageConfig::labels, Map.<String, String>of()).forEach(labels::remove);
        labels.forEach((key, value) -> option("--label", key + "=" + value));
        pairs("--annotation", spec.annotations());
    }

    private void limits(Resources r) {
        number("--memory", r.memoryBytes());
        number("--memory-swap", r.memorySwapBytes() == 2 * r.memoryBytes() ? 0 : r.memorySwapBytes());
        number("--memory-reservation", r.memoryReservationBytes());
        if (r.memorySwappiness() >= 0) option("--memory-swappiness", Integer.toString(r.memorySwappiness()));
        if (r.nanoCpus() != 0) {
            option(
                    "--cpus",
                    BigDecimal.valueOf(r.nanoCpus(), 9).stripTrailingZeros().toPlainString());
        }
        number("--cpu-shares", r.cpuShares());
        number("--cpu-period", r.cpuPeriodMicros());
        number("--cpu-quota", r.cpuQuotaMicros());
        option("--cpuset-cpus", r.cpusetCpus());
        option("--cpuset-mems", r.cpusetMems());
        number("--pids-limit", Math.max(0, r.pidsLimit()));
        number("--blkio-weight", r.blkioWeight());
        r.blockIo().forEach(b -> option(BLOCK_IO.getOrDefault(b.kind(), ""), b.devicePath() + ":" + b.value()));
        flag("--oom-kill-disable", r.oomKillDisable());
        number("--oom-score-adj", r.oomScoreAdj());
        if (r.shmSizeBytes() != DEFAULT_SHM) number("--shm-size", r.shmSizeBytes());
        option("--cgroup-parent", r.cgroupParent());
        r.ulimits().forEach(u -> option("--ulimit", u.name() + "=" + u.soft() + ":" + u.hard()));
        r.devices().forEach(d -> option("--device", d.hostPath() + ":" + d.containerPath() + ":" + d.permissions()));
        options("--device-cgroup-rule", r.deviceCgroupRules());
    }

    private void namespaces() {
        option("--pid", mode(spec.namespaces().pid()));
        option("--ipc", mode(spec.namespaces().ipc()));
        option("--uts", mode(spec.namespaces().uts()));
        option("--userns", said("HostConfig.UsernsMode", ""));
        Namespace cgroup = spec.namespaces().cgroup();
        if (!cgroup.equals(HostSettings.USUAL_CGROUP)) {
            option("--cgroupns", cgroup.kind().name().toLowerCase(Locale.ROOT));
        }
    }

    private String mode(Namespace namespace) {
        return switch (namespace.kind()) {
            case PRIVATE -> "";
            case CONTAINER ->
                "container:"
                        + namespace
                                .container()
                                .map(id ->
                                        host.container(id).map(Container::name).orElse(id.value()))
                                .orElse("");
            default -> namespace.kind().name().toLowerCase(Locale.ROOT);
        };
    }

    private void network() {
        ContainerSpec.Networking networking = spec.networking();
        Namespace sandbox = networking.sandbox();
        boolean own = sandbox.kind() == Namespace.Kind.PRIVATE || sandbox.kind() == Namespace.Kind.NONE;
        if (own && !spec.hostname().equals(container.id().shortForm())) option("--hostname", spec.hostname());
        option("--domainname", spec.domainname());
        if (sandbox.kind() != Namespace.Kind.PRIVATE) {
            option("--network", mode(sandbox));
        } else {
            networks(networking.networks());
        }
        option("--mac-address", networking.macAddress());
        options("--link", networking.links().stream().map(this::link).toList());
        networking.published().forEach(p -> option("--publish", published(p)));
        flag("--publish-all", networking.publishAll());
        List<String> known = new ArrayList<>(ofImage(ImageConfig::exposedPorts, List.of()));
        networking.published().forEach(p -> known.add(p.containerPort() + "/" + p.protocol()));
        networking.exposed().stream()
                .filter(port -> !known.contains(port) && !known.contains(port.replace("/tcp", "")))
                .forEach(port -> option("--expose", port));
        options("--dns", networking.dns());
        options("--dns-search", networking.dnsSearch());
        options("--dns-option", networking.dnsOptions());
        options("--add-host", networking.extraHosts());
    }

    /** A link by the name of whom it means, where that is known. */
    private String link(String written) {
        int colon = written.indexOf(':');
        return colon == 64
                ? host.container(new ContainerId(written.substring(0, colon)))
                                .map(Container::name)
                                .orElse(written.substring(0, 12))
                        + written.substring(colon)
                : written;
    }

    private void networks(List<NetworkWish> wishes) {
        boolean plain = wishes.stream()
                .allMatch(wish ->
                        wish.gatewayPriority() == 0 && wish.driverOptions().isEmpty());
        if (wishes.size() == 1 && plain) {
            NetworkWish wish = wishes.get(0);
            String name = name(wish);
            if (!name.equals("bridge")) option("--network", name);
            option("--ip", wish.ipv4());
            option("--ip6", wish.ipv6());
            options("--network-alias", wish.aliases());
            if (!wish.mac().equals(spec.networking().macAddress())) option("--mac-address", wish.mac());
            options("--link-local-ip", wish.linkLocal());
            return;
        }
        for (NetworkWish wish : wishes) {
            List<String> parts = new ArrayList<>(List.of("name=" + name(wish)));
            wish.aliases().forEach(alias -> parts.add("alias=" + alias));
            if (!wish.ipv4().isEmpty()) parts.add("ip=" + wish.ipv4());
            if (!wish.ipv6().isEmpty()) parts.add("ip6=" + wish.ipv6());
            if (!wish.mac().isEmpty() && !wish.mac().equals(spec.networking().macAddress())) {
                parts.add("mac-address=" + wish.mac());
            }
            if (wish.gatewayPriority() != 0) parts.add("gw-priority=" + wish.gatewayPriority());
            wish.linkLocal().forEach(address -> parts.add("link-local-ip=" + address));
            wish.driverOptions().forEach((key, value) -> parts.add("driver-opt=" + key + "=" + value));
            option("--network", parts.size() == 1 ? name(wish) : fields(parts));
        }
    }

    private String name(NetworkWish wish) {
        return host.network(wish.network())
                .map(n -> n.spec().name())
                .or(wish::missing)
                .orElse(wish.network().value());
    }

    private static String published(PortWish p) {
        String address = p.hostAddress().contains(":") ? "[" + p.hostAddress() + "]" : p.hostAddress();
        String ports = p.hostPortFirst() == 0
                ? ""
                : p.hostPortFirst() + (p.hostPortLast() > p.hostPortFirst() ? "-" + p.hostPortLast() : "");
        String side = p.containerPort() + (p.protocol().equals("tcp") ? "" : "/" + p.protocol());
        return (address.isEmpty() ? "" : address + ":")
                + (ports.isEmpty() && address.isEmpty() ? "" : ports + ":")
                + side;
    }

    private void mounts() {
        options(
                "--volumes-from",
                spec.mounts().stream()
                        .flatMap(m -> Optional.ofNullable(m.options().get("from")).stream())
                        .distinct()
                        .toList());
        List<String> ofImage = ofImage(ImageConfig::volumes, List.of());
        for (MountSpec mount : spec.mounts()) {
            if (mount.options().containsKey("from")) continue;
            boolean anonymous = mount.options().containsKey("anonymous");
            if (anonymous) {
                notes.add("what is at " + mount.target() + " lies in the anonymous volume " + mount.source()
                        + "; the new container begins with an empty one");
            }
            if (mount.options().containsKey("mount")) {
                option("--mount", mount(mount, anonymous));
            } else if (mount.kind() == MountSpec.Kind.TMPFS) {
                String words = tmpfs(mount);
                option("--tmpfs", mount.target() + (words.isEmpty() ? "" : ":" + words));
            } else if (!anonymous) {
                option("--volume", mount.source() + ":" + mount.target() + suffix(mount));
            } else if (!ofImage.contains(mount.target())) {
                option("--volume", mount.target());
            }
        }
    }

    private static String suffix(MountSpec mount) {
        String words = mount.options().getOrDefault("mode-words", "");
        if (words.isEmpty() && mount.readOnly()) words = "ro";
        return words.isEmpty() ? "" : ":" + words;
    }

    private static String tmpfs(MountSpec mount) {
        List<String> parts = new ArrayList<>();
        mount.options().forEach((key, value) -> {
            if (!key.equals("mount")) parts.add(value.isEmpty() ? key : key + "=" + value);
        });
        if (mount.readOnly()) parts.add("ro");
        return String.join(",", parts);
    }

    private static String mount(MountSpec mount, boolean anonymous) {
        List<String> parts = new ArrayList<>();
        parts.add("type=" + mount.kind().name().toLowerCase(Locale.ROOT));
        String source = mount.kind() == MountSpec.Kind.IMAGE
                ? mount.options().getOrDefault("reference", mount.source())
                : mount.source();
        if (!anonymous && !source.isEmpty()) parts.add("source=" + source);
        parts.add("target=" + mount.target());
        if (mount.readOnly()) parts.add("readonly");
        String kind = mount.kind().name().toLowerCase(Locale.ROOT);
        mount.options().forEach((key, value) -> {
            if (key.startsWith("volume-opt.")) {
                parts.add("volume-opt=" + key.substring("volume-opt.".length()) + "=" + value);
            } else if (key.startsWith("volume-label.")) {
                parts.add("volume-label=" + key.substring("volume-label.".length()) + "=" + value);
            } else {
                switch (key) {
                    case "propagation" -> {
                        if (!mount.options().containsKey(MountSpec.PROPAGATION_IF_POSSIBLE)) {
                            parts.add("bind-propagation=" + value);
                        }
                    }
                    case "nonrecursive" -> parts.add("bind-recursive=disabled");
                    case "readonly-submounts" ->
                        parts.add(value.equals("required") ? "bind-recursive=readonly" : "bind-recursive=writable");
                    case "nocopy" -> parts.add("volume-nocopy");
                    case "subpath" -> parts.add(kind + "-subpath=" + value);
                    case "size" -> parts.add("tmpfs-size=" + value);
                    case "mode" -> parts.add("tmpfs-mode=" + value);
                    default -> {}
                }
            }
        });
        return fields(parts);
    }

    /** As the docker command reads fields of one word: those of CSV (RFC 4180). */
    private static String fields(List<String> parts) {
        return parts.stream()
                .map(part -> UNQUOTED.matcher(part).matches() ? part : '"' + part.replace("\"", "\"\"") + '"')
                .collect(Collectors.joining(","));
    }

    private void health() {
        Optional<Healthcheck> inherited =
                image.flatMap(ImageConfig::healthcheck).filter(Healthcheck::isAsked);
        Optional<Healthcheck> own = spec.healthcheck();
        if (own.equals(inherited)) return;
        if (own.filter(Healthcheck::isAsked).isEmpty()) {
            words.add("--no-healthcheck");
            return;
        }
        Healthcheck check = own.get();
        Optional<List<String>> said = inherited.map(Healthcheck::test);
        if (!said.equals(Optional.of(check.test()))) {
            List<String> test = check.test();
            option(
                    "--health-cmd",
                    test.get(0).equals("CMD-SHELL")
                            ? String.join(" ", test.subList(1, test.size()))
                            : test.subList(1, test.size()).stream()
                                    .map(AsRun::quoted)
                                    .collect(Collectors.joining(" ")));
        }
        option("--health-interval", time(check.interval()));
        option("--health-timeout", time(check.timeout()));
        option("--health-start-period", time(check.startPeriod()));
        option("--health-start-interval", time(check.startInterval()));
        number("--health-retries", check.retries());
    }

    private static String time(Duration duration) {
        if (duration.isZero()) return "";
        return duration.getNano() == 0 ? duration.toSeconds() + "s" : duration.toNanos() + "ns";
    }

    private void logging() {
        if (!spec.logging().driver().equals("json-file")
                && !spec.logging().driver().isEmpty()) {
            option("--log-driver", spec.logging().driver());
        }
        spec.logging().options().forEach((key, value) -> option("--log-opt", key + "=" + value));
    }

    /** An entry point of the command line's own is one word; what more it had goes before the arguments. */
    private void program() {
        List<String> entrypoint = spec.command().entrypoint();
        List<String> arguments = spec.command().cmd();
        List<String> before = List.of();
        boolean same = entrypoint.equals(ofImage(ImageConfig::entrypoint, List.of()));
        if (!same) {
            words.add("--entrypoint");
            words.add(entrypoint.isEmpty() ? "" : entrypoint.get(0));
            before = entrypoint.subList(Math.min(1, entrypoint.size()), entrypoint.size());
        }
        words.add(spec.imageReference());
        words.addAll(before);
        if (!same || !arguments.equals(ofImage(ImageConfig::cmd, List.of()))) words.addAll(arguments);
    }
}
