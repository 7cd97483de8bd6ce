package dev.wharf.runtime;

import dev.wharf.spi.runtime.LogCursor.LogLine;
import dev.wharf.spi.runtime.LogQuery;
import dev.wharf.spi.runtime.StreamSink.StandardStream;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The format that conmon writes logs in (Kubernetes CRI logging): {@code 2026-01-31T23:59:59.123456789+00:00 stdout F text}.
 * The tag is F for a line with its newline, and P for a part of one, whose own newline is not in the record's text.
 */
final class LogFile {
    /** The date and time without fraction and zone. */
    private static final int SECONDS_LENGTH = 19;

    /** A line longer than this comes out in pieces, which together are still the line. */
    private static final int LONGEST_LINE = 1 << 20;

    /** Eight bytes at once, the first of them lowest. */
    private static final VarHandle EIGHT = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private static final long NEWLINES = 0x0a0a0a0a0a0a0a0aL;
    private static final long ONES = 0x0101010101010101L;
    private static final long HIGH_BITS = 0x8080808080808080L;

    private LogFile() {}

    /**
     * The place of the first newline in {@code bytes[from..end)}, or {@code end}. Looks at eight bytes at once, because most of
     * what reading a log takes is to find where its lines end: subtracting one from a byte sets its highest bit if it was zero.
     */
    static int newline(byte[] bytes, int from, int end) {
        int at = from;
        for (; at + Long.BYTES <= end; at += Long.BYTES) {
            long apart = (long) EIGHT.get(bytes, at) ^ NEWLINES;
            long found = (apart - ONES) & ~apart & HIGH_BITS;
            if (found != 0) {
                return at + Long.numberOfTrailingZeros(found) / Byte.SIZE;
            }
        }
        while (at < end && bytes[at] != '\n') {
            at++;
        }
        return at;
    }

    /** One record's place in a block, parsed but not copied. */
    static final class Record {
        StandardStream stream = StandardStream.OUT;
        boolean whole;
        long epochSecond;
        int nanos;
        int textStart;
        int textEnd;
    }

    /** Reads records from blocks of bytes; remembers the time it read last, for what was written together shares it. */
    static final class Reader {
        /** The longest time there is: nine digits of a second and a zone. */
        private static final int LONGEST_TIME = SECONDS_LENGTH + 16;

        private final byte[] lastTime = new byte[LONGEST_TIME];
        private int lastTimeLength;
        private final byte[] lastSecond = new byte[SECONDS_LENGTH];
        private long lastEpochSecond;
        private final Record record = new Record();

        /**
         * Reads the record in {@code bytes[start..end)}, whose last byte is the newline. Null where it is none: a damaged log
         * is read as far as it makes sense.
         */
        @org.jspecify.annotations.Nullable Record read(byte[] bytes, int start, int end) {
            if (end - start < SECONDS_LENGTH + 12 || bytes[start + 10] != 'T') {
                return null;
            }
            int space = start + lastTimeLength;
            if (lastTimeLength == 0
                    || space >= end
                    || bytes[space] != ' '
                    || !Arrays.equals(bytes, start, space, lastTime, 0, lastTimeLength)) {
                space = readTime(bytes, start, end);
            }
            // " stdout F " is as long as " stderr P ".
            int text = space + 10;
            if (text > end || bytes[space + 1] != 's' || bytes[space + 7] != ' ' || bytes[space + 9] != ' ') {
                return null;
            }
            record.stream = bytes[space + 4] == 'e' ? StandardStream.ERR : StandardStream.OUT;
            record.whole = bytes[space + 8] == 'F';
            record.textStart = text;
            record.textEnd = record.whole ? end : end - 1;
            return record;
        }

        /** Reads the time into the record; answers with the place behind it. */
        private int readTime(byte[] bytes, int start, int end) {
            int zone = start + SECONDS_LENGTH;
            int nanos = 0;
            if (bytes[zone] == '.') {
                int scale = 100_000_000;
                zone++;
                while (zone < end && bytes[zone] >= '0' && bytes[zone] <= '9') {
                    nanos += (bytes[zone++] - '0') * scale;
                    scale /= 10;
                }
            }
            int space = zone;
            while (space < end && bytes[space] != ' ') {
                space++;
            }
            record.epochSecond = second(bytes, start) - offset(bytes, zone, space);
            record.nanos = nanos;
            lastTimeLength = space - start <= LONGEST_TIME ? space - start : 0;
            System.arraycopy(bytes, start, lastTime, 0, lastTimeLength);
            return space;
        }

        private long second(byte[] bytes, int start) {
            if (!Arrays.equals(bytes, start, start + SECONDS_LENGTH, lastSecond, 0, SECONDS_LENGTH)) {
                System.arraycopy(bytes, start, lastSecond, 0, SECONDS_LENGTH);
                int month = Math.min(12, Math.max(1, digits(bytes, start + 5, 2)));
                int day = Math.min(28, Math.max(1, digits(bytes, start + 8, 2)));
                long days = LocalDate.of(digits(bytes, start, 4), month, day).toEpochDay()
                        + digits(bytes, start + 8, 2)
                        - day;
                lastEpochSecond = days * 86_400
                        + digits(bytes, start + 11, 2) * 3600L
                        + digits(bytes, start + 14, 2) * 60L
                        + digits(bytes, start + 17, 2);
            }
            return lastEpochSecond;
        }

        /** The zone in seconds east of Greenwich: {@code Z} or {@code +hh:mm}. */
        private static long offset(byte[] bytes, int start, int end) {
            if (end - start < 6) {
                return 0;
            }
            long seconds = digits(bytes, start + 1, 2) * 3600L + digits(bytes, start + 4, 2) * 60L;
            return bytes[start] == '-' ? -seconds : seconds;
        }

        private static int digits(byte[] bytes, int start, int count) {
            int value = 0;
            for (int i = start; i < start + count; i++) {
                value = value * 10 + (bytes[i] - '0');
            }
            return value;
        }
    }

    /** Puts the parts of lines together and picks those that are wanted. */
    static final class Joiner {
        private final LogQuery query;
        private final Map<StandardStream, Part> parts = new EnumMap<>(StandardStream.class);
        private boolean past;

        private record Part(long epochSecond, int nanos, java.io.ByteArrayOutputStream text) {}

        Joiner(LogQuery query) {
            this.query = query;
        }

        /** Takes a record; a line that it completes is added to {@code lines}. The bytes of whole lines are not copied. */
        void take(Record record, byte[] bytes, List<LogLine> lines) {
            boolean wanted = record.stream == StandardStream.OUT ? query.stdout() : query.stderr();
            if (!wanted) {
                return;
            }
            Part part = parts.get(record.stream);
            if (part == null && record.whole) {
                add(
                        record.stream,
                        record.epochSecond,
                        record.nanos,
                        ByteBuffer.wrap(bytes, record.textStart, record.textEnd - record.textStart),
                        lines);
                return;
            }
            if (part == null) {
                part = new Part(record.epochSecond, record.nanos, new java.io.ByteArrayOutputStream());
                parts.put(record.stream, part);
            }
            part.text().write(bytes, record.textStart, record.textEnd - record.textStart);
            if (record.whole || part.text().size() >= LONGEST_LINE) {
                finish(record.stream, lines);
            }
        }

        /** Gives out the parts of lines whose rest will never come. */
        void end(List<LogLine> lines) {
            for (StandardStream stream : List.copyOf(parts.keySet())) {
                finish(stream, lines);
            }
        }

        private void finish(StandardStream stream, List<LogLine> lines) {
            Part part = parts.remove(stream);
            if (part != null) {
                add(
                        stream,
                        part.epochSecond(),
                        part.nanos(),
                        ByteBuffer.wrap(part.text().toByteArray()),
                        lines);
            }
        }

        private void add(StandardStream stream, long second, int nanos, ByteBuffer text, List<LogLine> lines) {
            if (query.since().isPresent()
                    && isBefore(second, nanos, query.since().get())) {
                return;
            }
            if (query.until().isPresent()
                    && isAfter(second, nanos, query.until().get())) {
                past = true;
                return;
            }
            lines.add(new LogLine(stream, second, nanos, text));
        }

        /** Whether a line later than everything wanted came by. */
        boolean isPast() {
            return past;
        }

        private static boolean isBefore(long second, int nanos, Instant time) {
            return second < time.getEpochSecond() || (second == time.getEpochSecond() && nanos < time.getNano());
        }

        private static boolean isAfter(long second, int nanos, Instant time) {
            return second > time.getEpochSecond() || (second == time.getEpochSecond() && nanos > time.getNano());
        }
    }

    /**
     * Finds where the last lines begin, from the end in blocks, so that a long log costs no more than a short one. Lines of
     * streams that are not wanted do not count. Goes through one file after the other, the newest first.
     */
    static final class Tail {
        /** The first block is small, for most ask for a few lines; each is twice the one before. */
        private static final int FIRST_BLOCK_BYTES = 4 * 1024;

        private static final int BLOCK_BYTES = 64 * 1024;

        private final LogQuery query;
        private final long count;
        private final Map<StandardStream, Boolean> seen = new EnumMap<>(StandardStream.class);
        private long counted;

        Tail(LogQuery query, long count) {
            this.query = query;
            this.count = count;
        }

        /** Whether they begin in a file that was looked at. */
        boolean isFound() {
            return count <= 0 || counted > count;
        }

        /** Where they begin in the first {@code end} bytes of this file, 0 where they begin before it. */
        long find(FileChannel file, long end) throws IOException {
            if (count <= 0) {
                return end;
            }
            Reader reader = new Reader();
            long position = end;
            // A record that begins in an earlier block; what we have of it so far.
            byte[] rest = new byte[0];
            int block = FIRST_BLOCK_BYTES;
            while (position > 0) {
                int length = (int) Math.min(block, position);
                block = Math.min(2 * block, BLOCK_BYTES);
                position -= length;
                byte[] bytes = new byte[length + rest.length];
                readFully(file, bytes, length, position);
                System.arraycopy(rest, 0, bytes, length, rest.length);
                int stop = bytes.length;
                for (int i = bytes.length - 2; i >= -1; i--) {
                    boolean start = i < 0 ? position == 0 : bytes[i] == '\n';
                    if (!start) {
                        continue;
                    }
                    if (countsAs(reader.read(bytes, i + 1, stop)).orElse(false) && ++counted > count) {
                        return position + stop;
                    }
                    stop = i + 1;
                }
                rest = Arrays.copyOf(bytes, stop);
            }
            return 0;
        }

        /** Whether a record is the last one of a line; empty where it is of no interest. */
        private Optional<Boolean> countsAs(@org.jspecify.annotations.Nullable Record record) {
            if (record == null || !(record.stream == StandardStream.OUT ? query.stdout() : query.stderr())) {
                return Optional.empty();
            }
            // A part at the very end of its stream is a line that has no newline yet.
            boolean last = seen.put(record.stream, true) == null;
            return Optional.of(record.whole || last);
        }
    }

    private static void readFully(FileChannel file, byte[] bytes, int length, long position) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes, 0, length);
        while (buffer.hasRemaining()) {
            if (file.read(buffer, position + buffer.position()) < 0) {
                return;
            }
        }
    }
}
