package dev.wharf.buildkit;

import com.google.protobuf.ByteString;
import dev.wharf.buildkit.wire.SessionWire.Packet;
import dev.wharf.buildkit.wire.SessionWire.Stat;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;

/**
 * A client's folder as a tar, made as it comes over the session (fsutil's protocol): the client lists what there is, and
 * sends each file's content once it is asked for. One thread.
 */
final class FolderStream extends InputStream {
    /** As many bytes of files are asked for at a time, since the client sends what it was asked for in any order. */
    private static final long WINDOW = 8 << 20;

    /** As many may be asked for at a time, however small they are. */
    private static final int MOST_ASKED = 256;

    private static final int MOST_ENTRIES = 500_000;

    private final Talk<Packet, Packet> talk;
    private final FolderList list;
    private final LongConsumer progress;
    private final ByteArrayOutputStream sink = new ByteArrayOutputStream();
    private final TarArchiveOutputStream tar = new TarArchiveOutputStream(sink, "UTF-8");
    private final Deque<Entry> waiting = new ArrayDeque<>();
    private final Deque<Entry> unasked = new ArrayDeque<>();
    private final Map<Integer, Entry> asked = new HashMap<>();
    private InputStream made = InputStream.nullInputStream();
    private Optional<Entry> current = Optional.empty();
    private long askedBytes;
    private int entries;
    private boolean listed;
    private boolean finished;
    private long received;
    private long sizeBytes;

    /** One name of the folder, and what came of its content so far. */
    private static final class Entry {
        private final int id;
        private final Stat stat;
        private final Deque<ByteString> content = new ArrayDeque<>();
        private long left;
        private boolean whole;

        Entry(int id, Stat stat) {
            this.id = id;
            this.stat = stat;
            this.left = stat.getSize();
        }

        boolean hasContent() {
            int mode = stat.getMode();
            return (mode & (GoMode.DIRECTORY | GoMode.LINK | GoMode.DEVICE | GoMode.PIPE | GoMode.SOCKET)) == 0
                    && stat.getLinkname().isEmpty();
        }
    }

    /**
     * @param list what is there already, which is not sent again
     * @param progress hears how many bytes of files came in all
     */
    FolderStream(Talk<Packet, Packet> talk, FolderList list, LongConsumer progress) {
        this.talk = talk;
        this.list = list;
        this.progress = progress;
        tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
        tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
        tar.setAddPaxHeadersForNonAsciiNames(true);
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        while (true) {
            int read = made.read(bytes, offset, length);
            if (read > 0) {
                return read;
            }
            if (sink.size() > 0) {
                made = new ByteArrayInputStream(sink.toByteArray());
                sink.reset();
            } else if (finished) {
                return -1;
            } else {
                advance();
            }
        }
    }

    private void advance() throws IOException {
        if (current.isPresent()) {
            Entry file = current.get();
            if (!file.content.isEmpty()) {
                write(file.content.remove());
            } else if (file.whole) {
                end(file);
            } else {
                take();
            }
        } else if (!waiting.isEmpty()) {
            begin(waiting.remove());
        } else if (listed) {
            talk.send(packet(Packet.Type.FIN).build());
            while (!finished) {
                take();
            }
            talk.end();
            tar.finish();
        } else {
            take();
        }
    }

    private static Packet.Builder packet(Packet.Type type) {
        return Packet.newBuilder().setType(type);
    }

    private void take() throws IOException {
        Packet packet = talk.take().orElseThrow(() -> new IOException("the client broke off as it sent its files"));
        switch (packet.getType()) {
            case STAT -> listed(packet.getStat());
            case DATA -> content(packet.getId(), packet.getData());
            case FIN -> finished = true;
            case ERR ->
                throw new IOException(
                        "the client cannot send its files: " + packet.getData().toStringUtf8());
            default -> throw new IOException("the client sent a packet that only a receiver sends");
        }
    }

    private void listed(Stat stat) throws IOException {
        if (stat.getPath().isEmpty()) {
            listed = true;
            return;
        }
        if (entries >= MOST_ENTRIES) {
            throw new IOException("the folder has more than " + MOST_ENTRIES + " entries; see .dockerignore");
        }
        Entry entry = new Entry(entries++, stat);
        if ((stat.getMode() & GoMode.SOCKET) != 0) {
            // A socket leads nowhere without whoever listens.
            return;
        }
        sizeBytes += entry.hasContent() ? stat.getSize() : 0;
        // Directories are told again, since what is put into them changes their times.
        if (list.had(stat) && (stat.getMode() & GoMode.DIRECTORY) == 0) {
            return;
        }
        waiting.add(entry);
        if (entry.hasContent()) {
            unasked.add(entry);
            ask();
        }
    }

    private void ask() throws IOException {
        while (!unasked.isEmpty()
                && (asked.isEmpty()
                        || asked.size() < MOST_ASKED
                                && askedBytes + unasked.peek().stat.getSize() <= WINDOW)) {
            Entry entry = unasked.remove();
            asked.put(entry.id, entry);
            askedBytes += entry.stat.getSize();
            talk.send(packet(Packet.Type.REQ).setId(entry.id).build());
        }
    }

    private void content(int id, ByteString bytes) throws IOException {
        Entry entry = asked.get(id);
        if (entry == null || entry.whole) {
            throw new IOException("the client sent what nobody asked it for");
        }
        if (bytes.isEmpty()) {
            entry.whole = true;
            return;
        }
        received += bytes.size();
        progress.accept(received);
        // A file that grows meanwhile is taken as long as it was when it was listed.
        long room = entry.left;
        ByteString kept = bytes.size() > room ? bytes.substring(0, (int) room) : bytes;
        entry.left -= kept.size();
        if (!kept.isEmpty()) {
            entry.content.add(kept);
        }
    }

    private void begin(Entry entry) throws IOException {
        Stat stat = entry.stat;
        int mode = stat.getMode();
        TarArchiveEntry head;
        if ((mode & GoMode.DIRECTORY) != 0) {
            head = new TarArchiveEntry(stat.getPath() + "/", true);
        } else if ((mode & GoMode.LINK) != 0) {
            head = new TarArchiveEntry(stat.getPath(), TarConstants.LF_SYMLINK, true);
            head.setLinkName(stat.getLinkname());
        } else if (!stat.getLinkname().isEmpty()) {
            head = new TarArchiveEntry(stat.getPath(), TarConstants.LF_LINK, true);
            head.setLinkName(stat.getLinkname());
        } else if ((mode & GoMode.PIPE) != 0) {
            head = new TarArchiveEntry(stat.getPath(), TarConstants.LF_FIFO, true);
        } else if ((mode & GoMode.DEVICE) != 0) {
            throw new IOException(stat.getPath() + " is a device, and a build takes none from its client");
        } else {
            head = new TarArchiveEntry(stat.getPath(), true);
            head.setSize(stat.getSize());
        }
        head.setMode(GoMode.permissions(mode));
        head.setIds(stat.getUid(), stat.getGid());
        long nanos = stat.getModTime();
        head.setLastModifiedTime(FileTime.from(Instant.ofEpochSecond(
                Math.floorDiv(nanos, TimeUnit.SECONDS.toNanos(1)), Math.floorMod(nanos, TimeUnit.SECONDS.toNanos(1)))));
        tar.putArchiveEntry(head);
        if (entry.hasContent()) {
            current = Optional.of(entry);
        } else {
            tar.closeArchiveEntry();
        }
    }

    private void write(ByteString bytes) throws IOException {
        bytes.writeTo(tar);
        askedBytes -= bytes.size();
        ask();
    }

    private void end(Entry file) throws IOException {
        // What was cut off a file since it was listed reads as zeros.
        byte[] zeros = new byte[(int) Math.min(file.left, 64 << 10)];
        for (long left = file.left; left > 0; left -= zeros.length) {
            tar.write(zeros, 0, (int) Math.min(left, zeros.length));
        }
        tar.closeArchiveEntry();
        askedBytes -= file.left;
        asked.remove(file.id);
        current = Optional.empty();
        ask();
    }

    /** How large all files are together; asked at the end. */
    long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public void close() throws IOException {
        talk.close();
        list.close();
    }
}
