package dev.wharf.oci.image;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.model.Descriptor;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.MediaTypes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The list of parts of one image for one platform: its config and its layers, lowest first (OCI image spec, image manifest;
 * Docker's image manifest v2, schema 2).
 */
public record Manifest(String mediaType, Descriptor config, List<Descriptor> layers, Map<String, String> annotations) {
    /** The greatest manifest or index that is read, in bytes; registries set the same bound. */
    public static final int LIMIT_BYTES = 4 << 20;

    private static final int MAX_LAYERS = 1024;

    private static final Map<String, String> OCI_NAMES = Map.of(
            MediaTypes.DOCKER_CONFIG, MediaTypes.OCI_CONFIG,
            MediaTypes.DOCKER_LAYER, MediaTypes.OCI_LAYER,
            MediaTypes.DOCKER_LAYER_GZIP, MediaTypes.OCI_LAYER_GZIP);

    public Manifest {
        layers = List.copyOf(layers);
        annotations = Kind.sorted(annotations);
    }

    /** An OCI manifest without annotations; the parts have their OCI names, since their bytes are the same under Docker's. */
    public Manifest(Descriptor config, List<Descriptor> layers) {
        this(
                MediaTypes.OCI_MANIFEST,
                inOci(config),
                layers.stream().map(Manifest::inOci).toList(),
                Map.of());
    }

    private static Descriptor inOci(Descriptor part) {
        String name = OCI_NAMES.getOrDefault(part.mediaType(), part.mediaType());
        return new Descriptor(name, part.digest(), part.sizeBytes(), part.platform(), part.annotations());
    }

    /**
     * The manifest of the same image where its layers are {@code blobs}: this one where they are those that it names, another
     * where one has the same tar packed otherwise.
     */
    public Manifest packedAs(List<Descriptor> blobs) {
        boolean same = layers.stream()
                .map(Descriptor::digest)
                .toList()
                .equals(blobs.stream().map(Descriptor::digest).toList());
        return same ? this : new Manifest(config, blobs);
    }

    /**
     * Reads a manifest.
     *
     * @param fetchedAs the media type it was announced as, or empty where nobody said
     */
    public static Manifest parse(byte[] document, String fetchedAs) throws DocumentException {
        JsonNode root = Json.parse(document, LIMIT_BYTES, "manifest");
        String mediaType = Kind.settle(
                root, fetchedAs, MediaTypes.OCI_MANIFEST, MediaTypes.DOCKER_MANIFEST, "layers", "manifests");
        Descriptor config = Json.descriptor(Json.field(root, "config"), "the config");
        if (!Kind.isImageConfig(config.mediaType())) {
            throw new DocumentException("not a container image: its config is of media type " + config.mediaType());
        }
        if (config.sizeBytes() > ImageConfigs.LIMIT_BYTES) {
            throw new DocumentException("the config is too big: " + config.sizeBytes() + " bytes, at most "
                    + ImageConfigs.LIMIT_BYTES + " are read");
        }
        List<Descriptor> layers = new ArrayList<>();
        for (JsonNode node : Json.list(root, "layers", MAX_LAYERS)) {
            Descriptor layer = Json.descriptor(node, "layer " + (layers.size() + 1));
            if (!Kind.isLayer(layer.mediaType())) {
                throw new DocumentException("unsupported layer media type " + layer.mediaType());
            }
            layers.add(layer);
        }
        return new Manifest(mediaType, config, layers, Json.map(root, "annotations"));
    }

    /** The document as bytes; equal manifests give equal bytes. */
    public byte[] write() {
        ObjectNode root = Json.object();
        root.put("schemaVersion", 2);
        root.put("mediaType", mediaType);
        root.set("config", Json.tree(config));
        ArrayNode list = root.putArray("layers");
        layers.forEach(layer -> list.add(Json.tree(layer)));
        Json.putMap(root, "annotations", annotations);
        return Json.write(root);
    }

    /** The layers with their identity, which comes from the uncompressed tars that {@code config} names. */
    public List<LayerSpec> layersOf(ImageConfig config) throws DocumentException {
        if (config.diffIds().size() != layers.size()) {
            throw new DocumentException("the manifest has " + layers.size() + " layers but the config names "
                    + config.diffIds().size());
        }
        List<LayerSpec> specs = new ArrayList<>(layers.size());
        Optional<LayerId> parent = Optional.empty();
        List<LayerId> ids = LayerId.chainOf(config.diffIds());
        for (int i = 0; i < layers.size(); i++) {
            specs.add(new LayerSpec(
                    ids.get(i), parent, layers.get(i), config.diffIds().get(i)));
            parent = Optional.of(ids.get(i));
        }
        return specs;
    }
}
