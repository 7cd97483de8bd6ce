package dev.wharf.runtime;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Finds a small init program to run as process 1 of a container, where it passes signals on and reaps orphans. It runs with
 * the image's libraries or without any, so only a static program will do.
 */
final class InitProgram {
    static final String MISSING = "no static init program found on this host: install the package tini or catatonit";

    private static final int PROGRAM_INTERPRETER = 3;

    private InitProgram() {}

    static Optional<Path> find() {
        return Stream.of("tini-static", "docker-init", "catatonit", "tini")
                .flatMap(name -> Programs.find(name).stream())
                .filter(InitProgram::isStatic)
                .findFirst();
    }

    /** Whether an ELF program names no interpreter (elf(5), PT_INTERP). */
    static boolean isStatic(Path program) {
        try (FileChannel file = FileChannel.open(program, StandardOpenOption.READ)) {
            ByteBuffer header = read(file, 0, 64);
            if (header.getInt(0) != 0x464c457f || header.get(4) != 2) {
                return false;
            }
            long table = header.getLong(32);
            int size = header.getShort(54);
            int count = header.getShort(56);
            for (int i = 0; i < count; i++) {
                if (read(file, table + (long) i * size, size).getInt(0) == PROGRAM_INTERPRETER) {
                    return false;
                }
            }
            return count > 0;
        } catch (IOException | IndexOutOfBoundsException e) {
            return false;
        }
    }

    private static ByteBuffer read(FileChannel file, long position, int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining() && file.read(bytes, position + bytes.position()) > 0) {
            // Short reads go on where they stopped.
        }
        return bytes;
    }
}
