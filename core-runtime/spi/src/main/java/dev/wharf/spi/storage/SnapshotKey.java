package dev.wharf.spi.storage;

import dev.wharf.model.ContainerId;
import dev.wharf.model.LayerId;

/** Names a snapshot; chosen by the caller. */
public record SnapshotKey(String value) {
    private static final int LONGEST = 128;

    /** The empty file system that the lowest layer stands on. */
    public static final SnapshotKey SCRATCH = new SnapshotKey("scratch");

    public SnapshotKey {
        if (!isName(value)) {
            throw new IllegalArgumentException("invalid snapshot key \"" + value + "\"");
        }
    }

    /** {@code [a-z0-9][a-z0-9-]{0,127}}, without a pattern, because keys are made all the time. */
    private static boolean isName(String value) {
        boolean fits = !value.isEmpty() && value.length() <= LONGEST && value.charAt(0) != '-';
        for (int i = 0; fits && i < value.length(); i++) {
            char c = value.charAt(i);
            fits = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-';
        }
        return fits;
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
