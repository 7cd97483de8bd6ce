package dev.wharf.build.run;

import dev.wharf.oci.layer.Entry;
import dev.wharf.oci.layer.Limits;
import dev.wharf.oci.layer.TarReader;
import dev.wharf.oci.layer.TarWriter;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/** A tar in which nothing is younger than SOURCE_DATE_EPOCH, so that the same files come to the same layer. */
final class ClampedTar extends InputStream {
    private final TarReader reader;
    private final long epoch;
    private byte[] head = new byte[0];
    private int at;
    private InputStream content = InputStream.nullInputStream();
    private int padding;
    private boolean ended;

    ClampedTar(InputStream tar, long epoch) {
        this.reader = new TarReader(tar, Limits.DEFAULT);
        this.epoch = epoch;
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
        Optional<Entry> next = reader.next();
        at = 0;
        if (next.isEmpty()) {
            reader.finish();
            ended = true;
            content = InputStream.nullInputStream();
            head = new byte[TarWriter.END_BYTES];
            return;
        }
        Entry e = next.get();
        boolean young = e.modifiedSeconds() >= epoch;
        head = TarWriter.header(new Entry(
                e.kind(),
                e.name(),
                e.target(),
                e.mode(),
                e.uid(),
                e.gid(),
                e.sizeBytes(),
                young ? epoch : e.modifiedSeconds(),
                young ? 0 : e.modifiedNanos(),
                e.major(),
                e.minor(),
                e.xattrs()));
        content = e.sizeBytes() > 0 ? reader.content() : InputStream.nullInputStream();
        padding = TarWriter.padding(e.sizeBytes());
    }
}
