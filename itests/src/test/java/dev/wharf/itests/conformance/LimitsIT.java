package dev.wharf.itests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Limits of a container, as the kernel sees them, on either version of cgroups. */
@ExtendWith(SharedAgent.class)
@Timeout(120)
class LimitsIT {
    private final Docker docker;

    LimitsIT(Daemon daemon) {
        docker = new Docker(daemon);
    }

    /** Reads a file of a container's cgroup, named as in version 2 and as in version 1 with its controller before it. */
    private static String cgroup(String container, String version2, String version1) throws IOException {
        Path unified = Path.of("/sys/fs/cgroup/wharf", container);
        return Files.readString(
                        Files.isDirectory(unified)
                                ? unified.resolve(version2)
                                : Path.of("/sys/fs/cgroup")
                                        .resolve(Path.of(version1).getName(0))
                                        .resolve("wharf")
                                        .resolve(container)
                                        .resolve(Path.of(version1).getName(1)))
                .strip();
    }

    @Test
    void memoryIsLimited() throws Exception {
        String container = docker.background("-m 64m --memory-reservation 32m", "sleep 1000");

        assertThat(cgroup(container, "memory.max", "memory/memory.limit_in_bytes"))
                .isEqualTo("67108864");
        assertThat(cgroup(container, "memory.low", "memory/memory.soft_limit_in_bytes"))
                .isEqualTo("33554432");
        // With version 1 swap is counted with the memory, with version 2 by itself: as much again in either.
        assertThat(cgroup(container, "memory.swap.max", "memory/memory.memsw.limit_in_bytes"))
                .isIn("67108864", "134217728");
        assertThat(docker.inspect(container, "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}"))
                .isEqualTo("67108864 134217728");
        assertThat(docker.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", container))
                .endsWith(" / 64MiB");
    }

    @Test
    void aProcessThatTakesMoreMemoryIsKilledAndTheContainerSaysSo() throws Exception {
        docker.tried(
                "run",
                "--name",
                "hungry",
                "-m",
                "16m",
                "--memory-swap",
                "16m",
                "busybox",
                "sh",
                "-c",
                "x=a; while true; do x=$x$x; done");

        assertThat(docker.inspect("hungry", "{{.State.ExitCode}} {{.State.OOMKilled}}"))
                .isEqualTo("137 true");
    }

    @Test
    void processorTimeIsLimited() throws Exception {
        String container = docker.background("--cpus 0.5 --cpu-shares 512", "sleep 1000");

        if (Files.isDirectory(Path.of("/sys/fs/cgroup/wharf", container))) {
            assertThat(cgroup(container, "cpu.max", "")).isEqualTo("50000 100000");
            // What crun and runc make of 512 shares (OCI runtime specification, config-linux.md).
            assertThat(cgroup(container, "cpu.weight", "")).isIn("20", "59");
        } else {
            assertThat(cgroup(container, "", "cpu/cpu.cfs_quota_us")).isEqualTo("50000");
            assertThat(cgroup(container, "", "cpu/cpu.cfs_period_us")).isEqualTo("100000");
            assertThat(cgroup(container, "", "cpu/cpu.shares")).isEqualTo("512");
        }
        assertThat(docker.inspect(container, "{{.HostConfig.NanoCpus}}")).isEqualTo("500000000");
    }

    @Test
    void aContainerKeepsToTheProcessorsItIsGiven() throws Exception {
        assertThat(docker.sh("--cpuset-cpus 0", "grep Cpus_allowed_list /proc/self/status | cut -f2"))
                .isEqualTo("0");
    }

    @Test
    void thereAreNoMoreProcessesThanAllowed() throws Exception {
        String container = docker.background("--pids-limit 10", "sleep 1000");

        assertThat(cgroup(container, "pids.max", "pids/pids.max")).isEqualTo("10");
        assertThat(docker.tried(
                                "exec",
                                container,
                                "sh",
                                "-c",
                                "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 5 & done; true")
                        .err())
                .contains("fork");
    }

    @Test
    void limitsAreChangedWhileTheContainerRuns() throws Exception {
        String container = docker.background("-m 64m", "sleep 1000");

        docker.docker("update", "-m", "96m", "--memory-swap", "192m", "--pids-limit", "50", container);

        assertThat(cgroup(container, "memory.max", "memory/memory.limit_in_bytes"))
                .isEqualTo("100663296");
        assertThat(cgroup(container, "pids.max", "pids/pids.max")).isEqualTo("50");
        assertThat(docker.inspect(container, "{{.HostConfig.Memory}}")).isEqualTo("100663296");
    }

    @Test
    void aLimitOfSwapIsChangedByItselfWhereItFitsThatOfMemory() throws Exception {
        String container = docker.background("-m 96m", "sleep 1000");

        docker.docker("update", "-m", "100m", container);
        assertThat(docker.inspect(container, "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}"))
                .isEqualTo("104857600 201326592");
        docker.docker("update", "-m", "96m", container);
        docker.docker("update", "--memory-swap", "256m", container);
        assertThat(docker.inspect(container, "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}"))
                .isEqualTo("100663296 268435456");
        assertThat(docker.tried("update", "-m", "300m", container).err()).contains("already set memoryswap limit");
        assertThat(docker.tried("update", "--memory-swap", "50m", container).err())
                .contains("should be larger than memory limit");
    }

    @Test
    void userLimitsAreSet() throws Exception {
        assertThat(docker.sh("--ulimit nofile=100:200", "ulimit -n; ulimit -Hn"))
                .isEqualTo("100\n200");
    }

    @Test
    void tooLittleMemoryIsRefused() throws Exception {
        var refused = docker.tried("run", "--rm", "-m", "1m", "busybox", "true");

        assertThat(refused.status()).isEqualTo(125);
        assertThat(refused.err()).contains("Minimum memory limit allowed is 6MB");
    }

    @Test
    void sharedMemoryHasTheSizeAskedFor() throws Exception {
        assertThat(docker.sh("", "df -k /dev/shm | tail -n 1 | awk '{print $2}'"))
                .isEqualTo("65536");
        assertThat(docker.sh("--shm-size 8m", "df -k /dev/shm | tail -n 1 | awk '{print $2}'"))
                .isEqualTo("8192");
    }

    @Test
    void aContainerThatPausesUsesNoProcessorAndGoesOn() throws Exception {
        String container = docker.background("", "while true; do :; done");

        docker.docker("pause", container);
        assertThat(docker.inspect(container, "{{.State.Status}} {{.State.Running}}"))
                .isEqualTo("paused true");
        String before = docker.inspect(container, "{{.State.Pid}}");
        long used = ticks(before);
        Thread.sleep(300);
        assertThat(ticks(before)).isEqualTo(used);
        assertThat(docker.tried("exec", container, "true").err()).contains("paused");

        docker.docker("unpause", container);
        assertThat(docker.inspect(container, "{{.State.Status}}")).isEqualTo("running");
    }

    /** The processor time that a process has used so far (proc(5)). */
    private static long ticks(String pid) throws IOException {
        String[] words = Files.readString(Path.of("/proc", pid, "stat")).split(" ");
        return Long.parseLong(words[13]) + Long.parseLong(words[14]);
    }
}
