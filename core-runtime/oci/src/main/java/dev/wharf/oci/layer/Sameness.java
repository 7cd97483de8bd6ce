package dev.wharf.oci.layer;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Map;

/** Whether two files would be the same entry of a tar. */
final class Sameness {
    private Sameness() {}

    /** Of the directories themselves, their times aside, which every change of their content moves. */
    static boolean ofDirectories(Dir a, Dir b) throws IOException {
        Node one = a.look(".").orElseThrow();
        Node other = b.look(".").orElseThrow();
        return sameOwnerAndMode(one, other) && same(a.xattrs("."), b.xattrs("."));
    }

    static boolean of(Dir a, Node one, Dir b, Node other, String name) throws IOException {
        if (!sameOwnerAndMode(one, other)
                || one.modifiedSeconds() != other.modifiedSeconds()
                || one.modifiedNanos() != other.modifiedNanos()
                || one.major() != other.major()
                || one.minor() != other.minor()) {
            return false;
        }
        if (one.isRegular() && one.sizeBytes() != other.sizeBytes()) {
            return false;
        }
        if (one.isSymbolicLink()) {
            return a.readLink(name).equals(b.readLink(name));
        }
        // A program can set a file's time back, so only the bytes can tell.
        return same(a.xattrs(name), b.xattrs(name)) && (!one.isRegular() || sameContent(a, b, name));
    }

    private static boolean sameOwnerAndMode(Node one, Node other) {
        return one.mode() == other.mode() && one.uid() == other.uid() && one.gid() == other.gid();
    }

    private static boolean same(Map<String, byte[]> a, Map<String, byte[]> b) {
        Map<String, byte[]> one = Overlay.withoutBooks(a);
        Map<String, byte[]> other = Overlay.withoutBooks(b);
        return one.keySet().equals(other.keySet())
                && one.entrySet().stream().allMatch(e -> Arrays.equals(e.getValue(), other.get(e.getKey())));
    }

    private static boolean sameContent(Dir a, Dir b, String name) throws IOException {
        byte[] left = new byte[64 * 1024];
        byte[] right = new byte[64 * 1024];
        try (InputStream one = a.read(name);
                InputStream other = b.read(name)) {
            for (; ; ) {
                int leftRead = one.readNBytes(left, 0, left.length);
                int rightRead = other.readNBytes(right, 0, right.length);
                if (leftRead != rightRead || !Arrays.equals(left, 0, leftRead, right, 0, rightRead)) {
                    return false;
                }
                if (leftRead == 0) {
                    return true;
                }
            }
        }
    }
}
