package dev.wharf.oci.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Reference;
import dev.wharf.oci.image.DocumentException;
import dev.wharf.oci.image.Index;
import dev.wharf.oci.make.ImageMaker;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class OciLayoutTest {
    @TempDir
    Path folder;

    OciLayout layout;

    @BeforeEach
    void create() throws Exception {
        layout = new OciLayout(folder.resolve("img"));
        assertThat(layout.exists()).isFalse();
        layout.create();
    }

    @Test
    void aNewLayoutIsEmpty() throws Exception {
        assertThat(layout.exists()).isTrue();
        assertThat(layout.manifests()).isEmpty();
        assertThat(layout.resolve(Reference.parse("x"))).isEmpty();
    }

    @Test
    void aTagStandsForTheLastManifestThatGotIt() throws Exception {
        Descriptor first = image("1").into(layout, "v");
        Descriptor second = image("2").into(layout, "v");

        assertThat(layout.resolve(Reference.parse("x:v")).orElseThrow().digest())
                .isEqualTo(second.digest());
        assertThat(layout.manifests()).hasSize(1);
        assertThat(layout.resolve(Reference.of(Reference.parse("x").repository(), first.digest())))
                .map(Descriptor::mediaType)
                .contains(MediaTypes.OCI_MANIFEST);
    }

    @Test
    void aManifestInsideAnIndexIsFoundByItsDigest() throws Exception {
        Descriptor inner = image("1").into(layout);
        layout.tag("multi", layout.put(MediaTypes.OCI_INDEX, new Index(List.of(inner)).write()));

        Descriptor found = layout.resolve(Reference.of(Reference.parse("x").repository(), inner.digest()))
                .orElseThrow();

        assertThat(found.mediaType()).isEqualTo(MediaTypes.OCI_MANIFEST);
        assertThat(found.sizeBytes()).isEqualTo(inner.sizeBytes());
    }

    @Test
    void aLayoutOfOneNamelessImageAnswersToLatest() throws Exception {
        Descriptor manifest = image("1").into(layout);
        Files.write(layout.folder().resolve("index.json"), new Index(List.of(manifest)).write());

        assertThat(layout.resolve(Reference.parse("x"))).contains(manifest);
        assertThat(layout.resolve(Reference.parse("x:v2"))).isEmpty();
    }

    @Test
    void aWholeReferenceInTheIndexIsUnderstood() throws Exception {
        Descriptor manifest = image("1").into(layout, "docker.io/library/busybox:1.36");

        assertThat(layout.resolve(Reference.parse("busybox:1.36")).orElseThrow().digest())
                .isEqualTo(manifest.digest());
        assertThat(layout.resolve(Reference.parse("quay.io/busybox:1.36"))).isEmpty();
    }

    @Test
    void contentThatIsNotWhatWasAnnouncedLeavesNothingBehind() throws Exception {
        Descriptor announced = new Descriptor(MediaTypes.OCI_LAYER, Digest.sha256("good"), 4);

        for (String bad : List.of("evil", "goo", "good and more")) {
            assertThatThrownBy(
                            () -> layout.put(announced, new ByteArrayInputStream(bad.getBytes(StandardCharsets.UTF_8))))
                    .isInstanceOf(DocumentException.class);
        }

        assertThat(layout.has(announced.digest())).isFalse();
        try (Stream<Path> files = Files.list(layout.path(announced.digest()).getParent())) {
            assertThat(files).isEmpty();
        }
    }

    @Test
    void aTagForWhatIsNotThereIsRefused() {
        Descriptor ghost = new Descriptor(MediaTypes.OCI_MANIFEST, Digest.sha256("ghost"), 5);

        assertThatThrownBy(() -> layout.tag("v", ghost)).isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void tagsSetAtTheSameTimeAllStay() throws Exception {
        Descriptor manifest = image("1").into(layout);
        ExecutorService pool = Executors.newFixedThreadPool(4);
        try {
            List<Callable<Void>> tags = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                String tag = "t" + i;
                tags.add(() -> {
                    new OciLayout(layout.folder()).tag(tag, manifest);
                    return null;
                });
            }
            for (Future<Void> done : pool.invokeAll(tags)) {
                done.get();
            }
        } finally {
            pool.shutdownNow();
        }
        assertThat(layout.manifests()).hasSize(40);
    }

    private static ImageMaker image(String content) {
        return new ImageMaker().layer(layer -> layer.file("x", 0644, content)).cmd("/x");
    }
}
