package dev.wharf.spi.storage;

/** A file system state. A committed one is sealed and may be a parent; an active one is writable. */
public record Snapshot(SnapshotKey key, SnapshotKey parent, boolean committed) {}
