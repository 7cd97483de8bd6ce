package dev.wharf.linux.file;

import static dev.wharf.linux.libc.LibC.O_CLOEXEC;
import static dev.wharf.linux.libc.LibC.O_DIRECTORY;
import static dev.wharf.linux.libc.LibC.O_NOFOLLOW;
import static dev.wharf.linux.libc.LibC.O_RDONLY;

import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.spi.kernel.Subvolumes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.osgi.service.component.annotations.Component;

/** Subvolumes by ioctl(2). The structures are those of linux/btrfs.h. Holds no state. */
@Component(service = Subvolumes.class)
public final class LinuxSubvolumes implements Subvolumes {
    private static final long MAGIC = 0x9123683eL;
    /** Every subvolume's root directory has this inode number, and nothing else on btrfs has. */
    private static final long ROOT_INODE = 256;

    private static final long SNAP_DESTROY = 0x5000940fL;
    private static final long INO_LOOKUP = 0xd0009412L;
    private static final long SNAP_CREATE_V2 = 0x50009417L;
    private static final long SUBVOL_CREATE_V2 = 0x50009418L;
    private static final long SUBVOL_GETFLAGS = 0x80089419L;
    private static final long SUBVOL_SETFLAGS = 0x4008941aL;
    private static final long QUOTA_CTL = 0xc0109428L;
    private static final long QGROUP_LIMIT = 0x8030942bL;
    private static final long QUOTA_RESCAN_WAIT = 0x942eL;

    private static final int ARGUMENT_BYTES = 4096;
    private static final int NAME_IN_V1 = 8;
    private static final int NAME_IN_V2 = 56;
    private static final int LONGEST_NAME = 255;
    private static final long READ_ONLY = 2;
    private static final long QUOTA_ENABLE = 1;
    private static final long LIMIT_REFERENCED = 1;

    private final LibC libc = LibC.get();

    @Override
    public boolean areThereIn(Path directory) throws IOException {
        byte[] raw = new byte[128];
        Errno.check(libc.statfs(CString.of(directory), raw), "statfs", directory);
        return buffer(raw).getLong(0) == MAGIC;
    }

    @Override
    public void create(Path added) throws IOException {
        byte[] argument = named(NAME_IN_V2, added);
        inside(
                parent(added),
                fd -> check(libc.ioctl(fd, SUBVOL_CREATE_V2, argument), "BTRFS_IOC_SUBVOL_CREATE", added));
    }

    @Override
    public void snapshot(Path from, Path added) throws IOException {
        byte[] argument = named(NAME_IN_V2, added);
        inside(from, source -> {
            buffer(argument).putLong(0, source);
            inside(
                    parent(added),
                    fd -> check(libc.ioctl(fd, SNAP_CREATE_V2, argument), "BTRFS_IOC_SNAP_CREATE", added));
        });
    }

    @Override
    public void seal(Path subvolume, boolean sealed) throws IOException {
        inside(subvolume, fd -> {
            byte[] flags = new byte[8];
            check(libc.ioctl(fd, SUBVOL_GETFLAGS, flags), "BTRFS_IOC_SUBVOL_GETFLAGS", subvolume);
            long before = buffer(flags).getLong(0);
            long after = sealed ? before | READ_ONLY : before & ~READ_ONLY;
            if (after != before) {
                buffer(flags).putLong(0, after);
                check(libc.ioctl(fd, SUBVOL_SETFLAGS, flags), "BTRFS_IOC_SUBVOL_SETFLAGS", subvolume);
            }
        });
    }

    @Override
    public void remove(Path subvolume) throws IOException {
        try {
            destroy(subvolume);
        } catch (NoSuchFileException e) {
            // Gone already.
        } catch (DirectoryNotEmptyException e) {
            // Whoever may write to a subvolume may make others in it.
            seal(subvolume, false);
            removeInside(subvolume);
            destroy(subvolume);
        }
    }

    private void destroy(Path subvolume) throws IOException {
        byte[] argument = named(NAME_IN_V1, subvolume);
        inside(
                parent(subvolume),
                fd -> check(libc.ioctl(fd, SNAP_DESTROY, argument), "BTRFS_IOC_SNAP_DESTROY", subvolume));
    }

    /** Removes the subvolumes below a directory, the deepest first; no link is followed. */
    private void removeInside(Path directory) throws IOException {
        try (DirectoryStream<Path> paths = Files.newDirectoryStream(directory)) {
            for (Path path : paths) {
                if (!Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
                    continue;
                }
                Object inode = Files.getAttribute(path, "unix:ino", LinkOption.NOFOLLOW_LINKS);
                if (inode.equals(ROOT_INODE)) {
                    remove(path);
                } else {
                    removeInside(path);
                }
            }
        }
    }

    @Override
    public void limit(Path subvolume, long sizeBytes) throws IOException {
        inside(subvolume, fd -> {
            byte[] control = new byte[16];
            buffer(control).putLong(0, QUOTA_ENABLE);
            check(libc.ioctl(fd, QUOTA_CTL, control), "BTRFS_IOC_QUOTA_CTL", subvolume);
            check(libc.ioctl(fd, QUOTA_RESCAN_WAIT, 0L), "BTRFS_IOC_QUOTA_RESCAN_WAIT", subvolume);
            byte[] lookup = new byte[ARGUMENT_BYTES];
            buffer(lookup).putLong(8, ROOT_INODE);
            check(libc.ioctl(fd, INO_LOOKUP, lookup), "BTRFS_IOC_INO_LOOKUP", subvolume);
            byte[] limit = new byte[48];
            buffer(limit)
                    .putLong(0, buffer(lookup).getLong(0))
                    .putLong(8, LIMIT_REFERENCED)
                    .putLong(16, sizeBytes);
            check(libc.ioctl(fd, QGROUP_LIMIT, limit), "BTRFS_IOC_QGROUP_LIMIT", subvolume);
        });
    }

    // ---- help ----

    private interface Use {
        void with(int fd) throws IOException;
    }

    private void inside(Path directory, Use use) throws IOException {
        int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        int fd = Errno.check(libc.open(CString.of(directory), flags, 0), "open", directory);
        try {
            use.with(fd);
        } finally {
            libc.close(fd);
        }
    }

    private static void check(int result, String call, Path path) throws IOException {
        Errno.check(result, call, path);
    }

    private static Path parent(Path path) throws IOException {
        Path parent = path.toAbsolutePath().getParent();
        if (parent == null) {
            throw new FileSystemException(path.toString(), null, "has no parent directory");
        }
        return parent;
    }

    private static byte[] named(int offset, Path path) throws IOException {
        byte[] argument = new byte[ARGUMENT_BYTES];
        byte[] name = String.valueOf(path.getFileName()).getBytes(StandardCharsets.UTF_8);
        if (name.length > LONGEST_NAME) {
            throw new FileSystemException(path.toString(), null, "has too long a name for a subvolume");
        }
        System.arraycopy(name, 0, argument, offset, name.length);
        return argument;
    }

    private static ByteBuffer buffer(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    }
}
