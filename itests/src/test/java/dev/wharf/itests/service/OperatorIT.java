package dev.wharf.itests.service;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.daemon.Traces;
import dev.wharf.itests.images.LoopbackRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What an operator is given for bad days: a doctor, a bundle for whoever helps, completion. */
@Timeout(120)
class OperatorIT {
    private static final String SECRET = "planted-4711-secret";

    /** The same, as a registry's file of passwords has it. */
    private static final String HASH = "$2b$05$5OvwC3WSykFUY2Ok/j5J5OGCgNjz.T2iwopp8JBJEVbHd6qiJVzqG";

    private static final Path SHARE = Daemon.distribution().resolve("share");

    @TempDir
    private static Path folder;

    private static Daemon daemon;

    @BeforeAll
    static void anAgentWithSecrets() throws Exception {
        Path etc = Files.createDirectories(folder.resolve("etc"));
        Files.writeString(etc.resolve("dev.wharf.planted.cfg"), "sasl.password = " + SECRET + "\nport = 9\n");
        Files.writeString(etc.resolve("key.pem"), "-----BEGIN PRIVATE KEY-----\n" + SECRET + "\n");
        Path password = Files.writeString(etc.resolve("watcher"), SECRET + "\n");
        Files.setPosixFilePermissions(password, PosixFilePermissions.fromString("rw-------"));
        Files.writeString(etc.resolve("dev.wharf.jolokia.cfg"), "port = 0\nreaders = " + password + "\n");
        // A broker that nobody is at: what the client says of its settings and of its trouble is in the log.
        Files.writeString(
                etc.resolve("dev.wharf.kafka.cfg"),
                "bootstrap.servers = 127.0.0.1:1\nsecurity.protocol = SASL_PLAINTEXT\nsasl.mechanism = PLAIN\nsasl.user = me\n"
                        + "sasl.password.file = " + password + "\n");
        daemon = SharedAgent.withBusybox(folder, "--config-dir=" + etc, "--log-level=debug");
        daemon.docker(
                        "run",
                        "-d",
                        "--name",
                        "web",
                        "-e",
                        "DATABASE=" + SECRET,
                        "--label",
                        "db.password=" + SECRET,
                        "--health-cmd",
                        "test -n \"$X\" || TOKEN=" + SECRET + " true",
                        "busybox",
                        "sh",
                        "-c",
                        "echo started with --password " + SECRET + "; exec sleep 1000")
                .outOrThrow();
        daemon.docker("exec", "-e", "EXTRA=" + SECRET, "web", "true").outOrThrow();
        daemon.docker(
                        "volume",
                        "create",
                        "--opt=type=cifs",
                        "--opt=device=//nobody/share",
                        "--opt=o=user=me,password=" + SECRET + ",uid=7",
                        "share")
                .outOrThrow();
        anImageWasBuiltAndTravelled();
    }

    private static void anImageWasBuiltAndTravelled() throws Exception {
        Path context = Files.createDirectories(folder.resolve("context"));
        Files.writeString(
                context.resolve("Dockerfile"),
                "FROM busybox\nARG greeting\nARG key\nENV TICKET=$greeting\nRUN test \"$key\" && echo made\n");
        try (LoopbackRegistry registry = LoopbackRegistry.withPassword(HASH)) {
            String name = registry.host() + "/mine:1";
            String[] asUser = {"--config", folder.resolve("client").toString()};
            docker(
                    asUser,
                    "build",
                    "-q",
                    "-t",
                    name,
                    "--build-arg=greeting=" + SECRET,
                    "--build-arg=key=two words " + SECRET,
                    context.toString());
            docker(asUser, "login", "-u", "user", "-p", SECRET, registry.host());
            docker(asUser, "push", "-q", name);
            docker(asUser, "rmi", name);
            docker(asUser, "pull", "-q", name);
        }
    }

    private static void docker(String[] before, String... arguments) throws Exception {
        daemon.docker(Stream.concat(Stream.of(before), Stream.of(arguments)).toArray(String[]::new))
                .outOrThrow();
    }

    @AfterAll
    static void clearAway() throws Exception {
        daemon.close();
    }

    private static Map<String, List<String>> examine(Outcome doctor) throws IOException {
        JsonNode answer = new ObjectMapper().readTree(doctor.out());
        assertThat(doctor.status()).isEqualTo(answer.path("worst").asText().equals("bad") ? 1 : 0);
        Map<String, List<String>> levels = new HashMap<>();
        for (JsonNode finding : answer.path("findings")) {
            assertThat(finding.path("mend").asText().isEmpty())
                    .as(finding.toString())
                    .isEqualTo(finding.path("level").asText().equals("ok"));
            levels.merge(
                    finding.path("area").asText(),
                    List.of(finding.path("level").asText()),
                    (a, b) -> Stream.concat(a.stream(), b.stream()).toList());
        }
        return levels;
    }

    @Test
    void theDoctorExaminesAHostWithAnAgent() throws Exception {
        Outcome doctor = daemon.wharf("doctor", "--format", "json");

        assertThat(examine(doctor))
                .containsKeys(
                        "agent",
                        "drivers",
                        "kernel",
                        "cgroups",
                        "seccomp",
                        "limits",
                        "java",
                        "runtime",
                        "conmon",
                        "forwarding",
                        "firewall",
                        "disk",
                        "data root")
                .containsEntry("agent", List.of("ok"))
                .containsEntry("drivers", List.of("ok", "ok", "ok"))
                .containsEntry("runtime", List.of("ok"))
                .containsEntry("conmon", List.of("ok"));
        assertThat(doctor.out())
                .contains("ran a container")
                .contains(daemon.dataRoot().toString());
    }

    @Test
    void theDoctorExaminesAHostWithoutAnAgentAndFindsWhatIsWrong() throws Exception {
        Path data = Files.createDirectories(folder.resolve("open"));
        Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwxrwxrwx"));
        String[] command = {
            Daemon.distribution().resolve("bin/wharf").toString(),
            "--host=unix://" + folder.resolve("nobody.sock"),
            "doctor",
            "--data-root=" + data,
            "--exec-root=" + folder.resolve("none")
        };
        Outcome doctor = Outcome.of(command);

        assertThat(doctor.status()).isEqualTo(1);
        assertThat(doctor.out())
                .contains("warn  agent       cannot reach an agent")
                .contains("bad   data root   " + data + " can be written by others than root")
                .contains("mend: chmod go-w " + data);
    }

    @Test
    void theBundleHoldsWhatHelpsAndNoSecret() throws Exception {
        Files.createSymbolicLink(daemon.execRoot().resolve("wharfd.log"), daemon.log());
        Path file = folder.resolve("bundle.zip");
        Outcome made = daemon.wharf(
                "support-bundle",
                "--output",
                file.toString(),
                "--config-dir",
                folder.resolve("etc").toString());

        assertThat(made.outOrThrow()).contains("Wrote " + file);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        Map<String, String> files = unpack(file);
        assertThat(files)
                .containsKeys(
                        "doctor.json",
                        "version.txt",
                        "agent.json",
                        "engine/info.json",
                        "journal/end.jsonl",
                        "threads.txt",
                        "metrics.txt",
                        "host/mounts.txt",
                        "host/firewall.txt",
                        "log/journald.txt",
                        "log/wharfd.txt",
                        "settings/dev.wharf.jolokia.cfg",
                        "settings/dev.wharf.kafka.cfg",
                        "settings/dev.wharf.planted.cfg")
                .doesNotContainKeys("settings/key.pem", "settings/watcher")
                .allSatisfy((name, text) -> assertThat(text).as(name).doesNotContain(SECRET));
        // It still says what was there, and only not with which value.
        assertThat(files.get("settings/dev.wharf.planted.cfg")).contains("sasl.password = ***", "port = 9");
        assertThat(files.get("journal/end.jsonl")).contains("container.started", "DATABASE=***", "\"web\"");
        assertThat(files.get("log/wharfd.txt")).contains(" debug ", "kafka");
        assertThat(files.get("settings/dev.wharf.kafka.cfg")).contains("/watcher");
        assertThat(files.get("journal/end.jsonl"))
                .contains("TICKET=***", "|2 *** /bin/sh -c test", "user=me,password=***,uid=7");
        assertThat(files.get("threads.txt")).contains("\"wharf-sequencer\" ");
        assertThat(files.get("metrics.txt")).contains("wharf_");
        assertThat(files.get("host/firewall.txt")).contains("table inet " + Traces.table(daemon.execRoot()));
        assertThat(files.get("host/mounts.txt")).contains(daemon.execRoot().toString());
        assertThat(files.keySet()).anyMatch(name -> name.matches("containers/[0-9a-f]{12}\\.json"));
        // A second one is not written over the first.
        assertThat(daemon.wharf("support-bundle", "--output", file.toString()).err())
                .contains("cannot write " + file);
    }

    private static Map<String, String> unpack(Path file) throws IOException {
        Map<String, String> files = new HashMap<>();
        try (ZipFile zip = new ZipFile(file.toFile())) {
            for (ZipEntry entry : zip.stream().toList()) {
                try (InputStream in = zip.getInputStream(entry)) {
                    files.put(entry.getName(), new String(in.readAllBytes(), StandardCharsets.UTF_8));
                }
            }
        }
        return files;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "bash | source bash-completion/completions/wharf; COMP_WORDS=(wharf jou); COMP_CWORD=1; _complete_wharf"
                        + " 2>/dev/null; echo ${COMPREPLY[@]} | journal",
                "bash | source bash-completion/completions/wharf; COMP_WORDS=(wharf journal tail --fol); COMP_CWORD=3;"
                        + " _complete_wharf 2>/dev/null; echo ${COMPREPLY[@]} | --follow",
                "fish | source fish/vendor_completions.d/wharf.fish; complete -C 'wharf jou' | journal",
                "fish | source fish/vendor_completions.d/wharf.fish; complete -C 'wharf journal tail --fol' | --follow",
                "zsh | autoload -U compinit; compinit -u -D; source zsh/vendor-completions/_wharf; _describe() { print -l --"
                        + " ${(P)4}; }; words=(wharf jou); CURRENT=2; _wharf | journal:",
                "zsh | autoload -U compinit; compinit -u -D; source zsh/vendor-completions/_wharf; _describe() { print -l --"
                        + " ${(P)4}; }; words=(wharf journal tail --fol); CURRENT=4; _wharf | --follow:",
            })
    void shellsCompleteCommandsAndOptions(String shell, String script, String expected) throws Exception {
        Outcome completed = Outcome.of(shell, "-c", "cd " + SHARE + "; " + script);

        assertThat(completed.err()).isEmpty();
        assertThat(completed.out()).contains(expected);
    }

    @Test
    void everyCommandHasAManualPage() throws Exception {
        assertThat(page("man8/wharfd.8.gz")).contains("\\-\\-data\\-root DIR");
        assertThat(page("man1/wharf-journal-tail.1.gz")).contains("\\fB\\-\\-follow\\fR");
        assertThat(page("man1/wharf.1.gz")).contains("wharf\\-doctor\\fR(1)");
    }

    private static String page(String name) throws IOException {
        Path page = SHARE.resolve("man").resolve(name);
        try (InputStream text = new GZIPInputStream(Files.newInputStream(page))) {
            return new String(text.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
