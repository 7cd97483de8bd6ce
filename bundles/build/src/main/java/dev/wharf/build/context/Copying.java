package dev.wharf.build.context;

import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Names;
import dev.wharf.oci.layer.Node;
import dev.wharf.oci.layer.Unpacker.Owner;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * How files are put into an image.
 *
 * @param owner whose they become; empty for those they belong to now
 * @param mode the permissions of COPY's {@code --chmod}, or those they have
 * @param leftOut what of a directory stays behind, relative to it
 */
public record Copying(Optional<Owner> owner, Optional<Mode> mode, Patterns leftOut) {
    /** The owner of what nobody else owns. */
    public static final Owner ROOT = new Owner(0, 0);

    private static final int DEEPEST = 512;

    /** Reserved by the OCI image specification, "Whiteouts". */
    private static final String MARK = ".wh.";

    /** As many as path_resolution(7) follows, and some. */
    private static final int MOST_LINKS = 255;

    private static final int SYMBOLIC_LINK = 0120000;

    /** Copies {@code from} in {@code dir}, whatever it is, to {@code name} in {@code to}. */
    void put(Dir dir, String from, Dir to, String name) throws IOException {
        put(dir, from, to, name, "", 0, new Twins(to, name));
    }

    /**
     * Where the files were put that have more names than one, by their inodes: the others become names of the same file, as they
     * are where they come from. An image whose programs are one file would else grow by every name of it.
     *
     * @param top what everything is put into
     * @param name what it is called there
     */
    private record Twins(Dir top, String name, Map<Inode, String> paths) {
        private record Inode(long device, long inode) {}

        Twins(Dir top, String name) {
            this(top, name, new HashMap<>());
        }

        /** Makes {@code added} another name of the same file, if that was put before; remembers it for the next if not. */
        boolean link(Node node, Dir to, String added, String relative) throws IOException {
            if (node.links() < 2) {
                return false;
            }
            String first = paths.putIfAbsent(new Inode(node.device(), node.inode()), relative);
            if (first == null) {
                return false;
            }
            int slash = first.lastIndexOf('/');
            try (Dir there = top.resolve(name + "/" + first.substring(0, Math.max(slash, 0)))) {
                to.link(added, there, first.substring(slash + 1));
            }
            return true;
        }
    }

    private void put(Dir dir, String from, Dir to, String name, String relative, int depth, Twins twins)
            throws IOException {
        if (depth > DEEPEST) {
            throw new ContextException(relative + " lies deeper than " + DEEPEST + " directories");
        }
        Interrupts.heed();
        if (name.startsWith(MARK)) {
            throw new ContextException("\"" + Names.show(name) + "\" cannot be in an image: names that begin with "
                    + MARK + " mark what a layer takes away; leave it out by .dockerignore or call it otherwise");
        }
        Node node = dir.look(from).orElseThrow(() -> Sources.absent(from));
        Optional<Node> there = name.equals(".") ? Optional.empty() : to.look(name);
        if (node.isDirectory()) {
            directory(dir, from, node, to, name, there, relative, depth, twins);
            return;
        }
        if (depth == 0 && there.filter(Node::isDirectory).isPresent()) {
            throw new ContextException(
                    "cannot copy to directory: /" + name + " is a directory, and " + from + " is not");
        }
        // Inside of a directory that is copied over another, what comes takes the place of what is there.
        if (there.isPresent()) {
            to.remove(name);
        }
        if (twins.link(node, to, name, relative)) {
            return;
        }
        if (node.isRegular()) {
            dir.copyContent(from, to, name);
        } else if (node.isSymbolicLink()) {
            to.symlink(name, dir.readLink(from));
        } else {
            to.makeNode(name, node.mode() & 0170000, node.major(), node.minor());
        }
        dress(dir, from, node, to, name);
    }

    private void directory(
            Dir dir,
            String from,
            Node node,
            Dir to,
            String name,
            Optional<Node> there,
            String relative,
            int depth,
            Twins twins)
            throws IOException {
        if (!name.equals(".") && there.filter(Node::isDirectory).isEmpty()) {
            if (there.isPresent()) {
                to.remove(name);
            }
            to.makeDirectory(name);
        }
        try (Dir inside = from.equals(".") ? dir.again() : dir.enter(from);
                Dir target = name.equals(".") ? to.again() : to.enter(name)) {
            for (String one : inside.names()) {
                String path = relative.isEmpty() ? one : relative + "/" + one;
                if (leftOut.leavesOut(path)) {
                    continue;
                }
                put(inside, one, target, one, path, depth + 1, twins);
            }
        }
        // The directory that everything is put into was there before, or was made for this: it stays as it is.
        if (!name.equals(".")) {
            dress(dir, from, node, to, name);
        }
    }

    /**
     * Owner first: the kernel takes capabilities away when the owner changes, and setuid and setgid, too, which Docker's classic
     * builder lets be so.
     */
    private void dress(Dir dir, String from, Node node, Dir to, String name) throws IOException {
        Owner whose = owner.orElseGet(() -> new Owner(node.uid(), node.gid()));
        to.chown(name, whose.uid(), whose.gid());
        if ((node.mode() & 0170000) != SYMBOLIC_LINK) {
            boolean loses = owner.isPresent() && node.isRegular();
            int kept = loses ? node.permissions() & 01777 : node.permissions();
            to.chmod(name, mode.map(m -> m.of(kept, node.isDirectory())).orElse(kept));
        }
        for (Map.Entry<String, byte[]> xattr : xattrs(dir, from).entrySet()) {
            to.setXattr(name, xattr.getKey(), xattr.getValue());
        }
        to.setTimes(name, node.modifiedSeconds(), node.modifiedNanos());
    }

    /** The extended attributes that go along with a file, in the order of their names. */
    static Map<String, byte[]> xattrs(Dir dir, String name) throws IOException {
        Map<String, byte[]> carried = new TreeMap<>(dir.xattrs(name));
        carried.keySet().removeIf(key -> !key.startsWith("user.") && !key.equals("security.capability"));
        return carried;
    }

    /** Whose the things are that are made for what is put. */
    public Owner maker() {
        return owner.orElse(ROOT);
    }

    /**
     * The absolute path that {@code path} leads to once every link in it is followed inside of {@code root}, whether or not
     * anything is there; it has no link and no dots in it.
     */
    public static String follow(Dir root, String path) throws IOException {
        Deque<String> ahead = new ArrayDeque<>(List.of(path.split("/")));
        List<String> way = new ArrayList<>();
        int links = 0;
        while (!ahead.isEmpty()) {
            String part = ahead.removeFirst();
            if (part.isEmpty() || part.equals(".")) {
                continue;
            }
            if (part.equals("..")) {
                if (!way.isEmpty()) {
                    way.remove(way.size() - 1);
                }
                continue;
            }
            Optional<String> link = link(root, way, part);
            if (link.isEmpty()) {
                way.add(part);
                continue;
            }
            if (++links > MOST_LINKS) {
                throw new ContextException("too many links in " + path);
            }
            if (link.get().startsWith("/")) {
                way.clear();
            }
            String[] parts = link.get().split("/");
            for (int i = parts.length - 1; i >= 0; i--) {
                ahead.addFirst(parts[i]);
            }
        }
        return "/" + String.join("/", way);
    }

    private static Optional<String> link(Dir root, List<String> way, String name) throws IOException {
        try (Dir dir = way.isEmpty() ? root.again() : root.resolve("/" + String.join("/", way))) {
            return dir.look(name).filter(Node::isSymbolicLink).isPresent()
                    ? Optional.of(dir.readLink(name))
                    : Optional.empty();
        } catch (NoSuchFileException | NotDirectoryException e) {
            return Optional.empty();
        }
    }

    /**
     * Makes the directories of a path without links that are not there; answers with the last one open, for the caller to
     * close.
     *
     * @param above whose the ones above the last become
     */
    public Dir make(Dir root, String path, Owner above, Owner last) throws IOException {
        List<String> parts = new ArrayList<>(List.of(path.split("/")));
        parts.removeIf(String::isEmpty);
        Dir at = root.again();
        for (int i = 0; i < parts.size(); i++) {
            Dir next;
            try {
                next = makeOne(at, parts.get(i), i + 1 < parts.size() ? above : last);
            } catch (NotDirectoryException e) {
                throw new ContextException(
                        "cannot create /" + String.join("/", parts.subList(0, i + 1)) + ": it is no directory");
            } finally {
                at.close();
            }
            at = next;
        }
        return at;
    }

    private static Dir makeOne(Dir at, String name, Owner whose) throws IOException {
        if (at.look(name).isEmpty()) {
            at.makeDirectory(name);
            at.chown(name, whose.uid(), whose.gid());
            at.chmod(name, 0755);
        }
        return at.enter(name);
    }

    /** Puts a thing that was found at {@code name} in an open directory. */
    public void put(Sources sources, Sources.Source source, Dir to, String name) throws IOException {
        sources.copy(source, this, to, name);
    }

    /** Puts a text there, as a here-document is. */
    public void write(String content, Dir to, String name) throws IOException {
        Optional<Node> there = to.look(name);
        if (there.filter(Node::isDirectory).isPresent()) {
            throw new ContextException("cannot copy to directory: " + name);
        }
        if (there.isPresent()) {
            to.remove(name);
        }
        byte[] bytes = content.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        try (Dir.Output out = to.create(name)) {
            out.write(bytes, 0, bytes.length);
            out.chown(maker().uid(), maker().gid());
            out.chmod(mode.map(m -> m.of(0644, false)).orElse(0644));
        }
    }
}
