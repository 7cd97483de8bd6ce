package dev.wharf.runtime;

import dev.wharf.spi.runtime.Counters;
import dev.wharf.spi.runtime.Measure;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The host's control groups (cgroups(7)): version 1, where each controller has a hierarchy of its own, version 2 with one
 * for all, or both side by side, in which case the controllers of version 1 count.
 *
 * @param controllers the root directory of each version 1 controller, such as {@code memory}, and of named hierarchies
 * @param unified the root of the version 2 hierarchy, where there is one
 */
record Cgroups(Map<String, Path> controllers, Optional<Path> unified) {
    private static final long NANOS_PER_TICK = 10_000_000L;
    private static final long NANOS_PER_MICRO = 1000L;

    /** Version 1 writes a limit that is none as the largest multiple of a page; anything this large is none. */
    private static final long NO_LIMIT = 1L << 60;

    /** Numbers of /proc/[pid]/net/dev between the bytes received and the bytes sent. */
    private static final int BETWEEN_RECEIVED_AND_SENT = 7;

    private static final String NOWHERE = "/nowhere/";

    Cgroups {
        controllers = Map.copyOf(controllers);
    }

    /** What is mounted now, from the text of /proc/self/mountinfo (proc(5)). */
    static Cgroups of(String mountinfo) {
        Map<String, Path> controllers = new LinkedHashMap<>();
        Optional<Path> unified = Optional.empty();
        for (String line : mountinfo.split("\n")) {
            String[] halves = line.split(" - ", 2);
            if (halves.length < 2) {
                continue;
            }
            String[] left = halves[0].split(" ");
            String[] right = halves[1].split(" ");
            if (left.length < 5 || right.length < 3) {
                continue;
            }
            Path point = Path.of(left[4]);
            if (right[0].equals("cgroup2") && unified.isEmpty()) {
                unified = Optional.of(point);
            }
            if (right[0].equals("cgroup")) {
                for (String option : right[2].split(",")) {
                    controllers.putIfAbsent(option, point);
                }
            }
        }
        controllers
                .keySet()
                .removeIf(name -> name.equals("rw") || name.equals("ro") || name.contains("=") && !isNamed(name));
        return new Cgroups(controllers, unified);
    }

    static Cgroups read() throws IOException {
        return of(Files.readString(Path.of("/proc/self/mountinfo")));
    }

    /**
     * Version 1 hierarchies that the kernel has and that are mounted nowhere in sight, as where a mount namespace went with the
     * only mount while there was a cgroup in it: a runtime would take an ordinary directory for it.
     *
     * @param membership the text of /proc/self/cgroup (cgroups(7))
     * @return the controllers of each, joined by commas as mount(8) wants them
     */
    List<String> astray(String membership) {
        List<String> found = new ArrayList<>();
        for (String line : membership.split("\n")) {
            String[] parts = line.split(":", 3);
            if (parts.length == 3
                    && !parts[1].isEmpty()
                    && !isNamed(parts[1])
                    && !controllers.containsKey(parts[1].split(",")[0])) {
                found.add(parts[1]);
            }
        }
        return found;
    }

    boolean isVersion2() {
        return controllers.keySet().stream().allMatch(Cgroups::isNamed) && unified.isPresent();
    }

    /** A hierarchy of version 1 without a controller, such as {@code name=systemd}, has a cgroup of each container as well. */
    private static boolean isNamed(String controller) {
        return controller.startsWith("name=");
    }

    /** The directory of the cgroup at {@code path} below each hierarchy's root, where it exists. */
    private Set<Path> directories(String path) {
        Set<Path> all = new LinkedHashSet<>();
        Stream.concat(controllers.values().stream(), unified.stream())
                .map(root -> below(root, path))
                .filter(Files::isDirectory)
                .forEach(all::add);
        return all;
    }

    private static Path below(Path root, String path) {
        int start = 0;
        while (path.startsWith("/", start)) {
            start++;
        }
        return root.resolve(path.substring(start));
    }

    private Optional<Path> directory(String controller, String path) {
        return isVersion2()
                ? unified.map(root -> below(root, path))
                : Optional.ofNullable(controllers.get(controller)).map(root -> below(root, path));
    }

    /** Whether this host has a controller, named as in version 1. */
    boolean controls(String controller) {
        return isVersion2()
                ? words("cgroup.controllers").contains(name2(controller))
                : controllers.containsKey(controller);
    }

    /**
     * Whether this host's cgroups have a file, such as {@code memory.memsw.limit_in_bytes}. Version 2 shows most of them
     * below the root only, and not before somebody there uses the controller; until then it is taken to have them all.
     */
    boolean has(String controller, String file) {
        if (!isVersion2()) {
            return directory(controller, "/")
                    .filter(root -> Files.exists(root.resolve(file)))
                    .isPresent();
        }
        if (!words("cgroup.subtree_control").contains(name2(controller))) {
            return controls(controller);
        }
        try (Stream<Path> children = Files.list(unified.orElseThrow())) {
            return children.anyMatch(child -> Files.exists(child.resolve(file)));
        } catch (IOException e) {
            return false;
        }
    }

    private static String name2(String controller) {
        return controller.equals("blkio") ? "io" : controller;
    }

    private List<String> words(String file) {
        return List.of(text(unified.orElseThrow().resolve(file)).strip().split(" "));
    }

    /** Every process in the cgroup and those below it, as the host numbers them. */
    List<Integer> processes(String path) throws IOException {
        Optional<Path> directory = isVersion2()
                ? unified.map(root -> below(root, path))
                : Stream.of("pids", "freezer", "memory", "devices", "cpu")
                        .flatMap(controller -> directory(controller, path).stream())
                        .filter(Files::isDirectory)
                        .findFirst();
        List<Integer> pids = new ArrayList<>();
        if (directory.isPresent()) {
            collect(directory.get(), pids);
        }
        return pids;
    }

    private static void collect(Path directory, List<Integer> pids) throws IOException {
        for (String line : text(directory.resolve("cgroup.procs")).lines().toList()) {
            int pid = Integer.parseInt(line.strip());
            // 0 stands for a process of another pid namespace.
            if (pid > 0) {
                pids.add(pid);
            }
        }
        for (Path child : children(directory)) {
            collect(child, pids);
        }
    }

    private static List<Path> children(Path directory) throws IOException {
        // A link for each directory below and two of its own: to look at all the files would cost more.
        if (Files.isDirectory(directory)
                && Files.getAttribute(directory, "unix:nlink").equals(2)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(directory)) {
            return all.filter(Files::isDirectory).toList();
        } catch (NoSuchFileException e) {
            return List.of();
        }
    }

    /** How often memory ran out so that the kernel ended a process. */
    long outOfMemoryKills(String path) {
        Optional<Path> file = directory("memory", path)
                .map(directory -> directory.resolve(isVersion2() ? "memory.events" : "memory.oom_control"));
        try {
            return file.isPresent() ? pairs(file.get()).getOrDefault("oom_kill", 0L) : 0;
        } catch (IOException e) {
            return 0;
        }
    }

    /** Takes the limit of processes away. */
    void unlimitPids(String path) throws IOException {
        lift("pids", path, "pids.max", "max");
    }

    /** Takes the limit of processor time away. */
    void unlimitCpu(String path) throws IOException {
        lift("cpu", path, isVersion2() ? "cpu.max" : "cpu.cfs_quota_us", isVersion2() ? "max" : "-1");
    }

    private void lift(String controller, String path, String file, String word) throws IOException {
        Optional<Path> directory = directory(controller, path);
        if (directory.isPresent()) {
            write(directory.get().resolve(file), word);
        }
    }

    /** Asks the kernel to freeze or thaw; {@link #isFrozen} says when it is done. False where it cannot. */
    boolean freeze(String path, boolean frozen) throws IOException {
        if (isVersion2()) {
            return write(below(unified.orElseThrow(), path).resolve("cgroup.freeze"), frozen ? "1" : "0");
        }
        Optional<Path> directory = directory("freezer", path);
        return directory.isPresent() && write(directory.get().resolve("freezer.state"), frozen ? "FROZEN" : "THAWED");
    }

    boolean isFrozen(String path) throws IOException {
        if (isVersion2()) {
            return pairs(below(unified.orElseThrow(), path).resolve("cgroup.events"))
                            .getOrDefault("frozen", 0L)
                    == 1;
        }
        Optional<Path> directory = directory("freezer", path);
        return directory.isPresent()
                && text(directory.get().resolve("freezer.state")).strip().equals("FROZEN");
    }

    /** Whether it is frozen or on its way. */
    boolean isFreezing(String path) throws IOException {
        if (isVersion2()) {
            return text(below(unified.orElseThrow(), path).resolve("cgroup.freeze"))
                    .strip()
                    .equals("1");
        }
        Optional<Path> directory = directory("freezer", path);
        return directory.isPresent()
                && text(directory.get().resolve("freezer.state")).strip().matches("FROZEN|FREEZING");
    }

    private static boolean write(Path file, String value) throws IOException {
        try {
            Files.writeString(file, value, StandardCharsets.US_ASCII, StandardOpenOption.WRITE);
            return true;
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    /** Removes the cgroup and those below it from every hierarchy; they must be empty. What is gone is fine. */
    void remove(String path) throws IOException {
        for (Path directory : directories(path)) {
            removeTree(directory);
        }
    }

    private static void removeTree(Path directory) throws IOException {
        try {
            // Nearly always there is nothing below, and to look would cost more than to try.
            Files.deleteIfExists(directory);
        } catch (IOException e) {
            for (Path child : children(directory)) {
                removeTree(child);
            }
            Files.deleteIfExists(directory);
        }
    }

    /** Counters of the cgroup; those of network interfaces come from {@code pid}'s namespace, none for 0. */
    Measure measure(String path, int pid) throws IOException {
        Map<String, Measure.Interface> interfaces = pid == 0 ? Map.of() : interfaces(pid);
        return isVersion2() ? measure2(path, interfaces) : measure1(path, interfaces);
    }

    /** The few that charts draw; those of network interfaces come from {@code pid}'s namespace. */
    Counters counters(String path, int pid) {
        Figures file = new Figures();
        long received = 0;
        long sent = 0;
        file.of("/proc/" + pid + "/net/dev");
        for (; file.hasMore(); file.skipLine()) {
            file.skipSpaces();
            // The headings have no colon.
            if (!file.isNext("lo:") && file.skipPast(':')) {
                received += file.next();
                for (int i = 0; i < BETWEEN_RECEIVED_AND_SENT; i++) {
                    file.next();
                }
                sent += file.next();
            }
        }
        return isVersion2()
                ? counters2(file, below(unified.orElseThrow(), path) + "/", received, sent)
                : counters1(file, path, received, sent);
    }

    private Counters counters1(Figures file, String path, long received, long sent) {
        String memory = name("memory", path);
        String block = name("blkio", path);
        long cpu = file.of(name("cpuacct", path) + "cpuacct.usage").first();
        long throttled = file.of("throttled_time", name("cpu", path) + "cpu.stat");
        long used = file.of(memory + "memory.usage_in_bytes").first();
        long pids = file.of(name("pids", path) + "pids.current").first();
        if (file.of(block + "blkio.throttle.io_service_bytes_recursive").isEmpty()) {
            file.of(block + "blkio.throttle.io_service_bytes");
        }
        return new Counters(
                cpu, throttled, used, pids, file.sumAfter("Read "), file.sumAfter("Write "), received, sent);
    }

    private Counters counters2(Figures file, String directory, long received, long sent) {
        long cpu = file.of("usage_usec", directory + "cpu.stat") * NANOS_PER_MICRO;
        long throttled = file.after("throttled_usec") * NANOS_PER_MICRO;
        long used = file.of(directory + "memory.current").first();
        long pids = file.of(directory + "pids.current").first();
        file.of(directory + "io.stat");
        return new Counters(
                cpu, throttled, used, pids, file.sumAfter("rbytes="), file.sumAfter("wbytes="), received, sent);
    }

    /** What the names of the cgroup's files of a controller begin with. */
    private String name(String controller, String path) {
        Path root = controllers.get(controller);
        return root == null ? NOWHERE : root + (path.startsWith("/") ? path : "/" + path) + "/";
    }

    private Measure measure1(String path, Map<String, Measure.Interface> interfaces) throws IOException {
        Path cpu = directory("cpu", path).orElse(Path.of("/nowhere"));
        Path account = directory("cpuacct", path).orElse(Path.of("/nowhere"));
        Path memory = directory("memory", path).orElse(Path.of("/nowhere"));
        Path pids = directory("pids", path).orElse(Path.of("/nowhere"));
        Path block = directory("blkio", path).orElse(Path.of("/nowhere"));
        Map<String, Long> throttling = pairs(cpu.resolve("cpu.stat"));
        Map<String, Long> shares = pairs(account.resolve("cpuacct.stat"));
        return new Measure(
                now(),
                number(account.resolve("cpuacct.usage")),
                shares.getOrDefault("user", 0L) * NANOS_PER_TICK,
                shares.getOrDefault("system", 0L) * NANOS_PER_TICK,
                numbers(text(account.resolve("cpuacct.usage_percpu"))),
                hostCpuNanos(),
                onlineCpus(),
                throttling.getOrDefault("nr_throttled", 0L),
                throttling.getOrDefault("nr_periods", 0L),
                throttling.getOrDefault("throttled_time", 0L),
                number(memory.resolve("memory.usage_in_bytes")),
                number(memory.resolve("memory.max_usage_in_bytes")),
                limit(memory.resolve("memory.limit_in_bytes")),
                pairs(memory.resolve("memory.stat")),
                number(pids.resolve("pids.current")),
                limit(pids.resolve("pids.max")),
                blockIo1(block),
                interfaces);
    }

    private Measure measure2(String path, Map<String, Measure.Interface> interfaces) throws IOException {
        Path directory = below(unified.orElseThrow(), path);
        Map<String, Long> cpu = pairs(directory.resolve("cpu.stat"));
        return new Measure(
                now(),
                cpu.getOrDefault("usage_usec", 0L) * NANOS_PER_MICRO,
                cpu.getOrDefault("user_usec", 0L) * NANOS_PER_MICRO,
                cpu.getOrDefault("system_usec", 0L) * NANOS_PER_MICRO,
                List.of(),
                hostCpuNanos(),
                onlineCpus(),
                cpu.getOrDefault("nr_throttled", 0L),
                cpu.getOrDefault("nr_periods", 0L),
                cpu.getOrDefault("throttled_usec", 0L) * NANOS_PER_MICRO,
                number(directory.resolve("memory.current")),
                number(directory.resolve("memory.peak")),
                limit(directory.resolve("memory.max")),
                pairs(directory.resolve("memory.stat")),
                number(directory.resolve("pids.current")),
                limit(directory.resolve("pids.max")),
                blockIo2(text(directory.resolve("io.stat"))),
                interfaces);
    }

    private static long now() {
        java.time.Instant now = java.time.Instant.now();
        return now.getEpochSecond() * 1_000_000_000L + now.getNano();
    }

    /** Lines such as {@code 8:0 Read 4096}. */
    private static List<Measure.BlockIo> blockIo1(Path directory) throws IOException {
        List<Measure.BlockIo> all = new ArrayList<>();
        String text = text(directory.resolve("blkio.throttle.io_service_bytes_recursive"));
        if (text.isEmpty()) {
            text = text(directory.resolve("blkio.throttle.io_service_bytes"));
        }
        for (String line : text.lines().toList()) {
            String[] words = line.split("[ :]");
            if (words.length == 4 && (words[2].equals("Read") || words[2].equals("Write"))) {
                all.add(new Measure.BlockIo(
                        Integer.parseInt(words[0]),
                        Integer.parseInt(words[1]),
                        words[2].toLowerCase(java.util.Locale.ROOT),
                        Long.parseLong(words[3])));
            }
        }
        return all;
    }

    /** Lines such as {@code 8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0}. */
    private static List<Measure.BlockIo> blockIo2(String text) {
        List<Measure.BlockIo> all = new ArrayList<>();
        for (String line : text.lines().toList()) {
            String[] words = line.split(" ");
            String[] device = words[0].split(":");
            if (device.length != 2) {
                continue;
            }
            for (String word : words) {
                Optional<String> operation = word.startsWith("rbytes=")
                        ? Optional.of("read")
                        : word.startsWith("wbytes=") ? Optional.of("write") : Optional.empty();
                operation.ifPresent(name -> all.add(new Measure.BlockIo(
                        Integer.parseInt(device[0]),
                        Integer.parseInt(device[1]),
                        name,
                        Long.parseLong(word.substring(word.indexOf('=') + 1)))));
            }
        }
        return all;
    }

    /** The processor time of the whole host, idle time included: the first line of /proc/stat (proc(5)). */
    private static long hostCpuNanos() throws IOException {
        String line = text(Path.of("/proc/stat")).lines().findFirst().orElse("");
        // user, nice, system, idle, iowait, irq, softirq; guest time is in user already.
        return numbers(line.replaceFirst("^cpu +", "")).stream()
                        .limit(7)
                        .mapToLong(Long::longValue)
                        .sum()
                * NANOS_PER_TICK;
    }

    private static int onlineCpus() throws IOException {
        int count = 0;
        for (String range :
                text(Path.of("/sys/devices/system/cpu/online")).strip().split(",")) {
            String[] ends = range.split("-");
            count += ends[0].isEmpty() ? 0 : Integer.parseInt(ends[ends.length - 1]) - Integer.parseInt(ends[0]) + 1;
        }
        return Math.max(1, count);
    }

    /** Lines such as {@code eth0: 796 9 0 0 0 0 0 0 656 8 0 0 0 0 0 0} of /proc/[pid]/net/dev (proc(5)). */
    private static Map<String, Measure.Interface> interfaces(int pid) throws IOException {
        Map<String, Measure.Interface> all = new LinkedHashMap<>();
        for (String line : text(Path.of("/proc/" + pid + "/net/dev")).lines().toList()) {
            int colon = line.indexOf(':');
            String name = colon < 0 ? "" : line.substring(0, colon).strip();
            if (name.isEmpty() || name.equals("lo")) {
                continue;
            }
            List<Long> n = numbers(line.substring(colon + 1));
            if (n.size() >= 12) {
                all.put(
                        name,
                        new Measure.Interface(
                                n.get(0), n.get(1), n.get(2), n.get(3), n.get(8), n.get(9), n.get(10), n.get(11)));
            }
        }
        return all;
    }

    private static List<Long> numbers(String text) {
        return Stream.of(text.strip().split("\\s+"))
                .filter(word -> !word.isEmpty())
                .map(Long::parseLong)
                .toList();
    }

    private static long number(Path file) throws IOException {
        String text = text(file).strip();
        return text.isEmpty() ? 0 : Long.parseLong(text);
    }

    private static long limit(Path file) throws IOException {
        String text = text(file).strip();
        if (text.isEmpty() || text.equals("max")) {
            return 0;
        }
        long value = Long.parseLong(text);
        return value >= NO_LIMIT ? 0 : value;
    }

    private static Map<String, Long> pairs(Path file) throws IOException {
        Map<String, Long> all = new HashMap<>();
        for (String line : text(file).lines().toList()) {
            int space = line.indexOf(' ');
            if (space > 0) {
                all.put(
                        line.substring(0, space),
                        Long.parseLong(line.substring(space + 1).strip()));
            }
        }
        return all;
    }

    /** What a file says; nothing where this kernel has no such file or the cgroup goes away while it is read. */
    private static String text(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "";
        }
    }
}
