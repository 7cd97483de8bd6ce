package dev.wharf.itests.hosts;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** Networks over three hosts, of which one is killed, and networks on the wire between them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 180, unit = TimeUnit.SECONDS)
class NeighboursIT {
    private static final int HOSTS = 3;

    private Path folder;
    private Neighbours hosts;

    @BeforeAll
    void open() throws Exception {
        folder = Files.createTempDirectory("wharf-hosts");
        hosts = new Neighbours(folder, HOSTS);
    }

    @AfterAll
    void close() throws Exception {
        hosts.close();
        Outcome.of("rm", "-rf", folder.toString());
    }

    @AfterEach
    void clear() throws Exception {
        for (int n = 0; n < HOSTS; n++) {
            List<String> containers = hosts.docker(n, "ps", "-aq").lines().toList();
            if (!containers.isEmpty()) {
                List<String> remove = new ArrayList<>(List.of("rm", "-f"));
                remove.addAll(containers);
                hosts.docker(n, remove.toArray(String[]::new));
            }
            hosts.docker(n, "network", "prune", "-f");
            assertThat(hosts.ip("h" + n, "-o", "link", "show"))
                    .as("what host %d has left", n)
                    .doesNotContain("vx-", ": br-", ": veth", ": dm-");
        }
    }

    @Test
    void containersOfThreeHostsTalkByNameAndGoOnWhileOneHostsAgentIsKilledAndStartedAgain() throws Exception {
        for (int n = 0; n < HOSTS; n++) {
            hosts.docker(n, "network", "create", "-d", "overlay", "--attachable", "--subnet", "10.77.0.0/24", "lan");
            hosts.docker(n, "run", "-d", "--name", "c" + n, "--network", "lan", "busybox", "sleep", "600");
        }
        for (int from = 0; from < HOSTS; from++) {
            for (int to = 0; to < HOSTS; to++) {
                talks(from, "c" + from, "c" + to);
            }
        }
        reaches(0, "c0", "c1.lan");

        hosts.agent(2).kill();
        talks(0, "c0", "c2");
        talks(1, "c1", "c2");
        hosts.docker(0, "run", "-d", "--name", "late", "--network", "lan", "busybox", "sleep", "600");
        talks(1, "c1", "late");
        hosts.agent(2).restart();

        talks(2, "c2", "late");
        hosts.docker(2, "run", "-d", "--name", "after", "--network", "lan", "busybox", "sleep", "600");
        talks(0, "late", "after");
        List<String> addresses = new ArrayList<>();
        for (int n = 0; n < HOSTS; n++) {
            addresses.addAll(hosts.docker(
                            n,
                            "network",
                            "inspect",
                            "lan",
                            "--format",
                            "{{range .Containers}}{{println .IPv4Address}}{{end}}{{range .IPAM.Config}}{{.Gateway}}{{end}}")
                    .lines()
                    .filter(line -> !line.isBlank())
                    .toList());
        }
        assertThat(addresses).hasSize(2 * HOSTS + 2).doesNotHaveDuplicates();
        assertThat(new HashSet<>(addresses)).allMatch(a -> a.startsWith("10.77.0."));

        hosts.docker(0, "network", "disconnect", "lan", "late");
        long end = System.nanoTime() + Duration.ofSeconds(40).toNanos();
        while (hosts.agent(1).docker("exec", "c1", "nslookup", "late").status() == 0) {
            assertThat(System.nanoTime())
                    .as("somebody who left is still told of")
                    .isLessThan(end);
            Thread.sleep(100);
        }
        assertThat(hosts.agent(2).wharf("journal", "tail", "-n", "300").out())
                .contains("network.created", "container.endpoint-attached");
    }

    @Test
    void whatOverlaysCannotDoIsRefusedWithTheReason() throws Exception {
        assertThat(hosts.agent(0)
                        .docker("network", "create", "-d", "overlay", "--opt", "encrypted", "secret")
                        .err())
                .contains("encrypted overlay networks are not served");
        hosts.docker(0, "network", "create", "-d", "vxlan", "--subnet", "10.77.0.0/24", "lan");
        assertThat(hosts.docker(0, "network", "inspect", "lan", "--format", "{{.Driver}}"))
                .isEqualTo("overlay");
        assertThat(hosts.agent(0)
                        .docker("run", "--network", "lan", "--ip", "10.77.0.100", "busybox", "true")
                        .err())
                .contains("address 10.77.0.100 belongs to another host");
    }

    @Test
    void aContainerOnTheWireIsAMachineLikeTheHosts() throws Exception {
        hosts.ip("h1", "addr", "add", "10.77.128.250/24", "dev", "eth0");
        hosts.docker(
                0,
                "network",
                "create",
                "-d",
                "macvlan",
                "-o",
                "parent=eth0",
                "--subnet",
                "10.77.128.0/24",
                "--gateway",
                "10.77.128.250",
                "wire");
        hosts.docker(0, "run", "-d", "--name", "mach", "--network", "wire", "busybox", "sleep", "600");
        reaches(0, "mach", "10.77.128.250");
        reaches(0, "mach", Neighbours.address(1));
        assertThat(hosts.docker(0, "inspect", "mach", "--format", "{{.NetworkSettings.Networks.wire.Gateway}}"))
                .isEqualTo("10.77.128.250");

        hosts.agent(0).kill();
        hosts.agent(0).restart();

        reaches(0, "mach", "10.77.128.250");
        hosts.docker(0, "network", "disconnect", "wire", "mach");
        assertThat(hosts.docker(0, "exec", "mach", "ip", "-o", "link")).doesNotContain("eth0");
        hosts.docker(0, "network", "connect", "wire", "mach");
        reaches(0, "mach", "10.77.128.250");
        hosts.ip("h1", "addr", "del", "10.77.128.250/24", "dev", "eth0");
    }

    @Test
    void aModeThatTheKernelLacksSaysSo() throws Exception {
        Outcome made = hosts.agent(0).docker("network", "create", "-d", "ipvlan", "-o", "parent=eth0", "l2");

        assertThat(made.status() == 0 || made.err().contains("this kernel has no ipvlan devices"))
                .as(made.err())
                .isTrue();
    }

    /** Where the name is a container's of another host, word of it takes a moment. */
    private void talks(int host, String from, String to) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(40).toNanos();
        Outcome last = ping(host, from, to);
        while (last.status() != 0 && System.nanoTime() < end) {
            Thread.sleep(100);
            last = ping(host, from, to);
        }
        assertThat(last.status())
                .as("%s to %s: %s%s", from, to, last.out(), last.err())
                .isZero();
    }

    private void reaches(int host, String from, String to) throws Exception {
        Outcome ping = ping(host, from, to);
        assertThat(ping.status())
                .as("%s to %s: %s%s", from, to, ping.out(), ping.err())
                .isZero();
    }

    private Outcome ping(int host, String from, String to) throws Exception {
        return hosts.agent(host).docker("exec", from, "ping", "-c", "1", "-W", "2", to);
    }
}
