package dev.wharf.runtime;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/**
 * The files of one log: {@code log}, which the monitor writes, and beside it the parts before it, {@code log.<number>}, the
 * higher the newer. Their numbers never come again, so a reader knows a part for what it is whatever became of it: renamed
 * when it was full, packed ({@code log.<number>.gz}), or cut at its beginning ({@code log.<number>+<bytes cut off>}).
 *
 * <p>Those who open parts and the one who changes them share one of these.
 */
final class LogParts {
    private static final int BLOCK = 64 * 1024;

    private final Path log;
    private final Pattern names;

    LogParts(Path log) {
        this.log = log;
        this.names = Pattern.compile(Pattern.quote(log.getFileName().toString()) + "\\.(\\d+)(?:\\+(\\d+))?(\\.gz)?");
    }

    /**
     * A part that is full.
     *
     * @param cut how many bytes of its beginning are gone; places in it count them still
     */
    record Part(long number, Path path, long cut, boolean packed) {}

    /**
     * A part that was opened.
     *
     * @param identity what tells the file from another at the same path
     */
    record Opened(long number, FileChannel file, long cut, Object identity) {}

    Path log() {
        return log;
    }

    /** The full parts, oldest first. */
    List<Part> full() throws IOException {
        List<Part> parts = new ArrayList<>();
        Path directory = Objects.requireNonNull(log.getParent());
        if (!Files.isDirectory(directory)) {
            return parts;
        }
        try (Stream<Path> files = Files.list(directory)) {
            files.forEach(file -> {
                Matcher name = names.matcher(file.getFileName().toString());
                if (name.matches()) {
                    long cut = name.group(2) == null ? 0 : Long.parseLong(name.group(2));
                    parts.add(new Part(Long.parseLong(name.group(1)), file, cut, name.group(3) != null));
                }
            });
        }
        parts.sort(Comparator.comparingLong(Part::number).thenComparingLong(Part::cut));
        return parts;
    }

    /** The number of the part that is being written. */
    synchronized long current() throws IOException {
        List<Part> full = full();
        return full.isEmpty() ? 1 : full.get(full.size() - 1).number() + 1;
    }

    /** Where the log ends now. */
    synchronized FileCursor.Place end() throws IOException {
        try {
            return new FileCursor.Place(current(), Files.size(log));
        } catch (NoSuchFileException e) {
            return new FileCursor.Place(current(), 0);
        }
    }

    /** Opens the first part that is there of {@code number} and those after it. */
    synchronized Optional<Opened> open(long number) throws IOException {
        for (Part part : full()) {
            if (part.number() >= number) {
                FileChannel file =
                        part.packed() ? unpacked(part.path()) : FileChannel.open(part.path(), StandardOpenOption.READ);
                return Optional.of(new Opened(part.number(), file, part.cut(), identity(part.path())));
            }
        }
        try {
            FileChannel file = FileChannel.open(log, StandardOpenOption.READ);
            return Optional.of(new Opened(current(), file, 0, identity(log)));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** What is at the path of the current part now. */
    Optional<Object> currentIdentity() throws IOException {
        try {
            return Optional.of(identity(log));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private static Object identity(Path path) throws IOException {
        return Objects.requireNonNullElse(
                Files.readAttributes(path, BasicFileAttributes.class).fileKey(), "");
    }

    /** Unpacked on disk, not in memory, under a name that is gone before anybody sees it. */
    private FileChannel unpacked(Path packed) throws IOException {
        Path plain = Files.createTempFile(log.getParent(), "unpacked", "");
        try {
            try (InputStream in = new GZIPInputStream(Files.newInputStream(packed), BLOCK)) {
                Files.copy(in, plain, StandardCopyOption.REPLACE_EXISTING);
            }
            return FileChannel.open(plain, StandardOpenOption.READ);
        } finally {
            Files.deleteIfExists(plain);
        }
    }

    /** Makes the current part a full one. The monitor goes on writing into it until it is told to open its log anew. */
    synchronized void turn() throws IOException {
        Files.move(log, log.resolveSibling(log.getFileName() + "." + current()), StandardCopyOption.ATOMIC_MOVE);
    }

    /**
     * Lets go of what is more than {@code mostBytes} of full parts, oldest first, and packs all but the newest where wished.
     * Only for parts that nobody writes any more. The newest one stays, though cut, for its number.
     */
    synchronized void trim(long mostBytes, boolean pack) throws IOException {
        List<Part> full = full();
        long left = mostBytes;
        long newer = -1;
        for (int i = full.size() - 1; i >= 0; i--) {
            Part part = full.get(i);
            boolean newest = newer < 0;
            if (part.number() == newer) {
                // A crash came between a copy and the removal of what it was made from.
                Files.deleteIfExists(part.path());
                continue;
            }
            newer = part.number();
            long size = size(part);
            if (size > left && (left == 0 || part.packed()) && !newest) {
                Files.deleteIfExists(part.path());
                left = 0;
                continue;
            }
            if (size > left && !part.packed()) {
                cut(part, size - left);
                left = 0;
                continue;
            }
            left = Math.max(0, left - size);
            if (pack && !newest && !part.packed()) {
                pack(part);
            }
        }
    }

    /** The bytes a part holds, unpacked; gzip says so in its last four bytes (RFC 1952). */
    private static long size(Part part) throws IOException {
        if (!part.packed()) {
            return Files.size(part.path());
        }
        try (FileChannel file = FileChannel.open(part.path(), StandardOpenOption.READ)) {
            ByteBuffer size = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
            file.read(size, file.size() - 4);
            return Integer.toUnsignedLong(size.getInt(0));
        }
    }

    /** Takes at least {@code count} bytes off the beginning, up to the end of a record. */
    private void cut(Part part, long count) throws IOException {
        Path draft = log.resolveSibling("cutting");
        long start;
        try (FileChannel from = FileChannel.open(part.path(), StandardOpenOption.READ)) {
            start = afterNewline(from, count);
            try (FileChannel to = FileChannel.open(
                    draft, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
                for (long at = start; at < from.size(); ) {
                    at += from.transferTo(at, from.size() - at, to);
                }
            }
        }
        Files.setLastModifiedTime(draft, Files.getLastModifiedTime(part.path()));
        Path target = log.resolveSibling(log.getFileName() + "." + part.number() + "+" + (part.cut() + start));
        Files.move(draft, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        Files.deleteIfExists(part.path());
    }

    private static long afterNewline(FileChannel file, long from) throws IOException {
        ByteBuffer block = ByteBuffer.allocate(BLOCK);
        for (long at = Math.max(0, from - 1); at < file.size(); ) {
            block.clear();
            int count = file.read(block, at);
            for (int i = 0; i < count; i++) {
                if (block.get(i) == '\n') {
                    return at + i + 1;
                }
            }
            at += Math.max(1, count);
        }
        return file.size();
    }

    private void pack(Part part) throws IOException {
        Path draft = log.resolveSibling("packing");
        try (InputStream in = new BufferedInputStream(Files.newInputStream(part.path()), BLOCK);
                OutputStream out =
                        new GZIPOutputStream(new BufferedOutputStream(Files.newOutputStream(draft), BLOCK))) {
            in.transferTo(out);
        }
        Files.setLastModifiedTime(draft, Files.getLastModifiedTime(part.path()));
        Path target = part.path().resolveSibling(part.path().getFileName() + ".gz");
        Files.move(draft, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        Files.deleteIfExists(part.path());
    }
}
