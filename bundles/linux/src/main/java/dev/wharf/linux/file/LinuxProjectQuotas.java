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

    private final LibC libc = LibC.get();
    private final LinuxFileCalls files = new LinuxFileCalls();

    @Override
    public Optional<String> obstacle(Path directory) throws IOException {
        byte[] quota = new byte[QUOTA_BYTES];
        // Of the project that everything belongs to which is in no other.
        if (quotactl(GET_QUOTA, device(directory), 0, quota) == 0) {
            return Optional.empty();
        }
        return Optional.of("the file system of " + directory + " counts no project quotas (" + Errno.text(LibC.errno())
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
            byte[] attributes = new byte[FSXATTR_BYTES];
            Errno.check(libc.ioctl(fd, FSGETXATTR, attributes), "FS_IOC_FSGETXATTR", path);
            ByteBuffer buffer = buffer(attributes);
            buffer.putInt(0, buffer.getInt(0) | flags).putInt(PROJECT_AT, project);
            Errno.check(libc.ioctl(fd, FSSETXATTR, attributes), "FS_IOC_FSSETXATTR", path);
        } finally {
            libc.close(fd);
        }
    }

    @Override
    public void forget(Path directory) throws IOException {
        set(directory, project(directory), 0);
    }

    private void set(Path directory, int project, long sizeBytes) throws IOException {
        byte[] quota = new byte[QUOTA_BYTES];
        long blocks = (sizeBytes + BLOCK - 1) / BLOCK;
        buffer(quota).putLong(0, blocks).putLong(8, blocks).putInt(64, LIMITS_VALID);
        Errno.check(quotactl(SET_QUOTA, device(directory), project, quota), "quotactl " + SET_QUOTA, directory);
    }

    private int quotactl(int command, String device, int project, byte[] data) {
        return libc.quotactl(command << 8 | PROJECT_QUOTA, CString.of(device), project, data);
    }

    /** A positive number that no other directory of the file system has while this one is there. */
    private int project(Path directory) throws IOException {
        long inode = files.stat(directory).inode();
        if (inode <= 0 || inode > Integer.MAX_VALUE) {
            throw new IOException("the inode number of " + directory + " is too large for a project number: " + inode);
        }
        return (int) inode;
    }

    /** The block device that holds a directory's file system, as /proc/self/mountinfo names it. */
    private String device(Path directory) throws IOException {
        FileCalls.Stat stat = files.stat(directory);
        String wanted = (stat.device() >>> 8 & 0xfff) + ":" + (stat.device() & 0xff | stat.device() >>> 12 & ~0xffL);
        for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"), StandardCharsets.UTF_8)) {
            String[] fields = line.split(" - ", 2);
            String[] before = fields[0].split(" ");
            if (fields.length == 2 && before.length > 2 && before[2].equals(wanted)) {
                return fields[1].split(" ")[1];
            }
        }
        throw new IOException("nothing that is mounted is the device " + wanted + " of " + directory);
    }

    private static ByteBuffer buffer(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    }
}
