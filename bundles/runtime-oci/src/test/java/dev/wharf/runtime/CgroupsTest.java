package dev.wharf.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.spi.runtime.Counters;
import dev.wharf.spi.runtime.Measure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CgroupsTest {
    private static final String BOX = "/wharf/box";

    @TempDir
    Path root;

    private void file(String path, String text) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private Cgroups version1() {
        Map<String, Path> controllers = new HashMap<>();
        for (String name : List.of("cpu", "cpuacct", "memory", "pids", "blkio", "freezer")) {
            controllers.put(name, root.resolve(name));
        }
        return new Cgroups(controllers, Optional.empty());
    }

    private Cgroups version2() {
        return new Cgroups(Map.of(), Optional.of(root));
    }

    @Test
    void aHierarchyThatIsMountedNowhereInSightIsAstray() {
        Cgroups cgroups = Cgroups.of("30 25 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
                + "31 25 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");

        assertThat(cgroups.astray(
                        "12:hugetlb:/\n11:net_cls,net_prio:/\n4:cpu,cpuacct:/a:b\n3:name=systemd:/\n0::/init\n"))
                .containsExactly("hugetlb", "net_cls,net_prio");
    }

    @Test
    void theLayoutOfAHostIsReadFromItsMounts() {
        Cgroups hybrid = Cgroups.of("""
                25 1 0:23 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
                26 25 0:24 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
                27 25 0:25 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
                28 25 0:26 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
                29 25 0:27 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
                """);

        assertThat(hybrid.controllers())
                .containsOnlyKeys("cpu", "cpuacct", "memory", "name=systemd")
                .containsEntry("cpuacct", Path.of("/sys/fs/cgroup/cpu,cpuacct"));
        assertThat(hybrid.unified()).contains(Path.of("/sys/fs/cgroup/unified"));
        assertThat(hybrid.isVersion2()).isFalse();
        assertThat(Cgroups.of("30 1 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate")
                        .isVersion2())
                .isTrue();
        assertThat(Cgroups.of("").isVersion2()).isFalse();
    }

    /** On some hosts it is a hierarchy without any controller that processes are told apart by. */
    @Test
    void aCgroupIsRemovedFromNamedHierarchiesAsWell() throws IOException {
        file("systemd/wharf/box/below/keep", "");
        Files.delete(root.resolve("systemd/wharf/box/below/keep"));
        Cgroups named = Cgroups.of("28 25 0:26 / " + root.resolve("systemd") + " rw - cgroup cgroup rw,name=systemd");

        named.remove(BOX);

        assertThat(root.resolve("systemd/wharf")).isEmptyDirectory();
    }

    @Test
    void countersOfVersion1() throws IOException {
        file("cpuacct/wharf/box/cpuacct.usage", "5000000000\n");
        file("cpuacct/wharf/box/cpuacct.usage_percpu", "3000000000 2000000000 \n");
        file("cpuacct/wharf/box/cpuacct.stat", "user 300\nsystem 200\n");
        file("cpu/wharf/box/cpu.stat", "nr_periods 10\nnr_throttled 4\nthrottled_time 123456\n");
        file("memory/wharf/box/memory.usage_in_bytes", "4096\n");
        file("memory/wharf/box/memory.max_usage_in_bytes", "8192\n");
        file("memory/wharf/box/memory.limit_in_bytes", "9223372036854771712\n");
        file("memory/wharf/box/memory.stat", "cache 1\nrss 2\ntotal_inactive_file 3\n");
        file("memory/wharf/box/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
        file("pids/wharf/box/pids.current", "3\n");
        file("pids/wharf/box/pids.max", "max\n");
        file(
                "blkio/wharf/box/blkio.throttle.io_service_bytes_recursive",
                "8:0 Read 10\n8:0 Write 20\n8:0 Total 30\nTotal 30\n");

        Measure measure = version1().measure(BOX, 0);

        assertThat(measure.cpuTotalNanos()).isEqualTo(5_000_000_000L);
        assertThat(measure.cpuUserNanos()).isEqualTo(3_000_000_000L);
        assertThat(measure.cpuSystemNanos()).isEqualTo(2_000_000_000L);
        assertThat(measure.cpuPerProcessorNanos()).containsExactly(3_000_000_000L, 2_000_000_000L);
        assertThat(measure.periods()).isEqualTo(10);
        assertThat(measure.throttledPeriods()).isEqualTo(4);
        assertThat(measure.throttledNanos()).isEqualTo(123456);
        assertThat(measure.memoryUsageBytes()).isEqualTo(4096);
        assertThat(measure.memoryMaxUsageBytes()).isEqualTo(8192);
        assertThat(measure.memoryLimitBytes()).isZero();
        assertThat(measure.memoryStats()).containsEntry("total_inactive_file", 3L);
        assertThat(measure.pids()).isEqualTo(3);
        assertThat(measure.pidsLimit()).isZero();
        assertThat(measure.blockIo())
                .containsExactly(new Measure.BlockIo(8, 0, "read", 10), new Measure.BlockIo(8, 0, "write", 20));
        assertThat(version1().outOfMemoryKills(BOX)).isEqualTo(2);
    }

    /** The short way and the long one tell the same, as long as each file may get. */
    @Test
    void theFewCountersThatChartsDrawAreTheSameAsAllOfThem() throws IOException {
        file("cpuacct/wharf/box/cpuacct.usage", "5000000000\n");
        file("cpu/wharf/box/cpu.stat", "nr_periods 10\nnr_throttled 4\nthrottled_time 123456\n");
        file("memory/wharf/box/memory.usage_in_bytes", "4096\n");
        file("pids/wharf/box/pids.current", "3\n");
        StringBuilder disks = new StringBuilder();
        for (int disk = 0; disk < 500; disk++) {
            disks.append("8:").append(disk).append(" Read 10\n8:").append(disk).append(" Write 2000000000000\n");
        }
        file("blkio/wharf/box/blkio.throttle.io_service_bytes", disks + "Total 30\n");
        file(
                "wharf/box/cpu.stat",
                "usage_usec 5000\nuser_usec 3000\nsystem_usec 2000\nnr_periods 10\nnr_throttled 4\nthrottled_usec 7\n");
        file("wharf/box/memory.current", "4096\n");
        file("wharf/box/pids.current", "3\n");
        file(
                "wharf/box/io.stat",
                "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=5 dios=0\n"
                        + "8:16 rbytes=1 wbytes=2 rios=1 wios=2 dbytes=5 dios=0\n");
        int self = (int) ProcessHandle.current().pid();

        Counters first = version1().counters(BOX, self);
        Counters second = version2().counters(BOX, self);

        assertThat(first)
                .usingRecursiveComparison()
                .ignoringFields("rxBytes", "txBytes")
                .isEqualTo(version1().measure(BOX, self).counters());
        assertThat(first.blockReadBytes()).isEqualTo(5000);
        assertThat(first.blockWrittenBytes()).isEqualTo(1_000_000_000_000_000L);
        assertThat(second)
                .usingRecursiveComparison()
                .ignoringFields("rxBytes", "txBytes")
                .isEqualTo(version2().measure(BOX, self).counters());
        assertThat(second.throttledNanos()).isEqualTo(7000);
        assertThat(second.blockReadBytes()).isEqualTo(11);
        // What comes and goes on this host's interfaces meanwhile only adds to it.
        Counters later = version1().measure(BOX, self).counters();
        assertThat(later.rxBytes()).isGreaterThanOrEqualTo(first.rxBytes());
        assertThat(later.txBytes()).isGreaterThanOrEqualTo(first.txBytes());
        Counters last = version1().counters(BOX, self);
        assertThat(last.rxBytes()).isGreaterThanOrEqualTo(later.rxBytes());
        assertThat(last.txBytes()).isGreaterThanOrEqualTo(later.txBytes());
        assertThat(version2().counters("/nobody", 0)).isEqualTo(new Counters(0, 0, 0, 0, 0, 0, 0, 0));
    }

    @Test
    void countersOfVersion2() throws IOException {
        file(
                "wharf/box/cpu.stat",
                "usage_usec 5000\nuser_usec 3000\nsystem_usec 2000\nnr_periods 10\nnr_throttled 4\nthrottled_usec 7\n");
        file("wharf/box/memory.current", "4096\n");
        file("wharf/box/memory.peak", "8192\n");
        file("wharf/box/memory.max", "1048576\n");
        file("wharf/box/memory.stat", "anon 1\ninactive_file 3\n");
        file("wharf/box/memory.events", "low 0\nhigh 0\nmax 5\noom 2\noom_kill 1\n");
        file("wharf/box/pids.current", "3\n");
        file("wharf/box/pids.max", "50\n");
        file("wharf/box/io.stat", "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n");

        Measure measure = version2().measure(BOX, 0);

        assertThat(measure.cpuTotalNanos()).isEqualTo(5_000_000L);
        assertThat(measure.cpuUserNanos()).isEqualTo(3_000_000L);
        assertThat(measure.throttledNanos()).isEqualTo(7_000);
        assertThat(measure.memoryUsageBytes()).isEqualTo(4096);
        assertThat(measure.memoryMaxUsageBytes()).isEqualTo(8192);
        assertThat(measure.memoryLimitBytes()).isEqualTo(1048576);
        assertThat(measure.memoryStats()).containsEntry("inactive_file", 3L);
        assertThat(measure.pidsLimit()).isEqualTo(50);
        assertThat(measure.blockIo())
                .containsExactly(new Measure.BlockIo(8, 0, "read", 10), new Measure.BlockIo(8, 0, "write", 20));
        assertThat(version2().outOfMemoryKills(BOX)).isEqualTo(1);
    }

    @Test
    void aKernelWithoutSomeFilesCountsNothingThere() throws IOException {
        Measure measure = version2().measure("/nobody", 0);

        assertThat(measure.memoryUsageBytes()).isZero();
        assertThat(measure.onlineCpus()).isPositive();
        assertThat(measure.hostCpuNanos()).isPositive();
        assertThat(version1().outOfMemoryKills("/nobody")).isZero();
    }

    @Test
    void processesOfInnerCgroupsCount() throws IOException {
        file("wharf/box/cgroup.procs", "10\n11\n0\n");
        file("wharf/box/inner/deep/cgroup.procs", "12\n");

        assertThat(version2().processes(BOX)).containsExactly(10, 11, 12);
        assertThat(version2().processes("/nobody")).isEmpty();
    }

    @Test
    void freezingIsAskedForInTheWordsOfEachVersion() throws IOException {
        file("freezer/wharf/box/freezer.state", "THAWED\n");
        file("wharf/box/cgroup.freeze", "0\n");
        file("wharf/box/cgroup.events", "populated 1\nfrozen 0\n");

        assertThat(version1().freeze(BOX, true)).isTrue();
        assertThat(version2().freeze(BOX, true)).isTrue();

        assertThat(root.resolve("freezer/wharf/box/freezer.state")).content().startsWith("FROZEN");
        assertThat(version1().isFreezing(BOX)).isTrue();
        assertThat(root.resolve("wharf/box/cgroup.freeze")).content().startsWith("1");
        assertThat(version2().isFrozen(BOX)).isFalse();
        assertThat(version1().freeze("/nobody", true)).isFalse();
        assertThat(version2().freeze("/nobody", true)).isFalse();
    }

    @Test
    void whatAKernelCanLimitIsSeenInItsFiles() throws IOException {
        file("memory/memory.memsw.limit_in_bytes", "0");
        file("cgroup.controllers", "cpu io memory pids\n");
        file("cgroup.subtree_control", "memory pids\n");
        file("system.slice/memory.swap.max", "max");

        assertThat(version1().has("memory", "memory.memsw.limit_in_bytes")).isTrue();
        assertThat(version1().has("memory", "memory.nothing")).isFalse();
        assertThat(version1().controls("memory")).isTrue();
        assertThat(version1().controls("cpuset")).isFalse();
        assertThat(version2().has("memory", "memory.swap.max")).isTrue();
        assertThat(version2().has("memory", "memory.nothing")).isFalse();
        assertThat(version2().has("blkio", "io.weight")).isTrue();
        assertThat(version2().has("cpuset", "cpuset.cpus")).isFalse();
        assertThat(version2().controls("blkio")).isTrue();
        assertThat(version2().controls("cpuset")).isFalse();
    }
}
