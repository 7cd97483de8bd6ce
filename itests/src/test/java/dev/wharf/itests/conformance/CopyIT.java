package dev.wharf.itests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code docker cp}, both ways, on containers that run and on those that do not. */
@ExtendWith(SharedAgent.class)
@Timeout(120)
class CopyIT {
    @TempDir
    Path folder;

    private final Docker docker;

    CopyIT(Daemon daemon) {
        docker = new Docker(daemon);
    }

    @BeforeEach
    void files() throws IOException {
        Files.writeString(folder.resolve("one"), "first\n");
        Files.createDirectories(folder.resolve("tree/sub"));
        Files.writeString(folder.resolve("tree/sub/deep"), "deep\n");
        Files.createSymbolicLink(folder.resolve("tree/link"), Path.of("sub/deep"));
    }

    private String here(String name) {
        return folder.resolve(name).toString();
    }

    /** A container that runs, was never started, or has stopped. */
    private void make(String state, String options) throws IOException, InterruptedException {
        if (state.equals("created")) {
            List<String> all = new ArrayList<>(List.of("create", "--name", "box"));
            if (!options.isEmpty()) all.addAll(List.of(options.split(" ")));
            all.addAll(List.of("busybox", "sleep", "1000"));
            docker.docker(all.toArray(String[]::new));
            return;
        }
        docker.background("--name box " + options, "sleep 1000");
        if (state.equals("stopped")) docker.docker("stop", "--time", "0", "box");
    }

    private String inside(String script) throws IOException, InterruptedException {
        docker.tried("start", "box");
        return docker.docker("exec", "box", "sh", "-c", script);
    }

    @Test
    void whatEveryContainerHasIsThereBeforeTheFirstStart() throws Exception {
        for (String state : List.of("created", "stopped")) {
            make(state, "");
            docker.docker("export", "--output", here(state), "box");
            docker.docker("cp", "box:/etc/hosts", here("hosts-" + state));
            assertThat(docker.docker("diff", "box")).isEmpty();
            docker.docker("rm", "box");
        }

        assertThat(Outcome.of("tar", "-tf", here("created")).outOrThrow())
                .contains(".dockerenv\n", "etc/hosts\n", "etc/hostname\n", "etc/resolv.conf\n")
                .isEqualTo(Outcome.of("tar", "-tf", here("stopped")).outOrThrow());
        assertThat(folder.resolve("hosts-created")).isEmptyFile();
        assertThat(folder.resolve("hosts-stopped")).content().contains("localhost");
    }

    @ParameterizedTest
    @ValueSource(strings = {"running", "created", "stopped"})
    void whatGoesInComesOutTheSame(String state) throws Exception {
        make(state, "");
        docker.docker("cp", here("one"), "box:/tmp/");
        docker.docker("cp", here("tree"), "box:/tmp/other");
        docker.docker("cp", here("tree") + "/.", "box:/tmp");

        docker.docker("cp", "box:/tmp/one", here("back"));
        docker.docker("cp", "box:/tmp/other", here("back-tree"));
        assertThat(folder.resolve("back")).hasSameTextualContentAs(folder.resolve("one"));
        assertThat(folder.resolve("back-tree/sub/deep")).hasContent("deep\n");
        assertThat(Files.readSymbolicLink(folder.resolve("back-tree/link"))).isEqualTo(Path.of("sub/deep"));
        assertThat(inside("cat /tmp/one /tmp/other/link /tmp/link")).isEqualTo("first\ndeep\ndeep");
    }

    @ParameterizedTest
    @ValueSource(strings = {"running", "created", "stopped"})
    void volumesAndBindsAreWhereTheContainerHasThem(String state) throws Exception {
        Files.createDirectories(folder.resolve("bound"));
        Files.writeString(folder.resolve("single"), "single\n");
        make(state, "-v data:/data -v " + here("bound") + ":/b -v " + here("single") + ":/etc/single");
        docker.docker("cp", here("one"), "box:/data/one");
        // A tree that has the mount points in it goes where they lead.
        Files.createDirectories(folder.resolve("all/data"));
        Files.createDirectories(folder.resolve("all/b"));
        Files.writeString(folder.resolve("all/data/two"), "second\n");
        Files.writeString(folder.resolve("all/b/three"), "third\n");
        docker.docker("cp", here("all") + "/.", "box:/");

        assertThat(folder.resolve("bound/three")).hasContent("third\n");
        docker.docker("cp", "box:/etc/single", here("single-back"));
        assertThat(folder.resolve("single-back")).hasContent("single\n");
        docker.docker("rm", "-f", "box");
        assertThat(docker.sh("-v data:/data", "cat /data/one /data/two")).isEqualTo("first\nsecond");
    }

    @ParameterizedTest
    @ValueSource(strings = {"running", "stopped"})
    void linksOfAContainerNeverLeadOutOfIt(String state) throws Exception {
        docker.background(
                "--name box",
                "ln -s / /up; ln -s ../../../../../../../../etc /tmp/etc; ln -s /etc/passwd /tmp/pw; echo made; sleep 1000");
        docker.awaitLog("box", "made");
        if (state.equals("stopped")) docker.docker("stop", "--time", "0", "box");

        docker.docker("cp", here("one"), "box:/tmp/etc/wharf-escaped");
        docker.docker("cp", here("one"), "box:/up/wharf-escaped-too");
        assertThat(Path.of("/etc/wharf-escaped")).doesNotExist();
        assertThat(Path.of("/wharf-escaped-too")).doesNotExist();
        docker.docker("cp", "-L", "box:/tmp/pw", here("passwd"));
        assertThat(Files.readString(folder.resolve("passwd"))).isNotEqualTo(Files.readString(Path.of("/etc/passwd")));
        docker.docker("cp", "box:/tmp/pw", here("as-it-is"));
        assertThat(Files.readSymbolicLink(folder.resolve("as-it-is"))).isEqualTo(Path.of("/etc/passwd"));
        assertThat(inside("cat /etc/wharf-escaped /wharf-escaped-too")).isEqualTo("first\nfirst");
    }

    @Test
    void aDirectoryThatBecomesALinkWhileItIsCopiedLeadsNowhereElse() throws Exception {
        docker.background(
                "--name box",
                "mkdir /d; while :; do mv /d /e 2>/dev/null; ln -s /../../../../.." + folder
                        + " /d; rm /d; mv /e /d; done");
        for (int i = 0; i < 20; i++) {
            docker.tried("cp", here("one"), "box:/d/wharf-raced");
            docker.tried("cp", "box:/d", here("out" + i));
        }
        assertThat(folder.resolve("wharf-raced")).doesNotExist();
        for (int i = 0; i < 20; i++) {
            // The link itself may well have been copied; what it leads to here is then ours, not the copy's.
            Path out = folder.resolve("out" + i);
            if (!Files.isSymbolicLink(out)) assertThat(out.resolve("tree")).doesNotExist();
        }
    }

    /** Whoever looks into a container shares its mount with whoever starts and removes it; afterwards nothing is left. */
    @Test
    void copiesBesideStartsStopsAndRemovalsGetInNobodysWay() throws Exception {
        for (int round = 0; round < 5; round++) {
            make("created", "-v data:/data");
            List<CompletableFuture<Void>> copies = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                copies.add(CompletableFuture.runAsync(() -> {
                    try {
                        docker.tried("cp", here("one"), "box:/data/");
                        docker.daemon().curl("/containers/box/archive?path=/", "-o", "/dev/null");
                    } catch (IOException | InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                }));
            }
            docker.docker("start", "box");
            docker.docker("stop", "--time", "0", "box");
            docker.docker("start", "box");
            docker.docker("rm", "-f", "box");
            copies.forEach(CompletableFuture::join);
        }
    }

    @Test
    void theFilesByWhichAContainerFindsNamesAreSeenWhileItIsStopped() throws Exception {
        make("stopped", "--hostname here --add-host other:192.0.2.1");
        docker.docker("cp", "box:/etc", here("etc"));
        assertThat(folder.resolve("etc/hostname")).hasContent("here\n");
        assertThat(folder.resolve("etc/hosts")).content().contains("192.0.2.1\tother");
        assertThat(folder.resolve("etc/resolv.conf")).isNotEmptyFile();
        docker.docker("create", "--name", "beside", "--network", "container:box", "busybox");
        docker.docker("cp", "beside:/etc/hostname", here("hostname"));
        assertThat(folder.resolve("hostname")).hasContent("here\n");
        docker.docker("rm", "beside");
    }

    @Test
    void copiesOfTheSameFilesGetInNobodysWay() throws Exception {
        make("running", "");
        List<CompletableFuture<String>> copies = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            copies.add(CompletableFuture.supplyAsync(() -> {
                try {
                    return docker.tried("cp", here("tree") + "/.", "box:/tmp").err();
                } catch (IOException | InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }));
        }
        for (CompletableFuture<String> copy : copies) {
            assertThat(copy.join()).doesNotContain("Error");
        }
        assertThat(inside("cat /tmp/link")).isEqualTo("deep");
    }

    @Test
    void whatIsReadOnlyTakesNothing() throws Exception {
        docker.background("--name box --read-only -v data:/data -v " + folder + ":/b:ro", "sleep 1000");
        assertThat(docker.tried("cp", here("one"), "box:/etc/").err()).contains("container rootfs is marked read-only");
        assertThat(docker.tried("cp", here("one"), "box:/b/").err()).contains("mounted volume is marked read-only");
        docker.docker("cp", here("one"), "box:/data/");
        assertThat(inside("cat /data/one")).isEqualTo("first");
    }

    @ParameterizedTest
    @ValueSource(strings = {"running", "stopped"})
    void aFileThatIsMountedIsNotReplaced(String state) throws Exception {
        Files.writeString(folder.resolve("single"), "single\n");
        make(state, "--hostname here -v " + here("single") + ":/etc/single");

        assertThat(docker.tried("cp", here("one"), "box:/etc/hostname").err())
                .contains("hostname is a mount point: device or resource busy");
        assertThat(docker.tried("cp", here("one"), "box:/etc/single").err())
                .contains("single is a mount point: device or resource busy");
        assertThat(inside("cat /etc/hostname /etc/single")).isEqualTo("here\nsingle");
    }

    @Test
    void aDirectoryAndAFileDoNotReplaceEachOther() throws Exception {
        docker.background("--name box", "mkdir /d /d/one; touch /d/tree; echo made; sleep 1000");
        docker.awaitLog("box", "made");
        assertThat(docker.tried("cp", here("one"), "box:/d").err()).contains("cannot overwrite directory");
        assertThat(docker.tried("cp", here("tree"), "box:/d").err()).contains("cannot overwrite non-directory");
    }

    @Test
    void ownersAreKeptOrBecomeTheContainersUser() throws Exception {
        docker.background("--name box --user 1234:4321", "sleep 1000");
        docker.docker("cp", here("one"), "box:/tmp/kept");
        docker.docker("cp", "-a", here("one"), "box:/tmp/given");
        assertThat(inside("stat -c %u:%g /tmp/kept /tmp/given")).isEqualTo("0:0\n1234:4321");
    }

    @Test
    void whatIsNotThereIsTold() throws Exception {
        make("running", "");
        assertThat(docker.tried("cp", "box:/nowhere", here("x")).err())
                .contains("Could not find the file /nowhere in container box");
        assertThat(docker.tried("cp", here("one"), "box:/nowhere/one").err())
                .contains("Could not find the file /nowhere in container box");
        assertThat(docker.tried("cp", "none:/x", here("x")).err()).contains("No such container: none");
    }

    @Test
    void packedAndDamagedAndHostileTars() throws Exception {
        make("running", "");
        Outcome.of("tar", "czf", here("a.tgz"), "-C", folder.toString(), "one").outOrThrow();
        assertThat(put("/tmp", "a.tgz")).isEqualTo("200");
        assertThat(inside("cat /tmp/one")).isEqualTo("first");
        Files.writeString(folder.resolve("noise"), "no tar at all");
        assertThat(put("/tmp", "noise")).isEqualTo("400");
        assertThat(put("/etc/passwd", "a.tgz")).isEqualTo("400");
        assertThat(put("/nowhere", "a.tgz")).isEqualTo("404");
        Outcome.of(
                        "tar",
                        "cPf",
                        here("up.tar"),
                        "--transform",
                        "s,^one,../../../wharf-up,",
                        "-C",
                        folder.toString(),
                        "one")
                .outOrThrow();
        assertThat(put("/tmp", "up.tar")).isEqualTo("400");
        assertThat(inside("ls /wharf-up 2>&1 || true")).contains("No such file");
    }

    private String put(String path, String file) throws IOException, InterruptedException {
        return docker.daemon()
                .curl(
                        "/containers/box/archive?path=" + path,
                        "-XPUT",
                        "-H",
                        "Content-Type: application/x-tar",
                        "-o",
                        "/dev/null",
                        "-w",
                        "%{http_code}",
                        "--data-binary",
                        "@" + here(file))
                .out();
    }
}
