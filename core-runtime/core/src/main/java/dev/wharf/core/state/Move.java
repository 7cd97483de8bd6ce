package dev.wharf.core.state;

import dev.wharf.model.ContainerId;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverName;
import dev.wharf.model.LayerId;
import dev.wharf.model.SubjectId;
import dev.wharf.spi.storage.SnapshotKey;
import java.util.Optional;

/**
 * A snapshot on its way from one storage driver to another: it is copied, then its owner uses the copy, then the original goes.
 *
 * @param copied whether the owner uses the copy and only the original is left to remove
 */
public record Move(SnapshotKey snapshot, DriverName from, DriverName to, boolean copied, Optional<Stall> stall) {
    private static final String LAYER = "layer-";
    private static final String CONTAINER = "container-";

    /** The layer or container whose snapshot it is. */
    public static SubjectId ownerOf(SnapshotKey snapshot) {
        String key = snapshot.value();
        return key.startsWith(LAYER)
                ? new LayerId(new Digest("sha256", key.substring(LAYER.length())))
                : new ContainerId(key.substring(CONTAINER.length()));
    }

    public SubjectId owner() {
        return ownerOf(snapshot);
    }

    public Move done() {
        return new Move(snapshot, from, to, true, Optional.empty());
    }

    public Move stalled(Stall why) {
        return new Move(snapshot, from, to, copied, Optional.of(why));
    }
}
