package dev.wharf.oci.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.LayerId;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Reference;
import dev.wharf.oci.image.DocumentException;
import dev.wharf.oci.image.ImageConfigs;
import dev.wharf.oci.image.Manifest;
import dev.wharf.oci.layout.OciLayout;
import dev.wharf.oci.make.ImageMaker;
import dev.wharf.oci.make.LayerMaker;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ArchiveIndexTest {
    @TempDir
    Path folder;

    @Test
    void everyBlobIsWhereTheIndexSays() throws Exception {
        OciLayout source = new OciLayout(folder.resolve("source")).create();
        Descriptor saved = new ImageMaker()
                .layer(layer -> layer.file("x", 0644, "x".repeat(70_000)))
                .layer(
                        ImageMaker.Packing.PLAIN,
                        new LayerMaker().file("y", 0644, "y").tar())
                .into(source);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageArchive.write(
                out,
                List.of(new ImageArchive.SavedImage(saved, List.of(Reference.parse("app:1"), Reference.parse("b:2")))),
                new Source(source));
        byte[] archive = out.toByteArray();

        ArchiveIndex index = ArchiveIndex.of(new ByteArrayInputStream(archive));

        assertThat(index.entries().stream().flatMap(e -> e.names().stream()))
                .containsExactlyInAnyOrder(Reference.parse("app:1"), Reference.parse("b:2"));
        assertThat(index.describe(saved.digest()).map(Descriptor::mediaType)).contains(saved.mediaType());
        Manifest manifest = Manifest.parse(index.document(saved.digest()).orElseThrow(), saved.mediaType());
        for (Descriptor part : manifest.layers()) {
            assertIsAt(archive, index, part);
        }
        assertIsAt(archive, index, manifest.config());
    }

    @Test
    void anOldArchiveOfDockersHasTheManifestThatLoadingItMakes() throws Exception {
        byte[] layer = new LayerMaker().file("x", 0644, "x".repeat(70_000)).tar();
        byte[] packed = packed(layer);
        byte[] config = ImageConfigs.write(new ImageMaker()
                .layer(ImageMaker.Packing.PLAIN, layer)
                .layer(ImageMaker.Packing.PLAIN, layer)
                .config());
        String one = "1".repeat(64);
        byte[] archive = new LayerMaker()
                .file("manifest.json", 0644, """
                        [{"Config": "config.json", "RepoTags": ["old:1"], "Layers": ["%s/layer.tar", "two.tar.gz"]}]
                        """.formatted(one))
                .directory(one, 0755)
                .file(one + "/layer.tar", 0644, layer)
                .file("two.tar.gz", 0644, packed)
                .file("config.json", 0644, config)
                .tar();

        ArchiveIndex index = ArchiveIndex.of(new ByteArrayInputStream(archive));

        Descriptor made = index.entries().get(0).manifest();
        List<Descriptor> layers = Manifest.parse(index.document(made.digest()).orElseThrow(), made.mediaType())
                .layers();
        assertThat(layers).extracting(Descriptor::digest).containsExactly(Digest.sha256(layer), Digest.sha256(packed));
        assertThat(layers)
                .extracting(Descriptor::mediaType)
                .containsExactly(MediaTypes.OCI_LAYER, MediaTypes.OCI_LAYER_GZIP);
        for (Descriptor part : layers) {
            assertIsAt(archive, index, part);
        }
        OciLayout store = new OciLayout(folder.resolve("store")).create();
        assertThat(ImageArchive.read(
                                new ByteArrayInputStream(archive),
                                new Source(store),
                                List.of(),
                                dev.wharf.model.Platform.host())
                        .images())
                .extracting(image -> image.manifest().digest())
                .containsExactly(made.digest());
    }

    @Test
    void anImageWithoutANameSaysSo() throws Exception {
        byte[] layer = new LayerMaker().file("x", 0644, "x").tar();
        byte[] config = ImageConfigs.write(
                new ImageMaker().layer(ImageMaker.Packing.PLAIN, layer).config());
        byte[] archive = new LayerMaker()
                .file("config.json", 0644, config)
                .file("layer.tar", 0644, layer)
                .file(
                        "manifest.json",
                        0644,
                        "[{\"Config\": \"config.json\", \"RepoTags\": null, \"Layers\": [\"layer.tar\"]}]")
                .tar();

        assertThat(ArchiveIndex.of(new ByteArrayInputStream(archive))
                        .entries()
                        .get(0)
                        .tag())
                .isEqualTo(Optional.of("latest"));
    }

    @Test
    void whatIsCutOffOrHoldsNoImageIsRefused() throws Exception {
        byte[] layer = new LayerMaker().file("x", 0644, "x".repeat(70_000)).tar();
        byte[] none = new LayerMaker().file("layer.tar", 0644, layer).tar();

        assertThatThrownBy(() -> ArchiveIndex.of(new ByteArrayInputStream(none)))
                .isInstanceOf(DocumentException.class)
                .hasMessageContaining("holds no image");
        assertThatThrownBy(() -> ArchiveIndex.of(new ByteArrayInputStream(Arrays.copyOf(none, 40_000))))
                .isInstanceOf(IOException.class);
    }

    private static byte[] packed(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        }
        return out.toByteArray();
    }

    private static void assertIsAt(byte[] archive, ArchiveIndex index, Descriptor part) {
        ArchiveIndex.Place place = index.place(part.digest()).orElseThrow();
        assertThat(place.sizeBytes()).isEqualTo(part.sizeBytes());
        assertThat(Digest.sha256(
                        Arrays.copyOfRange(archive, (int) place.offset(), (int) (place.offset() + place.sizeBytes()))))
                .isEqualTo(part.digest());
    }

    private record Source(OciLayout layout) implements Blobs {
        @Override
        public Optional<Descriptor> layer(LayerId layer) {
            return Optional.empty();
        }

        @Override
        public Descriptor take(String mediaType, InputStream bytes) throws IOException {
            return layout.put(mediaType, bytes.readAllBytes());
        }

        @Override
        public InputStream open(Digest digest) throws IOException {
            return layout.open(digest, 0);
        }
    }
}
