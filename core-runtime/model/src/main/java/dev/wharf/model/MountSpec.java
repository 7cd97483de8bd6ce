package dev.wharf.model;

import java.util.Map;

/**
 * Something to appear at a path of a container.
 *
 * @param source a host path for a bind, a volume's name, an image for an image mount, empty for a tmpfs
 * @param target an absolute, normal path in the container
 * @param createSource whether a missing bind source is made as a directory, as {@code -v} does and {@code --mount} does not
 * @param options {@code size}, {@code mode} and other tmpfs options; {@code subpath}, {@code nocopy} of a volume;
 *     {@code propagation} of a bind; {@code mode-words} as the creator wrote them, for people
 */
public record MountSpec(
        Kind kind, String source, String target, boolean readOnly, boolean createSource, Map<String, String> options) {
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

    /** What is mounted. */
    public enum Kind {
        BIND,
        VOLUME,
        TMPFS,
        IMAGE
    }
}
