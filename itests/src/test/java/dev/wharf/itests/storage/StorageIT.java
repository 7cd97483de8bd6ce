package dev.wharf.itests.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.testkit.storage.LoopFileSystem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Several drivers in use at once, and images and containers that move between them. */
@Timeout(180)
class StorageIT {
    @TempDir
    private Path folder;

    private Path home;

    @BeforeEach
    void install() throws Exception {
        home = Daemon.copyTo(folder.resolve("wharf"));
        SharedAgent.offerBusybox(folder.resolve("agent/data"));
    }

    private void configure(String file, String text) throws IOException {
        Files.writeString(home.resolve("etc").resolve(file), text);
    }

    /** What the agent says of where a thing is. */
    private static String where(Daemon daemon, String kind, String name) throws IOException, InterruptedException {
        Pattern object = Pattern.compile("\"kind\":\"" + kind + "\",\"id\":\"[^\"]*\",\"name\":\"" + Pattern.quote(name)
                + "\",\"drivers\":\\[\"([^]]*)\"\\]");
        Matcher found = object.matcher(daemon.curl("/wharf/v1/storage").outOrThrow());
        return found.find() ? found.group(1) : "nowhere";
    }

    private static List<String> in(Path directory) throws IOException {
        try (Stream<Path> paths = Files.list(directory)) {
            return paths.map(path -> path.getFileName().toString()).toList();
        }
    }

    @Test
    void anotherDriverForNewImagesLeavesOldOnesAndWhatStandsOnThemWithTheirs() throws Exception {
        try (Daemon daemon = Daemon.start(home, folder.resolve("agent"))) {
            SharedAgent.pullBusybox(daemon);
            daemon.docker("run", "--name=old", "busybox", "sh", "-c", "cat /mark; echo old > /mark");
            assertThat(where(daemon, "container", "old")).isEqualTo("overlay");

            assertThat(daemon.stop()).isZero();
            configure("wharfd.conf", "wharf.storage=erofs\n");
            daemon.restart();

            assertThat(daemon.docker("start", "--attach", "old").outOrThrow()).isEqualTo("old\n");
            daemon.docker("create", "--name=young", "busybox", "true").outOrThrow();
            assertThat(where(daemon, "container", "young")).isEqualTo("overlay");
            daemon.docker("commit", "old", "derived").outOrThrow();
            assertThat(where(daemon, "image", "derived:latest")).isEqualTo("overlay");

            Path tar = folder.resolve("export.tar");
            daemon.docker("export", "--output=" + tar, "old").outOrThrow();
            daemon.docker("import", tar.toString(), "imported").outOrThrow();
            assertThat(where(daemon, "image", "imported:latest")).isEqualTo("erofs");
            assertThat(daemon.docker("run", "--name=new", "imported", "cat", "/mark")
                            .outOrThrow())
                    .isEqualTo("old\n");
            assertThat(where(daemon, "container", "new")).isEqualTo("erofs");
            assertThat(daemon.docker("run", "--rm", "derived", "cat", "/mark").outOrThrow())
                    .isEqualTo("old\n");
            daemon.docker("rm", "old", "young", "new").outOrThrow();
        }
    }

    @Test
    void aMoveGoesOnWhereAKilledAgentLeftIt() throws Exception {
        try (Daemon daemon = Daemon.start(home, folder.resolve("agent"))) {
            SharedAgent.pullBusybox(daemon);
            String sum = daemon.docker(
                            "run",
                            "--name=web",
                            "busybox",
                            "sh",
                            "-c",
                            "dd if=/dev/urandom of=/big bs=1M count=150 2>/dev/null; rm /bin/vi; md5sum /big")
                    .outOrThrow();
            daemon.wharf("storage", "migrate", "--to", "vfs", "--detach", "web").outOrThrow();
            daemon.kill();
            daemon.restart();

            Outcome again = daemon.wharf("storage", "migrate", "--to", "vfs", "web");
            assertThat(again.status()).as(again.toString()).isZero();
            awaitNoMoves(daemon);
            assertThat(where(daemon, "container", "web")).isEqualTo("vfs");
            assertThat(daemon.docker("commit", "web", "moved").status()).isZero();
            assertThat(daemon.docker("run", "--rm", "moved", "sh", "-c", "md5sum /big; ls /bin/vi")
                            .out())
                    .isEqualTo(sum);
            assertThat(daemon.wharf("storage", "ls").outOrThrow()).containsPattern("container +web +vfs");
            assertThat(daemon.wharf("storage", "df").outOrThrow()).containsPattern("vfs +2 +.* MB +1 ");
            assertThat(daemon.wharf("history", "web").outOrThrow()).contains("lives with vfs now");
            assertThat(in(daemon.dataRoot().resolve("storage/overlay/committed")))
                    .isEmpty();
            assertThat(in(daemon.dataRoot().resolve("storage/overlay/active"))).isEmpty();
            daemon.docker("rm", "web").outOrThrow();
        }
    }

    @Test
    void everyDriverHandsOnToEveryOther() throws Exception {
        try (LoopFileSystem btrfs = LoopFileSystem.make("btrfs", 512L << 20)) {
            configure("dev.wharf.storage.btrfs.cfg", "root=" + btrfs.at().resolve("wharf") + "\n");
            try (Daemon daemon = Daemon.start(home, folder.resolve("agent"))) {
                SharedAgent.pullBusybox(daemon);
                daemon.docker(
                        "run", "--name=web", "busybox", "sh", "-c", "[ ! -e /bin/vi ] || rm /bin/vi; echo >> /mark");
                daemon.docker("run", "--detach", "--name=steady", "busybox", "sleep", "300")
                        .outOrThrow();
                Outcome refused = daemon.wharf("storage", "migrate", "--to", "vfs", "steady");
                assertThat(refused.status()).isNotZero();
                assertThat(refused.err()).contains("container steady is running; stop it first");
                // What runs keeps its own driver, and the layers it stands on.
                daemon.wharf("storage", "migrate", "--to", "erofs", "web").outOrThrow();
                assertThat(where(daemon, "container", "steady")).isEqualTo("overlay");
                assertThat(daemon.docker("exec", "steady", "ls", "/bin/vi").outOrThrow())
                        .isEqualTo("/bin/vi\n");
                daemon.docker("rm", "--force", "steady").outOrThrow();
                int starts = 1;
                for (String driver : List.of("btrfs", "vfs", "erofs", "overlay", "btrfs")) {
                    awaitNoMoves(daemon);
                    daemon.wharf("storage", "migrate", "--to", driver, "web").outOrThrow();
                    assertThat(where(daemon, "container", "web")).isEqualTo(driver);
                    daemon.docker("start", "--attach", "web").outOrThrow();
                    starts++;
                    assertThat(daemon.docker("diff", "web").outOrThrow().lines())
                            .containsExactlyInAnyOrder("C /bin", "D /bin/vi", "A /mark");
                    Path mark = folder.resolve("mark" + starts);
                    daemon.docker("cp", "web:/mark", mark.toString()).outOrThrow();
                    assertThat(Files.size(mark)).isEqualTo(starts);
                }
                awaitNoMoves(daemon);
                for (String driver : List.of("overlay", "vfs", "erofs")) {
                    Path committed =
                            daemon.dataRoot().resolve("storage").resolve(driver).resolve("committed");
                    assertThat(in(committed)).as(driver).isEmpty();
                }
                String[] filling = {"sh", "-c", "dd if=/dev/zero of=/big bs=1M count=64"};
                Outcome full = daemon.docker(
                        Stream.concat(Stream.of("run", "--rm", "--storage-opt=size=32m", "busybox"), Stream.of(filling))
                                .toArray(String[]::new));
                assertThat(full.status()).isNotZero();
                assertThat(full.err()).containsIgnoringCase("quota exceeded");
                daemon.docker("rm", "web").outOrThrow();
                daemon.wharf("storage", "migrate", "--to", "overlay", "busybox").outOrThrow();
                awaitNoMoves(daemon);
                Outcome unlimited = daemon.docker("run", "--rm", "--storage-opt=size=32m", "busybox", "true");
                assertThat(unlimited.status()).isNotZero();
                assertThat(unlimited.err()).contains("the size of a container cannot be limited here");
            }
        }
    }

    private static void awaitNoMoves(Daemon daemon) throws Exception {
        for (int i = 0; i < 600; i++) {
            if (daemon.curl("/wharf/v1/storage").outOrThrow().contains("\"moves\":[]")) {
                return;
            }
            Thread.sleep(100);
        }
        throw new AssertionError(
                "something is moving still: " + daemon.curl("/wharf/v1/storage").out());
    }
}
