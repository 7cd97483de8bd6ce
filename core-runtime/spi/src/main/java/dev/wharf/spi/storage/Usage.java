package dev.wharf.spi.storage;

/** The space a snapshot itself takes: bytes of file content, and inodes. */
public record Usage(long sizeBytes, long inodes) {}
