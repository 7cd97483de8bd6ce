package dev.wharf.storage.erofs;

import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Names;
import dev.wharf.oci.layer.Node;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * An image that {@link ImageWriter} wrote, read without mounting it: to unpack another layer on it, to tell its changes, and
 * on hosts whose kernel has no erofs. Closed with the last directory of it.
 */
final class Image {
    private final FileChannel file;
    private final String name;
    private final long metadata;
    private final int root;
    private int holders;

    private Image(FileChannel file, Path path) throws IOException {
        this.file = file;
        this.name = path.toString();
        ByteBuffer superblock = bytes(Format.SUPERBLOCK_AT, Format.SUPERBLOCK_BYTES);
        if (superblock.getInt(0) != Format.MAGIC || superblock.get(12) != Format.BLOCK_BITS) {
            throw damaged("it is no erofs image of Wharf's");
        }
        this.metadata = Integer.toUnsignedLong(superblock.getInt(40)) * Format.BLOCK;
        this.root = Short.toUnsignedInt(superblock.getShort(14));
    }

    /** Opens the root directory of an image. */
    static Dir open(Path path) throws IOException {
        FileChannel file = FileChannel.open(path, StandardOpenOption.READ);
        try {
            Image image = new Image(file, path);
            return new ImageDir(image, "/", image.inode(image.root));
        } catch (IOException e) {
            file.close();
            throw e;
        }
    }

    void hold() {
        holders++;
    }

    void letGo() {
        if (--holders == 0) {
            try {
                file.close();
            } catch (IOException e) {
                // Nothing was written to it.
            }
        }
    }

    /** What an inode says. */
    record Read(Node node, long at, int format, int headBytes, long firstBlock) {}

    Read inode(long number) throws IOException {
        long at = metadata + number * Format.SLOT;
        ByteBuffer inode = bytes(at, Format.INODE_BYTES);
        int format = Short.toUnsignedInt(inode.getShort(0));
        if (format != Format.EXTENDED_PLAIN && format != Format.EXTENDED_INLINE) {
            throw damaged("inode " + number + " has the unknown format " + format);
        }
        int words = Short.toUnsignedInt(inode.getShort(2));
        int head = Format.INODE_BYTES + (words == 0 ? 0 : Format.XATTR_HEADER_BYTES + 4 * (words - 1));
        int mode = Short.toUnsignedInt(inode.getShort(4));
        int type = mode & Format.TYPE;
        int place = inode.getInt(16);
        boolean device = type == Format.CHARACTER_DEVICE || type == Format.BLOCK_DEVICE;
        Node node = new Node(
                metadata,
                number,
                mode,
                Integer.toUnsignedLong(inode.getInt(44)),
                Integer.toUnsignedLong(inode.getInt(24)),
                Integer.toUnsignedLong(inode.getInt(28)),
                device ? Format.major(place) : 0,
                device ? Format.minor(place) : 0,
                inode.getLong(8),
                inode.getLong(32),
                inode.getInt(40));
        return new Read(node, at, format, head, Integer.toUnsignedLong(place));
    }

    Map<String, byte[]> xattrs(Read inode) throws IOException {
        Map<String, byte[]> xattrs = new TreeMap<>();
        int length = inode.headBytes() - Format.INODE_BYTES;
        if (length == 0) {
            return xattrs;
        }
        ByteBuffer entries = bytes(inode.at() + Format.INODE_BYTES, length);
        for (int at = Format.XATTR_HEADER_BYTES; at + Format.XATTR_ENTRY_BYTES <= length; ) {
            int nameLength = Byte.toUnsignedInt(entries.get(at));
            int index = Byte.toUnsignedInt(entries.get(at + 1));
            int valueLength = Short.toUnsignedInt(entries.getShort(at + 2));
            byte[] rest = new byte[nameLength];
            entries.get(at + Format.XATTR_ENTRY_BYTES, rest);
            byte[] value = new byte[valueLength];
            entries.get(at + Format.XATTR_ENTRY_BYTES + nameLength, value);
            String prefix = Format.xattrPrefix(index).orElseThrow(() -> damaged("it has an unknown attribute"));
            xattrs.put(prefix + Names.decode(rest), value);
            at += (int) Format.up(Format.XATTR_ENTRY_BYTES + nameLength + valueLength, 4);
        }
        return xattrs;
    }

    /** The names in a directory but the dots, in the order of their bytes, with the numbers of their inodes. */
    Map<String, Long> names(Read directory) throws IOException {
        Map<String, Long> names = new LinkedHashMap<>();
        long size = directory.node().sizeBytes();
        for (long start = 0; start < size; start += Format.BLOCK) {
            int length = (int) Math.min(Format.BLOCK, size - start);
            ByteBuffer block = bytes(contentAt(directory) + start, length);
            int count = Short.toUnsignedInt(block.getShort(8)) / Format.DIRENT_BYTES;
            for (int i = 0; i < count; i++) {
                int entry = i * Format.DIRENT_BYTES;
                int nameAt = Short.toUnsignedInt(block.getShort(entry + 8));
                int end = i + 1 < count
                        ? Short.toUnsignedInt(block.getShort(entry + Format.DIRENT_BYTES + 8))
                        : endOfNames(block, nameAt, length);
                byte[] bytes = new byte[end - nameAt];
                block.get(nameAt, bytes);
                String shown = Names.decode(bytes);
                if (!shown.equals(".") && !shown.equals("..")) {
                    names.put(shown, block.getLong(entry));
                }
            }
        }
        return names;
    }

    private static int endOfNames(ByteBuffer block, int nameAt, int length) {
        int end = nameAt;
        while (end < length && block.get(end) != 0) {
            end++;
        }
        return end;
    }

    private static long contentAt(Read inode) {
        return inode.format() == Format.EXTENDED_INLINE
                ? inode.at() + inode.headBytes()
                : inode.firstBlock() * Format.BLOCK;
    }

    byte[] whole(Read inode) throws IOException {
        return bytes(contentAt(inode), (int) inode.node().sizeBytes()).array();
    }

    InputStream content(Read inode) {
        hold();
        return new Content(contentAt(inode), inode.node().sizeBytes());
    }

    private ByteBuffer bytes(long at, int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            if (file.read(bytes, at + bytes.position()) < 0) {
                throw new EOFException("the image " + name + " is damaged: it ends too soon");
            }
        }
        return bytes.flip().order(ByteOrder.LITTLE_ENDIAN);
    }

    private IOException damaged(String why) {
        return new EOFException("the image " + name + " is damaged: " + why);
    }

    private final class Content extends InputStream {
        private long at;
        private long left;
        private boolean closed;

        Content(long at, long left) {
            this.at = at;
            this.left = left;
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
            if (left == 0) {
                return -1;
            }
            int count = file.read(ByteBuffer.wrap(into, offset, (int) Math.min(length, left)), at);
            if (count < 0) {
                throw damaged("it ends too soon");
            }
            at += count;
            left -= count;
            return count;
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                letGo();
            }
        }
    }
}
