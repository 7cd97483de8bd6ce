package dev.wharf.log.codec.record;

import dev.wharf.core.journal.BatchTooLargeException;
import dev.wharf.model.Digest;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.zip.CRC32C;

/**
 * How a record lies on disk, whatever keeps it:
 *
 * <pre>
 *  0  magic "WRF" and the format's version, one byte
 *  4  epoch: how often the log had been opened for writing
 *  8  length of the payload in bytes
 * 12  CRC-32C of all the rest, header and payload
 * 16  sequence
 * 24  forced: the last sequence that was known to be durable when this was written
 * 32  SHA-256 of the whole record before, zeros for the first
 * 64  payload
 * </pre>
 *
 * <p>Numbers are big-endian. The first 24 bytes keep their meaning in every later version, so that a newer record is
 * recognised as such and never taken for damage. The magic holds a control byte, which JSON text never does.
 */
public final class Envelope {
    /** The version this code writes, and the newest it reads. */
    public static final int VERSION = 1;

    public static final int HEADER_BYTES = 64;

    /** The largest payload: what Chronicle takes in one excerpt of the block size that the journal uses. */
    public static final int MAX_PAYLOAD_BYTES = (4 << 20) - 4096;

    static final int HASH_BYTES = 32;
    static final int MAGIC = 0x575246;

    // Asked for several times of every record that is read, so nothing is made for it.
    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private Envelope() {}

    /** The hash that stands before the first record. */
    public static byte[] genesis() {
        return new byte[HASH_BYTES];
    }

    /** Before anything is touched: a log takes no payload that no reader of it would take for one. */
    public static void requireFitting(byte[] payload) throws BatchTooLargeException {
        if (payload.length > MAX_PAYLOAD_BYTES) {
            throw new BatchTooLargeException(
                    "a batch of " + payload.length + " bytes is more than the journal takes, " + MAX_PAYLOAD_BYTES);
        }
    }

    /** The whole record as bytes. */
    public static byte[] seal(int epoch, long sequence, long forced, byte[] previous, byte[] payload) {
        ByteBuffer record = ByteBuffer.allocate(HEADER_BYTES + payload.length);
        record.putInt(MAGIC << 8 | VERSION)
                .putInt(epoch)
                .putInt(payload.length)
                .putInt(0)
                .putLong(sequence)
                .putLong(forced)
                .put(previous)
                .put(payload);
        record.putInt(12, checksum(record.array(), 0, record.capacity()));
        return record.array();
    }

    /** The SHA-256 of a whole record. */
    public static byte[] hash(byte[] record) {
        return sha256().digest(record);
    }

    static MessageDigest sha256() {
        return Digest.hasher("sha256");
    }

    /** The checksum of the record that begins at {@code offset}, leaving out the checksum itself. */
    static int checksum(byte[] bytes, int offset, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, offset, 12);
        crc.update(bytes, offset + 16, length - 16);
        return (int) crc.getValue();
    }

    /** Whether a whole record of any version lies in these bytes, and nothing else. */
    public static boolean isWhole(byte[] bytes) {
        if (bytes.length < HEADER_BYTES) {
            return false;
        }
        ByteBuffer header = ByteBuffer.wrap(bytes);
        return header.getInt(0) >>> 8 == MAGIC
                && header.getInt(8) == bytes.length - HEADER_BYTES
                && header.getInt(12) == checksum(bytes, 0, bytes.length);
    }

    /**
     * A whole record, as found.
     *
     * @param bytes header and payload
     */
    public record Sealed(byte[] bytes) {
        public int version() {
            return bytes[3] & 0xff;
        }

        public int epoch() {
            return (int) INTS.get(bytes, 4);
        }

        public long sequence() {
            return (long) LONGS.get(bytes, 16);
        }

        public long forced() {
            return (long) LONGS.get(bytes, 24);
        }

        /** The SHA-256 of the record before. */
        public byte[] previous() {
            byte[] hash = new byte[HASH_BYTES];
            System.arraycopy(bytes, 32, hash, 0, HASH_BYTES);
            return hash;
        }

        /** The SHA-256 of this record. */
        public byte[] hash() {
            return Envelope.hash(bytes);
        }

        /** The payload, which begins {@link #HEADER_BYTES} into {@link #bytes}. */
        public ByteBuffer payload() {
            return ByteBuffer.wrap(bytes, HEADER_BYTES, bytes.length - HEADER_BYTES)
                    .slice();
        }
    }
}
