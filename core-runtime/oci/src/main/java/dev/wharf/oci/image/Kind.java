package dev.wharf.oci.image;

import com.fasterxml.jackson.databind.JsonNode;
import dev.wharf.model.MediaTypes;
import java.util.Map;
import java.util.TreeMap;

/** The guards that a manifest and an index share. */
final class Kind {
    private Kind() {}

    /**
     * Settles what a document is. What it says of itself, what it was fetched as and what it holds must agree: bytes that one
     * reader takes for a manifest and another for an index would be two images under one digest.
     *
     * @param fetchedAs the media type of the descriptor or the response, or empty where nobody said
     * @param own the key that this kind of document has, and {@code foreign} the one that it must not have
     */
    static String settle(JsonNode document, String fetchedAs, String oci, String docker, String own, String foreign)
            throws DocumentException {
        JsonNode version = Json.field(document, "schemaVersion");
        if (version.asInt() == 1
                || Json.has(document, "fslayers")
                || fetchedAs.startsWith("application/vnd.docker.distribution.manifest.v1+")) {
            throw new DocumentException("the image is in Docker's schema 1 format, which is no longer read;"
                    + " push it again with a current tool");
        }
        // Some writers of indexes leave it out or at 0, and no engine minds.
        if (!version.isMissingNode()
                && (!version.isIntegralNumber() || version.intValue() != 2 && version.intValue() != 0)) {
            throw new DocumentException("unsupported schema version " + version);
        }
        if (Json.has(document, foreign)) {
            throw new DocumentException("ambiguous document: it has \"" + foreign + "\" where only \"" + own
                    + "\" belongs, so it could be taken for another kind");
        }
        if (!Json.field(document, own).isArray()) {
            throw new DocumentException("malformed document: no list \"" + own + "\"");
        }
        String said = Json.text(document, "mediaType");
        // OCI allows to leave the field out; Docker's documents always have it.
        String mediaType = said.isEmpty() ? oci : said;
        if (!mediaType.equals(oci) && !mediaType.equals(docker)) {
            throw new DocumentException("unsupported media type " + mediaType);
        }
        if (!fetchedAs.isEmpty() && !fetchedAs.equals(mediaType)) {
            throw new DocumentException("the document says it is " + mediaType + " but was announced as " + fetchedAs);
        }
        return mediaType;
    }

    static boolean isImageConfig(String mediaType) {
        // The first registries had no better name for a config.
        return mediaType.equals(MediaTypes.OCI_CONFIG)
                || mediaType.equals(MediaTypes.DOCKER_CONFIG)
                || mediaType.equals("application/octet-stream");
    }

    static boolean isLayer(String mediaType) {
        return (mediaType.startsWith("application/vnd.oci.image.layer.")
                        || mediaType.startsWith("application/vnd.docker.image.rootfs."))
                && !mediaType.endsWith("+encrypted");
    }

    /** The same map in the order of its keys, so that equal documents are equal bytes. */
    static Map<String, String> sorted(Map<String, String> map) {
        return new TreeMap<>(map);
    }
}
