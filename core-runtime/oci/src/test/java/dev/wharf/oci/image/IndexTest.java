package dev.wharf.oci.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Platform;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class IndexTest {
    @Test
    void theManifestOfThePlatformIsChosen() {
        Index index = index("linux/amd64", "linux/arm64/v8", "windows/amd64");

        assertThat(chosen(index, "linux/arm64")).isEqualTo("linux/arm64/v8");
        assertThat(chosen(index, "linux/amd64")).isEqualTo("linux/amd64");
        assertThat(index.choose(Platform.parse("linux/s390x"))).isEmpty();
    }

    @Test
    void thePlainVariantComesBeforeOneThatAsksForMore() {
        assertThat(chosen(index("linux/amd64/v3", "linux/amd64/v2", "linux/amd64"), "linux/amd64"))
                .isEqualTo("linux/amd64");
        assertThat(chosen(index("linux/amd64/v3", "linux/amd64/v2"), "linux/amd64"))
                .isEqualTo("linux/amd64/v2");
    }

    @Test
    void anArmProcessorTakesTheNewestVersionThatItUnderstands() {
        Index index = index("linux/arm/v5", "linux/arm/v6", "linux/arm/v7");

        assertThat(chosen(index, "linux/arm/v6")).isEqualTo("linux/arm/v6");
        assertThat(chosen(index("linux/arm/v5", "linux/arm/v6"), "linux/arm/v7"))
                .isEqualTo("linux/arm/v6");
        assertThat(index("linux/arm/v7").choose(Platform.parse("linux/arm/v6"))).isEmpty();
    }

    @Test
    void whatSaysNoPlatformComesLast() {
        Descriptor silent = new Descriptor(MediaTypes.OCI_MANIFEST, Digest.sha256("silent"), 1);
        Descriptor fitting = manifest("linux/amd64");

        assertThat(new Index(List.of(silent, fitting)).choices(Platform.parse("linux/amd64")))
                .containsExactly(fitting, silent);
    }

    @Test
    void attestationsBesideTheImagesAreNeverChosen() {
        Index index = index("unknown/unknown", "linux/amd64");

        assertThat(index.choices(Platform.parse("linux/amd64"))).hasSize(1);
    }

    @Test
    void whatIsWrittenIsRead() throws Exception {
        Index index = index("linux/amd64", "linux/arm/v7");

        assertThat(Index.parse(index.write(), MediaTypes.OCI_INDEX)).isEqualTo(index);
    }

    @Test
    void aDockerListIsRead() throws Exception {
        String list = """
                {"schemaVersion": 2, "mediaType": "%s", "manifests": [
                  {"mediaType": "%s", "size": 3, "digest": "%s",
                   "platform": {"architecture": "amd64", "os": "linux", "os.version": "x", "features": ["sse4"]}}]}
                """.formatted(MediaTypes.DOCKER_LIST, MediaTypes.DOCKER_MANIFEST, Digest.sha256("m"));

        Index index = Index.parse(list.getBytes(StandardCharsets.UTF_8), MediaTypes.DOCKER_LIST);

        assertThat(index.manifests().get(0).platform()).contains(new Platform("linux", "amd64", ""));
    }

    @Test
    void anIndexWithLayersIsRefused() {
        for (String key : List.of("layers", "LAYERS", "config", "Config")) {
            String document = "{\"schemaVersion\": 2, \"manifests\": [], \"" + key + "\": []}";
            assertThatThrownBy(() -> Index.parse(document.getBytes(StandardCharsets.UTF_8), ""))
                    .isInstanceOf(DocumentException.class)
                    .hasMessageContaining("ambiguous");
        }
    }

    private static String chosen(Index index, String wanted) {
        return index.choose(Platform.parse(wanted))
                .flatMap(Descriptor::platform)
                .map(Platform::toString)
                .orElse("none");
    }

    private static Index index(String... platforms) {
        return new Index(List.of(platforms).stream().map(IndexTest::manifest).toList());
    }

    private static Descriptor manifest(String platform) {
        return new Descriptor(
                MediaTypes.OCI_MANIFEST, Digest.sha256(platform), 1, Optional.of(Platform.parse(platform)), Map.of());
    }
}
