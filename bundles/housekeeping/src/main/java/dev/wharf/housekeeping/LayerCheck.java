package dev.wharf.housekeeping;

import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Entry;
import dev.wharf.oci.layer.Limits;
import dev.wharf.oci.layer.TarReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * Compares two tars of one layer by what their files hold: the one it came as, and the one its storage driver makes of what it
 * keeps. They differ in order and in how they are written, so files are found by name. What only one of them has says nothing, for
 * some drivers leave out what the layer below has as well.
 */
final class LayerCheck {
    private static final int MOST_NAMES = 3;
    private static final byte[] ZEROS = new byte[8192];

    private LayerCheck() {}

    /** The names of files that differ, a few of them, and how many there are. */
    record Difference(List<String> names, int count) {}

    static Difference compare(InputStream came, InputStream kept) throws IOException {
        Map<Long, Long> wanted = new HashMap<>();
        read(came, wanted, Optional.empty());
        List<String> names = new ArrayList<>();
        int[] count = {0};
        read(kept, new HashMap<>(), Optional.of((name, hash) -> {
            Long there = wanted.get(hash(name));
            if (there != null && there != hash) {
                count[0]++;
                if (names.size() < MOST_NAMES) {
                    names.add(name);
                }
            }
        }));
        return new Difference(names, count[0]);
    }

    /** Told of each file with the hash of what is in it. */
    private interface File {
        void is(String name, long content);
    }

    private static void read(InputStream tar, Map<Long, Long> into, Optional<File> each) throws IOException {
        TarReader reader = new TarReader(tar, Limits.DEFAULT);
        for (Optional<Entry> next = reader.next(); next.isPresent(); next = reader.next()) {
            Entry entry = next.get();
            String name = plain(entry.name());
            if (entry.kind() == Entry.Kind.FILE) {
                Content content = new Content();
                reader.content(content);
                long hash = content.hash();
                into.put(hash(name), hash);
                each.ifPresent(file -> file.is(name, hash));
            } else if (entry.kind() == Entry.Kind.HARD_LINK) {
                Long hash = into.get(hash(plain(entry.target())));
                if (hash != null) {
                    into.put(hash(name), hash);
                    each.ifPresent(file -> file.is(name, hash));
                }
            } else {
                into.remove(hash(name));
            }
        }
        reader.finish();
    }

    private static String plain(String name) {
        String bare = name.startsWith("./") ? name.substring(2) : name;
        return bare.startsWith("/") ? bare.substring(1) : bare;
    }

    /** Two sums over a name, so that two names of a layer hardly ever meet. */
    private static long hash(String name) {
        CRC32C sum = new CRC32C();
        sum.update(name.getBytes(StandardCharsets.UTF_16BE));
        return sum.getValue() << 32 | name.hashCode() & 0xffffffffL;
    }

    /** Sums up what is in a file, holes as the zeros that they are. */
    private static final class Content implements Dir.Output {
        private final CRC32C sum = new CRC32C();
        private long length;

        @Override
        public void write(byte[] bytes, int offset, int count) {
            length += count;
            sum.update(bytes, offset, count);
        }

        @Override
        public void skip(long bytes) {
            length += bytes;
            for (long left = bytes; left > 0; left -= ZEROS.length) {
                sum.update(ZEROS, 0, (int) Math.min(left, ZEROS.length));
            }
        }

        long hash() {
            return sum.getValue() << 32 | length & 0xffffffffL;
        }

        @Override
        public void chown(long uid, long gid) {}

        @Override
        public boolean setXattr(String key, byte[] value) {
            return true;
        }

        @Override
        public void chmod(int mode) {}

        @Override
        public void setTimes(long modifiedSeconds, int modifiedNanos) {}

        @Override
        public void close() {}
    }
}
