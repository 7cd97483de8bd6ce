package dev.wharf.linux.libc;

import java.nio.ByteBuffer;
import jnr.ffi.LibraryLoader;
import jnr.ffi.LibraryOption;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.annotations.In;
import jnr.ffi.annotations.Out;
import jnr.ffi.types.mode_t;
import jnr.ffi.types.size_t;
import jnr.ffi.types.ssize_t;
import jnr.ffi.types.u_int64_t;
import org.jspecify.annotations.Nullable;

/**
 * The functions of the C library that Wharf calls, as their manual pages (sections 2 and 3) declare them. Strings are bytes
 * with a zero at the end, because a path is bytes and not text. Byte buffers must be direct.
 */
public interface LibC {
    int AT_FDCWD = -100;
    int AT_SYMLINK_NOFOLLOW = 0x100;
    int AT_REMOVEDIR = 0x200;
    int AT_EMPTY_PATH = 0x1000;

    int O_RDONLY = 0;
    int O_WRONLY = 1;
    int O_RDWR = 2;
    int O_CREAT = 0100;
    int O_EXCL = 0200;
    int O_NOCTTY = 0400;
    int O_TRUNC = 01000;
    int O_NONBLOCK = 04000;
    int O_DIRECTORY = 0200000;
    int O_NOFOLLOW = 0400000;
    int O_CLOEXEC = 02000000;
    int O_PATH = 010000000;

    int STATX_BASIC_STATS = 0x7ff;
    long STATX_ATTR_MOUNT_ROOT = 0x2000;

    int RESOLVE_NO_XDEV = 0x01;
    int RESOLVE_NO_MAGICLINKS = 0x02;
    int RESOLVE_NO_SYMLINKS = 0x04;
    int RESOLVE_BENEATH = 0x08;
    int RESOLVE_IN_ROOT = 0x10;

    // System calls without a wrapper in glibc 2.34. Since 5.x every architecture has the same numbers.
    long SYS_PIDFD_SEND_SIGNAL = 424;
    long SYS_PIDFD_OPEN = 434;
    long SYS_OPENAT2 = 437;
    long SYS_OPEN_TREE = 428;
    long SYS_MOVE_MOUNT = 429;
    long SYS_FSOPEN = 430;
    long SYS_FSCONFIG = 431;
    long SYS_FSMOUNT = 432;

    int open(@In byte[] path, int flags, @mode_t int mode);

    int openat(int directory, @In byte[] path, int flags, @mode_t int mode);

    int close(int fd);

    @ssize_t
    long read(int fd, ByteBuffer into, @size_t long count);

    @ssize_t
    long read(int fd, @Out byte[] into, @size_t long count);

    @ssize_t
    long write(int fd, ByteBuffer from, @size_t long count);

    @ssize_t
    long getdents64(int fd, ByteBuffer into, @size_t long count);

    long lseek(int fd, long offset, int whence);

    int madvise(@size_t long address, @size_t long length, int advice);

    int malloc_trim(@size_t long keep);

    int lchown(@In byte[] path, int uid, int gid);

    int chmod(@In byte[] path, @mode_t int mode);

    int mknod(@In byte[] path, @mode_t int mode, @u_int64_t long device);

    int fchownat(int directory, @In byte[] path, int uid, int gid, int flags);

    int fchmodat(int directory, @In byte[] path, @mode_t int mode, int flags);

    int mknodat(int directory, @In byte[] path, @mode_t int mode, @u_int64_t long device);

    int symlinkat(@In byte[] target, int directory, @In byte[] path);

    int ftruncate(int fd, long length);

    int lremovexattr(@In byte[] path, @In byte[] name);

    int fsetxattr(int fd, @In byte[] name, @In byte[] value, @size_t long size, int flags);

    int futimens(int fd, @In long[] accessThenModified);

    int sync_file_range(int fd, long offset, long count, int flags);

    int mkdirat(int directory, @In byte[] path, @mode_t int mode);

    int linkat(int fromDirectory, @In byte[] from, int toDirectory, @In byte[] to, int flags);

    int unlinkat(int directory, @In byte[] path, int flags);

    int renameat2(int fromDirectory, @In byte[] from, int toDirectory, @In byte[] to, int flags);

    int utimensat(int directory, @In byte[] path, @In long[] accessThenModified, int flags);

    int lsetxattr(@In byte[] path, @In byte[] name, @In byte[] value, @size_t long size, int flags);

    @ssize_t
    long llistxattr(@In byte[] path, @Out byte[] names, @size_t long size);

    @ssize_t
    long lgetxattr(@In byte[] path, @In byte[] name, @Out byte[] value, @size_t long size);

    int statx(int directory, @In byte[] path, int flags, int mask, @Out byte[] into);

    int statfs(@In byte[] path, @Out byte[] into);

    int fsync(int fd);

    int syncfs(int fd);

    @ssize_t
    long readlinkat(int directory, @In byte[] path, @Out byte[] into, @size_t long size);

    int symlink(@In byte[] target, @In byte[] link);

    int fchown(int fd, int uid, int gid);

    int fchmod(int fd, @mode_t int mode);

    /** With a null offset the file's own position is used and moved. */
    @ssize_t
    long sendfile(int to, int from, @In long @Nullable [] offset, @size_t long count);

    @ssize_t
    long splice(
            int from,
            @In long @Nullable [] fromOffset,
            int to,
            @In long @Nullable [] toOffset,
            @size_t long count,
            int flags);

    int mount(
            @In byte @Nullable [] source,
            @In byte[] target,
            @In byte @Nullable [] type,
            long flags,
            @In byte @Nullable [] data);

    int umount2(@In byte[] target, int flags);

    int unshare(int flags);

    int setns(int fd, int kind);

    int pipe2(@Out int[] ends, int flags);

    int socket(int domain, int type, int protocol);

    int socketpair(int domain, int type, int protocol, @Out int[] ends);

    int connect(int fd, @In byte[] address, int length);

    int listen(int fd, int backlog);

    int accept4(int fd, @Out byte @Nullable [] address, int @Nullable [] length, int flags);

    int bind(int fd, @In byte[] address, int length);

    int getsockname(int fd, @Out byte[] address, int[] length);

    int setsockopt(int fd, int level, int name, @In int[] value, int length);

    int shutdown(int fd, int how);

    @ssize_t
    long send(int fd, ByteBuffer from, @size_t long count, int flags);

    @ssize_t
    long recv(int fd, ByteBuffer into, @size_t long count, int flags);

    @ssize_t
    long recvfrom(int fd, ByteBuffer into, @size_t long count, int flags, @Out byte[] address, @In @Out int[] length);

    @ssize_t
    long sendto(int fd, ByteBuffer from, @size_t long count, int flags, @In byte[] address, int length);

    int fcntl(int fd, int command, long argument);

    int inotify_init1(int flags);

    int inotify_add_watch(int fd, @In byte[] path, int mask);

    int inotify_rm_watch(int fd, int watch);

    int ioctl(int fd, long request, @In @Out byte[] argument);

    int ioctl(int fd, long request, long argument);

    int quotactl(int command, @In byte[] device, int id, @In @Out byte[] data);

    int memfd_create(@In byte[] name, int flags);

    int epoll_create1(int flags);

    int epoll_ctl(int epoll, int operation, int fd, @In byte[] event);

    int epoll_wait(int epoll, ByteBuffer events, int room, int timeoutMillis);

    int eventfd(int initial, int flags);

    int waitid(int kind, int id, @Out byte[] siginfo, int options);

    int posix_spawn(
            @Out int[] pid,
            @In byte[] path,
            ByteBuffer fileActions,
            ByteBuffer attributes,
            @In Pointer arguments,
            @In Pointer environment);

    int posix_spawn_file_actions_init(ByteBuffer actions);

    int posix_spawn_file_actions_destroy(ByteBuffer actions);

    int posix_spawn_file_actions_adddup2(ByteBuffer actions, int from, int to);

    int posix_spawn_file_actions_addopen(ByteBuffer actions, int fd, @In byte[] path, int flags, @mode_t int mode);

    int posix_spawn_file_actions_addchdir_np(ByteBuffer actions, @In byte[] path);

    int posix_spawn_file_actions_addclosefrom_np(ByteBuffer actions, int from);

    int posix_spawnattr_init(ByteBuffer attributes);

    int posix_spawnattr_destroy(ByteBuffer attributes);

    int posix_spawnattr_setflags(ByteBuffer attributes, short flags);

    int posix_spawnattr_setsigdefault(ByteBuffer attributes, @In byte[] signals);

    int posix_spawnattr_setsigmask(ByteBuffer attributes, @In byte[] signals);

    String strerror(int errno);

    long syscall(long number, long a, long b, long c, long d);

    long syscall(long number, int directory, @In byte[] path, @In byte[] how, @size_t long size);

    long syscall(long number, @In byte[] name, long flags);

    long syscall(long number, int pid, @Out byte[] answer, int size, int flags);

    long syscall(long number, int directory, @In byte[] path, long flags);

    long syscall(long number, int from, @In byte[] fromPath, int to, @In byte[] toPath, long flags);

    long syscall(
            long number, int context, int command, @In byte @Nullable [] key, @In byte @Nullable [] value, int aux);

    /** The library, loaded at first use. */
    static LibC get() {
        return Holder.LIBC;
    }

    /** errno of the calling thread's last call. */
    static int errno() {
        return Holder.RUNTIME.getLastError();
    }

    /** jnr's view of the platform, for memory of our own. */
    static Runtime runtime() {
        return Holder.RUNTIME;
    }

    /** Loads the library when it is first asked for, and not when the bundle starts. */
    final class Holder {
        private static final LibC LIBC = LibraryLoader.create(LibC.class)
                .option(LibraryOption.SaveError, true)
                .load("c");
        private static final Runtime RUNTIME = Runtime.getRuntime(LIBC);

        private Holder() {}
    }
}
