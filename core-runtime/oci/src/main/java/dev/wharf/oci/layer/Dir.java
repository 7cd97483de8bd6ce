package dev.wharf.oci.layer;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/**
 * A directory held open (openat(2)): what is done to a name in it happens there, whatever is renamed or replaced on the way
 * to it meanwhile. A name is one component without a slash, {@code "."} is the directory itself, and no call follows a
 * symbolic link at the name. Names are spelled as {@link Names} says. Missing names are
 * {@link java.nio.file.NoSuchFileException}, taken ones {@link java.nio.file.FileAlreadyExistsException}. One thread at a
 * time.
 */
@ProviderType
public interface Dir extends AutoCloseable {
    /** This very directory once more, with a life of its own. */
    Dir again() throws IOException;

    /**
     * Opens the directory that a process whose root is this one sees at {@code inside} (openat2(2), RESOLVE_IN_ROOT).
     * {@link java.nio.file.NoSuchFileException} and {@link java.nio.file.NotDirectoryException} where there is none.
     */
    Dir resolve(String inside) throws IOException;

    /** Opens the directory at {@code name}; a symbolic link is {@link java.nio.file.NotDirectoryException}. */
    Dir enter(String name) throws IOException;

    /** The host path by which the kernel knows this directory now (proc(5), /proc/pid/fd). */
    String path() throws IOException;

    /** lstat(2); empty where nothing has that name. */
    Optional<Node> look(String name) throws IOException;

    /** Every name but the dots, in the order of their bytes. */
    List<String> names() throws IOException;

    /** Whether the file system says of each name what kind it is (readdir(3), d_type), as overlayfs needs. */
    boolean namesAreTyped() throws IOException;

    /** readlink(2). */
    String readLink(String name) throws IOException;

    /** All extended attributes; none where the file system has no such thing. */
    Map<String, byte[]> xattrs(String name) throws IOException;

    /** The bytes of a regular file. */
    InputStream read(String name) throws IOException;

    /** mkdir(2), for its owner alone until {@link #chmod} says more. */
    void makeDirectory(String name) throws IOException;

    /** A new regular file, open for writing and readable by its owner alone. */
    Output create(String name) throws IOException;

    /** symlink(2). */
    void symlink(String name, String target) throws IOException;

    /** link(2): {@code name} here becomes another name of {@code existing} in {@code from}. */
    void link(String name, Dir from, String existing) throws IOException;

    /** mknod(2) of a device or a FIFO with S_IF {@code type}, for its owner alone until {@link #chmod} says more. */
    void makeNode(String name, int type, int major, int minor) throws IOException;

    /** lchown(2). */
    void chown(String name, long uid, long gid) throws IOException;

    /** chmod(2) with all twelve bits; not for symbolic links. */
    void chmod(String name, int mode) throws IOException;

    /** utimensat(2): the time of the last change, and the same as that of the last access. */
    void setTimes(String name, long modifiedSeconds, int modifiedNanos) throws IOException;

    /** lsetxattr(2); false where the file system keeps no such attribute. */
    boolean setXattr(String name, String key, byte[] value) throws IOException;

    /** lremovexattr(2); fine where it is not there. */
    void removeXattr(String name, String key) throws IOException;

    /** Copies the content of a regular file to a new file, sharing blocks where the file system can. */
    void copyContent(String name, Dir to, String added) throws IOException;

    /**
     * Removes what is at {@code name}, with everything below it; fine where nothing is. What is mounted there stays, in
     * whichever mount namespace that is, and {@link java.nio.file.FileSystemException} says so.
     */
    void remove(String name) throws IOException;

    @Override
    void close();

    /** A file being written from its start to its end. What else is to be set of it is set before the time. */
    interface Output extends AutoCloseable {
        void write(byte[] bytes, int offset, int length) throws IOException;

        /** Leaves a hole of {@code length} bytes, which reads as zeros. */
        void skip(long length) throws IOException;

        /** fchown(2). */
        void chown(long uid, long gid) throws IOException;

        /** fsetxattr(2); false where the file system keeps no such attribute. */
        boolean setXattr(String key, byte[] value) throws IOException;

        /** fchmod(2) with all twelve bits. */
        void chmod(int mode) throws IOException;

        /** futimens(2), the last call but {@link #close}. */
        void setTimes(long modifiedSeconds, int modifiedNanos) throws IOException;

        /** Fails where what was written could not be kept. */
        @Override
        void close() throws IOException;
    }
}
