package dev.wharf.registry.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.oci.image.Manifest;
import dev.wharf.oci.layout.OciLayout;
import dev.wharf.oci.make.ImageMaker;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import dev.wharf.testkit.registry.RegistryBackendContract;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LayoutBackendTest extends RegistryBackendContract {
    @TempDir
    Path root;

    @Override
    protected RegistryBackend backend() {
        return new LayoutBackend(() -> new LayoutBackend.Settings(root, Set.of("images.local")));
    }

    @Override
    protected Repository emptyRepository() {
        return Repository.parse("images.local/team/app");
    }

    @Override
    protected Optional<Repository> foreignRepository() {
        return Optional.of(Repository.parse("alpine"));
    }

    @Test
    void aFolderThatAppearsIsServedAtOnce() throws Exception {
        Repository busybox = Repository.parse("busybox");
        assertThat(backend.serves(busybox)).isFalse();

        Descriptor image = new ImageMaker()
                .layer(layer -> layer.directory("tmp", 01777))
                .into(new OciLayout(root.resolve("docker.io/library/busybox")), "latest");

        assertThat(backend.serves(busybox)).isTrue();
        try (var other = backend.open(busybox, Credentials.ANONYMOUS)) {
            assertThat(other.resolve(Reference.parse("busybox")).digest()).isEqualTo(image.digest());
        }
        assertThat(backend.serves(Repository.parse("nginx"))).isFalse();
    }

    @Test
    void skopeoReadsWhatWasPushed() throws Exception {
        Path folder = root.resolve("images.local/team/app");
        ImageMaker maker = new ImageMaker().layer(layer -> layer.file("x", 0644, "x"));
        OciLayout source = new OciLayout(root.resolve("source"));
        Descriptor image = maker.into(source, "v");
        var manifest = Manifest.parse(source.read(image.digest(), 1 << 20), image.mediaType());
        for (Descriptor part : manifest.layers()) {
            remote.push(content(part, source.read(part.digest(), 1 << 20)));
        }
        remote.push(content(manifest.config(), source.read(manifest.config().digest(), 1 << 20)));
        remote.push(content(image, source.read(image.digest(), 1 << 20)));
        remote.tag(tag("v"), image);

        Process skopeo = new ProcessBuilder(
                        "skopeo",
                        "copy",
                        "--insecure-policy",
                        "oci:" + folder + ":v",
                        "oci:" + root.resolve("copy") + ":v")
                .redirectErrorStream(true)
                .start();
        String output = new String(skopeo.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(skopeo.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(skopeo.exitValue()).as(output).isZero();
    }

    @Test
    void aBrokenIndexIsCorruptAndSaysWhere() throws Exception {
        Path folder = root.resolve("images.local/team/app");
        new OciLayout(folder).create();
        Files.writeString(folder.resolve("index.json"), "{");

        assertThatThrownBy(() -> remote.resolve(tag("v")))
                .isInstanceOfSatisfying(
                        DriverException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.CORRUPT))
                .hasMessageContaining(folder.toString());
    }

    @Test
    void aRootThatIsAFileIsNotReady() throws Exception {
        Path file = Files.writeString(root.resolve("file"), "x");

        assertThat(new LayoutBackend(() -> new LayoutBackend.Settings(file, Set.of()))
                        .probe()
                        .ready())
                .isFalse();
    }
}
