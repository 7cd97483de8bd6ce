package dev.wharf.storage.erofs;

import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Names;
import dev.wharf.oci.layer.Node;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A directory of an image that is being written. Nothing can be read from it but names and attributes. */
final class WriterDir implements Dir {
    /** As many symbolic links as the kernel follows in one path (path_resolution(7)). */
    private static final int MOST_LINKS = 40;

    private final ImageWriter writer;
    private final List<String> path;
    private final Inode inode;

    WriterDir(ImageWriter writer, List<String> path, Inode inode) {
        this.writer = writer;
        this.path = List.copyOf(path);
        this.inode = inode;
    }

    @Override
    public Dir again() {
        return new WriterDir(writer, path, inode);
    }

    @Override
    public Dir resolve(String inside) throws IOException {
        Deque<String> todo = new ArrayDeque<>(Names.components(inside));
        List<WriterDir> way = new ArrayList<>(List.of(this));
        for (int links = 0; !todo.isEmpty(); ) {
            WriterDir at = way.get(way.size() - 1);
            String name = todo.pop();
            if (name.equals("..")) {
                if (way.size() > 1) {
                    way.remove(way.size() - 1);
                }
                continue;
            }
            Inode next = at.child(name);
            if (!next.isSymbolicLink()) {
                way.add(at.deeper(name, next));
                continue;
            }
            if (++links > MOST_LINKS) {
                throw new FileSystemLoopException(Names.show(inside));
            }
            String target = Names.decode(next.target);
            if (target.startsWith("/")) {
                way.subList(1, way.size()).clear();
            }
            List<String> detour = Names.components(target);
            for (int i = detour.size() - 1; i >= 0; i--) {
                todo.push(detour.get(i));
            }
        }
        return way.get(way.size() - 1);
    }

    @Override
    public Dir enter(String name) throws IOException {
        return deeper(name, child(name));
    }

    private WriterDir deeper(String name, Inode child) throws IOException {
        if (!child.isDirectory()) {
            throw new NotDirectoryException(Names.show(name));
        }
        if (name.equals(".")) {
            return this;
        }
        List<String> longer = new ArrayList<>(path);
        longer.add(name);
        return new WriterDir(writer, longer, child);
    }

    @Override
    public String path() {
        return "/" + String.join("/", path);
    }

    @Override
    public Optional<Node> look(String name) {
        return Optional.ofNullable(find(name)).map(child -> child.node(0));
    }

    @Override
    public List<String> names() {
        return inode.children.keySet().stream().sorted(Names.BY_BYTES).toList();
    }

    @Override
    public boolean namesAreTyped() {
        return true;
    }

    @Override
    public String readLink(String name) throws IOException {
        return Names.decode(child(name).target);
    }

    @Override
    public Map<String, byte[]> xattrs(String name) throws IOException {
        return new TreeMap<>(child(name).xattrs);
    }

    @Override
    public InputStream read(String name) throws IOException {
        throw unwritten(name);
    }

    @Override
    public void copyContent(String name, Dir to, String added) throws IOException {
        throw unwritten(name);
    }

    private static IOException unwritten(String name) {
        return new FileSystemException(Names.show(name), null, "cannot be read while its image is being written");
    }

    @Override
    public void makeDirectory(String name) throws IOException {
        Inode directory = writer.make(Format.DIRECTORY | 0700, 0, 0);
        directory.parent = inode;
        add(name, directory);
    }

    @Override
    public Output create(String name) throws IOException {
        Inode file = writer.make(Format.REGULAR | 0600, 0, 0);
        add(name, file);
        return writer.content(file);
    }

    @Override
    public void symlink(String name, String target) throws IOException {
        Inode link = writer.make(Format.SYMBOLIC_LINK | 0777, 0, 0);
        link.target = Names.encode(target);
        if (link.target.length >= Format.BLOCK) {
            throw new FileSystemException(Names.show(name), null, "the target of the symbolic link is too long");
        }
        add(name, link);
    }

    @Override
    public void link(String name, Dir from, String existing) throws IOException {
        Inode linked = ((WriterDir) from).child(existing);
        add(name, linked);
        linked.links++;
    }

    @Override
    public void makeNode(String name, int type, int major, int minor) throws IOException {
        add(name, writer.make(type | 0600, major, minor));
    }

    private void add(String name, Inode child) throws IOException {
        if (inode.children.putIfAbsent(name, child) != null) {
            throw new FileAlreadyExistsException(Names.show(name));
        }
    }

    @Override
    public void chown(String name, long uid, long gid) throws IOException {
        Inode child = child(name);
        child.uid = uid;
        child.gid = gid;
    }

    @Override
    public void chmod(String name, int mode) throws IOException {
        Inode child = child(name);
        child.mode = child.mode & Format.TYPE | mode & 07777;
    }

    @Override
    public void setTimes(String name, long modifiedSeconds, int modifiedNanos) throws IOException {
        Inode child = child(name);
        child.modifiedSeconds = modifiedSeconds;
        child.modifiedNanos = modifiedNanos;
    }

    @Override
    public boolean setXattr(String name, String key, byte[] value) throws IOException {
        return setXattr(child(name), key, value);
    }

    static boolean setXattr(Inode inode, String key, byte[] value) throws IOException {
        Optional<Format.XattrName> split = Format.xattrName(key);
        if (split.isEmpty()) {
            return false;
        }
        inode.setXattr(key, value);
        if (value.length > 0xffff
                || Names.encode(split.get().rest()).length > 0xff
                || inode.xattrBytes() > Format.MOST_XATTR_BYTES) {
            throw new FileSystemException(Names.show(key), null, "extended attributes are too large for erofs");
        }
        return true;
    }

    @Override
    public void removeXattr(String name, String key) throws IOException {
        Inode child = child(name);
        if (child.xattrs.containsKey(key)) {
            child.xattrs.remove(key);
        }
    }

    @Override
    public void remove(String name) {
        Inode gone = inode.children.remove(name);
        if (gone != null) {
            gone.links--;
            forget(gone);
        }
    }

    /** A file with another name elsewhere has one name fewer. */
    private static void forget(Inode gone) {
        for (Inode child : gone.children.values()) {
            child.links--;
            forget(child);
        }
    }

    private @org.jspecify.annotations.Nullable Inode find(String name) {
        return name.equals(".") ? inode : inode.children.get(name);
    }

    private Inode child(String name) throws NoSuchFileException {
        Inode child = find(name);
        if (child == null) {
            throw new NoSuchFileException(Names.show(name));
        }
        return child;
    }

    @Override
    public void close() {
        // Nothing is held.
    }
}
