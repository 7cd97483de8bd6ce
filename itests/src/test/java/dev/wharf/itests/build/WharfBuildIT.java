package dev.wharf.itests.build;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.tools.attach.VirtualMachine;
import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.daemon.Traces;
import dev.wharf.model.Digest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code wharf build}: what it shows, what it sends, and that what it lends is found nowhere afterwards. */
@Timeout(120)
class WharfBuildIT {
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
        assertThat(Traces.settled(daemon, List.of())).isEmpty();
        assertThat(daemon.dataRoot().resolve("build/running")).isEmptyDirectory();
        // Other agents lend secrets meanwhile, and have folders of their own there.
        String memory = "/dev/shm/wharf-build-"
                + Digest.sha256(daemon.execRoot().toString()).hex().substring(0, 12);
        assertThat(Outcome.of("sh", "-c", "find " + daemon.execRoot() + "/build " + memory + " -mindepth 1 2>/dev/null")
                        .out())
                .isEmpty();
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

    private static Outcome build(Map<String, String> variables, String... arguments) throws Exception {
        List<String> command =
                new ArrayList<>(List.of(daemon.home().resolve("bin/wharf").toString(), "build"));
        command.addAll(List.of(arguments));
        Map<String, String> environment = new HashMap<>(daemon.environment());
        environment.putAll(variables);
        return Outcome.of(command, environment, Duration.ofSeconds(60));
    }

    private static Outcome build(String... arguments) throws Exception {
        return build(Map.of(), arguments);
    }

    @Test
    void stepsAreShownAsTheyGoOnAndSoIsWhatTheCacheHad() throws Exception {
        Path context = context("Dockerfile", """
                FROM busybox AS one
                RUN echo first; echo made > /1
                FROM busybox AS two
                RUN echo made > /2
                FROM one
                COPY --from=two /2 /2
                """);

        String first = build("--tag", "shown", context.toString()).outOrThrow();
        String second = build("--tag", "shown", context.toString()).outOrThrow();

        assertThat(first)
                .contains(
                        "#2 [one] RUN echo first; echo made > /1\n", "#2 | first\n", "#4 [two] RUN", ", called shown\n")
                .containsPattern("#2 done in [0-9.]+s\n")
                .containsPattern("built in [0-9.]+s: 6 steps, 3 from the cache\n");
        assertThat(second).contains("#2 cached\n", "#4 cached\n", "6 steps, 6 from the cache\n");
        String records = build("--progress", "json", context.toString()).outOrThrow();
        assertThat(records.lines())
                .first()
                .asString()
                .startsWith(
                        "{\"plan\":{\"steps\":6,\"stages\":[{\"name\":\"one\",\"base\":\"busybox\",\"first\":1,\"steps\":2");
        assertThat(records).contains("{\"done\":{\"step\":6,\"cached\":true", "{\"aux\":{\"ID\":\"sha256:");
        assertThat(build("--quiet", context.toString()).outOrThrow().strip())
                .isEqualTo(daemon.docker("inspect", "--format", "{{.Id}}", "shown")
                        .outOrThrow()
                        .strip());
    }

    @Test
    void aStepThatFailsIsShownAsThat() throws Exception {
        Outcome outcome = build(
                context("Dockerfile", "FROM busybox\nRUN echo oh no; exit 3\n").toString());

        assertThat(outcome.status()).isEqualTo(1);
        assertThat(outcome.out()).contains("#2 | oh no\n").containsPattern("#2 failed after [0-9.]+s\n");
        assertThat(outcome.err()).contains("returned a non-zero code: 3");
        assertThat(build("/nowhere").err()).contains("/nowhere");
        assertThat(build().status()).isEqualTo(2);
    }

    @Test
    void onlyWhatIsNotIgnoredIsSent() throws Exception {
        Path context = context(
                ".dockerignore",
                "*\n!kept\n",
                "kept/a",
                "1",
                "other/b",
                "2",
                "in/Dockerfile",
                "FROM busybox\nCOPY . /c\n");
        Files.createSymbolicLink(context.resolve("kept/link"), Path.of("a"));
        Files.setPosixFilePermissions(
                context.resolve("kept/a"), java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-x--x"));

        build("--file", context.resolve("in/Dockerfile").toString(), "--tag", "ignores", context.toString())
                .outOrThrow();

        assertThat(daemon.docker("run", "--rm", "ignores", "sh", "-c", "cd /c; find . | sort; stat -c %a kept/a")
                        .outOrThrow())
                .isEqualTo(".\n./kept\n./kept/a\n./kept/link\n751\n");
        Path elsewhere = context("Dockerfile", "FROM busybox\nCOPY kept/a /\nENV where=elsewhere\n");
        build("--file", elsewhere.resolve("Dockerfile").toString(), "--tag", "elsewhere", context.toString())
                .outOrThrow();
        assertThat(daemon.docker("run", "--rm", "elsewhere", "env").outOrThrow())
                .contains("where=elsewhere");
    }

    // ---- what is lent

    private static final String SECRET_DOCKERFILE = """
            FROM busybox
            RUN --mount=type=secret,id=key,mode=0440,uid=7 stat -c '%a %u' /run/secrets/key > /facts && \
                sha256sum < /run/secrets/key > /sum && cp /proc/mounts /mounts
            RUN test ! -e /run/secrets/key && test ! -e /run/secrets
            """;

    @Test
    void aSecretReachesItsStepAndNothingElse() throws Exception {
        String secret = "planted-" + UUID.randomUUID();
        Path file = Files.writeString(folder.resolve("key"), secret);
        Path context = context("Dockerfile", SECRET_DOCKERFILE + "LABEL marker=a-word-that-is-found\n");

        String out = build("--secret", "id=key,src=" + file, "--tag", "knows", context.toString())
                .outOrThrow();

        String sum = Outcome.of("sha256sum", file.toString()).outOrThrow().substring(0, 64);
        assertThat(daemon.docker("run", "--rm", "knows", "cat", "/facts", "/sum")
                        .outOrThrow())
                .isEqualTo("440 7\n" + sum + "  -\n");
        assertThat(out).doesNotContain(secret);
        assertThat(daemon.docker("run", "--rm", "knows", "cat", "/mounts").outOrThrow())
                .containsPattern("/run/secrets/key tmpfs ");
        // The same with another secret is the same step: what it says is no part of the key.
        Files.writeString(file, secret + "!");
        assertThat(build("--secret", "id=key,src=" + file, context.toString()).outOrThrow())
                .contains("#2 cached");
        for (String spelling : List.of(secret, base64(secret), base64(secret + "!"))) {
            assertThat(placesOf(spelling)).isEmpty();
        }
        assertThat(placesOf("a-word-that-is-found")).contains("the disk", "the journal's story");
    }

    private static String base64(String text) {
        return Base64.getEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Where a text is found of all that the agent writes, publishes and tells. Events go to Kafka as the journal has them. */
    private static List<String> placesOf(String text) throws Exception {
        List<String> places = new ArrayList<>();
        if (Outcome.of(
                                "grep",
                                "-rqaF",
                                text,
                                daemon.dataRoot().toString(),
                                daemon.execRoot().toString(),
                                daemon.log().toString())
                        .status()
                == 0) {
            places.add("the disk");
        }
        if (daemon.wharf("journal", "dump").out().contains(text)
                || daemon.wharf("journal", "tail").out().contains(text)) {
            places.add("the journal's story");
        }
        for (String path : List.of(
                "/wharf/v1/builds",
                "/wharf/v1/builds/latest",
                "/v1.43/system/df",
                "/v1.43/images/json?all=1",
                "/v1.43/events?since=0&until=" + System.currentTimeMillis() / 1000,
                "/metrics")) {
            if (daemon.curl(path).out().contains(text)) places.add(path);
        }
        if (beans().contains(text)) places.add("JMX");
        return places;
    }

    /** Every attribute of every bean, as far as it can be read. */
    @SuppressWarnings("BanJNDI") // the address is that which the agent's own JVM has just given
    private static String beans() throws Exception {
        VirtualMachine machine = VirtualMachine.attach(String.valueOf(daemon.pid()));
        StringBuilder all = new StringBuilder();
        try (JMXConnector connector =
                JMXConnectorFactory.connect(new JMXServiceURL(machine.startLocalManagementAgent()))) {
            MBeanServerConnection server = connector.getMBeanServerConnection();
            for (ObjectName name : server.queryNames(new ObjectName("dev.wharf*:*"), null)) {
                for (MBeanAttributeInfo attribute : server.getMBeanInfo(name).getAttributes()) {
                    all.append(value(server, name, attribute)).append('\n');
                }
            }
        } finally {
            machine.detach();
        }
        assertThat(all).isNotEmpty();
        return all.toString();
    }

    private static String value(MBeanServerConnection server, ObjectName name, MBeanAttributeInfo attribute) {
        try {
            Object value = server.getAttribute(name, attribute.getName());
            return value instanceof Object[] many ? List.of(many).toString() : String.valueOf(value);
        } catch (Exception e) {
            return "unreadable";
        }
    }

    @Test
    void aSecretThatFailsItsStepIsGoneAsWell() throws Exception {
        String secret = "planted-" + UUID.randomUUID();
        Path context = context(
                "Dockerfile",
                "FROM busybox\nRUN --mount=type=secret,id=key --mount=type=secret,id=key,env=WORD"
                        + " test \"$WORD\" = \"$(cat /run/secrets/key)\" && exit 7\n");

        Outcome outcome = build(Map.of("KEY", secret), "--secret", "id=key,env=KEY", context.toString());

        assertThat(outcome.err()).contains("returned a non-zero code: 7");
        assertThat(placesOf(secret)).isEmpty();
        assertThat(build(context("Dockerfile", "FROM busybox\nRUN --mount=type=secret,id=other,required=true true\n")
                                .toString())
                        .err())
                .contains("secret other: not found", "--secret id=other,src=FILE");
    }

    @Test
    void anSshAgentIsLentForAStep() throws Exception {
        Path socket = folder.resolve("ssh.sock");
        Process agent = new ProcessBuilder("ssh-agent", "-D", "-a", socket.toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            for (int i = 0; i < 1500 && !Files.exists(socket); i++) Thread.sleep(20);
            Path context = context("Dockerfile", """
                    FROM busybox
                    COPY root /
                    RUN --mount=type=ssh,required=true ssh-add -l > /answer 2>&1; \
                        test -S $SSH_AUTH_SOCK && echo $SSH_AUTH_SOCK > /where
                    RUN test -z "$SSH_AUTH_SOCK" && test ! -e "$(cat /where)"
                    """);
            Outcome.of(
                            "sh",
                            "-c",
                            "for f in /usr/bin/ssh-add $(ldd /usr/bin/ssh-add | grep -o '/[^ ]*'); do install -D $f "
                                    + context.resolve("root") + "$f; done")
                    .outOrThrow();

            build(Map.of("SSH_AUTH_SOCK", socket.toString()), "--ssh", "default", "--tag", "asks", context.toString())
                    .outOrThrow();

            assertThat(daemon.docker("run", "--rm", "asks", "cat", "/where").outOrThrow())
                    .isEqualTo("/run/buildkit/ssh_agent.0\n");
            assertThat(daemon.docker("run", "--rm", "asks", "cat", "/answer").outOrThrow())
                    .contains("The agent has no identities");
        } finally {
            agent.destroy();
            agent.waitFor();
        }
    }

    @Test
    void aBuildThatIsInterruptedEndsInTheAgentToo() throws Exception {
        Path context = context("Dockerfile", "FROM busybox\nRUN echo running; sleep 300\n");
        ProcessBuilder builder =
                new ProcessBuilder(daemon.home().resolve("bin/wharf").toString(), "build", context.toString());
        builder.environment().putAll(daemon.environment());
        Path said = folder.resolve("said");
        Process client =
                builder.redirectErrorStream(true).redirectOutput(said.toFile()).start();
        for (int i = 0; i < 400 && !Files.readString(said).contains("| running"); i++) Thread.sleep(50);
        String container =
                daemon.docker("ps", "--quiet", "--no-trunc").outOrThrow().strip();
        assertThat(container).isNotEmpty();
        String pid = daemon.docker("inspect", "--format", "{{.State.Pid}}", container)
                .outOrThrow()
                .strip();

        client.destroy();
        client.waitFor();

        assertThat(Traces.settled(daemon, List.of(container))).isEmpty();
        assertThat(Path.of("/proc", pid)).doesNotExist();
        for (int i = 0; i < 600 && !isEmpty(daemon.dataRoot().resolve("build/running")); i++) Thread.sleep(50);
    }

    private static boolean isEmpty(Path directory) throws IOException {
        try (var all = Files.list(directory)) {
            return all.findAny().isEmpty();
        }
    }
}
