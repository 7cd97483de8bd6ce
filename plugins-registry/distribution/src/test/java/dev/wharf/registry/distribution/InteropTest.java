package dev.wharf.registry.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.model.Descriptor;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Platform;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.oci.image.ImageConfigs;
import dev.wharf.oci.image.Index;
import dev.wharf.oci.image.Manifest;
import dev.wharf.oci.layout.OciLayout;
import dev.wharf.oci.make.ImageMaker;
import dev.wharf.spi.registry.Content;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The same images through our hands and skopeo's, by way of a real registry. */
@Timeout(120)
class InteropTest {
    @TempDir
    static Path folder;

    private static DebianRegistry registry;
    private static OciLayout source;
    private static Descriptor image;

    @BeforeAll
    static void start() throws Exception {
        registry = DebianRegistry.open(folder.resolve("registry"));
        source = new OciLayout(folder.resolve("source"));
        image = new ImageMaker()
                .layer(layer -> layer.directory("etc", 0755).file("etc/motd", 0644, "hello"))
                .layer(ImageMaker.Packing.ZSTD, layer -> layer.file("data", 0644, new byte[2_000_000]))
                .cmd("/bin/app")
                .into(source, "v");
        new ImageMaker().layer(layer -> layer.file("x", 0644, "x")).cmd("x").into(source, "gz");
    }

    @AfterAll
    static void stop() throws Exception {
        registry.close();
    }

    @Test
    void whatSkopeoPushedIsReadWhole() throws Exception {
        skopeo("oci:" + source.folder() + ":v", "docker://" + registry.host() + "/from/skopeo:v");

        try (RegistryBackend.Remote remote = open("/from/skopeo")) {
            Descriptor found = remote.resolve(reference("/from/skopeo", "v"));
            Manifest manifest = Manifest.parse(read(remote, found), found.mediaType());
            ImageConfig config = ImageConfigs.parse(read(remote, manifest.config()));

            assertThat(found.digest()).isEqualTo(image.digest());
            assertThat(config.cmd()).containsExactly("/bin/app");
            for (LayerSpec layer : manifest.layersOf(config)) {
                assertThat(read(remote, layer.descriptor()))
                        .isEqualTo(source.read(layer.descriptor().digest(), 10 << 20));
            }
        }
    }

    @Test
    void anImageInDockersFormIsReadToo() throws Exception {
        skopeo("--format", "v2s2", "oci:" + source.folder() + ":gz", "docker://" + registry.host() + "/from/docker:v");

        try (RegistryBackend.Remote remote = open("/from/docker")) {
            Descriptor found = remote.resolve(reference("/from/docker", "v"));

            assertThat(found.mediaType()).isEqualTo(MediaTypes.DOCKER_MANIFEST);
            assertThat(Manifest.parse(read(remote, found), found.mediaType()).layers())
                    .extracting(Descriptor::mediaType)
                    .containsOnly(MediaTypes.DOCKER_LAYER_GZIP);
        }
    }

    @Test
    void skopeoReadsWhatWePushed() throws Exception {
        try (RegistryBackend.Remote remote = open("/from/wharf")) {
            push(remote, image);
            remote.tag(reference("/from/wharf", "v"), image);
        }

        Path copy = folder.resolve("copy");
        skopeo("docker://" + registry.host() + "/from/wharf:v", "oci:" + copy + ":v");

        assertThat(new OciLayout(copy)
                        .resolve(Reference.parse("x:v"))
                        .orElseThrow()
                        .digest())
                .isEqualTo(image.digest());
    }

    @Test
    void skopeoReadsAnIndexThatWePushed() throws Exception {
        Descriptor arm = new ImageMaker()
                .platform(Platform.parse("linux/arm64"))
                .layer(layer -> layer.file("x", 0644, "arm"))
                .into(source);
        byte[] index = new Index(List.of(image, arm)).write();
        Descriptor multi = source.put(MediaTypes.OCI_INDEX, index);
        try (RegistryBackend.Remote remote = open("/from/multi")) {
            push(remote, image);
            push(remote, arm);
            remote.push(content(multi));
            remote.tag(reference("/from/multi", "v"), multi);
        }

        String inspected = Shell.run(
                "skopeo",
                "--override-arch",
                "arm64",
                "inspect",
                "--tls-verify=false",
                "--format",
                "{{.Architecture}}",
                "docker://" + registry.host() + "/from/multi:v");

        assertThat(inspected.strip()).isEqualTo("arm64");
    }

    private static void skopeo(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(
                List.of("skopeo", "copy", "--insecure-policy", "--src-tls-verify=false", "--dest-tls-verify=false"));
        command.addAll(List.of(arguments));
        Shell.run(command.toArray(String[]::new));
    }

    private static RegistryBackend.Remote open(String path) throws Exception {
        return new DistributionBackend(folder.resolve("certs.d"), Map.of(), Map.of())
                .open(Repository.parse(registry.host() + path), Credentials.ANONYMOUS);
    }

    private static Reference reference(String path, String tag) {
        return Reference.of(Repository.parse(registry.host() + path), tag);
    }

    private static byte[] read(RegistryBackend.Remote remote, Descriptor content) throws Exception {
        try (InputStream in = remote.fetch(content, 0)) {
            return in.readAllBytes();
        }
    }

    private static void push(RegistryBackend.Remote remote, Descriptor manifest) throws Exception {
        Manifest document = Manifest.parse(source.read(manifest.digest(), Manifest.LIMIT_BYTES), manifest.mediaType());
        for (Descriptor layer : document.layers()) {
            remote.push(content(layer));
        }
        remote.push(content(document.config()));
        remote.push(content(manifest));
    }

    private static Content content(Descriptor descriptor) {
        return new Content() {
            @Override
            public Descriptor descriptor() {
                return descriptor;
            }

            @Override
            public InputStream open() throws IOException {
                return source.open(descriptor.digest(), 0);
            }
        };
    }
}
