package dev.wharf.registry.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.ZstdOutputStream;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.oci.image.ImageConfigs;
import dev.wharf.oci.image.Manifest;
import dev.wharf.oci.layout.OciLayout;
import dev.wharf.oci.make.ImageMaker;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.registry.Content;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import dev.wharf.testkit.registry.ReadOnlyRegistryContract;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ArchiveBackendTest extends ReadOnlyRegistryContract {
    private static final Repository TEAM = Repository.parse("archive.local/team/app");

    @TempDir
    Path root;

    @TempDir
    Path workshop;

    private ArchiveBackend made;

    @Override
    protected RegistryBackend backend() {
        close();
        made = new ArchiveBackend(root);
        return made;
    }

    @AfterEach
    void close() {
        if (made != null) {
            made.close();
        }
    }

    @Override
    protected Repository emptyRepository() {
        return TEAM;
    }

    @Override
    protected Optional<Repository> foreignRepository() {
        return Optional.of(Repository.parse("alpine"));
    }

    /** Each change makes the archive anew, as whoever exports a layout does. */
    @Override
    protected synchronized void publish(Content content) throws Exception {
        OciLayout layout = new OciLayout(workshop.resolve("layout")).create();
        try (InputStream in = content.open()) {
            layout.put(content.descriptor(), in);
        }
        pack();
    }

    @Override
    protected synchronized void publish(Reference reference, Descriptor manifest) throws Exception {
        new OciLayout(workshop.resolve("layout")).create().tag(reference.tag().orElseThrow(), manifest);
        pack();
    }

    private void pack() throws Exception {
        Path fresh = workshop.resolve("fresh.tar");
        run("tar", "--create", "--file=" + fresh, "--directory=" + workshop.resolve("layout"), ".");
        drop(fresh, "archive.local/team/app.oci.tar");
    }

    private void drop(Path archive, String name) throws Exception {
        Path target = root.resolve(name);
        Files.createDirectories(target.getParent());
        Files.move(archive, target, StandardCopyOption.ATOMIC_MOVE);
    }

    private static void run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue())
                .as(String.join(" ", command) + "\n" + said)
                .isZero();
    }

    /** An image of two layers, as skopeo writes it for {@code docker load}. */
    private Path dockerArchive(String name) throws Exception {
        OciLayout layout = new OciLayout(Files.createTempDirectory(workshop, "image"));
        new ImageMaker()
                .layer(layer -> layer.directory("tmp", 01777).file("etc/motd", 0644, "x".repeat(200_000)))
                .layer(layer -> layer.file("etc/hostname", 0644, name))
                .into(layout, "latest");
        Path archive = Files.createTempDirectory(workshop, "archive").resolve("image.tar");
        run(
                "skopeo",
                "copy",
                "--quiet",
                "--insecure-policy",
                "oci:" + layout.folder() + ":latest",
                "docker-archive:" + archive + ":" + name);
        return archive;
    }

    /** Everything that a reference leads to, each part checked against its digest. */
    private List<Digest> pulled(String name) throws Exception {
        Reference reference = Reference.parse(name);
        try (RegistryBackend.Remote there = backend.open(reference.repository(), Credentials.ANONYMOUS)) {
            Descriptor target = there.resolve(reference);
            Manifest manifest = Manifest.parse(checked(there, target), target.mediaType());
            assertThat(ImageConfigs.parse(checked(there, manifest.config())).diffIds())
                    .hasSameSizeAs(manifest.layers());
            for (Descriptor layer : manifest.layers()) {
                checked(there, layer);
            }
            return manifest.layers().stream().map(Descriptor::digest).toList();
        }
    }

    private static byte[] checked(RegistryBackend.Remote there, Descriptor part) throws Exception {
        try (InputStream in = there.fetch(part, 0)) {
            byte[] bytes = in.readAllBytes();
            assertThat(Digest.sha256(bytes)).isEqualTo(part.digest());
            assertThat(bytes).hasSize((int) part.sizeBytes());
            return bytes;
        }
    }

    @Test
    void anArchiveThatAppearsIsServedAndOneThatGoesIsNotAnyMore() throws Exception {
        Repository busybox = Repository.parse("busybox");
        assertThat(backend.serves(busybox)).isFalse();

        drop(dockerArchive("busybox:1.36"), "whatever.tar");

        assertThat(backend.serves(busybox)).isTrue();
        assertThat(pulled("busybox:1.36")).hasSize(2);
        assertThatThrownBy(() -> pulled("busybox:2")).hasMessageContaining("manifest for busybox:2 not found");
        Files.delete(root.resolve("whatever.tar"));
        assertThat(backend.serves(busybox)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"tar.gz", "tgz", "tar.zst", "tzst"})
    void aPackedArchiveHasTheSameImages(String ending) throws Exception {
        Path plain = dockerArchive("busybox:1.36");
        Path packed = workshop.resolve("packed." + ending);
        try (OutputStream out = Files.newOutputStream(packed);
                OutputStream packing = ending.endsWith("gz") ? new GZIPOutputStream(out) : new ZstdOutputStream(out)) {
            Files.copy(plain, packing);
        }
        drop(packed, "busybox." + ending);
        List<Digest> unpacked = pulled("busybox:1.36");

        Files.delete(root.resolve("busybox." + ending));
        drop(plain, "busybox.tar");

        assertThat(pulled("busybox:1.36")).isEqualTo(unpacked);
    }

    @Test
    void theNewerOfTwoArchivesThatSayTheSameCounts() throws Exception {
        drop(dockerArchive("busybox:1"), "z.tar");
        List<Digest> first = pulled("busybox:1");
        OciLayout other = new OciLayout(workshop.resolve("other"));
        new ImageMaker().layer(layer -> layer.file("new", 0644, "new")).into(other, "latest");
        Path archive = workshop.resolve("other.tar");
        run(
                "skopeo",
                "copy",
                "--quiet",
                "--insecure-policy",
                "oci:" + other.folder() + ":latest",
                "docker-archive:" + archive + ":busybox:1");

        drop(archive, "a.tar");

        assertThat(pulled("busybox:1")).isNotEqualTo(first).hasSize(1);
    }

    @Test
    void anArchiveThatIsStillBeingCopiedIsServedOnceItIsWhole() throws Exception {
        Path whole = dockerArchive("busybox:1");
        byte[] bytes = Files.readAllBytes(whole);
        Files.write(root.resolve("busybox.tar"), java.util.Arrays.copyOf(bytes, bytes.length / 3));
        assertThat(backend.serves(Repository.parse("busybox"))).isFalse();

        Files.write(root.resolve("busybox.tar"), bytes);

        assertThat(pulled("busybox:1")).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"notes.txt", ".hidden.tar", "garbage.tar", "garbage.tar.gz"})
    void whatIsNoArchiveKeepsNobodyFromTheOthers(String name) throws Exception {
        Files.writeString(root.resolve(name), "no archive at all");
        drop(dockerArchive("busybox:1"), "busybox.tar");

        assertThat(pulled("busybox:1")).hasSize(2);
    }

    @Test
    void aFileIsARepositoryByItsPath() {
        assertThat(ArchiveFolder.own(root, root.resolve("team/app.oci.tar.zst")))
                .contains(Repository.parse("docker.io/team/app"));
        assertThat(ArchiveFolder.own(root, root.resolve("registry.example/app.tgz")))
                .contains(Repository.parse("registry.example/app"));
        assertThat(ArchiveFolder.own(root, root.resolve("My Image.tar"))).isEmpty();
    }

    @Test
    void anotherFolderIsServedAtOnceAndNothingStaysBehind() throws Exception {
        drop(dockerArchive("busybox:1"), "busybox.tar");
        assertThat(pulled("busybox:1")).hasSize(2);

        made.serve(workshop.resolve("elsewhere"));

        assertThat(backend.serves(Repository.parse("busybox"))).isFalse();
        made.close();
        assertThatThrownBy(() -> {
                    made.serve(root);
                    made.open(Repository.parse("busybox"), Credentials.ANONYMOUS)
                            .resolve(Reference.parse("busybox:1"));
                })
                .isInstanceOf(DriverException.class);
    }
}
