package dev.wharf.oci.layer;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A layer's tar as it is kept: nothing in it is younger than SOURCE_DATE_EPOCH, so that the same files come to the same layer,
 * and what is in every container before anything runs in it is left out.
 */
public final class LayerTar extends InputStream {
    private final TarReader reader;
    private final Optional<Long> epoch;
    private final boolean ran;
    private Optional<Entry> way = Optional.empty();
    private Optional<Entry> next = Optional.empty();
    private boolean stubSeen;
    private byte[] head = new byte[0];
    private int at;
    private InputStream content = InputStream.nullInputStream();
    private int padding;
    private boolean ended;
    private boolean redated;
    private final List<String> leftOut = new ArrayList<>();

    /** What tells programs that they are in a container, and where its own files are mounted; as files they are empty. */
    private static final Set<String> GROUND =
            Set.of(".dockerenv", "etc/hostname", "etc/hosts", "etc/mtab", "etc/resolv.conf");

    private static final String MOUNT_TABLE = "/proc/mounts";

    /** Directories that may be there or changed for the sake of such files or of a mount alone. */
    private static final Set<String> WAYS = Set.of("dev/", "etc/", "proc/", "sys/");

    /**
     * The tar with no younger times than {@code epoch}.
     *
     * @param ran whether it is of a container that ran, so that there is something to leave out
     */
    public LayerTar(InputStream tar, Optional<Long> epoch, boolean ran) {
        this.reader = new TarReader(tar, Limits.DEFAULT);
        this.epoch = epoch;
        this.ran = ran;
    }

    /** The same tar, or nothing where nothing is in it. */
    public static Optional<InputStream> unlessEmpty(InputStream tar) throws IOException {
        byte[] head = tar.readNBytes(TarHeader.BLOCK);
        if (Arrays.equals(head, new byte[TarHeader.BLOCK])) {
            return Optional.empty();
        }
        return Optional.of(new SequenceInputStream(new ByteArrayInputStream(head), tar));
    }

    /** Whether something of what was read so far was younger than it may be. */
    public boolean isRedated() {
        return redated;
    }

    /** The names of what was left out so far, each directory after what is in it. */
    public List<String> leftOut() {
        return List.copyOf(leftOut);
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        while (true) {
            if (at < head.length) {
                int step = Math.min(length, head.length - at);
                System.arraycopy(head, at, into, offset, step);
                at += step;
                return step;
            }
            int step = content.read(into, offset, length);
            if (step > 0) {
                return step;
            }
            if (padding > 0) {
                head = new byte[padding];
                at = 0;
                padding = 0;
            } else if (ended) {
                return -1;
            } else {
                advance();
            }
        }
    }

    private void advance() throws IOException {
        Optional<Entry> taken = take();
        at = 0;
        if (taken.isEmpty()) {
            reader.finish();
            ended = true;
            content = InputStream.nullInputStream();
            head = new byte[TarWriter.END_BYTES];
            return;
        }
        Entry e = taken.get();
        boolean young = epoch.isPresent() && e.modifiedSeconds() >= epoch.get();
        redated |= young;
        head = TarWriter.header(new Entry(
                e.kind(),
                e.name(),
                e.target(),
                e.mode(),
                e.uid(),
                e.gid(),
                e.sizeBytes(),
                young ? epoch.get() : e.modifiedSeconds(),
                young ? 0 : e.modifiedNanos(),
                e.major(),
                e.minor(),
                e.xattrs()));
        content = e.sizeBytes() > 0 ? reader.content() : InputStream.nullInputStream();
        padding = TarWriter.padding(e.sizeBytes());
    }

    /** A directory that changed by nothing but such files did not change; so it waits for what else is in it. */
    private Optional<Entry> take() throws IOException {
        while (true) {
            Optional<Entry> entry = next.isPresent() ? next : reader.next();
            next = Optional.empty();
            if (entry.isPresent() && ran && isGround(entry.get())) {
                stubSeen = true;
                leftOut.add(entry.get().name());
                continue;
            }
            Optional<Entry> waited = way;
            boolean inside = entry.isPresent()
                    && waited.isPresent()
                    && entry.get().name().startsWith(waited.get().name());
            way = Optional.empty();
            if (waited.isPresent() && (inside || !isOnlyAWay(waited.get()))) {
                next = entry;
                return waited;
            }
            waited.ifPresent(empty -> leftOut.add(empty.name()));
            if (entry.isPresent() && ran && WAYS.contains(entry.get().name())) {
                way = entry;
                stubSeen = false;
                continue;
            }
            return entry;
        }
    }

    /** What was given to somebody, or closed to others, is more than a way; the base is not at hand to compare with. */
    private boolean isOnlyAWay(Entry empty) {
        return !empty.name().equals("etc/") || stubSeen && isPlain(empty);
    }

    private static boolean isPlain(Entry directory) {
        return directory.mode() == 0755
                && directory.uid() == 0
                && directory.gid() == 0
                && directory.xattrs().isEmpty();
    }

    private static boolean isGround(Entry entry) {
        return GROUND.contains(entry.name())
                && (entry.kind() == Entry.Kind.FILE && entry.sizeBytes() == 0
                        || entry.kind() == Entry.Kind.SYMBOLIC_LINK
                                && entry.target().equals(MOUNT_TABLE));
    }
}
