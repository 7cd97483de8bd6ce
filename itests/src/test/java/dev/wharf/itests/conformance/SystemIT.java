package dev.wharf.itests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** The host as a whole: what it is, what takes its space, and what goes when it is pruned. */
@ExtendWith(SharedAgent.class)
@Timeout(120)
class SystemIT {
    private final Docker docker;

    SystemIT(Daemon daemon) {
        docker = new Docker(daemon);
    }

    @Test
    void infoIsAPageWithoutErrors() throws Exception {
        docker.background("--name up", "sleep 1000");
        docker.docker("create", "--name", "made", "busybox");
        assertThat(docker.docker("info", "-f", "{{.Containers}} {{.ContainersRunning}} {{.ContainersStopped}}"))
                .isEqualTo("2 1 1");
        assertThat(docker.docker("info"))
                .contains("Storage Driver: overlay", "Cgroup Driver: cgroupfs", "Swarm: inactive", "127.0.0.0/8")
                .doesNotContain("ERROR");
        String id = docker.docker("info", "-f", "{{.ID}}");
        docker.daemon().stop();
        docker.daemon().restart();
        assertThat(docker.docker("info", "-f", "{{.ID}}"))
                .as("the same as long as the data root is")
                .isEqualTo(id);
    }

    @Test
    void spaceIsToldAndGivenBack() throws Exception {
        // Others may have built before.
        docker.docker("builder", "prune", "--all", "--force");
        docker.sh("-v named:/v", "head -c 300000 /dev/zero > /v/f");
        docker.docker(
                "run",
                "-v",
                "/anon",
                "--name",
                "done",
                "--label",
                "a=b",
                "busybox",
                "sh",
                "-c",
                "head -c 200000 /dev/zero > /own; head -c 100000 /dev/zero > /anon/f");
        docker.background("--name up", "sleep 1000");
        assertThat(docker.docker("system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Active}}"))
                .matches("Images \\d+ 1\nContainers 2 1\nLocal Volumes 2 1\nBuild Cache 0 0");
        assertThat(docker.docker("system", "df", "-v")).contains("300kB").contains("200kB");

        assertThat(docker.docker("container", "prune", "-f", "--filter", "label=other"))
                .contains("0B");
        assertThat(docker.docker("container", "prune", "-f", "--filter", "label=a=b"))
                .contains("reclaimed space: 200kB");
        assertThat(docker.docker("ps", "-a", "--format", "{{.Names}}")).isEqualTo("up");
        assertThat(docker.docker("volume", "prune", "-f")).contains("reclaimed space: 100kB");
        assertThat(docker.docker("volume", "ls", "-q")).isEqualTo("named");
        assertThat(docker.docker("volume", "prune", "-f", "--filter", "all=true"))
                .contains("reclaimed space: 300kB");
        docker.docker("network", "create", "spare");
        assertThat(docker.docker("network", "prune", "-f")).contains("spare");
        docker.docker("system", "prune", "-f");
        docker.docker("network", "create", "--label", "kept", "spare");
        assertThat(docker.docker("system", "prune", "-f", "--filter", "label!=kept"))
                .doesNotContain("spare");
        assertThat(docker.docker("system", "prune", "-f", "--filter", "label=kept"))
                .contains("spare");
        String until = Long.toString(Instant.now().getEpochSecond() + 1);
        assertThat(docker.docker(
                                "events",
                                "--since",
                                "0",
                                "--until",
                                until,
                                "--filter",
                                "event=prune",
                                "--format",
                                "{{.Type}}")
                        .lines())
                .contains("container", "image", "network", "volume");
        assertThat(docker.docker("images", "-q", "busybox"))
                .as("it has a name and a user")
                .isNotEmpty();
    }

    @Test
    void whatThereIsNotSaysSo() throws Exception {
        assertThat(docker.docker("plugin", "ls", "-q")).isEmpty();
        assertThat(docker.tried("node", "ls").err()).contains("This node is not a swarm manager.");
        assertThat(docker.tried("search", "x").err()).contains("searching a registry is not served");
        assertThat(docker.tried("checkpoint", "ls", "x").status()).isNotZero();
    }
}
