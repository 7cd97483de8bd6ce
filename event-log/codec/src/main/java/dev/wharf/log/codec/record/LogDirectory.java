package dev.wharf.log.codec.record;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * What lies around the records of a log: a lock, so that one process writes; a note of what the log is and where it begins;
 * a note that it was closed cleanly; and a folder for bytes that were cut.
 */
public final class LogDirectory implements Closeable {
    private static final String FORMAT = "format";
    private static final String CLEAN = "clean";
    private static final String DAMAGE = "damage";
    private static final int FORMAT_VERSION = 1;
    private static final int KEPT_CUTS = 4;

    private final Path directory;
    private final Disk disk;
    private final FileChannel lockFile;
    private final String ownWriter;
    private final Map<String, String> format = new LinkedHashMap<>();
    private final Optional<CleanClose> clean;
    private boolean writing;

    /**
     * What the log was when it was closed cleanly.
     *
     * @param newest the newest file as it was then
     */
    public record CleanClose(long last, byte[] head, int epoch, Optional<LeftFile> newest) {}

    /**
     * A file as it was left: whoever finds the same bytes may go on where the last writer stopped.
     *
     * @param first the sequence that it begins with
     * @param end where its last record ends
     * @param reserved how far it was written, zeros included; the checksum is over all that
     */
    public record LeftFile(String name, long first, long end, long reserved, int checksum) {
        /** The file as it is now. */
        public static LeftFile of(Disk disk, Path file, long first, long end, long reserved) throws IOException {
            return new LeftFile(String.valueOf(file.getFileName()), first, end, reserved, sum(disk, file, reserved));
        }

        /** Whether {@code file} is this one, with not a bit changed. */
        public boolean fits(Disk disk, Path file) throws IOException {
            return String.valueOf(file.getFileName()).equals(name) && sum(disk, file, reserved) == checksum;
        }

        private static int sum(Disk disk, Path file, long upTo) throws IOException {
            CRC32C crc = new CRC32C();
            ByteBuffer piece = ByteBuffer.allocate(64 << 10);
            try (Disk.Handle handle = disk.read(file)) {
                for (long at = 0; at < upTo; ) {
                    piece.clear().limit((int) Math.min(piece.capacity(), upTo - at));
                    int got = handle.read(piece, at);
                    if (got <= 0) {
                        return ~(int) crc.getValue();
                    }
                    crc.update(piece.flip());
                    at += got;
                }
            }
            return (int) crc.getValue();
        }

        private String words() {
            return String.join(" ", name, "" + first, "" + end, "" + reserved, "" + checksum);
        }

        private static LeftFile parse(String words) {
            String[] word = words.split(" ", -1);
            return new LeftFile(
                    word[0],
                    Long.parseLong(word[1]),
                    Long.parseLong(word[2]),
                    Long.parseLong(word[3]),
                    Integer.parseInt(word[4]));
        }
    }

    private LogDirectory(Path directory, Disk disk, FileChannel lockFile, LogKind kind, String writer)
            throws IOException {
        this.directory = directory;
        this.disk = disk;
        this.lockFile = lockFile;
        Map<String, String> found = Note.read(disk, directory, FORMAT).orElse(Map.of());
        refuseForeign(found, kind);
        format.put("wharf-journal", Integer.toString(FORMAT_VERSION));
        format.put("kind", kind.word());
        format.put("writer", found.getOrDefault("writer", writer));
        format.put("origin", found.getOrDefault("origin", "-1"));
        if (found.containsKey(DAMAGE)) {
            format.put(DAMAGE, found.get(DAMAGE));
        }
        ownWriter = writer;
        clean = Note.read(disk, directory, CLEAN)
                .map(words -> new CleanClose(
                        Long.parseLong(words.get("last")),
                        HexFormat.of().parseHex(words.get("head")),
                        Integer.parseInt(words.get("epoch")),
                        Optional.ofNullable(words.get("newest")).map(LeftFile::parse)));
    }

    /** Takes the directory for this process; refuses one that another process has, or that a newer Wharf wrote. */
    public static LogDirectory take(Path directory, Disk disk, LogKind kind, String writer) throws IOException {
        disk.makeDirectory(directory);
        FileChannel lockFile =
                FileChannel.open(directory.resolve("lock"), StandardOpenOption.WRITE, StandardOpenOption.CREATE);
        try {
            lock(directory, lockFile);
            return new LogDirectory(directory, disk, lockFile, kind, writer);
        } catch (IOException | RuntimeException | Error e) {
            lockFile.close();
            throw e;
        }
    }

    private static void lock(Path directory, FileChannel lockFile) throws IOException {
        FileLock lock;
        try {
            lock = lockFile.tryLock();
        } catch (OverlappingFileLockException e) {
            lock = null;
        }
        if (lock == null) {
            throw new IOException("the journal in " + directory + " is in use by another Wharf");
        }
    }

    private void refuseForeign(Map<String, String> found, LogKind kind) throws IOException {
        int version = Integer.parseInt(found.getOrDefault("wharf-journal", "0"));
        if (version > FORMAT_VERSION) {
            throw new RecordLog.ForeignLog("the journal in " + directory + " has format " + version
                    + " and was last written by Wharf " + found.get("writer") + "; this Wharf reads up to format "
                    + FORMAT_VERSION + ": start the newer one");
        }
        String noted = found.getOrDefault("kind", kind.word());
        if (!noted.equals(kind.word())) {
            throw foreign(noted, kind);
        }
        // The note may be missing or damaged; to begin anew beside another kind's records would hide all of them.
        for (LogKind other : LogKind.values()) {
            if (other != kind && !other.files(disk, directory).isEmpty()) {
                throw foreign(other.word(), kind);
            }
        }
    }

    private RecordLog.ForeignLog foreign(String is, LogKind wanted) {
        return new RecordLog.ForeignLog(
                "the journal in " + directory + " is of kind " + is + " and cannot be opened as " + wanted.word()
                        + ": set " + LogKind.SETTING + "=" + is + ", or begin another data root");
    }

    /** The note of a clean close, if the log was closed cleanly. */
    public Optional<CleanClose> clean() {
        return clean;
    }

    /** The sequence before the oldest record that was kept, or -1 where nobody noted it. */
    public long origin() {
        return Long.parseLong(format.getOrDefault("origin", "-1"));
    }

    /** Notes, durably, that records up to {@code sequence} are about to be deleted. */
    public void origin(long sequence) throws IOException {
        format.put("origin", Long.toString(sequence));
        Note.write(disk, directory, FORMAT, format);
    }

    /** The version of the Wharf that last wrote here. */
    public String writer() {
        return format.getOrDefault("writer", ownWriter);
    }

    /**
     * From the first call on the log is being written to, and is not clean until {@link #closeCleanly}.
     *
     * @param origin the sequence before the oldest record there is
     */
    public void beginWriting(long origin) throws IOException {
        if (writing) {
            return;
        }
        format.put("writer", ownWriter);
        format.put("origin", Long.toString(Math.max(origin, origin())));
        Note.write(disk, directory, FORMAT, format);
        Note.withdraw(disk, directory, CLEAN);
        writing = true;
    }

    /** Notes, durably, that everything up to {@code last} is. */
    public void closeCleanly(CleanClose close) throws IOException {
        if (!writing && clean.isPresent()) {
            return; // nothing was written, so the note that was found is still true
        }
        Map<String, String> words = new LinkedHashMap<>();
        words.put("last", Long.toString(close.last()));
        words.put("head", HexFormat.of().formatHex(close.head()));
        words.put("epoch", Integer.toString(close.epoch()));
        close.newest().ifPresent(file -> words.put("newest", file.words()));
        Note.write(disk, directory, CLEAN, words);
    }

    /** Records that are missing and of which somebody was told before. */
    Set<String> knownDamage() {
        String words = format.getOrDefault(DAMAGE, "");
        return words.isEmpty() ? Set.of() : new LinkedHashSet<>(List.of(words.split(",")));
    }

    /** Remembers what is missing, so that it is told and saved once; the note is written with the next record. */
    public void rememberDamage(List<LogSurvey.Gap> told) {
        Set<String> known = new LinkedHashSet<>(knownDamage());
        told.forEach(gap -> known.add(gap.place()));
        if (!known.isEmpty()) {
            format.put(DAMAGE, String.join(",", known));
        }
    }

    /** Saves what lies behind {@code from} in {@code file} before it is cut, without the zeros at its end. */
    public void saveCut(Path file, long from, long to) throws IOException {
        Path cuts = directory.resolve("cut");
        disk.makeDirectory(cuts);
        List<Path> older = new ArrayList<>(disk.list(cuts));
        while (older.size() >= KEPT_CUTS) {
            disk.delete(older.remove(0));
        }
        long number = older.isEmpty() ? 1 : number(older.get(older.size() - 1)) + 1;
        Path saved = cuts.resolve(String.format("%06d-%s-%d", number, file.getFileName(), from));
        try (Disk.Handle source = disk.read(file);
                Disk.Handle target = disk.write(saved)) {
            target.truncate(0);
            copy(source, target, from, to);
            target.force();
        }
        disk.forceDirectory(cuts);
    }

    private static long number(Path cut) {
        try {
            return Long.parseLong(cut.getFileName().toString().split("-", 2)[0]);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private static void copy(Disk.Handle source, Disk.Handle target, long from, long to) throws IOException {
        ByteBuffer piece = ByteBuffer.allocate(64 << 10);
        for (long at = from; at < to; ) {
            piece.clear().limit((int) Math.min(piece.capacity(), to - at));
            int got = source.read(piece, at);
            if (got <= 0) {
                return;
            }
            target.writeFully(piece.flip(), at - from);
            at += got;
        }
    }

    @Override
    public void close() throws IOException {
        lockFile.close();
    }
}
