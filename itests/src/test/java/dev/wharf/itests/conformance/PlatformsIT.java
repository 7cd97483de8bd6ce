package dev.wharf.itests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.images.LoopbackRegistry;
import dev.wharf.model.Descriptor;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Platform;
import dev.wharf.oci.image.Index;
import dev.wharf.oci.layout.OciLayout;
import dev.wharf.oci.make.BusyboxImage;
import dev.wharf.oci.make.ImageMaker;
import java.nio.file.Path;
import java.util.ArrayList;
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
@Timeout(120)
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
        index = fill(layout);
        layout.tag("1", index);
    }

    private static Descriptor fill(OciLayout layout) throws Exception {
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
        return layout.put(MediaTypes.OCI_INDEX, new Index(List.of(theirs, ours)).write());
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

    @Test
    void everyPlatformOfAnArchiveIsKeptAndSavedAndPushedAndGoesWithItsName() throws Exception {
        OciLayout layout = new OciLayout(folder.resolve("archive")).create();
        layout.tag(NAME, fill(layout));
        Path tar = folder.resolve("all.tar");
        Outcome.of("tar", "-C", folder.resolve("archive").toString(), "-cf", tar.toString(), ".")
                .outOrThrow();

        // Others may have left some before.
        docker.docker("builder", "prune", "--all", "--force");
        docker.docker("image", "prune", "--force");
        assertThat(docker.docker("load", "-i", tar.toString())).endsWith("Loaded image: " + NAME);
        assertThat(availableHere()).isEqualTo(2);
        assertThat(docker.docker("images", "--quiet", "--filter", "reference=*/many")
                        .lines())
                .hasSize(1);
        assertThat(docker.docker("images", "--quiet", "--filter", "dangling=true"))
                .isEmpty();
        String theirs = architecture("--platform", "linux/s390x");
        assertThat(theirs).isEqualTo("s390x");
        docker.docker("create", "--pull", "never", "--platform", "linux/s390x", "--name", "theirs", NAME, "x");
        assertThat(docker.inspect("theirs", "{{.Image}}")).isNotEqualTo(docker.inspect(NAME, "{{.Id}}"));
        docker.docker("rm", "theirs");

        docker.docker("save", "-o", folder.resolve("saved.tar").toString(), NAME);
        docker.docker(
                "save",
                "--platform",
                "linux/s390x",
                "-o",
                folder.resolve("one.tar").toString(),
                NAME);
        try (LoopbackRegistry registry = LoopbackRegistry.start()) {
            String pushed = registry.host() + "/many:1";
            docker.docker("tag", NAME, pushed);
            assertThat(docker.docker("push", "--platform", "linux/s390x", pushed))
                    .contains(": Pushed")
                    .doesNotContain("already exists");
            assertThat(images()).as("a variant that was pushed alone").doesNotContain("<none>");
            assertThat(docker.docker("push", pushed)).contains("digest: " + index.digest());
            docker.docker("rmi", pushed, NAME);
            assertThat(images()).as("what is left of both platforms").doesNotContain("many", "<none>");
            docker.docker("pull", "--quiet", "--platform", "linux/s390x", pushed);
            assertThat(docker.inspect(pushed, "{{.Architecture}} {{index .RepoDigests 0}}"))
                    .isEqualTo("s390x " + registry.host() + "/many@" + index.digest());
            docker.docker("rmi", pushed);
        }
        docker.docker(
                "load",
                "--platform",
                "linux/s390x",
                "-i",
                folder.resolve("saved.tar").toString());
        assertThat(docker.inspect(NAME, "{{.Architecture}}")).isEqualTo("s390x");
        docker.docker("load", "-i", folder.resolve("saved.tar").toString());
        assertThat(availableHere()).isEqualTo(2);
        docker.docker("rmi", "--platform", "linux/s390x", NAME);
        assertThat(availableHere()).isEqualTo(1);
        assertThat(docker.docker("run", "--rm", NAME, "echo", "still runs")).isEqualTo("still runs");
        docker.docker("rmi", NAME);
        docker.docker("load", "-i", folder.resolve("one.tar").toString());
        assertThat(docker.inspect(NAME, "{{.Architecture}}")).isEqualTo("s390x");
    }

    private long availableHere() throws Exception {
        String inspected = docker.daemon()
                .curl("/v1.51/images/" + NAME + "/json?manifests=1")
                .outOrThrow();
        return inspected.split("\"Available\":true", -1).length - 1;
    }

    private String architecture(String... options) throws Exception {
        List<String> command = new ArrayList<>(List.of("image", "inspect", "--format", "{{.Architecture}}"));
        command.addAll(List.of(options));
        command.add(NAME);
        return docker.docker(command.toArray(String[]::new));
    }

    private String images() throws Exception {
        return docker.docker("images", "--all", "--no-trunc");
    }
}
