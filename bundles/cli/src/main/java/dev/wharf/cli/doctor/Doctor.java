package dev.wharf.cli.doctor;

import static dev.wharf.cli.doctor.Finding.bad;
import static dev.wharf.cli.doctor.Finding.ok;
import static dev.wharf.cli.doctor.Finding.warn;

import dev.wharf.cli.doctor.Machine.Ran;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Examines a host. It asks no agent, so that it can say why none starts; what a running one knows besides comes from {@link
 * Rounds}.
 */
public final class Doctor {
    private static final long GIB = 1L << 30;

    /** Below it pulls and logs soon find no room; the agent itself refuses changes only when there is none at all. */
    private static final long LITTLE_BYTES = 2 * GIB;

    /** A container takes about eight descriptors of the agent, and the streams of its clients some more. */
    private static final long FEW_FILES = 65_536;

    /** Each running container has an inotify instance or two, and the kernel's usual 128 are for all of a user's processes. */
    private static final long FEW_WATCHERS = 512;

    private final Machine machine;
    private final Path dataRoot;
    private final Path execRoot;
    private final Optional<String> agent;
    private final List<Finding> findings = new ArrayList<>();

    /** @param agent the pid of an agent that answers, so that what runs is nobody's leftover */
    public Doctor(Machine machine, Path dataRoot, Path execRoot, Optional<String> agent) {
        this.machine = machine;
        this.dataRoot = dataRoot;
        this.execRoot = execRoot;
        this.agent = agent;
    }

    /** Everything that was looked at, in the order of the layers from the kernel up. */
    public List<Finding> examine() {
        findings.clear();
        if (!machine.isRoot()) {
            add(warn("user", "not run by root, so some things cannot be looked at", "sudo wharf doctor"));
        }
        kernel();
        cgroups();
        seccomp();
        limits();
        java();
        runtime();
        monitor();
        forwarding();
        firewall();
        disk();
        permissions();
        leftovers();
        return List.copyOf(findings);
    }

    private void add(Finding finding) {
        findings.add(finding);
    }

    // ---- the kernel

    private void kernel() {
        String release = machine.text("/proc/sys/kernel/osrelease");
        String[] numbers = release.split("[^0-9]+");
        int version = numbers.length < 2 || numbers[0].isEmpty()
                ? 0
                : Integer.parseInt(numbers[0]) * 1000 + Integer.parseInt(numbers[1]);
        if (version < 5006) {
            add(bad(
                    "kernel",
                    "Linux " + release + " lacks openat2 and pidfd_open",
                    "install a kernel of 5.10 or newer"));
        } else if (version < 5010) {
            add(warn(
                    "kernel",
                    "Linux " + release + " is older than any that Wharf is tried on",
                    "install 5.10 or newer"));
        } else {
            add(ok("kernel", "Linux " + release));
        }
        List<String> missing = Stream.of("mnt", "net", "pid", "ipc", "uts", "cgroup")
                .filter(kind ->
                        !Files.exists(machine.at("/proc/self/ns/" + kind), java.nio.file.LinkOption.NOFOLLOW_LINKS))
                .toList();
        if (!missing.isEmpty()) {
            add(bad("kernel", "no namespaces of kind " + String.join(", ", missing), "boot a kernel that has them"));
        }
        if (machine.text("/proc/filesystems").lines().noneMatch(line -> line.endsWith("\toverlay"))) {
            add(warn(
                    "kernel",
                    "overlay is not loaded; without it images are copied whole",
                    "modprobe overlay, and add overlay to /etc/modules-load.d/wharf.conf"));
        }
    }

    private void cgroups() {
        List<String> wanted = List.of("memory", "cpu", "pids", "cpuset");
        List<String> missing;
        String version;
        if (machine.has("/sys/fs/cgroup/cgroup.controllers")) {
            version = "version 2";
            Set<String> there =
                    Set.of(machine.text("/sys/fs/cgroup/cgroup.controllers").split(" "));
            missing = wanted.stream().filter(name -> !there.contains(name)).toList();
        } else {
            boolean hybrid = machine.has("/sys/fs/cgroup/unified");
            version = hybrid ? "version 1, with 2 beside it" : "version 1";
            missing = wanted.stream()
                    .filter(name -> !machine.has("/sys/fs/cgroup/" + name))
                    .toList();
        }
        if (missing.size() == wanted.size()) {
            add(bad(
                    "cgroups",
                    "none are mounted at /sys/fs/cgroup",
                    "boot with systemd, or install cgroupfs-mount, or: mount -t cgroup2 cgroup2 /sys/fs/cgroup"));
        } else if (!missing.isEmpty()) {
            add(warn(
                    "cgroups",
                    version + " without " + String.join(", ", missing) + ", so those limits do nothing",
                    missing.contains("memory")
                            ? "boot with cgroup_enable=memory"
                            : "boot a kernel that has them, and without cgroup_disable="));
        } else {
            add(ok("cgroups", version + " with " + String.join(", ", wanted)));
        }
    }

    private void seccomp() {
        boolean filters = machine.text("/proc/sys/kernel/seccomp/actions_avail").contains("errno");
        add(
                filters
                        ? ok("seccomp", "filters work")
                        : warn(
                                "seccomp",
                                "the kernel has no filters, so containers may use every system call",
                                "boot a kernel with CONFIG_SECCOMP_FILTER"));
    }

    private void limits() {
        long files = hardLimit();
        if (files < FEW_FILES) {
            add(warn(
                    "limits",
                    files + " open files at most, enough for some " + files / 16 + " containers",
                    "LimitNOFILE=1048576 in the unit, or ulimit -Hn 1048576 where the agent is started by hand"));
        } else {
            add(ok("limits", (files == Long.MAX_VALUE ? "any number of" : files) + " open files"));
        }
        few("/proc/sys/fs/inotify/max_user_instances", FEW_WATCHERS, "fs.inotify.max_user_instances", 8192);
        few("/proc/sys/kernel/keys/root_maxkeys", 10_000, "kernel.keys.root_maxkeys", 1_000_000);
        few("/proc/sys/kernel/pid_max", 65_536, "kernel.pid_max", 4_194_304);
    }

    private void few(String file, long enough, String key, long better) {
        machine.number(file)
                .filter(number -> number < enough)
                .ifPresent(number -> add(warn(
                        "limits",
                        key + " is " + number + ", which hundreds of containers use up",
                        "sysctl -w " + key + "=" + better + ", and the same line in /etc/sysctl.d/wharf.conf")));
    }

    /** That of the agent where one runs, else of this process, whose parent's the agent would have. */
    private long hardLimit() {
        return machine.text("/proc/" + agent.orElse("self") + "/limits")
                .lines()
                .filter(line -> line.startsWith("Max open files"))
                .map(line -> line.split(" {2,}"))
                .filter(words -> words.length > 2)
                .map(words -> words[2].equals("unlimited") ? Long.MAX_VALUE : Long.parseLong(words[2]))
                .findFirst()
                .orElse(Long.MAX_VALUE);
    }

    private void java() {
        int version = Runtime.version().feature();
        add(
                version >= 17
                        ? ok("java", "Java " + Runtime.version() + " at " + System.getProperty("java.home"))
                        : bad("java", "Java " + version, "apt-get install openjdk-17-jre-headless"));
        String home = System.getProperty("wharf.home", "");
        if (!home.isEmpty() && !Files.exists(Path.of(home, "lib/wharfd-" + version + ".jsa"))) {
            add(warn(
                    "java",
                    "no archive of classes for Java " + version + ", so starts take twice the time",
                    home + "/bin/wharf-install-cds"));
        }
    }

    // ---- programs

    private void runtime() {
        List<String> found = Stream.of("crun", "runc", "youki")
                .filter(name -> machine.program(name).isPresent())
                .toList();
        if (found.isEmpty()) {
            add(bad("runtime", "no OCI runtime", "apt-get install crun"));
            return;
        }
        if (!machine.isRoot()) {
            add(ok("runtime", String.join(", ", found) + "; not tried"));
            return;
        }
        List<String> reasons = new ArrayList<>();
        for (String name : found) {
            Ran trial = new Trial(machine).run(name);
            if (trial.status() == 0) {
                add(ok(
                        "runtime",
                        name + " ran a container" + (reasons.isEmpty() ? "" : "; " + String.join("; ", reasons))));
                return;
            }
            reasons.add(name + " does not work here: " + trial.line());
        }
        add(bad("runtime", String.join("; ", reasons), "install another runtime: apt-get install crun runc"));
    }

    private void monitor() {
        Optional<Ran> conmon = machine.run("conmon", "--version");
        if (conmon.isEmpty()) {
            add(bad("conmon", "not installed, and no container starts without it", "apt-get install conmon"));
        } else if (conmon.get().status() != 0) {
            add(bad("conmon", "does not run: " + conmon.get().line(), "apt-get install --reinstall conmon"));
        } else {
            add(ok("conmon", conmon.get().line()));
        }
    }

    // ---- networks

    private void forwarding() {
        boolean on = machine.text("/proc/sys/net/ipv4/ip_forward").equals("1");
        if (on) {
            add(ok("forwarding", "IPv4 is forwarded"));
        } else if (agent.isPresent()) {
            add(bad(
                    "forwarding",
                    "something has switched IP forwarding off, so containers have no network",
                    "sysctl -w net.ipv4.ip_forward=1, and look for what sets it to 0 in /etc/sysctl.d"));
        } else {
            add(ok("forwarding", "off; the agent switches it on with its first network"));
        }
    }

    private void firewall() {
        Optional<Ran> libraries = machine.run("ldconfig", "-p");
        if (libraries.isPresent() && !libraries.get().said().contains("libnftables.so.1")) {
            add(bad("firewall", "libnftables is not installed", "apt-get install libnftables1"));
            return;
        }
        Optional<Ran> rules = machine.isRoot() ? machine.run("nft", "list", "ruleset") : Optional.empty();
        if (rules.isEmpty()) {
            add(ok("firewall", "libnftables is there; rules of others are not looked at without root and nft"));
            return;
        }
        if (rules.get().status() != 0) {
            add(bad("firewall", "nf_tables does not work: " + rules.get().line(), "modprobe nf_tables"));
            return;
        }
        List<String> dropping = Rules.droppingForwards(rules.get().said());
        if (dropping.isEmpty()) {
            add(ok("firewall", "nobody drops what is forwarded"));
        }
        for (String chain : dropping) {
            add(warn(
                    "firewall",
                    chain + " drops what is forwarded unless a rule of its own accepts it, Wharf's packets too",
                    "let it accept Wharf's bridge both ways, as in: iptables -I FORWARD -i wharf0 -j ACCEPT; iptables -I"
                            + " FORWARD -o wharf0 -j ACCEPT"));
        }
    }

    // ---- the disk

    private void disk() {
        Path there = dataRoot;
        while (!Files.exists(machine.at(there.toString())) && there.getParent() != null) {
            there = there.getParent();
        }
        try {
            FileStore store = Files.getFileStore(machine.at(there.toString()));
            long free = store.getUsableSpace();
            String room = free / GIB + " of " + store.getTotalSpace() / GIB + " GiB free at " + dataRoot + " ("
                    + store.type() + ")";
            add(
                    free < LITTLE_BYTES
                            ? warn(
                                    "disk",
                                    room,
                                    "wharf prune --dry-run shows what can go; or move --data-root to a larger disk")
                            : ok("disk", room));
            kind(store, there);
        } catch (IOException e) {
            add(bad("disk", dataRoot + " cannot be looked at: " + e.getMessage(), "look at the disk and its mount"));
        }
        inodes(there);
    }

    private void kind(FileStore store, Path there) {
        switch (store.type()) {
            case "nfs", "nfs4", "cifs", "9p", "fuse", "fuseblk" ->
                add(bad(
                        "disk",
                        store.type() + " cannot hold overlay's writable layers, and its locks may be lost",
                        "put --data-root on a local disk with ext4, xfs or btrfs"));
            case "overlay" ->
                add(warn(
                        "disk",
                        "the data root lies on an overlay itself, so images are copied whole",
                        "mount a volume or a disk at " + dataRoot));
            case "tmpfs" -> add(warn("disk", "the data root is in memory and goes with the boot", "put it on a disk"));
            case "xfs" ->
                machine.run("xfs_info", machine.at(there.toString()).toString())
                        .filter(info -> info.said().contains("ftype=0"))
                        .ifPresent(info -> add(bad(
                                "disk",
                                "this xfs does not keep the kind of a file in its directory (d_type)",
                                "make it anew with mkfs.xfs -n ftype=1")));
            default -> {
                // Every other file system of Linux will do.
            }
        }
    }

    /** A file system without a fixed number of inodes says that it has 0. */
    private void inodes(Path there) {
        machine.run("stat", "-f", "-c", "%c %d", machine.at(there.toString()).toString())
                .map(ran -> ran.said().split(" "))
                .filter(words -> words.length == 2 && words[0].matches("[0-9]+") && words[1].matches("[0-9]+"))
                .ifPresent(words -> {
                    long all = Long.parseLong(words[0]);
                    long free = Long.parseLong(words[1]);
                    if (all > 0 && free < all / 20) {
                        add(
                                warn(
                                        "disk",
                                        free + " of " + all + " inodes free",
                                        "wharf prune --dry-run shows what can go; ext4 gets no more of them without being made anew"));
                    }
                });
    }

    private void permissions() {
        Path root = machine.at(dataRoot.toString());
        if (!Files.isDirectory(root)) {
            add(ok("data root", dataRoot + " is not there yet; the agent makes it"));
            return;
        }
        try {
            PosixFileAttributes attributes = Files.readAttributes(root, PosixFileAttributes.class);
            if (attributes.permissions().contains(PosixFilePermission.OTHERS_WRITE)
                    || attributes.permissions().contains(PosixFilePermission.GROUP_WRITE)) {
                add(bad("data root", dataRoot + " can be written by others than root", "chmod go-w " + dataRoot));
            } else if (!attributes.owner().getName().equals("root")) {
                add(bad(
                        "data root",
                        dataRoot + " belongs to " + attributes.owner().getName(),
                        "chown root: " + dataRoot));
            } else {
                add(ok("data root", dataRoot + " belongs to root alone"));
            }
        } catch (IOException e) {
            add(bad("data root", dataRoot + " cannot be looked at: " + e.getMessage(), "look at the disk"));
        }
    }

    // ---- what an agent that is gone left

    private void leftovers() {
        if (agent.isPresent()) return;
        long running = machine.commands().stream()
                .filter(line -> line.contains("conmon") && line.contains(execRoot + "/"))
                .count();
        long mounts = machine.text("/proc/self/mountinfo")
                .lines()
                .map(line -> line.split(" "))
                .filter(words -> words.length > 4
                        && (words[4].startsWith(execRoot + "/") || words[4].startsWith(dataRoot + "/")))
                .count();
        if (running > 0) {
            add(warn(
                    "agent",
                    "none answers, and " + running + " containers run on without one",
                    "start it and it adopts them: systemctl start wharfd"));
        } else if (mounts > 0) {
            add(warn(
                    "leftovers",
                    mounts + " mounts of an agent that is gone, and no container",
                    "start it and it tidies up: systemctl start wharfd"));
        } else {
            add(ok("leftovers", "none"));
        }
        String pid = machine.text(execRoot.resolve("wharfd.pid").toString());
        if (pid.matches("[0-9]+") && machine.has("/proc/" + pid)) {
            boolean isOurs = machine.text("/proc/" + pid + "/cmdline").contains("wharf");
            if (isOurs) {
                add(bad(
                        "agent",
                        "pid " + pid + " runs but does not answer",
                        "journalctl -u wharfd; then systemctl restart wharfd, which leaves containers running"));
            }
        }
    }
}
