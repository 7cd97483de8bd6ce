package dev.wharf.oci.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.ZstdOutputStream;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.LayerId;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Platform;
import dev.wharf.model.Reference;
import dev.wharf.oci.image.DocumentException;
import dev.wharf.oci.image.ImageConfigs;
import dev.wharf.oci.image.Index;
import dev.wharf.oci.layout.OciLayout;
import dev.wharf.oci.make.ImageMaker;
import dev.wharf.oci.make.LayerMaker;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

@Timeout(120)
class ImageArchiveTest {
    private static final Platform AMD64 = Platform.parse("linux/amd64");

    @TempDir
    Path folder;

    OciLayout source;
    OciLayout store;
    final Map<LayerId, Descriptor> here = new HashMap<>();

    @BeforeEach
    void layouts() throws Exception {
        source = new OciLayout(folder.resolve("source")).create();
        store = new OciLayout(folder.resolve("store")).create();
    }

    @Test
    void whatWasSavedIsLoaded() throws Exception {
        Descriptor manifest = image("hello").into(source);
        List<Reference> names = List.of(Reference.parse("app:1"), Reference.parse("reg.example:5000/app:2"));

        var contents = read(write(new ImageArchive.SavedImage(manifest, names)));

        assertThat(contents.images()).hasSize(1);
        ArchivedImage image = contents.images().get(0);
        assertThat(image.manifest().digest()).isEqualTo(manifest.digest());
        assertThat(image.names()).containsExactlyElementsOf(names);
        assertThat(image.layers()).hasSize(2);
        assertThat(image.settings().cmd()).containsExactly("/x");
        assertThat(contents.leftovers()).isEmpty();
        image.layers()
                .forEach(layer ->
                        assertThat(store.has(layer.descriptor().digest())).isTrue());
    }

    @Test
    void theSameImagesGiveTheSameArchive() throws Exception {
        Descriptor manifest = image("hello").into(source);
        var saved = new ImageArchive.SavedImage(manifest, List.of(Reference.parse("app")));

        assertThat(write(saved)).isEqualTo(write(saved));
    }

    @Test
    void theArchiveMayBePacked() throws Exception {
        Descriptor manifest = image("hello").into(source);
        byte[] archive = write(new ImageArchive.SavedImage(manifest, List.of()));

        assertThat(read(packed(archive, out -> new GZIPOutputStream(out))).images())
                .hasSize(1);
        assertThat(read(packed(archive, out -> new ZstdOutputStream(out))).images())
                .hasSize(1);
        byte[] bzip2 = packed(archive, BZip2CompressorOutputStream::new);
        assertThat(read(bzip2).images()).hasSize(1);
        assertThat(read(packed(archive, out -> new XZOutputStream(out, new LZMA2Options(1))))
                        .images())
                .hasSize(1);
        assertThatThrownBy(() -> read(Arrays.copyOf(bzip2, bzip2.length / 2))).isInstanceOf(IOException.class);
        // printf x | xz -9
        byte[] greedy = Base64.getDecoder()
                .decode("/Td6WFoAAATm1rRGAgAhARwAAAAQz1jMAQAAeAAAAABFru+D+O4WCgABGQGlLIHMH7bzfQEAAAAABFla");
        assertThatThrownBy(() -> read(greedy))
                .isInstanceOf(DocumentException.class)
                .hasMessageContaining("takes 64 MiB to read");
    }

    @Test
    void anArchiveOfSeveralPackedStreamsIsReadToItsEnd() throws Exception {
        Descriptor manifest = image("hello").into(source);
        byte[] archive = write(new ImageArchive.SavedImage(manifest, List.of()));
        ByteArrayOutputStream parts = new ByteArrayOutputStream();
        parts.write(packed(Arrays.copyOf(archive, 700), BZip2CompressorOutputStream::new));
        parts.write(packed(Arrays.copyOfRange(archive, 700, archive.length), BZip2CompressorOutputStream::new));

        assertThat(read(parts.toByteArray()).images()).hasSize(1);
    }

    @Test
    void anOldDockerArchiveWithLinksAndRelicsIsLoaded() throws Exception {
        byte[] layer = new LayerMaker().file("x", 0644, "x").tar();
        Digest diffId = Digest.sha256(layer);
        byte[] config = ImageConfigs.write(new ImageMaker()
                .layer(ImageMaker.Packing.PLAIN, layer)
                .layer(ImageMaker.Packing.PLAIN, layer)
                .config());
        String name = Digest.sha256(config).hex();
        String one = "1".repeat(64);
        String two = "2".repeat(64);
        byte[] archive = new LayerMaker()
                .file("manifest.json", 0644, """
                        [{"Config": "%s.json", "RepoTags": ["old:1", "old:2"], "Layers": ["%s/layer.tar", "%s/layer.tar"]}]
                        """.formatted(name, one, two))
                .directory(one, 0755)
                .file(one + "/VERSION", 0644, "1.0")
                .file(one + "/json", 0644, "{}")
                .file(one + "/layer.tar", 0644, layer)
                .directory(two, 0755)
                .symlink(two + "/layer.tar", "../" + one + "/layer.tar")
                .file(name + ".json", 0644, config)
                .file("repositories", 0644, "{}")
                .tar();

        var contents = read(archive);

        ArchivedImage image = contents.images().get(0);
        assertThat(image.id().digest()).isEqualTo(Digest.sha256(config));
        assertThat(image.names()).containsExactly(Reference.parse("old:1"), Reference.parse("old:2"));
        assertThat(image.layers()).allSatisfy(l -> assertThat(l.diffId()).isEqualTo(diffId));
        assertThat(contents.leftovers()).isEmpty();
        assertThat(read(archive).images().get(0).manifest()).isEqualTo(image.manifest());
    }

    @Test
    void theImageOfTheWantedPlatformIsTakenFromAnIndex() throws Exception {
        Descriptor amd64 = image("amd64").platform(AMD64).into(source);
        Descriptor arm64 =
                image("arm64").platform(Platform.parse("linux/arm64")).into(source);
        byte[] index = new Index(List.of(arm64, amd64)).write();
        Descriptor multi = source.put(MediaTypes.OCI_INDEX, index);
        source.tag("docker.io/library/multi:1", multi);

        var contents = read(tarOf(source), AMD64);

        assertThat(contents.images()).hasSize(1);
        assertThat(contents.images().get(0).manifest().digest()).isEqualTo(amd64.digest());
        assertThat(contents.images().get(0).names()).containsExactly(Reference.parse("multi:1"));
        assertThat(contents.leftovers()).contains(arm64.digest()).doesNotContain(amd64.digest(), multi.digest());
    }

    @Test
    void whatNoIndexOffersIsTakenByThePlatformOfItsConfig() throws Exception {
        Platform arm = Platform.parse("linux/arm64");
        Descriptor amd64 = image("amd64").platform(AMD64).into(source);
        Descriptor arm64 = image("arm64").platform(arm).into(source);
        source.tag("docker.io/library/here:1", amd64);
        source.tag("docker.io/library/there:1", arm64);
        byte[] docker = new LayerMaker()
                .file("manifest.json", 0644, "[{\"Config\": \"c\", \"Layers\": []}]")
                .file(
                        "c",
                        0644,
                        ImageConfigs.write(new ImageMaker().platform(AMD64).config()))
                .tar();

        var contents = read(tarOf(source), arm);

        assertThat(contents.images()).extracting(i -> i.manifest().digest()).containsExactly(arm64.digest());
        assertThat(contents.leftovers()).contains(amd64.digest());
        assertThat(read(docker, AMD64).images()).hasSize(1);
        for (byte[] archive : List.of(docker, tarOf(source))) {
            assertThatThrownBy(() -> read(archive, Platform.parse("linux/s390x")))
                    .hasMessageContaining("the archive holds no image for linux/s390x");
        }
    }

    @Test
    void everyPlatformOfAnIndexIsTakenAndSavedWithItTheHostsFirst() throws Exception {
        Descriptor amd64 = image("amd64").platform(AMD64).into(source);
        Descriptor arm64 =
                image("arm64").platform(Platform.parse("linux/arm64")).into(source);
        Descriptor absent = new Descriptor(MediaTypes.OCI_MANIFEST, Digest.sha256("absent"), 6);
        Descriptor multi = source.put(MediaTypes.OCI_INDEX, new Index(List.of(arm64, amd64, absent)).write());
        source.tag("docker.io/library/multi:1", multi);

        var contents = read(tarOf(source));
        var saved = read(write(new ImageArchive.SavedImage(
                amd64, List.of(Reference.parse("multi:1")), Optional.of(multi), List.of(arm64))));

        for (var each : List.of(contents, saved)) {
            assertThat(each.images())
                    .extracting(i -> i.manifest().digest())
                    .containsExactly(amd64.digest(), arm64.digest());
            assertThat(each.images()).extracting(ArchivedImage::first).containsExactly(true, false);
            assertThat(each.images())
                    .extracting(i -> i.index().orElseThrow().digest())
                    .containsOnly(multi.digest());
            assertThat(each.images().get(0).names()).containsExactly(Reference.parse("multi:1"));
            assertThat(each.images().get(1).names()).isEmpty();
            assertThat(each.leftovers()).doesNotContain(amd64.digest(), arm64.digest(), multi.digest());
        }
        // The folder's lock is a file, too.
        assertThat(saved.leftovers()).isEmpty();
        assertThatThrownBy(() -> read(tarOf(source), Platform.parse("linux/riscv64")))
                .hasMessageContaining("the archive holds no image for linux/riscv64");
    }

    @Test
    void hostileArchivesAreRefused() throws Exception {
        byte[] config = ImageConfigs.write(image("x").config());
        assertRefused(new LayerMaker().file("../evil", 0644, "x").tar(), "invalid path");
        assertRefused(
                new LayerMaker()
                        .file("blobs/sha256/" + "0".repeat(64), 0644, "x")
                        .tar(),
                "in truth");
        assertRefused(new LayerMaker().characterDevice("dev", 0644, 1, 3).tar(), "no plain file");
        assertRefused(new LayerMaker().file("x", 0644, "x").tar(), "no image");
        assertRefused(new byte[0], "empty");
        assertRefused(manifest("[{\"Config\": \"../../etc/shadow\", \"Layers\": []}]"), "invalid path");
        assertRefused(manifest("[{\"Config\": \"a\", \"Layers\": []}]"), "does not hold it");
        assertRefused(manifest("{}"), "not a list");
        assertRefused(manifest("[7]"), "not a string");
        assertRefused(manifest("[" + "[".repeat(100) + "]".repeat(100) + "]"), "malformed");
        assertRefused(
                new LayerMaker()
                        .file(
                                "manifest.json",
                                0644,
                                "[{\"Config\": \"c\", \"Layers\": [\"l\"], \"RepoTags\": [\"UPPER\"]}]")
                        .file("c", 0644, config)
                        .file("l", 0644, new LayerMaker().tar())
                        .tar(),
                "");
        Digest digest = Digest.sha256(config);
        assertRefused(
                new LayerMaker()
                        .file("oci-layout", 0644, "{\"imageLayoutVersion\": \"1.0.0\"}")
                        .file("blobs/sha256/" + digest.hex(), 0644, config)
                        .file(
                                "index.json",
                                0644,
                                "{\"schemaVersion\": 2, \"manifests\": [{\"mediaType\": \"" + MediaTypes.OCI_MANIFEST
                                        + "\", \"digest\": \"" + digest + "\", \"size\": " + (config.length + 1)
                                        + "}]}")
                        .tar(),
                "with " + (config.length + 1) + " bytes but holds " + config.length);
        assertRefused(
                new LayerMaker()
                        .symlink("a", "b")
                        .symlink("b", "a")
                        .file("manifest.json", 0644, "[{\"Config\": \"a\", \"Layers\": []}]")
                        .tar(),
                "does not hold it");
    }

    @Test
    void aPlainLayerThatIsNotTheOneOfTheConfigIsRefused() throws Exception {
        byte[] good = new LayerMaker().file("x", 0644, "x").tar();
        byte[] evil = new LayerMaker().file("x", 0644, "y").tar();
        byte[] archive = new LayerMaker()
                .file("manifest.json", 0644, "[{\"Config\": \"c.json\", \"Layers\": [\"l.tar\"], \"RepoTags\": null}]")
                .file(
                        "c.json",
                        0644,
                        ImageConfigs.write(new ImageMaker()
                                .layer(ImageMaker.Packing.PLAIN, good)
                                .config()))
                .file("l.tar", 0644, evil)
                .tar();

        assertRefused(archive, "is not the one that the config names");
    }

    @Test
    void aLayerThatIsHereNeedNotBeInTheArchive() throws Exception {
        byte[] base = new LayerMaker().file("x", 0644, "x").tar();
        byte[] own = new LayerMaker().file("y", 0644, "y").tar();
        byte[] config = ImageConfigs.write(new ImageMaker()
                .layer(ImageMaker.Packing.PLAIN, base)
                .layer(ImageMaker.Packing.PLAIN, base)
                .layer(ImageMaker.Packing.PLAIN, own)
                .config());
        byte[] archive = new LayerMaker()
                .file("manifest.json", 0644, "[{\"Config\": \"c\", \"Layers\": [\"blank\", \"missing\", \"own\"]}]")
                .file("c", 0644, config)
                .file("blank", 0644, "")
                .file("own", 0644, own)
                .tar();
        LayerId lower = LayerId.of(Optional.empty(), Digest.sha256(base));
        Descriptor packed = new Descriptor(MediaTypes.OCI_LAYER_GZIP, Digest.sha256("packed"), 6);
        here.put(lower, packed);

        assertRefused(archive, "names \"missing\" but does not hold it");
        here.put(LayerId.of(Optional.of(lower), Digest.sha256(base)), packed);

        ArchivedImage image = read(archive).images().get(0);
        assertThat(image.layers().stream().map(layer -> layer.descriptor().digest()))
                .containsExactly(packed.digest(), packed.digest(), Digest.sha256(own));
    }

    @Test
    void anEndlessNameIsNotGatheredInMemory() throws Exception {
        ByteArrayOutputStream endless = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(endless)) {
            TarArchiveEntry header = new TarArchiveEntry("header", TarConstants.LF_PAX_EXTENDED_HEADER_LC);
            byte[] content = ("4194320 path=" + "x".repeat(4194306) + "\n").getBytes(StandardCharsets.UTF_8);
            header.setSize(content.length);
            tar.putArchiveEntry(header);
            tar.write(content);
            tar.closeArchiveEntry();
        }

        assertRefused(endless.toByteArray(), "header is too big");
    }

    @Test
    void aTruncatedArchiveIsRefused() throws Exception {
        Descriptor manifest = image("hello").into(source);
        byte[] archive = write(new ImageArchive.SavedImage(manifest, List.of()));

        int contents = new String(archive, StandardCharsets.ISO_8859_1).indexOf("index.json");
        for (int length = 0; length < contents; length += 511) {
            byte[] part = java.util.Arrays.copyOf(archive, length);
            assertThatThrownBy(() -> read(part)).isInstanceOf(IOException.class);
        }
    }

    @Test
    void skopeoReadsWhatWeWriteInBothForms() throws Exception {
        Descriptor manifest = image("hello").into(source);
        Path archive = folder.resolve("image.tar");
        Files.write(archive, write(new ImageArchive.SavedImage(manifest, List.of(Reference.parse("app:1")))));

        run("skopeo", "copy", "--insecure-policy", "docker-archive:" + archive, "oci:" + folder.resolve("a") + ":x");
        run(
                "skopeo",
                "copy",
                "--insecure-policy",
                "oci-archive:" + archive + ":1",
                "oci:" + folder.resolve("b") + ":x");

        Descriptor copied = new OciLayout(folder.resolve("b"))
                .resolve(Reference.parse("y:x"))
                .orElseThrow();
        assertThat(copied.digest()).isEqualTo(manifest.digest());
    }

    @Test
    void weReadWhatSkopeoWrites() throws Exception {
        Descriptor manifest = image("hello").into(source, "1");
        Path docker = folder.resolve("docker.tar");
        Path oci = folder.resolve("oci.tar");
        String from = "oci:" + source.folder() + ":1";
        run("skopeo", "copy", "--insecure-policy", from, "docker-archive:" + docker + ":team/app:7");
        run("skopeo", "copy", "--insecure-policy", from, "oci-archive:" + oci + ":team/app:8");

        ArchivedImage first = read(Files.readAllBytes(docker)).images().get(0);
        ArchivedImage second = read(Files.readAllBytes(oci)).images().get(0);

        assertThat(first.names()).containsExactly(Reference.parse("team/app:7"));
        assertThat(second.names()).containsExactly(Reference.parse("team/app:8"));
        assertThat(first.layers().stream().map(l -> l.diffId()))
                .containsExactlyElementsOf(
                        second.layers().stream().map(l -> l.diffId()).toList());
        assertThat(second.manifest().digest()).isEqualTo(manifest.digest());
        assertThat(first.settings().cmd()).containsExactly("/x");
    }

    // --- helpers

    private static ImageMaker image(String content) {
        return new ImageMaker()
                .layer(layer -> layer.directory("etc", 0755).file("etc/motd", 0644, content))
                .layer(ImageMaker.Packing.GZIP, layer -> layer.file("x", 0755, "#!" + content))
                .cmd("/x");
    }

    private byte[] write(ImageArchive.SavedImage image) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageArchive.write(out, List.of(image), blobs(source));
        return out.toByteArray();
    }

    private ImageArchive.Contents read(byte[] archive, Platform... wanted) throws IOException {
        return ImageArchive.read(new ByteArrayInputStream(archive), blobs(store), List.of(wanted), AMD64);
    }

    private void assertRefused(byte[] archive, String why) {
        assertThatThrownBy(() -> read(archive))
                .isInstanceOf(DocumentException.class)
                .hasMessageContaining(why);
    }

    private static byte[] manifest(String json) {
        return new LayerMaker().file("manifest.json", 0644, json).tar();
    }

    private static byte[] tarOf(OciLayout layout) throws IOException {
        LayerMaker tar = new LayerMaker();
        try (var files = Files.walk(layout.folder())) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                tar.file(layout.folder().relativize(file).toString(), 0644, Files.readAllBytes(file));
            }
        }
        return tar.tar();
    }

    private interface Packer {
        OutputStream around(OutputStream out) throws IOException;
    }

    private static byte[] packed(byte[] bytes, Packer packer) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream packed = packer.around(out)) {
            packed.write(bytes);
        }
        return out.toByteArray();
    }

    private Blobs blobs(OciLayout layout) {
        return new Blobs() {
            @Override
            public Optional<Descriptor> layer(LayerId layer) {
                return Optional.ofNullable(here.get(layer));
            }

            @Override
            public Descriptor take(String mediaType, InputStream bytes) throws IOException {
                return layout.put(mediaType, bytes.readAllBytes());
            }

            @Override
            public InputStream open(Digest digest) throws IOException {
                return layout.open(digest, 0);
            }
        };
    }

    private static void run(String... command) throws Exception {
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.PIPE)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(output).isZero();
    }
}
