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
 */
public record Volume(
        VolumeSpec spec,
        Instant createdAt,
        boolean wanted,
        Fact<Path> path,
        Optional<Stall> stall,
        Optional<Certainty> mount,
        Optional<Failure> mountFailure) {
    /** One that was just asked for. */
    public static Volume fresh(VolumeSpec spec, Instant at) {
        return new Volume(spec, at, true, Fact.absent(), Optional.empty(), Optional.empty(), Optional.empty());
    }

    public VolumeName name() {
        return spec.name();
    }

    public boolean isMounted() {
        return mount.equals(Optional.of(Certainty.PRESENT));
    }

    /** No longer wanted. A crash may have left a directory that no event names, so it is removed even where none is known. */
    public Volume unwanted() {
        return new Volume(spec, createdAt, false, path.doubtful(), Optional.empty(), mount, mountFailure);
    }

    public Volume path(Fact<Path> fact) {
        return new Volume(spec, createdAt, wanted, fact, Optional.empty(), mount, mountFailure);
    }

    public Volume stalled(Stall why) {
        return new Volume(spec, createdAt, wanted, path, Optional.of(why), mount, mountFailure);
    }

    public Volume mount(Optional<Certainty> fact) {
        return new Volume(spec, createdAt, wanted, path, Optional.empty(), fact, Optional.empty());
    }

    public Volume mountFailed(Failure why) {
        return new Volume(
                spec, createdAt, wanted, path, Optional.empty(), Optional.of(Certainty.DOUBTFUL), Optional.of(why));
    }
}
