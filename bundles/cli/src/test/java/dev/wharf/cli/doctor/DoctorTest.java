package dev.wharf.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.cli.doctor.Finding.Level;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A host made of files, and of programs that are shell scripts. */
class DoctorTest {
    @TempDir
    private Path root;

    @BeforeEach
    void aSoundHost() throws IOException {
        file("/proc/sys/kernel/osrelease", "6.1.0-13-amd64\n");
        for (String kind : List.of("mnt", "net", "pid", "ipc", "uts", "cgroup")) file("/proc/self/ns/" + kind, "");
        file("/proc/filesystems", "nodev\tsysfs\nnodev\toverlay\n\text4\n");
        file("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
        file("/proc/sys/kernel/seccomp/actions_avail", "kill_process kill_thread trap errno trace log allow\n");
        file("/proc/self/limits", "Max open files            1024                 1048576              files     \n");
        file("/proc/sys/fs/inotify/max_user_instances", "8192\n");
        file("/proc/sys/kernel/keys/root_maxkeys", "1000000\n");
        file("/proc/sys/kernel/pid_max", "4194304\n");
        file("/proc/sys/net/ipv4/ip_forward", "1\n");
        file("/proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
        program("crun", "exit 0");
        program("conmon", "echo conmon version 2.1.6");
        program("ldconfig", "echo '  libnftables.so.1 (libc6,x86-64) => /lib/libnftables.so.1'");
        program("nft", "echo");
        program("stat", "echo 1000 900");
    }

    private void file(String path, String text) throws IOException {
        Path file = root.resolve(path.substring(1));
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private void program(String name, String script) throws IOException {
        file("/usr/bin/" + name, "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(root.resolve("usr/bin/" + name), PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private void withoutProgram(String name) throws IOException {
        Files.delete(root.resolve("usr/bin/" + name));
    }

    private List<Finding> examine(boolean agentRuns) {
        return new Doctor(
                        new Machine(root),
                        Path.of("/var/lib/wharf"),
                        Path.of("/run/wharf"),
                        agentRuns ? Optional.of("self") : Optional.empty())
                .examine();
    }

    private Finding only(Level level) {
        List<Finding> found = examine(false).stream()
                .filter(f -> f.level() == level)
                // The machine that the tests run on may have little room left.
                .filter(f -> !f.area().equals("disk"))
                .toList();
        assertThat(found).hasSize(1);
        assertThat(found.get(0).mend()).isNotBlank();
        return found.get(0);
    }

    @Test
    void aDriverThatIsAwayIsBadWhereSomethingStandsOnIt() {
        List<Finding> findings = Rounds.drivers(List.of(
                new Rounds.Driver("storage", "overlay", true, "", Optional.of("1 layer")),
                new Rounds.Driver("storage", "btrfs", false, "no btrfs here", Optional.empty()),
                new Rounds.Driver("runtime", "default", true, "", Optional.empty()),
                new Rounds.Driver("network", "host", true, "", Optional.of("1 network")),
                new Rounds.Driver("network", "bridge", false, "no driver is there", Optional.of("3 networks"))));
        assertThat(findings)
                .filteredOn(f -> f.level() == Level.BAD)
                .singleElement()
                .satisfies(f -> {
                    assertThat(f.found())
                            .isEqualTo("network/bridge, which 3 networks stand on, is not ready: no driver is there");
                    assertThat(f.mend()).contains("plugins folder").contains("wharf driver probe network/bridge");
                });
    }

    @Test
    void aJournalThatCannotBeWrittenIsBad() {
        assertThat(Rounds.journal("the journal cannot be made durable: Input/output error")
                        .orElseThrow())
                .satisfies(f -> {
                    assertThat(f.level()).isEqualTo(Level.BAD);
                    assertThat(f.found()).contains("every change is refused", "Input/output error");
                    assertThat(f.mend()).contains("systemctl restart wharfd");
                });
        assertThat(Rounds.journal("")).isEmpty();
    }

    @Test
    void aSoundHostHasNothingToMend() {
        assertThat(examine(true)).filteredOn(f -> !f.area().equals("disk")).allMatch(f -> f.level() == Level.OK);
    }

    @Test
    void anOldKernelCannotDo() throws IOException {
        file("/proc/sys/kernel/osrelease", "4.19.0-27-amd64\n");
        assertThat(only(Level.BAD).found()).contains("4.19", "openat2");
    }

    @Test
    void withoutOverlayImagesAreCopied() throws IOException {
        file("/proc/filesystems", "\text4\n");
        assertThat(only(Level.WARN).mend()).contains("modprobe overlay");
    }

    @Test
    void aMissingMemoryControllerMakesLimitsVain() throws IOException {
        file("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io pids\n");
        assertThat(only(Level.WARN)).satisfies(f -> {
            assertThat(f.found()).contains("without memory");
            assertThat(f.mend()).contains("cgroup_enable=memory");
        });
    }

    @Test
    void aRuntimeThatIsThereAndDoesNotWorkIsFoundByTrying() throws IOException {
        program("crun", "echo cannot mount proc; exit 1");
        assertThat(only(Level.BAD)).satisfies(f -> {
            assertThat(f.area()).isEqualTo("runtime");
            assertThat(f.found()).contains("crun does not work here: cannot mount proc");
        });
    }

    @Test
    void withoutAMonitorNoContainerStarts() throws IOException {
        withoutProgram("conmon");
        assertThat(only(Level.BAD).mend()).isEqualTo("apt-get install conmon");
    }

    @Test
    void withoutTheLibraryThereAreNoRules() throws IOException {
        program("ldconfig", "echo libc.so.6");
        assertThat(only(Level.BAD).mend()).isEqualTo("apt-get install libnftables1");
    }

    @Test
    void anotherEnginesPolicyIsNamedWithItsChain() throws IOException {
        program("nft", """
                cat <<RULES
                table inet wharf-1234abcd {
                	chain forward {
                		type filter hook forward priority filter; policy accept;
                	}
                }
                table ip filter {
                	chain FORWARD {
                		type filter hook forward priority filter; policy drop;
                		counter packets 0 bytes 0 jump DOCKER-USER
                	}
                }
                RULES""");
        assertThat(only(Level.WARN).found()).contains("chain FORWARD of table ip filter drops");
    }

    @Test
    void forwardingThatWasSwitchedOffUnderAnAgentIsBad() throws IOException {
        file("/proc/sys/net/ipv4/ip_forward", "0\n");

        assertThat(examine(true))
                .anyMatch(f -> f.level() == Level.BAD && f.area().equals("forwarding"));
        assertThat(examine(false))
                .noneMatch(f -> f.level() == Level.BAD && f.area().equals("forwarding"));
    }

    @Test
    void aDataRootThatOthersMayWriteIsBad() throws IOException {
        Path data = Files.createDirectories(root.resolve("var/lib/wharf"));
        Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwxrwxrwx"));
        assertThat(only(Level.BAD).mend()).isEqualTo("chmod go-w /var/lib/wharf");
    }

    @Test
    void containersWithoutAnAgentAreNoLeftovers() throws IOException {
        file("/proc/4711/cmdline", "/usr/bin/conmon\0-b\0/run/wharf/containers/3f5d\0");
        assertThat(only(Level.WARN)).satisfies(f -> {
            assertThat(f.found()).contains("1 containers run on");
            assertThat(f.mend()).contains("systemctl start wharfd");
        });
    }

    @Test
    void mountsOfAnAgentThatIsGoneAreLeftovers() throws IOException {
        file("/proc/self/mountinfo", "99 22 0:40 / /run/wharf/rootfs/3f5d rw - overlay overlay rw\n");
        assertThat(only(Level.WARN).area()).isEqualTo("leftovers");
    }
}
