package dev.wharf.log.codec.record;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * The file calls that a log makes, and no others, so that a test can make any of them fail and knows what a power cut may
 * take. Nothing is durable before its {@code force}.
 */
public interface Disk {
    /** The disk of this host. */
    Disk REAL = new Real();

    /** Opens a file that is there, to be read. */
    Handle read(Path file) throws IOException;

    /** Opens a file to be read and written, and makes it where it is missing. */
    Handle write(Path file) throws IOException;

    /** The names in a directory, sorted; empty where there is no such directory. */
    List<Path> list(Path directory) throws IOException;

    /** Makes a directory and its parents. */
    void makeDirectory(Path directory) throws IOException;

    /** Renames within one file system; what had the name {@code to} is gone in the same instant. */
    void rename(Path from, Path to) throws IOException;

    /** Deletes a file, if it is there. */
    void delete(Path file) throws IOException;

    /** Makes the names in a directory durable, fsync(2). */
    void forceDirectory(Path directory) throws IOException;

    /** What the kernel caches at the least, on the machines that Wharf runs on. */
    int PAGE_BYTES = 4096;

    /** An open file. */
    interface Handle extends Closeable {
        /** Reads some bytes at {@code offset}, -1 at the end, as pread(2). */
        int read(ByteBuffer into, long offset) throws IOException;

        /** Writes some bytes at {@code offset}, maybe not all, as pwrite(2). */
        int write(ByteBuffer from, long offset) throws IOException;

        /** Makes every byte of the file durable, those stored through mappings too, as fdatasync(2). */
        void force() throws IOException;

        void truncate(long sizeBytes) throws IOException;

        long size() throws IOException;

        /** Writes all of {@code from}, however many calls it takes. */
        default void writeFully(ByteBuffer from, long offset) throws IOException {
            for (long at = offset; from.hasRemaining(); ) {
                int written = write(from, at);
                if (written <= 0) {
                    throw new IOException("cannot write at " + at + ": the disk took nothing");
                }
                at += written;
            }
        }

        /**
         * Writes zeros, so that the space is really there: a sparse file would fail later, when it cannot be told. They are
         * written a page at a time, because the kernel caches in pieces as large as it was given, and forces a piece whole
         * that a record was stored into through a mapping.
         */
        default void writeZeros(long from, long to) throws IOException {
            ByteBuffer zeros = ByteBuffer.allocate(PAGE_BYTES);
            for (long at = from; at < to; ) {
                zeros.clear().limit((int) Math.min(PAGE_BYTES - at % PAGE_BYTES, to - at));
                int length = zeros.remaining();
                writeFully(zeros, at);
                at += length;
            }
        }
    }

    /** ENOSPC or EDQUOT, which Java tells in the C library's words (strerror(3)) and in no other way. */
    static boolean isFull(IOException e) {
        String words = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        return words.contains("no space left on device") || words.contains("quota exceeded");
    }

    /** Straight through to the system. */
    final class Real implements Disk {
        @Override
        public Handle read(Path file) throws IOException {
            return new Channel(FileChannel.open(file, StandardOpenOption.READ));
        }

        @Override
        public Handle write(Path file) throws IOException {
            return new Channel(FileChannel.open(
                    file, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE));
        }

        @Override
        public List<Path> list(Path directory) throws IOException {
            if (!Files.isDirectory(directory)) {
                return List.of();
            }
            try (Stream<Path> names = Files.list(directory)) {
                return names.sorted().toList();
            }
        }

        @Override
        public void makeDirectory(Path directory) throws IOException {
            Files.createDirectories(directory);
        }

        @Override
        public void rename(Path from, Path to) throws IOException {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }

        @Override
        public void delete(Path file) throws IOException {
            Files.deleteIfExists(file);
        }

        @Override
        public void forceDirectory(Path directory) throws IOException {
            try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }

        private record Channel(FileChannel channel) implements Handle {
            @Override
            public int read(ByteBuffer into, long offset) throws IOException {
                return channel.read(into, offset);
            }

            @Override
            public int write(ByteBuffer from, long offset) throws IOException {
                return channel.write(from, offset);
            }

            @Override
            public void force() throws IOException {
                channel.force(false);
            }

            @Override
            public void truncate(long sizeBytes) throws IOException {
                channel.truncate(sizeBytes);
            }

            @Override
            public long size() throws IOException {
                return channel.size();
            }

            @Override
            public void close() throws IOException {
                channel.close();
            }
        }
    }
}
