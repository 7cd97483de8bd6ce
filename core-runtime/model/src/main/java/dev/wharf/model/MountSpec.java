package dev.wharf.model;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Something to appear at a path of a container.
 *
 * @param source a host path for a bind, a volume's name, an image for an image mount, empty for a tmpfs
 * @param target an absolute, normal path in the container
 * @param createSource whether a missing bind source is made as a directory, as {@code -v} does and {@code --mount} does not
 * @param options {@code size}, {@code mode} and other tmpfs options; {@code subpath} of a volume or an image; {@code
 *     nocopy}, {@code anonymous}, {@code volume-opt.NAME} and {@code volume-label.NAME} of a volume; {@code propagation},
 *     {@code nonrecursive} and {@code readonly-submounts} (required, if-possible or no) of a bind; {@code mode-words} as the
 *     creator wrote them, {@code reference} of an image and {@code from}, whose mount it was first, for people
 */
public record MountSpec(
        Kind kind, String source, String target, boolean readOnly, boolean createSource, Map<String, String> options) {
    /** Beside {@code propagation}: nobody asked for it, so that what cannot be had is done without. */
    public static final String PROPAGATION_IF_POSSIBLE = "propagation-if-possible";

    public MountSpec {
        if (!target.startsWith("/") || target.contains("/../") || target.endsWith("/..")) {
            throw new IllegalArgumentException(
                    "invalid mount path \"" + target + "\": mount path must be absolute and must not contain \"..\"");
        }
        if (target.equals("/")) {
            throw new IllegalArgumentException("invalid mount path: destination can't be '/'");
        }
        options = Checks.copy(options);
    }

    /** Whether it is one of the container's own volumes without a name, which a config lists: neither wished for in whole nor another's. */
    public boolean isVolumeOfConfig() {
        return options.containsKey("anonymous") && !options.containsKey("mount") && !options.containsKey("from");
    }

    /** The volume to make for this mount where there is none. */
    public VolumeSpec volume() {
        return new VolumeSpec(
                new VolumeName(source),
                VolumeSpec.LOCAL,
                prefixed("volume-opt."),
                prefixed("volume-label."),
                options.containsKey("anonymous"));
    }

    private Map<String, String> prefixed(String prefix) {
        Map<String, String> found = new LinkedHashMap<>();
        options.forEach((name, value) -> {
            if (name.startsWith(prefix)) {
                found.put(name.substring(prefix.length()), value);
            }
        });
        return found;
    }

    /** What is mounted. */
    public enum Kind {
        BIND,
        VOLUME,
        TMPFS,
        IMAGE
    }
}
