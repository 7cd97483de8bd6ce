package dev.wharf.oci.archive;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.Reference;
import dev.wharf.oci.image.DocumentException;
import dev.wharf.oci.image.ImageConfigs;
import dev.wharf.oci.image.Index;
import dev.wharf.oci.image.Manifest;
import dev.wharf.oci.layout.OciLayout;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/** Writes one archive. Every file is a blob in its OCI place, and Docker's table of contents points there as well. */
final class ArchiveWriter {
    private final Blobs blobs;
    private final TarArchiveOutputStream tar;

    private final Set<Digest> written = new HashSet<>();
    private long made;
    private final List<Descriptor> index = new ArrayList<>();
    private final ArrayNode table = JsonNodeFactory.instance.arrayNode();
    private final Map<String, Map<String, String>> repositories = new TreeMap<>();

    ArchiveWriter(OutputStream out, Blobs blobs) {
        this.blobs = blobs;
        tar = new TarArchiveOutputStream(out, "UTF-8");
        tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
        tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
    }

    void write(List<ImageArchive.SavedImage> images) throws IOException {
        directory("blobs/");
        directory("blobs/sha256/");
        for (ImageArchive.SavedImage image : images) {
            write(image);
        }
        file("index.json", new Index(index).write());
        file("manifest.json", Tables.MAPPER.writeValueAsBytes(table));
        file("oci-layout", OciLayout.MARKER.getBytes(StandardCharsets.UTF_8));
        file("repositories", Tables.MAPPER.writeValueAsBytes(repositories));
        tar.finish();
        tar.flush();
    }

    private void write(ImageArchive.SavedImage image) throws IOException {
        Manifest manifest = whole(image.manifest());
        for (Descriptor other : image.others()) {
            whole(other);
        }
        if (image.index().isPresent()) {
            blob(image.index().get());
        }
        list(image, manifest);
    }

    /** Writes a manifest with everything that it names. */
    private Manifest whole(Descriptor descriptor) throws IOException {
        byte[] document;
        try (InputStream in = blobs.open(descriptor.digest())) {
            document = in.readNBytes(Manifest.LIMIT_BYTES + 1);
        }
        Manifest manifest = Manifest.parse(document, descriptor.mediaType());
        made = made(manifest.config());
        for (Descriptor layer : manifest.layers()) {
            blob(layer);
        }
        blob(manifest.config());
        if (written.add(descriptor.digest())) {
            file(path(descriptor.digest()), document);
        }
        made = 0;
        return manifest;
    }

    /** When an image was made, as its configuration says; what it says in another way is left to whoever runs it. */
    private long made(Descriptor config) throws IOException {
        byte[] document;
        try (InputStream in = blobs.open(config.digest())) {
            document = in.readNBytes(ImageConfigs.LIMIT_BYTES);
        }
        try {
            return OffsetDateTime.parse(ImageConfigs.parse(document).created())
                    .toInstant()
                    .toEpochMilli();
        } catch (DateTimeParseException | DocumentException e) {
            return 0;
        }
    }

    private void list(ImageArchive.SavedImage image, Manifest manifest) {
        Descriptor target = image.index().orElse(image.manifest());
        Descriptor plain = new Descriptor(target.mediaType(), target.digest(), target.sizeBytes());
        if (image.names().isEmpty()) {
            index.add(plain);
        }
        ObjectNode line = table.addObject();
        line.put("Config", path(manifest.config().digest()));
        ArrayNode tags = line.putArray("RepoTags");
        for (Reference name : image.names()) {
            index.add(named(plain, name));
            name.tag().ifPresent(tag -> {
                tags.add(Reference.of(name.repository(), tag).familiar());
                if (!manifest.layers().isEmpty()) {
                    Digest top =
                            manifest.layers().get(manifest.layers().size() - 1).digest();
                    repositories
                            .computeIfAbsent(name.repository().familiar(), r -> new TreeMap<>())
                            .put(tag, top.hex());
                }
            });
        }
        ArrayNode layers = line.putArray("Layers");
        manifest.layers().forEach(layer -> layers.add(path(layer.digest())));
    }

    private static Descriptor named(Descriptor manifest, Reference name) {
        Map<String, String> annotations = new TreeMap<>();
        annotations.put(OciLayout.IMAGE_NAME, name.toString());
        name.tag().ifPresent(tag -> annotations.put(OciLayout.REF_NAME, tag));
        return new Descriptor(
                manifest.mediaType(), manifest.digest(), manifest.sizeBytes(), manifest.platform(), annotations);
    }

    private void blob(Descriptor blob) throws IOException {
        if (!written.add(blob.digest())) {
            return;
        }
        try (InputStream in = blobs.open(blob.digest())) {
            begin(path(blob.digest()), blob.sizeBytes());
            long copied = in.transferTo(tar);
            if (copied != blob.sizeBytes()) {
                throw new DocumentException(
                        blob.digest() + " has " + copied + " bytes where the manifest says " + blob.sizeBytes());
            }
            tar.closeArchiveEntry();
        }
    }

    private void file(String path, byte[] content) throws IOException {
        begin(path, content.length);
        tar.write(content);
        tar.closeArchiveEntry();
    }

    private void directory(String path) throws IOException {
        TarArchiveEntry entry = new TarArchiveEntry(path);
        entry.setMode(0755);
        entry.setModTime(0);
        tar.putArchiveEntry(entry);
        tar.closeArchiveEntry();
    }

    private void begin(String path, long sizeBytes) throws IOException {
        TarArchiveEntry entry = new TarArchiveEntry(path);
        entry.setSize(sizeBytes);
        entry.setMode(0444);
        // The same images give the same bytes, whenever they are saved: what belongs to one is as old as that.
        entry.setModTime(made);
        tar.putArchiveEntry(entry);
    }

    private static String path(Digest digest) {
        return "blobs/" + digest.algorithm() + "/" + digest.hex();
    }
}
