package dev.wharf.itests.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The one command that a newcomer types, from beginning to end, beside whatever else runs on the machine. */
class QuickstartIT {
    private static final Path SCRIPT =
            Path.of("../dist/quickstart").toAbsolutePath().normalize();
    private static final String BRIDGE = "wq" + ProcessHandle.current().pid() % 1_000_000;

    @TempDir
    private Path folder;

    @AfterEach
    void clean() throws Exception {
        Path socket = folder.resolve("run/wharf.sock");
        if (Files.exists(socket)) {
            Outcome.of("docker", "--host=unix://" + socket, "rm", "--force", "quickstart");
            quickstart("--stop");
        }
        Traces.remove(folder.resolve("run"), BRIDGE);
        Outcome.of("rm", "-rf", "--one-file-system", folder.resolve("data").toString());
    }

    @Test
    void aPageIsServedAndItsStoryTold() throws Exception {
        String first = quickstart("--bridge", BRIDGE, "--bip", "10.99.77.1/24").outOrThrow();

        assertThat(first)
                .contains("Hello from a Wharf container")
                .contains("export DOCKER_HOST=unix://" + folder.resolve("run/wharf.sock"))
                .contains("dist/quickstart --stop --exec-root " + folder.resolve("run"));
        // The journal names the container, and says in words that it was wanted and that it runs.
        assertThat(first.substring(first.indexOf("as the journal tells it"))).contains("quickstart", "started");

        String second = quickstart().outOrThrow();

        assertThat(second)
                .contains("All of them are there.")
                .contains("It is built already")
                .contains("An agent answers on")
                .contains("is there already.")
                .contains("The container quickstart runs already.")
                .contains("Hello from a Wharf container");

        assertThat(quickstart("--stop").outOrThrow()).contains("The agent has stopped. Containers run on");
        assertThat(quickstart("--stop").err()).contains("no agent runs with --exec-root " + folder.resolve("run"));
        // What ran before the agent stopped still runs, and the next one takes it over.
        assertThat(quickstart("--bridge", BRIDGE).outOrThrow())
                .contains("The container quickstart runs already.")
                .contains("Hello from a Wharf container");
    }

    @Test
    void aBadOptionIsOneClearLineAndStatusTwo() throws Exception {
        Outcome bad = Outcome.of(SCRIPT.toString(), "--prot", "8080");

        assertThat(bad.status()).isEqualTo(2);
        assertThat(bad.err())
                .isEqualTo("dist/quickstart: unknown option --prot (dist/quickstart --help shows the options)\n");
    }

    @Test
    void anAgentThatCannotStartIsShownWithItsReason() throws Exception {
        Files.writeString(folder.resolve("data"), "a file, not a folder");

        Outcome failed = quickstart();

        assertThat(failed.status()).isEqualTo(1);
        assertThat(failed.err())
                .contains(folder.resolve("data").toString())
                .contains("the agent did not start; its log is " + folder.resolve("run/wharfd.log"));
    }

    private Outcome quickstart(String... options) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                SCRIPT.toString(),
                "--data-root",
                folder.resolve("data").toString(),
                "--exec-root",
                folder.resolve("run").toString()));
        command.addAll(List.of(options));
        return Outcome.of(command, Map.of(), Duration.ofMinutes(3));
    }
}
