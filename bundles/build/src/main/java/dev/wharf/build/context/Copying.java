package dev.wharf.build.context;

import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Node;
import dev.wharf.oci.layer.Unpacker.Owner;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;

/**
 * How files are put into an image.
 *
 * @param owner whose they become; empty for those they belong to now
 * @param mode the permissions of COPY's {@code --chmod}, or those they have
 * @param leftOut what of a directory stays behind, relative to it
 */
public record Copying(Optional<Owner> owner, Optional<Integer> mode, Patterns leftOut) {
    /** The owner of what nobody else owns. */
    public static final Owner ROOT = new Owner(0, 0);

    private static final int DEEPEST = 512;
    private static final int SYMBOLIC_LINK = 0120000;

    /** Copies {@code from} in {@code dir}, whatever it is, to {@code name} in {@code to}. */
    void put(Dir dir, String from, Dir to, String name) throws IOException {
        put(dir, from, to, name, "", 0);
    }

    private void put(Dir dir, String from, Dir to, String name, String relative, int depth) throws IOException {
        if (depth > DEEPEST) {
            throw new ContextException(relative + " lies deeper than " + DEEPEST + " directories");
        }
        Node node = dir.look(from).orElseThrow(() -> Sources.absent(from));
        Optional<Node> there = name.equals(".") ? Optional.empty() : to.look(name);
        if (node.isDirectory()) {
            directory(dir, from, node, to, name, there, relative, depth);
            return;
        }
        if (there.filter(Node::isDirectory).isPresent()) {
            throw new ContextException(
                    "cannot copy to directory: /" + name + " is a directory, and " + from + " is not");
        }
        if (there.isPresent()) {
            to.remove(name);
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
            Dir dir, String from, Node node, Dir to, String name, Optional<Node> there, String relative, int depth)
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
                put(inside, one, target, one, path, depth + 1);
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
            to.chmod(name, mode.orElse(loses ? node.permissions() & 01777 : node.permissions()));
        }
        for (Map.Entry<String, byte[]> xattr : dir.xattrs(from).entrySet()) {
            if (xattr.getKey().startsWith("user.") || xattr.getKey().equals("security.capability")) {
                to.setXattr(name, xattr.getKey(), xattr.getValue());
            }
        }
        to.setTimes(name, node.modifiedSeconds(), node.modifiedNanos());
    }

    /** Whose the things are that are made for what is put. */
    private Owner maker() {
        return owner.orElse(ROOT);
    }

    /** Makes the directories of a path that are not there; answers with the last one open, for the caller to close. */
    public Dir make(Dir root, String path) throws IOException {
        Dir at = root.again();
        StringBuilder way = new StringBuilder();
        for (String part : path.split("/")) {
            if (part.isEmpty()) {
                continue;
            }
            way.append('/').append(part);
            Dir next;
            try {
                next = root.resolve(way.toString());
            } catch (java.nio.file.NoSuchFileException e) {
                try {
                    at.makeDirectory(part);
                    at.chown(part, maker().uid(), maker().gid());
                    at.chmod(part, 0755);
                    next = at.enter(part);
                } catch (IOException wrong) {
                    at.close();
                    throw new ContextException("cannot make directory " + way + ": " + wrong.getMessage());
                }
            } catch (java.nio.file.NotDirectoryException e) {
                at.close();
                throw new ContextException("cannot create " + way + ": it is no directory");
            }
            at.close();
            at = next;
        }
        return at;
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
            out.chmod(mode.orElse(0644));
        }
    }
}
