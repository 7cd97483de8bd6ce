package dev.wharf.itests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.daemon.Terminal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** How processes in containers begin, what they see, how they end, and what their end is called. */
@ExtendWith(SharedAgent.class)
@Timeout(120)
class ProcessesIT {
    private final Docker docker;

    ProcessesIT(Daemon daemon) {
        docker = new Docker(daemon);
    }

    @Test
    void aTerminalHasNoErrorOutputOfItsOwn() throws Exception {
        docker.docker("run", "--detach", "--tty", "--name", "tty", "busybox", "sh", "-c", "sleep 1; echo said >&2");
        assertThat(docker.daemon()
                        .curl("/containers/tty/attach?stream=1&stderr=1", "-X", "POST")
                        .out())
                .isEmpty();
        docker.docker("start", "tty");
        assertThat(docker.daemon()
                        .curl("/containers/tty/attach?stream=1&stdout=1", "-X", "POST")
                        .out())
                .isEqualTo("said\r\n");
        docker.docker("rm", "--force", "tty");
    }

    @Test
    void aProcessSeesTheFolderEnvironmentAndHostNameAskedFor() throws Exception {
        assertThat(docker.sh("--workdir /var/new", "pwd")).isEqualTo("/var/new");
        assertThat(docker.sh("-e COLOUR=blue -e EMPTY=", "echo $COLOUR; env | grep EMPTY; echo $HOME; echo $PATH"))
                .isEqualTo("blue\nEMPTY=\n/root\n/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        assertThat(docker.sh("--hostname boat --domainname sea", "hostname; cat /etc/hostname; env | grep HOSTNAME"))
                .isEqualTo("boat\nboat\nHOSTNAME=boat");
        assertThat(docker.sh("--add-host pier:10.1.2.3", "grep pier /etc/hosts"))
                .isEqualTo("10.1.2.3\tpier");
    }

    @Test
    void itsFullNameAndTheFirstWordOfItLeadToIt() throws Exception {
        assertThat(docker.sh("--hostname boat --domainname sea.test", "grep boat /etc/hosts"))
                .endsWith("\tboat.sea.test boat");
        assertThat(docker.sh("--hostname boat.sea.test", "grep boat /etc/hosts; hostname -s; hostname -f"))
                .endsWith("\tboat.sea.test boat\nboat\nboat.sea.test");
        assertThat(docker.sh("--hostname boat", "grep boat /etc/hosts")).endsWith("\tboat");
    }

    @Test
    void anEntryPointGoesBeforeTheCommand() throws Exception {
        assertThat(docker.docker("run", "--rm", "--entrypoint", "echo", "busybox", "one", "two"))
                .isEqualTo("one two");
    }

    @Test
    void theStatusOfTheProcessIsThatOfTheCommand() throws Exception {
        assertThat(docker.tryingSh("", "exit 3").status()).isEqualTo(3);
        assertThat(docker.tried("run", "--rm", "busybox", "no-such-command").status())
                .isEqualTo(127);
        assertThat(docker.tried("run", "--rm", "busybox", "no-such-command").err())
                .contains("no-such-command", "executable file not found in $PATH");
        assertThat(docker.tried("run", "--rm", "busybox", "/etc/passwd").status())
                .isEqualTo(126);
        assertThat(docker.tried("run", "--rm", "busybox", "/etc").status()).isEqualTo(126);
        assertThat(docker.tried("run", "--rm", "--workdir", "/etc/passwd", "busybox", "true")
                        .status())
                .isNotZero();
        assertThat(docker.tried("run", "--rm", "--no-such-option", "busybox").status())
                .isEqualTo(125);
    }

    @Test
    void anExecThatCannotStartSaysWhyWhereItsOutputWouldBe() throws Exception {
        docker.docker("run", "-d", "--name", "unfit", "busybox", "sleep", "600");
        String failed = "OCI runtime exec failed: exec failed: unable to start container process: ";
        for (String tty : List.of("", "-t")) {
            assertThat(exec(tty, "no-such-command"))
                    .isEqualTo(failed + "exec: \"no-such-command\": executable file not found in $PATH: unknown 127");
            assertThat(exec(tty, "/no/such"))
                    .isEqualTo(failed + "exec: \"/no/such\": stat /no/such: no such file or directory: unknown 127");
            assertThat(exec(tty, "/etc")).isEqualTo(failed + "exec: \"/etc\": permission denied: unknown 126");
        }
        assertThat(docker.tried("exec", "--user=nobody-here", "unfit", "id").err())
                .as("refused when it is created")
                .contains("unable to find user nobody-here: no matching entries in passwd file");
        assertThat(exec("--workdir=etc", "pwd"))
                .contains("Cwd must be an absolute path")
                .endsWith(" 128");
        assertThat(docker.tried("exec", "-d", "unfit", "no-such-command").err()).contains("executable file not found");
    }

    /** What an exec put out, and its status. */
    private String exec(String option, String command) throws Exception {
        List<String> words = new ArrayList<>(List.of("exec", "unfit", command));
        if (!option.isEmpty()) {
            words.add(1, option);
        }
        Outcome outcome = docker.tried(words.toArray(String[]::new));
        return outcome.out().strip() + " " + outcome.status();
    }

    @Test
    void outputAndErrorsComeApartAndInputGoesIn() throws Exception {
        Outcome both = docker.tryingSh("", "echo out; echo err >&2");
        assertThat(both.out()).isEqualTo("out\n");
        assertThat(both.err()).isEqualTo("err\n");

        Outcome piped = Outcome.of(
                List.of("sh", "-c", "seq 1 200000 | docker run --rm -i busybox sh -c 'wc -l; echo done'"),
                docker.daemon().environment(),
                Duration.ofSeconds(30));
        assertThat(piped.outOrThrow()).isEqualTo("200000\ndone\n");
    }

    @Test
    void anInitProcessReapsOrphans() throws Exception {
        assertThat(docker.sh("--init", "cat /proc/1/comm; (sleep 0.1 &); sleep 0.4; ps | grep -c 'sleep$'; true"))
                .matches("(docker-init|tini|catatonit)\n0");
    }

    @Test
    void aContainerThatIsRemovedWhenItEndsIsGone() throws Exception {
        docker.docker("run", "--rm", "--name", "brief", "busybox", "true");

        assertThat(docker.docker("ps", "--all", "--quiet", "--filter", "name=brief"))
                .isEmpty();
    }

    @Test
    void theEndByASignalIs128AndItsNumber() throws Exception {
        String container = docker.background("", "sleep 1000");
        docker.docker("kill", container);
        assertThat(docker.docker("wait", container)).isEqualTo("137");
        assertThat(docker.inspect(container, "{{.State.Status}} {{.State.ExitCode}}"))
                .isEqualTo("exited 137");

        String trapping = docker.background("", "trap 'exit 7' USR1; while true; do sleep 0.1; done");
        Thread.sleep(200);
        docker.docker("kill", "--signal", "USR1", trapping);
        assertThat(docker.docker("wait", trapping)).isEqualTo("7");
        assertThat(docker.tried("kill", trapping).err()).contains("is not running");
        assertThat(docker.tried("kill", "--signal", "NOSUCH", container).status())
                .isNotZero();
    }

    @Test
    void stoppingAsksFirstAndKillsAfterTheGrace() throws Exception {
        String polite = docker.background("", "trap 'exit 0' TERM; while true; do sleep 0.1; done");
        String deaf = docker.background("", "trap '' TERM; while true; do sleep 0.1; done");
        Thread.sleep(200);

        docker.docker("stop", polite);
        assertThat(docker.inspect(polite, "{{.State.ExitCode}}")).isEqualTo("0");

        Instant before = Instant.now();
        docker.docker("stop", "--time", "1", deaf);
        assertThat(Duration.between(before, Instant.now())).isBetween(Duration.ofMillis(900), Duration.ofSeconds(4));
        assertThat(docker.inspect(deaf, "{{.State.ExitCode}}")).isEqualTo("137");
    }

    @Test
    void aStopSignalOfItsOwnIsUsed() throws Exception {
        String container = docker.background("--stop-signal INT", "trap 'exit 5' INT; while true; do sleep 0.1; done");
        Thread.sleep(200);

        docker.docker("stop", container);

        assertThat(docker.inspect(container, "{{.State.ExitCode}}")).isEqualTo("5");
    }

    @Test
    void aRestartedContainerKeepsItsFilesAndGetsANewProcess() throws Exception {
        String container =
                docker.background("", "echo start >> /starts; trap 'exit 0' TERM; while true; do sleep 0.1; done");
        Thread.sleep(200);
        String pid = docker.inspect(container, "{{.State.Pid}}");

        docker.docker("restart", container);
        Thread.sleep(200);

        assertThat(docker.inspect(container, "{{.State.Running}}")).isEqualTo("true");
        assertThat(docker.inspect(container, "{{.State.Pid}}")).isNotEqualTo(pid);
        assertThat(docker.docker("exec", container, "cat", "/starts")).isEqualTo("start\nstart");
    }

    @Test
    void aContainerIsStartedAgainAfterItsEndAndCountsIt() throws Exception {
        docker.tried("run", "--name", "counter", "busybox", "sh", "-c", "echo x >> /count; cat /count; exit 4");
        assertThat(docker.tried("start", "--attach", "counter").status()).isEqualTo(4);
        assertThat(docker.docker("logs", "counter")).isEqualTo("x\nx\nx");
    }

    @Test
    void aPolicyRestartsWhatFailsAsOftenAsItSays() throws Exception {
        docker.background("--name failing --restart on-failure:2", "echo run; exit 1");

        for (int i = 0;
                i < 100 && !docker.inspect("failing", "{{.State.Status}}").equals("exited");
                i++) {
            Thread.sleep(50);
        }

        assertThat(docker.inspect("failing", "{{.RestartCount}} {{.State.ExitCode}}"))
                .isEqualTo("2 1");
        assertThat(docker.docker("logs", "failing")).isEqualTo("run\nrun\nrun");
    }

    @Test
    void waitingForSeveralAnswersInTheirOrder() throws Exception {
        String slow = docker.background("", "sleep 0.5; exit 1");
        String quick = docker.background("", "exit 2");

        assertThat(docker.docker("wait", slow, quick)).isEqualTo("1\n2");
    }

    @Test
    void commandsRunInContainersAsWhomAndWhereAsked() throws Exception {
        String container = docker.background("--name host", "sleep 1000");

        assertThat(docker.docker(
                        "exec",
                        "-u",
                        "1000:1000",
                        "-w",
                        "/tmp",
                        "-e",
                        "A=b",
                        container,
                        "sh",
                        "-c",
                        "id -u; pwd; echo $A"))
                .isEqualTo("1000\n/tmp\nb");
        assertThat(docker.tried("exec", container, "sh", "-c", "exit 9").status())
                .isEqualTo(9);
        assertThat(docker.tried("exec", container, "no-such-command").status()).isEqualTo(127);
        assertThat(docker.tried("exec", container, "/etc/passwd").status()).isEqualTo(126);
        assertThat(docker.tried("exec", "-d", container, "sh", "-c", "sleep 0.2; touch /done")
                        .status())
                .isZero();
        Thread.sleep(500);
        assertThat(docker.docker("exec", container, "ls", "/done")).isEqualTo("/done");
        try (Terminal terminal = Terminal.run(docker.daemon().environment(), "docker exec -it host sh")) {
            terminal.readUntil("# ");
            assertThat(terminal.command("tty").trim()).isEqualTo("/dev/pts/0");
            // The size is told once the command runs, long before a person would ask.
            Thread.sleep(300);
            assertThat(terminal.command("stty size").trim()).isEqualTo("40 100");
            terminal.type("exit 6\r");
            assertThat(terminal.end()).isEqualTo(6);
        }
        Outcome piped = Outcome.of(
                List.of("sh", "-c", "echo in | docker exec -i host cat"),
                docker.daemon().environment(),
                Duration.ofSeconds(10));
        assertThat(piped.outOrThrow()).isEqualTo("in\n");
    }

    @Test
    void aTerminalIsLeftByItsKeysAndComeBackTo() throws Exception {
        try (Terminal terminal = Terminal.run(docker.daemon().environment(), "docker run -it --name kept busybox")) {
            terminal.readUntil("# ");
            terminal.type("\u0010\u0011");
            assertThat(terminal.end()).isZero();
        }
        assertThat(docker.inspect("kept", "{{.State.Running}}")).isEqualTo("true");
        try (Terminal terminal = Terminal.run(docker.daemon().environment(), "docker attach kept")) {
            terminal.type("\r");
            terminal.readUntil("# ");
            assertThat(terminal.command("echo back").trim()).isEqualTo("back");
            terminal.type("exit\r");
            assertThat(terminal.end()).isZero();
        }
    }

    @Test
    void topShowsTheProcessesOfAContainerWithTheHostsNumbers() throws Exception {
        String container = docker.background("", "sleep 1000 & sleep 2000");
        Thread.sleep(100);

        assertThat(docker.docker("top", container)).startsWith("UID").contains("sleep 1000", "sleep 2000");
        assertThat(docker.docker("top", container, "-o", "pid,comm").lines())
                .hasSize(3)
                .first()
                .satisfies(header -> assertThat(header).matches("PID +COMMAND *"));
        assertThat(docker.docker("top", container, "axf"))
                .as("not every option of ps goes with a list of processes")
                .contains("sleep 1000");
        assertThat(docker.docker("ps", "--no-trunc", "--filter", "id=" + container, "--format", "{{.Command}}"))
                .contains("sh -c 'sleep 1000 & sleep 2000'");
        assertThat(docker.docker("top", container)).contains(docker.inspect(container, "{{.State.Pid}}"));
    }

    @Test
    void namesAreChangedAndTakenOnesRefused() throws Exception {
        docker.background("--name first", "sleep 1000");
        docker.background("--name second", "sleep 1000");

        docker.docker("rename", "first", "third");
        assertThat(docker.inspect("third", "{{.Name}}")).isEqualTo("/third");
        assertThat(docker.tried("inspect", "first").status()).isEqualTo(1);
        Outcome taken = docker.tried("rename", "third", "second");
        assertThat(taken.status()).isEqualTo(1);
        assertThat(taken.err()).contains("Conflict. The container name \"/second\" is already in use by container");
    }

    @Test
    void runningContainersAreRemovedByForceOnly() throws Exception {
        String container = docker.background("", "sleep 1000");

        Outcome refused = docker.tried("rm", container);
        assertThat(refused.status()).isEqualTo(1);
        assertThat(refused.err()).contains("container is running: stop the container before removing or force remove");
        docker.docker("rm", "--force", container);
        assertThat(docker.tried("inspect", container).err()).containsIgnoringCase("no such object");
    }
}
