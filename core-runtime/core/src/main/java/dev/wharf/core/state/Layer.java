package dev.wharf.core.state;

import dev.wharf.model.Descriptor;
import dev.wharf.model.DriverName;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.PullId;
import dev.wharf.spi.storage.Snapshot;
import java.util.Optional;

/**
 * A layer: its blob in the content store and its snapshot in a storage driver.
 *
 * @param pull the pull that wanted it last, whose repository and credentials fetch it
 * @param storage the driver that keeps its snapshot
 * @param sizeBytes what it takes unpacked, 0 before that
 */
public record Layer(
        LayerSpec spec,
        PullId pull,
        String repository,
        DriverName storage,
        Fact<Descriptor> content,
        Fact<Snapshot> snapshot,
        long sizeBytes,
        Optional<Stall> stall) {
    public LayerId id() {
        return spec.id();
    }

    public Layer wantedBy(PullId other, String otherRepository, Descriptor descriptor) {
        LayerSpec same = new LayerSpec(
                spec.id(), spec.parent(), content.isAbsent() ? descriptor : spec.descriptor(), spec.diffId());
        return new Layer(same, other, otherRepository, storage, content, snapshot, sizeBytes, Optional.empty());
    }

    public Layer content(Fact<Descriptor> fact) {
        return new Layer(spec, pull, repository, storage, fact, snapshot, sizeBytes, Optional.empty());
    }

    public Layer snapshot(Fact<Snapshot> fact, long size) {
        return new Layer(spec, pull, repository, storage, content, fact, size, Optional.empty());
    }

    /** Another driver keeps its snapshot from now on. */
    public Layer movedTo(DriverName other) {
        return new Layer(spec, pull, repository, other, content, snapshot, sizeBytes, stall);
    }

    public Layer stalled(Stall why) {
        return new Layer(spec, pull, repository, storage, content, snapshot, sizeBytes, Optional.of(why));
    }
}
