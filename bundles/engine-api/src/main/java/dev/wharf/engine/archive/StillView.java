package dev.wharf.engine.archive;

import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Names;
import dev.wharf.oci.layer.Node;
import dev.wharf.oci.layer.Tree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The file system of a container in which nothing runs: its root file system, and on it what would be mounted there. Nothing
 * is mounted for it; whoever comes to a mount point goes on in the directory that would be there.
 */
final class StillView {
    private final Tree tree;
    private final Path rootfs;

    /** Where something would be mounted, by a path without symbolic links. */
    private final Map<String, Path> mounts = new HashMap<>();

    /** A thing to be seen at a path of the container: a volume, or what a bind leads to. */
    record Mounted(String target, Path source) {}

    StillView(Tree tree, Path rootfs, List<Mounted> mounted) throws IOException {
        this.tree = tree;
        this.rootfs = rootfs;
        // What lies higher is there first, because others may be mounted on it.
        List<Mounted> ordered = mounted.stream()
                .sorted(Comparator.comparingInt(
                        m -> Names.components(m.target()).size()))
                .toList();
        for (Mounted one : ordered) {
            mounts.put(actual(one.target()), one.source());
        }
    }

    /** The root of the container. */
    Dir open() throws IOException {
        return new StillDir(this, "", tree.open(rootfs));
    }

    /** The path of a mount point as the kernel would find it; one whose parents are missing is where it says. */
    private String actual(String target) throws IOException {
        List<String> path = Names.components(target);
        String name = path.get(path.size() - 1);
        try (Dir root = open();
                Dir parent = root.resolve(String.join("/", path.subList(0, path.size() - 1)))) {
            return Names.join(parent.path().substring(1), name);
        } catch (java.nio.file.FileSystemException e) {
            return String.join("/", path);
        }
    }

    Optional<Path> mountAt(String path) {
        return Optional.ofNullable(mounts.get(path));
    }

    /** The names directly in a directory where something would be mounted. */
    List<String> mountsIn(String path) {
        String prefix = path.isEmpty() ? "" : path + "/";
        return mounts.keySet().stream()
                .filter(m -> m.startsWith(prefix) && m.indexOf('/', prefix.length()) < 0)
                .map(m -> m.substring(prefix.length()))
                .toList();
    }

    /** The directory that would be mounted at a path; empty where there is none. */
    Optional<Dir> directoryAt(String path) throws IOException {
        Optional<Path> source = mountAt(path).filter(Files::isDirectory);
        return source.isPresent() ? Optional.of(tree.open(source.get())) : Optional.empty();
    }

    /** The single file that would be mounted at a path, by the directory that has it. */
    Optional<Spot> fileAt(String path) throws IOException {
        Optional<Path> source = mountAt(path).filter(p -> !Files.isDirectory(p));
        if (source.isEmpty()) {
            return Optional.empty();
        }
        Path real = source.get().toRealPath();
        Path parent = real.getParent();
        Path name = real.getFileName();
        if (parent == null || name == null) {
            return Optional.empty();
        }
        return Optional.of(new Spot(tree.open(parent), name.toString()));
    }

    /** A name in an open directory, which is the taker's to close. */
    record Spot(Dir dir, String name) implements AutoCloseable {
        Optional<Node> look() throws IOException {
            return dir.look(name);
        }

        @Override
        public void close() {
            dir.close();
        }
    }
}
