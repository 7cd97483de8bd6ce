package dev.wharf.oci.layer;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import java.util.Optional;

/**
 * Reads directories as tars, while they are being read: nothing is gathered, no thread is started. Entries come in the order
 * of their names' bytes, each directory before what is in it, so equal trees are equal tars. Sockets are left out, since no
 * tar can hold them.
 */
public final class Packer {
    private Packer() {}

    /** Everything in {@code root}, but not that itself; names of whiteouts are names like any other. Takes over {@code root}. */
    public static InputStream everything(Dir root) {
        return new TarStream(new TreeWalk(root, Optional.empty(), false));
    }

    /**
     * The changes that overlayfs keeps in an upper directory, as a layer tar. Takes over the directories.
     *
     * @param below the topmost lower directory, to see whether the root itself was changed
     */
    public static InputStream upper(Dir upper, Optional<Dir> below) {
        return new TarStream(new TreeWalk(upper, below, true));
    }

    /** What makes {@code after} of {@code before}, as a layer tar. Takes over the directories. */
    public static InputStream changes(Dir before, Dir after) {
        return new TarStream(new ChangesWalk(before, after));
    }

    /**
     * What is at {@code name} in {@code dir}, with everything below it where it is a directory. Takes over {@code dir}.
     *
     * @param as what it is called in the tar; {@code "/"} leaves out the name, so that everything below begins with a slash
     */
    public static InputStream part(Dir dir, String name, String as) throws IOException {
        try {
            Node node = dir.look(name).orElseThrow(() -> new NoSuchFileException(Names.show(name)));
            if (!node.isDirectory()) {
                return new TarStream(new SingleWalk(dir, name, as, node));
            }
            Dir top = name.equals(".") ? dir.again() : dir.enter(name);
            dir.close();
            return new TarStream(new TreeWalk(top, Optional.empty(), false, as));
        } catch (IOException | RuntimeException e) {
            dir.close();
            throw e;
        }
    }

    /** One thing that is no directory. */
    private static final class SingleWalk implements Walk {
        private final Dir dir;
        private final Entry entry;
        private final Content content;
        private boolean told;

        SingleWalk(Dir dir, String name, String as, Node node) throws IOException {
            if (node.isSocket()) {
                throw new IOException("\"" + Names.show(as) + "\" is a socket, which no tar can hold");
            }
            this.dir = dir;
            String target = node.isSymbolicLink() ? dir.readLink(name) : "";
            this.entry = Entry.of(as, node, target, Overlay.withoutBooks(dir.xattrs(name)));
            this.content = entry.sizeBytes() > 0 ? () -> dir.read(name) : InputStream::nullInputStream;
        }

        @Override
        public Optional<Item> next() {
            boolean first = !told;
            told = true;
            return first ? Optional.of(new Item(entry, content)) : Optional.empty();
        }

        @Override
        public void close() {
            dir.close();
        }
    }

    /** One entry, and the content where it is a file. */
    record Item(Entry entry, Content content) {
        static Item of(Entry entry) {
            return new Item(entry, InputStream::nullInputStream);
        }
    }

    interface Content {
        InputStream open() throws IOException;
    }

    /** Entries one after the other. */
    interface Walk extends AutoCloseable {
        Optional<Item> next() throws IOException;

        @Override
        void close();
    }

    /** Spells the items of a walk as a tar. */
    private static final class TarStream extends InputStream {
        private final Walk walk;
        private byte[] head = new byte[0];
        private int headAt;
        private InputStream content = InputStream.nullInputStream();
        private String name = "";
        private long contentLeft;
        private int zerosLeft;
        private boolean ended;

        TarStream(Walk walk) {
            this.walk = walk;
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
            int done = 0;
            while (done < length) {
                int step = step(into, offset + done, length - done);
                if (step < 0) {
                    break;
                }
                done += step;
            }
            return done == 0 ? -1 : done;
        }

        private int step(byte[] into, int offset, int length) throws IOException {
            if (headAt < head.length) {
                int step = Math.min(length, head.length - headAt);
                System.arraycopy(head, headAt, into, offset, step);
                headAt += step;
                return step;
            }
            if (contentLeft > 0) {
                int step = content.read(into, offset, (int) Math.min(length, contentLeft));
                if (step < 0) {
                    throw new IOException("\"" + Names.show(name) + "\" became shorter while it was read");
                }
                contentLeft -= step;
                return step;
            }
            if (zerosLeft > 0) {
                int step = Math.min(length, zerosLeft);
                java.util.Arrays.fill(into, offset, offset + step, (byte) 0);
                zerosLeft -= step;
                return step;
            }
            return ended ? -1 : advance();
        }

        private int advance() throws IOException {
            content.close();
            Optional<Item> next = walk.next();
            if (next.isEmpty()) {
                ended = true;
                zerosLeft = TarWriter.END_BYTES;
                return 0;
            }
            Entry entry = next.get().entry();
            content = next.get().content().open();
            name = entry.name();
            head = TarWriter.header(entry);
            headAt = 0;
            contentLeft = entry.sizeBytes();
            zerosLeft = TarWriter.padding(contentLeft);
            return 0;
        }

        @Override
        public void close() throws IOException {
            ended = true;
            head = new byte[0];
            headAt = 0;
            contentLeft = 0;
            zerosLeft = 0;
            walk.close();
            content.close();
        }
    }
}
