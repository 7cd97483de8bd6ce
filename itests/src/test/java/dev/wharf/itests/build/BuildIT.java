package dev.wharf.itests.build;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.oci.layer.Entry;
import dev.wharf.oci.layer.TarWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a build says and leaves: its output, its cache, and what becomes of builds that mean harm. */
@Timeout(120)
class BuildIT {
    @TempDir
    private static Path folder;

    private static Daemon daemon;

    @BeforeAll
    @Timeout(180)
    static void start() throws Exception {
        daemon = SharedAgent.withBusybox(folder.resolve("agent"));
    }

    @AfterAll
    static void stop() throws Exception {
        daemon.close();
    }

    @AfterEach
    void nothingIsLeftOfABuildButImages() throws Exception {
        assertThat(daemon.docker("ps", "--all", "--quiet").outOrThrow()).isEmpty();
        Path running = daemon.dataRoot().resolve("build/running");
        if (Files.exists(running)) {
            try (Stream<Path> folders = Files.list(running)) {
                assertThat(folders).isEmpty();
            }
        }
        assertThat(Files.readString(Path.of("/proc/mounts"))).doesNotContain(running.toString());
    }

    private static Path context(String... files) throws IOException {
        Path context = Files.createTempDirectory(folder, "context");
        for (int i = 0; i < files.length; i += 2) {
            Path file = context.resolve(files[i]);
            Files.createDirectories(file.getParent());
            Files.writeString(file, files[i + 1]);
        }
        return context;
    }

    private static Outcome build(Path context, String... options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("docker", "build", "--force-rm"));
        command.addAll(List.of(options));
        command.add(context.toString());
        return Outcome.of(
                command, Map.of("DOCKER_HOST", daemon.host(), "DOCKER_BUILDKIT", "0"), Duration.ofSeconds(60));
    }

    private static void refused(String words, Path context, String... options) throws Exception {
        Outcome outcome = build(context, options);
        assertThat(outcome.status()).isNotZero();
        assertThat(outcome.out() + outcome.err()).contains(words);
    }

    // ---- what is said

    @Test
    void theOutputIsThatOfTheClassicBuilder() throws Exception {
        Path context = context("Dockerfile", "FROM busybox\nENV a=b\nRUN echo said\n");

        String out = build(context, "--tag", "said", "--tag", "said:again").outOrThrow();

        assertThat(out)
                .contains("Step 1/3 : FROM busybox\n ---> ", "Step 2/3 : ENV a=b\n ---> ", "Step 3/3 : RUN echo said\n")
                .containsPattern(
                        " ---> Running in [0-9a-f]{12}\nsaid\n ---> Removed intermediate container [0-9a-f]{12}\n")
                .containsPattern("Successfully built [0-9a-f]{12}\n")
                .endsWith("Successfully tagged said:latest\nSuccessfully tagged said:again\n");
        String id = build(context, "--quiet").outOrThrow().strip();
        assertThat(id)
                .isEqualTo(daemon.docker("inspect", "--format", "{{.Id}}", "said")
                        .outOrThrow()
                        .strip());
    }

    @Test
    void whatTwoStagesHaveInCommonIsDoneOnce() throws Exception {
        String step = "RUN sleep 1; cat /proc/sys/kernel/random/uuid >/made\n";
        String out = build(context(
                        "Dockerfile",
                        "FROM busybox AS a\n" + step + "FROM busybox AS b\n" + step
                                + "FROM busybox\nCOPY --from=a /made /a\nCOPY --from=b /made /b\nRUN cmp /a /b\n"))
                .outOrThrow();

        assertThat(out.split(" ---> Using cache\n", -1)).hasSize(2);
    }

    @Test
    void aTriggerTakesFromAStageThatNothingElseTakesFrom() throws Exception {
        build(context("Dockerfile", "FROM busybox\nONBUILD COPY --from=made /made /taken\n"), "--tag=taking")
                .outOrThrow();

        String out = build(context(
                        "Dockerfile",
                        "FROM busybox AS base\nRUN echo made > /made\nFROM base AS made\n"
                                + "FROM busybox AS other\nRUN false\nFROM taking\nRUN cat /taken\n"))
                .outOrThrow();

        assertThat(out).contains("\nmade\n");
        daemon.docker("rmi", "taking").outOrThrow();
    }

    @Test
    void aStepThatFailsSaysItsCode() throws Exception {
        refused(
                "The command '/bin/sh -c exit 7' returned a non-zero code: 7",
                context("Dockerfile", "FROM busybox\nRUN exit 7\n"));
    }

    @Test
    void mistakesAreToldWithTheirLine() throws Exception {
        refused("Dockerfile:2:1", context("Dockerfile", "FROM busybox\nRNU x\n"));
        refused("COPY failed: file not found in build context", context("Dockerfile", "FROM busybox\nCOPY no /\n"));
        refused("target stage \"no\" could not be found", context("Dockerfile", "FROM busybox\n"), "--target", "no");
        assertThat(daemon.curl("/v1.43/build?squash=1", "-X", "POST").out()).contains("squash is not served");
    }

    @Test
    void aBuildThatIsGivenUpLeavesNothing() throws Exception {
        Path context = context("Dockerfile", "FROM busybox\nRUN sleep 60\n");
        Process client = start(context);
        awaitContainer(true);
        client.destroyForcibly().waitFor();

        awaitContainer(false);
        awaitNoFolder();
    }

    @Test
    void whatAStepSaysIsToldWhileItRuns() throws Exception {
        ProcessBuilder builder = new ProcessBuilder(
                        "docker",
                        "build",
                        context("Dockerfile", "FROM busybox\nRUN echo so''far; sleep 60\n")
                                .toString())
                .redirectErrorStream(true);
        builder.environment().putAll(Map.of("DOCKER_HOST", daemon.host(), "DOCKER_BUILDKIT", "0"));
        Process client = builder.start();

        try (var lines = client.inputReader()) {
            assertThat(lines.lines().takeWhile(line -> !line.equals("sofar")).toList())
                    .anyMatch(line -> line.startsWith(" ---> Running in "));
            assertThat(daemon.docker("ps", "--quiet").outOrThrow()).isNotEmpty();
        }
        client.destroyForcibly().waitFor();
        awaitContainer(false);
        awaitNoFolder();
    }

    private static Process start(Path context) throws IOException {
        ProcessBuilder builder = new ProcessBuilder("docker", "build", context.toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD);
        builder.environment().putAll(Map.of("DOCKER_HOST", daemon.host(), "DOCKER_BUILDKIT", "0"));
        return builder.start();
    }

    private static void awaitContainer(boolean there) throws Exception {
        for (int i = 0; i < 600; i++) {
            if (daemon.docker("ps", "--all", "--quiet").outOrThrow().isEmpty() != there) {
                return;
            }
            Thread.sleep(50);
        }
        throw new AssertionError("a container of the build is " + (there ? "not there" : "still there"));
    }

    private static void awaitNoFolder() throws Exception {
        for (int i = 0; i < 600; i++) {
            try (Stream<Path> folders = Files.list(daemon.dataRoot().resolve("build/running"))) {
                if (folders.findAny().isEmpty()) {
                    return;
                }
            }
            Thread.sleep(50);
        }
        throw new AssertionError("the folder of the build is still there");
    }

    // ---- what is found again

    @Test
    void stepsAreFoundAgainByContentAndOverARestart() throws Exception {
        Path context = context(
                "Dockerfile",
                "FROM busybox\nCOPY a /\nRUN echo x > /x\nCOPY b /\nRUN echo y > /y\n",
                "a",
                "1",
                "b",
                "1");
        String first = build(context, "--quiet", "--tag", "again").outOrThrow();
        Files.setLastModifiedTime(context.resolve("a"), java.nio.file.attribute.FileTime.fromMillis(5000));
        daemon.stop();
        daemon.restart();

        assertThat(build(context, "--quiet", "--tag", "again").outOrThrow()).isEqualTo(first);

        Files.writeString(context.resolve("b"), "2");
        String out = build(context, "--tag", "again").outOrThrow();
        assertThat(out.split("Using cache", -1)).hasSize(3);
        Outcome latest = daemon.curl("/wharf/v1/builds/latest");
        assertThat(latest.outOrThrow()).contains("step 4 missed: b changed");
        assertThat(build(context, "--quiet", "--no-cache", "--tag", "again").outOrThrow())
                .isNotEqualTo(first);
    }

    @Test
    void whatIsCopiedFromAStageIsFoundAgainByItsOwnersAndAttributes() throws Exception {
        String text = "FROM busybox AS made\nRUN echo x > /x && %s /x\nFROM busybox\nCOPY --from=made /x /x\n"
                + "RUN stat -c 'owned by %%u' /x\n";
        Path context = context("Dockerfile", text.formatted("chown 5"));
        build(context).outOrThrow();
        Files.writeString(context.resolve("Dockerfile"), text.formatted("chown 6"));
        assertThat(build(context).outOrThrow()).contains("owned by 6");

        Path capable = context("Dockerfile", "FROM busybox\nCOPY x /x\n", "x", "x");
        String plain = build(capable, "--quiet").outOrThrow();
        Files.setAttribute(capable.resolve("x"), "user:no-such-matter", new byte[] {1});
        assertThat(build(capable, "--quiet").outOrThrow()).isEqualTo(plain);
        capability(capable.resolve("x"));
        assertThat(build(capable, "--quiet").outOrThrow()).isNotEqualTo(plain);
    }

    /** CAP_NET_BIND_SERVICE, permitted and effective, as setcap(8) writes it. */
    private static void capability(Path file) throws Exception {
        Outcome.of(
                        "python3",
                        "-c",
                        "import os, sys; os.setxattr(sys.argv[1], 'security.capability',"
                                + " bytes.fromhex('0100000200040000' + '00' * 12))",
                        file.toString())
                .outOrThrow();
    }

    @Test
    void whatAnArgumentSaysInAFlagIsPartOfTheStep() throws Exception {
        Path context = context("Dockerfile", """
                FROM busybox AS made
                RUN mkdir /d && touch /d/f /d/g
                FROM busybox
                ARG who=5
                ARG but=f
                COPY --from=made --chown=$who --exclude=$but /d /d
                RUN cd /d && stat -c '%n is of %u' *
                """);

        assertThat(build(context).outOrThrow()).contains("g is of 5");
        assertThat(build(context, "--build-arg", "who=6").outOrThrow()).contains("g is of 6");
        assertThat(build(context, "--build-arg", "but=g").outOrThrow()).contains("f is of 5");
    }

    @Test
    void namesOfOneFileStayNamesOfOneFile() throws Exception {
        Path context = context("Dockerfile", """
                FROM busybox AS made
                RUN mkdir -p /d/e /lone && echo x > /d/a && ln /d/a /d/e/b && ln /d/a /lone/c
                FROM busybox
                COPY --from=made --chown=7 /d /copied
                COPY --from=made /d/a /lone /single/
                COPY . /context
                RUN stat -c '%n %h' /copied/a /copied/e/b /single/a /single/c /context/f /context/g/h && rm /copied/a \
                        && cat /copied/e/b
                """, "f", "f");
        Files.createDirectory(context.resolve("g"));
        Files.createLink(context.resolve("g/h"), context.resolve("f"));

        assertThat(build(context).outOrThrow())
                .contains(
                        "/copied/a 2\n/copied/e/b 2\n",
                        "/single/a 1\n/single/c 1\n",
                        "/context/f 2\n/context/g/h 2\nx\n");
    }

    /** The same file, by its number, in the container of the step and in the layer. */
    @Test
    void whatALargeStepWroteIsNotWrittenAgain() throws Exception {
        String out = build(context("Dockerfile", """
                        FROM busybox
                        RUN head -c 5000000 /dev/zero > /etc/adopted && stat -c 'number %i' /etc/adopted
                        """), "--tag", "adopts").outOrThrow();

        try (Stream<Path> kept = Files.walk(daemon.dataRoot().resolve("storage/overlay/committed"))) {
            Path file =
                    kept.filter(p -> p.endsWith("fs/etc/adopted")).findFirst().orElseThrow();
            assertThat(out).contains("number " + Files.getAttribute(file, "unix:ino") + "\n");
            assertThat(file.resolveSibling("hosts")).doesNotExist();
            assertThat(file.getParent().resolveSibling(".dockerenv")).doesNotExist();
        }
    }

    @Test
    void imagesBetweenStepsAreHiddenAndGoWithTheCache() throws Exception {
        String others =
                daemon.docker("images", "--filter", "dangling=true", "--quiet").outOrThrow();
        build(context("Dockerfile", "FROM busybox\nRUN echo hidden > /1\nRUN echo hidden > /2\n"), "--tag", "hides")
                .outOrThrow();

        assertThat(daemon.docker("images", "--filter", "dangling=true", "--quiet")
                        .outOrThrow())
                .isEqualTo(others);
        assertThat(daemon.docker("images", "--all", "--quiet")
                        .outOrThrow()
                        .lines()
                        .count())
                .isGreaterThan(
                        daemon.docker("images", "--quiet").outOrThrow().lines().count());
        daemon.docker("builder", "prune", "--all", "--force").outOrThrow();
        assertThat(daemon.docker("images", "--all", "--quiet")
                        .outOrThrow()
                        .lines()
                        .count())
                .isEqualTo(
                        daemon.docker("images", "--quiet").outOrThrow().lines().count());
        assertThat(daemon.docker("run", "--rm", "hides", "cat", "/1", "/2").outOrThrow())
                .isEqualTo("hidden\nhidden\n");
    }

    @Test
    void aDateMakesImagesThatAreTheSame() throws Exception {
        Path context = context("Dockerfile", "FROM busybox\nRUN echo x > /x\nCOPY Dockerfile /\n");

        String one = build(context, "--quiet", "--no-cache", "--build-arg", "SOURCE_DATE_EPOCH=1500000000")
                .outOrThrow();
        Thread.sleep(1100);
        String two = build(context, "--quiet", "--no-cache", "--build-arg", "SOURCE_DATE_EPOCH=1500000000")
                .outOrThrow();

        assertThat(two).isEqualTo(one);
    }

    // ---- what means harm

    private static Outcome send(Entry... entries) throws Exception {
        ByteArrayOutputStream tar = new ByteArrayOutputStream();
        for (Entry entry : entries) {
            // What is said of a file is what is in it.
            byte[] text = entry.kind() == Entry.Kind.FILE ? texts.get(entry.name()) : new byte[0];
            tar.writeBytes(TarWriter.header(entry));
            tar.writeBytes(text);
            tar.writeBytes(new byte[TarWriter.padding(text.length)]);
        }
        tar.writeBytes(new byte[TarWriter.END_BYTES]);
        Path file = Files.createTempFile(folder, "context", ".tar");
        Files.write(file, tar.toByteArray());
        return daemon.curl(
                "/v1.43/build", "-X", "POST", "-H", "Content-Type: application/x-tar", "--data-binary", "@" + file);
    }

    private static final Map<String, byte[]> texts = new HashMap<>();

    private static Entry file(String name, String text) {
        texts.put(name, text.getBytes(StandardCharsets.UTF_8));
        return entry(Entry.Kind.FILE, name, "", text.length(), 0);
    }

    private static Entry link(String name, String target) {
        return entry(Entry.Kind.SYMBOLIC_LINK, name, target, 0, 0);
    }

    private static Entry entry(Entry.Kind kind, String name, String target, long size, int major) {
        return new Entry(kind, name, target, 0644, 0, 0, size, 0, 0, major, 0, Map.of());
    }

    @Test
    void aContextThatClimbsOutIsRefused() throws Exception {
        assertThat(send(file("Dockerfile", "FROM busybox\nCOPY . /c\n"), file("../../escaped", "x"))
                        .out())
                .contains("climbs out of the root");
        assertThat(daemon.dataRoot().resolve("build/escaped")).doesNotExist();
    }

    @Test
    void aContextOfLinksReachesNothingOfTheHost() throws Exception {
        assertThat(send(file("Dockerfile", "FROM busybox\nCOPY out/passwd /stolen\n"), link("out", "/etc"))
                        .out())
                .contains("file not found in build context");
        assertThat(send(
                                link("out", "/tmp"),
                                file("out/written-by-a-context", "x"),
                                file("Dockerfile", "FROM scratch\nCOPY out /x\n"))
                        .status())
                .isZero();
        assertThat(Path.of("/tmp/written-by-a-context")).doesNotExist();
        assertThat(send(file("x", "FROM busybox\n"), link("Dockerfile", "/proc/self/environ"))
                        .out())
                .contains("Cannot locate specified Dockerfile");
    }

    @Test
    void aContextWithADeviceIsRefused() throws Exception {
        assertThat(send(
                                file("Dockerfile", "FROM busybox\nCOPY sda /\n"),
                                entry(Entry.Kind.BLOCK_DEVICE, "sda", "", 0, 8))
                        .out())
                .contains("is a device");
    }

    @Test
    void pathsAndVariablesWithoutEndAreRefused() throws Exception {
        refused("forbidden path outside the build context", context("Dockerfile", "FROM busybox\nCOPY ../x /\n"));
        StringBuilder endless = new StringBuilder("FROM busybox\nARG v=0123456789\n");
        endless.append("ARG v=$v$v$v$v\n".repeat(40));
        refused("becomes longer than", context("Dockerfile", endless.toString()));
        refused(
                "circular dependency detected on stage",
                context(
                        "Dockerfile",
                        "FROM busybox AS a\nCOPY --from=b /x /x\nFROM busybox AS b\nCOPY --from=a /x /x\n"));
    }

    @Test
    void aSecretThatIsNeededIsToldToBeMissingAndNoneIsWrittenDown() throws Exception {
        refused(
                "carries no secrets",
                context(
                        "Dockerfile",
                        "FROM busybox\nRUN --mount=type=secret,id=key,required=true cat /run/secrets/key\n"));
    }
}
