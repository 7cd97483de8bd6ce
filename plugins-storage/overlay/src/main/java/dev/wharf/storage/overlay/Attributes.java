package dev.wharf.storage.overlay;

import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.Usage;
import dev.wharf.storage.shelves.Notes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What there is to know of a snapshot, in extended attributes of its directory: they take no inode and, for a parent that is a
 * layer, no block either.
 */
final class Attributes implements Notes {
    private static final String PARENT = "trusted.wharf.parent";
    private static final String USAGE = "trusted.wharf.usage";
    private static final String LIMIT = "trusted.wharf.limit";
    private static final String VOLATILE = "trusted.wharf.volatile";
    private static final String LAYER = "layer-";
    private static final Pattern LAYER_KEY = Pattern.compile(LAYER + "[0-9a-f]{64}");

    private final FileCalls files;

    Attributes(FileCalls files) {
        this.files = files;
    }

    @Override
    public Optional<SnapshotKey> parent(Path snapshot) throws IOException {
        return files.xattr(snapshot, PARENT).map(Attributes::decode);
    }

    @Override
    public void setParent(Path snapshot, SnapshotKey parent) throws IOException {
        files.setXattr(snapshot, PARENT, encode(parent));
    }

    @Override
    public Optional<Usage> usage(Path snapshot) throws IOException {
        return files.xattr(snapshot, USAGE).map(bytes -> Notes.usage(new String(bytes, StandardCharsets.US_ASCII)));
    }

    @Override
    public void setUsage(Path snapshot, Usage usage) throws IOException {
        write(snapshot, USAGE, Notes.text(usage));
    }

    /** The boot of the host in which a snapshot was last mounted volatile. */
    Optional<String> volatileBoot(Path snapshot) throws IOException {
        return files.xattr(snapshot, VOLATILE).map(bytes -> new String(bytes, StandardCharsets.US_ASCII));
    }

    void setVolatileBoot(Path snapshot, String boot) throws IOException {
        write(snapshot, VOLATILE, boot);
    }

    /** In bytes. */
    Optional<Long> limit(Path snapshot) throws IOException {
        return files.xattr(snapshot, LIMIT).map(bytes -> Long.valueOf(new String(bytes, StandardCharsets.US_ASCII)));
    }

    void setLimit(Path snapshot, long sizeBytes) throws IOException {
        write(snapshot, LIMIT, Long.toString(sizeBytes));
    }

    private void write(Path snapshot, String name, String text) throws IOException {
        files.setXattr(snapshot, name, text.getBytes(StandardCharsets.US_ASCII));
    }

    /** {@code L} and the 32 bytes of a layer's digest, since the room for attributes inside an inode is small, or {@code K} and text. */
    private static byte[] encode(SnapshotKey key) {
        if (LAYER_KEY.matcher(key.value()).matches()) {
            byte[] digest = HexFormat.of().parseHex(key.value().substring(LAYER.length()));
            return ByteBuffer.allocate(1 + digest.length)
                    .put((byte) 'L')
                    .put(digest)
                    .array();
        }
        return ("K" + key.value()).getBytes(StandardCharsets.US_ASCII);
    }

    private static SnapshotKey decode(byte[] bytes) {
        return new SnapshotKey(
                bytes.length == 33 && bytes[0] == 'L'
                        ? LAYER + HexFormat.of().formatHex(bytes, 1, bytes.length)
                        : new String(bytes, 1, Math.max(0, bytes.length - 1), StandardCharsets.US_ASCII));
    }
}
