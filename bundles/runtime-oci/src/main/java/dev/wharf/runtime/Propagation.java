package dev.wharf.runtime;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.runtime.RuntimeSpec.BoundMount;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Whether mounts can travel between a bind's source and the container (mount_namespaces(7)): that takes a source that lies
 * on a shared mount, or on a slave where they only come in. A runtime would not say so and leave the bind deaf.
 */
final class Propagation {
    private Propagation() {}

    /** Refuses a bind that wants more than its source can give. */
    static void check(BoundMount bind) throws DriverException, IOException {
        boolean shared = bind.options().contains("shared") || bind.options().contains("rshared");
        boolean slave = bind.options().contains("slave") || bind.options().contains("rslave");
        if (!shared && !slave) {
            return;
        }
        Optional<Line> holder = holder(bind);
        if (!gives(holder, slave)) {
            throw failure(
                    Kind.INVALID,
                    "path " + bind.source() + " is mounted on "
                            + holder.map(line -> line.point().toString()).orElse("nothing") + " but it is not a "
                            + (shared ? "shared" : "shared or slave") + " mount");
        }
    }

    /** The options with how the bind is to follow the host settled. */
    static List<String> settled(BoundMount bind) throws IOException {
        if (!bind.options().contains(BoundMount.SLAVE_IF_POSSIBLE)) {
            return bind.options();
        }
        String word = gives(holder(bind), true) ? "rslave" : "rprivate";
        return bind.options().stream()
                .map(option -> option.equals(BoundMount.SLAVE_IF_POSSIBLE) ? word : option)
                .toList();
    }

    /** The mount of this host that holds what is bound. */
    private static Optional<Line> holder(BoundMount bind) throws IOException {
        Path source = Path.of(bind.source()).toRealPath();
        return holder(Files.readString(Path.of("/proc/self/mountinfo"), StandardCharsets.UTF_8), source);
    }

    private static boolean gives(Optional<Line> holder, boolean slave) {
        return holder.map(line -> line.is("shared:") || slave && line.is("master:"))
                .orElse(false);
    }

    /** A mount, and which peer groups it is in. */
    record Line(Path point, List<String> groups) {
        boolean is(String kind) {
            return groups.stream().anyMatch(group -> group.startsWith(kind));
        }
    }

    /** The mount on which {@code path} lies: of the deepest, the one mounted last, which hides the others. */
    static Optional<Line> holder(String mountinfo, Path path) {
        Optional<Line> deepest = Optional.empty();
        for (String text : mountinfo.split("\n")) {
            String[] fields = text.split(" ");
            int separator = Arrays.asList(fields).indexOf("-");
            if (separator < 6) {
                continue;
            }
            Path point = Path.of(unescaped(fields[4]));
            boolean holds = path.startsWith(point);
            int depth = deepest.map(line -> line.point().getNameCount()).orElse(-1);
            if (holds && point.getNameCount() >= depth) {
                deepest = Optional.of(new Line(point, List.of(fields).subList(6, separator)));
            }
        }
        return deepest;
    }

    private static String unescaped(String text) {
        return text.replace("\\040", " ")
                .replace("\\011", "\t")
                .replace("\\012", "\n")
                .replace("\\134", "\\");
    }
}
