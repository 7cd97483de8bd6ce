package dev.wharf.oci.layer;

import java.io.IOException;
import java.security.SecureRandom;
import java.util.Optional;

/**
 * See {@link Deletions#carriedOut}. Remembers what the layer brought as hashes of 64 bits in one array, so that a million
 * paths take 16 MiB; the hash has a random seed, so no tar can be made to collide.
 */
final class CarriedOutDeletions extends Deletions {
    private final long seed = new SecureRandom().nextLong() | 1;
    private long[] brought = new long[1024];
    private int count;

    @Override
    boolean apply() {
        return true;
    }

    @Override
    boolean remembers() {
        return true;
    }

    @Override
    boolean isMark(Node node) {
        return false;
    }

    @Override
    Optional<Lower.Found> below(String parent, String name) {
        return Optional.empty();
    }

    /** A directory above what was brought stays as well; once one is known, so are those above it. */
    @Override
    void brought(String path) {
        String at = path;
        while (add(hash(at)) && at.indexOf('/') >= 0) {
            at = at.substring(0, at.lastIndexOf('/'));
        }
    }

    @Override
    void whiteout(Dir dir, String parent, String name) throws IOException {
        purge(dir, parent, name);
    }

    @Override
    void opaque(Dir dir, String path) throws IOException {
        for (String name : dir.names()) {
            purge(dir, path, name);
        }
    }

    private void purge(Dir dir, String parent, String name) throws IOException {
        String path = Names.join(parent, name);
        if (!contains(hash(path))) {
            dir.remove(name);
            return;
        }
        if (dir.look(name).filter(Node::isDirectory).isPresent()) {
            try (Dir deeper = dir.enter(name)) {
                opaque(deeper, path);
            }
        }
    }

    @Override
    void hideBelow(Dir dir, String name) {}

    @Override
    void finish(Dir root) {}

    @Override
    public void close() {
        brought = new long[0];
    }

    private long hash(String path) {
        long hash = seed;
        for (int i = 0; i < path.length(); i++) {
            hash = (hash ^ path.charAt(i)) * 0x9e3779b97f4a7c15L;
            hash ^= hash >>> 29;
        }
        return hash == 0 ? 1 : hash;
    }

    private boolean contains(long hash) {
        return brought[slot(hash)] == hash;
    }

    private boolean add(long hash) {
        int slot = slot(hash);
        if (brought[slot] == hash) {
            return false;
        }
        brought[slot] = hash;
        if (++count * 2 > brought.length) {
            long[] old = brought;
            brought = new long[old.length * 2];
            for (long each : old) {
                if (each != 0) {
                    brought[slot(each)] = each;
                }
            }
        }
        return true;
    }

    private int slot(long hash) {
        int mask = brought.length - 1;
        int slot = (int) (hash ^ hash >>> 32) & mask;
        while (brought[slot] != 0 && brought[slot] != hash) {
            slot = slot + 1 & mask;
        }
        return slot;
    }
}
