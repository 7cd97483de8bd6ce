package dev.wharf.oci.layer;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads an uncompressed tar, entry by entry, as strictly as honest tars allow: POSIX pax, GNU and older forms, with long
 * names, sparse files and extended attributes. What is damaged, or larger than the limits, is a {@link LayerException}. The
 * memory it takes does not grow with the tar.
 */
public final class TarReader {
    private static final int BUFFER = 256 * 1024;
    private static final long LARGEST_ID = 0xffffffffL - 1;

    private final InputStream in;
    private final Limits limits;
    private final byte[] buffer = new byte[BUFFER];
    private int at;
    private int end;

    private long entries;
    private long contentBytes;
    /** Bytes of the current entry that are still in the stream: content, then padding. */
    private long left;

    private long padding;
    /** Offsets and lengths of the current entry's data, or none where it has no holes. */
    private List<Long> sparse = List.of();

    private long realSize;
    private boolean forgiving;
    private boolean finished;

    public TarReader(InputStream in, Limits limits) {
        this.in = in;
        this.limits = limits;
    }

    /** Takes a tar that ends right behind the content of its last file, as Docker's client makes one of a context and a Dockerfile. */
    void forgiveLastPadding() {
        forgiving = true;
    }

    /** The next entry; empty at the end of the tar. What was not read of the entry before is skipped. */
    public Optional<Entry> next() throws IOException {
        if (finished) {
            return Optional.empty();
        }
        PaxRecords pax = PaxRecords.none();
        Optional<String> longName = Optional.empty();
        Optional<String> longTarget = Optional.empty();
        for (int headers = 0; headers < 16; headers++) {
            skipContent();
            Optional<TarHeader> read = header();
            if (read.isEmpty()) {
                finished = true;
                return Optional.empty();
            }
            TarHeader header = read.get();
            switch (header.flag()) {
                case 'x', 'X' -> pax = PaxRecords.parse(extension(header));
                // Says something of all that follows: nothing that a layer needs.
                case 'g' -> extension(header);
                case 'L' -> longName = Optional.of(untilZero(extension(header)));
                case 'K' -> longTarget = Optional.of(untilZero(extension(header)));
                default -> {
                    return Optional.of(entry(header, pax, longName, longTarget));
                }
            }
        }
        throw new LayerException("the tar is damaged: too many extended headers in a row");
    }

    /** Writes the current entry's content; its holes become holes. */
    public void content(Dir.Output out) throws IOException {
        if (sparse.isEmpty()) {
            copy(out, left);
            return;
        }
        long position = 0;
        for (int i = 0; i < sparse.size(); i += 2) {
            hole(out, sparse.get(i) - position);
            copy(out, sparse.get(i + 1));
            position = sparse.get(i) + sparse.get(i + 1);
        }
        hole(out, realSize - position);
    }

    /** The current entry's content as a stream, which ends where the content does; not for sparse files. */
    public InputStream content() throws LayerException {
        if (!sparse.isEmpty()) {
            throw new LayerException("a sparse file cannot be read here");
        }
        return new Content();
    }

    /** Reads what lies behind the tar's end, so that the stream below sees its own end and can check itself. */
    public void finish() throws IOException {
        at = end;
        while (fill() > 0) {
            at = end;
        }
    }

    private Entry entry(TarHeader header, PaxRecords pax, Optional<String> longName, Optional<String> longTarget)
            throws IOException {
        if (++entries > limits.entries()) {
            throw new LayerException("the tar has more than " + limits.entries() + " entries");
        }
        String name = bounded(pax.text("path").or(() -> longName).orElseGet(header::name));
        String target = bounded(pax.text("linkpath").or(() -> longTarget).orElseGet(header::target));
        Entry.Kind kind = kind(header, name);
        long size = 0;
        sparse = List.of();
        left = 0;
        padding = 0;
        if (kind == Entry.Kind.FILE) {
            size = size(header, pax);
            left = size;
            padding = -size & (TarHeader.BLOCK - 1);
            sparse(header, pax);
            if (!sparse.isEmpty()) {
                size = realSize;
                name = bounded(pax.text("GNU.sparse.name").orElse(name));
            }
            contentBytes += size;
            if (size > limits.sizeBytes() || contentBytes > limits.sizeBytes()) {
                throw new LayerException("the tar unfolds to more than " + limits.sizeBytes() + " bytes at \""
                        + Names.show(name) + "\"");
            }
        }
        Optional<String> paxTime = pax.text("mtime");
        long[] time = paxTime.isPresent() ? PaxRecords.time(paxTime.get()) : new long[] {header.modified(), 0};
        return new Entry(
                kind,
                name,
                kind == Entry.Kind.HARD_LINK || kind == Entry.Kind.SYMBOLIC_LINK ? target : "",
                (int) (header.mode() & 07777),
                id(pax.number("uid"), header.uid(), name),
                id(pax.number("gid"), header.gid(), name),
                size,
                time[0],
                (int) time[1],
                header.major(),
                header.minor(),
                pax.xattrs(limits.xattrBytes()));
    }

    private static Entry.Kind kind(TarHeader header, String name) throws LayerException {
        return switch (header.flag()) {
            // Before there was a flag for directories, they were files with a slash at the end.
            case '0', '\0', '7' -> name.endsWith("/") ? Entry.Kind.DIRECTORY : Entry.Kind.FILE;
            case 'S' -> Entry.Kind.FILE;
            case '1' -> Entry.Kind.HARD_LINK;
            case '2' -> Entry.Kind.SYMBOLIC_LINK;
            case '3' -> Entry.Kind.CHARACTER_DEVICE;
            case '4' -> Entry.Kind.BLOCK_DEVICE;
            case '5' -> Entry.Kind.DIRECTORY;
            case '6' -> Entry.Kind.FIFO;
            default ->
                throw new LayerException("\"" + Names.show(name) + "\" is of the unknown kind '"
                        + Names.show(String.valueOf(header.flag())) + "'");
        };
    }

    private static long size(TarHeader header, PaxRecords pax) throws LayerException {
        Optional<Long> said = pax.number("size");
        long size = said.isPresent() ? said.get() : header.size();
        if (size < 0) {
            throw new LayerException("the tar is damaged: a file of " + size + " bytes");
        }
        return size;
    }

    private static long id(Optional<Long> pax, long header, String name) throws LayerException {
        long id = pax.orElse(header);
        if (id < 0 || id > LARGEST_ID) {
            throw new LayerException(
                    "\"" + Names.show(name) + "\" belongs to user or group " + id + ", which cannot be");
        }
        return id;
    }

    private String bounded(String path) throws LayerException {
        if (path.length() > limits.pathBytes() || Names.encode(path).length > limits.pathBytes()) {
            throw new LayerException(
                    "the name or target \"" + Names.show(path) + "\" is longer than " + limits.pathBytes() + " bytes");
        }
        return path;
    }

    // ---- sparse files: old GNU headers, and GNU's pax versions 0.0, 0.1 and 1.0 ----

    private void sparse(TarHeader header, PaxRecords pax) throws IOException {
        if (header.flag() == 'S') {
            realSize = header.realSize();
            sparse = oldMap(header);
        } else if (pax.text("GNU.sparse.major").isPresent()) {
            realSize = pax.number("GNU.sparse.realsize").orElse(-1L);
            sparse = leadingMap();
        } else if (pax.text("GNU.sparse.map").isPresent()) {
            realSize = pax.number("GNU.sparse.size").orElse(-1L);
            sparse = listed(pax.text("GNU.sparse.map").get().split(",", -1));
        } else if (!pax.sparsePairs().isEmpty()) {
            realSize = pax.number("GNU.sparse.size").orElse(-1L);
            sparse = pax.sparsePairs();
        } else {
            return;
        }
        checkMap();
    }

    private List<Long> oldMap(TarHeader first) throws IOException {
        List<Long> map = new ArrayList<>();
        addPairs(first, TarHeader.GNU_SPARSE, 4, map);
        boolean more = first.hasMoreSparse();
        while (more) {
            TarHeader next = new TarHeader(block());
            addPairs(next, 0, 21, map);
            more = next.at(504) != 0;
        }
        return map;
    }

    private void addPairs(TarHeader header, int from, int pairs, List<Long> map) throws LayerException {
        for (int i = 0; i < pairs; i++) {
            int offset = from + i * 24;
            if (header.isEmpty(offset)) {
                return;
            }
            map.add(header.sparse(offset));
            map.add(header.sparse(offset + 12));
            boundedMap(map);
        }
    }

    /** Version 1.0 has the map in front of the content, as decimal numbers on lines, padded to a block. */
    private List<Long> leadingMap() throws IOException {
        List<Long> map = new ArrayList<>();
        StringBuilder digits = new StringBuilder();
        long wanted = -1;
        while (wanted != map.size()) {
            if (left < TarHeader.BLOCK) {
                throw new LayerException("the tar is damaged: a sparse map is cut short");
            }
            byte[] block = block();
            left -= TarHeader.BLOCK;
            for (int i = 0; i < block.length && wanted != map.size(); i++) {
                if (block[i] != '\n') {
                    digits.append((char) (block[i] & 0xff));
                    continue;
                }
                long number = PaxRecords.decimal(digits.toString(), "sparse map");
                digits.setLength(0);
                if (wanted < 0) {
                    wanted = Math.multiplyExact(number, 2L);
                } else {
                    map.add(number);
                    boundedMap(map);
                }
            }
            if (digits.length() > 20) {
                throw new LayerException("the tar is damaged: a sparse map without numbers");
            }
        }
        return map;
    }

    private List<Long> listed(String[] numbers) throws LayerException {
        List<Long> map = new ArrayList<>();
        for (String number : numbers) {
            map.add(PaxRecords.decimal(number, "sparse map"));
            boundedMap(map);
        }
        return map;
    }

    private void boundedMap(List<Long> map) throws LayerException {
        if (map.size() > limits.headerBytes() / 16) {
            throw new LayerException("a sparse file has more than " + limits.headerBytes() / 32 + " pieces");
        }
    }

    private void checkMap() throws LayerException {
        long position = 0;
        long data = 0;
        boolean even = sparse.size() % 2 == 0;
        for (int i = 0; even && i < sparse.size(); i += 2) {
            long offset = sparse.get(i);
            long length = sparse.get(i + 1);
            if (offset < position || length < 0 || offset > realSize || length > realSize - offset) {
                throw new LayerException("the tar is damaged: a sparse map that contradicts itself");
            }
            position = offset + length;
            data += length;
        }
        if (!even || realSize < 0 || data != left) {
            throw new LayerException("the tar is damaged: a sparse map that does not fit its file");
        }
        if (sparse.isEmpty()) {
            // Nothing but a hole.
            sparse = List.of(0L, 0L);
        }
    }

    // ---- bytes ----

    private Optional<TarHeader> header() throws IOException {
        Optional<byte[]> block = blockOrEnd();
        if (block.isEmpty()) {
            return Optional.empty();
        }
        TarHeader header = new TarHeader(block.get());
        if (!header.isZero()) {
            header.check();
            return Optional.of(header);
        }
        // The end is two blocks of zeros; a tar that stops after one, or without any, is taken as whole.
        Optional<byte[]> second = blockOrEnd();
        if (second.isPresent() && !new TarHeader(second.get()).isZero()) {
            throw new LayerException("the tar is damaged: a block of zeros between entries");
        }
        return Optional.empty();
    }

    private byte[] extension(TarHeader header) throws IOException {
        long size = header.size();
        if (size < 0 || size > limits.headerBytes()) {
            throw new LayerException(
                    "an extended header has " + size + " bytes; at most " + limits.headerBytes() + " are allowed");
        }
        byte[] bytes = new byte[(int) size];
        readFully(bytes);
        padding = -size & (TarHeader.BLOCK - 1);
        return bytes;
    }

    private static String untilZero(byte[] bytes) {
        int length = 0;
        while (length < bytes.length && bytes[length] != 0) {
            length++;
        }
        return Names.decode(bytes, 0, length);
    }

    private void copy(Dir.Output out, long length) throws IOException {
        for (long rest = length; rest > 0; ) {
            if (at == end && fill() == 0) {
                throw cutShort();
            }
            int step = (int) Math.min(rest, end - at);
            out.write(buffer, at, step);
            at += step;
            rest -= step;
            left -= step;
        }
    }

    private static void hole(Dir.Output out, long length) throws IOException {
        if (length > 0) {
            out.skip(length);
        }
    }

    private void skipContent() throws IOException {
        for (long rest = left + padding; rest > 0; ) {
            if (at == end && fill() == 0) {
                if (forgiving && rest <= padding) {
                    break;
                }
                throw cutShort();
            }
            long step = Math.min(rest, end - at);
            at += (int) step;
            rest -= step;
        }
        left = 0;
        padding = 0;
    }

    private byte[] block() throws IOException {
        byte[] block = new byte[TarHeader.BLOCK];
        readFully(block);
        return block;
    }

    private Optional<byte[]> blockOrEnd() throws IOException {
        return at == end && fill() == 0 ? Optional.empty() : Optional.of(block());
    }

    private void readFully(byte[] into) throws IOException {
        for (int done = 0; done < into.length; ) {
            if (at == end && fill() == 0) {
                throw cutShort();
            }
            int step = Math.min(into.length - done, end - at);
            System.arraycopy(buffer, at, into, done, step);
            at += step;
            done += step;
        }
    }

    private static EOFException cutShort() {
        return new EOFException("the tar is cut short");
    }

    /** Reads on into the empty buffer; 0 at the end of the stream. */
    private int fill() throws IOException {
        int read = in.read(buffer, 0, buffer.length);
        at = 0;
        end = Math.max(read, 0);
        return end;
    }

    private final class Content extends InputStream {
        private final long entry = entries;

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            if (entry != entries) {
                throw new IOException("the tar has gone on to another entry");
            }
            if (left == 0) {
                return -1;
            }
            if (at == end && fill() == 0) {
                throw cutShort();
            }
            int step = (int) Math.min(Math.min(length, left), end - at);
            System.arraycopy(buffer, at, into, offset, step);
            at += step;
            left -= step;
            return step;
        }
    }
}
