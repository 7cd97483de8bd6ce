package dev.wharf.engine.system;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What the machine under the agent is like, read from the kernel's own files (proc(5), cgroups(7), os-release(5)). */
public final class Machine {
    private static final Path CGROUPS = Path.of("/sys/fs/cgroup");

    private final Path root;

    public Machine() {
        this(Path.of("/"));
    }

    /** A machine whose files are below {@code root}. */
    public Machine(Path root) {
        this.root = root;
    }

    private Path at(Path path) {
        return root.resolve(Path.of("/").relativize(path));
    }

    private String text(String path) {
        try {
            return Files.readString(at(Path.of(path))).strip();
        } catch (IOException e) {
            return "";
        }
    }

    private boolean has(Path path) {
        return Files.exists(at(path));
    }

    /** How many descriptors this process has open. */
    int openFiles() {
        String[] open = at(Path.of("/proc/self/fd")).toFile().list();
        return open == null ? 0 : open.length;
    }

    public String hostName() {
        return text("/proc/sys/kernel/hostname");
    }

    String kernel() {
        return text("/proc/sys/kernel/osrelease");
    }

    /** What uname(1) -m says, where Java has words of its own. */
    String architecture() {
        String arch = System.getProperty("os.arch", "");
        return arch.equals("amd64") ? "x86_64" : arch;
    }

    long memoryBytes() {
        return text("/proc/meminfo")
                .lines()
                .filter(line -> line.startsWith("MemTotal:"))
                .findFirst()
                .map(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024)
                .orElse(0L);
    }

    /** The distribution's name for people, and its version. */
    record Distribution(String name, String version) {}

    Distribution operatingSystem() {
        Map<String, String> values = new HashMap<>();
        String text = text("/etc/os-release");
        (text.isEmpty() ? text("/usr/lib/os-release") : text).lines().forEach(line -> {
            int equals = line.indexOf('=');
            if (equals > 0) {
                String value = line.substring(equals + 1).strip();
                boolean quoted = value.length() > 1 && "\"'".indexOf(value.charAt(0)) >= 0;
                values.put(line.substring(0, equals), quoted ? value.substring(1, value.length() - 1) : value);
            }
        });
        return new Distribution(values.getOrDefault("PRETTY_NAME", "Linux"), values.getOrDefault("VERSION_ID", ""));
    }

    boolean forwardsIpv4() {
        return text("/proc/sys/net/ipv4/ip_forward").equals("1");
    }

    boolean hasSeccomp() {
        return text("/proc/self/status").lines().anyMatch(line -> line.startsWith("Seccomp:"));
    }

    boolean hasCgroupNamespaces() {
        return has(Path.of("/proc/self/ns/cgroup"));
    }

    // ---- limits

    boolean isUnified() {
        return has(CGROUPS.resolve("cgroup.controllers"));
    }

    /** Which limits the kernel can keep here. */
    Limits limits() {
        if (isUnified()) {
            List<String> controllers = controllers();
            boolean memory = controllers.contains("memory");
            boolean cpu = controllers.contains("cpu");
            return new Limits(
                    memory,
                    limitsSwap(),
                    cpu,
                    cpu,
                    controllers.contains("cpuset"),
                    controllers.contains("pids"),
                    false);
        }
        Path memory = CGROUPS.resolve("memory");
        Path cpu = CGROUPS.resolve("cpu");
        return new Limits(
                has(memory.resolve("memory.limit_in_bytes")),
                limitsSwap(),
                has(cpu.resolve("cpu.cfs_quota_us")),
                has(cpu.resolve("cpu.shares")),
                has(CGROUPS.resolve("cpuset").resolve("cpuset.cpus")),
                has(CGROUPS.resolve("pids")),
                has(memory.resolve("memory.oom_control")));
    }

    /** Whether the kernel counts what is swapped, and so can limit it. */
    public boolean limitsSwap() {
        return isUnified()
                ? controllers().contains("memory") && swapOf("memory.swap.max")
                : has(CGROUPS.resolve("memory").resolve("memory.memsw.limit_in_bytes"));
    }

    private List<String> controllers() {
        return List.of(text("/sys/fs/cgroup/cgroup.controllers").split(" "));
    }

    /** The root group has no limits of its own, so one below it is asked. */
    private boolean swapOf(String file) {
        String own = text("/proc/self/cgroup")
                .lines()
                .filter(line -> line.startsWith("0::/"))
                .map(line -> line.substring(4))
                .findFirst()
                .orElse("");
        return own.isEmpty()
                ? has(Path.of("/proc/swaps"))
                : has(CGROUPS.resolve(own).resolve(file));
    }

    /** See {@code SystemInfo}. */
    record Limits(
            boolean memory, boolean swap, boolean quota, boolean shares, boolean cpuset, boolean pids, boolean oom) {
        void tell(ObjectNode info, boolean unified) {
            info.put("MemoryLimit", memory)
                    .put("SwapLimit", swap)
                    .put("CpuCfsPeriod", quota)
                    .put("CpuCfsQuota", quota)
                    .put("CPUShares", shares)
                    .put("CPUSet", cpuset)
                    .put("PidsLimit", pids);
            if (!unified) {
                info.put("OomKillDisable", oom);
            }
        }

        /** What an operator should know that cannot be limited here. */
        List<String> warnings() {
            List<String> warnings = new ArrayList<>();
            warn(warnings, memory, "WARNING: No memory limit support");
            warn(warnings, swap, "WARNING: No swap limit support");
            warn(warnings, quota, "WARNING: No cpu cfs quota support");
            warn(warnings, quota, "WARNING: No cpu cfs period support");
            warn(warnings, shares, "WARNING: No cpu shares support");
            warn(warnings, cpuset, "WARNING: No cpuset support");
            warn(warnings, pids, "WARNING: No pids limit support");
            return warnings;
        }

        private static void warn(List<String> warnings, boolean supported, String text) {
            if (!supported) {
                warnings.add(text);
            }
        }
    }

    /** What is below the storage driver: the file system that holds the data root. */
    static void describeBacking(ArrayNode status, Path dataRoot) {
        backing(dataRoot)
                .ifPresent(type -> status.addArray().add("Backing Filesystem").add(type));
    }

    private static Optional<String> backing(Path path) {
        try {
            return Optional.of(Files.getFileStore(path).type());
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
