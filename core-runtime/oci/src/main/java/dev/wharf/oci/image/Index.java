package dev.wharf.oci.image;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.model.Descriptor;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Platform;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A choice of manifests, one for each platform (OCI image spec, image index; Docker's manifest list). An element may itself
 * be an index; who follows it goes no deeper than {@link #MAX_DEPTH}.
 */
public record Index(String mediaType, List<Descriptor> manifests, Map<String, String> annotations) {
    /** How many indexes may stand on each other before a manifest comes. */
    public static final int MAX_DEPTH = 4;

    private static final int MAX_MANIFESTS = 10_000;

    public Index {
        manifests = List.copyOf(manifests);
        annotations = Kind.sorted(annotations);
    }

    /** An OCI index without annotations. */
    public Index(List<Descriptor> manifests) {
        this(MediaTypes.OCI_INDEX, manifests, Map.of());
    }

    /**
     * Reads an index.
     *
     * @param fetchedAs the media type it was announced as, or empty where nobody said
     */
    public static Index parse(byte[] document, String fetchedAs) throws DocumentException {
        JsonNode root = Json.parse(document, Manifest.LIMIT_BYTES, "index");
        if (Json.has(root, "config")) {
            throw new DocumentException("ambiguous document: it has \"config\" where only \"manifests\" belongs");
        }
        String mediaType =
                Kind.settle(root, fetchedAs, MediaTypes.OCI_INDEX, MediaTypes.DOCKER_LIST, "manifests", "layers");
        List<Descriptor> manifests = new ArrayList<>();
        for (JsonNode node : Json.list(root, "manifests", MAX_MANIFESTS)) {
            manifests.add(Json.descriptor(node, "manifest " + (manifests.size() + 1)));
        }
        return new Index(mediaType, manifests, Json.map(root, "annotations"));
    }

    /** The document as bytes; equal indexes give equal bytes. */
    public byte[] write() {
        ObjectNode root = Json.object();
        root.put("schemaVersion", 2);
        root.put("mediaType", mediaType);
        ArrayNode list = root.putArray("manifests");
        manifests.forEach(manifest -> list.add(Json.tree(manifest)));
        Json.putMap(root, "annotations", annotations);
        return Json.write(root);
    }

    /** The manifest that fits {@code wanted} best; empty where none fits. */
    public Optional<Descriptor> choose(Platform wanted) {
        return choices(wanted).stream().findFirst();
    }

    /**
     * The manifests that run where {@code wanted} is asked for, best first. The exact variant comes before one that the
     * processor also understands, a plain one before one that asks for more; what says no platform comes last.
     */
    public List<Descriptor> choices(Platform wanted) {
        return manifests.stream()
                .filter(manifest ->
                        MediaTypes.isManifest(manifest.mediaType()) || MediaTypes.isIndex(manifest.mediaType()))
                .filter(manifest -> manifest.platform()
                        .map(offered -> runs(wanted, offered))
                        .orElse(true))
                .sorted(Comparator.comparingInt(manifest -> manifest.platform()
                        .map(offered -> distance(wanted, offered))
                        .orElse(Integer.MAX_VALUE)))
                .toList();
    }

    private static boolean runs(Platform wanted, Platform offered) {
        if (wanted.accepts(offered)) {
            return true;
        }
        // A 32-bit Arm processor also runs what was made for an older version of it.
        return wanted.os().equals(offered.os())
                && wanted.architecture().equals("arm")
                && offered.architecture().equals("arm")
                && version(wanted) >= version(offered);
    }

    private static int distance(Platform wanted, Platform offered) {
        return wanted.variant().equals(offered.variant()) ? 0 : 1 + Math.abs(version(wanted) - version(offered));
    }

    private static int version(Platform platform) {
        String variant = platform.variant();
        return variant.length() == 2 && variant.charAt(0) == 'v' && Character.isDigit(variant.charAt(1))
                ? variant.charAt(1) - '0'
                : 0;
    }
}
