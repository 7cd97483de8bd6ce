package dev.wharf.oci.archive;

import com.fasterxml.jackson.databind.JsonNode;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.LayerId;
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
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Reads one archive. The table of contents may come last, so every file that could be a blob is taken, and what the table of
 * contents then does not name is left over.
 */
final class ArchiveReader {
    private final Blobs blobs;
    private final List<Platform> wanted;
    private final Platform host;

    private final TarPass pass = new TarPass(this::take);
    private final Map<String, Descriptor> files = new HashMap<>();
    private final Set<Digest> used = new HashSet<>();

    ArchiveReader(Blobs blobs, List<Platform> wanted, Platform host) {
        this.blobs = blobs;
        this.wanted = wanted;
        this.host = host;
    }

    ImageArchive.Contents read(InputStream archive) throws IOException {
        pass.over(archive);
        byte[] index = pass.tables().get("index.json");
        byte[] table = pass.tables().get("manifest.json");
        List<ArchivedImage> images;
        if (index != null && pass.tables().containsKey("oci-layout")) {
            images = layoutImages(index);
        } else if (table != null) {
            images = dockerImages(table);
        } else {
            throw new DocumentException("the archive holds no image: neither manifest.json nor an OCI index");
        }
        if (images.isEmpty() && !wanted.isEmpty()) {
            throw new DocumentException("the archive holds no image for "
                    + wanted.stream().map(Platform::toString).collect(Collectors.joining(", ")));
        }
        Set<Digest> leftovers = new HashSet<>();
        files.values().forEach(file -> leftovers.add(file.digest()));
        leftovers.removeAll(used);
        return new ImageArchive.Contents(images, leftovers);
    }

    private void take(String name, long offset, long sizeBytes, InputStream content) throws IOException {
        BufferedInputStream bytes = new BufferedInputStream(content, 64 << 10);
        Descriptor blob = blobs.take(Packed.layerType(bytes), bytes);
        files.put(name, blob);
        var form = TarPass.BLOB.matcher(name);
        if (form.matches()
                && form.group(1).equals("sha256")
                && !form.group(2).equals(blob.digest().hex())) {
            throw new DocumentException("the archive's file " + name + " has in truth " + blob.digest());
        }
    }

    // --- Docker's archive

    private List<ArchivedImage> dockerImages(byte[] table) throws IOException {
        List<ArchivedImage> images = new ArrayList<>();
        for (JsonNode line : Tables.parse(table)) {
            dockerImage(Tables.text(line, "Config"), Tables.texts(line, "Layers"), Tables.texts(line, "RepoTags"))
                    .ifPresent(images::add);
        }
        return images;
    }

    private Optional<ArchivedImage> dockerImage(String configName, List<String> layerNames, List<String> tags)
            throws IOException {
        Descriptor config = typed(file(configName), MediaTypes.OCI_CONFIG);
        byte[] document = bytes(config, ImageConfigs.LIMIT_BYTES);
        ImageConfig settings = ImageConfigs.parse(document);
        if (!isWanted(config, settings)) {
            return Optional.empty();
        }
        List<Digest> diffIds = settings.diffIds();
        if (layerNames.size() != diffIds.size()) {
            throw new DocumentException(
                    "the archive names " + layerNames.size() + " layers but the config names " + diffIds.size());
        }
        List<Descriptor> layers = new ArrayList<>();
        List<LayerId> ids = LayerId.chainOf(diffIds);
        for (int i = 0; i < diffIds.size(); i++) {
            layers.add(layer(layerNames.get(i), diffIds.get(i), ids.get(i)));
        }
        Manifest manifest = new Manifest(config, layers);
        // The archive has no manifest; the one made here is the same each time, so that loading twice gives one image.
        Descriptor written = blobs.take(MediaTypes.OCI_MANIFEST, new ByteArrayInputStream(manifest.write()));
        List<Reference> names = new ArrayList<>();
        for (String tag : tags) {
            names.add(reference(tag));
        }
        return Optional.of(image(
                typed(written, MediaTypes.OCI_MANIFEST),
                manifest,
                settings,
                new Found(Optional.empty(), true, new LinkedHashSet<>(names))));
    }

    /** Whether an image that no index offers runs on a platform that is asked for; its config alone says where it does. */
    private boolean isWanted(Descriptor image, ImageConfig settings) {
        Index offer = new Index(List.of(new Descriptor(
                MediaTypes.OCI_MANIFEST,
                image.digest(),
                image.sizeBytes(),
                Optional.of(settings.platform()),
                Map.of())));
        return wanted.isEmpty()
                || wanted.stream().anyMatch(platform -> offer.choose(platform).isPresent());
    }

    /** Writers that know what the engine has, as those of buildpacks, put an empty file in the place of such a layer. */
    private Descriptor layer(String name, Digest diffId, LayerId id) throws DocumentException {
        Optional<Descriptor> file = find(name);
        if (file.isPresent() && mayHold(file.get(), diffId)) {
            return file.get();
        }
        Optional<Descriptor> here = blobs.layer(id);
        return here.isPresent() ? here.get() : file(name);
    }

    private Descriptor file(String name) throws DocumentException {
        return find(name)
                .orElseThrow(() -> new DocumentException("the archive names \"" + name + "\" but does not hold it"));
    }

    private Optional<Descriptor> find(String name) throws DocumentException {
        return Optional.ofNullable(files.get(pass.target(name, files.keySet())));
    }

    // --- the OCI layout

    /** How a manifest was come by: the names that lead to it, and the index that offers it. */
    private record Found(Optional<Descriptor> index, boolean first, Set<Reference> names) {}

    private List<ArchivedImage> layoutImages(byte[] index) throws IOException {
        Map<Digest, Descriptor> present = new HashMap<>();
        files.values().forEach(file -> present.put(file.digest(), file));
        Map<Descriptor, Found> found = new LinkedHashMap<>();
        for (Descriptor entry : Index.parse(index, "").manifests()) {
            Optional<Reference> name = name(entry);
            boolean offers = MediaTypes.isIndex(entry.mediaType());
            boolean first = true;
            for (Descriptor manifest : manifests(entry, present, 1)) {
                Found one = found.get(manifest);
                if (one == null) {
                    one = new Found(
                            offers ? Optional.of(plain(entry)) : Optional.empty(), first, new LinkedHashSet<>());
                    found.put(manifest, one);
                }
                if (first) {
                    name.ifPresent(one.names()::add);
                }
                first = false;
            }
        }
        if (found.isEmpty() && wanted.isEmpty()) {
            throw new DocumentException("the archive holds no image for " + host);
        }
        List<ArchivedImage> images = new ArrayList<>();
        for (Map.Entry<Descriptor, Found> one : found.entrySet()) {
            Descriptor descriptor = one.getKey();
            checkHeld(descriptor, present);
            Manifest manifest = manifest(descriptor);
            for (Descriptor part : parts(manifest)) {
                checkHeld(part, present);
            }
            ImageConfig settings = ImageConfigs.parse(bytes(manifest.config(), ImageConfigs.LIMIT_BYTES));
            if (one.getValue().index().isPresent() || isWanted(descriptor, settings)) {
                images.add(image(descriptor, manifest, settings, one.getValue()));
            }
        }
        return images;
    }

    private static void checkHeld(Descriptor named, Map<Digest, Descriptor> present) throws DocumentException {
        Descriptor held = present.get(named.digest());
        if (held == null) {
            throw new DocumentException("the archive names " + named.digest() + " but does not hold it");
        }
        if (held.sizeBytes() != named.sizeBytes()) {
            throw new DocumentException("the archive names " + named.digest() + " with " + named.sizeBytes()
                    + " bytes but holds " + held.sizeBytes());
        }
    }

    private Manifest manifest(Descriptor descriptor) throws IOException {
        return Manifest.parse(bytes(descriptor, Manifest.LIMIT_BYTES), descriptor.mediaType());
    }

    private static Descriptor plain(Descriptor entry) {
        return new Descriptor(entry.mediaType(), entry.digest(), entry.sizeBytes());
    }

    /** The manifests that an entry leads to and that are wanted, the host's first; an archive may well name others. */
    private List<Descriptor> manifests(Descriptor entry, Map<Digest, Descriptor> present, int depth)
            throws IOException {
        if (!present.containsKey(entry.digest())) {
            return List.of();
        }
        if (MediaTypes.isManifest(entry.mediaType())) {
            return List.of(plain(entry));
        }
        if (!MediaTypes.isIndex(entry.mediaType())) {
            return List.of();
        }
        if (depth >= Index.MAX_DEPTH) {
            throw new DocumentException("the archive's index is nested too deep");
        }
        used.add(entry.digest());
        Index index = Index.parse(bytes(entry, Manifest.LIMIT_BYTES), entry.mediaType());
        Set<Descriptor> manifests = new LinkedHashSet<>();
        for (Descriptor choice : wanted(index)) {
            for (Descriptor manifest : manifests(choice, present, depth + 1)) {
                if (isWhole(manifest, present)) {
                    manifests.add(manifest);
                }
            }
        }
        return List.copyOf(manifests);
    }

    private List<Descriptor> wanted(Index index) {
        if (!wanted.isEmpty()) {
            return wanted.stream()
                    .flatMap(platform -> index.choices(platform).stream().limit(1))
                    .toList();
        }
        return Stream.concat(
                        index.choices(host).stream(), index.manifests().stream().filter(ArchiveReader::isImage))
                .toList();
    }

    /** What tells of another manifest, such as how it was built, runs nowhere. */
    private static boolean isImage(Descriptor manifest) {
        return !manifest.annotations().containsKey("vnd.docker.reference.type")
                && manifest.platform().map(p -> !p.os().equals("unknown")).orElse(true);
    }

    /** Whether an archive of some platforms holds this one; it names them all. */
    private boolean isWhole(Descriptor manifest, Map<Digest, Descriptor> present) throws IOException {
        return parts(manifest(manifest)).stream().allMatch(part -> present.containsKey(part.digest()));
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

    private ArchivedImage image(Descriptor descriptor, Manifest manifest, ImageConfig settings, Found found)
            throws IOException {
        List<LayerSpec> layers = manifest.layersOf(settings);
        for (LayerSpec layer : layers) {
            if (!mayHold(layer.descriptor(), layer.diffId())) {
                throw new DocumentException("the layer " + layer.descriptor().digest()
                        + " is not the one that the config names, " + layer.diffId());
            }
        }
        used.add(descriptor.digest());
        parts(manifest).forEach(part -> used.add(part.digest()));
        return new ArchivedImage(
                descriptor,
                manifest.config(),
                settings,
                layers,
                List.copyOf(found.names()),
                found.index(),
                found.first());
    }

    /** Whether a blob can be a layer's tar; of a packed one that is known when it is unpacked. */
    private static boolean mayHold(Descriptor blob, Digest diffId) {
        return !blob.mediaType().endsWith(".tar") || blob.digest().equals(diffId);
    }

    private static List<Descriptor> parts(Manifest manifest) {
        List<Descriptor> parts = new ArrayList<>(manifest.layers());
        parts.add(manifest.config());
        return parts;
    }

    private byte[] bytes(Descriptor blob, int limitBytes) throws IOException {
        try (InputStream in = blobs.open(blob.digest())) {
            return TarPass.document(in, limitBytes, blob.digest().toString());
        }
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
}
