package dev.wharf.linux.libc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Tells mount points from other names, by statx(2). */
public final class MountPoints {
    private MountPoints() {}

    /**
     * Whether something is mounted right at {@code path}, in whichever mount namespace {@code directory} was opened; false where
     * there is no such path.
     *
     * @param directory an open directory that {@code path} is relative to
     * @param path bytes that end in a zero
     * @param shown what a complaint calls it
     */
    public static boolean isOne(LibC libc, int directory, byte[] path, Object shown) throws IOException {
        byte[] raw = new byte[256];
        if (libc.statx(directory, path, LibC.AT_SYMLINK_NOFOLLOW, 0, raw) < 0) {
            int errno = LibC.errno();
            if (errno == Errno.ENOENT || errno == Errno.ENOTDIR) {
                return false;
            }
            throw Errno.exception(errno, "statx", shown);
        }
        ByteBuffer statx = ByteBuffer.wrap(raw).order(ByteOrder.nativeOrder());
        return (statx.getLong(0x08) & LibC.STATX_ATTR_MOUNT_ROOT) != 0;
    }
}
