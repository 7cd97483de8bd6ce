package dev.wharf.core.state;

import dev.wharf.core.state.Fact.Certainty;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import dev.wharf.spi.Failure;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;

/**
 * A volume: what it is, whether it is wanted, and its directory.
 *
 * @param mount whether its device is mounted there, for a volume that has one; empty for not
 * @param mountFailure why the device could not be mounted, until nobody asks for it any more
 * @param keptUntil until when the data of one that is not wanted is kept; one that is wanted again is emptied of it first
 */
public record Volume(
        VolumeSpec spec,
        Instant createdAt,
        boolean wanted,
        Fact<Path> path,
        Optional<Stall> stall,
        Optional<Certainty> mount,
        Optional<Failure> mountFailure,
        Optional<Instant> keptUntil) {
    /** One that was just asked for. */
    public static Volume fresh(VolumeSpec spec, Instant at) {
        return new Volume(
                spec, at, true, Fact.absent(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
    }

    /** One of the same name that was asked for while the data of the one before is still kept, which goes for it. */
    public Volume anew(VolumeSpec other, Instant at) {
        return new Volume(other, at, true, path.doubtful(), Optional.empty(), mount, Optional.empty(), keptUntil);
    }

    /** Whether it was removed and its data is kept, so that it can be had back. */
    public boolean isKept() {
        return !wanted && keptUntil.isPresent();
    }

    /** No longer wanted, its data kept for a while. */
    public Volume kept(Instant until) {
        return new Volume(spec, createdAt, false, path, Optional.empty(), mount, mountFailure, Optional.of(until));
    }

    /** Had back with its data. */
    public Volume undeleted() {
        return new Volume(spec, createdAt, true, path, Optional.empty(), mount, mountFailure, Optional.empty());
    }

    /** What was kept in its directory is gone. */
    public Volume emptied() {
        return new Volume(
                spec, createdAt, wanted, Fact.absent(), Optional.empty(), mount, mountFailure, Optional.empty());
    }

    public VolumeName name() {
        return spec.name();
    }

    public boolean isMounted() {
        return mount.equals(Optional.of(Certainty.PRESENT));
    }

    /** No longer wanted. A crash may have left a directory that no event names, so it is removed even where none is known. */
    public Volume unwanted() {
        return new Volume(
                spec, createdAt, false, path.doubtful(), Optional.empty(), mount, mountFailure, Optional.empty());
    }

    public Volume path(Fact<Path> fact) {
        return new Volume(spec, createdAt, wanted, fact, Optional.empty(), mount, mountFailure, keptUntil);
    }

    public Volume stalled(Stall why) {
        return new Volume(spec, createdAt, wanted, path, Optional.of(why), mount, mountFailure, keptUntil);
    }

    public Volume mount(Optional<Certainty> fact) {
        return new Volume(spec, createdAt, wanted, path, Optional.empty(), fact, Optional.empty(), keptUntil);
    }

    public Volume mountFailed(Failure why) {
        return new Volume(
                spec,
                createdAt,
                wanted,
                path,
                Optional.empty(),
                Optional.of(Certainty.DOUBTFUL),
                Optional.of(why),
                keptUntil);
    }
}
