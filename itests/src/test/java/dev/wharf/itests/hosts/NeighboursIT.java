package dev.wharf.itests.hosts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.wharf.itests.daemon.Outcome;
import java.nio.charset.StandardCharsets;
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
                    .doesNotContain("vx-", ": br-", ": veth", ": dm-", ": wg-");
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
    void anEncryptedNetworkIsReadOnNoWireAndGoesOnWhileOneHostsAgentIsKilled() throws Exception {
        assumeThat(hasWireGuard())
                .as("left out: this kernel has no WireGuard (CONFIG_WIREGUARD)")
                .isTrue();
        assertThat(createSecret(0).err()).contains("write key.0 = ");
        StringBuilder keys = new StringBuilder(Neighbours.peers(HOSTS));
        for (int n = 0; n < HOSTS; n++) {
            keys.append("key.%d = %s"
                    .formatted(n, Files.readString(hosts.home(n).resolve("data/overlay-network/wireguard.pub"))));
        }
        for (int n = 0; n < HOSTS; n++) {
            Files.writeString(hosts.home(n).resolve("etc/dev.wharf.network.peers.cfg"), keys.toString());
        }
        for (int n = 0; n < HOSTS; n++) {
            createdSecret(n);
            hosts.docker(n, "network", "create", "-d", "overlay", "--subnet", "10.77.0.0/24", "lan");
            serve(n, "sealed-name-" + n, "secret", "sealed-page");
        }
        serve(0, "plain-name", "lan", "plain-page");
        Path heard = folder.resolve("heard");
        Process tap = hosts.start("sw", "python3", "-u", "-c", TAP, heard.toString());
        try {
            assertThat(tap.getInputStream().read()).as("the tap listens").isEqualTo('.');
            for (int from = 0; from < HOSTS; from++) {
                for (int to = 0; to < HOSTS; to++) {
                    fetches(from, "sealed-name-" + from, "sealed-name-" + to, "sealed-page");
                }
            }
            hosts.agent(2).kill();
            fetches(0, "sealed-name-0", "sealed-name-2", "sealed-page");
            hosts.agent(2).restart();
            serve(2, "sealed-late", "secret", "sealed-page");
            fetches(0, "sealed-name-0", "sealed-late", "sealed-page");
            serve(1, "plain-late", "lan", "plain-page");
            fetches(1, "plain-late", "plain-name", "plain-page");
        } finally {
            tap.destroy();
            tap.waitFor();
        }
        String wire = Files.readString(heard, StandardCharsets.ISO_8859_1);
        assertThat(wire.contains("plain-page"))
                .as("the tap hears what is plain")
                .isTrue();
        assertThat(wire.contains("plain-name")).as("the tap hears names").isTrue();
        assertThat(wire.contains("sealed-")).as("something encrypted was heard").isFalse();
        for (int n = 0; n < HOSTS; n++) {
            String secret = Files.readString(hosts.home(n).resolve("data/overlay-network/wireguard.key"))
                    .strip();
            assertThat(hosts.agent(n).wharf("journal", "tail", "-n", "1000").out())
                    .doesNotContain(secret);
            assertThat(Files.readString(hosts.agent(n).log())).doesNotContain(secret);
        }

        // A host whose key is not known any more is told of, and nothing is sent to it.
        Files.writeString(
                hosts.home(0).resolve("etc/dev.wharf.network.peers.cfg"),
                keys.toString().replaceAll("key.2 = .*\n", ""));
        long end = System.nanoTime() + Duration.ofSeconds(40).toNanos();
        while (!overlay(0).contains("public key is not known")) {
            assertThat(System.nanoTime()).as("somebody left out is told of").isLessThan(end);
            Thread.sleep(100);
        }
        assertThat(ping(0, "sealed-name-0", "sealed-name-2").status()).isNotZero();
    }

    /** Writes each frame that passes to a file, for as long as it lives. */
    private static final String TAP = """
            import socket, sys
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            out = open(sys.argv[1], "wb", 0)
            print(".")
            while True: out.write(s.recv(65535))
            """;

    private String overlay(int host) throws Exception {
        return hosts.agent(host).wharf("driver", "inspect", "network/overlay").out();
    }

    private boolean hasWireGuard() throws Exception {
        Process made = hosts.start("sw", "ip", "link", "add", "probe", "type", "wireguard");
        if (made.waitFor() != 0) {
            return false;
        }
        hosts.ip("sw", "link", "del", "probe");
        return true;
    }

    private Outcome createSecret(int host) throws Exception {
        return hosts.agent(host)
                .docker(
                        "network",
                        "create",
                        "-d",
                        "overlay",
                        "--opt",
                        "encrypted",
                        "--subnet",
                        "10.78.0.0/24",
                        "secret");
    }

    /** Settings are read within a second or so of being written. */
    private void createdSecret(int host) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(40).toNanos();
        Outcome made = createSecret(host);
        while (made.status() != 0 && System.nanoTime() < end) {
            Thread.sleep(100);
            made = createSecret(host);
        }
        made.outOrThrow();
    }

    private void serve(int host, String name, String network, String page) throws Exception {
        String work = "mkdir /w; echo " + page + " >/w/index.html; exec httpd -f -p 80 -h /w";
        hosts.docker(host, "run", "-d", "--name", name, "--network", network, "busybox", "sh", "-c", work);
    }

    private void fetches(int host, String from, String to, String page) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(40).toNanos();
        Outcome last = fetch(host, from, to);
        while (last.status() != 0 && System.nanoTime() < end) {
            Thread.sleep(100);
            last = fetch(host, from, to);
        }
        assertThat(last.out()).as("%s from %s: %s", from, to, last.err()).contains(page);
    }

    private Outcome fetch(int host, String from, String to) throws Exception {
        String ask = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 " + to + " 80";
        return hosts.agent(host).docker("exec", from, "sh", "-c", ask);
    }

    @Test
    void whatOverlaysCannotDoIsRefusedWithTheReason() throws Exception {
        if (!hasWireGuard()) {
            assertThat(createSecret(0).err())
                    .contains("encrypted overlay networks are not served: this kernel has no WireGuard");
        }
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
