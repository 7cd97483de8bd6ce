package dev.wharf.core.state;

import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;

/** A volume: what it is, whether it is wanted, and its directory. */
public record Volume(VolumeSpec spec, Instant createdAt, boolean wanted, Fact<Path> path, Optional<Stall> stall) {
    public VolumeName name() {
        return spec.name();
    }

    /** No longer wanted. A crash may have left a directory that no event names, so it is removed even where none is known. */
    public Volume unwanted() {
        return new Volume(spec, createdAt, false, path.doubtful(), Optional.empty());
    }

    public Volume path(Fact<Path> fact) {
        return new Volume(spec, createdAt, wanted, fact, Optional.empty());
    }

    public Volume stalled(Stall why) {
        return new Volume(spec, createdAt, wanted, path, Optional.of(why));
    }
}
