package dev.wharf.build.context;

import dev.wharf.build.dockerfile.BoundedText;
import dev.wharf.model.Digest;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Node;
import dev.wharf.oci.layer.Tree;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.kernel.Hashing;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * A directory that files are taken from. Every path is looked for as a process with that directory as its root would, so a
 * symbolic link that leads out of it leads nowhere.
 */
public final class Sources {
    /** Directories deeper than this are an attack. */
    private static final int DEEPEST = 512;

    /** How a message begins of what is not there, where it was looked for among the client's files. */
    public static final String ABSENT = "file not found in build context or excluded by .dockerignore: ";

    private final Tree tree;
    private final FileCalls calls;
    private final Hashing hashing;
    private final Path root;
    private final Map<String, String> contents = new java.util.concurrent.ConcurrentHashMap<>();

    public Sources(Tree tree, FileCalls calls, Hashing hashing, Path root) {
        this.tree = tree;
        this.calls = calls;
        this.hashing = hashing;
        this.root = root;
    }

    /**
     * One thing to take.
     *
     * @param path where it is, relative, without links or dots; empty for the root itself
     * @param named what it was called, whose last word is its name where it is put into a directory
     * @param kept what of its path is kept below the destination, with {@code --parents}
     */
    public record Source(String path, String named, boolean directory, String kept) {
        /** The name it gets in a directory. */
        public String base() {
            return named.substring(named.lastIndexOf('/') + 1);
        }
    }

    /** Does something with the directory open. */
    public interface Use<R> {
        R in(Dir dir) throws IOException;
    }

    public <R> R open(Use<R> use) throws IOException {
        try (Dir dir = tree.open(root)) {
            return use.in(dir);
        }
    }

    public Path root() {
        return root;
    }

    /** The same of another directory. */
    public Sources at(Path other) {
        return new Sources(tree, calls, hashing, other);
    }

    /** The path relative to the root with dots taken out; a ContextException where it climbs out. */
    public static String relative(String path) throws ContextException {
        List<String> parts = new ArrayList<>();
        for (String part : path.split("/")) {
            if (part.equals("..")) {
                if (parts.isEmpty()) {
                    // An absolute path cannot climb out of its root.
                    if (path.startsWith("/")) {
                        continue;
                    }
                    throw new ContextException("forbidden path outside the build context: " + path + " ()");
                }
                parts.remove(parts.size() - 1);
            } else if (!part.isEmpty() && !part.equals(".")) {
                parts.add(part);
            }
        }
        return String.join("/", parts);
    }

    /** What a path or pattern of COPY or ADD means here. */
    public List<Source> find(String written, boolean parents) throws IOException {
        String path = relative(written);
        int pivot = parents ? pivot(written) : 0;
        if (!Globs.isGlob(written)) {
            return List.of(one(path, written, parents ? kept(path, pivot) : ""));
        }
        Pattern pattern;
        try {
            pattern = Globs.compile(path);
        } catch (IllegalArgumentException e) {
            throw new ContextException(String.valueOf(e.getMessage()));
        }
        List<Source> found = new ArrayList<>();
        for (String match : open(dir -> matches(dir, "", pattern, 0))) {
            found.add(one(match, match, parents ? kept(match, pivot) : ""));
        }
        return found;
    }

    /** How many names of a path come before {@code /./}, which are not kept. */
    private static int pivot(String written) throws ContextException {
        int at = written.indexOf("/./");
        if (at < 0) {
            return 0;
        }
        String before = relative(written.substring(0, at));
        return before.isEmpty() ? 0 : before.split("/").length;
    }

    private static String kept(String path, int pivot) {
        String[] parts = path.split("/");
        return String.join(
                "/", List.of(parts).subList(Math.min(pivot, parts.length), Math.max(pivot, parts.length - 1)));
    }

    private static List<String> matches(Dir dir, String at, Pattern pattern, int depth) throws IOException {
        List<String> found = new ArrayList<>();
        for (String name : dir.names()) {
            String path = at.isEmpty() ? name : at + "/" + name;
            if (pattern.matcher(new BoundedText(path)).matches()) {
                found.add(path);
            }
            if (depth < DEEPEST && dir.look(name).filter(Node::isDirectory).isPresent()) {
                try (Dir below = dir.enter(name)) {
                    found.addAll(matches(below, path, pattern, depth + 1));
                }
            }
        }
        return found;
    }

    private Source one(String path, String named, String kept) throws IOException {
        String real = real(path);
        boolean directory =
                real.isEmpty() || look(real).orElseThrow(() -> absent(named)).isDirectory();
        String bare = named;
        while (bare.length() > 1 && bare.endsWith("/")) {
            bare = bare.substring(0, bare.length() - 1);
        }
        return new Source(real, bare, directory, kept);
    }

    static ContextException absent(String path) {
        return new ContextException(ABSENT + "stat " + path + ": file does not exist");
    }

    /** The path with every symbolic link followed inside. */
    private String real(String path) throws IOException {
        if (path.isEmpty()) {
            return "";
        }
        try {
            Path found = calls.resolveInRoot(root, path);
            return found.equals(root) ? "" : root.relativize(found).toString();
        } catch (NoSuchFileException | NotDirectoryException e) {
            throw absent(path);
        }
    }

    private java.util.Optional<Node> look(String path) throws IOException {
        return at(path, (dir, name) -> dir.look(name));
    }

    /** Does something with the directory that a path is in, and its name there. */
    private interface Place<R> {
        R at(Dir dir, String name) throws IOException;
    }

    private <R> R at(String path, Place<R> place) throws IOException {
        int slash = path.lastIndexOf('/');
        return open(dir -> {
            if (path.isEmpty()) {
                return place.at(dir, ".");
            }
            if (slash < 0) {
                return place.at(dir, path);
            }
            try (Dir parent = dir.resolve(path.substring(0, slash))) {
                return place.at(parent, path.substring(slash + 1));
            }
        });
    }

    /** What was found, as it is now. */
    public Node node(Source source) throws IOException {
        return look(source.path()).orElseThrow(() -> absent(source.named()));
    }

    /** Opens a file that was found. */
    public <R> R read(Source source, Reading<R> reading) throws IOException {
        return at(source.path(), (dir, name) -> {
            if (!dir.look(name).filter(Node::isRegular).isPresent()) {
                throw new ContextException(source.named() + " is no regular file");
            }
            try (InputStream in = dir.read(name)) {
                return reading.from(in);
            }
        });
    }

    /** Something to do with a file's bytes. */
    public interface Reading<R> {
        R from(InputStream in) throws IOException;
    }

    // ---- copying

    /** Copies what was found into {@code to} under {@code name}; the root itself and directories give what is in them. */
    void copy(Source source, Copying copying, Dir to, String name) throws IOException {
        at(source.path(), (dir, from) -> {
            copying.put(dir, from, to, name);
            return name;
        });
    }

    // ---- digests

    /**
     * What a thing comes to by what is copied of it: names, kinds, modes, extended attributes and bytes, but no times. For each
     * thing right below a directory also its own, so that a difference can be named.
     *
     * @param owned whether the copy is to belong to whom the thing belongs
     */
    public Map<String, Digest> digests(Source source, Patterns leftOut, boolean owned) throws IOException {
        Map<String, Digest> parts = new LinkedHashMap<>();
        at(source.path(), (dir, name) -> {
            Node node = dir.look(name).orElseThrow(() -> absent(source.named()));
            if (!node.isDirectory()) {
                parts.put(source.named(), digest(dir, name, source.path(), "", node, leftOut, owned, 0));
                return parts;
            }
            parts.put(source.named() + "/", Digest.sha256("directory " + Integer.toOctalString(node.permissions())));
            try (Dir top = name.equals(".") ? dir.again() : dir.enter(name)) {
                for (String below : top.names()) {
                    if (leftOut.leavesOut(below) && !leftOut.takesBackAny()) {
                        continue;
                    }
                    Node one = top.look(below).orElseThrow(() -> absent(below));
                    parts.put(
                            source.named().equals(".") ? below : source.named() + "/" + below,
                            digest(top, below, join(source.path(), below), below, one, leftOut, owned, 1));
                }
            }
            return parts;
        });
        return parts;
    }

    private static String join(String dir, String name) {
        return dir.isEmpty() ? name : dir + "/" + name;
    }

    private Digest digest(
            Dir dir, String name, String path, String relative, Node node, Patterns leftOut, boolean owned, int depth)
            throws IOException {
        if (depth > DEEPEST) {
            throw new ContextException(path + " lies deeper than " + DEEPEST + " directories");
        }
        StringBuilder told = new StringBuilder();
        told.append(Integer.toOctalString(node.mode())).append('\n');
        if (owned) {
            told.append(node.uid()).append(':').append(node.gid()).append('\n');
        }
        for (Map.Entry<String, byte[]> xattr : Copying.xattrs(dir, name).entrySet()) {
            told.append(xattr.getKey())
                    .append('=')
                    .append(Digest.sha256(xattr.getValue()))
                    .append('\n');
        }
        if (node.isRegular()) {
            told.append(content(dir, name, path, node));
        } else if (node.isSymbolicLink()) {
            told.append(dir.readLink(name));
        } else if (node.isDirectory()) {
            Map<String, Digest> below = new TreeMap<>();
            try (Dir inside = dir.enter(name)) {
                for (String one : inside.names()) {
                    String at = join(relative, one);
                    if (leftOut.leavesOut(at) && !leftOut.takesBackAny()) {
                        continue;
                    }
                    Node child = inside.look(one).orElseThrow(() -> absent(at));
                    below.put(one, digest(inside, one, join(path, one), at, child, leftOut, owned, depth + 1));
                }
            }
            below.forEach((n, d) -> told.append(n).append('\0').append(d).append('\n'));
        } else {
            told.append(node.major()).append(':').append(node.minor());
        }
        return Digest.sha256(told.toString().getBytes(StandardCharsets.UTF_8));
    }

    /** A file's bytes are read once for a whole build, however often it is taken. */
    private String content(Dir dir, String name, String path, Node node) throws IOException {
        String known = contents.get(path);
        if (known != null) {
            return known;
        }
        MessageDigest hash = hashing.hasher("sha256");
        byte[] buffer = new byte[64 << 10];
        try (InputStream in = dir.read(name)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                Interrupts.heed();
                hash.update(buffer, 0, n);
            }
        }
        String digest = Digest.of("sha256", hash.digest()) + " " + node.sizeBytes();
        contents.put(path, digest);
        return digest;
    }
}
