package dev.wharf.itests.build;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The options of {@code docker build}, and what becomes of its cache. */
@ExtendWith(SharedAgent.class)
@Timeout(120)
class OptionsIT {
    @TempDir
    private Path folder;

    private Path context(String... lines) throws IOException {
        Path context = Files.createTempDirectory(folder, "context");
        Files.writeString(context.resolve("Dockerfile"), String.join("\n", lines) + "\n");
        return context;
    }

    private Outcome build(Daemon daemon, Map<String, String> variables, Path context, String... options)
            throws Exception {
        List<String> command = new ArrayList<>(List.of("docker", "build"));
        command.addAll(List.of(options));
        command.add(context.toString());
        Map<String, String> environment = new HashMap<>(daemon.environment());
        environment.putAll(variables);
        return Outcome.of(command, environment, Duration.ofSeconds(60));
    }

    private String build(Daemon daemon, Path context, String... options) throws Exception {
        return build(daemon, Map.of("DOCKER_BUILDKIT", "0"), context, options).outOrThrow();
    }

    @Test
    void limitsAndNetworksAreThoseOfTheSteps(Daemon daemon) throws Exception {
        Path context = context(
                "FROM busybox AS wanted",
                "RUN grep 192.0.2.7 /etc/hosts; ls /sys/class/net; df -k /dev/shm | tail -n 1; ulimit -n; \\",
                "    grep Cpus_allowed_list /proc/self/status; \\",
                "    cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; true",
                "FROM wanted",
                "RUN exit 1");

        String out = build(
                daemon,
                context,
                "--target=wanted",
                "--add-host=there:192.0.2.7",
                "--network=none",
                "--shm-size=32m",
                "--ulimit=nofile=123:123",
                "--cpuset-cpus=0",
                "--memory=64m",
                "--label=a=b",
                "--tag=limited");

        assertThat(out)
                .containsPattern("192\\.0\\.2\\.7\\s+there\nlo\n(shm|tmpfs) +32768 ")
                .containsPattern("\n123\nCpus_allowed_list:\\s+0\n67108864\n");
        assertThat(daemon.docker("inspect", "--format", "{{json .Config.Labels}}", "limited")
                        .outOrThrow())
                .contains("\"a\":\"b\"");
        daemon.docker("rmi", "limited").outOrThrow();
    }

    @Test
    void aContainerStaysAsItsOptionsSay(Daemon daemon) throws Exception {
        Path fails = context("FROM busybox", "LABEL left=yes", "RUN echo before", "RUN exit 7");
        Map<String, String> classic = Map.of("DOCKER_BUILDKIT", "0");

        build(daemon, classic, fails, "--force-rm", "--no-cache");
        assertThat(containers(daemon)).isEmpty();
        build(daemon, classic, fails, "--no-cache");
        assertThat(containers(daemon)).isEqualTo("Exited (7)\n");
        build(daemon, classic, fails, "--rm=false", "--no-cache");
        assertThat(containers(daemon)).isEqualTo("Exited (7)\nExited (0)\n");
        build(daemon, classic, fails, "--rm=false", "--force-rm", "--no-cache");
        assertThat(containers(daemon)).isEmpty();
    }

    /** How the containers ended that builds left, which are removed. */
    private static String containers(Daemon daemon) throws Exception {
        String left = daemon.docker("ps", "--all", "--filter", "label=left", "--format", "{{.Status}}")
                .outOrThrow()
                .replaceAll("(?m) (\\d+|Less|About).*? ago$", "");
        bash(daemon, "docker ps --all --quiet --filter name=build- | xargs -r docker rm --force");
        return left;
    }

    @Test
    void aQuietBuildThatFailsSaysAllThatItKeptToItself(Daemon daemon) throws Exception {
        Outcome outcome = build(
                daemon,
                Map.of("DOCKER_BUILDKIT", "0"),
                context("FROM busybox", "RUN echo be''fore; exit 3"),
                "--quiet",
                "--force-rm");

        assertThat(outcome.status()).isEqualTo(3);
        assertThat(outcome.out()).isEmpty();
        assertThat(outcome.err()).contains("Step 2/2", "\nbefore\n", "returned a non-zero code: 3");
    }

    @Test
    void theDockerfileMayComeFromElsewhere(Daemon daemon) throws Exception {
        Path context = context("nothing");
        Files.delete(context.resolve("Dockerfile"));
        Files.writeString(context.resolve("f"), "here");
        Files.writeString(context.resolve("g"), "ignored");
        Files.writeString(context.resolve(".dockerignore"), "*\n!f\n");
        Path dockerfile = Files.writeString(folder.resolve("other"), "FROM busybox\nCOPY . /x\nRUN ls /x\n");

        assertThat(build(daemon, context, "--file=" + dockerfile))
                .contains("\nf\n")
                .doesNotContain("\ng\n");
        assertThat(bash(daemon, "DOCKER_BUILDKIT=0 docker build --file - " + context + " < " + dockerfile)
                        .outOrThrow())
                .contains("Successfully built");
        Files.writeString(context.resolve("dockerfile"), "FROM busybox\nENV small=letters\n");
        Files.delete(context.resolve(".dockerignore"));
        assertThat(bash(
                                daemon,
                                "tar -C " + context + " -c . | curl --silent --unix-socket "
                                        + daemon.host().substring("unix://".length())
                                        + " -X POST --data-binary @- http://docker/v1.43/build")
                        .outOrThrow())
                .contains("Successfully built");
    }

    @Test
    void whatIsNoOptionIsRefusedBeforeAnythingIsDone(Daemon daemon) throws Exception {
        refused(daemon, "buildargs=%5B1%5D", "error reading buildargs: it is no JSON object");
        refused(daemon, "buildargs=%7B%22a%22:1%7D", "the value of a is no text");
        refused(daemon, "labels=junk", "error reading labels: it is no JSON");
        refused(daemon, "ulimits=%7B%7D", "error reading ulimits: it is no JSON array");
        refused(daemon, "cachefrom=%7B%7D", "error reading cachefrom: it is no JSON array");
        refused(daemon, "isolation=hyperv", "Unsupported isolation: \\\"hyperv\\\"");
        refused(daemon, "platform=!!", "invalid platform \\\"!!\\\"");
        refused(daemon, "version=3", "invalid version");
        refused(daemon, "memory=junk", "not a number");
    }

    private static Outcome bash(Daemon daemon, String script) throws Exception {
        return Outcome.of(List.of("bash", "-c", script), daemon.environment(), Duration.ofSeconds(60));
    }

    private static void refused(Daemon daemon, String query, String words) throws Exception {
        assertThat(daemon.curl("/v1.43/build?" + query, "-X", "POST").out()).contains(words);
    }

    @Test
    void argumentsMayBeLongAndSecurityMayBeChosen(Daemon daemon) throws Exception {
        Path context = context("FROM busybox", "ARG long", "RUN echo ${#long}; grep Seccomp: /proc/self/status");
        List<String> options = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            options.addAll(List.of("--build-arg", "long" + (i == 0 ? "" : i) + "=" + "x".repeat(10_000)));
        }
        options.add("--security-opt=seccomp=unconfined");

        assertThat(build(daemon, context, options.toArray(String[]::new)))
                .contains("\n10000\n")
                .containsPattern("Seccomp:\\s+0");
    }

    @Test
    void aCommandLineWithoutBuildxFallsBackByItself(Daemon daemon) throws Exception {
        assertThat(daemon.curl("/_ping", "--head").outOrThrow()).containsIgnoringCase("Builder-Version: 1");
        assertThat(daemon.docker("buildx", "version").status())
                .as("buildx is installed here, which hides what this test is about")
                .isNotZero();
        HashMap<String, String> environment = new HashMap<>(daemon.environment());

        Outcome outcome = build(daemon, environment, context("FROM busybox", "ENV fallen=back"), "--tag=fallen");

        assertThat(outcome.outOrThrow()).contains("Successfully tagged fallen:latest");
        assertThat(daemon.curl("/v1.43/build?version=2", "-X", "POST").out()).contains("POST /grpc");
        daemon.docker("rmi", "fallen").outOrThrow();
    }

    @Test
    void stepsAreTakenFromImagesThatAreNamedForIt(Daemon daemon) throws Exception {
        Path context = context("FROM busybox", "RUN date > /when", "LABEL l=1", "RUN date >> /when");
        String id = build(daemon, context, "--quiet", "--no-cache", "--tag=lender");
        daemon.docker("builder", "prune", "--all", "--force").outOrThrow();

        String out = build(daemon, context, "--cache-from=lender", "--tag=borrower");

        assertThat(out.split("Using cache", -1)).hasSize(4);
        assertThat(build(daemon, context, "--quiet", "--cache-from=lender")).isEqualTo(id);
        assertThat(build(daemon, context, "--cache-from=busybox")).doesNotContain("Using cache");
        daemon.docker("rmi", "lender", "borrower").outOrThrow();
    }

    @Test
    void aBaseIsLookedForAnewWhereThatIsWished(Daemon daemon) throws Exception {
        Path context = context("FROM layout.local/busybox", "ENV a=b");

        assertThat(build(daemon, context, "--pull")).contains("Pulling from busybox");
        assertThat(build(daemon, context, "--pull"))
                .contains("Status: Image is up to date for layout.local/busybox:latest");
        assertThat(build(daemon, context)).doesNotContain("Pulling");
        assertThat(build(daemon, Map.of("DOCKER_BUILDKIT", "0"), context, "--platform=linux/s390x")
                        .err())
                .contains("s390x");
    }

    // ---- the cache

    @Test
    void cacheMountsAreKeptSharedOrNotAndPruned(Daemon daemon) throws Exception {
        Path counts = context(
                "FROM busybox",
                "RUN --mount=type=cache,id=counted,sharing=private,target=/c echo >> /c/f; wc -l < /c/f",
                "RUN --mount=type=cache,id=seeded,from=busybox,source=/bin,target=/c test -x /c/busybox");
        assertThat(build(daemon, counts, "--no-cache")).contains("\n1\n");
        assertThat(build(daemon, counts, "--no-cache")).contains("\n2\n");

        // Each is alone, in its own folder or one after the other; two in different orders do not wait for each other.
        String alone = "mkdir $d/held; sleep 0.3; rmdir $d/held";
        Path own = context(
                "FROM busybox",
                "RUN --mount=type=cache,id=own,sharing=private,target=/c d=/c; " + alone,
                "RUN --mount=type=cache,id=a,sharing=locked,target=/a --mount=type=cache,id=b,sharing=locked,target=/b"
                        + " d=/a; " + alone);
        Path other = context(
                "FROM busybox",
                "RUN --mount=type=cache,id=own,sharing=private,target=/c d=/c; " + alone,
                "RUN --mount=type=cache,id=b,sharing=locked,target=/b --mount=type=cache,id=a,sharing=locked,target=/a"
                        + " d=/a; " + alone);
        bash(
                        daemon,
                        "set -e; export DOCKER_BUILDKIT=0; docker build --no-cache " + own
                                + " & one=$!; docker build --no-cache " + other + " & wait $one; wait $!")
                .outOrThrow();

        String usage = daemon.curl("/v1.43/system/df?type=build-cache").outOrThrow();
        assertThat(usage).containsPattern("cached mount seeded [^}]*\"InUse\":false[^}]*\"Size\":[1-9]");
        assertThat(bash(daemon, "docker builder prune --force --filter type=exec.cachemount")
                        .outOrThrow())
                .containsPattern("Total reclaimed space: [1-9]");
        assertThat(daemon.curl("/v1.43/system/df?type=build-cache").outOrThrow())
                .doesNotContain("cached mount");
        assertThat(daemon.dataRoot().resolve("build/caches")).isEmptyDirectory();
        assertThat(build(daemon, counts, "--no-cache")).contains("\n1\n");
        daemon.docker("builder", "prune", "--all", "--force").outOrThrow();
    }

    @Test
    void mountsMayHaveAnyNameAndSize(Daemon daemon) throws Exception {
        Path context = context(
                "FROM busybox",
                "RUN --mount=type=bind,source=a:b,target=/m --mount=type=tmpfs,target=/t,size=2MB \\",
                "    ls /m; df -k /t | tail -n 1");
        Files.createDirectories(context.resolve("a:b/inside"));

        assertThat(build(daemon, context)).containsPattern("\ninside\n\\S+ +2048 ");
        assertThat(build(
                                daemon,
                                Map.of("DOCKER_BUILDKIT", "0"),
                                context("FROM busybox", "RUN --mount=type=tmpfs,target=/t,size=much true"))
                        .err())
                .contains("invalid size of a tmpfs mount");
    }

    @Test
    void theCacheIsToldAndPrunedByWhatIsSaidOfIt(Daemon daemon) throws Exception {
        daemon.docker("builder", "prune", "--all", "--force").outOrThrow();
        daemon.docker("image", "prune", "--force").outOrThrow();
        build(daemon, context("FROM busybox", "RUN head -c 3000000 /dev/zero > /large"), "--tag=used");
        build(daemon, context("FROM busybox", "RUN head -c 2000000 /dev/zero > /older"), "--quiet");
        Path newest = context("FROM busybox", "RUN head -c 1000000 /dev/zero > /newest");
        build(daemon, newest, "--quiet");
        build(daemon, newest, "--quiet");

        String usage = daemon.curl("/v1.43/system/df?type=build-cache").outOrThrow();

        assertThat(usage)
                .containsPattern("RUN head -c 3000000[^}]*\"InUse\":true[^}]*\"Size\":300\\d{4}")
                .containsPattern("RUN head -c 1000000[^}]*\"InUse\":false[^}]*\"UsageCount\":2");
        assertThat(daemon.docker("system", "df").outOrThrow()).containsPattern("Build Cache +3 +1 +3(\\.\\d+)?MB");

        // What an image has too stays, and so does what was used last, up to the space that may be kept.
        assertThat(daemon.docker("builder", "prune", "--force", "--filter", "until=1h")
                        .outOrThrow())
                .contains("Total reclaimed space: 0B");
        assertThat(daemon.curl("/v1.43/build/prune?keep-storage=1500000", "-X", "POST")
                        .outOrThrow())
                .containsPattern("\"SpaceReclaimed\":200\\d{4}");
        assertThat(build(daemon, newest)).contains("Using cache");
        assertThat(daemon.curl(
                                "/v1.43/build/prune?all=1&filters=%7B%22description%22%3A%5B%22newest%22%5D%7D",
                                "-X", "POST")
                        .outOrThrow())
                .containsPattern("\"SpaceReclaimed\":100\\d{4}");
        assertThat(daemon.curl("/v1.43/build/prune?filters=%7B%22parent%22%3A%5B%22x%22%5D%7D", "-X", "POST")
                        .out())
                .contains("invalid filter 'parent'");
        assertThat(daemon.docker("run", "--rm", "used", "stat", "-c", "%s", "/large")
                        .outOrThrow())
                .isEqualTo("3000000\n");
        daemon.docker("rmi", "used").outOrThrow();
        daemon.docker("builder", "prune", "--all", "--force").outOrThrow();
        assertThat(daemon.docker("images", "--all", "--quiet", "--filter", "dangling=true")
                        .outOrThrow())
                .isEmpty();
    }
}
