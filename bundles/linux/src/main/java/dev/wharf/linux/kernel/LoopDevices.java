package dev.wharf.linux.kernel;

import static dev.wharf.linux.libc.LibC.O_CLOEXEC;
import static dev.wharf.linux.libc.LibC.O_RDONLY;
import static dev.wharf.linux.libc.LibC.O_RDWR;

import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;

/** Loop devices (loop(4)): block devices over files, read-only, gone with their last user. Holds no state. */
final class LoopDevices {
    private static final long LOOP_CONFIGURE = 0x4c0a;
    private static final long LOOP_CTL_GET_FREE = 0x4c82;
    private static final int CONFIGURATION_BYTES = 304;
    private static final int FLAGS_AT = 60;
    private static final int READ_ONLY_AND_AUTOCLEAR = 1 | 4;
    private static final int TRIES = 100;

    private final LibC libc = LibC.get();

    /** A device that is kept by this alone until something of it is mounted. */
    interface Held extends AutoCloseable {
        Path device();

        @Override
        void close();
    }

    Held attach(Path file) throws IOException {
        int backing = Errno.check(libc.open(CString.of(file), O_RDONLY | O_CLOEXEC, 0), "open", file);
        try {
            for (int tries = 0; ; tries++) {
                Path device = free();
                int fd = Errno.check(libc.open(CString.of(device), O_RDONLY | O_CLOEXEC, 0), "open", device);
                byte[] configuration = new byte[CONFIGURATION_BYTES];
                ByteBuffer.wrap(configuration)
                        .order(ByteOrder.nativeOrder())
                        .putInt(0, backing)
                        .putInt(FLAGS_AT, READ_ONLY_AND_AUTOCLEAR);
                if (libc.ioctl(fd, LOOP_CONFIGURE, configuration) == 0) {
                    return held(fd, device);
                }
                int errno = LibC.errno();
                libc.close(fd);
                // Somebody else was faster.
                if (errno != Errno.EBUSY || tries == TRIES) {
                    throw Errno.exception(errno, "LOOP_CONFIGURE", device);
                }
            }
        } finally {
            libc.close(backing);
        }
    }

    private Path free() throws IOException {
        Path control = Path.of("/dev/loop-control");
        int fd = Errno.check(libc.open(CString.of(control), O_RDWR | O_CLOEXEC, 0), "open", control);
        try {
            int number = Errno.check(libc.ioctl(fd, LOOP_CTL_GET_FREE, 0L), "LOOP_CTL_GET_FREE", control);
            return Path.of("/dev/loop" + number);
        } finally {
            libc.close(fd);
        }
    }

    private Held held(int fd, Path device) {
        return new Held() {
            @Override
            public Path device() {
                return device;
            }

            @Override
            public void close() {
                libc.close(fd);
            }
        };
    }
}
