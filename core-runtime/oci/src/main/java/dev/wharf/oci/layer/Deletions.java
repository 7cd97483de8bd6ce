package dev.wharf.oci.layer;

import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * What a whiteout in a layer does to the directory that the layer is unpacked on. Whiteouts speak of lower layers only: what
 * the same layer brings stays, whichever comes first (OCI image spec, layer, "Whiteouts").
 */
public abstract class Deletions implements AutoCloseable {
    Deletions() {}

    /**
     * Keeps whiteouts as overlayfs wants them in an upper directory, but only where they hide something.
     *
     * @param lowers the directories below, topmost first; the caller closes them
     */
    public static Deletions marked(List<Dir> lowers) {
        return new MarkedDeletions(new Lower(lowers));
    }

    /** Really deletes, for a directory that holds the whole file system as the lower layers left it. */
    public static Deletions carriedOut() {
        return new CarriedOutDeletions();
    }

    /** Takes the names of whiteouts for names like any other, for tars that are no layers. */
    public static Deletions none() {
        return new NoDeletions();
    }

    /** Whether whiteouts mean anything. */
    abstract boolean apply();

    /** Whether {@code node} only says that something is gone. */
    abstract boolean isMark(Node node);

    /** What lower layers show at a path, where that is not in the directory itself. */
    abstract Optional<Lower.Found> below(String parent, String name) throws IOException;

    /** Whether it wants to be told what the layer brought. */
    boolean remembers() {
        return false;
    }

    /** Notes that the layer brought {@code path}. */
    abstract void brought(String path);

    /** Deletes {@code name} in {@code dir}, whose path is {@code parent}. */
    abstract void whiteout(Dir dir, String parent, String name) throws IOException;

    /** Deletes everything in {@code dir}, whose path is {@code path}. */
    abstract void opaque(Dir dir, String path) throws IOException;

    /** A new directory stands where something else was, and shows nothing of what is below. */
    abstract void hideBelow(Dir dir, String name) throws IOException;

    /** After the last entry. */
    abstract void finish(Dir root) throws IOException;

    @Override
    public abstract void close();
}
