package dev.wharf.oci.layout;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.Reference;
import dev.wharf.oci.image.DocumentException;
import dev.wharf.oci.image.Index;
import dev.wharf.oci.image.Manifest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;

/**
 * One folder in the form of an OCI image layout (OCI image spec, image layout): {@code oci-layout}, {@code index.json} and
 * {@code blobs/<algorithm>/<hex>}. Everything is read afresh from disk, so that other tools may change the folder at any
 * time. What is written appears whole or not at all, a blob before what names it, and survives a loss of power.
 */
public final class OciLayout {
    /** The annotation by which an index names its manifests. */
    public static final String REF_NAME = "org.opencontainers.image.ref.name";

    /** The annotation that holds a whole reference, as containerd writes it. */
    public static final String IMAGE_NAME = "io.containerd.image.name";

    /** The content of the file {@code oci-layout}. */
    public static final String MARKER = "{\"imageLayoutVersion\":\"1.0.0\"}";

    private static final AtomicLong COUNTER = new AtomicLong();

    /** Guards every {@code index.json} of this JVM, because a file lock only keeps other processes out. */
    private static final Object INDEX_LOCK = new Object();

    private final Path folder;

    public OciLayout(Path folder) {
        this.folder = folder;
    }

    public Path folder() {
        return folder;
    }

    /** Whether the folder is a layout now. */
    public boolean exists() {
        return Files.isRegularFile(folder.resolve("oci-layout"));
    }

    /** Makes the folder a layout; one that is there stays as it is. */
    public OciLayout create() throws IOException {
        Files.createDirectories(folder.resolve("blobs").resolve("sha256"));
        if (!Files.exists(folder.resolve("index.json"))) {
            change(manifests -> manifests);
        }
        if (!exists()) {
            replace(folder.resolve("oci-layout"), MARKER.getBytes(StandardCharsets.UTF_8));
        }
        return this;
    }

    /** Where the blob with this digest lies, whether it is there or not. */
    public Path path(Digest digest) {
        return directory(digest).resolve(digest.hex());
    }

    private Path directory(Digest digest) {
        return folder.resolve("blobs").resolve(digest.algorithm());
    }

    public boolean has(Digest digest) {
        return Files.isRegularFile(path(digest));
    }

    /** The blob's bytes from {@code offset} on. {@link NoSuchFileException} where it is not there. */
    public InputStream open(Digest digest, long offset) throws IOException {
        FileChannel channel = FileChannel.open(path(digest), StandardOpenOption.READ);
        try {
            channel.position(offset);
            return Channels.newInputStream(channel);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /** The bytes of a document that is at most {@code limitBytes} long. */
    public byte[] read(Digest digest, int limitBytes) throws IOException {
        try (InputStream in = open(digest, 0)) {
            byte[] bytes = in.readNBytes(limitBytes + 1);
            if (bytes.length > limitBytes) {
                throw new DocumentException(digest + " is too big: at most " + limitBytes + " bytes are read");
            }
            return bytes;
        }
    }

    /** What {@code index.json} lists. */
    public List<Descriptor> manifests() throws IOException {
        try (InputStream in = Files.newInputStream(folder.resolve("index.json"))) {
            return Index.parse(in.readNBytes(Manifest.LIMIT_BYTES + 1), "").manifests();
        }
    }

    /**
     * What a reference stands for here. A name in the index is a tag or, as some tools write it, a whole reference; a
     * layout of one image without a name answers to {@code latest}.
     */
    public Optional<Descriptor> resolve(Reference reference) throws IOException {
        return reference.digest().isPresent() ? describe(reference.digest().get()) : find(manifests(), reference);
    }

    /** What a reference without a digest stands for among the manifests that an {@code index.json} lists. */
    public static Optional<Descriptor> find(List<Descriptor> manifests, Reference reference) {
        String tag = reference.tag().orElse("latest");
        for (Descriptor manifest : manifests) {
            if (tag.equals(manifest.annotations().get(REF_NAME)) || named(manifest, reference)) {
                return Optional.of(manifest);
            }
        }
        boolean nameless = manifests.size() == 1
                && !manifests.get(0).annotations().containsKey(REF_NAME)
                && !manifests.get(0).annotations().containsKey(IMAGE_NAME);
        return nameless && tag.equals("latest") ? Optional.of(manifests.get(0)) : Optional.empty();
    }

    private static boolean named(Descriptor manifest, Reference reference) {
        for (String key : List.of(REF_NAME, IMAGE_NAME)) {
            String name = manifest.annotations().getOrDefault(key, "");
            try {
                // A bare word is a tag, which was looked at before.
                if ((name.indexOf(':') >= 0 || name.indexOf('/') >= 0)
                        && Reference.parse(name).equals(reference)) {
                    return true;
                }
            } catch (IllegalArgumentException e) {
                // Any text may stand there; what is no reference names nothing we could be asked for.
            }
        }
        return false;
    }

    /** Describes the manifest or index with this digest, which need not be listed: it may be inside another index. */
    private Optional<Descriptor> describe(Digest digest) throws IOException {
        for (Descriptor manifest : manifests()) {
            if (manifest.digest().equals(digest)) {
                return Optional.of(manifest);
            }
        }
        if (!has(digest)) {
            return Optional.empty();
        }
        byte[] bytes = read(digest, Manifest.LIMIT_BYTES);
        return Optional.of(new Descriptor(mediaTypeOf(bytes), digest, bytes.length));
    }

    /** What a manifest or an index is by its content. */
    public static String mediaTypeOf(byte[] document) throws DocumentException {
        try {
            return Manifest.parse(document, "").mediaType();
        } catch (DocumentException notAManifest) {
            try {
                return Index.parse(document, "").mediaType();
            } catch (DocumentException notAnIndex) {
                throw notAManifest;
            }
        }
    }

    /** Keeps small content. */
    public Descriptor put(String mediaType, byte[] bytes) throws IOException {
        return put(new Descriptor(mediaType, Digest.sha256(bytes), bytes.length), new ByteArrayInputStream(bytes));
    }

    /** Keeps content, reading {@code bytes} to their end. {@link DocumentException} where size or digest differ. */
    public Descriptor put(Descriptor expected, InputStream bytes) throws IOException {
        Path target = path(expected.digest());
        if (has(expected.digest()) && Files.size(target) == expected.sizeBytes()) {
            return expected;
        }
        Files.createDirectories(directory(expected.digest()));
        Path part = part(target);
        try {
            try (FileChannel channel =
                    FileChannel.open(part, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                copyVerified(expected, bytes, Channels.newOutputStream(channel));
                channel.force(true);
            }
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
            sync(directory(expected.digest()));
        } finally {
            Files.deleteIfExists(part);
        }
        return expected;
    }

    private static void copyVerified(Descriptor expected, InputStream in, OutputStream out) throws IOException {
        MessageDigest hasher = Digest.hasher(expected.digest().algorithm());
        byte[] buffer = new byte[64 << 10];
        long size = 0;
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
            size += n;
            if (size > expected.sizeBytes()) {
                throw new DocumentException(
                        expected.digest() + " is longer than the " + expected.sizeBytes() + " bytes announced");
            }
            hasher.update(buffer, 0, n);
            out.write(buffer, 0, n);
        }
        Digest found = Digest.of(expected.digest().algorithm(), hasher.digest());
        if (size != expected.sizeBytes() || !found.equals(expected.digest())) {
            throw new DocumentException("content is not what was announced: expected " + expected.sizeBytes()
                    + " bytes with " + expected.digest() + ", found " + size + " bytes with " + found);
        }
    }

    /** Makes {@code tag} stand for {@code manifest}, whose bytes are here, and for nothing else. */
    public void tag(String tag, Descriptor manifest) throws IOException {
        if (!has(manifest.digest())) {
            throw new NoSuchFileException(path(manifest.digest()).toString());
        }
        Map<String, String> annotations = new HashMap<>(manifest.annotations());
        annotations.put(REF_NAME, tag);
        Descriptor named = new Descriptor(
                manifest.mediaType(), manifest.digest(), manifest.sizeBytes(), manifest.platform(), annotations);
        change(manifests -> {
            List<Descriptor> after = new ArrayList<>(manifests);
            after.removeIf(other -> tag.equals(other.annotations().get(REF_NAME)));
            after.add(named);
            return after;
        });
    }

    private void change(UnaryOperator<List<Descriptor>> change) throws IOException {
        synchronized (INDEX_LOCK) {
            Path lockFile = folder.resolve(".index.lock");
            try (FileChannel channel = FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    FileLock lock = channel.lock()) {
                Path file = folder.resolve("index.json");
                List<Descriptor> before = Files.exists(file) ? manifests() : List.of();
                List<Descriptor> after = change.apply(before);
                if (lock.isValid() && (!Files.exists(file) || !after.equals(before))) {
                    replace(file, new Index(after).write());
                }
            }
        }
    }

    private void replace(Path file, byte[] bytes) throws IOException {
        Path part = part(file);
        try {
            try (FileChannel channel =
                    FileChannel.open(part, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                for (ByteBuffer buffer = ByteBuffer.wrap(bytes); buffer.hasRemaining(); ) {
                    channel.write(buffer);
                }
                channel.force(true);
            }
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            sync(folder);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    /** A name beside {@code file} that nobody else has; the remains of a crash are in nobody's way. */
    private static Path part(Path file) {
        return file.resolveSibling("." + file.getFileName() + "."
                + ProcessHandle.current().pid() + "-" + COUNTER.incrementAndGet() + ".part");
    }

    /** A new name is durable only when the directory that holds it is. */
    private static void sync(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
