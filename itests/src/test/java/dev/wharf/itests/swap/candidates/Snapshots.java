package dev.wharf.itests.swap.candidates;

import dev.wharf.model.DriverName;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.StorageDriver;
import dev.wharf.spi.storage.Usage;
import java.io.InputStream;
import java.util.List;

/** A storage driver that has nothing, under the name and in the formats of one that serves. */
public abstract class Snapshots implements StorageDriver {
    @Override
    public DriverName name() {
        return new DriverName("overlay");
    }

    @Override
    public List<Format> formats() {
        return List.of(new Format("overlay-tree", 1));
    }

    @Override
    public Readiness probe() {
        return Readiness.yes();
    }

    private static DriverException nothing() {
        return DriverException.failure(Failure.Kind.UNSUPPORTED, "planted: it never serves");
    }

    @Override
    public Snapshot prepare(SnapshotKey key, SnapshotKey parent) throws DriverException {
        throw nothing();
    }

    @Override
    public Snapshot commit(SnapshotKey key, SnapshotKey name) throws DriverException {
        throw nothing();
    }

    @Override
    public Snapshot unpack(SnapshotKey name, SnapshotKey parent, InputStream layer) throws DriverException {
        throw nothing();
    }

    @Override
    public List<Mount> mounts(SnapshotKey key) throws DriverException {
        throw nothing();
    }

    @Override
    public void remove(SnapshotKey key) throws DriverException {
        throw nothing();
    }

    @Override
    public Usage usage(SnapshotKey key) throws DriverException {
        throw nothing();
    }

    @Override
    public List<Snapshot> survey() throws DriverException {
        return List.of();
    }
}
