package dev.wharf.oci.make;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;

/**
 * Collects the entries of one layer into an uncompressed tar, in the order they are given. Owners are root unless said, times
 * are the epoch, so that equal layers are equal bytes.
 */
public final class LayerMaker {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes, "UTF-8");

    private final Map<String, TarArchiveEntry> files = new HashMap<>();

    public LayerMaker() {
        tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
        tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
        tar.setAddPaxHeadersForNonAsciiNames(true);
    }

    /** A directory with permission bits such as {@code 0755}. */
    public LayerMaker directory(String path, int mode) {
        TarArchiveEntry entry = new TarArchiveEntry(path.endsWith("/") ? path : path + "/");
        entry.setMode(mode);
        return add(entry, new byte[0]);
    }

    public LayerMaker file(String path, int mode, String content) {
        return file(path, mode, content.getBytes(StandardCharsets.UTF_8));
    }

    public LayerMaker file(String path, int mode, byte[] content) {
        return file(path, mode, 0, 0, content, Map.of());
    }

    /** A file with its owner and extended attributes, such as {@code security.capability}. */
    public LayerMaker file(String path, int mode, int uid, int gid, byte[] content, Map<String, String> xattrs) {
        TarArchiveEntry entry = new TarArchiveEntry(path);
        entry.setMode(mode);
        entry.setUserId(uid);
        entry.setGroupId(gid);
        entry.setSize(content.length);
        xattrs.forEach((name, value) -> entry.addPaxHeader("SCHILY.xattr." + name, value));
        files.put(path, entry);
        return add(entry, content);
    }

    public LayerMaker symlink(String path, String target) {
        TarArchiveEntry entry = new TarArchiveEntry(path, TarConstants.LF_SYMLINK);
        entry.setLinkName(target);
        entry.setMode(0777);
        return add(entry, new byte[0]);
    }

    /** Another name for the file {@code target} of this layer. */
    public LayerMaker hardLink(String path, String target) {
        TarArchiveEntry file = files.get(target);
        if (file == null) {
            throw new IllegalArgumentException("no file " + target + " to link " + path + " to");
        }
        TarArchiveEntry entry = new TarArchiveEntry(path, TarConstants.LF_LINK);
        entry.setLinkName(target);
        // Some unpackers give a link's owner and mode to the file that it names.
        entry.setMode(file.getMode());
        entry.setUserId(file.getLongUserId());
        entry.setGroupId(file.getLongGroupId());
        return add(entry, new byte[0]);
    }

    public LayerMaker characterDevice(String path, int mode, int major, int minor) {
        TarArchiveEntry entry = new TarArchiveEntry(path, TarConstants.LF_CHR);
        entry.setMode(mode);
        entry.setDevMajor(major);
        entry.setDevMinor(minor);
        return add(entry, new byte[0]);
    }

    /** Hides what a lower layer has at {@code path} (OCI image spec, whiteouts). */
    public LayerMaker whiteout(String path) {
        int name = path.lastIndexOf('/') + 1;
        return file(path.substring(0, name) + ".wh." + path.substring(name), 0644, "");
    }

    /** Hides everything that lower layers have in {@code directory}. */
    public LayerMaker opaque(String directory) {
        return file(directory + "/.wh..wh..opq", 0644, "");
    }

    private LayerMaker add(TarArchiveEntry entry, byte[] content) {
        entry.setModTime(0);
        try {
            tar.putArchiveEntry(entry);
            tar.write(content);
            tar.closeArchiveEntry();
        } catch (IOException e) {
            throw new UncheckedIOException("an entry cannot be written to memory", e);
        }
        return this;
    }

    /** The tar; nothing can be added afterwards. */
    public byte[] tar() {
        try {
            tar.close();
        } catch (IOException e) {
            throw new UncheckedIOException("a tar cannot be written to memory", e);
        }
        return bytes.toByteArray();
    }
}
