package dev.wharf.engine.containers;

import dev.wharf.engine.http.Body;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.system.Machine;
import dev.wharf.model.Resources;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;

/** What this kernel can limit, and what Docker says to those who ask for more. */
final class Controls {
    private static final Path CGROUPS = Path.of("/sys/fs/cgroup");
    private static final int MOST_PROCESSORS = 8192;

    /** Fields of {@code HostConfig} that mean something on Windows only. */
    private static final List<String> WINDOWS = List.of("CpuCount", "CpuPercent");

    /** What Docker refuses rather than leaves out, with its words for it. */
    private static final Map<String, String> REFUSED =
            Map.of("IOMaximumIOps", "IOPs", "IOMaximumBandwidth", "bandwidth");

    /** Docker's words for each kind of rate, and the file that keeps it. */
    private static final Map<String, String> RATES = Map.of(
            "read-bps", "BPS Block I/O read",
            "write-bps", "BPS Block I/O write",
            "read-iops", "IOPS Block read",
            "write-iops", "IOPS Block write");

    private static final Map<String, String> RATE_FILES = Map.of(
            "read-bps", "blkio.throttle.read_bps_device",
            "write-bps", "blkio.throttle.write_bps_device",
            "read-iops", "blkio.throttle.read_iops_device",
            "write-iops", "blkio.throttle.write_iops_device");

    private final Path root;

    Controls() {
        this(Path.of("/"));
    }

    /** The controls of a machine whose files are below {@code root}. */
    Controls(Path root) {
        this.root = root;
    }

    private Path at(Path path) {
        return root.resolve(Path.of("/").relativize(path));
    }

    private String text(Path path) {
        try {
            return Files.readString(at(path)).strip();
        } catch (IOException e) {
            return "";
        }
    }

    /** Whether a controller is there; with version 1 that file of it, with version 2 unless {@code only1}. */
    private boolean has(String controller, String file, boolean only1) {
        Path unified = CGROUPS.resolve("cgroup.controllers");
        if (Files.exists(at(unified))) {
            String name = controller.equals("blkio") ? "io" : controller;
            return !only1 && List.of(text(unified).split(" ")).contains(name);
        }
        return Files.exists(at(CGROUPS.resolve(controller).resolve(file)));
    }

    private boolean hasSets() {
        return has("cpuset", "cpuset.cpus", false);
    }

    /** The limits that can be kept here, and what to tell of those that are left out. */
    record Kept(Resources resources, List<String> warnings) {}

    Kept keep(Resources wanted, Body hostConfig) {
        List<String> warnings = new ArrayList<>();
        boolean memory = kept(
                warnings,
                wanted.memoryBytes() > 0,
                has("memory", "memory.limit_in_bytes", false),
                "Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation"
                        + " discarded.");
        long memoryBytes = memory ? wanted.memoryBytes() : 0;
        boolean swap = kept(
                warnings,
                memory && wanted.memorySwapBytes() != -1,
                new Machine(root).limitsSwap(),
                "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited"
                        + " without swap.");
        boolean swappiness = kept(
                warnings,
                wanted.memorySwappiness() >= 0,
                has("memory", "memory.swappiness", true),
                "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory"
                        + " swappiness discarded.");
        boolean reservation = kept(
                warnings,
                wanted.memoryReservationBytes() > 0,
                has("memory", "memory.soft_limit_in_bytes", false),
                "Your kernel does not support memory soft limit capabilities or the cgroup is not mounted. Limitation"
                        + " discarded.");
        boolean oomKillDisable = kept(
                warnings,
                wanted.oomKillDisable(),
                has("memory", "memory.oom_control", true),
                "Your kernel does not support OomKillDisable. OomKillDisable discarded.");
        if (oomKillDisable && memoryBytes == 0) {
            warnings.add("OOM killer is disabled for the container, but no memory limit is set, this can result in the"
                    + " system running out of resources.");
        }
        boolean shares = kept(
                warnings,
                wanted.cpuShares() > 0,
                has("cpu", "cpu.shares", false),
                "Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.");
        boolean quota = has("cpu", "cpu.cfs_quota_us", false);
        boolean period = kept(
                warnings,
                wanted.cpuPeriodMicros() > 0,
                quota,
                "Your kernel does not support CPU CFS scheduler or the cgroup is not mounted. Period discarded.");
        boolean share = kept(
                warnings,
                wanted.cpuQuotaMicros() != 0,
                quota,
                "Your kernel does not support CPU CFS scheduler or the cgroup is not mounted. Quota discarded.");
        boolean sets = kept(
                warnings,
                !(wanted.cpusetCpus() + wanted.cpusetMems()).isEmpty(),
                hasSets(),
                "Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.");
        boolean pids = kept(
                warnings,
                wanted.pidsLimit() > 0,
                has("pids", "", false),
                "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit"
                        + " discarded.");
        boolean weight = kept(
                warnings,
                wanted.blkioWeight() > 0,
                has("blkio", "blkio.weight", false),
                "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.");
        List<Resources.BlockIo> blockIo =
                wanted.blockIo().stream().filter(limit -> kept(warnings, limit)).toList();
        REFUSED.forEach((field, what) -> {
            if (hostConfig.number(field) != 0) {
                throw Problem.invalid(
                        "invalid option: QoS maximum " + what + " configuration is not supported on linux");
            }
        });
        for (String field : WINDOWS) {
            kept(
                    warnings,
                    hostConfig.number(field) != 0,
                    false,
                    field + " has a meaning for Windows only. " + field + " discarded.");
        }
        return new Kept(
                new Resources(
                        memoryBytes,
                        wanted.memoryBytes() > 0 && !swap ? -1 : wanted.memorySwapBytes(),
                        reservation ? wanted.memoryReservationBytes() : 0,
                        swappiness ? wanted.memorySwappiness() : -1,
                        wanted.nanoCpus(),
                        shares ? wanted.cpuShares() : 0,
                        period ? wanted.cpuPeriodMicros() : 0,
                        share ? wanted.cpuQuotaMicros() : 0,
                        sets ? wanted.cpusetCpus() : "",
                        sets ? wanted.cpusetMems() : "",
                        pids ? wanted.pidsLimit() : 0,
                        weight ? wanted.blkioWeight() : 0,
                        blockIo,
                        oomKillDisable,
                        wanted.oomScoreAdj(),
                        wanted.shmSizeBytes(),
                        wanted.cgroupParent(),
                        wanted.ulimits(),
                        wanted.devices(),
                        wanted.deviceCgroupRules()),
                warnings);
    }

    private boolean kept(List<String> warnings, Resources.BlockIo limit) {
        if (limit.kind().equals("weight")) {
            return kept(
                    warnings,
                    true,
                    has("blkio", "blkio.weight_device", false),
                    "Your kernel does not support Block I/O weight_device or the cgroup is not mounted."
                            + " Weight-device discarded.");
        }
        return kept(
                warnings,
                true,
                has("blkio", RATE_FILES.getOrDefault(limit.kind(), ""), false),
                "Your kernel does not support " + RATES.get(limit.kind())
                        + " limit or the cgroup is not mounted. Block I/O "
                        + (limit.kind().endsWith("-bps") ? "BPS " : "IOPS ")
                        + (limit.kind().startsWith("read") ? "read" : "write") + " limit discarded.");
    }

    /** Whether something is asked for that can be given; where it cannot, that is told once. */
    private static boolean kept(List<String> warnings, boolean asked, boolean can, String otherwise) {
        if (asked && !can && !warnings.contains(otherwise)) {
            warnings.add(otherwise);
        }
        return asked && can;
    }

    /** Refuses processors and memory nodes that this machine does not have, unless they are left out anyway. */
    void checkSets(String processors, String nodes) {
        if (!hasSets()) {
            return;
        }
        check(processors, "cpus", "CPUs", text(Path.of("/sys/devices/system/cpu/online")));
        check(nodes, "mems", "memory nodes", text(Path.of("/sys/devices/system/node/online")));
    }

    private static void check(String wanted, String short1, String what, String available) {
        if (wanted.isEmpty()) {
            return;
        }
        BitSet missing;
        try {
            missing = set(wanted);
        } catch (IllegalArgumentException e) {
            throw Problem.invalid("Invalid value " + wanted + " for cpuset " + short1 + ": invalid format: " + wanted);
        }
        if (available.isEmpty()) {
            return;
        }
        missing.andNot(set(available));
        if (!missing.isEmpty()) {
            throw Problem.invalid(
                    "Requested " + what + " are not available - requested " + wanted + ", available: " + available);
        }
    }

    /** The numbers of a list such as {@code 0-2,7}. */
    static BitSet set(String list) {
        BitSet numbers = new BitSet();
        for (String range : list.split(",", -1)) {
            int dash = range.indexOf('-');
            int first = Integer.parseInt(dash < 0 ? range : range.substring(0, dash));
            int last = dash < 0 ? first : Integer.parseInt(range.substring(dash + 1));
            if (first < 0 || last < first || last > MOST_PROCESSORS) {
                throw new IllegalArgumentException(range);
            }
            numbers.set(first, last + 1);
        }
        return numbers;
    }
}
