package dev.wharf.oci.layer;

import java.io.IOException;
import java.util.HashSet;
import java.util.Set;

/**
 * The space a tree takes.
 *
 * @param sizeBytes of file content and of symbolic links, each file once however many names it has
 * @param inodes of everything in the tree and its root
 */
public record Extent(long sizeBytes, long inodes) {
    /** Walks {@code root}; what goes away meanwhile does not count. */
    public static Extent of(Dir root) throws IOException {
        Counter counter = new Counter();
        counter.add(root, 0);
        return new Extent(counter.sizeBytes, counter.inodes);
    }

    private static final class Counter {
        private final Set<Long> seen = new HashSet<>();
        private long sizeBytes;
        private long inodes = 1;

        void add(Dir dir, int depth) throws IOException {
            for (String name : dir.names()) {
                Node node = dir.look(name).orElse(null);
                if (node == null || (!node.isDirectory() && node.links() > 1 && !seen.add(node.inode()))) {
                    continue;
                }
                inodes++;
                sizeBytes += node.contentBytes();
                if (node.isDirectory() && depth < TreeWalk.DEEPEST) {
                    try (Dir deeper = dir.enter(name)) {
                        add(deeper, depth + 1);
                    } catch (java.nio.file.NoSuchFileException | java.nio.file.NotDirectoryException e) {
                        continue;
                    }
                }
            }
        }
    }
}
