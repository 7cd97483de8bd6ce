package dev.wharf.engine.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.engine.http.Problem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MachineTest {
    @TempDir
    Path root;

    private void file(String path, String content) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, content);
    }

    @Test
    void aDistributionIsCalledAsItCallsItself() throws IOException {
        file("etc/os-release", "NAME=Debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID='12'\n");
        assertThat(new Machine(root).operatingSystem())
                .isEqualTo(new Machine.Distribution("Debian GNU/Linux 12 (bookworm)", "12"));
    }

    @Test
    void aMachineThatSaysNothingIsStillDescribed() {
        Machine machine = new Machine(root);
        assertThat(machine.operatingSystem()).isEqualTo(new Machine.Distribution("Linux", ""));
        assertThat(machine.memoryBytes()).isZero();
        assertThat(machine.limits().warnings())
                .contains("WARNING: No memory limit support", "WARNING: No swap limit support");
    }

    @Test
    void versionOneOfCgroupsHasAControllerPerDirectory() throws IOException {
        file("sys/fs/cgroup/memory/memory.limit_in_bytes", "");
        file("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "");
        file("sys/fs/cgroup/cpu/cpu.shares", "");
        file("sys/fs/cgroup/cpuset/cpuset.cpus", "");
        file("sys/fs/cgroup/pids/pids.max", "");
        Machine machine = new Machine(root);
        assertThat(machine.isUnified()).isFalse();
        assertThat(machine.limits().warnings()).containsExactly("WARNING: No swap limit support");
    }

    @Test
    void versionTwoListsThem() throws IOException {
        file("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
        file("proc/self/cgroup", "0::/system.slice/wharf.service\n");
        file("sys/fs/cgroup/system.slice/wharf.service/memory.swap.max", "max\n");
        Machine machine = new Machine(root);
        assertThat(machine.isUnified()).isTrue();
        assertThat(machine.limits().warnings()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "'',docker.io",
        "https://index.docker.io/v1/,docker.io",
        "reg.test:5000,reg.test:5000",
        "https://reg.test/v2/,reg.test",
        "http://127.0.0.1:5000,127.0.0.1:5000"
    })
    void aRegistryIsFoundInWhateverTheClientWritesOfIt(String address, String host) {
        assertThat(RegistryRoutes.host(address)).isEqualTo(host);
    }

    @Test
    void whatIsNoRegistryIsRefused() {
        assertThatThrownBy(() -> RegistryRoutes.host("a b")).isInstanceOf(Problem.class);
    }
}
