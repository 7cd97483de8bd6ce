package dev.wharf.storage.shelves;

import dev.wharf.spi.Driver.Readiness;
import dev.wharf.spi.kernel.MountCalls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Tries in the small whether overlayfs does on a shelf what a driver needs of it. */
public abstract class Trial {
    protected final Path root;
    protected final MountCalls mounts;
    private final Shelf shelf;
    private final String what;

    /** @param what what is tried, with its verb, for people: "overlayfs does" */
    protected Trial(Shelf shelf, MountCalls mounts, String what) {
        this.root = shelf.root();
        this.shelf = shelf;
        this.mounts = mounts;
        this.what = what;
    }

    /** Where the trial may mount something; it is unmounted and removed in the end. */
    protected static Path merged(Path begun) {
        return begun.resolve("merged");
    }

    /** Tries it in a new directory, which is removed afterwards. */
    protected abstract Readiness tryOut(Path begun) throws IOException;

    public final Readiness run() {
        if (root.toString().indexOf(',') >= 0 || root.toString().indexOf(':') >= 0) {
            return Readiness.no("overlayfs cannot be told of " + root + ": its path has a comma or a colon");
        }
        Path begun;
        try {
            shelf.prepareRoot();
            begun = shelf.begin();
        } catch (IOException e) {
            return Readiness.no("cannot write to " + root + ": " + e.getMessage());
        }
        try {
            return tryOut(begun);
        } catch (IOException e) {
            return Readiness.no(what + " not work in " + root + ": " + e.getMessage());
        } finally {
            cleanUp(begun);
        }
    }

    private void cleanUp(Path begun) {
        try {
            shelf.discard(begun);
        } catch (IOException e) {
            // What is left is swept by the next agent; the probe has its answer.
        }
    }

    /** Removes a directory of a shelf in which a trial, perhaps of an agent that died over it, has something mounted. */
    public static Shelf.Removal unmounting(MountCalls mounts, Shelf.Removal removal) {
        return directory -> {
            Path merged = merged(directory);
            if (Files.isDirectory(merged)) {
                mounts.unmount(merged);
            }
            removal.remove(directory);
        };
    }
}
