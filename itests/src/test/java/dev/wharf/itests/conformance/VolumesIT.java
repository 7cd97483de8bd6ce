package dev.wharf.itests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What is mounted into containers, and what outlives them. */
@ExtendWith(SharedAgent.class)
@Timeout(120)
class VolumesIT {
    @TempDir
    private Path folder;

    private final Docker docker;

    VolumesIT(Daemon daemon) {
        docker = new Docker(daemon);
    }

    @Test
    void aFolderOfTheHostIsSharedBothWays() throws Exception {
        Files.writeString(folder.resolve("in"), "from the host\n");

        assertThat(docker.sh("-v " + folder + ":/shared", "cat /shared/in; echo from inside > /shared/out"))
                .isEqualTo("from the host");
        assertThat(folder.resolve("out")).hasContent("from inside\n");
        assertThat(docker.tryingSh("-v " + folder + ":/shared:ro", "touch /shared/no")
                        .err())
                .contains("Read-only file system");
        assertThat(docker.sh("-v " + folder.resolve("in") + ":/etc/motd:ro", "cat /etc/motd"))
                .isEqualTo("from the host");
    }

    @Test
    void whatTheHostHasMountedReadOnlyIsReadOnlyInside() throws Exception {
        Path device = Files.createDirectory(folder.resolve("device"));
        docker.docker("volume", "create", "-o", "type=none", "-o", "device=" + device, "-o", "o=bind,ro", "sealed");
        assertThat(docker.tryingSh("-v sealed:/d", "touch /d/no").err()).contains("Read-only file system");

        Path host = Files.createDirectory(folder.resolve("host"));
        Outcome.of("mount", "--bind", device.toString(), host.toString()).outOrThrow();
        try {
            Outcome.of("mount", "-o", "remount,bind,ro,noexec", host.toString()).outOrThrow();
            assertThat(docker.sh("-v " + host + ":/d", "grep ' /d ' /proc/self/mountinfo"))
                    .contains("ro,")
                    .contains("noexec");
        } finally {
            Outcome.of("umount", host.toString()).outOrThrow();
        }
        assertThat(device).isEmptyDirectory();
    }

    @Test
    void aMissingFolderIsMadeForABindButNotForAMount() throws Exception {
        Path missing = folder.resolve("missing/deep");
        assertThat(docker.sh("-v " + missing + ":/d", "ls -d /d")).isEqualTo("/d");
        assertThat(missing).isDirectory();

        Outcome refused = docker.tryingSh("--mount type=bind,source=" + folder + "/none,target=/d", "true");
        assertThat(refused.status()).isEqualTo(125);
        assertThat(refused.err()).contains("bind source path does not exist: " + folder + "/none");
        assertThat(folder.resolve("none")).doesNotExist();
    }

    @Test
    void aNamedVolumeOutlivesItsContainersAndIsFilledFromTheImageOnce() throws Exception {
        assertThat(docker.sh("-v cargo:/etc", "ls /etc/passwd && echo mine > /etc/mine"))
                .isEqualTo("/etc/passwd");
        assertThat(docker.sh("-v cargo:/data", "cat /data/mine; ls /data/passwd"))
                .isEqualTo("mine\n/data/passwd");
        assertThat(docker.docker("volume", "ls", "--quiet")).isEqualTo("cargo");

        assertThat(docker.sh("-v bare:/etc:nocopy", "ls /etc | grep -c passwd; true"))
                .isEqualTo("0");
        assertThat(docker.sh("--mount type=volume,source=cargo,target=/x,readonly", "touch /x/y 2>&1; true"))
                .contains("Read-only file system");
    }

    @Test
    void whatAContainerBringsIsThereBeforeItIsStarted() throws Exception {
        docker.docker("create", "--name", "holder", "-v", "/etc", "-v", "cargo:/bin", "busybox", "true");
        assertThat(docker.sh("--volumes-from holder", "ls /bin/busybox /etc/passwd"))
                .isEqualTo("/bin/busybox\n/etc/passwd");
        docker.docker("create", "--name", "worker", "--workdir", "/made/here", "busybox", "true");
        docker.docker("cp", folder.toString(), "worker:/made/here/");
        assertThat(docker.docker("diff", "worker")).contains("A /made/here");
        Outcome refused = docker.tried("create", "--workdir", "/etc/passwd", "busybox", "true");
        assertThat(refused.err()).contains("Cannot mkdir: /etc/passwd is not a directory");
        assertThat(docker.tried("create", "-v", "/etc/passwd", "busybox", "true")
                        .err())
                .contains("cannot mount volume over existing file, file exists /etc/passwd");
        assertThat(docker.docker("ps", "--all", "--format", "{{.Names}}").lines())
                .containsExactlyInAnyOrder("holder", "worker");
    }

    @Test
    void anEmptiedVolumeStaysEmpty() throws Exception {
        docker.docker(
                "run", "--name", "again", "-v", "cargo:/etc", "busybox", "sh", "-c", "rm -f /etc/passwd; ls /etc");
        assertThat(docker.docker("start", "--attach", "again").lines()).doesNotContain("passwd");
    }

    @Test
    void aVolumeInUseIsNotRemoved() throws Exception {
        String container = docker.background("-v cargo:/data", "sleep 1000");

        Outcome refused = docker.tried("volume", "rm", "cargo");

        assertThat(refused.status()).isEqualTo(1);
        assertThat(refused.err()).contains("volume is in use", container);
        docker.docker("rm", "-f", container);
        docker.docker("volume", "rm", "cargo");
        assertThat(docker.tried("volume", "inspect", "cargo").err()).contains("no such volume");
    }

    @Test
    void anonymousVolumesGoWithTheirContainer() throws Exception {
        String container = docker.background("-v /scratch", "touch /scratch/file; sleep 1000");
        assertThat(docker.docker("volume", "ls", "--quiet")).matches("[0-9a-f]{64}");

        docker.docker("rm", "-f", "-v", container);
        assertThat(docker.docker("volume", "ls", "--quiet")).isEmpty();

        docker.sh("-v /scratch", "true");
        assertThat(docker.docker("volume", "ls", "--quiet")).isEmpty();
    }

    @Test
    void volumesOfAnotherContainerAreTakenOver() throws Exception {
        docker.background("--name owner -v cargo:/data", "echo here > /data/file; sleep 1000");
        Thread.sleep(200);

        assertThat(docker.sh("--volumes-from owner", "cat /data/file")).isEqualTo("here");
        assertThat(docker.tryingSh("--volumes-from owner:ro", "touch /data/no").err())
                .contains("Read-only");
    }

    @Test
    void aVolumeWithoutANameGoesWithTheLastContainerThatHadItFromAnother() throws Exception {
        docker.docker("run", "--name", "parent", "-v", "cargo:/named", "-v", "/unnamed", "busybox", "true");
        docker.docker("run", "--name", "child", "--volumes-from", "parent", "busybox", "true");

        docker.docker("rm", "-v", "parent");
        assertThat(docker.docker("volume", "ls", "--quiet").lines()).hasSize(2);
        assertThat(docker.inspect("child", "{{json .Config.Volumes}}")).isEqualTo("null");

        docker.docker("rm", "-v", "child");
        assertThat(docker.docker("volume", "ls", "--quiet")).isEqualTo("cargo");
    }

    @Test
    void aMountOfMemoryIsSharedWhereAskedFor() throws Exception {
        assertThat(docker.sh("--tmpfs /t:shared", "grep ' /t ' /proc/self/mountinfo"))
                .contains(" shared:");
        assertThat(docker.sh("--tmpfs /t", "grep ' /t ' /proc/self/mountinfo")).doesNotContain(" shared:");
    }

    @Test
    void aMountIsOfMemoryWhereAskedFor() throws Exception {
        assertThat(docker.sh(
                        "--mount type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=0700",
                        "mount | grep 'on /t '; stat -c %a /t"))
                .contains("tmpfs", "size=1024k", "700");
    }

    @Test
    void mountsShowInInspect() throws Exception {
        String container = docker.background("-v cargo:/data:ro -v " + folder + ":/shared", "sleep 1000");

        assertThat(docker.inspect(container, "{{range .Mounts}}{{.Type}} {{.Name}} {{.Destination}} {{.RW}};{{end}}")
                        .split(";"))
                .containsExactlyInAnyOrder("volume cargo /data false", "bind  /shared true");
        assertThat(docker.docker("volume", "inspect", "cargo", "--format", "{{.Mountpoint}}"))
                .isEqualTo(docker.inspect(
                        container, "{{range .Mounts}}{{if eq .Type \"volume\"}}{{.Source}}{{end}}{{end}}"));
    }

    @Test
    void mountsInsideMountsComeInTheRightOrder() throws Exception {
        Files.createDirectories(folder.resolve("outer"));
        Files.createDirectories(folder.resolve("inner"));
        Files.writeString(folder.resolve("inner/file"), "inside\n");

        assertThat(docker.sh(
                        "-v " + folder.resolve("inner") + ":/a/b -v " + folder.resolve("outer") + ":/a",
                        "cat /a/b/file"))
                .isEqualTo("inside");
    }

    @Test
    void ownersAndModesOfAVolumeAreThoseOfTheImagesFolder() throws Exception {
        assertThat(docker.sh("-v spool:/tmp", "stat -c '%a %u:%g' /tmp")).isEqualTo("1777 0:0");
        docker.docker("volume", "create", "--label", "a=b", "labelled");
        assertThat(docker.docker("volume", "ls", "--quiet", "--filter", "label=a=b"))
                .isEqualTo("labelled");
    }
}
