package dev.wharf.model;

import java.util.Map;
import java.util.Optional;

/**
 * Points at content: what it is, its digest and its size (OCI image spec, descriptor).
 *
 * @param mediaType the media type, kept as pulled
 * @param sizeBytes the exact size in bytes, not negative
 * @param platform the platform of a manifest inside an index, where it says so
 */
public record Descriptor(
        String mediaType, Digest digest, long sizeBytes, Optional<Platform> platform, Map<String, String> annotations) {
    public Descriptor {
        Checks.oneLine(mediaType, "media type");
        if (sizeBytes < 0) {
            throw new IllegalArgumentException("invalid descriptor of " + digest + ": negative size " + sizeBytes);
        }
        annotations = Checks.copy(annotations);
    }

    public Descriptor(String mediaType, Digest digest, long sizeBytes) {
        this(mediaType, digest, sizeBytes, Optional.empty(), Map.of());
    }
}
