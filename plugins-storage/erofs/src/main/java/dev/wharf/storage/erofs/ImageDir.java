package dev.wharf.storage.erofs;

import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Names;
import dev.wharf.oci.layer.Node;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.ReadOnlyFileSystemException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A directory of an image that is read. */
final class ImageDir implements Dir {
    private static final int COPY_BYTES = 1 << 16;

    private final Image image;
    private final String path;
    private final Image.Read inode;
    private Optional<Map<String, Long>> names = Optional.empty();
    private boolean closed;

    ImageDir(Image image, String path, Image.Read inode) {
        image.hold();
        this.image = image;
        this.path = path;
        this.inode = inode;
    }

    @Override
    public Dir again() {
        return new ImageDir(image, path, inode);
    }

    /** Nobody asks a lower layer for a path: an overlay's names are looked up one by one. */
    @Override
    public Dir resolve(String inside) throws IOException {
        Dir at = again();
        for (String name : Names.components(inside)) {
            try (Dir done = at) {
                at = done.enter(name);
            }
        }
        return at;
    }

    @Override
    public Dir enter(String name) throws IOException {
        Image.Read child = child(name);
        if (!child.node().isDirectory()) {
            throw new NotDirectoryException(Names.show(name));
        }
        String deeper = name.equals(".") ? path : path.endsWith("/") ? path + name : path + "/" + name;
        return new ImageDir(image, deeper, child);
    }

    @Override
    public String path() {
        return path;
    }

    @Override
    public Optional<Node> look(String name) throws IOException {
        return find(name).map(Image.Read::node);
    }

    @Override
    public List<String> names() throws IOException {
        return List.copyOf(entries().keySet());
    }

    @Override
    public boolean namesAreTyped() {
        return true;
    }

    @Override
    public String readLink(String name) throws IOException {
        return Names.decode(image.whole(child(name)));
    }

    @Override
    public Map<String, byte[]> xattrs(String name) throws IOException {
        return image.xattrs(child(name));
    }

    @Override
    public InputStream read(String name) throws IOException {
        return image.content(child(name));
    }

    @Override
    public void copyContent(String name, Dir to, String added) throws IOException {
        try (InputStream from = read(name);
                Output file = to.create(added)) {
            byte[] buffer = new byte[COPY_BYTES];
            for (int count = from.read(buffer); count >= 0; count = from.read(buffer)) {
                file.write(buffer, 0, count);
            }
        }
    }

    private Map<String, Long> entries() throws IOException {
        if (names.isEmpty()) {
            names = Optional.of(image.names(inode));
        }
        return names.get();
    }

    private Optional<Image.Read> find(String name) throws IOException {
        if (name.equals(".")) {
            return Optional.of(inode);
        }
        Long number = entries().get(name);
        return number == null ? Optional.empty() : Optional.of(image.inode(number));
    }

    private Image.Read child(String name) throws IOException {
        return find(name).orElseThrow(() -> new NoSuchFileException(Names.show(name)));
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            image.letGo();
        }
    }

    // ---- what cannot be ----

    @Override
    public void makeDirectory(String name) {
        throw new ReadOnlyFileSystemException();
    }

    @Override
    public Output create(String name) {
        throw new ReadOnlyFileSystemException();
    }

    @Override
    public void symlink(String name, String target) {
        throw new ReadOnlyFileSystemException();
    }

    @Override
    public void link(String name, Dir from, String existing) {
        throw new ReadOnlyFileSystemException();
    }

    @Override
    public void makeNode(String name, int type, int major, int minor) {
        throw new ReadOnlyFileSystemException();
    }

    @Override
    public void chown(String name, long uid, long gid) {
        throw new ReadOnlyFileSystemException();
    }

    @Override
    public void chmod(String name, int mode) {
        throw new ReadOnlyFileSystemException();
    }

    @Override
    public void setTimes(String name, long modifiedSeconds, int modifiedNanos) {
        throw new ReadOnlyFileSystemException();
    }

    @Override
    public boolean setXattr(String name, String key, byte[] value) {
        throw new ReadOnlyFileSystemException();
    }

    @Override
    public void removeXattr(String name, String key) {
        throw new ReadOnlyFileSystemException();
    }

    @Override
    public void remove(String name) {
        throw new ReadOnlyFileSystemException();
    }
}
