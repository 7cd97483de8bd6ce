package dev.wharf.storage.erofs;

import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Names;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Writes one erofs image as a directory tree that is only ever filled: the content of large files goes to its blocks as it
 * comes, little content waits in a file beside until its inode has a place, and {@link #finish} writes inodes and directories
 * behind it all. Holes stay holes of the image file. Memory holds names and attributes, but no content.
 */
final class ImageWriter implements AutoCloseable {
    /** Content of at most so many bytes goes behind its inode, if there is room in the inode's block. */
    private static final int LITTLE = Format.BLOCK - Format.INODE_BYTES;

    private static final int BUFFER = 1 << 20;

    private final FileChannel image;
    private final FileChannel waiting;
    private final Inode root;
    private final long now = Instant.now().getEpochSecond();
    private long lastNumber;
    private long dataEnd = Format.BLOCK;
    private long waitingEnd;
    private boolean writing;

    /** @param waiting a new file of the writer's own, which nobody needs when it is done */
    ImageWriter(Path image, Path waiting) throws IOException {
        this.image = FileChannel.open(image, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        try {
            this.waiting = FileChannel.open(
                    waiting, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
        } catch (IOException e) {
            this.image.close();
            throw e;
        }
        this.root = make(Format.DIRECTORY | 0755, 0, 0);
    }

    /** The root directory of what is written. */
    Dir root() {
        return new WriterDir(this, List.of(), root);
    }

    Inode make(int mode, int major, int minor) {
        return new Inode(++lastNumber, mode, major, minor, now);
    }

    Dir.Output content(Inode inode) {
        if (writing) {
            throw new IllegalStateException("one file at a time");
        }
        writing = true;
        return new Content(inode);
    }

    /** Writes everything that describes the content. Nothing may be changed afterwards. */
    void finish() throws IOException {
        long metadata = Format.up(dataEnd, Format.BLOCK);
        List<Inode> inodes = new ArrayList<>();
        gather(root, inodes);
        // A root at the very beginning would have the number 0, which user space takes for no file.
        long at = metadata + Format.INODE_BYTES;
        for (Inode inode : inodes) {
            at = place(inode, at);
        }
        long end = Format.up(at, Format.BLOCK);
        for (Inode inode : inodes) {
            if (!inode.inline && inode.dataAt == Inode.NOWHERE && contentBytes(inode) > 0) {
                inode.dataAt = end;
                end = Format.up(end + contentBytes(inode), Format.BLOCK);
            }
        }
        if (end / Format.BLOCK > 0xffffffffL) {
            throw new IOException("the layer is larger than an erofs image can be");
        }
        Sheet sheet = new Sheet(metadata);
        for (int i = 0; i < inodes.size(); i++) {
            write(sheet, inodes.get(i), i + 1, metadata);
        }
        for (Inode inode : inodes) {
            if (!inode.inline && inode.dataAt >= metadata) {
                sheet.moveTo(inode.dataAt);
                sheet.put(contentOf(inode, metadata));
            }
        }
        sheet.moveTo(end);
        sheet.flush();
        writeSuperblock(metadata, end, inodes.size());
    }

    /** Every inode once, however many names it has, each directory before what is in it. */
    private static void gather(Inode directory, List<Inode> inodes) {
        directory.links = 2;
        directory.at = 0;
        inodes.add(directory);
        for (Inode child : directory.children.values()) {
            if (child.isDirectory()) {
                directory.links++;
                gather(child, inodes);
            } else if (child.at == Inode.NOWHERE) {
                child.at = 0;
                inodes.add(child);
            }
        }
    }

    /** Finds an inode its place at {@code at} or soon after, and answers with where the next may begin. */
    private static long place(Inode inode, long at) {
        if (inode.isDirectory()) {
            inode.sizeBytes = directoryBytes(inode);
        }
        int head = Format.INODE_BYTES + inode.xattrBytes();
        long content = inode.dataAt == Inode.NOWHERE ? contentBytes(inode) : Format.BLOCK;
        inode.inline = content > 0 && head + content <= Format.BLOCK;
        long whole = head + (inode.inline ? content : 0);
        long room = Format.BLOCK - at % Format.BLOCK;
        // What lies behind an inode may not reach into another block, nor may, to keep it simple, anything else of it.
        inode.at = whole <= room ? at : Format.up(at, Format.BLOCK);
        return Format.up(inode.at + whole, Format.SLOT);
    }

    private static long contentBytes(Inode inode) {
        return inode.isSymbolicLink() ? inode.target.length : inode.sizeBytes;
    }

    // ---- directories ----

    /** Entries come sorted, in blocks that each hold some entries and then their names; the dots are among them. */
    private static List<List<byte[]>> directoryBlocks(Inode directory) {
        List<byte[]> names = new ArrayList<>();
        names.add(Names.encode("."));
        names.add(Names.encode(".."));
        directory.children.keySet().forEach(name -> names.add(Names.encode(name)));
        names.sort(Arrays::compareUnsigned);
        List<List<byte[]>> blocks = new ArrayList<>();
        List<byte[]> block = new ArrayList<>();
        int bytes = 0;
        for (byte[] name : names) {
            int more = Format.DIRENT_BYTES + name.length;
            if (bytes + more > Format.BLOCK) {
                blocks.add(block);
                block = new ArrayList<>();
                bytes = 0;
            }
            block.add(name);
            bytes += more;
        }
        blocks.add(block);
        return blocks;
    }

    private static long directoryBytes(Inode directory) {
        List<List<byte[]>> blocks = directoryBlocks(directory);
        long last = 0;
        for (byte[] name : blocks.get(blocks.size() - 1)) {
            last += Format.DIRENT_BYTES + name.length;
        }
        return (blocks.size() - 1L) * Format.BLOCK + last;
    }

    private static byte[] directoryContent(Inode directory, long metadata) {
        ByteBuffer content = ByteBuffer.allocate((int) directory.sizeBytes).order(ByteOrder.LITTLE_ENDIAN);
        int start = 0;
        for (List<byte[]> block : directoryBlocks(directory)) {
            int nameAt = block.size() * Format.DIRENT_BYTES;
            content.position(start);
            for (byte[] encoded : block) {
                String name = Names.decode(encoded);
                Inode child = name.equals(".")
                        ? directory
                        : name.equals("..") ? directory.parent : directory.children.get(name);
                if (child == null) {
                    throw new IllegalStateException("no " + name + " in its directory");
                }
                content.putLong((child.at - metadata) / Format.SLOT);
                content.putShort((short) nameAt);
                content.put((byte) Format.fileType(child.mode));
                content.put((byte) 0);
                nameAt += encoded.length;
            }
            block.forEach(content::put);
            start += Format.BLOCK;
        }
        return content.array();
    }

    // ---- writing it down ----

    private void write(Sheet sheet, Inode inode, int number, long metadata) throws IOException {
        sheet.moveTo(inode.at);
        ByteBuffer head =
                ByteBuffer.allocate(Format.INODE_BYTES + inode.xattrBytes()).order(ByteOrder.LITTLE_ENDIAN);
        int xattrs = inode.xattrBytes();
        head.putShort((short) (inode.inline ? Format.EXTENDED_INLINE : Format.EXTENDED_PLAIN));
        head.putShort((short) (xattrs == 0 ? 0 : (xattrs - Format.XATTR_HEADER_BYTES) / 4 + 1));
        head.putShort((short) inode.mode);
        head.putShort((short) 0);
        head.putLong(contentBytes(inode));
        head.putInt(place(inode));
        head.putInt(number);
        head.putInt((int) inode.uid);
        head.putInt((int) inode.gid);
        head.putLong(inode.modifiedSeconds);
        head.putInt(inode.modifiedNanos);
        head.putInt((int) inode.links);
        head.position(Format.INODE_BYTES);
        if (xattrs > 0) {
            head.position(Format.INODE_BYTES + Format.XATTR_HEADER_BYTES);
            inode.xattrs.forEach((name, value) -> put(head, name, value));
        }
        sheet.put(head.array());
        if (inode.inline) {
            sheet.put(contentOf(inode, metadata));
        }
    }

    /** The field that holds a device's numbers or the first block of content. */
    private static int place(Inode inode) {
        if (inode.isDirectory() || inode.isRegular() || inode.isSymbolicLink()) {
            return inode.dataAt == Inode.NOWHERE ? 0 : (int) (inode.dataAt / Format.BLOCK);
        }
        return Format.device(inode.major, inode.minor);
    }

    private static void put(ByteBuffer head, String name, byte[] value) {
        Format.XattrName split = Format.xattrName(name).orElseThrow();
        byte[] rest = Names.encode(split.rest());
        int start = head.position();
        head.put((byte) rest.length)
                .put((byte) split.index())
                .putShort((short) value.length)
                .put(rest)
                .put(value);
        head.position(start + Inode.xattrEntryBytes(name, value));
    }

    private byte[] contentOf(Inode inode, long metadata) throws IOException {
        if (inode.isDirectory()) {
            return directoryContent(inode, metadata);
        }
        if (inode.isSymbolicLink()) {
            return inode.target;
        }
        ByteBuffer content = ByteBuffer.allocate((int) inode.sizeBytes);
        while (content.hasRemaining()) {
            if (waiting.read(content, inode.waitsAt + content.position()) < 0) {
                throw new IOException("the content of a small file is not there any more");
            }
        }
        return content.array();
    }

    private void writeSuperblock(long metadata, long end, long inodes) throws IOException {
        ByteBuffer superblock = ByteBuffer.allocate(Format.SUPERBLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        superblock.putInt(0, Format.MAGIC);
        superblock.put(12, (byte) Format.BLOCK_BITS);
        superblock.putShort(14, (short) ((root.at - metadata) / Format.SLOT));
        superblock.putLong(16, inodes);
        superblock.putLong(24, now);
        superblock.putInt(36, (int) (end / Format.BLOCK));
        superblock.putInt(40, (int) (metadata / Format.BLOCK));
        writeFully(superblock, Format.SUPERBLOCK_AT);
    }

    private void writeFully(ByteBuffer bytes, long at) throws IOException {
        for (long position = at; bytes.hasRemaining(); ) {
            position += image.write(bytes, position);
        }
    }

    @Override
    public void close() throws IOException {
        try (waiting) {
            image.close();
        }
    }

    /** What is written from here to the end in one go, with zeros where nothing is said. */
    private final class Sheet {
        private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER);
        private long at;

        Sheet(long at) {
            this.at = at;
        }

        private long position() {
            return at + buffer.position();
        }

        void moveTo(long position) throws IOException {
            for (long zeros = position - position(); zeros > 0; ) {
                int step = (int) Math.min(zeros, Format.BLOCK);
                put(new byte[step]);
                zeros -= step;
            }
        }

        void put(byte[] bytes) throws IOException {
            for (int done = 0; done < bytes.length; ) {
                if (!buffer.hasRemaining()) {
                    flush();
                }
                int step = Math.min(bytes.length - done, buffer.remaining());
                buffer.put(bytes, done, step);
                done += step;
            }
        }

        void flush() throws IOException {
            long from = at;
            at = position();
            buffer.flip();
            writeFully(buffer, from);
            buffer.clear();
        }
    }

    /** The content of one file. */
    private final class Content implements Dir.Output {
        private final Inode inode;
        private final ByteBuffer little = ByteBuffer.allocate(LITTLE);
        private long position;
        private boolean closed;

        Content(Inode inode) {
            this.inode = inode;
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            if (inode.dataAt == Inode.NOWHERE && length <= little.remaining()) {
                little.put(bytes, offset, length);
            } else {
                toBlocks();
                writeFully(ByteBuffer.wrap(bytes, offset, length), inode.dataAt + position);
            }
            position += length;
        }

        @Override
        public void skip(long length) throws IOException {
            if (inode.dataAt == Inode.NOWHERE && length <= little.remaining()) {
                little.put(new byte[(int) length]);
            } else {
                toBlocks();
            }
            position += length;
        }

        private void toBlocks() throws IOException {
            if (inode.dataAt == Inode.NOWHERE) {
                inode.dataAt = dataEnd;
                writeFully(little.flip(), dataEnd);
            }
        }

        @Override
        public void chown(long uid, long gid) {
            inode.uid = uid;
            inode.gid = gid;
        }

        @Override
        public boolean setXattr(String key, byte[] value) throws IOException {
            return WriterDir.setXattr(inode, key, value);
        }

        @Override
        public void chmod(int mode) {
            inode.mode = inode.mode & Format.TYPE | mode & 07777;
        }

        @Override
        public void setTimes(long modifiedSeconds, int modifiedNanos) {
            inode.modifiedSeconds = modifiedSeconds;
            inode.modifiedNanos = modifiedNanos;
        }

        @Override
        public void close() throws IOException {
            if (closed) {
                return;
            }
            closed = true;
            writing = false;
            inode.sizeBytes = position;
            if (inode.dataAt != Inode.NOWHERE) {
                dataEnd = Format.up(inode.dataAt + position, Format.BLOCK);
            } else {
                inode.waitsAt = waitingEnd;
                little.flip();
                while (little.hasRemaining()) {
                    waitingEnd += waiting.write(little, waitingEnd);
                }
            }
        }
    }
}
