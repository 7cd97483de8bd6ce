package dev.wharf.itests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.model.Digest;
import dev.wharf.oci.make.LayerMaker;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Images that come and go by tag, file and registry. */
@ExtendWith(SharedAgent.class)
@Timeout(120)
class ImagesIT {
    @TempDir
    private Path folder;

    private final Docker docker;

    ImagesIT(Daemon daemon) {
        docker = new Docker(daemon);
    }

    @AfterEach
    void removeWhatWasMade() throws Exception {
        for (String image : docker.docker("images", "--format", "{{.Repository}}:{{.Tag}}")
                .lines()
                .toList()) {
            if (!image.contains("busybox:latest")) docker.tried("rmi", "--force", image);
        }
    }

    @Test
    void aNameMoreIsNoImageMore() throws Exception {
        docker.docker("tag", "busybox", "harbour.example/tug:v1");
        assertThat(docker.docker("images", "--quiet", "harbour.example/tug"))
                .isEqualTo(docker.docker("images", "--quiet", "busybox:latest"));

        assertThat(docker.docker("rmi", "harbour.example/tug:v1")).startsWith("Untagged: harbour.example/tug:v1");
        assertThat(docker.docker("run", "--rm", "busybox", "echo", "still here"))
                .isEqualTo("still here");
    }

    @Test
    void anImageInUseIsNotRemoved() throws Exception {
        docker.docker("import", tarOfBusybox(), "used:latest");
        String container = docker.docker("run", "-d", "used", "/bin/busybox", "sleep", "1000");

        Outcome refused = docker.tried("rmi", "used");

        assertThat(refused.status()).isEqualTo(1);
        assertThat(refused.err())
                .contains("conflict: unable to remove repository reference \"used\"", container.substring(0, 12));
    }

    @Test
    void byForceAnImageGoesFromAContainerThatStandsStillAndThatStartsWithoutIt() throws Exception {
        String image = docker.docker("import", tarOfBusybox(), "left:latest");
        docker.docker("run", "--name", "heir", "left", "/bin/busybox", "echo", "still here");

        assertThat(docker.docker("rmi", "--force", "left")).contains("Untagged: left:latest", "Deleted: " + image);

        assertThat(docker.docker("images", "--all", "--quiet", "--no-trunc")).doesNotContain(image);
        assertThat(docker.docker("start", "--attach", "heir")).isEqualTo("still here");
        docker.docker("rm", "heir");
    }

    private String tarOfBusybox() throws Exception {
        Outcome.of(
                        "sh",
                        "-euc",
                        "mkdir -p $1/root/bin && cp /bin/busybox $1/root/bin/ && tar -C $1/root -cf $1/root.tar .",
                        "sh",
                        folder.toString())
                .outOrThrow();
        return folder.resolve("root.tar").toString();
    }

    @Test
    void aTarBecomesAnImage() throws Exception {
        docker.docker(
                "import",
                "--change",
                "CMD [\"/bin/busybox\",\"echo\",\"imported\"]",
                "--change",
                "ENV A=b",
                tarOfBusybox(),
                "made:one");

        assertThat(docker.docker("run", "--rm", "made:one")).isEqualTo("imported");
        assertThat(docker.docker("inspect", "--format", "{{json .Config.Env}}", "made:one"))
                .contains("A=b");
    }

    @Test
    void whatAnImageWasMadeFromGoesWithItWhereItHasNoNameAndIsOfNoUse() throws Exception {
        for (String flag : List.of("--no-prune=true", "--no-prune=false")) {
            docker.docker("run", "--name", "nameless", "busybox", "touch", "/one");
            String between = docker.docker("commit", "nameless");
            docker.docker("rm", "nameless");
            docker.docker("run", "--name", "named", between, "touch", "/two");
            docker.docker("commit", "named", "grandchild");
            docker.docker("rm", "named");

            String told = docker.docker("rmi", flag, "grandchild");

            boolean kept = flag.endsWith("true");
            assertThat(told.contains(between)).isNotEqualTo(kept);
            assertThat(docker.tried("inspect", between).status()).isEqualTo(kept ? 0 : 1);
            docker.tried("rmi", between);
        }
        docker.docker("inspect", "busybox");
    }

    @Test
    void whatIsSavedIsLoadedAgain() throws Exception {
        docker.docker("import", tarOfBusybox(), "cargo:two");
        String id = docker.docker("inspect", "--format", "{{.Id}}", "cargo:two");
        Path file = folder.resolve("cargo.tar");
        docker.docker("save", "-o", file.toString(), "cargo:two");
        docker.docker("rmi", "cargo:two");
        assertThat(docker.tried("inspect", "cargo:two").status()).isEqualTo(1);

        assertThat(docker.docker("load", "-i", file.toString())).isEqualTo("Loaded image: cargo:two");

        assertThat(docker.docker("inspect", "--format", "{{.Id}}", "cargo:two")).isEqualTo(id);
        assertThat(docker.docker("run", "--rm", "cargo:two", "/bin/busybox", "echo", "loaded"))
                .isEqualTo("loaded");
        docker.docker("tag", "busybox", "cargo:two");
        assertThat(docker.docker("load", "-i", file.toString()))
                .isEqualTo("The image cargo:two already exists, renaming the old one with ID "
                        + docker.docker("inspect", "--format", "{{.Id}}", "busybox")
                        + " to empty string\nLoaded image: cargo:two");
    }

    /** As Spring Boot's build-image and buildpacks write archives: with the names of Go's fields, and what is here left out. */
    @Test
    void anArchiveNeedNotHoldTheLayersThatAreHere() throws Exception {
        String base = docker.docker("inspect", "--format", "{{index .RootFS.Layers 0}}", "busybox");
        byte[] app = new LayerMaker().file("app", 0644, "mine").tar();
        Path file = folder.resolve("boot.tar");
        Files.write(
                file,
                new LayerMaker()
                        .file("config", 0644, """
                                {"Config": {"Cmd": ["cat", "/app"]}, "Os": "linux", "RootFS": {"diff_ids": ["%s", "%s"]}}
                                """.formatted(base, Digest.sha256(app)))
                        .file("blank_0", 0644, "")
                        .file("app.tar", 0644, app)
                        .file("manifest.json", 0644, """
                                [{"Config": "config", "Layers": ["blank_0", "app.tar"], "RepoTags": ["boot:1"]}]
                                """)
                        .tar());

        assertThat(docker.docker("load", "-i", file.toString())).isEqualTo("Loaded image: boot:1");

        assertThat(docker.docker("run", "--rm", "boot:1")).isEqualTo("mine");
        docker.docker("rmi", "boot:1");
    }

    @Test
    void aFileThatIsNoImageIsRefusedAndLeavesNothing() throws Exception {
        Outcome.of("sh", "-c", "head -c 100000 /dev/urandom > $1/noise", "sh", folder.toString())
                .outOrThrow();

        assertThat(docker.tried("load", "-i", folder.resolve("noise").toString())
                        .status())
                .isEqualTo(1);
        assertThat(docker.tried("import", folder.resolve("noise").toString(), "noise:x")
                        .status())
                .isEqualTo(1);
        assertThat(docker.docker("images", "--quiet", "noise")).isEmpty();
    }

    @Test
    void listsAreFilteredAndFormatted() throws Exception {
        docker.background("--name one --label kind=a", "sleep 1000");
        docker.docker("run", "--name", "two", "--label", "kind=b", "busybox", "true");

        assertThat(docker.docker("ps", "--format", "{{.Names}}")).isEqualTo("one");
        assertThat(docker.docker("ps", "-a", "--filter", "label=kind=b", "--format", "{{.Names}}"))
                .isEqualTo("two");
        assertThat(docker.docker("ps", "-a", "--filter", "status=exited", "--format", "{{.Names}} {{.Label \"kind\"}}"))
                .isEqualTo("two b");
        assertThat(docker.docker("ps", "-a", "--filter", "exited=0", "--format", "{{.Names}}"))
                .isEqualTo("two");
        assertThat(docker.docker("ps", "-a", "--filter", "ancestor=busybox", "--format", "{{.Names}}")
                        .lines())
                .containsExactlyInAnyOrder("one", "two");
        assertThat(docker.docker("ps", "-a", "--filter", "name=^/?on", "--format", "{{.Names}}"))
                .isEqualTo("one");
        assertThat(docker.docker("ps", "-n", "1", "--format", "{{.Names}}")).isEqualTo("two");
        assertThat(docker.docker("ps", "-a", "--filter", "since=one", "--format", "{{.Names}}"))
                .isEqualTo("two");
        assertThat(docker.docker("ps", "-a", "--size", "--format", "{{.Size}}").lines())
                .allMatch(size -> size.matches("[0-9.]+k?B \\(virtual [0-9.]+MB\\)"));
        assertThat(docker.inspect("one", "{{.Name}} {{.State.Status}} {{.Config.Image}} {{json .Config.Cmd}}"))
                .isEqualTo("/one running busybox [\"sh\",\"-c\",\"sleep 1000\"]");
        assertThat(docker.docker("images", "--filter", "reference=busy*", "--format", "{{.Repository}}:{{.Tag}}"))
                .isEqualTo("busybox:latest");
    }
}
