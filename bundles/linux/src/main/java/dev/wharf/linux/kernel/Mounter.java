package dev.wharf.linux.kernel;

import static dev.wharf.linux.libc.LibC.O_CLOEXEC;
import static dev.wharf.linux.libc.LibC.O_PATH;

import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.linux.libc.MountPoints;
import dev.wharf.spi.kernel.Mount;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** mount(2) and umount2(2). Holds no state. */
final class Mounter {
    private static final int MNT_DETACH = 2;
    private static final int UMOUNT_NOFOLLOW = 8;
    /** mount(2) copies one page of options, the last byte a zero, and cuts off the rest without a word. */
    private static final int MOST_OPTION_BYTES = 4095;

    private final LibC libc = LibC.get();
    private final MountContexts contexts = new MountContexts();
    private final Images images = new Images(this);

    void mount(Mount mount, Path target) throws IOException {
        if (images.isOne(mount)) {
            images.mount(mount, target);
        } else if (images.isOver(mount)) {
            images.mountOver(mount, target);
        } else {
            mountAsIs(mount, target);
        }
    }

    void mountAsIs(Mount mount, Path target) throws IOException {
        MountOptions options = MountOptions.parse(mount.options());
        boolean bind = options.isBind() || mount.type().equals("bind");
        List<Integer> held = new ArrayList<>();
        try {
            long first = bind ? (options.flags() & MountOptions.MS_REC) | MountOptions.MS_BIND : options.flags();
            String data = fitting(options.data(), held);
            if (data.getBytes(StandardCharsets.UTF_8).length > MOST_OPTION_BYTES) {
                contexts.mount(mount, data, options.flags(), target);
                return;
            }
            call(mount.source(), target, bind ? "none" : mount.type(), first, data);
            long rest = options.flags() & ~(MountOptions.MS_BIND | MountOptions.MS_REC);
            if (bind && rest != 0) {
                call("none", target, "none", rest | MountOptions.MS_BIND | MountOptions.MS_REMOUNT, "");
            }
            if (options.propagation() != 0) {
                call("none", target, "none", options.propagation(), "");
            }
        } finally {
            held.forEach(libc::close);
        }
    }

    void bind(Path source, Path target) throws IOException {
        call(source.toString(), target, "none", MountOptions.MS_BIND, "");
    }

    void makePrivate(Path target) throws IOException {
        call("none", target, "none", MountOptions.MS_PRIVATE, "");
    }

    /** Whether something is mounted right at {@code path}; false where there is no such path. */
    boolean isMountPoint(Path path) throws IOException {
        return MountPoints.isOne(libc, LibC.AT_FDCWD, CString.of(path), path);
    }

    /** Unmounts everything at and under {@code target}; nothing there is fine. Fails while something is in use. */
    void unmountAll(Path target) throws IOException {
        for (int rounds = 0; rounds < 1000 && isMountPoint(target); rounds++) {
            if (libc.umount2(CString.of(target), UMOUNT_NOFOLLOW) == 0) {
                continue;
            }
            int errno = LibC.errno();
            if (errno == Errno.EINVAL || errno == Errno.ENOENT) {
                return;
            }
            if (errno != Errno.EBUSY || !unmountBelow(target)) {
                throw Errno.exception(errno, "umount", target);
            }
        }
    }

    /** Lets go of what is mounted at {@code target}, whoever uses it still. */
    void detach(Path target) throws IOException {
        for (int rounds = 0; rounds < 1000; rounds++) {
            if (libc.umount2(CString.of(target), MNT_DETACH | UMOUNT_NOFOLLOW) < 0) {
                int errno = LibC.errno();
                if (errno == Errno.EINVAL || errno == Errno.ENOENT) {
                    return;
                }
                throw Errno.exception(errno, "umount", target);
            }
        }
    }

    /** The deepest and newest first; answers whether there was anything to do. */
    private boolean unmountBelow(Path target) throws IOException {
        List<MountTable.Entry> below = new ArrayList<>(MountTable.read().under(target));
        below.removeIf(e -> e.point().equals(target));
        below.sort(Comparator.comparing((MountTable.Entry e) -> e.point().getNameCount())
                .thenComparing(MountTable.Entry::id)
                .reversed());
        for (MountTable.Entry entry : below) {
            int result = libc.umount2(CString.of(entry.point()), UMOUNT_NOFOLLOW);
            if (result < 0 && LibC.errno() != Errno.EINVAL && LibC.errno() != Errno.ENOENT) {
                throw Errno.failed("umount", entry.point());
            }
        }
        return !below.isEmpty();
    }

    private void call(String source, Path target, String type, long flags, String data) throws IOException {
        byte @Nullable [] options = data.isEmpty() ? null : CString.of(data);
        int result = libc.mount(CString.of(source), CString.of(target), CString.of(type), flags, options);
        Errno.check(result, "mount " + type, target);
    }

    /**
     * Options as one text. Where they would not fit into a page, the lower directories of an overlay are named by
     * descriptors, some 17 bytes each whatever they are called: enough for 200. More than those are told one by one, see
     * {@link MountContexts}.
     */
    private String fitting(List<String> data, List<Integer> held) throws IOException {
        String joined = String.join(",", data);
        if (joined.getBytes(StandardCharsets.UTF_8).length <= MOST_OPTION_BYTES) {
            return joined;
        }
        List<String> shorter = new ArrayList<>();
        for (String option : data) {
            shorter.add(option.startsWith("lowerdir=") ? byDescriptor(option, held) : option);
        }
        return String.join(",", shorter);
    }

    private String byDescriptor(String lowerdir, List<Integer> held) throws IOException {
        List<String> names = new ArrayList<>();
        for (String path : lowerPaths(lowerdir.substring("lowerdir=".length()))) {
            int fd = Errno.check(libc.open(CString.of(path), O_PATH | O_CLOEXEC, 0), "open", path);
            held.add(fd);
            names.add("/proc/self/fd/" + fd);
        }
        return names.stream().collect(Collectors.joining(":", "lowerdir=", ""));
    }

    /** Splits at colons; a backslash makes the next character an ordinary one. */
    static List<String> lowerPaths(String value) {
        List<String> paths = new ArrayList<>();
        StringBuilder path = new StringBuilder();
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '\\' && i + 1 < value.length()) {
                path.append(value.charAt(++i));
            } else if (c == ':') {
                paths.add(path.toString());
                path.setLength(0);
            } else {
                path.append(c);
            }
        }
        paths.add(path.toString());
        return paths;
    }
}
