package dev.wharf.model;

/**
 * One path that a container changed.
 *
 * @param path from the container's root, with its leading slash
 */
public record FileChange(Kind kind, String path) {
    /** What became of it. A directory is modified when something directly in it came or went, as well. */
    public enum Kind {
        MODIFIED,
        ADDED,
        DELETED
    }
}
