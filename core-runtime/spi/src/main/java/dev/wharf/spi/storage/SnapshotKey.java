package dev.wharf.spi.storage;

import dev.wharf.model.ContainerId;
import dev.wharf.model.LayerId;
import java.util.regex.Pattern;

/** Names a snapshot; chosen by the caller. */
public record SnapshotKey(String value) {
    // First, because the constant below is checked against it.
    private static final Pattern FORM = Pattern.compile("[a-z0-9][a-z0-9-]{0,127}");

    /** The empty file system that the lowest layer stands on. */
    public static final SnapshotKey SCRATCH = new SnapshotKey("scratch");

    public SnapshotKey {
        if (!FORM.matcher(value).matches()) {
            throw new IllegalArgumentException("invalid snapshot key \"" + value + "\"");
        }
    }

    /** The committed snapshot of a layer. */
    public static SnapshotKey of(LayerId layer) {
        return new SnapshotKey("layer-" + layer.chain().hex());
    }

    /** The active snapshot of a container. */
    public static SnapshotKey of(ContainerId container) {
        return new SnapshotKey("container-" + container.value());
    }

    @Override
    public String toString() {
        return value;
    }
}
