package dev.wharf.runtime;

import dev.wharf.model.ContainerId;
import dev.wharf.model.ExecId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Where things lie. The bundle of a container, under the exec root, lives as long as its process does; its log and the files
 * bound into it, under the data root, live as long as the container.
 */
record Places(Path execRoot, Path dataRoot) {
    private static final FileAttribute<Set<PosixFilePermission>> OURS_ALONE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    /** The directory of a container's process: config.json, the monitor's files, its execs. */
    Path bundle(ContainerId container) {
        return bundles().resolve(container.value());
    }

    /** The directory of one exec. */
    Path exec(ContainerId container, ExecId exec) {
        return execs(container).resolve(exec.value());
    }

    Path execs(ContainerId container) {
        return bundle(container).resolve("exec");
    }

    /** What outlives the process: log, hosts, hostname, resolv.conf. */
    Path keep(ContainerId container) {
        return dataRoot.resolve("containers").resolve(container.value());
    }

    Path log(ContainerId container) {
        return keep(container).resolve("log");
    }

    /** The state directory of one OCI runtime, its {@code --root}. */
    Path runtimeRoot(String runtime) {
        return execRoot.resolve("oci").resolve(runtime);
    }

    private Path bundles() {
        return execRoot.resolve("containers");
    }

    /** Every container with a bundle on disk. */
    List<ContainerId> containers() throws IOException {
        return named(bundles()).stream().map(ContainerId::new).toList();
    }

    /** Every exec of a container with a directory on disk. */
    List<ExecId> execIds(ContainerId container) throws IOException {
        return named(execs(container)).stream().map(ExecId::new).toList();
    }

    private static List<String> named(Path directory) throws IOException {
        List<String> names = new ArrayList<>();
        // Files would make an exception of one that is missing, as most are.
        if (!directory.toFile().isDirectory()) {
            return names;
        }
        try (Stream<Path> children = Files.list(directory)) {
            children.map(child -> child.getFileName().toString())
                    .filter(name -> name.length() == 64 && name.chars().allMatch(c -> Character.digit(c, 16) >= 0))
                    .forEach(names::add);
        }
        return names;
    }

    /** Makes a directory and its parents, for nobody but root: sockets, environments and logs lie in there. */
    static Path make(Path directory) throws IOException {
        return Files.createDirectories(directory, OURS_ALONE);
    }

    /** The same where there must be none yet, and the parent must be there. */
    static void makeOne(Path directory) throws IOException {
        Files.createDirectory(directory, OURS_ALONE);
    }
}
