package dev.wharf.itests.badinput;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Hosts that lack something: room on the disk, or a program that containers need. */
@Timeout(120)
class PoorHostIT {
    @TempDir
    private Path folder;

    @Test
    void aFullDiskIsSaidAndOvercome() throws Exception {
        Path data = Files.createDirectories(folder.resolve("agent/data"));
        Outcome.of("mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", data.toString())
                .outOrThrow();
        try (Daemon daemon = SharedAgent.withBusybox(folder.resolve("agent"))) {
            Outcome full = daemon.docker(
                    "run", "--name", "greedy", "busybox", "dd", "if=/dev/zero", "of=/fill", "bs=1M", "count=400");
            assertThat(full.status()).isEqualTo(1);
            assertThat(full.err()).contains("No space left on device");

            Outcome refused = daemon.docker("run", "--rm", "busybox", "true");
            assertThat(refused.status() == 0 || refused.err().contains("Error response from daemon"))
                    .as(refused.toString())
                    .isTrue();
            assertThat(daemon.ping().out()).isEqualTo("OK");

            Outcome removed = daemon.docker("rm", "greedy");
            assertThat(removed.status())
                    .as(removed.err() + Files.readString(daemon.log()))
                    .isZero();
            assertThat(daemon.docker("run", "--rm", "busybox", "echo", "room").outOrThrow())
                    .isEqualTo("room\n");

            daemon.kill();
            daemon.restart();
            assertThat(daemon.docker("run", "--rm", "busybox", "echo", "again").outOrThrow())
                    .isEqualTo("again\n");
        } finally {
            Outcome.of("umount", "--lazy", data.toString());
        }
    }

    @Test
    void aFullJournalBeginsNothingYetEndsThingsAndGoesOnByItself() throws Exception {
        Path data = Files.createDirectories(folder.resolve("agent/data"));
        Outcome.of("mount", "-t", "tmpfs", "-o", "size=120m", "tmpfs", data.toString())
                .outOrThrow();
        try (Daemon daemon = SharedAgent.withBusybox(folder.resolve("agent"))) {
            daemon.docker("run", "--detach", "--name", "runs", "busybox", "sleep", "1000")
                    .outOrThrow();
            daemon.docker("run", "--detach", "--name", "goes", "busybox", "sleep", "1000")
                    .outOrThrow();
            Path ballast = data.resolve("ballast");
            assertThat(Outcome.of("dd", "if=/dev/zero", "of=" + ballast, "bs=64k")
                            .err())
                    .contains("No space left on device");
            // Each name is an event of the journal and nothing else, until what it keeps in reserve is used to its
            // half.
            String codes = daemon.curl(
                            "/images/busybox/tag?repo=names&tag=[1-4000]",
                            "--request",
                            "POST",
                            "--output",
                            "/dev/null",
                            "--write-out",
                            "%{http_code} ")
                    .out();
            assertThat(codes).contains("201").endsWith("503 ");

            assertThat(daemon.docker("run", "--detach", "busybox", "true").err())
                    .contains("no space left on device", "stopping and removing go on");
            daemon.docker("rm", "--force", "goes").outOrThrow();
            String pid = daemon.docker("inspect", "--format", "{{.State.Pid}}", "runs")
                    .outOrThrow()
                    .strip();
            Outcome.of("kill", "-9", pid).outOrThrow();
            assertThat(daemon.docker("wait", "runs").outOrThrow()).isEqualTo("137\n");

            Files.delete(ballast);
            assertThat(daemon.docker("run", "--rm", "busybox", "echo", "room").outOrThrow())
                    .isEqualTo("room\n");
            assertThat(daemon.wharf("journal", "verify").outOrThrow()).contains("The journal is whole");
        } finally {
            Outcome.of("umount", "--lazy", data.toString());
        }
    }

    @Test
    void withoutARuntimeTheAgentServesAndSaysWhatToInstall() throws Exception {
        Path data = folder.resolve("data");
        Path socket = folder.resolve("w.sock");
        SharedAgent.offerBusybox(data);
        List<String> wharfd = List.of(
                Daemon.distribution().resolve("bin/wharfd").toString(),
                "--data-root=" + data,
                "--exec-root=" + folder.resolve("run"),
                "--host=unix://" + socket,
                "--bridge=wpoor" + ProcessHandle.current().pid() % 1000,
                "--bip=10.99." + ProcessHandle.current().pid() % 250 + ".1/24");
        // In a mount namespace of its own, where the programs are hidden from the agent and from nobody else.
        List<String> poor = new ArrayList<>(List.of(
                "unshare",
                "--mount",
                "sh",
                "-euc",
                "for p in crun runc youki; do p=$(command -v $p) && mount --bind /dev/null $p; done; exec \"$@\"",
                "sh"));
        poor.addAll(wharfd);
        ProcessBuilder builder = new ProcessBuilder(poor)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("log").toFile());
        Process agent = builder.start();
        try {
            Map<String, String> client = Map.of("DOCKER_HOST", "unix://" + socket);
            for (int i = 0; i < 300 && !Files.exists(socket); i++) {
                Thread.sleep(100);
            }
            List<String> create = new ArrayList<>(List.of("docker", "pull", "--quiet", "layout.local/busybox"));
            Outcome.of(create, client, Duration.ofSeconds(30)).outOrThrow();

            Outcome run = Outcome.of(
                    List.of("docker", "run", "--rm", "layout.local/busybox", "true"), client, Duration.ofSeconds(40));

            assertThat(run.status()).isEqualTo(125);
            assertThat(run.err()).contains("no OCI runtime found: install the package crun or runc");

            agent.destroy();
            assertThat(agent.waitFor(30, TimeUnit.SECONDS)).isTrue();
            agent = builder.command(wharfd).start();
            for (int i = 0; i < 300 && !Files.exists(socket); i++) {
                Thread.sleep(100);
            }
            Outcome.of(List.of("docker", "run", "--rm", "layout.local/busybox", "true"), client, Duration.ofSeconds(40))
                    .outOrThrow();
        } finally {
            agent.destroy();
            if (!agent.waitFor(30, TimeUnit.SECONDS)) agent.destroyForcibly().waitFor();
            dev.wharf.itests.daemon.Traces.remove(
                    folder.resolve("run"), "wpoor" + ProcessHandle.current().pid() % 1000);
            Outcome.of("rm", "-rf", data.toString());
        }
    }
}
