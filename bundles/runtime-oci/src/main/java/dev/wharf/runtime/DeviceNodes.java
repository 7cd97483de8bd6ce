package dev.wharf.runtime;

import static dev.wharf.spi.DriverException.failure;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.model.Resources.Device;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.kernel.FileCalls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Device nodes for containers, and the rules about who may use them (OCI runtime spec, config-linux, devices). */
final class DeviceNodes {
    private static final int TYPE = 0170000;
    private static final int CHARACTER = 0020000;
    private static final int BLOCK = 0060000;

    /** Made for every container in a way of their own. */
    private static final Set<String> OWN_WAY =
            Set.of("/dev/pts", "/dev/shm", "/dev/fd", "/dev/mqueue", "/dev/.lxc", "/dev/.lxd-mounts", "/dev/.udev");

    private static final Pattern RULE = Pattern.compile("([acb]) ([0-9]+|\\*):([0-9]+|\\*) ([rwm]{1,3})");

    /** null, zero, full, tty, random, urandom, console, ptmx and the terminals of devpts; and making nodes of any kind. */
    private static final List<String> USUAL = List.of(
            "c *:* m",
            "b *:* m",
            "c 1:3 rwm",
            "c 1:5 rwm",
            "c 1:7 rwm",
            "c 1:8 rwm",
            "c 1:9 rwm",
            "c 5:0 rwm",
            "c 5:1 rwm",
            "c 5:2 rwm",
            "c 136:* rwm");

    private final FileCalls files;

    DeviceNodes(FileCalls files) {
        this.files = files;
    }

    /** Denies everything, then allows what every container may use. */
    void allowUsual(ArrayNode rules) throws DriverException {
        rules.addObject().put("allow", false).put("access", "rwm");
        for (String rule : USUAL) {
            allow(rules, rule);
        }
    }

    /** Allows everything, as a privileged container may. */
    void allowAll(ArrayNode rules) {
        rules.addObject().put("allow", true).put("access", "rwm");
    }

    /** Adds a rule such as {@code c 42:* rmw}. */
    void allow(ArrayNode rules, String rule) throws DriverException {
        Matcher matcher = RULE.matcher(rule);
        if (!matcher.matches()) {
            throw failure(Kind.INVALID, "invalid device cgroup rule format: '" + rule + "'");
        }
        ObjectNode node = rules.addObject().put("allow", true).put("type", matcher.group(1));
        if (!matcher.group(2).equals("*")) {
            node.put("major", Long.parseLong(matcher.group(2)));
        }
        if (!matcher.group(3).equals("*")) {
            node.put("minor", Long.parseLong(matcher.group(3)));
        }
        node.put("access", matcher.group(4));
    }

    /** Adds one device, or all below a directory, to {@code nodes} and allows its use. */
    void give(Device device, ArrayNode nodes, ArrayNode rules) throws DriverException {
        Path host;
        try {
            host = Path.of(device.hostPath()).toRealPath();
        } catch (IOException e) {
            throw failure(Kind.INVALID, gathering(device) + "no such file or directory", e);
        }
        String inside = device.containerPath().isEmpty() ? device.hostPath() : device.containerPath();
        String access = device.permissions().isEmpty() ? "rwm" : device.permissions();
        int before = nodes.size();
        if (Files.isDirectory(host)) {
            walk(host, inside, nodes, rules, access, false);
        } else {
            node(host, inside, nodes, rules, access);
        }
        if (nodes.size() == before) {
            throw failure(Kind.INVALID, gathering(device) + "not a device node");
        }
    }

    private static String gathering(Device device) {
        return "error gathering device information while adding custom device \"" + device.hostPath() + "\": ";
    }

    /** Adds every device of the host, as a privileged container sees them. */
    void giveAll(ArrayNode nodes, ArrayNode rules) throws DriverException {
        allowAll(rules);
        walk(Path.of("/dev"), "/dev", nodes, rules, "", true);
    }

    private void walk(Path directory, String inside, ArrayNode nodes, ArrayNode rules, String access, boolean all)
            throws DriverException {
        List<Path> children;
        try (Stream<Path> listed = Files.list(directory)) {
            children = listed.sorted().toList();
        } catch (IOException e) {
            return;
        }
        for (Path child : children) {
            String name = inside + "/" + child.getFileName();
            if (OWN_WAY.contains(name) || (all && (name.equals("/dev/console") || name.equals("/dev/ptmx")))) {
                continue;
            }
            if (Files.isDirectory(child, LinkOption.NOFOLLOW_LINKS)) {
                walk(child, name, nodes, rules, access, all);
            } else {
                node(child, name, nodes, rules, access);
            }
        }
    }

    private void node(Path host, String inside, ArrayNode nodes, ArrayNode rules, String access) {
        FileCalls.Stat stat;
        try {
            stat = files.stat(host);
        } catch (IOException e) {
            // It went away, or cannot be seen: then it cannot be given either.
            return;
        }
        int type = stat.mode() & TYPE;
        if (type != CHARACTER && type != BLOCK) {
            return;
        }
        String letter = type == CHARACTER ? "c" : "b";
        nodes.addObject()
                .put("path", inside)
                .put("type", letter)
                .put("major", stat.rdevMajor())
                .put("minor", stat.rdevMinor())
                .put("fileMode", stat.mode() & 0777)
                .put("uid", stat.uid())
                .put("gid", stat.gid());
        if (!access.isEmpty()) {
            rules.addObject()
                    .put("allow", true)
                    .put("type", letter)
                    .put("major", stat.rdevMajor())
                    .put("minor", stat.rdevMinor())
                    .put("access", access);
        }
    }

    /** The numbers of a block device, for limits on it. */
    int[] numbers(String path) throws DriverException {
        try {
            FileCalls.Stat stat = files.stat(Path.of(path).toRealPath());
            return new int[] {stat.rdevMajor(), stat.rdevMinor()};
        } catch (IOException e) {
            throw failure(Kind.INVALID, "stat " + path + ": no such file or directory", e);
        }
    }
}
