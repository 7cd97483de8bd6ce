package dev.wharf.linux.process;

import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.spi.kernel.Processes.Spawn;
import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;

/** One call of posix_spawn(3): lays out what it wants, calls, and takes everything away again. */
final class SpawnCall implements AutoCloseable {
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final short SETSIGDEF = 0x04;
    private static final short SETSIGMASK = 0x08;
    private static final short SETSID = 0x80;
    /** More than posix_spawn_file_actions_t (80) and posix_spawnattr_t (336) take on any architecture. */
    private static final int ROOM = 512;

    private final LibC libc;
    private final Spawn spawn;
    private final ByteBuffer actions = ByteBuffer.allocateDirect(ROOM);
    private final ByteBuffer attributes = ByteBuffer.allocateDirect(ROOM);
    private final List<Integer> moved = new ArrayList<>();

    SpawnCall(LibC libc, Spawn spawn) throws IOException {
        this.libc = libc;
        this.spawn = spawn;
        check(libc.posix_spawn_file_actions_init(actions));
        check(libc.posix_spawnattr_init(attributes));
    }

    int run() throws IOException {
        describeFiles();
        describeSignals();
        List<String> argv = new ArrayList<>(spawn.arguments());
        argv.add(0, spawn.argv0());
        List<String> environment = new ArrayList<>();
        spawn.environment().forEach((name, value) -> environment.add(name + "=" + value));
        int[] pid = new int[1];
        Strings arguments = new Strings(argv);
        Strings variables = new Strings(environment);
        check(libc.posix_spawn(
                pid, CString.of(spawn.program()), actions, attributes, arguments.pointers, variables.pointers));
        arguments.keep();
        variables.keep();
        return pid[0];
    }

    private void describeFiles() throws IOException {
        int count = spawn.descriptors().size();
        check(libc.posix_spawn_file_actions_addchdir_np(actions, CString.of(spawn.directory())));
        List<Integer> sources = new ArrayList<>();
        for (int source : spawn.descriptors()) {
            // A source among the targets would be overwritten before its turn comes.
            sources.add(source >= 0 && source < count ? movedAbove(source, count) : source);
        }
        for (int target = 0; target < count; target++) {
            if (sources.get(target) == Spawn.NULL) {
                check(libc.posix_spawn_file_actions_addopen(actions, target, CString.of("/dev/null"), LibC.O_RDWR, 0));
            } else {
                check(libc.posix_spawn_file_actions_adddup2(actions, sources.get(target), target));
            }
        }
        check(libc.posix_spawn_file_actions_addclosefrom_np(actions, count));
    }

    private void describeSignals() throws IOException {
        byte[] every = new byte[128];
        Arrays.fill(every, 0, 8, (byte) 0xff);
        check(libc.posix_spawnattr_setsigdefault(attributes, every));
        check(libc.posix_spawnattr_setsigmask(attributes, new byte[128]));
        int flags = SETSIGDEF | SETSIGMASK | (spawn.newSession() ? SETSID : 0);
        check(libc.posix_spawnattr_setflags(attributes, (short) flags));
    }

    private int movedAbove(int fd, int count) throws IOException {
        int copy = Errno.check(libc.fcntl(fd, F_DUPFD_CLOEXEC, count), "fcntl", "descriptor " + fd);
        moved.add(copy);
        return copy;
    }

    /** The functions of this family answer with the error number itself. */
    private void check(int errno) throws IOException {
        if (errno != 0) {
            throw Errno.exception(errno, "posix_spawn", spawn.program());
        }
    }

    @Override
    public void close() {
        libc.posix_spawn_file_actions_destroy(actions);
        libc.posix_spawnattr_destroy(attributes);
        moved.forEach(libc::close);
    }

    /** A list of C strings that ends with a null pointer. */
    private static final class Strings {
        private final Pointer pointers;
        private final Pointer characters;

        Strings(List<String> texts) {
            List<byte[]> strings = texts.stream().map(CString::of).toList();
            int total = strings.stream().mapToInt(s -> s.length).sum();
            int width = LibC.runtime().addressSize();
            pointers = Memory.allocateDirect(LibC.runtime(), (texts.size() + 1) * width);
            characters = Memory.allocateDirect(LibC.runtime(), Math.max(1, total));
            long at = 0;
            for (int i = 0; i < strings.size(); i++) {
                byte[] string = strings.get(i);
                characters.put(at, string, 0, string.length);
                pointers.putAddress((long) i * width, characters.address() + at);
                at += string.length;
            }
            pointers.putAddress((long) strings.size() * width, 0L);
        }

        /** Said after the call: the memory is freed with these objects, and the kernel reads it during the call. */
        void keep() {
            Reference.reachabilityFence(pointers);
            Reference.reachabilityFence(characters);
        }
    }
}
