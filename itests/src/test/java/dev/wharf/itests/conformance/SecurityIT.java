package dev.wharf.itests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** What a container may do, and what it is kept from. */
@ExtendWith(SharedAgent.class)
@Timeout(120)
class SecurityIT {
    private static final String EFFECTIVE = "grep CapEff /proc/self/status | cut -f2";

    private final Docker docker;

    SecurityIT(Daemon daemon) {
        docker = new Docker(daemon);
    }

    @Test
    void capabilitiesAreDockersOwnUnlessAskedForOtherwise() throws Exception {
        assertThat(docker.sh("", EFFECTIVE)).isEqualTo("00000000a80425fb");
        assertThat(docker.sh("--cap-drop ALL", EFFECTIVE)).isEqualTo("0000000000000000");
        assertThat(docker.sh("--cap-drop ALL --cap-add NET_ADMIN", EFFECTIVE)).isEqualTo("0000000000001000");
        assertThat(docker.sh("--cap-drop CHOWN", EFFECTIVE)).isEqualTo("00000000a80425fa");
        assertThat(docker.tryingSh("--cap-drop CHOWN", "touch /f && chown 1 /f").err())
                .contains("not permitted");
    }

    @Test
    void systemCallsAreFilteredUnlessAskedForOtherwise() throws Exception {
        assertThat(docker.sh("", "grep ^Seccomp: /proc/self/status | cut -f2")).isEqualTo("2");
        assertThat(docker.sh("--security-opt seccomp=unconfined", "grep ^Seccomp: /proc/self/status | cut -f2"))
                .isEqualTo("0");
        assertThat(docker.tryingSh("", "unshare -U true").status()).isNotZero();
        assertThat(docker.tryingSh("", "mount -t tmpfs none /mnt").status()).isNotZero();
    }

    @Test
    void privilegesAreNotGainedWhereThatIsForbidden() throws Exception {
        assertThat(docker.sh("", "grep NoNewPrivs /proc/self/status | cut -f2")).isEqualTo("0");
        assertThat(docker.sh("--security-opt no-new-privileges", "grep NoNewPrivs /proc/self/status | cut -f2"))
                .isEqualTo("1");
    }

    @Test
    void aPrivilegedContainerMayDoWhatRootMay() throws Exception {
        assertThat(
                        docker.sh(
                                "--privileged",
                                "mkdir /m && mount -t tmpfs none /m && ls -d /dev/kmsg && grep ^Seccomp: /proc/self/status | cut -f2"))
                .isEqualTo("/dev/kmsg\n0");
        assertThat(docker.sh("--privileged", "mount | grep 'on /sys ' | grep -c '(rw'"))
                .isEqualTo("1");
    }

    @Test
    void theKernelsFilesAreOutOfReach() throws Exception {
        assertThat(docker.tryingSh("", "echo 1 > /proc/sys/kernel/panic").err()).contains("Read-only");
        assertThat(docker.tryingSh("", "mount -o remount,rw /proc/sys").status())
                .isNotZero();
        assertThat(docker.sh("", "cat /proc/keys /proc/timer_list 2>/dev/null | wc -c"))
                .isEqualTo("0");
        assertThat(docker.sh("", "ls /proc/acpi 2>/dev/null | wc -l")).isEqualTo("0");
        assertThat(docker.sh("", "mount | grep 'on /sys ' | grep -c '(ro'")).isEqualTo("1");
    }

    @Test
    void theRootIsReadOnlyWhereAskedForAndTmpfsIsNot() throws Exception {
        var written = docker.tryingSh("--read-only", "touch /file");
        assertThat(written.status()).isNotZero();
        assertThat(written.err()).contains("Read-only file system");

        assertThat(docker.sh("--read-only --tmpfs /run:size=1m,mode=700", "touch /run/file && mount | grep 'on /run '"))
                .contains("tmpfs", "size=1024k", "mode=700");
    }

    @Test
    void devicesAreGivenAndNoOthersOpen() throws Exception {
        assertThat(docker.sh("", "ls /dev").lines())
                .contains("null", "zero", "full", "random", "urandom", "tty", "shm", "pts", "mqueue")
                .doesNotContain("kmsg", "vda", "sda");
        assertThat(docker.sh("--device /dev/kmsg:/dev/messages:r", "ls -l /dev/messages"))
                .startsWith("c");
        assertThat(docker.tryingSh("--device /dev/kmsg:/dev/messages:r", "echo hi > /dev/messages")
                        .err())
                .contains("not permitted");
        assertThat(docker.tryingSh("--cap-add MKNOD", "mknod /mine c 1 11 && cat /mine")
                        .err())
                .contains("not permitted");
    }

    @Test
    void aMissingDeviceIsNamed() throws Exception {
        var refused = docker.tryingSh("--device /dev/nothing", "true");

        // The client makes 127 of any start that misses a file.
        assertThat(refused.status()).isEqualTo(127);
        assertThat(refused.err()).contains("/dev/nothing", "no such file or directory");
    }

    @Test
    void usersAreNumbersOrNames() throws Exception {
        assertThat(docker.sh("--user 1000:1001", "id -u; id -g")).isEqualTo("1000\n1001");
        assertThat(docker.sh("--user nobody", "id -u")).isEqualTo("65534");
        assertThat(docker.sh("--user 1000 --group-add 2000", "id -G")).contains("2000");
        assertThat(docker.tryingSh("--user nobody", "touch /file").err()).contains("Permission denied");

        var unknown = docker.tryingSh("--user stranger", "true");
        assertThat(unknown.status()).isIn(125, 126);
        assertThat(unknown.err()).contains("stranger");
    }

    @Test
    void kernelParametersOfANamespaceAreSetAndOthersRefused() throws Exception {
        assertThat(docker.sh(
                        "--sysctl net.ipv4.ip_unprivileged_port_start=80",
                        "cat /proc/sys/net/ipv4/ip_unprivileged_port_start"))
                .isEqualTo("80");
        assertThat(docker.tryingSh("--sysctl kernel.panic=1", "true").status()).isEqualTo(125);
    }

    @Test
    void namespacesArePrivateUnlessAskedForOtherwise() throws Exception {
        assertThat(docker.sh("", "echo $$")).isEqualTo("1");
        String host = java.nio.file.Files.readSymbolicLink(java.nio.file.Path.of("/proc/self/ns/pid"))
                .toString();
        assertThat(docker.sh("--pid host", "readlink /proc/self/ns/pid")).isEqualTo(host);
        String hostIpc = java.nio.file.Files.readSymbolicLink(java.nio.file.Path.of("/proc/self/ns/ipc"))
                .toString();
        assertThat(docker.sh("", "readlink /proc/self/ns/ipc")).isNotEqualTo(hostIpc);
        assertThat(docker.sh("--ipc host", "readlink /proc/self/ns/ipc")).isEqualTo(hostIpc);
        String hostUts = java.nio.file.Files.readSymbolicLink(java.nio.file.Path.of("/proc/self/ns/uts"))
                .toString();
        assertThat(docker.sh("--uts host", "readlink /proc/self/ns/uts")).isEqualTo(hostUts);
    }
}
