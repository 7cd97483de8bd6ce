package dev.wharf.spi.storage;

import dev.wharf.model.FileChange;
import dev.wharf.spi.Driver;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.kernel.Mount;
import java.io.InputStream;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Keeps filesystem snapshots. An <em>active</em> snapshot is writable and has a committed parent; a <em>committed</em> one
 * is sealed and may be a parent. The driver says how to mount, and the kernel port mounts, so what is mounted can be
 * unmounted when the driver is no longer there.
 */
@ConsumerType
public interface StorageDriver extends Driver {
    /** Makes the active snapshot {@code key} on {@code parent}, or on {@link SnapshotKey#SCRATCH}. */
    Snapshot prepare(SnapshotKey key, SnapshotKey parent) throws DriverException;

    /** Seals active {@code key} as committed {@code name}; afterwards {@code key} is gone. */
    Snapshot commit(SnapshotKey key, SnapshotKey name) throws DriverException;

    /**
     * Makes the committed snapshot {@code name}: {@code parent} with the changes of an uncompressed OCI layer tar on top.
     * All or nothing: when the stream fails, the tar is refused or the agent dies, there is no such snapshot and nothing is
     * left but what the next call or the next survey sweeps. The stream is read to its end before the snapshot appears,
     * because it checks its own digest there.
     */
    Snapshot unpack(SnapshotKey name, SnapshotKey parent, InputStream layer) throws DriverException;

    /** The mounts that make {@code key} appear at a directory, in the order to apply them. */
    List<Mount> mounts(SnapshotKey key) throws DriverException;

    /** Removes a snapshot that no other snapshot stands on; BUSY where one does. */
    void remove(SnapshotKey key) throws DriverException;

    /** The space {@code key} itself takes, without its parents. */
    Usage usage(SnapshotKey key) throws DriverException;

    /** Every snapshot found on disk now, read afresh; half-made ones are swept, not listed. */
    List<Snapshot> survey() throws DriverException;

    /** Takes over a container's snapshot that another driver had. */
    interface Receiving extends Capability {
        /**
         * Makes the active snapshot {@code key}: {@code parent} with the changes of an uncompressed OCI layer tar on top. All
         * or nothing, as with {@link StorageDriver#unpack}.
         */
        Snapshot receive(SnapshotKey key, SnapshotKey parent, InputStream changes) throws DriverException;
    }

    /** Limits the space of an active snapshot. */
    interface Limiting extends Capability {
        /**
         * Lets what is written to active {@code key} take at most {@code sizeBytes}: a write beyond fails with EDQUOT or
         * ENOSPC. Called before the snapshot is mounted first; repeating it changes nothing. UNSUPPORTED, with what would
         * help, where the file system below cannot.
         */
        void limit(SnapshotKey key, long sizeBytes) throws DriverException;
    }

    /** Spares the disk what need not outlive the host's power. */
    interface Passing extends Capability {
        /**
         * The same as {@link StorageDriver#mounts} for a container that is removed when it ends: what it writes may be lost
         * with the power of the host, and need not be written out when it is unmounted.
         */
        List<Mount> passingMounts(SnapshotKey key) throws DriverException;
    }

    /** Takes single changes out of a snapshot. */
    interface Forgetting extends Capability {
        /**
         * Makes the active snapshot {@code key}, which is not mounted, as though nothing had ever changed at these
         * {@code paths} or below them. They are spelled as in {@link Diffing#diff}; one that is no change is passed over.
         */
        void forget(SnapshotKey key, List<String> paths) throws DriverException;
    }

    /** Reads the changes of a snapshot against its parent, faster than a walk over both. */
    interface Diffing extends Capability {
        /** The changes of {@code key} against its parent as an uncompressed OCI layer tar. */
        InputStream diff(SnapshotKey key) throws DriverException;

        /** The paths of the same changes, each directory before what is in it. */
        List<FileChange> changes(SnapshotKey key) throws DriverException;
    }
}
