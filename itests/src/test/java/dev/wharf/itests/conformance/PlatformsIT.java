package dev.wharf.itests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.images.LoopbackRegistry;
import dev.wharf.model.Descriptor;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Platform;
import dev.wharf.oci.image.Index;
import dev.wharf.oci.layout.OciLayout;
import dev.wharf.oci.make.BusyboxImage;
import dev.wharf.oci.make.ImageMaker;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Images of which there is one for each platform. */
@ExtendWith(SharedAgent.class)
@Timeout(60)
class PlatformsIT {
    private static final String NAME = "layout.local/many:1";

    @TempDir
    private Path folder;

    private final Docker docker;
    private Descriptor index;

    PlatformsIT(Daemon daemon) {
        docker = new Docker(daemon);
    }

    @BeforeEach
    void offer() throws Exception {
        OciLayout layout = new OciLayout(docker.daemon().dataRoot().resolve("layouts/layout.local/many")).create();
        Platform other = new Platform("linux", "s390x", "");
        Descriptor ours = of(
                BusyboxImage.maker(Path.of("/bin/busybox"))
                        .platform(Platform.host())
                        .into(layout),
                Platform.host());
        Descriptor theirs = of(
                new ImageMaker()
                        .layer(l -> l.file("theirs", 0644, "x"))
                        .platform(other)
                        .into(layout),
                other);
        index = layout.put(MediaTypes.OCI_INDEX, new Index(List.of(theirs, ours)).write());
        layout.tag("1", index);
    }

    private static Descriptor of(Descriptor manifest, Platform platform) {
        return new Descriptor(
                manifest.mediaType(), manifest.digest(), manifest.sizeBytes(), Optional.of(platform), Map.of());
    }

    @AfterEach
    void removeImages() throws Exception {
        for (String id : docker.docker("images", "-q", "--filter", "reference=*/many")
                .lines()
                .distinct()
                .toList()) {
            docker.docker("rmi", "-f", id);
        }
    }

    @Test
    void anIndexIsKeptBesideTheImageThatWasChosenFromItAndTold() throws Exception {
        docker.docker("pull", "--quiet", NAME);

        assertThat(docker.docker("run", "--rm", NAME, "echo", "runs")).isEqualTo("runs");
        assertThat(docker.inspect(NAME, "{{index .RepoDigests 0}}")).isEqualTo("layout.local/many@" + index.digest());
        String inspected = docker.daemon()
                .curl("/v1.51/images/" + NAME + "/json?manifests=1")
                .outOrThrow();
        assertThat(inspected)
                .contains(
                        "\"Descriptor\":{\"mediaType\":\"" + MediaTypes.OCI_INDEX + "\",\"digest\":\"" + index.digest())
                .contains("\"architecture\":\"s390x\"")
                .containsPattern("\"Available\":false.*\"Available\":true");
        assertThat(docker.daemon().curl("/v1.51/images/json?manifests=1").outOrThrow())
                .contains("\"Manifests\":[{");
        assertThat(docker.docker("images", "--tree")).contains("linux/s390x");
        docker.daemon().stop();
        docker.daemon().restart();
        assertThat(docker.daemon()
                        .curl("/v1.51/images/" + NAME + "/json?manifests=1")
                        .outOrThrow())
                .as("what a start sweeps away")
                .isEqualTo(inspected);
    }

    @Test
    void anotherPlatformIsPulledWhereItIsAskedForAndWhatIsSavedAndPushedIsWhatIsHere() throws Exception {
        docker.docker("pull", "--quiet", "--platform", "linux/s390x", NAME);
        assertThat(docker.inspect(NAME, "{{.Os}}/{{.Architecture}}")).isEqualTo("linux/s390x");
        assertThat(docker.tried("pull", "--platform", "linux/riscv64", NAME).err())
                .contains("no matching manifest for linux/riscv64");
        docker.docker("pull", "--quiet", NAME);
        assertThat(docker.inspect(NAME, "{{.Architecture}}"))
                .isEqualTo(Platform.host().architecture());

        docker.docker("save", "-o", folder.resolve("many.tar").toString(), NAME);
        assertThat(docker.docker("load", "-i", folder.resolve("many.tar").toString()))
                .contains("Loaded image: " + NAME);
        try (LoopbackRegistry registry = LoopbackRegistry.start()) {
            String pushed = registry.host() + "/many:1";
            docker.docker("tag", NAME, pushed);
            docker.docker("push", pushed);
            docker.docker("rmi", pushed);
            docker.docker("pull", "--quiet", pushed);
            assertThat(docker.docker("run", "--rm", pushed, "echo", "came back"))
                    .isEqualTo("came back");
        }
    }
}
