package dev.wharf.oci.layer;

import java.util.Optional;

/** See {@link Deletions#none}. */
final class NoDeletions extends Deletions {
    @Override
    boolean apply() {
        return false;
    }

    @Override
    boolean isMark(Node node) {
        return false;
    }

    @Override
    Optional<Lower.Found> below(String parent, String name) {
        return Optional.empty();
    }

    @Override
    void brought(String path) {}

    @Override
    void whiteout(Dir dir, String parent, String name) {}

    @Override
    void opaque(Dir dir, String path) {}

    @Override
    void hideBelow(Dir dir, String name) {}

    @Override
    void finish(Dir root) {}

    @Override
    public void close() {}
}
