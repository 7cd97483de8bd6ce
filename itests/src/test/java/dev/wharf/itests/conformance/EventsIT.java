package dev.wharf.itests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** What happened, as it happens and afterwards, back to the first moment of the host. */
@ExtendWith(SharedAgent.class)
@Timeout(120)
class EventsIT {
    private final Docker docker;
    private final Instant begun = Instant.now();

    EventsIT(Daemon daemon) {
        docker = new Docker(daemon);
    }

    /** What was told of since the test began. */
    private List<String> told(String... filters) throws Exception {
        return toldSince(begun.toString(), filters);
    }

    private List<String> toldSince(String since, String... filters) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                "events", "--since", since, "--until", Instant.now().toString(), "--format", "{{.Type}} {{.Action}}"));
        for (String filter : filters) {
            command.add("--filter");
            command.add(filter);
        }
        return docker.docker(command.toArray(new String[0])).lines().toList();
    }

    @Test
    void theLifeOfAContainerIsToldInOrder() throws Exception {
        docker.docker("run", "--name", "told", "busybox", "true");
        docker.docker("rm", "told");

        assertThat(told("container=told", "type=container"))
                .containsExactly(
                        "container create",
                        "container attach",
                        "container start",
                        "container die",
                        "container destroy");
    }

    @Test
    void theBeginningOfANameIsEnoughAndOfWhatIsNotHereNothingIsTold() throws Exception {
        docker.docker("create", "--name", "oak-1", "busybox");
        docker.docker("create", "--name", "oak-2", "busybox");

        assertThat(told("container=oak")).containsExactly("container create", "container create");
        assertThat(told("container=oak-2")).containsExactly("container create");
        assertThat(told("node=oak")).isEmpty();
    }

    @Test
    void whoeverLooksAtProcessesIsToldOf() throws Exception {
        docker.background("--name watched", "sleep 600");
        docker.docker("top", "watched");

        assertThat(told("container=watched", "event=top")).containsExactly("container top");
    }

    @Test
    void whoeverReadsWhatWasStoredAndWhoeverMakesAnImageOfAContainerIsToldOf() throws Exception {
        docker.background("--name copied", "sleep 600");
        docker.daemon()
                .curl("/containers/copied/attach?logs=1&stdout=1", "-X", "POST")
                .outOrThrow();
        String image = docker.docker("commit", "copied");

        assertThat(told("container=copied", "event=attach", "event=commit"))
                .containsExactlyInAnyOrder("container attach", "container commit");
        assertThat(told("type=image", "image=" + image)).containsExactly("image create");
    }

    @Test
    void whoeverChangesTheSizeOfATerminalIsToldOf() throws Exception {
        docker.docker("run", "--detach", "--tty", "--name", "sized", "busybox", "sleep", "600");
        docker.daemon().curl("/containers/sized/resize?h=20&w=40", "-X", "POST").outOrThrow();

        String size = "{{.Action}} {{.Actor.Attributes.height}}x{{.Actor.Attributes.width}}";
        assertThat(docker.docker(
                        "events",
                        "--since",
                        begun.toString(),
                        "--until",
                        Instant.now().toString(),
                        "--filter",
                        "container=sized",
                        "--filter",
                        "event=resize",
                        "--format",
                        size))
                .isEqualTo("resize 20x40");
        docker.docker("rm", "--force", "sized");
    }

    @Test
    void aStopIsAKillAnEndAndAStop() throws Exception {
        docker.background("--name halted", "trap 'exit 0' TERM; while true; do sleep 0.1; done");
        Thread.sleep(200);
        docker.docker("stop", "halted");

        assertThat(told("container=halted", "event=kill", "event=die", "event=stop"))
                .containsExactlyInAnyOrder("container kill", "container die", "container stop");
    }

    @Test
    void aRestartLeavesTheNetworkAndComesBack() throws Exception {
        docker.docker("network", "create", "ferry");
        docker.background("--name boat --network ferry --volume cargo:/hold", "sleep 600");
        docker.docker("restart", "--time", "0", "boat");
        docker.docker("rm", "--force", "boat");
        docker.tried("run", "--name", "raft", "--network", "ferry", "--restart", "on-failure:1", "busybox", "false");
        docker.docker("wait", "raft");
        docker.docker("rm", "raft");

        assertThat(told(
                        "event=die",
                        "event=start",
                        "event=restart",
                        "event=connect",
                        "event=disconnect",
                        "event=mount",
                        "event=unmount"))
                .containsSubsequence(
                        "network connect",
                        "volume mount",
                        "container start",
                        "container die",
                        "network disconnect",
                        "volume unmount",
                        "network connect",
                        "volume mount",
                        "container start",
                        "container restart",
                        "container die",
                        "network disconnect",
                        "volume unmount");
        assertThat(told("network=ferry"))
                .startsWith("network create")
                .hasSize(9)
                .filteredOn("network disconnect"::equals)
                .hasSize(4);
    }

    @Test
    void theVolumesOfAContainersOwnGoBeforeIt() throws Exception {
        docker.docker("create", "--name", "owner", "--volume", "/mine", "busybox");
        docker.docker("rm", "--volumes", "owner");

        assertThat(told("event=create", "event=destroy").stream()
                        .filter(line -> !line.startsWith("image"))
                        .toList())
                .endsWith("volume create", "container create", "volume destroy", "container destroy");
    }

    @Test
    void networksAndVolumesAreToldOf() throws Exception {
        docker.docker("network", "create", "sound");
        docker.docker("network", "rm", "sound");
        docker.docker("volume", "create", "hold");
        docker.docker("volume", "rm", "hold");

        assertThat(told("network=sound")).containsExactly("network create", "network destroy");
        assertThat(told("volume=hold")).containsExactly("volume create", "volume destroy");
    }

    @Test
    void whoIsOnNoNetworkOfItsOwnIsOnOneByName() throws Exception {
        docker.docker("run", "--rm", "--network", "none", "busybox", "true");
        docker.docker("run", "--rm", "--network", "host", "busybox", "true");

        assertThat(told("network=none")).containsSubsequence("network connect", "network disconnect");
        assertThat(told("event=die", "event=disconnect")).containsSubsequence("container die", "network disconnect");
        assertThat(told("network=host")).containsSubsequence("network connect", "network disconnect");
    }

    @Test
    void whoNamesAnEndAloneIsToldWhatWasBefore() throws Exception {
        docker.docker("run", "--rm", "--name", "lately", "busybox", "true");

        String told = docker.docker(
                "events",
                "--until",
                Instant.now().toString(),
                "--filter",
                "container=lately",
                "--format",
                "{{.Action}}");

        assertThat(told.lines()).containsExactly("create", "attach", "start", "die", "destroy");
    }

    @Test
    void historyReachesBackOverRestarts() throws Exception {
        docker.docker("run", "--rm", "--name", "early", "busybox", "true");
        List<String> before = told();

        docker.daemon().stop();
        docker.daemon().restart();

        assertThat(told().subList(0, before.size())).isEqualTo(before);
        assertThat(told("container=early", "event=start")).containsExactly("container start");
        assertThat(toldSince("1", "type=image", "event=pull")).isNotEmpty();
    }

    @Test
    void whoeverListensHearsAtOnce() throws Exception {
        ProcessBuilder builder = new ProcessBuilder(
                "docker",
                "events",
                "--filter",
                "container=heard",
                "--filter",
                "event=die",
                "--format",
                "{{.Actor.Attributes.exitCode}}");
        builder.environment().putAll(docker.daemon().environment());
        Process listener = builder.start();
        try (var lines = listener.inputReader()) {
            Thread.sleep(300);
            docker.tried("run", "--rm", "--name", "heard", "busybox", "sh", "-c", "exit 7");

            assertThat(lines.readLine()).isEqualTo("7");
        } finally {
            listener.destroyForcibly().waitFor();
        }
    }
}
