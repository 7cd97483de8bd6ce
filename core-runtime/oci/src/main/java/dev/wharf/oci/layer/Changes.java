package dev.wharf.oci.layer;

import dev.wharf.model.FileChange;
import dev.wharf.model.FileChange.Kind;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/** Tells which paths a container changed; no content is read where the file system's own marks say enough. */
public final class Changes {
    private final List<FileChange> changes = new ArrayList<>();

    private Changes() {}

    /**
     * The changes that an upper directory of overlayfs stands for, in the order of names.
     *
     * @param lowers the directories below, topmost first; the caller closes them
     */
    public static List<FileChange> upper(Dir upper, List<Dir> lowers) throws IOException {
        Changes found = new Changes();
        try (Lower lower = new Lower(lowers)) {
            found.walk(upper, "", Optional.of(lower), 0);
        }
        return found.changes;
    }

    /** What makes {@code after} of {@code before}. */
    public static List<FileChange> between(Dir before, Dir after) throws IOException {
        Changes found = new Changes();
        found.compare(before, after, "", 0);
        return found.changes;
    }

    private void tell(Kind kind, String path) {
        changes.add(new FileChange(kind, "/" + path));
    }

    /** @param lower what is below; empty where nothing of it can be seen */
    private void walk(Dir dir, String parent, Optional<Lower> lower, int depth) throws IOException {
        for (String name : dir.names()) {
            Optional<Node> looked = dir.look(name);
            if (looked.isEmpty()) {
                continue;
            }
            Node node = looked.get();
            String path = Names.join(parent, name);
            boolean wasThere =
                    lower.isPresent() && lower.get().find(parent, name).isPresent();
            if (node.isOverlayWhiteout()) {
                if (wasThere) {
                    tell(Kind.DELETED, path);
                }
                continue;
            }
            tell(wasThere ? Kind.MODIFIED : Kind.ADDED, path);
            if (node.isDirectory() && depth < TreeWalk.DEEPEST) {
                try (Dir deeper = dir.enter(name)) {
                    boolean hides = !wasThere || Overlay.isOpaque(deeper.xattrs("."));
                    walk(deeper, path, hides ? Optional.empty() : lower, depth + 1);
                } catch (NoSuchFileException | NotDirectoryException e) {
                    // It went away while it was looked at.
                    continue;
                }
            }
        }
    }

    private void compare(Dir before, Dir after, String parent, int depth) throws IOException {
        TreeSet<String> all = new TreeSet<>(Names.BY_BYTES);
        all.addAll(before.names());
        all.addAll(after.names());
        for (String name : all) {
            Optional<Node> old = before.look(name);
            Optional<Node> now = after.look(name);
            String path = Names.join(parent, name);
            if (now.isEmpty()) {
                if (old.isPresent()) {
                    tell(Kind.DELETED, path);
                }
            } else if (old.isEmpty() || old.get().isDirectory() != now.get().isDirectory()) {
                tell(old.isEmpty() ? Kind.ADDED : Kind.MODIFIED, path);
                if (now.get().isDirectory()) {
                    try (Dir deeper = after.enter(name)) {
                        walk(deeper, path, Optional.empty(), depth + 1);
                    }
                }
            } else if (now.get().isDirectory() && depth < TreeWalk.DEEPEST) {
                int at = changes.size();
                try (Dir one = before.enter(name);
                        Dir other = after.enter(name)) {
                    compare(one, other, path, depth + 1);
                    if (changes.size() > at || !Sameness.ofDirectories(one, other)) {
                        changes.add(at, new FileChange(Kind.MODIFIED, "/" + path));
                    }
                }
            } else if (!now.get().isSocket() && !Sameness.of(before, old.get(), after, now.get(), name)) {
                tell(Kind.MODIFIED, path);
            }
        }
    }
}
