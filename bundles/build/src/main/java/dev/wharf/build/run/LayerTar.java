package dev.wharf.build.run;

import dev.wharf.oci.layer.Entry;
import dev.wharf.oci.layer.Limits;
import dev.wharf.oci.layer.TarReader;
import dev.wharf.oci.layer.TarWriter;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;
import java.util.Set;

/**
 * A layer's tar as it is kept: nothing in it is younger than SOURCE_DATE_EPOCH, so that the same files come to the same layer,
 * and the files are left out that a runtime puts where it mounts those of the host.
 */
final class LayerTar extends InputStream {
    private final TarReader reader;
    private final Optional<Long> epoch;
    private final Set<String> stubs;
    private Optional<Entry> etc = Optional.empty();
    private Optional<Entry> next = Optional.empty();
    private boolean stubSeen;
    private byte[] head = new byte[0];
    private int at;
    private InputStream content = InputStream.nullInputStream();
    private int padding;
    private boolean ended;
    private boolean changed;

    /** Where a runtime mounts files of its own in a container that runs; as files they are empty. */
    static final Set<String> MOUNTED = Set.of("etc/hostname", "etc/hosts", "etc/resolv.conf");

    /** @param stubs files to leave out where they are empty */
    LayerTar(InputStream tar, Optional<Long> epoch, Set<String> stubs) {
        this.reader = new TarReader(tar, Limits.DEFAULT);
        this.epoch = epoch;
        this.stubs = stubs;
    }

    /** Whether what was read so far differs from what was given. */
    boolean isChanged() {
        return changed;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
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
        changed |= young;
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
        if (next.isPresent()) {
            Optional<Entry> waited = next;
            next = Optional.empty();
            return waited;
        }
        while (true) {
            Optional<Entry> entry = reader.next();
            if (entry.isPresent() && isStub(entry.get())) {
                stubSeen = true;
                changed = true;
                continue;
            }
            if (entry.isPresent() && !stubs.isEmpty() && entry.get().name().equals("etc/")) {
                etc = entry;
                continue;
            }
            if (etc.isEmpty()) {
                return entry;
            }
            boolean inside = entry.isPresent() && entry.get().name().startsWith("etc/");
            Optional<Entry> directory = etc;
            etc = Optional.empty();
            if (!inside && stubSeen) {
                return entry;
            }
            next = entry;
            return directory;
        }
    }

    private boolean isStub(Entry entry) {
        return entry.kind() == Entry.Kind.FILE && entry.sizeBytes() == 0 && stubs.contains(entry.name());
    }
}
