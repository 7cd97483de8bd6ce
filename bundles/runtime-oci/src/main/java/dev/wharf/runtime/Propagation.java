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
import java.util.Set;
import java.util.stream.Stream;

/**
 * Whether mounts can travel between a bind's source and the container (mount_namespaces(7)): that takes a source that lies
 * on a shared mount, or on a slave where they only come in. A runtime would not say so and leave the bind deaf. And what else
 * a bind has of the mount that its source lies on.
 */
final class Propagation {
    private static final Set<String> FORBIDDING = Set.of("ro", "nosuid", "nodev", "noexec");

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

    /**
     * The options with how the bind is to follow the host settled, and with all that the host's own mount forbids: a bind
     * begins with that, but crun takes off what its options do not say.
     *
     * @param mountinfo the host's mounts
     */
    static List<String> settled(BoundMount bind, String mountinfo) throws IOException {
        Path source = Path.of(bind.source());
        // Of what is not there the runtime tells.
        Optional<Line> holder = Files.exists(source) ? holder(mountinfo, source.toRealPath()) : Optional.empty();
        String word = gives(holder, true) ? "rslave" : "rprivate";
        Stream<String> own =
                bind.options().stream().map(option -> option.equals(BoundMount.SLAVE_IF_POSSIBLE) ? word : option);
        Stream<String> forbidden = holder.stream()
                .flatMap(line -> line.options().stream())
                .filter(option -> FORBIDDING.contains(option) && !bind.options().contains(option));
        return Stream.concat(own, forbidden).toList();
    }

    /** The mount of this host that holds what is bound. */
    private static Optional<Line> holder(BoundMount bind) throws IOException {
        return holder(mountinfo(), Path.of(bind.source()).toRealPath());
    }

    /** The host's mounts in the words of proc(5). */
    static String mountinfo() throws IOException {
        return Files.readString(Path.of("/proc/self/mountinfo"), StandardCharsets.UTF_8);
    }

    private static boolean gives(Optional<Line> holder, boolean slave) {
        return holder.map(line -> line.is("shared:") || slave && line.is("master:"))
                .orElse(false);
    }

    /** A mount, what is allowed on it, and which peer groups it is in. */
    record Line(Path point, List<String> options, List<String> groups) {
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
                deepest = Optional.of(new Line(
                        point, List.of(fields[5].split(",")), List.of(fields).subList(6, separator)));
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
