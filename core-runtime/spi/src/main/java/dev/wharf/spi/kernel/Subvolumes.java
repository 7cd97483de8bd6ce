package dev.wharf.spi.kernel;

import java.io.IOException;
import java.nio.file.Path;
import org.osgi.annotation.versioning.ProviderType;

/** Subvolumes of btrfs (ioctl(2), linux/btrfs.h), each call without a process of its own. */
@ProviderType
public interface Subvolumes {
    /** Whether {@code directory} lies on btrfs. */
    boolean areThereIn(Path directory) throws IOException;

    /** Makes an empty subvolume; its parent directory is there, itself is not. */
    void create(Path added) throws IOException;

    /** Makes a writable subvolume that shares everything with {@code from} and shows none of the subvolumes in it. */
    void snapshot(Path from, Path added) throws IOException;

    /** Lets nobody write to a subvolume any more, or lets them again. */
    void seal(Path subvolume, boolean sealed) throws IOException;

    /** Removes a subvolume, sealed or not, and those that were made inside it; fine where nothing is. */
    void remove(Path subvolume) throws IOException;

    /**
     * Lets everything that the subvolume shows take at most {@code sizeBytes}, what it shares with others included. Switches
     * the file system's quotas on where they are off, and waits until it has counted.
     */
    void limit(Path subvolume, long sizeBytes) throws IOException;
}
