package dev.wharf.oci.layer;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Unpacks one tar onto one directory. Whatever the tar says, nothing outside that directory is touched: a name is taken apart
 * here, its directory is opened by the kernel with the directory as the root, and the rest happens in that open directory.
 * A name that climbs out, and a link whose target is not there, end it with a {@link LayerException}. When it fails it leaves
 * what it has done so far; the caller throws that away.
 *
 * <p>Owners, modes, times, extended attributes, hard links and holes come out as they went in. Directories get their times
 * back after they were filled. A directory that the tar does not mention stays as the lower layers have it. Use once.
 */
public final class Unpacker implements AutoCloseable {
    /** As many symbolic links as the kernel follows in one path (path_resolution(7)). */
    private static final int MOST_LINKS = 40;

    private static final int LONGEST_NAME = 255;

    /** How often a name is freed for an entry: in a container that runs, others may take it again. */
    private static final int TRIES = 100;

    private final Dir root;
    private final Deletions deletions;
    private final Limits limits;
    private final Optional<Guest> guest;

    private Optional<Place> current = Optional.empty();
    private long entries;
    private long sizeBytes;
    private long inodes;
    private boolean replaced;

    public Unpacker(Dir root, Deletions deletions, Limits limits) {
        this(root, deletions, limits, Optional.empty());
    }

    /** Unpacks a tar that is no layer into a file system that is in use. */
    public Unpacker(Dir root, Guest guest, Limits limits) {
        this(root, Deletions.none(), limits, Optional.of(guest));
    }

    private Unpacker(Dir root, Deletions deletions, Limits limits, Optional<Guest> guest) {
        this.root = root;
        this.deletions = deletions;
        this.limits = limits;
        this.guest = guest;
    }

    /**
     * How a tar that is no layer is put into a file system. Symbolic links on the way are followed as a process with that root
     * would, and no name climbs above {@code below}. What is there already and not in the tar keeps what it has.
     *
     * @param below the directory to unpack into, a path from the root without symbolic links; empty for the root
     * @param keepsKinds whether a directory may not be replaced by something else, nor something else by a directory
     * @param owner who owns what is unpacked, where that is not for the tar to say
     */
    public record Guest(String below, boolean keepsKinds, Optional<Owner> owner) {
        List<String> path() {
            return Names.components(below);
        }
    }

    /** An owner by its numbers. */
    public record Owner(long uid, long gid) {}

    /** A directory that entries are being put into; open until an entry belongs elsewhere. */
    private final class Place {
        final String asked;
        final Dir dir;
        final Node before;
        private String path = "";
        private boolean pathKnown;

        Place(String asked, Dir dir) throws IOException {
            this.asked = asked;
            this.dir = dir;
            this.before = dir.look(".").orElseThrow(() -> new NoSuchFileException(asked));
        }

        /** The path from the root without symbolic links. */
        String path() throws IOException {
            if (!pathKnown) {
                path = pathOf(dir);
                pathKnown = true;
            }
            return path;
        }
    }

    /** Unpacks the whole tar and reads the stream to its end. */
    public Unpacked unpack(InputStream tar) throws IOException {
        return unpack(new TarReader(tar, limits));
    }

    /** Does the same with a tar whose last padding may be missing, which no layer's may. */
    public Unpacked unpackContext(InputStream tar) throws IOException {
        TarReader reader = new TarReader(tar, limits);
        reader.forgiveLastPadding();
        return unpack(reader);
    }

    private Unpacked unpack(TarReader reader) throws IOException {
        for (Optional<Entry> entry = reader.next(); entry.isPresent(); entry = reader.next()) {
            if (Thread.currentThread().isInterrupted()) {
                throw new InterruptedIOException("unpacking was interrupted");
            }
            entries++;
            try {
                apply(entry.get(), reader);
            } catch (FileSystemLoopException e) {
                throw new LayerException(
                        "\"" + Names.show(entry.get().name()) + "\" lies behind too many symbolic links");
            }
        }
        leave();
        deletions.finish(root);
        reader.finish();
        return new Unpacked(entries, sizeBytes, inodes, replaced);
    }

    private void apply(Entry entry, TarReader reader) throws IOException {
        List<String> path = parse(entry.name(), entry);
        if (path.isEmpty()) {
            applyToRoot(entry);
            return;
        }
        String name = path.get(path.size() - 1);
        List<String> parents = path.subList(0, path.size() - 1);
        if (deletions.apply()) {
            if (path.stream().anyMatch(c -> c.startsWith(Whiteouts.BOOKS) && !c.equals(Whiteouts.OPAQUE))) {
                return;
            }
            if (parents.stream().anyMatch(c -> c.startsWith(Whiteouts.PREFIX))) {
                throw refused(entry, "lies in a whiteout");
            }
            if (name.startsWith(Whiteouts.PREFIX)) {
                delete(String.join("/", parents), name, entry);
                return;
            }
        }
        make(String.join("/", parents), name, entry, reader);
    }

    /** The components of a name, with {@code ".."} taken into account and never above the root. */
    private List<String> parse(String name, Entry entry) throws LayerException {
        List<String> path = new ArrayList<>();
        for (String component : Names.components(name)) {
            if (!component.equals("..")) {
                path.add(component);
            } else if (path.isEmpty()) {
                throw refused(entry, "climbs out of the root with \"..\"");
            } else {
                path.remove(path.size() - 1);
            }
            if (component.indexOf('\0') >= 0 || Names.encode(component).length > LONGEST_NAME) {
                throw refused(entry, "has a name that no file can have");
            }
        }
        if (path.size() > limits.depth()) {
            throw refused(entry, "lies deeper than " + limits.depth() + " directories");
        }
        if (!path.isEmpty() && guest.isPresent()) {
            path.addAll(0, guest.get().path());
        }
        return path;
    }

    private void applyToRoot(Entry entry) throws IOException {
        if (!entry.isDirectory()) {
            throw refused(entry, "would replace the root directory");
        }
        if (guest.isPresent()) {
            return;
        }
        leave();
        clearXattrs(root, ".", entry.xattrs());
        dress(root, ".", entry);
    }

    private void delete(String parent, String name, Entry entry) throws IOException {
        Place place = enter(parent, entry);
        if (name.equals(Whiteouts.OPAQUE)) {
            deletions.opaque(place.dir, place.path());
            return;
        }
        String hidden = name.substring(Whiteouts.PREFIX.length());
        if (hidden.isEmpty() || hidden.equals(".") || hidden.equals("..")) {
            throw refused(entry, "is a whiteout of no name");
        }
        inodes++;
        deletions.whiteout(place.dir, place.path(), hidden);
    }

    // ---- making files ----

    private void make(String parent, String name, Entry entry, TarReader reader) throws IOException {
        Place place = enter(parent, entry);
        remember(place, name);
        if (entry.kind() == Entry.Kind.HARD_LINK) {
            link(place, name, entry);
            return;
        }
        Optional<Dir.Output> output;
        boolean inTheWay = false;
        for (int tries = 1; ; tries++) {
            try {
                output = create(place.dir, name, entry);
                break;
            } catch (FileAlreadyExistsException e) {
                Optional<Node> there = place.dir.look(name);
                if (tries == TRIES) {
                    throw e;
                } else if (there.isPresent() && !makeWay(place, name, there.get(), entry)) {
                    return;
                }
                inTheWay = true;
            }
        }
        if (inTheWay && entry.isDirectory()) {
            deletions.hideBelow(place.dir, name);
        }
        inodes++;
        if (output.isPresent()) {
            try (Dir.Output file = output.get()) {
                reader.content(file);
                dress(file, entry);
            }
            sizeBytes += entry.sizeBytes();
        } else {
            sizeBytes += entry.kind() == Entry.Kind.SYMBOLIC_LINK ? Names.encode(entry.target()).length : 0;
            dress(place.dir, name, entry);
        }
    }

    /** Takes away what has the name; false for a directory that stays as it is, but for what the entry says of it. */
    private boolean makeWay(Place place, String name, Node there, Entry entry) throws IOException {
        if (guest.isPresent() && guest.get().keepsKinds() && there.isDirectory() != entry.isDirectory()) {
            throw new LayerException(
                    there.isDirectory()
                            ? "cannot overwrite directory \"" + shown(place, name) + "\" with non-directory"
                            : "cannot overwrite non-directory \"" + shown(place, name) + "\" with directory");
        }
        if (there.isDirectory() && entry.isDirectory()) {
            clearXattrs(place.dir, name, entry.xattrs());
            dress(place.dir, name, entry);
            return false;
        }
        replaced |= !deletions.isMark(there);
        place.dir.remove(name);
        return true;
    }

    private static String shown(Place place, String name) throws IOException {
        return Names.show("/" + Names.join(place.path(), name));
    }

    /** Makes the bare file; a regular one is answered open. */
    private static Optional<Dir.Output> create(Dir dir, String name, Entry entry) throws IOException {
        switch (entry.kind()) {
            case FILE -> {
                return Optional.of(dir.create(name));
            }
            case DIRECTORY -> dir.makeDirectory(name);
            case SYMBOLIC_LINK -> dir.symlink(name, linkTarget(entry));
            default -> dir.makeNode(name, entry.kind().type, entry.major(), entry.minor());
        }
        return Optional.empty();
    }

    private static String linkTarget(Entry entry) throws LayerException {
        if (entry.target().isEmpty() || entry.target().indexOf('\0') >= 0) {
            throw refused(entry, "is a symbolic link to nothing");
        }
        return entry.target();
    }

    private void link(Place place, String name, Entry entry) throws IOException {
        List<String> path = parse(entry.target(), entry);
        if (path.isEmpty()) {
            throw refused(entry, "is a hard link to the root directory");
        }
        String targetName = path.get(path.size() - 1);
        String targetParent = String.join("/", path.subList(0, path.size() - 1));
        // Looking at the target may leave the place where the link belongs, which must stay open.
        try (Dir here = place.dir.again();
                Dir there = enter(targetParent, entry).dir.again()) {
            Node target = target(there, targetName, entry);
            enter(place.asked, entry);
            try {
                here.link(name, there, targetName);
            } catch (FileAlreadyExistsException e) {
                Node old = here.look(name).orElseThrow(() -> e);
                if (old.inode() == target.inode() && old.device() == target.device()) {
                    return;
                }
                replaced |= !deletions.isMark(old);
                here.remove(name);
                here.link(name, there, targetName);
            }
        }
    }

    /** What a hard link leads to; brought up from a lower layer where this one has only another name of it. */
    private Node target(Dir dir, String name, Entry entry) throws IOException {
        Optional<Node> own = dir.look(name).filter(node -> !deletions.isMark(node));
        Node target;
        if (own.isPresent()) {
            target = own.get();
        } else {
            Lower.Found found = deletions
                    .below(pathOf(dir), name)
                    .orElseThrow(() -> refused(
                            entry, "is a hard link to \"" + Names.show(entry.target()) + "\", which is not there"));
            target = found.node();
            if (!target.isDirectory()) {
                dir.remove(name);
                target = bringUp(found, dir, name);
            }
        }
        if (target.isDirectory()) {
            throw refused(entry, "is a hard link to a directory");
        }
        return target;
    }

    private Node bringUp(Lower.Found found, Dir dir, String name) throws IOException {
        Copies.copy(found.dir(), name, found.node(), dir, name);
        inodes++;
        sizeBytes += found.node().contentBytes();
        return dir.look(name).orElseThrow(() -> new NoSuchFileException(name));
    }

    private Owner owner(Entry entry) {
        return guest.flatMap(Guest::owner).orElseGet(() -> new Owner(entry.uid(), entry.gid()));
    }

    /** Owner first, because a change of owner takes away setuid and capabilities; times last. */
    private void dress(Dir dir, String name, Entry entry) throws IOException {
        Owner owner = owner(entry);
        dir.chown(name, owner.uid(), owner.gid());
        for (Map.Entry<String, byte[]> xattr :
                Overlay.withoutBooks(entry.xattrs()).entrySet()) {
            dir.setXattr(name, xattr.getKey(), xattr.getValue());
        }
        if (entry.kind() != Entry.Kind.SYMBOLIC_LINK) {
            dir.chmod(name, entry.mode());
        }
        dir.setTimes(name, entry.modifiedSeconds(), entry.modifiedNanos());
    }

    private void dress(Dir.Output file, Entry entry) throws IOException {
        Owner owner = owner(entry);
        file.chown(owner.uid(), owner.gid());
        for (Map.Entry<String, byte[]> xattr :
                Overlay.withoutBooks(entry.xattrs()).entrySet()) {
            file.setXattr(xattr.getKey(), xattr.getValue());
        }
        file.chmod(entry.mode());
        file.setTimes(entry.modifiedSeconds(), entry.modifiedNanos());
    }

    /** A directory that is there already keeps no attribute that its entry does not name. */
    private void clearXattrs(Dir dir, String name, Map<String, byte[]> kept) throws IOException {
        if (guest.isPresent()) {
            return;
        }
        for (String key : Overlay.withoutBooks(dir.xattrs(name)).keySet()) {
            if (!kept.containsKey(key) && !(key.startsWith("security.") && !key.equals("security.capability"))) {
                dir.removeXattr(name, key);
            }
        }
    }

    private void remember(Place place, String name) throws IOException {
        if (deletions.remembers()) {
            deletions.brought(Names.join(place.path(), name));
        }
    }

    // ---- finding directories ----

    private Place enter(String parent, Entry entry) throws IOException {
        if (current.isPresent() && current.get().asked.equals(parent)) {
            return current.get();
        }
        leave();
        Place place = new Place(parent, open(parent, entry));
        current = Optional.of(place);
        return place;
    }

    private Dir open(String parent, Entry entry) throws IOException {
        if (parent.isEmpty()) {
            return root.again();
        }
        try {
            return root.resolve(parent);
        } catch (NoSuchFileException | NotDirectoryException e) {
            return root.resolve(walk(parent, entry));
        }
    }

    /** Gives the directory that was filled the time back that it had before. */
    private void leave() throws IOException {
        if (current.isEmpty()) {
            return;
        }
        Place place = current.get();
        current = Optional.empty();
        try (Dir dir = place.dir) {
            if (guest.isPresent()
                    && place.asked.equals(String.join("/", guest.get().path()))) {
                // Something was put into it, and those who watch its time want to know.
                return;
            }
            dir.setTimes(".", place.before.modifiedSeconds(), place.before.modifiedNanos());
        }
    }

    /**
     * Walks to a directory as a process inside would, and makes what is missing on the way: as the lower layers have it, or
     * else plain. Answers with a path free of symbolic links.
     */
    private String walk(String path, Entry entry) throws IOException {
        Deque<String> todo = new ArrayDeque<>(Names.components(path));
        List<String> done = new ArrayList<>();
        for (int links = 0; !todo.isEmpty(); ) {
            String name = todo.pop();
            if (name.equals("..")) {
                if (!done.isEmpty()) {
                    done.remove(done.size() - 1);
                }
                continue;
            }
            String at = String.join("/", done);
            try (Dir dir = root.resolve(at.isEmpty() ? "." : at)) {
                Optional<String> link = step(dir, at, name, entry);
                if (link.isEmpty()) {
                    done.add(name);
                    continue;
                }
                if (++links > MOST_LINKS) {
                    throw refused(entry, "lies behind too many symbolic links");
                }
                if (link.get().startsWith("/")) {
                    done.clear();
                }
                List<String> detour = Names.components(link.get());
                for (int i = detour.size() - 1; i >= 0; i--) {
                    todo.push(detour.get(i));
                }
                if (done.size() + todo.size() > limits.depth()) {
                    throw refused(entry, "lies deeper than " + limits.depth() + " directories");
                }
            }
        }
        return String.join("/", done);
    }

    /** Makes sure of one directory on the way; answers with the target where a symbolic link is there instead. */
    private Optional<String> step(Dir dir, String at, String name, Entry entry) throws IOException {
        Optional<Node> there = dir.look(name);
        boolean marked = there.filter(deletions::isMark).isPresent();
        if (there.isPresent() && !marked) {
            return leadsOn(there.get(), dir, name, entry);
        }
        Optional<Lower.Found> below = marked ? Optional.empty() : deletions.below(at, name);
        if (below.isPresent()) {
            Optional<String> link = leadsOn(below.get().node(), below.get().dir(), name, entry);
            if (link.isPresent()) {
                return link;
            }
        }
        Node before = dir.look(".").orElseThrow(() -> new NoSuchFileException(at));
        if (marked) {
            dir.remove(name);
        }
        dir.makeDirectory(name);
        inodes++;
        if (below.isPresent()) {
            Copies.dress(below.get().dir(), name, below.get().node(), dir, name);
        } else {
            dir.chmod(name, 0755);
        }
        if (marked) {
            deletions.hideBelow(dir, name);
        }
        dir.setTimes(".", before.modifiedSeconds(), before.modifiedNanos());
        return Optional.empty();
    }

    private static Optional<String> leadsOn(Node node, Dir dir, String name, Entry entry) throws IOException {
        if (node.isSymbolicLink()) {
            return Optional.of(dir.readLink(name));
        }
        if (!node.isDirectory()) {
            throw refused(entry, "lies below \"" + Names.show(name) + "\", which is no directory");
        }
        return Optional.empty();
    }

    private String pathOf(Dir dir) throws IOException {
        String top = root.path();
        String path = dir.path();
        if (path.equals(top)) {
            return "";
        }
        String prefix = top.endsWith("/") ? top : top + "/";
        if (!path.startsWith(prefix)) {
            throw new IOException("the directory " + Names.show(path) + " was moved out of " + Names.show(top));
        }
        return path.substring(prefix.length());
    }

    private static LayerException refused(Entry entry, String why) {
        return new LayerException("the tar is refused: \"" + Names.show(entry.name()) + "\" " + why);
    }

    /** Closes what a failure left open. */
    @Override
    public void close() {
        current.ifPresent(place -> place.dir.close());
        current = Optional.empty();
        deletions.close();
    }
}
