package dev.wharf.build.context;

import dev.wharf.model.Digest;
import dev.wharf.oci.image.DocumentException;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.LayerException;
import dev.wharf.oci.layer.Limits;
import dev.wharf.oci.layer.Node;
import dev.wharf.oci.layer.Tree;
import dev.wharf.oci.layer.Unpacker;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Receives a client's context into a folder of the build's own. */
public final class ContextFolder {
    /** Entries a context may have, and characters a .dockerignore may have. */
    private static final long MOST_ENTRIES = 500_000;

    private static final int LARGEST_LIST = 1 << 20;

    private final Tree tree;
    private final Path folder;

    public ContextFolder(Tree tree, Path folder) {
        this.tree = tree;
        this.folder = folder;
    }

    public Path folder() {
        return folder;
    }

    /** The folder of another context of the same build. */
    public ContextFolder beside(String name) {
        return new ContextFolder(tree, beside(folder, name));
    }

    /** Where that is. */
    public static Path beside(Path folder, String name) {
        return folder.resolveSibling("contexts").resolve(Digest.sha256(name).hex());
    }

    /** Unpacks a tar, packed or not. Keeps no device. */
    public void receive(InputStream tar) throws IOException {
        Files.createDirectories(folder);
        long room = Files.getFileStore(folder).getUsableSpace();
        Limits limits = Limits.DEFAULT.withEntries(MOST_ENTRIES).withSizeBytes(Math.max(1, room / 2));
        try (Dir dir = tree.open(folder)) {
            try (Unpacker unpacker =
                    new Unpacker(dir, new Unpacker.Guest("", false, Optional.of(new Unpacker.Owner(0, 0))), limits)) {
                unpacker.unpackContext(Unpacking.unpack(tar));
            } catch (LayerException | DocumentException | EOFException e) {
                throw new ContextException("the build context is refused: " + e.getMessage());
            }
            refuseDevices(dir, "");
        }
    }

    /** Takes away what is at these paths, those below before those above; what is there as another kind by now stays. */
    public void remove(List<String> paths) throws IOException {
        try (Dir dir = tree.open(folder)) {
            for (String path : paths) {
                remove(dir, path);
            }
        }
    }

    private static void remove(Dir dir, String path) throws IOException {
        int slash = path.indexOf('/');
        String name = slash < 0 ? path : path.substring(0, slash);
        if (slash < 0) {
            dir.remove(name);
        } else if (dir.look(name).filter(Node::isDirectory).isPresent()) {
            try (Dir below = dir.enter(name)) {
                remove(below, path.substring(slash + 1));
            }
        }
    }

    /** Takes away what the .dockerignore names; after the Dockerfile was read, which may be left out of images itself. */
    public void leaveOut() throws IOException {
        try (Dir dir = tree.open(folder)) {
            leaveOut(dir);
        }
    }

    /** Makes it a context of one file, which lies in it whatever a client says. */
    public void receiveFile(String name, byte[] bytes) throws IOException {
        Path file = folder.resolve(Sources.relative(name));
        Files.createDirectories(file.getParent());
        Files.write(file, bytes);
    }

    private static void refuseDevices(Dir dir, String at) throws IOException {
        for (String name : dir.names()) {
            Node node = dir.look(name).orElseThrow(() -> Sources.absent(name));
            int type = node.mode() & 0170000;
            if (type == 0020000 || type == 0060000) {
                throw new ContextException("the build context is refused: " + at + name
                        + " is a device, and a build takes none from its client");
            }
            if (node.isDirectory()) {
                try (Dir below = dir.enter(name)) {
                    refuseDevices(below, at + name + "/");
                }
            }
        }
    }

    private static void leaveOut(Dir dir) throws IOException {
        if (dir.look(".dockerignore").filter(Node::isRegular).isEmpty()) {
            return;
        }
        Patterns patterns;
        try (InputStream in = dir.read(".dockerignore")) {
            patterns = Patterns.parse(new String(in.readNBytes(LARGEST_LIST), StandardCharsets.UTF_8)
                    .lines()
                    .collect(Collectors.toList()));
        } catch (IllegalArgumentException e) {
            throw new ContextException("error parsing .dockerignore: " + e.getMessage());
        }
        if (!patterns.isEmpty()) {
            leaveOut(dir, "", patterns);
        }
    }

    private static void leaveOut(Dir dir, String at, Patterns patterns) throws IOException {
        for (String name : dir.names()) {
            String path = at + name;
            boolean out = patterns.leavesOut(path);
            boolean directory = dir.look(name).filter(Node::isDirectory).isPresent();
            if (directory && (!out || patterns.takesBackAny())) {
                boolean empty;
                try (Dir below = dir.enter(name)) {
                    leaveOut(below, path + "/", patterns);
                    empty = below.names().isEmpty();
                }
                if (out && empty) {
                    dir.remove(name);
                }
            } else if (out) {
                dir.remove(name);
            }
        }
    }
}
