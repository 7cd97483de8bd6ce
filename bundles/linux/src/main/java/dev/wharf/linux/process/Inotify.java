package dev.wharf.linux.process;

import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.spi.kernel.Processes.Watch;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Names that appear in directories: one inotify instance (inotify(7)) in the epoll set, begun at first use. */
final class Inotify implements AutoCloseable {
    private static final int CREATED = 0x100;
    private static final int MOVED_IN = 0x80;
    private static final int ONLY_DIRECTORIES = 0x0100_0000;
    private static final int OVERFLOW = 0x4000;
    private static final int WATCH_GONE = 0x8000;

    /** struct inotify_event before its name: wd, mask, cookie, len. */
    private static final int HEADER = 16;

    private final LibC libc = LibC.get();
    private final Epoll epoll;
    private final Map<Integer, List<Consumer<String>>> interested = new HashMap<>();
    private final ByteBuffer events = ByteBuffer.allocateDirect(16 * 1024).order(ByteOrder.nativeOrder());
    private int instance = -1;
    private Epoll.@Nullable Registration registration;

    Inotify(Epoll epoll) {
        this.epoll = epoll;
    }

    /** Calls {@code appeared} from the epoll set's thread. */
    synchronized Watch watch(Path directory, Consumer<String> appeared) throws IOException {
        begin();
        int number = Errno.check(
                libc.inotify_add_watch(instance, CString.of(directory), CREATED | MOVED_IN | ONLY_DIRECTORIES),
                "inotify_add_watch",
                directory);
        // The kernel answers with the same number for the same directory.
        List<Consumer<String>> more = new ArrayList<>(interested.getOrDefault(number, List.of()));
        more.add(appeared);
        interested.put(number, more);
        return () -> drop(number, appeared);
    }

    private void begin() throws IOException {
        if (instance < 0) {
            instance = Errno.check(libc.inotify_init1(LibC.O_CLOEXEC | LibC.O_NONBLOCK), "inotify_init1", "inotify");
            registration = epoll.add(instance, Epoll.IN, ready -> read());
        }
    }

    private synchronized void drop(int number, Consumer<String> appeared) {
        List<Consumer<String>> less = new ArrayList<>(interested.getOrDefault(number, List.of()));
        if (less.remove(appeared) && less.isEmpty()) {
            interested.remove(number);
            libc.inotify_rm_watch(instance, number);
        } else if (!less.isEmpty()) {
            interested.put(number, less);
        }
    }

    private void read() {
        List<Runnable> told = new ArrayList<>();
        synchronized (this) {
            if (instance < 0) {
                return;
            }
            events.clear();
            long count = libc.read(instance, events, events.capacity());
            for (int at = 0; at < count; ) {
                int number = events.getInt(at);
                int mask = events.getInt(at + 4);
                int length = events.getInt(at + 12);
                if ((mask & OVERFLOW) != 0) {
                    interested.values().forEach(all -> all.forEach(each -> told.add(() -> each.accept(""))));
                } else if ((mask & WATCH_GONE) != 0) {
                    interested.remove(number);
                } else {
                    String name = name(at + HEADER, length);
                    interested.getOrDefault(number, List.of()).forEach(each -> told.add(() -> each.accept(name)));
                }
                at += HEADER + length;
            }
        }
        told.forEach(Runnable::run);
    }

    /** A name is padded with zeros. */
    private String name(int from, int length) {
        int end = from;
        while (end < from + length && events.get(end) != 0) {
            end++;
        }
        byte[] bytes = new byte[end - from];
        events.get(from, bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    @Override
    public synchronized void close() {
        if (registration != null) {
            registration.close();
            libc.close(instance);
            instance = -1;
            interested.clear();
        }
    }
}
