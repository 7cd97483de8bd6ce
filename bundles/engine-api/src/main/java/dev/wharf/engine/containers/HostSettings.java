package dev.wharf.engine.containers;

import com.fasterxml.jackson.databind.JsonNode;
import dev.wharf.core.state.Host;
import dev.wharf.engine.http.Body;
import dev.wharf.engine.http.Problem;
import dev.wharf.model.ByteCount;
import dev.wharf.model.Capability;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.ContainerSpec.Namespace;
import dev.wharf.model.Resources;
import dev.wharf.model.RestartPolicy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** Reads what a {@code HostConfig} says of limits, rights, namespaces and restarts. */
public final class HostSettings {
    /** What Docker leaves a container; see capabilities(7). */
    private static final List<String> DEFAULT_CAPABILITIES = List.of(
            "CAP_CHOWN",
            "CAP_DAC_OVERRIDE",
            "CAP_FSETID",
            "CAP_FOWNER",
            "CAP_MKNOD",
            "CAP_NET_RAW",
            "CAP_SETGID",
            "CAP_SETUID",
            "CAP_SETFCAP",
            "CAP_SETPCAP",
            "CAP_NET_BIND_SERVICE",
            "CAP_SYS_CHROOT",
            "CAP_KILL",
            "CAP_AUDIT_WRITE");

    static final List<String> MASKED = List.of(
            "/proc/asound",
            "/proc/acpi",
            "/proc/interrupts",
            "/proc/kcore",
            "/proc/keys",
            "/proc/latency_stats",
            "/proc/timer_list",
            "/proc/timer_stats",
            "/proc/sched_debug",
            "/proc/scsi",
            "/sys/firmware",
            "/sys/devices/virtual/powercap");

    static final List<String> READ_ONLY =
            List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger");

    /** Under the first version of cgroups Docker gives a container the host's namespace unless it is told otherwise. */
    public static final Namespace USUAL_CGROUP =
            Files.exists(Path.of("/sys/fs/cgroup/cgroup.controllers")) ? Namespace.PRIVATE : Namespace.HOST;

    private static final Namespace SHAREABLE = new Namespace(Namespace.Kind.SHAREABLE, java.util.Optional.empty());

    /** The kernel keeps less than this for a cgroup at all. */
    private static final long LEAST_MEMORY = 6L << 20;

    static final String SWAP = "MemorySwap";
    private static final long DEFAULT_SHM = 64L << 20;
    private static final Pattern SYSCTL = Pattern.compile("[a-z0-9_]+(?:[./][a-zA-Z0-9_-]+)+");

    /** Sysctls that belong to a namespace and not to the host (namespaces(7)). */
    private static final Set<String> NAMESPACED = Set.of(
            "kernel.msgmax",
            "kernel.msgmnb",
            "kernel.msgmni",
            "kernel.sem",
            "kernel.shmall",
            "kernel.shmmax",
            "kernel.shmmni",
            "kernel.shm_rmid_forced",
            "kernel.domainname",
            "kernel.hostname");

    private final Host host;
    private final Body body;
    private final boolean privileged;

    HostSettings(Host host, Body hostConfig) {
        this.host = host;
        this.body = hostConfig;
        this.privileged = hostConfig.flag("Privileged");
    }

    // ---- limits

    /** The limits that are asked for, less what this kernel has no control for. */
    Controls.Kept limits() {
        long shm = body.optionalNumber("ShmSize").orElse(0L);
        if (shm < 0) {
            throw Problem.invalid("SHM size can not be less than 0");
        }
        // Docker lets a container swap as much as it may hold, unless somebody said otherwise.
        long swap = body.number(SWAP) == 0 ? 2 * body.number("Memory") : body.number(SWAP);
        Controls.Kept limits = limits(body, swap, shm == 0 ? DEFAULT_SHM : shm);
        checkSwap(limits.resources());
        return limits;
    }

    /** Refuses a limit of memory and swap that does not fit that of memory. */
    static void checkSwap(Resources wanted) {
        if (wanted.memoryBytes() == 0 && wanted.memorySwapBytes() > 0) {
            throw Problem.invalid("You should always set the Memory limit when using Memoryswap limit, see usage");
        }
        if (wanted.memorySwapBytes() > 0 && wanted.memorySwapBytes() < wanted.memoryBytes()) {
            throw Problem.invalid("Minimum memoryswap limit should be larger than memory limit, see usage");
        }
    }

    /** Limits as {@code HostConfig} and the body of an update write them, but for that of swap. */
    static Controls.Kept limits(Body body, long swap, long shmSize) {
        long memory = body.number("Memory");
        long reservation = body.number("MemoryReservation");
        if (memory != 0 && memory < LEAST_MEMORY) {
            throw Problem.invalid("Minimum memory limit allowed is 6MB");
        }
        if (reservation != 0 && reservation < LEAST_MEMORY) {
            throw Problem.invalid("Minimum memory reservation allowed is 6MB");
        }
        if (body.number("CpuShares") < 0) {
            throw Problem.invalid(
                    "invalid CPU shares (" + body.number("CpuShares") + "): value must be a positive integer");
        }
        if (memory > 0 && reservation > memory) {
            throw Problem.invalid("Minimum memory limit can not be less than memory reservation limit, see usage");
        }
        long nanoCpus = body.number("NanoCpus");
        long period = body.number("CpuPeriod");
        long quota = body.number("CpuQuota");
        if (nanoCpus > 0 && (period > 0 || quota > 0)) {
            throw Problem.invalid("Conflicting options: Nano CPUs and CPU " + (period > 0 ? "Period" : "Quota")
                    + " cannot both be set");
        }
        long processors = Runtime.getRuntime().availableProcessors();
        if (nanoCpus < 0 || nanoCpus > processors * 1_000_000_000L) {
            throw Problem.invalid("range of CPUs is from 0.01 to " + processors + ".00, as there are only " + processors
                    + " CPUs available");
        }
        if (period != 0 && (period < 1000 || period > 1_000_000)) {
            throw Problem.invalid(
                    "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
        }
        if (quota > 0 && quota < 1000) {
            throw Problem.invalid("CPU cfs quota can not be less than 1ms (i.e. 1000)");
        }
        Controls controls = new Controls();
        controls.checkSets(body.text("CpusetCpus"), body.text("CpusetMems"));
        if (body.number("CpuRealtimePeriod") != 0 || body.number("CpuRealtimeRuntime") != 0) {
            throw Problem.invalid("kernel does not support CPU real-time scheduler");
        }
        long adjust = body.number("OomScoreAdj");
        if (adjust < -1000 || adjust > 1000) {
            throw Problem.invalid("Invalid value " + adjust + ", range for oom score adj is [-1000, 1000]");
        }
        long swappiness = body.optionalNumber("MemorySwappiness").orElse(-1L);
        if (swappiness < -1 || swappiness > 100) {
            throw Problem.invalid("Invalid value: " + swappiness + ", valid memory swappiness range is 0-100");
        }
        long pids = body.optionalNumber("PidsLimit").orElse(0L);
        long weight = body.number("BlkioWeight");
        if (weight != 0 && (weight < 10 || weight > 1000)) {
            throw Problem.invalid("Range of blkio weight is from 10 to 1000");
        }
        Resources wanted = new Resources(
                memory,
                swap,
                reservation,
                (int) swappiness,
                nanoCpus,
                body.number("CpuShares"),
                period,
                quota,
                body.text("CpusetCpus"),
                body.text("CpusetMems"),
                Math.max(pids, 0),
                (int) weight,
                blockIo(body),
                body.flag("OomKillDisable"),
                (int) adjust,
                shmSize,
                body.text("CgroupParent"),
                ulimits(body),
                devices(body),
                body.texts("DeviceCgroupRules"));
        return controls.keep(wanted, body);
    }

    private static List<Resources.BlockIo> blockIo(Body body) {
        List<Resources.BlockIo> all = new ArrayList<>();
        Map<String, String> kinds = Map.of(
                "BlkioDeviceReadBps",
                "read-bps",
                "BlkioDeviceWriteBps",
                "write-bps",
                "BlkioDeviceReadIOps",
                "read-iops",
                "BlkioDeviceWriteIOps",
                "write-iops");
        kinds.forEach((field, kind) ->
                body.list(field).forEach(d -> all.add(new Resources.BlockIo(kind, d.text("Path"), d.number("Rate")))));
        body.list("BlkioWeightDevice")
                .forEach(d -> all.add(new Resources.BlockIo("weight", d.text("Path"), d.number("Weight"))));
        return all;
    }

    private static List<Resources.Ulimit> ulimits(Body body) {
        return body.list("Ulimits").stream()
                .map(u -> {
                    long soft = u.number("Soft");
                    long hard = u.number("Hard");
                    if (hard != -1 && (soft == -1 || soft > hard)) {
                        throw Problem.invalid(
                                "ulimit soft limit must be less than or equal to hard limit: " + soft + " > " + hard);
                    }
                    return new Resources.Ulimit(u.text("Name").toLowerCase(Locale.ROOT), soft, hard);
                })
                .toList();
    }

    private static List<Resources.Device> devices(Body body) {
        if (!body.list("DeviceRequests").isEmpty()) {
            Body first = body.list("DeviceRequests").get(0);
            String wanted = StreamSupport.stream(first.raw("Capabilities").spliterator(), false)
                    .map(set -> StreamSupport.stream(set.spliterator(), false)
                            .map(JsonNode::asText)
                            .collect(Collectors.joining(" ", "[", "]")))
                    .collect(Collectors.joining(" ", "[", "]"));
            if (first.text("Driver").equals("cdi")) {
                throw Problem.invalid("could not select device driver \"cdi\" with capabilities: " + wanted
                        + ": CDI devices are not served");
            }
            throw Problem.invalid(
                    "could not select device driver \"" + first.text("Driver") + "\" with capabilities: " + wanted);
        }
        return body.list("Devices").stream()
                .map(d -> new Resources.Device(
                        d.text("PathOnHost"),
                        d.optionalText("PathInContainer")
                                .filter(p -> !p.isEmpty())
                                .orElse(d.text("PathOnHost")),
                        d.optionalText("CgroupPermissions")
                                .filter(p -> !p.isEmpty())
                                .orElse("rwm")))
                .toList();
    }

    // ---- rights

    ContainerSpec.Security security() {
        List<String> add = capabilities("CapAdd");
        List<String> drop = capabilities("CapDrop");
        boolean noNewPrivileges = false;
        String seccomp = privileged ? "unconfined" : "default";
        String apparmor = privileged ? "unconfined" : "";
        boolean unmasked = false;
        for (String option : body.texts("SecurityOpt")) {
            int split = option.indexOf('=') >= 0 ? option.indexOf('=') : option.indexOf(':');
            String name = split < 0 ? option : option.substring(0, split);
            String value = split < 0 ? "" : option.substring(split + 1);
            switch (name) {
                case "no-new-privileges" -> {
                    if (!value.isEmpty() && !value.equals("true") && !value.equals("false")) {
                        throw Problem.invalid("invalid --security-opt 2: \"" + option + "\"");
                    }
                    noNewPrivileges = !value.equals("false");
                }
                case "seccomp" -> seccomp = value.equals("builtin") ? "default" : value;
                case "apparmor" -> apparmor = value;
                case "writable-cgroups" -> {
                    if (!value.isEmpty() && !value.equals("true") && !value.equals("false")) {
                        throw Problem.invalid("invalid --security-opt 2: \"" + option + "\"");
                    }
                }
                case "label" -> {} // SELinux labels mean nothing on a host without SELinux
                case "systempaths" -> unmasked = value.equals("unconfined");
                default ->
                    throw Problem.invalid("invalid --security-opt " + (split < 0 ? 1 : 2) + ": \"" + option + "\"");
            }
        }
        boolean bare = privileged || unmasked;
        return new ContainerSpec.Security(
                privileged,
                privileged ? Capability.NAMES : resolve(add, drop),
                body.texts("CapAdd"),
                body.texts("CapDrop"),
                noNewPrivileges,
                seccomp,
                apparmor,
                paths("MaskedPaths", bare ? List.of() : MASKED),
                paths("ReadonlyPaths", bare ? List.of() : READ_ONLY),
                body.flag("ReadonlyRootfs"),
                sysctls(),
                body.texts("SecurityOpt"));
    }

    /** Null means the default, an empty list none. */
    private List<String> paths(String field, List<String> byDefault) {
        return body.has(field) ? body.texts(field) : byDefault;
    }

    private List<String> capabilities(String field) {
        return body.texts(field).stream()
                .map(c -> {
                    String upper = c.toUpperCase(Locale.ROOT);
                    if (upper.equals("ALL")) {
                        return upper;
                    }
                    String full = upper.startsWith("CAP_") ? upper : "CAP_" + upper;
                    if (!Capability.NAMES.contains(full)) {
                        throw Problem.invalid("invalid " + field + ": unknown capability: \"" + full + "\"");
                    }
                    return full;
                })
                .toList();
    }

    private static List<String> resolve(List<String> add, List<String> drop) {
        Set<String> resolved = new LinkedHashSet<>();
        if (add.contains("ALL")) {
            resolved.addAll(Capability.NAMES);
        } else if (!drop.contains("ALL")) {
            resolved.addAll(DEFAULT_CAPABILITIES);
        }
        resolved.removeAll(drop);
        add.stream().filter(c -> !c.equals("ALL")).forEach(resolved::add);
        return List.copyOf(resolved);
    }

    private Map<String, String> sysctls() {
        Map<String, String> sysctls = body.map("Sysctls");
        boolean hostNetwork = body.text("NetworkMode").equals("host");
        boolean hostIpc = body.text("IpcMode").equals("host");
        sysctls.forEach((key, value) -> {
            if (!SYSCTL.matcher(key).matches() || value.indexOf('\n') >= 0) {
                throw Problem.invalid("invalid sysctl \"" + key + "\"");
            }
            String dotted = key.replace('/', '.');
            if (dotted.startsWith("net.")) {
                if (hostNetwork) {
                    throw Problem.invalid("sysctl \"" + key + "\" not allowed in host network namespace");
                }
            } else if (NAMESPACED.contains(dotted) || dotted.startsWith("fs.mqueue.")) {
                if (hostIpc) {
                    throw Problem.invalid("sysctl \"" + key + "\" not allowed in host ipc namespace");
                }
            } else {
                throw Problem.invalid("sysctl \"" + key + "\" is not in a separate kernel namespace");
            }
        });
        sysctls.keySet().removeAll(DeviceSettings.of(body).settings().keySet());
        return sysctls;
    }

    // ---- namespaces, restarts, logs

    /** Refuses what only other systems have, or what nothing here could keep. */
    void checkForeign() {
        String isolation = body.text("Isolation");
        if (!isolation.isEmpty() && !isolation.equalsIgnoreCase("default")) {
            throw Problem.invalid("invalid isolation (" + isolation + "): linux only supports 'default'");
        }
        if (!body.text("Cgroup").isEmpty()) {
            throw Problem.invalid("invalid cgroup mode: " + body.text("Cgroup") + "; use --cgroupns");
        }
        // Whether a size can be kept to is the storage driver's to say, when it makes the container's file system.
        body.map("StorageOpt").forEach((option, value) -> {
            if (!option.equals("size")) {
                throw Problem.invalid("Unknown option " + option);
            }
            if (ByteCount.parse(value).filter(bytes -> bytes > 0).isEmpty()) {
                throw Problem.invalid("invalid size: '" + value + "'; write it as 10G or 512m");
            }
        });
    }

    /** @param shared whether who says nothing means an IPC namespace that others may join: before API 1.40 that was so */
    ContainerSpec.Namespaces namespaces(boolean shared) {
        if (!body.text("UsernsMode").isEmpty() && !body.text("UsernsMode").equals("host")) {
            throw Problem.invalid("invalid userns mode: " + body.text("UsernsMode"));
        }
        return new ContainerSpec.Namespaces(
                namespace("PidMode", Set.of("host")),
                shared && body.text("IpcMode").isEmpty()
                        ? SHAREABLE
                        : namespace("IpcMode", Set.of("host", "private", "shareable", "none")),
                namespace("UTSMode", Set.of("host")),
                body.text("CgroupnsMode").isEmpty()
                        ? USUAL_CGROUP
                        : namespace("CgroupnsMode", Set.of("host", "private")),
                Namespace.HOST);
    }

    private Namespace namespace(String field, Set<String> allowed) {
        String mode = body.text(field);
        if (mode.isEmpty()) {
            return Namespace.PRIVATE;
        }
        if (mode.startsWith("container:") && mode.length() > "container:".length() && !field.equals("CgroupnsMode")) {
            return Namespace.of(ContainerLookup.joined(host, mode.substring("container:".length()), "")
                    .id());
        }
        if (!allowed.contains(mode)) {
            String name = field.equals("CgroupnsMode")
                    ? "cgroup namespace"
                    : field.replace("Mode", "").toUpperCase(Locale.ROOT);
            throw Problem.invalid("invalid " + name + " mode: " + mode);
        }
        return switch (mode) {
            case "host" -> Namespace.HOST;
            case "shareable" -> SHAREABLE;
            case "none" -> new Namespace(Namespace.Kind.NONE, java.util.Optional.empty());
            default -> Namespace.PRIVATE;
        };
    }

    boolean autoRemove() {
        return body.flag("AutoRemove");
    }

    RestartPolicy restartPolicy() {
        RestartPolicy policy = restartPolicy(body.body("RestartPolicy"));
        if (autoRemove() && policy.kind() != RestartPolicy.Kind.NO) {
            throw Problem.invalid("can't create 'AutoRemove' container with restart policy");
        }
        return policy;
    }

    static RestartPolicy restartPolicy(Body policy) {
        String name = policy.text("Name");
        int retries = (int) policy.number("MaximumRetryCount");
        RestartPolicy.Kind kind = switch (name) {
            case "", "no" -> RestartPolicy.Kind.NO;
            case "always" -> RestartPolicy.Kind.ALWAYS;
            case "unless-stopped" -> RestartPolicy.Kind.UNLESS_STOPPED;
            case "on-failure" -> RestartPolicy.Kind.ON_FAILURE;
            default ->
                throw Problem.invalid("invalid restart policy: unknown policy '" + name
                        + "'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'");
        };
        if (retries != 0 && kind != RestartPolicy.Kind.ON_FAILURE) {
            throw Problem.invalid("invalid restart policy: maximum retry count can only be used with 'on-failure'"
                    + (retries < 0 ? " and cannot be negative" : ""));
        }
        if (retries < 0) {
            throw Problem.invalid("invalid restart policy: maximum retry count cannot be negative");
        }
        return new RestartPolicy(kind, retries);
    }

    ContainerSpec.Logging logging() {
        Body log = body.body("LogConfig");
        return LogOptions.checked(log.text("Type"), log.map("Config"));
    }
}
