package dev.wharf.spi.kernel;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/**
 * File system calls that Java does not have. Every call works on the last component itself and never follows it when it is
 * a symbolic link. Callers pass paths whose parents they have made sure of, or use {@link #resolveInRoot}.
 */
@ProviderType
public interface FileCalls {
    /** lchown(2). */
    void chown(Path path, long uid, long gid) throws IOException;

    /** chmod(2) with the full twelve bits, setuid among them; must not be called on a symbolic link. */
    void chmod(Path path, int mode) throws IOException;

    /** mknod(2) of a device, FIFO or socket: {@code mode} carries the S_IF type. */
    void mknod(Path path, int mode, int major, int minor) throws IOException;

    /** link(2), not following a symbolic link at {@code existing}. */
    void link(Path existing, Path added) throws IOException;

    /** utimensat(2) with AT_SYMLINK_NOFOLLOW. */
    void setTimes(Path path, long modifiedSeconds, int modifiedNanos) throws IOException;

    /** lsetxattr(2). */
    void setXattr(Path path, String name, byte[] value) throws IOException;

    /** An extended attribute, lgetxattr(2); empty where there is none of that name, or nothing at {@code path}. */
    Optional<byte[]> xattr(Path path, String name) throws IOException;

    /** lstat(2). */
    Stat stat(Path path) throws IOException;

    /**
     * Resolves {@code inside} as a process whose root is {@code root} would, symbolic links included, and answers with the
     * host path, which lies in {@code root} (openat2(2), RESOLVE_IN_ROOT). The last component may be missing.
     */
    Path resolveInRoot(Path root, String inside) throws IOException;

    /** Reads at most {@code limit} bytes of a regular file inside {@code root}; refuses devices, FIFOs and larger files. */
    byte[] readInRoot(Path root, String inside, int limit) throws IOException;

    /** renameat2(2) and fsync(2) of the parent directory: afterwards {@code to} is what {@code from} was, durably. */
    void renameDurably(Path from, Path to) throws IOException;

    /** syncfs(2): makes everything written to the file system of {@code path} durable. */
    void syncFileSystem(Path path) throws IOException;

    /**
     * Removes a tree as rm(1) does, one file system only, following no link; what is already gone is fine.
     */
    void removeTree(Path path) throws IOException;

    /**
     * Copies everything in the directory {@code from} into the directory {@code to}, with owners, modes, times, hard links,
     * holes and extended attributes, and gives {@code to} the attributes of {@code from}.
     */
    void copyTree(Path from, Path to) throws IOException;

    /** What lstat(2) says; {@code mode} holds type and permission bits. */
    record Stat(
            long device,
            long inode,
            int mode,
            long links,
            long uid,
            long gid,
            int rdevMajor,
            int rdevMinor,
            long sizeBytes,
            long blocks,
            long modifiedSeconds,
            int modifiedNanos) {
        public boolean isDirectory() {
            return (mode & 0170000) == 0040000;
        }

        public boolean isRegular() {
            return (mode & 0170000) == 0100000;
        }

        public boolean isSymbolicLink() {
            return (mode & 0170000) == 0120000;
        }
    }
}
