package dev.wharf.linux.kernel;

import static dev.wharf.linux.libc.LibC.AT_FDCWD;

import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.spi.kernel.Mount;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Mounts whose options are too long for mount(2), told one by one: fsopen(2), fsconfig(2), fsmount(2). An overlay's lower
 * directories have to be told one by one as well, which Linux 6.7 and later let us do.
 */
final class MountContexts {
    private static final long FSOPEN_CLOEXEC = 1;
    private static final int FSCONFIG_SET_FLAG = 0;
    private static final int FSCONFIG_SET_STRING = 1;
    private static final int FSCONFIG_CMD_CREATE = 6;
    private static final long FSMOUNT_CLOEXEC = 1;
    private static final long MOVE_MOUNT_F_EMPTY_PATH = 4;
    /** The attributes of a mount that have the same bits here and in mount(2): ro, nosuid, nodev, noexec. */
    private static final long SAME_ATTRIBUTES = 1 | 2 | 4 | 8;

    private final LibC libc = LibC.get();

    /** @param data the file system's own options, separated by commas, none of which has a comma in it */
    void mount(Mount mount, String data, long flags, Path target) throws IOException {
        int context = (int) Errno.check(
                libc.syscall(LibC.SYS_FSOPEN, CString.of(mount.type()), FSOPEN_CLOEXEC),
                "fsopen " + mount.type(),
                target);
        try {
            set(context, "source", mount.source(), target);
            if ((flags & MountOptions.MS_RDONLY) != 0) {
                flag(context, "ro", target);
            }
            for (String option : data.split(",")) {
                int equals = option.indexOf('=');
                String key = equals < 0 ? option : option.substring(0, equals);
                if (equals < 0) {
                    flag(context, key, target);
                } else if (key.equals("lowerdir")) {
                    for (String lower : Mounter.lowerPaths(option.substring(equals + 1))) {
                        set(context, "lowerdir+", lower, target);
                    }
                } else {
                    set(context, key, option.substring(equals + 1), target);
                }
            }
            Errno.check(
                    libc.syscall(LibC.SYS_FSCONFIG, context, FSCONFIG_CMD_CREATE, null, null, 0),
                    "fsconfig create " + mount.type(),
                    target);
            attach(context, flags & SAME_ATTRIBUTES, target);
        } finally {
            libc.close(context);
        }
    }

    private void attach(int context, long attributes, Path target) throws IOException {
        int made = (int) Errno.check(
                libc.syscall(LibC.SYS_FSMOUNT, context, FSMOUNT_CLOEXEC, attributes, 0L), "fsmount", target);
        try {
            Errno.check(
                    libc.syscall(
                            LibC.SYS_MOVE_MOUNT,
                            made,
                            CString.of(""),
                            AT_FDCWD,
                            CString.of(target),
                            MOVE_MOUNT_F_EMPTY_PATH),
                    "move_mount",
                    target);
        } finally {
            libc.close(made);
        }
    }

    private void flag(int context, String key, Path target) throws IOException {
        Errno.check(
                libc.syscall(LibC.SYS_FSCONFIG, context, FSCONFIG_SET_FLAG, CString.of(key), null, 0),
                "fsconfig " + key,
                target);
    }

    private void set(int context, String key, String value, Path target) throws IOException {
        Errno.check(
                libc.syscall(LibC.SYS_FSCONFIG, context, FSCONFIG_SET_STRING, CString.of(key), CString.of(value), 0),
                "fsconfig " + key + "=" + value,
                target);
    }
}
