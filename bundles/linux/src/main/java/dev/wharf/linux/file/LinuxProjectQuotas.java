package dev.wharf.linux.file;

import static dev.wharf.linux.libc.LibC.O_CLOEXEC;
import static dev.wharf.linux.libc.LibC.O_NOFOLLOW;
import static dev.wharf.linux.libc.LibC.O_RDONLY;

import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.kernel.ProjectQuotas;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.stream.Stream;
import org.osgi.service.component.annotations.Component;

/** Project quotas by ioctl(2) and quotactl(2). The structures are those of linux/fs.h and linux/quota.h. Holds no state. */
@Component(service = ProjectQuotas.class)
public final class LinuxProjectQuotas implements ProjectQuotas {
    private static final long FSGETXATTR = 0x801c581fL;
    private static final long FSSETXATTR = 0x401c5820L;
    private static final int FSXATTR_BYTES = 28;
    private static final int PROJECT_AT = 12;
    /** What is made in the directory belongs to its project too. */
    private static final int PROJECT_INHERIT = 0x200;

    private static final int PROJECT_QUOTA = 2;
    private static final int GET_QUOTA = 0x800007;
    private static final int SET_QUOTA = 0x800008;
    private static final int QUOTA_BYTES = 72;
    private static final int LIMITS_VALID = 1;
    private static final int BLOCK = 1024;
    /** Where struct if_dqblk has the bytes in use. */
    private static final int USED_AT = 16;

    /** What a mount of an overlay takes, with all that xfs sets aside before it makes a directory. */
    private static final long ROOM = 1 << 20;

    /** Whoever fills it again before each start comes no further than this. */
    private static final long MOST_ROOM = 16 * ROOM;

    private final LibC libc = LibC.get();
    private final LinuxFileCalls files = new LinuxFileCalls();

    @Override
    public Optional<String> obstacle(Path directory) throws IOException {
        byte[] quota = new byte[QUOTA_BYTES];
        // Of the project that everything belongs to which is in no other.
        Optional<String> device = mounted(directory);
        if (device.isPresent() && quotactl(GET_QUOTA, device.get(), 0, quota) == 0) {
            return Optional.empty();
        }
        int errno = device.isPresent() ? LibC.errno() : Errno.EOPNOTSUPP;
        return Optional.of("the file system of " + directory + " counts no project quotas (" + Errno.text(errno)
                + "); ext4 needs mkfs.ext4 -O quota,project and the mount option prjquota, xfs the mount option pquota,"
                + " and the kernel CONFIG_QFMT_V2 or CONFIG_XFS_QUOTA");
    }

    @Override
    public void limit(Path directory, long sizeBytes) throws IOException {
        int project = project(directory);
        try (Stream<Path> everything = Files.walk(directory)) {
            for (Path path : (Iterable<Path>) everything::iterator) {
                boolean isDirectory = Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS);
                if (isDirectory || Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
                    assign(path, project, isDirectory ? PROJECT_INHERIT : 0);
                }
            }
        }
        set(directory, project, sizeBytes);
    }

    private void assign(Path path, int project, int flags) throws IOException {
        int fd = Errno.check(libc.open(CString.of(path), O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0), "open", path);
        try {
            byte[] attributes = attributes(fd, path);
            ByteBuffer buffer = buffer(attributes);
            buffer.putInt(0, buffer.getInt(0) | flags).putInt(PROJECT_AT, project);
            Errno.check(libc.ioctl(fd, FSSETXATTR, attributes), "FS_IOC_FSSETXATTR", path);
        } finally {
            libc.close(fd);
        }
    }

    private byte[] attributes(int fd, Path path) throws IOException {
        byte[] attributes = new byte[FSXATTR_BYTES];
        Errno.check(libc.ioctl(fd, FSGETXATTR, attributes), "FS_IOC_FSGETXATTR", path);
        return attributes;
    }

    @Override
    public void makeRoom(Path directory, long sizeBytes) throws IOException {
        byte[] quota = new byte[QUOTA_BYTES];
        int project = project(directory);
        if (quotactl(GET_QUOTA, device(directory), project, quota) != 0) {
            return;
        }
        ByteBuffer now = buffer(quota);
        long wanted = roomy(now.getLong(USED_AT), sizeBytes);
        if (now.getLong(0) != blocks(wanted)) {
            set(directory, project, wanted);
        }
    }

    static long roomy(long usedBytes, long sizeBytes) {
        return usedBytes <= sizeBytes - ROOM ? sizeBytes : Math.min(usedBytes + ROOM, sizeBytes + MOST_ROOM);
    }

    private static long blocks(long bytes) {
        return (bytes + BLOCK - 1) / BLOCK;
    }

    @Override
    public void forget(Path directory) throws IOException {
        set(directory, project(directory), 0);
    }

    private void set(Path directory, int project, long sizeBytes) throws IOException {
        byte[] quota = new byte[QUOTA_BYTES];
        long blocks = blocks(sizeBytes);
        buffer(quota).putLong(0, blocks).putLong(8, blocks).putInt(64, LIMITS_VALID);
        Errno.check(quotactl(SET_QUOTA, device(directory), project, quota), "quotactl " + SET_QUOTA, directory);
    }

    private int quotactl(int command, String device, int project, byte[] data) {
        return libc.quotactl(command << 8 | PROJECT_QUOTA, CString.of(device), project, data);
    }

    /** The number that the directory has, or one that no other directory of the file system has while this one is there. */
    private int project(Path directory) throws IOException {
        int fd = Errno.check(libc.open(CString.of(directory), O_RDONLY | O_CLOEXEC, 0), "open", directory);
        try {
            int own = buffer(attributes(fd, directory)).getInt(PROJECT_AT);
            if (own != 0) {
                return own;
            }
        } finally {
            libc.close(fd);
        }
        String device = device(directory);
        return project(files.stat(directory).inode(), candidate -> isTaken(device, candidate));
    }

    /**
     * The number of the inode where it fits. Large file systems of xfs count further than a project's 32 bits; such a
     * directory has one of the upper half, where no inode's own number is, that nobody has yet.
     */
    static int project(long inode, IntPredicate taken) {
        if (inode > 0 && inode <= Integer.MAX_VALUE) {
            return (int) inode;
        }
        int candidate = Long.hashCode(inode) | Integer.MIN_VALUE;
        // The last of all numbers means none.
        while (candidate == -1 || taken.test(candidate)) {
            candidate = candidate + 1 | Integer.MIN_VALUE;
        }
        return candidate;
    }

    /** Whether a project has a limit, or anything in it. */
    private boolean isTaken(String device, int project) {
        byte[] quota = new byte[QUOTA_BYTES];
        if (quotactl(GET_QUOTA, device, project, quota) != 0) {
            return false;
        }
        ByteBuffer buffer = buffer(quota);
        // struct if_dqblk: hard and soft limit, bytes in use; the same of inodes.
        for (int at = 0; at < 6 * Long.BYTES; at += Long.BYTES) {
            if (buffer.getLong(at) != 0) {
                return true;
            }
        }
        return false;
    }

    /** The block device that holds a directory's file system, as /proc/self/mountinfo names it. */
    private String device(Path directory) throws IOException {
        return mounted(directory)
                .orElseThrow(
                        () -> new IOException("the file system of " + directory + " is of no device that is mounted"));
    }

    /** The same; none where parts of a file system are devices of their own, as subvolumes of btrfs are. */
    private Optional<String> mounted(Path directory) throws IOException {
        FileCalls.Stat stat = files.stat(directory);
        String wanted = (stat.device() >>> 8 & 0xfff) + ":" + (stat.device() & 0xff | stat.device() >>> 12 & ~0xffL);
        for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"), StandardCharsets.UTF_8)) {
            String[] fields = line.split(" - ", 2);
            String[] before = fields[0].split(" ");
            if (fields.length == 2 && before.length > 2 && before[2].equals(wanted)) {
                return Optional.of(fields[1].split(" ")[1]);
            }
        }
        return Optional.empty();
    }

    private static ByteBuffer buffer(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    }
}
