package dev.wharf.log.codec.record;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Finds the whole records in a file by looking for them, four bytes at a time, and believing nothing but their checksums. It
 * needs no structure around the records to be right, so it reads what a crash or a bad disk left of any log.
 */
public final class RecordScan implements Closeable {
    private static final int GULP = 64 << 10;
    /** Of many files only the first record is wanted. */
    private static final int FIRST_GULP = 4 << 10;

    private final Disk.Handle file;
    private final Path path;
    private byte[] window = new byte[FIRST_GULP];
    private ByteBuffer view = ByteBuffer.wrap(window);
    private long base;
    private int filled;
    private long at;
    private long limit;
    private long dataEnd;
    private boolean suspect;

    /** Opens {@code path} and looks from {@code from} on, which must be a multiple of four. */
    public RecordScan(Disk disk, Path path, long from) throws IOException {
        this.path = path;
        this.file = disk.read(path);
        this.at = from;
        this.base = from;
        this.dataEnd = from;
        this.limit = file.size();
    }

    /** A whole record and where it begins. */
    public record Found(long offset, Envelope.Sealed record) {
        /** Where the next record may begin. */
        public long end() {
            return align(offset + record.bytes().length);
        }
    }

    /** The first multiple of four at or after {@code offset}. */
    public static long align(long offset) {
        return (offset + 3) & ~3L;
    }

    /** Says that bytes before {@code offset} are written and will not change; nothing behind it is looked at. */
    public void limit(long offset) {
        limit = offset;
    }

    /** Looks as far as the file goes. */
    public void limitToFile() throws IOException {
        limit = file.size();
    }

    /** Where the next look begins. */
    public long position() {
        return at;
    }

    /** Just behind the last byte that was seen not to be zero. */
    public long dataEnd() {
        return dataEnd;
    }

    /** Whether something since the last record began like a record and was none. */
    public boolean sawDamage() {
        return suspect;
    }

    /** The next whole record, or empty when there is none before the limit. */
    public Optional<Found> next() throws IOException {
        suspect = false;
        while (ensure(at, 4)) {
            int here = (int) (at - base);
            int word = view.getInt(here);
            if (word == 0) {
                skipZeros();
                continue;
            }
            if (word >>> 8 == Envelope.MAGIC) {
                Optional<Envelope.Sealed> record = recordAt(at);
                if (record.isPresent()) {
                    Found found = new Found(at, record.get());
                    at = found.end();
                    dataEnd = at;
                    return Optional.of(found);
                }
                suspect = true;
            }
            at += 4;
            dataEnd = at;
        }
        return Optional.empty();
    }

    private Optional<Envelope.Sealed> recordAt(long offset) throws IOException {
        if (!ensure(offset, Envelope.HEADER_BYTES)) {
            return Optional.empty();
        }
        int length = view.getInt((int) (offset - base) + 8);
        if (length < 0 || length > Envelope.MAX_PAYLOAD_BYTES || !ensure(offset, Envelope.HEADER_BYTES + length)) {
            return Optional.empty();
        }
        int here = (int) (offset - base);
        int whole = Envelope.HEADER_BYTES + length;
        if (view.getInt(here + 12) != Envelope.checksum(window, here, whole)) {
            return Optional.empty();
        }
        byte[] bytes = new byte[whole];
        System.arraycopy(window, here, bytes, 0, whole);
        Envelope.Sealed record = new Envelope.Sealed(bytes);
        if (record.version() > Envelope.VERSION) {
            throw new RecordLog.ForeignLog("record " + record.sequence() + " in " + path + " has format "
                    + record.version() + ", and this Wharf reads up to " + Envelope.VERSION
                    + ": start the newer Wharf that wrote it");
        }
        return Optional.of(record);
    }

    /** Most of a log's last file is zeros, so they are passed eight bytes at a time. */
    private void skipZeros() {
        int here = (int) (at - base);
        int end = filled & ~3;
        while (here + 8 <= end && view.getLong(here) == 0) {
            here += 8;
        }
        if (here + 4 <= end && view.getInt(here) == 0) {
            here += 4;
        }
        at = base + here;
    }

    /** Has {@code count} bytes at {@code offset} in the window, unless the limit comes before. */
    private boolean ensure(long offset, int count) throws IOException {
        if (offset >= base && offset + count <= base + filled) {
            return true;
        }
        if (offset + count > limit) {
            return false;
        }
        int size = Math.max(count, filled == 0 ? FIRST_GULP : GULP);
        byte[] target = size > window.length ? new byte[size] : window;
        int kept = offset >= base && offset < base + filled ? (int) (base + filled - offset) : 0;
        if (kept > 0) {
            System.arraycopy(window, (int) (offset - base), target, 0, kept);
        }
        window = target;
        view = ByteBuffer.wrap(window).order(ByteOrder.BIG_ENDIAN);
        base = offset;
        filled = kept;
        int wanted = (int) Math.min(window.length, limit - offset);
        while (filled < wanted) {
            int got = file.read(ByteBuffer.wrap(window, filled, wanted - filled), base + filled);
            if (got <= 0) {
                break;
            }
            filled += got;
        }
        return filled >= count;
    }

    @Override
    public void close() {
        try {
            file.close();
        } catch (IOException e) {
            // Nothing was written through this handle, so nothing can be lost with it.
        }
    }
}
