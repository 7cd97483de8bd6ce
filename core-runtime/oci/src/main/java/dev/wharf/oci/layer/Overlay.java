package dev.wharf.oci.layer;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/** How overlayfs keeps its books on disk (kernel documentation, filesystems/overlayfs). */
final class Overlay {
    /** Set to {@code y} on a directory that hides what lower layers have at its place. */
    static final String OPAQUE = "trusted.overlay.opaque";

    private static final byte[] YES = "y".getBytes(StandardCharsets.US_ASCII);

    private Overlay() {}

    static byte[] yes() {
        return YES.clone();
    }

    static boolean isOpaque(Map<String, byte[]> xattrs) {
        byte[] value = xattrs.get(OPAQUE);
        return value != null && value.length == 1 && value[0] == 'y';
    }

    /** The attributes without overlayfs's own, which mean something in one place only and must not travel. */
    static Map<String, byte[]> withoutBooks(Map<String, byte[]> xattrs) {
        if (xattrs.keySet().stream().noneMatch(Overlay::isBook)) {
            return xattrs;
        }
        Map<String, byte[]> rest = new TreeMap<>(xattrs);
        rest.keySet().removeIf(Overlay::isBook);
        return rest;
    }

    private static boolean isBook(String xattr) {
        return xattr.startsWith("trusted.overlay.") || xattr.startsWith("user.overlay.");
    }
}
