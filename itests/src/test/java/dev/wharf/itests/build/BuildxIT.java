package dev.wharf.itests.build;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.clients.Plugin;
import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Builds by buildx, whose {@code docker build} and Compose's speak BuildKit's own services. */
@ExtendWith(SharedAgent.class)
@Timeout(120)
class BuildxIT {
    private final Daemon daemon;

    @TempDir
    private Path folder;

    private Path context;
    private Path configuration;

    BuildxIT(Daemon daemon) {
        this.daemon = daemon;
    }

    @BeforeEach
    void plugins() throws IOException {
        context = Files.createDirectories(folder.resolve("context"));
        configuration = Files.createDirectories(folder.resolve("configuration"));
        Plugin.give("docker-buildx", configuration);
    }

    private void dockerfile(String... lines) throws IOException {
        Files.writeString(context.resolve("Dockerfile"), String.join("\n", lines) + "\n");
    }

    private Outcome tried(String... command) throws Exception {
        List<String> words = new ArrayList<>(List.of("docker"));
        words.addAll(List.of(command));
        return Outcome.of(words, environment(), Duration.ofSeconds(90));
    }

    private Map<String, String> environment() {
        Map<String, String> environment = new HashMap<>(daemon.environment());
        environment.put("DOCKER_CONFIG", configuration.toString());
        environment.put("BUILDX_CONFIG", folder.resolve("buildx").toString());
        environment.put("DOCKER_BUILDKIT", "1");
        return environment;
    }

    private String build(String... options) throws Exception {
        Outcome outcome = attempt(options);
        outcome.outOrThrow();
        return outcome.err();
    }

    private Outcome attempt(String... options) throws Exception {
        List<String> words = new ArrayList<>(List.of("build", "--progress=plain"));
        words.addAll(List.of(options));
        words.add(context.toString());
        return tried(words.toArray(String[]::new));
    }

    @Test
    void whatTheClientHasAndLendsIsInTheImage() throws Exception {
        dockerfile(
                "ARG WORD=none",
                "FROM busybox AS made",
                "ARG WORD",
                "RUN --mount=type=secret,id=word echo $WORD $(cat /run/secrets/word) > /word",
                "COPY . /all/",
                "FROM made",
                "COPY --from=more . /more/",
                "COPY <<end /here",
                "in place",
                "end",
                "RUN find /all /more /here | sort && stat -c %a /all/tool && cat /word");
        Files.writeString(context.resolve(".dockerignore"), "out\n!out/in\n");
        Files.createDirectories(context.resolve("out"));
        Files.writeString(context.resolve("out/in"), "");
        Files.writeString(context.resolve("out/not"), "");
        Files.writeString(context.resolve("gr\u00fc\u00df"), "");
        Files.createSymbolicLink(context.resolve("link"), Path.of("tool"));
        Path tool = Files.write(context.resolve("tool"), new byte[3_000_000]);
        Files.setPosixFilePermissions(tool, PosixFilePermissions.fromString("rwxr-x---"));
        Path more = Files.createDirectories(folder.resolve("more"));
        Files.writeString(more.resolve("one"), "");
        Path secret = Files.writeString(folder.resolve("secret"), "s3cret");

        String out = build(
                "--no-cache",
                "--build-arg=WORD=said",
                "--secret=id=word,src=" + secret,
                "--build-context=more=" + more,
                "--label=a=b",
                "--tag=by-buildx");

        assertThat(out)
                .containsPattern("\\[made 1/3\\] FROM busybox")
                .doesNotContain("s3cret\n#0")
                .contains("naming to docker.io/library/by-buildx");
        assertThat(out.replaceAll("(?m)^#\\d+ [\\d.]+ ", ""))
                .contains("/all\n/all/.dockerignore\n/all/Dockerfile\n/all/gr\u00fc\u00df\n/all/link\n/all/out\n"
                        + "/all/out/in\n/all/tool\n/here\n/more\n/more/one\n750\nsaid s3cret\n");
        assertThat(tried("inspect", "--format={{json .Config.Labels}}", "by-buildx")
                        .outOrThrow())
                .contains("\"a\":\"b\"");
        assertThat(build("--build-arg=WORD=said", "--secret=id=word,src=" + secret, "--build-context=more=" + more))
                .containsPattern("(?s)RUN --mount=type=secret[^\n]*\n#\\d+ CACHED");
        tried("rmi", "by-buildx").outOrThrow();
    }

    @Test
    void whereTheClassicBuilderDoesOtherwiseBuildkitsRulesCount() throws Exception {
        dockerfile(
                "FROM busybox AS one",
                "ARG HEIR=heir",
                "RUN echo app:x:70:71::/:/bin/sh >> /etc/passwd && mkdir /kept",
                "VOLUME /kept",
                "RUN echo kept > /kept/file",
                "USER app",
                "WORKDIR /home/app",
                "FROM one",
                "USER root",
                "ADD --chown=app packed.tar /unpacked",
                "COPY --chown=app --chmod=u=rwX,go=rX none* ../plain /copied/",
                "COPY --chmod=710 folder /folder",
                "RUN --mount=type=secret,id=word,env=WORD [\"sh\", \"-c\", \"echo $HEIR $WORD; cat /kept/file\"]",
                "RUN stat -c '%n %u:%g %a' /home/app /unpacked/plain /copied /copied/plain",
                "RUN stat -c '%n %a %Y' /folder");
        Files.setLastModifiedTime(
                Files.createDirectories(context.resolve("folder")), FileTime.from(Instant.ofEpochSecond(86_400)));
        Path plain = Files.writeString(context.resolve("plain"), "");
        Files.setPosixFilePermissions(plain, PosixFilePermissions.fromString("rw-------"));
        Outcome.of(
                        List.of(
                                "tar",
                                "cf",
                                context.resolve("packed.tar").toString(),
                                "-C",
                                context.toString(),
                                "plain"),
                        Map.of(),
                        Duration.ofSeconds(10))
                .outOrThrow();
        Path secret = Files.writeString(folder.resolve("secret"), "it's");

        assertThat(build("--no-cache", "--secret=id=word,src=" + secret).replaceAll("(?m)^#\\d+ [\\d.]+ ", ""))
                .contains("heir it's\nkept\n")
                .contains(
                        "/home/app 70:71 755\n/unpacked/plain 70:71 600\n/copied 70:71 755\n/copied/plain 70:71 644\n")
                .contains("/folder 710 86400\n");
        assertThat(build("--network=none", "--secret=id=word,src=" + secret))
                .doesNotContainPattern("RUN stat[^\n]*\n#\\d+ CACHED");
    }

    @Test
    void filesComeOutInsteadOfAnImage() throws Exception {
        dockerfile(
                "FROM busybox AS from",
                "RUN mkdir -p /d && echo hi > /d/f && chmod 640 /d/f",
                "FROM scratch",
                "COPY --from=from /d /d");
        Path out = folder.resolve("out");

        build("--output=" + out);
        build("--output=type=tar,dest=" + folder.resolve("out.tar"));

        assertThat(out.resolve("d/f")).hasContent("hi\n");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(out.resolve("d/f"))))
                .isEqualTo("rw-r-----");
        assertThat(Outcome.of(
                                List.of("tar", "tf", folder.resolve("out.tar").toString()),
                                Map.of(),
                                Duration.ofSeconds(10))
                        .outOrThrow())
                .isEqualTo("d/\nd/f\n");
        assertThat(attempt("--output=type=oci,dest=" + folder.resolve("o")).err())
                .contains("OCI");
    }

    @Test
    void whatFailsSaysWhyWhereItFailed() throws Exception {
        dockerfile("FROM busybox", "RUN echo before && exit 7");
        assertThat(attempt().err())
                .containsPattern("#\\d+ ERROR: process .*exit 7.* did not complete successfully: exit code: 7");
        dockerfile("FROM busybox", "RUM x");
        assertThat(attempt().err()).contains("unknown instruction: RUM");
        assertThat(attempt("--file=" + context.resolve("none")).status()).isNotZero();
        Files.delete(context.resolve("Dockerfile"));
        assertThat(attempt().status()).isNotZero();
    }

    @Test
    void whatIsRememberedIsShownAndForgotten() throws Exception {
        dockerfile("FROM busybox", "RUN echo only here > /remembered");
        build();

        assertThat(tried("buildx", "inspect").outOrThrow()).contains("Status:");
        assertThat(tried("buildx", "du", "--verbose").outOrThrow()).contains("echo only here");
        tried("buildx", "prune", "--force", "--all").outOrThrow();
        assertThat(tried("buildx", "du", "--verbose").outOrThrow()).doesNotContain("echo only here");
    }

    @Test
    void composeBuildsItsServices() throws Exception {
        Plugin.give("docker-compose", configuration);
        dockerfile(
                "FROM busybox AS one",
                "ARG WORD",
                "RUN echo $WORD > /word",
                "FROM one AS two",
                "RUN echo two >> /word");
        Path file = Files.writeString(
                folder.resolve("compose.yaml"),
                String.join(
                        "\n",
                        "services:",
                        "  one:",
                        "    build: {context: context, target: one, args: {WORD: first}}",
                        "  two:",
                        "    build: {context: context, args: {WORD: second}}",
                        "    command: cat /word"));
        try {
            tried("compose", "--project-name=bx", "--file=" + file, "build").outOrThrow();

            assertThat(tried("compose", "--project-name=bx", "--file=" + file, "run", "--rm", "--no-TTY", "two")
                            .outOrThrow())
                    .isEqualTo("second\ntwo\n");
        } finally {
            tried("compose", "--project-name=bx", "--file=" + file, "down", "--rmi=all");
        }
    }

    @Test
    void whatChangedSinceTheLastBuildIsThereAndWhatIsGoneIsNot() throws Exception {
        dockerfile("FROM scratch", "COPY files /");
        Path files = Files.createDirectories(context.resolve("files"));
        Files.createDirectories(files.resolve("d/below"));
        Files.writeString(files.resolve("d/below/f"), "f");
        Files.writeString(files.resolve("changed"), "first");
        Files.writeString(files.resolve("file"), "");
        Files.writeString(context.resolve("unused"), "x".repeat(3_000_000));
        String first = build("--output=" + folder.resolve("first"));
        Files.delete(files.resolve("d/below/f"));
        Files.delete(files.resolve("d/below"));
        Files.createSymbolicLink(files.resolve("d/below"), Path.of("../file"));
        Files.writeString(files.resolve("changed"), "second");
        Files.delete(files.resolve("file"));
        Files.writeString(Files.createDirectories(files.resolve("file")).resolve("in"), "");
        Path second = folder.resolve("second");

        build("--output=" + second);

        assertThat(first).doesNotContainPattern("transferring context: \\d+(\\.\\d+)?MB");
        assertThat(folder.resolve("first/d/below/f")).hasContent("f");
        assertThat(second.resolve("changed")).hasContent("second");
        assertThat(second.resolve("d/below")).isSymbolicLink();
        assertThat(second.resolve("file/in")).exists();
        assertThat(tried("buildx", "du", "--verbose").outOrThrow()).contains("local source for context");
    }

    @Test
    void oneTargetOfABakeFileIsMadeFromAnother() throws Exception {
        dockerfile("FROM busybox AS base", "RUN echo never", "FROM base", "COPY --from=base /word /copy");
        Path other = Files.createDirectories(folder.resolve("other"));
        Files.writeString(other.resolve("Dockerfile"), "FROM busybox\nENV WORD=linked\nRUN echo $WORD > /word\n");
        Path file = Files.writeString(folder.resolve("docker-bake.json"), """
                {"target": {
                  "other": {"context": "%s"},
                  "default": {"context": "%s", "contexts": {"base": "target:other"}, "tags": ["baked"]}
                }}""".formatted(other, context));

        tried("buildx", "bake", "--file=" + file).outOrThrow();

        assertThat(tried("run", "--rm", "baked", "sh", "-c", "echo $WORD && cat /copy")
                        .outOrThrow())
                .isEqualTo("linked\nlinked\n");
        tried("rmi", "baked").outOrThrow();
    }

    @Test
    void aBuildWhoseClientGoesEnds() throws Exception {
        dockerfile("FROM busybox", "LABEL interrupted=yes", "RUN sleep 60");
        ProcessBuilder builder = new ProcessBuilder("docker", "build", context.toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD);
        builder.environment().putAll(environment());
        Process client = builder.start();
        try {
            until(() -> !containers("--quiet").isEmpty());
            client.destroy();

            until(() -> containers("--all", "--quiet").isEmpty());
        } finally {
            client.destroyForcibly();
        }
    }

    private String containers(String... options) throws Exception {
        List<String> words = new ArrayList<>(List.of("ps", "--filter=label=interrupted"));
        words.addAll(List.of(options));
        return daemon.docker(words.toArray(String[]::new)).outOrThrow();
    }

    private interface Condition {
        boolean holds() throws Exception;
    }

    private static void until(Condition condition) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!condition.holds()) {
            assertThat(System.nanoTime()).isLessThan(end);
            Thread.sleep(100);
        }
    }
}
