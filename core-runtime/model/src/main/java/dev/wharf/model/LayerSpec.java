package dev.wharf.model;

import java.util.Optional;

/**
 * A layer an image needs.
 *
 * @param descriptor the blob as the registry keeps it, compressed or not
 * @param diffId the digest of the uncompressed tar, which is checked while unpacking
 */
public record LayerSpec(LayerId id, Optional<LayerId> parent, Descriptor descriptor, Digest diffId) {}
