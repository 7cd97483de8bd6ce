package dev.wharf.linux.libc;

import dev.wharf.spi.Failure;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** Error numbers (errno(3)) of the generic architectures, and what Java calls them. */
public final class Errno {
    public static final int EPERM = 1;
    public static final int ENOENT = 2;
    public static final int ESRCH = 3;
    public static final int EINTR = 4;
    public static final int ENOBUFS = 105;
    public static final int EIO = 5;
    public static final int EAGAIN = 11;
    public static final int ENOMEM = 12;
    public static final int EACCES = 13;
    public static final int ENOTBLK = 15;
    public static final int EBUSY = 16;
    public static final int EEXIST = 17;
    public static final int EXDEV = 18;
    public static final int ENODEV = 19;
    public static final int ENOTDIR = 20;
    public static final int EISDIR = 21;
    public static final int EINVAL = 22;
    public static final int ENFILE = 23;
    public static final int EMFILE = 24;
    public static final int ENOSPC = 28;
    public static final int ERANGE = 34;
    public static final int ENOTEMPTY = 39;
    public static final int ELOOP = 40;
    public static final int EXFULL = 54;
    public static final int ENODATA = 61;
    public static final int EADDRINUSE = 98;
    public static final int EADDRNOTAVAIL = 99;
    public static final int EINPROGRESS = 115;
    public static final int EOPNOTSUPP = 95;
    public static final int ENETUNREACH = 101;
    public static final int EDQUOT = 122;

    private Errno() {}

    /** Passes a good result on and turns -1 into an exception that names the call and the path. */
    public static int check(int result, String call, Object path) throws IOException {
        if (result < 0) {
            throw failed(call, path);
        }
        return result;
    }

    /** The same for calls that answer with a long. */
    public static long check(long result, String call, Object path) throws IOException {
        if (result < 0) {
            throw failed(call, path);
        }
        return result;
    }

    /** The exception for the calling thread's last error. */
    public static IOException failed(String call, Object path) {
        return exception(LibC.errno(), call, path);
    }

    /** The exception for {@code errno}. */
    public static IOException exception(int errno, String call, Object path) {
        String file = path.toString();
        String reason = call + ": " + text(errno);
        return switch (errno) {
            case ENOENT -> new NoSuchFileException(file, null, reason);
            case EEXIST -> new FileAlreadyExistsException(file, null, reason);
            case EACCES, EPERM -> new AccessDeniedException(file, null, reason);
            case ENOTEMPTY -> new DirectoryNotEmptyException(file);
            case ENOTDIR -> new NotDirectoryException(file);
            case ELOOP -> new FileSystemLoopException(file + ": " + reason);
            default -> new SystemCallException(errno, file, reason);
        };
    }

    /** What a failed call means to a plan. */
    public static Failure.Kind kind(IOException failure) {
        if (failure instanceof NoSuchFileException) {
            return Failure.Kind.MISSING;
        }
        if (failure instanceof FileAlreadyExistsException) {
            return Failure.Kind.EXISTS;
        }
        return failure instanceof SystemCallException call ? kind(call.errno()) : Failure.Kind.FAILED;
    }

    /** What an error number means to a plan. */
    public static Failure.Kind kind(int errno) {
        return switch (errno) {
            case ENOENT, ENODEV, ESRCH -> Failure.Kind.MISSING;
            case EEXIST -> Failure.Kind.EXISTS;
            case EBUSY -> Failure.Kind.BUSY;
            case ENOSPC, EDQUOT, ENOMEM -> Failure.Kind.EXHAUSTED;
            case EINVAL -> Failure.Kind.INVALID;
            case EOPNOTSUPP -> Failure.Kind.UNSUPPORTED;
            default -> Failure.Kind.FAILED;
        };
    }

    /** The C library's words for {@code errno}. */
    public static String text(int errno) {
        return LibC.get().strerror(errno);
    }
}
