package dev.wharf.engine.archive;

import dev.wharf.engine.archive.StillView.Spot;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Names;
import dev.wharf.oci.layer.Node;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/** A directory of a {@link StillView}. Each step to another is made from one that is held open, and follows no link. */
final class StillDir implements Dir {
    /** As many symbolic links as the kernel follows in one path (path_resolution(7)). */
    private static final int MOST_LINKS = 40;

    private final StillView view;
    private final String path;
    private final Dir dir;

    /** @param path from the root of the view without a leading slash; empty for the root */
    StillDir(StillView view, String path, Dir dir) {
        this.view = view;
        this.path = path;
        this.dir = dir;
    }

    private String below(String name) {
        return name.equals(".") ? path : Names.join(path, name);
    }

    @Override
    public StillDir again() throws IOException {
        return new StillDir(view, path, dir.again());
    }

    @Override
    public Dir resolve(String inside) throws IOException {
        Deque<String> todo = new ArrayDeque<>(Names.components(inside));
        Deque<StillDir> way = new ArrayDeque<>();
        way.push(again());
        try {
            for (int links = 0; !todo.isEmpty(); ) {
                String name = todo.pop();
                if (name.equals("..")) {
                    up(way);
                    continue;
                }
                StillDir here = way.element();
                Node node = here.look(name).orElseThrow(() -> new NoSuchFileException(inside));
                if (!node.isSymbolicLink()) {
                    way.push(here.enter(name));
                    continue;
                }
                if (++links > MOST_LINKS) {
                    throw new FileSystemLoopException(inside + ": too many symbolic links");
                }
                String target = here.readLink(name);
                while (target.startsWith("/") && way.size() > 1) {
                    up(way);
                }
                List<String> detour = Names.components(target);
                for (int i = detour.size() - 1; i >= 0; i--) {
                    todo.push(detour.get(i));
                }
            }
            return way.pop();
        } finally {
            way.forEach(StillDir::close);
        }
    }

    private static void up(Deque<StillDir> way) {
        if (way.size() > 1) {
            way.pop().close();
        }
    }

    @Override
    public StillDir enter(String name) throws IOException {
        if (name.equals(".")) {
            return again();
        }
        String deeper = below(name);
        Optional<Dir> mounted = view.directoryAt(deeper);
        if (mounted.isPresent()) {
            return new StillDir(view, deeper, mounted.get());
        }
        if (view.mountAt(deeper).isPresent()) {
            throw new NotDirectoryException(name);
        }
        return new StillDir(view, deeper, dir.enter(name));
    }

    @Override
    public String path() {
        return "/" + path;
    }

    @Override
    public Optional<Node> look(String name) throws IOException {
        if (name.equals(".")) {
            return dir.look(name);
        }
        try (Dir mounted = view.directoryAt(below(name)).orElse(null)) {
            if (mounted != null) {
                return mounted.look(".");
            }
        }
        try (Spot file = view.fileAt(below(name)).orElse(null)) {
            return file == null ? dir.look(name) : file.look();
        }
    }

    @Override
    public List<String> names() throws IOException {
        TreeSet<String> names = new TreeSet<>(Names.BY_BYTES);
        names.addAll(dir.names());
        names.addAll(view.mountsIn(path));
        return List.copyOf(names);
    }

    @Override
    public boolean namesAreTyped() throws IOException {
        return dir.namesAreTyped();
    }

    @Override
    public String readLink(String name) throws IOException {
        return dir.readLink(name);
    }

    @Override
    public Map<String, byte[]> xattrs(String name) throws IOException {
        if (name.equals(".")) {
            return dir.xattrs(name);
        }
        try (Dir mounted = view.directoryAt(below(name)).orElse(null)) {
            if (mounted != null) {
                return mounted.xattrs(".");
            }
        }
        try (Spot file = view.fileAt(below(name)).orElse(null)) {
            return file == null ? dir.xattrs(name) : file.dir().xattrs(file.name());
        }
    }

    @Override
    public InputStream read(String name) throws IOException {
        try (Spot file = view.fileAt(below(name)).orElse(null)) {
            return file == null ? dir.read(name) : file.dir().read(file.name());
        }
    }

    /** A mount point can be neither replaced nor renamed, as the kernel would say if it were one. */
    private String free(String name) throws IOException {
        if (!name.equals(".") && view.mountAt(below(name)).isPresent()) {
            throw new FileSystemException(
                    "/" + below(name), null, "/" + below(name) + " is a mount point: device or resource busy");
        }
        return name;
    }

    @Override
    public void makeDirectory(String name) throws IOException {
        dir.makeDirectory(taken(name));
    }

    @Override
    public Output create(String name) throws IOException {
        return dir.create(taken(name));
    }

    @Override
    public void symlink(String name, String target) throws IOException {
        dir.symlink(taken(name), target);
    }

    @Override
    public void link(String name, Dir from, String existing) throws IOException {
        dir.link(taken(name), from instanceof StillDir still ? still.dir : from, existing);
    }

    @Override
    public void makeNode(String name, int type, int major, int minor) throws IOException {
        dir.makeNode(taken(name), type, major, minor);
    }

    /** What is mounted there has the name, whether or not there is a mount point below it. */
    private String taken(String name) throws IOException {
        if (view.mountAt(below(name)).isPresent()) {
            throw new java.nio.file.FileAlreadyExistsException("/" + below(name));
        }
        return name;
    }

    private interface Change {
        void of(Dir there, String name) throws IOException;
    }

    /** Changes what would be mounted at the name, or else what is there. */
    private void change(String name, Change change) throws IOException {
        if (!name.equals(".")) {
            try (Dir mounted = view.directoryAt(below(name)).orElse(null)) {
                if (mounted != null) {
                    change.of(mounted, ".");
                    return;
                }
            }
            free(name);
        }
        change.of(dir, name);
    }

    @Override
    public void chown(String name, long uid, long gid) throws IOException {
        change(name, (there, n) -> there.chown(n, uid, gid));
    }

    @Override
    public void chmod(String name, int mode) throws IOException {
        change(name, (there, n) -> there.chmod(n, mode));
    }

    @Override
    public void setTimes(String name, long modifiedSeconds, int modifiedNanos) throws IOException {
        change(name, (there, n) -> there.setTimes(n, modifiedSeconds, modifiedNanos));
    }

    @Override
    public boolean setXattr(String name, String key, byte[] value) throws IOException {
        boolean[] kept = new boolean[1];
        change(name, (there, n) -> kept[0] = there.setXattr(n, key, value));
        return kept[0];
    }

    @Override
    public void removeXattr(String name, String key) throws IOException {
        change(name, (there, n) -> there.removeXattr(n, key));
    }

    @Override
    public void copyContent(String name, Dir to, String added) throws IOException {
        dir.copyContent(free(name), to instanceof StillDir still ? still.dir : to, added);
    }

    @Override
    public void remove(String name) throws IOException {
        dir.remove(free(name));
    }

    @Override
    public void close() {
        dir.close();
    }
}
