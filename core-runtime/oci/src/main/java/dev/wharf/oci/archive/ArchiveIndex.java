package dev.wharf.oci.archive;

import com.fasterxml.jackson.databind.JsonNode;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Reference;
import dev.wharf.oci.image.DocumentException;
import dev.wharf.oci.image.ImageConfigs;
import dev.wharf.oci.image.Index;
import dev.wharf.oci.image.Manifest;
import dev.wharf.oci.layout.OciLayout;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What an archive holds and where, for those who read it where it lies. Names of blobs are believed, since whoever reads a
 * blob checks it; so an archive that is not packed is gone through by its headers alone.
 */
public final class ArchiveIndex {
    /** Documents are kept in memory; what is larger is looked for in the archive. */
    private static final int DOCUMENT_BYTES = 1 << 20;

    private static final int ALL_DOCUMENTS_BYTES = 32 << 20;

    private final TarPass pass = new TarPass(this::take);
    private final Map<String, Digest> digests = new HashMap<>();
    private final Map<String, Place> files = new HashMap<>();
    private final Map<String, String> layerTypes = new HashMap<>();
    private final Map<String, byte[]> smallFiles = new HashMap<>();

    private final Map<Digest, Place> places = new HashMap<>();
    private final Map<Digest, byte[]> documents = new HashMap<>();
    private final List<Entry> entries = new ArrayList<>();
    private int documentBytes;

    private ArchiveIndex() {}

    /** Where bytes lie in the unpacked archive. */
    public record Place(long offset, long sizeBytes) {}

    /**
     * An image or an index that the archive offers.
     *
     * @param names what it is called as a whole
     * @param tag what it is called where nothing says in which repository; empty where it has no such name
     */
    public record Entry(Descriptor manifest, List<Reference> names, Optional<String> tag) {
        public Entry {
            names = List.copyOf(names);
        }
    }

    /** Goes through an archive of Docker's or an OCI layout, packed or not. The archive stays open. */
    public static ArchiveIndex of(InputStream archive) throws IOException {
        ArchiveIndex index = new ArchiveIndex();
        index.pass.over(archive);
        index.understand();
        return index;
    }

    public List<Entry> entries() {
        return List.copyOf(entries);
    }

    /** A small document that the archive holds or, as manifests of Docker's archives, that was made for it. */
    public Optional<byte[]> document(Digest digest) {
        return Optional.ofNullable(documents.get(digest)).map(byte[]::clone);
    }

    /** Where a blob's bytes are; empty where the archive has none. */
    public Optional<Place> place(Digest digest) {
        return Optional.ofNullable(places.get(digest));
    }

    /** The descriptor of a manifest or an index, listed or not. */
    public Optional<Descriptor> describe(Digest digest) {
        Optional<Descriptor> listed = entries.stream()
                .map(Entry::manifest)
                .filter(m -> m.digest().equals(digest))
                .findFirst();
        return listed.or(() -> document(digest).flatMap(bytes -> described(digest, bytes)));
    }

    private static Optional<Descriptor> described(Digest digest, byte[] bytes) {
        try {
            return Optional.of(new Descriptor(Manifest.parse(bytes, "").mediaType(), digest, bytes.length));
        } catch (DocumentException noManifest) {
            try {
                return Optional.of(new Descriptor(Index.parse(bytes, "").mediaType(), digest, bytes.length));
            } catch (DocumentException noIndexEither) {
                return Optional.empty();
            }
        }
    }

    // ---- the pass

    private void take(String name, long offset, long sizeBytes, InputStream content) throws IOException {
        Place place = new Place(offset, sizeBytes);
        files.put(name, place);
        BufferedInputStream bytes = new BufferedInputStream(content, Packed.LONGEST_MAGIC);
        String layerType = Packed.layerType(bytes);
        layerTypes.put(name, layerType);
        bytes.mark(1);
        boolean isDocument = bytes.read() == '{' && sizeBytes <= DOCUMENT_BYTES;
        bytes.reset();
        var form = TarPass.BLOB.matcher(name);
        if (form.matches()) {
            Digest digest = named(form.group(1), form.group(2));
            digests.put(name, digest);
            places.put(digest, place);
        }
        if (isDocument) {
            byte[] document = TarPass.document(bytes, DOCUMENT_BYTES, name);
            documentBytes += document.length;
            if (documentBytes > ALL_DOCUMENTS_BYTES) {
                throw new DocumentException("the archive has more than " + ALL_DOCUMENTS_BYTES + " bytes of documents");
            }
            smallFiles.put(name, document);
            keep(name, document, place);
        } else if (!form.matches() && !layerType.equals(MediaTypes.OCI_LAYER)) {
            // Packed and without a digest for a name: only its bytes say what it is.
            Digest digest = hashed(bytes);
            digests.put(name, digest);
            places.put(digest, place);
        }
    }

    private void keep(String name, byte[] document, Place place) throws DocumentException {
        Digest digest = Digest.sha256(document);
        Digest said = digests.putIfAbsent(name, digest);
        if (said == null) {
            places.put(digest, place);
        } else if (said.algorithm().equals("sha256") && !said.equals(digest)) {
            throw new DocumentException("the archive's file " + name + " has in truth " + digest);
        }
        documents.put(said == null ? digest : said, document);
    }

    private static Digest named(String algorithm, String hex) throws DocumentException {
        try {
            return Digest.parse(algorithm + ":" + hex);
        } catch (IllegalArgumentException e) {
            throw new DocumentException("the archive's file blobs/" + algorithm + "/" + hex + " is no digest", e);
        }
    }

    private static Digest hashed(InputStream bytes) throws IOException {
        MessageDigest hasher = Digest.hasher("sha256");
        byte[] buffer = new byte[64 << 10];
        for (int n = bytes.read(buffer); n >= 0; n = bytes.read(buffer)) {
            hasher.update(buffer, 0, n);
        }
        return Digest.of("sha256", hasher.digest());
    }

    // ---- what it means

    private void understand() throws IOException {
        byte[] index = pass.tables().get("index.json");
        byte[] table = pass.tables().get("manifest.json");
        if (index != null && pass.tables().containsKey("oci-layout")) {
            for (Descriptor listed : Index.parse(index, "").manifests()) {
                if (places.containsKey(listed.digest())) {
                    entries.add(entry(listed));
                }
            }
        } else if (table != null) {
            for (JsonNode line : Tables.parse(table)) {
                entries.add(dockerImage(
                        Tables.text(line, "Config"), Tables.texts(line, "Layers"), Tables.texts(line, "RepoTags")));
            }
        } else {
            throw new DocumentException("the archive holds no image: neither manifest.json nor an OCI index");
        }
    }

    private static Entry entry(Descriptor listed) throws DocumentException {
        Descriptor bare =
                new Descriptor(listed.mediaType(), listed.digest(), listed.sizeBytes(), listed.platform(), Map.of());
        String whole = listed.annotations().getOrDefault(OciLayout.IMAGE_NAME, "");
        String name = listed.annotations().getOrDefault(OciLayout.REF_NAME, "");
        boolean isTag = name.indexOf(':') < 0 && name.indexOf('/') < 0;
        if (whole.isEmpty() && isTag) {
            return new Entry(bare, List.of(), Optional.of(name.isEmpty() ? "latest" : name));
        }
        return new Entry(bare, List.of(reference(whole.isEmpty() ? name : whole)), Optional.empty());
    }

    private Entry dockerImage(String configName, List<String> layerNames, List<String> tags) throws IOException {
        String configFile = pass.target(configName, files.keySet());
        byte[] document = smallFiles.get(configFile);
        if (document == null) {
            throw missing(configName);
        }
        Descriptor config = new Descriptor(MediaTypes.OCI_CONFIG, Digest.sha256(document), document.length);
        ImageConfig settings = ImageConfigs.parse(document);
        if (settings.diffIds().size() != layerNames.size()) {
            throw new DocumentException("the archive names " + layerNames.size() + " layers and its config "
                    + settings.diffIds().size());
        }
        List<Descriptor> layers = new ArrayList<>();
        for (int i = 0; i < layerNames.size(); i++) {
            layers.add(layer(layerNames.get(i), settings.diffIds().get(i)));
        }
        // The same each time, and the same that loading the archive makes.
        byte[] manifest = new Manifest(config, layers).write();
        Digest digest = Digest.sha256(manifest);
        documents.put(digest, manifest);
        List<Reference> names = new ArrayList<>();
        for (String tag : tags) {
            names.add(reference(tag));
        }
        return new Entry(
                new Descriptor(MediaTypes.OCI_MANIFEST, digest, manifest.length),
                names,
                names.isEmpty() ? Optional.of("latest") : Optional.empty());
    }

    private Descriptor layer(String name, Digest diffId) throws DocumentException {
        String file = pass.target(name, files.keySet());
        Place place = files.get(file);
        if (place == null) {
            throw missing(name);
        }
        String type = layerTypes.getOrDefault(file, MediaTypes.OCI_LAYER);
        // Not packed, it is what its config calls it.
        Digest digest = digests.getOrDefault(file, diffId);
        places.put(digest, place);
        return new Descriptor(type, digest, place.sizeBytes());
    }

    private static DocumentException missing(String name) {
        return new DocumentException("the archive names \"" + name + "\" but does not hold it");
    }

    private static Reference reference(String text) throws DocumentException {
        try {
            return Reference.parse(text);
        } catch (IllegalArgumentException e) {
            throw new DocumentException("invalid name \"" + text + "\" in the archive: " + e.getMessage(), e);
        }
    }
}
