package dev.wharf.linux.kernel;

import static dev.wharf.linux.libc.LibC.AT_FDCWD;
import static dev.wharf.linux.libc.LibC.O_CLOEXEC;
import static dev.wharf.linux.libc.LibC.O_PATH;

import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.linux.libc.SystemCallException;
import dev.wharf.spi.kernel.Mount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Mounts of erofs images, alone and below an overlay. An overlay keeps clones of the mounts of its layers that nobody else
 * sees. So images are mounted one over another at the overlay's own target, the overlay over them, and then all is taken away
 * from under it: nothing of the images is left to unmount, and a crash on the way leaves it all at the target, where whoever
 * unmounts that finds it.
 */
final class Images {
    private static final String TYPE = "erofs";
    private static final long OPEN_TREE_CLONE = 1;
    private static final long MOVE_MOUNT_F_EMPTY_PATH = 4;
    private static final int UMOUNT_NOFOLLOW = 8;

    private final LibC libc = LibC.get();
    private final LoopDevices loops = new LoopDevices();
    private final Mounter mounter;

    Images(Mounter mounter) {
        this.mounter = mounter;
    }

    /** Whether {@code mount} is of an image in a file. */
    boolean isOne(Mount mount) {
        return mount.type().equals(TYPE) && Files.isRegularFile(Path.of(mount.source()));
    }

    /** Whether {@code mount} is an overlay of images. */
    boolean isOver(Mount mount) {
        return mount.type().equals("overlay") && lowers(mount).stream().anyMatch(Images::isImage);
    }

    private static boolean isImage(String lower) {
        return Files.isRegularFile(Path.of(lower));
    }

    private static List<String> lowers(Mount mount) {
        return mount.options().stream()
                .filter(o -> o.startsWith("lowerdir="))
                .findFirst()
                .map(o -> Mounter.lowerPaths(o.substring("lowerdir=".length())))
                .orElse(List.of());
    }

    /** From the file itself where the kernel can (6.12 and CONFIG_EROFS_FS_BACKED_BY_FILE), else through a loop device. */
    void mount(Mount mount, Path target) throws IOException {
        try {
            mounter.mountAsIs(mount, target);
        } catch (SystemCallException e) {
            if (e.errno() != Errno.ENOTBLK) {
                throw e;
            }
            mountLooped(mount, target);
        }
    }

    void mountLooped(Mount mount, Path target) throws IOException {
        try (LoopDevices.Held loop = loops.attach(Path.of(mount.source()))) {
            mounter.mountAsIs(new Mount(mount.type(), loop.device().toString(), mount.options()), target);
        }
    }

    void mountOver(Mount mount, Path target) throws IOException {
        int mounted = 0;
        List<Integer> held = new ArrayList<>();
        try {
            for (String lower : lowers(mount)) {
                boolean image = isImage(lower);
                if (image) {
                    mount(new Mount(TYPE, lower, List.of("ro")), target);
                    mounted++;
                }
                Object path = image ? target : lower;
                held.add(Errno.check(libc.open(CString.of(path.toString()), O_PATH | O_CLOEXEC, 0), "open", path));
            }
            String lowerdir =
                    held.stream().map(fd -> "/proc/self/fd/" + fd).collect(Collectors.joining(":", "lowerdir=", ""));
            List<String> options = new ArrayList<>(mount.options());
            options.replaceAll(o -> o.startsWith("lowerdir=") ? lowerdir : o);
            mounter.mountAsIs(new Mount(mount.type(), mount.source(), options), target);
            mounted++;
            held.forEach(libc::close);
            held.clear();
            int overlay = (int) Errno.check(
                    libc.syscall(LibC.SYS_OPEN_TREE, AT_FDCWD, CString.of(target), OPEN_TREE_CLONE | O_CLOEXEC),
                    "open_tree",
                    target);
            held.add(overlay);
            takeAway(mounted, target);
            mounted = 0;
            Errno.check(
                    libc.syscall(
                            LibC.SYS_MOVE_MOUNT,
                            overlay,
                            CString.of(""),
                            AT_FDCWD,
                            CString.of(target),
                            MOVE_MOUNT_F_EMPTY_PATH),
                    "move_mount",
                    target);
        } catch (IOException e) {
            held.forEach(libc::close);
            held.clear();
            try {
                takeAway(mounted, target);
            } catch (IOException again) {
                e.addSuppressed(again);
            }
            throw e;
        } finally {
            held.forEach(libc::close);
        }
    }

    private void takeAway(int mounted, Path target) throws IOException {
        for (int i = 0; i < mounted; i++) {
            Errno.check(libc.umount2(CString.of(target), UMOUNT_NOFOLLOW), "umount", target);
        }
    }
}
