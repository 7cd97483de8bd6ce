package dev.wharf.oci.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.MediaTypes;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class ManifestTest {
    private static final Digest CONFIG = Digest.sha256("config");
    private static final Digest LAYER = Digest.sha256("layer");

    private static final String DOCUMENT =
            """
            {"schemaVersion": 2, "mediaType": "%s",
             "config": {"mediaType": "%s", "size": 7, "digest": "%s"},
             "layers": [{"mediaType": "%s", "size": 11, "digest": "%s", "urls": ["http://elsewhere.example/x"]}],
             "annotations": {"b": "2", "a": "1"}, "unknown": {"x": [1]}}
            """.formatted(MediaTypes.OCI_MANIFEST, MediaTypes.OCI_CONFIG, CONFIG, MediaTypes.OCI_LAYER_GZIP, LAYER);

    @Test
    void aManifestIsRead() throws Exception {
        Manifest manifest = parse(DOCUMENT, MediaTypes.OCI_MANIFEST);

        assertThat(manifest.config()).isEqualTo(new Descriptor(MediaTypes.OCI_CONFIG, CONFIG, 7));
        assertThat(manifest.layers()).containsExactly(new Descriptor(MediaTypes.OCI_LAYER_GZIP, LAYER, 11));
        assertThat(manifest.annotations()).containsExactly(Map.entry("a", "1"), Map.entry("b", "2"));
    }

    @Test
    void whatIsWrittenIsReadAndIsTheSameEachTime() throws Exception {
        Manifest manifest = parse(DOCUMENT, "");

        assertThat(Manifest.parse(manifest.write(), MediaTypes.OCI_MANIFEST)).isEqualTo(manifest);
        assertThat(manifest.write()).isEqualTo(manifest.write());
    }

    @Test
    void aManifestWithoutAMediaTypeIsAnOciManifest() throws Exception {
        String silent = DOCUMENT.replaceFirst("\"mediaType\": \"[^\"]*manifest[^\"]*\",", "");

        assertThat(parse(silent, "").mediaType()).isEqualTo(MediaTypes.OCI_MANIFEST);
        assertThat(parse(silent, MediaTypes.OCI_MANIFEST).mediaType()).isEqualTo(MediaTypes.OCI_MANIFEST);
        assertRefused(silent, MediaTypes.DOCKER_MANIFEST, "announced as");
    }

    @Test
    void aDocumentThatSaysSomethingElseThanItWasAnnouncedAsIsRefused() {
        assertRefused(DOCUMENT, MediaTypes.DOCKER_MANIFEST, "announced as " + MediaTypes.DOCKER_MANIFEST);
        assertRefused(DOCUMENT.replace(MediaTypes.OCI_MANIFEST, MediaTypes.OCI_INDEX), "", "unsupported media type");
    }

    @Test
    void aDocumentThatCouldBeBothAManifestAndAnIndexIsRefused() {
        assertRefused(DOCUMENT.replace("\"unknown\"", "\"manifests\""), "", "ambiguous");
        assertRefused(DOCUMENT.replace("\"unknown\"", "\"Manifests\""), "", "ambiguous");
        assertThatThrownBy(() -> Index.parse(bytes(DOCUMENT), "")).hasMessageContaining("ambiguous");
    }

    @Test
    void aKeyThatIsThereTwiceIsRefused() {
        assertRefused(DOCUMENT.replace("\"unknown\"", "\"config\""), "", "Duplicate");
    }

    @Test
    void schemaOneIsRefusedWithAWordOfHelp() {
        assertRefused("{\"schemaVersion\": 1, \"fsLayers\": []}", "", "schema 1");
        assertRefused(DOCUMENT, "application/vnd.docker.distribution.manifest.v1+prettyjws", "push it again");
        assertRefused(DOCUMENT.replace("\"schemaVersion\": 2", "\"schemaVersion\": 3"), "", "schema version 3");
    }

    @Test
    void somethingThatIsNoContainerImageIsRefused() {
        String chart = DOCUMENT.replace(MediaTypes.OCI_CONFIG, "application/vnd.cncf.helm.config.v1+json");

        assertRefused(chart, "", "not a container image");
        assertRefused(
                DOCUMENT.replace(MediaTypes.OCI_LAYER_GZIP, MediaTypes.OCI_LAYER_GZIP + "+encrypted"),
                "",
                "unsupported layer media type");
    }

    @Test
    void brokenDocumentsAreRefused() {
        assertRefused("", "", "malformed");
        assertRefused("[]", "", "not a JSON object");
        assertRefused(DOCUMENT + "{}", "", "malformed");
        assertRefused(DOCUMENT.replace(CONFIG.hex(), "../../etc/passwd"), "", "must match");
        assertRefused(DOCUMENT.replace("\"size\": 11", "\"size\": -1"), "", "negative size");
        assertRefused(DOCUMENT.replace("\"size\": 11", "\"size\": 1e300"), "", "whole number");
        assertRefused(DOCUMENT.replace("\"size\": 11,", ""), "", "no size");
        assertRefused(DOCUMENT.replace("\"layers\"", "\"players\""), "", "no list");
    }

    @Test
    void documentsThatUnfoldWithoutReasonAreRefused() {
        assertRefused("{\"x\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}", "", "malformed");
        assertRefused("{\"x\":[" + "[],".repeat(1_000_000) + "[]]}", "", "malformed");
        assertRefused(" ".repeat(Manifest.LIMIT_BYTES) + DOCUMENT, "", "too big");
        String layer = "{\"mediaType\": \"" + MediaTypes.OCI_LAYER + "\", \"size\": 1, \"digest\": \"" + LAYER + "\"}";
        assertRefused(
                DOCUMENT.replaceFirst("\"layers\": \\[", "\"layers\": [" + (layer + ",").repeat(2000)),
                "",
                "2001 elements");
        assertRefused(
                DOCUMENT.replace("\"size\": 7", "\"size\": " + (ImageConfigs.LIMIT_BYTES + 1)),
                "",
                "config is too big");
    }

    @Test
    void layersGetTheirIdentityFromTheConfig() throws Exception {
        Digest low = Digest.sha256("low");
        Digest high = Digest.sha256("high");
        Descriptor blob = new Descriptor(MediaTypes.OCI_LAYER, LAYER, 1);
        Manifest manifest = new Manifest(new Descriptor(MediaTypes.OCI_CONFIG, CONFIG, 7), List.of(blob, blob));
        String config = "{\"rootfs\": {\"type\": \"layers\", \"diff_ids\": [\"" + low + "\", \"" + high + "\"]}}";

        List<LayerSpec> layers = manifest.layersOf(ImageConfigs.parse(bytes(config)));

        assertThat(layers.get(0).id().chain()).isEqualTo(low);
        assertThat(layers.get(0).parent()).isEmpty();
        assertThat(layers.get(1).id().chain()).isEqualTo(Digest.sha256(low + " " + high));
        assertThat(layers.get(1).parent()).contains(layers.get(0).id());
        assertThatThrownBy(() ->
                        new Manifest(manifest.config(), List.of(blob)).layersOf(ImageConfigs.parse(bytes(config))))
                .isInstanceOf(DocumentException.class)
                .hasMessageContaining("1 layers but the config names 2");
    }

    private static Manifest parse(String document, String mediaType) throws DocumentException {
        return Manifest.parse(bytes(document), mediaType);
    }

    private static void assertRefused(String document, String mediaType, String why) {
        assertThatThrownBy(() -> parse(document, mediaType))
                .isInstanceOf(DocumentException.class)
                .hasMessageContaining(why);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
