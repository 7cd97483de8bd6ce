package dev.wharf.oci.archive;

import com.fasterxml.jackson.databind.JsonNode;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Platform;
import dev.wharf.model.Reference;
import dev.wharf.oci.image.DocumentException;
import dev.wharf.oci.image.ImageConfigs;
import dev.wharf.oci.image.Index;
import dev.wharf.oci.image.Manifest;
import dev.wharf.oci.layout.OciLayout;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/**
 * Reads one archive. The table of contents may come last, so every file that could be a blob is taken, and what the table of
 * contents then does not name is left over.
 */
final class ArchiveReader {
    private static final int MAX_ENTRIES = 100_000;

    /** What may stand before one entry: its long names and its attributes. */
    private static final int MAX_HEADER_BYTES = 1 << 20;

    private static final Set<String> TABLES = Set.of("index.json", "manifest.json", "oci-layout");

    /** Old archives carry a version and a second, older config beside each layer; nobody needs them any more. */
    private static final Pattern RELICS = Pattern.compile("repositories|[0-9a-f]{64}/(?:json|VERSION)");

    private static final Pattern BLOB = Pattern.compile("blobs/(sha256|sha512)/([0-9a-f]+)");

    private final Blobs blobs;
    private final Platform wanted;

    private final Map<String, byte[]> tables = new HashMap<>();
    private final Map<String, Descriptor> files = new HashMap<>();
    private final Map<String, String> links = new HashMap<>();
    private final Set<Digest> used = new HashSet<>();

    ArchiveReader(Blobs blobs, Platform wanted) {
        this.blobs = blobs;
        this.wanted = wanted;
    }

    ImageArchive.Contents read(InputStream archive) throws IOException {
        InputStream tar = Packed.unpack(archive);
        try {
            takeEverything(tar);
        } finally {
            Packed.done(tar);
        }
        byte[] index = tables.get("index.json");
        byte[] table = tables.get("manifest.json");
        List<ArchivedImage> images;
        if (index != null && tables.containsKey("oci-layout")) {
            images = layoutImages(index);
        } else if (table != null) {
            images = dockerImages(table);
        } else {
            throw new DocumentException("the archive holds no image: neither manifest.json nor an OCI index");
        }
        Set<Digest> leftovers = new HashSet<>();
        files.values().forEach(file -> leftovers.add(file.digest()));
        leftovers.removeAll(used);
        return new ImageArchive.Contents(images, leftovers);
    }

    // --- the pass over the tar

    private void takeEverything(InputStream unpacked) throws IOException {
        HeaderGuard guard = new HeaderGuard(unpacked);
        // The tar stream is not closed, for the archive belongs to the caller.
        TarArchiveInputStream tar = new TarArchiveInputStream(guard, "UTF-8");
        int entries = 0;
        for (TarArchiveEntry entry = next(tar, guard); entry != null; entry = next(tar, guard)) {
            if (++entries > MAX_ENTRIES) {
                throw new DocumentException("the archive has more than " + MAX_ENTRIES + " entries");
            }
            take(entry, tar);
            tar.transferTo(OutputStream.nullOutputStream());
        }
        if (entries == 0) {
            throw new DocumentException("the archive is empty or no tar");
        }
        unpacked.transferTo(OutputStream.nullOutputStream());
    }

    private static TarArchiveEntry next(TarArchiveInputStream tar, HeaderGuard guard) throws IOException {
        guard.budget = MAX_HEADER_BYTES;
        try {
            return tar.getNextEntry();
        } catch (RuntimeException e) {
            throw new DocumentException("malformed tar: " + e.getMessage(), e);
        } finally {
            guard.budget = Long.MAX_VALUE;
        }
    }

    private void take(TarArchiveEntry entry, InputStream content) throws IOException {
        if (entry.isDirectory()) {
            return;
        }
        String name = normal(entry.getName());
        if (entry.isSymbolicLink()) {
            int slash = name.lastIndexOf('/');
            links.put(name, resolved(slash < 0 ? "" : name.substring(0, slash), entry.getLinkName()));
        } else if (entry.isLink()) {
            links.put(name, normal(entry.getLinkName()));
        } else if (!isPlain(entry)) {
            throw new DocumentException("the archive holds \"" + name + "\", which is no plain file");
        } else if (TABLES.contains(name)) {
            tables.put(name, document(content, Manifest.LIMIT_BYTES, name));
        } else if (!RELICS.matcher(name).matches()) {
            takeBlob(name, content);
        }
    }

    private static boolean isPlain(TarArchiveEntry entry) {
        return entry.isFile()
                && !entry.isSparse()
                && !entry.isCharacterDevice()
                && !entry.isBlockDevice()
                && !entry.isFIFO();
    }

    private void takeBlob(String name, InputStream content) throws IOException {
        BufferedInputStream bytes = new BufferedInputStream(content, 64 << 10);
        Descriptor blob = blobs.take(Packed.layerType(bytes), bytes);
        files.put(name, blob);
        var form = BLOB.matcher(name);
        if (form.matches()
                && form.group(1).equals("sha256")
                && !form.group(2).equals(blob.digest().hex())) {
            throw new DocumentException("the archive's file " + name + " has in truth " + blob.digest());
        }
    }

    /** A path in the archive; one that leads out of it is refused, though nothing would be written there. */
    private static String normal(String path) throws DocumentException {
        String name = path.startsWith("./") ? path.substring(2) : path;
        if (name.startsWith("/") || List.of(name.split("/", -1)).contains("..")) {
            throw new DocumentException("invalid path \"" + path + "\" in the archive");
        }
        return name;
    }

    private static String resolved(String directory, String target) throws DocumentException {
        List<String> parts = new ArrayList<>(directory.isEmpty() ? List.of() : List.of(directory.split("/")));
        for (String part : target.split("/")) {
            if (part.equals("..") && !parts.isEmpty()) {
                parts.remove(parts.size() - 1);
            } else if (!part.equals(".")) {
                parts.add(part);
            }
        }
        return normal(String.join("/", parts));
    }

    // --- Docker's archive

    private List<ArchivedImage> dockerImages(byte[] table) throws IOException {
        List<ArchivedImage> images = new ArrayList<>();
        for (JsonNode line : Tables.parse(table)) {
            images.add(dockerImage(
                    Tables.text(line, "Config"), Tables.texts(line, "Layers"), Tables.texts(line, "RepoTags")));
        }
        return images;
    }

    private ArchivedImage dockerImage(String configName, List<String> layerNames, List<String> tags)
            throws IOException {
        Descriptor config = typed(file(configName), MediaTypes.OCI_CONFIG);
        byte[] document = bytes(config, ImageConfigs.LIMIT_BYTES);
        ImageConfig settings = ImageConfigs.parse(document);
        List<Descriptor> layers = new ArrayList<>();
        for (String name : layerNames) {
            layers.add(file(name));
        }
        Manifest manifest = new Manifest(config, layers);
        // The archive has no manifest; the one made here is the same each time, so that loading twice gives one image.
        Descriptor written = blobs.take(MediaTypes.OCI_MANIFEST, new ByteArrayInputStream(manifest.write()));
        List<Reference> names = new ArrayList<>();
        for (String tag : tags) {
            names.add(reference(tag));
        }
        return image(typed(written, MediaTypes.OCI_MANIFEST), manifest, settings, names);
    }

    private Descriptor file(String name) throws DocumentException {
        String at = normal(name);
        Set<String> seen = new HashSet<>();
        while (!files.containsKey(at) && links.containsKey(at) && seen.add(at)) {
            at = links.get(at);
        }
        Descriptor file = files.get(at);
        if (file == null) {
            throw new DocumentException("the archive names \"" + name + "\" but does not hold it");
        }
        return file;
    }

    // --- the OCI layout

    /** A manifest and all the names that lead to it. */
    private record Found(Descriptor manifest, Set<Reference> names) {}

    private List<ArchivedImage> layoutImages(byte[] index) throws IOException {
        Map<Digest, Descriptor> present = new HashMap<>();
        files.values().forEach(file -> present.put(file.digest(), file));
        Map<Digest, Found> found = new LinkedHashMap<>();
        for (Descriptor entry : Index.parse(index, "").manifests()) {
            Optional<Reference> name = name(entry);
            choose(entry, present, 1).ifPresent(manifest -> {
                Found one =
                        found.computeIfAbsent(manifest.digest(), digest -> new Found(manifest, new LinkedHashSet<>()));
                name.ifPresent(one.names()::add);
            });
        }
        if (found.isEmpty()) {
            throw new DocumentException("the archive holds no image for " + wanted);
        }
        List<ArchivedImage> images = new ArrayList<>();
        for (Found one : found.values()) {
            Descriptor descriptor = one.manifest();
            Manifest manifest = Manifest.parse(bytes(descriptor, Manifest.LIMIT_BYTES), descriptor.mediaType());
            for (Descriptor part : parts(manifest)) {
                if (!present.containsKey(part.digest())) {
                    throw new DocumentException("the archive names " + part.digest() + " but does not hold it");
                }
            }
            ImageConfig settings = ImageConfigs.parse(bytes(manifest.config(), ImageConfigs.LIMIT_BYTES));
            images.add(image(descriptor, manifest, settings, List.copyOf(one.names())));
        }
        return images;
    }

    /** The manifest that an entry of the index leads to; an archive of one platform may well name others. */
    private Optional<Descriptor> choose(Descriptor entry, Map<Digest, Descriptor> present, int depth)
            throws IOException {
        if (!present.containsKey(entry.digest())) {
            return Optional.empty();
        }
        if (MediaTypes.isManifest(entry.mediaType())) {
            return Optional.of(entry);
        }
        if (!MediaTypes.isIndex(entry.mediaType())) {
            return Optional.empty();
        }
        if (depth >= Index.MAX_DEPTH) {
            throw new DocumentException("the archive's index is nested too deep");
        }
        used.add(entry.digest());
        Index index = Index.parse(bytes(entry, Manifest.LIMIT_BYTES), entry.mediaType());
        for (Descriptor choice : index.choices(wanted)) {
            Optional<Descriptor> chosen = choose(choice, present, depth + 1);
            if (chosen.isPresent()) {
                return chosen;
            }
        }
        return Optional.empty();
    }

    private static Optional<Reference> name(Descriptor entry) throws DocumentException {
        String whole = entry.annotations().getOrDefault(OciLayout.IMAGE_NAME, "");
        if (!whole.isEmpty()) {
            return Optional.of(reference(whole));
        }
        String name = entry.annotations().getOrDefault(OciLayout.REF_NAME, "");
        // A bare tag says nothing about the repository, so such an image has no name here.
        return name.indexOf(':') >= 0 || name.indexOf('/') >= 0 ? Optional.of(reference(name)) : Optional.empty();
    }

    // --- both

    private ArchivedImage image(Descriptor descriptor, Manifest manifest, ImageConfig settings, List<Reference> names)
            throws IOException {
        List<LayerSpec> layers = manifest.layersOf(settings);
        for (LayerSpec layer : layers) {
            boolean plain = layer.descriptor().mediaType().endsWith(".tar");
            if (plain && !layer.descriptor().digest().equals(layer.diffId())) {
                throw new DocumentException("the layer " + layer.descriptor().digest()
                        + " is not the one that the config names, " + layer.diffId());
            }
        }
        used.add(descriptor.digest());
        parts(manifest).forEach(part -> used.add(part.digest()));
        return new ArchivedImage(descriptor, manifest.config(), settings, layers, names);
    }

    private static List<Descriptor> parts(Manifest manifest) {
        List<Descriptor> parts = new ArrayList<>(manifest.layers());
        parts.add(manifest.config());
        return parts;
    }

    private byte[] bytes(Descriptor blob, int limitBytes) throws IOException {
        try (InputStream in = blobs.open(blob.digest())) {
            return document(in, limitBytes, blob.digest().toString());
        }
    }

    private static byte[] document(InputStream in, int limitBytes, String what) throws IOException {
        byte[] bytes = in.readNBytes(limitBytes + 1);
        if (bytes.length > limitBytes) {
            throw new DocumentException(what + " is too big: at most " + limitBytes + " bytes are read");
        }
        return bytes;
    }

    private static Descriptor typed(Descriptor blob, String mediaType) {
        return new Descriptor(mediaType, blob.digest(), blob.sizeBytes());
    }

    private static Reference reference(String text) throws DocumentException {
        try {
            return Reference.parse(text);
        } catch (IllegalArgumentException e) {
            throw new DocumentException("invalid name \"" + text + "\" in the archive: " + e.getMessage(), e);
        }
    }

    /** Bounds what the tar reader may take in between two entries, because it gathers all of that in memory. */
    private static final class HeaderGuard extends FilterInputStream {
        long budget = Long.MAX_VALUE;

        HeaderGuard(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            int b = super.read();
            spend(b < 0 ? 0 : 1);
            return b;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            int n = super.read(buffer, offset, length);
            spend(Math.max(n, 0));
            return n;
        }

        @Override
        public long skip(long n) throws IOException {
            long skipped = super.skip(n);
            spend(skipped);
            return skipped;
        }

        private void spend(long bytes) throws IOException {
            if (budget != Long.MAX_VALUE) {
                budget -= bytes;
                if (budget < 0) {
                    throw new DocumentException("malformed tar: an entry's header is too big");
                }
            }
        }
    }
}
