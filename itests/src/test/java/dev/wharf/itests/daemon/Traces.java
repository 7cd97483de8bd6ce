package dev.wharf.itests.daemon;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What an agent leaves in the kernel and on disk: on purpose when it stops, so that containers run on, or by mistake. */
public final class Traces {
    private static final Pattern PORT = Pattern.compile("(?:tcp|udp) \\. [^,}]*comment \"[0-9a-f]+\"");

    private Traces() {}

    /** Takes away what belongs to an agent that is gone: its bridge and its firewall table. */
    public static void remove(Path execRoot, String bridge) throws IOException, InterruptedException {
        Outcome.of("ip", "link", "delete", bridge);
        Outcome.of("nft", "delete", "table", "inet", table(execRoot));
    }

    /**
     * Everything that a container of this agent may hold: mounts, namespaces, links, published ports, monitors, folders, and
     * the cgroups of {@code containers}. For an agent without containers it should be nothing.
     */
    public static List<String> of(Daemon daemon, Collection<String> containers)
            throws IOException, InterruptedException {
        List<String> found = new ArrayList<>();
        mounts(daemon).forEach(at -> found.add("mount " + at));
        endpoints(daemon).forEach(link -> found.add("link " + link));
        ports(daemon).forEach(port -> found.add("port " + port));
        monitors(daemon).forEach(pid -> found.add("monitor " + pid));
        for (Path folder : List.of(
                daemon.execRoot().resolve("containers"),
                daemon.execRoot().resolve("netns"),
                daemon.execRoot().resolve("rootfs"),
                daemon.dataRoot().resolve("containers"),
                daemon.dataRoot().resolve("storage/overlay/active"))) {
            files(folder).forEach(file -> found.add("file " + file));
        }
        for (String container : containers) {
            cgroups(container).forEach(cgroup -> found.add("cgroup " + cgroup));
        }
        return found;
    }

    /** The same once the kernel has had a moment: it lets go of some things only after the last process is reaped. */
    public static List<String> settled(Daemon daemon, Collection<String> containers)
            throws IOException, InterruptedException {
        List<String> found = of(daemon, containers);
        for (int i = 0; i < 600 && !found.isEmpty(); i++) {
            Thread.sleep(50);
            found = of(daemon, containers);
        }
        return found;
    }

    /** The mount points below the agent's roots. */
    public static List<String> mounts(Daemon daemon) throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/mountinfo"))) {
            return lines.map(line -> line.split(" ")[4])
                    .filter(at -> at.startsWith(daemon.execRoot() + "/") || at.startsWith(daemon.dataRoot() + "/"))
                    .toList();
        }
    }

    /** The host's ends of the containers' links, which bear the agent's mark. */
    public static List<String> endpoints(Daemon daemon) throws IOException {
        List<String> links = new ArrayList<>();
        for (Path link : files(Path.of("/sys/class/net"))) {
            if (read(link.resolve("ifalias")).startsWith(table(daemon.execRoot()) + " endpoint ")) {
                links.add(link.getFileName().toString());
            }
        }
        return links;
    }

    /** The published ports in the agent's firewall table. */
    public static List<String> ports(Daemon daemon) throws IOException, InterruptedException {
        String rules = Outcome.of("nft", "list", "table", "inet", table(daemon.execRoot()))
                .out();
        return PORT.matcher(rules).results().map(found -> found.group()).toList();
    }

    /** The processes that watch over the agent's containers. */
    public static List<Long> monitors(Daemon daemon) {
        String mark = daemon.execRoot().resolve("containers") + "/";
        return ProcessHandle.allProcesses()
                .filter(process -> read(Path.of("/proc", Long.toString(process.pid()), "cmdline"))
                        .contains(mark))
                .map(ProcessHandle::pid)
                .toList();
    }

    /** The cgroups of a container, in each hierarchy of the host. */
    public static List<Path> cgroups(String container) throws IOException {
        List<Path> roots = new ArrayList<>(List.of(Path.of("/sys/fs/cgroup")));
        roots.addAll(files(Path.of("/sys/fs/cgroup")));
        return roots.stream()
                .map(root -> root.resolve("wharf").resolve(container))
                .filter(Files::isDirectory)
                .toList();
    }

    private static List<Path> files(Path folder) throws IOException {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            entries.forEach(files::add);
        } catch (NoSuchFileException e) {
            return List.of();
        }
        return files;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            // It went while we looked.
            return "";
        }
    }

    /** As the bridge driver calls it: each agent has a table of its own, named after its exec root. */
    public static String table(Path execRoot) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256")
                    .digest(execRoot.toAbsolutePath().normalize().toString().getBytes(StandardCharsets.UTF_8));
            return "wharf-" + HexFormat.of().formatHex(hash, 0, 4);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
