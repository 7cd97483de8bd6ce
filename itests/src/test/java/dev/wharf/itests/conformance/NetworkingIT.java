package dev.wharf.itests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.daemon.Traces;
import dev.wharf.itests.images.LoopbackRegistry;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Containers on networks: with each other, with the host, and with those who come to the host's ports. */
@ExtendWith(SharedAgent.class)
@Timeout(120)
class NetworkingIT {
    private static final String ADDRESS = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";

    /** A server that says one word to everybody who comes. */
    private static final String SERVER = "mkdir /www; echo ahoy > /www/index.html; exec httpd -f -p 80 -h /www";

    private final Docker docker;

    NetworkingIT(Daemon daemon) {
        docker = new Docker(daemon);
    }

    private static String fetch(String host, int port) throws Exception {
        return Outcome.of(
                        "curl",
                        "-sS",
                        "--fail",
                        "--max-time",
                        "5",
                        "--retry",
                        "10",
                        "--retry-delay",
                        "1",
                        "--retry-all-errors",
                        "http://" + host + ":" + port + "/")
                .outOrThrow()
                .strip();
    }

    private static boolean isOpen(String host, int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(host, port), 1000);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** An address of this host that is not loopback and no bridge of an agent's. */
    private static String outside() throws Exception {
        return Collections.list(NetworkInterface.getNetworkInterfaces()).stream()
                .filter(link -> !Files.exists(Path.of("/sys/class/net", link.getName(), "bridge")))
                .flatMap(link -> Collections.list(link.getInetAddresses()).stream())
                .filter(address -> address instanceof java.net.Inet4Address && !address.isLoopbackAddress())
                .map(InetAddress::getHostAddress)
                .findFirst()
                .orElse("127.0.0.1");
    }

    @Test
    void containersReachEachOtherByAddress() throws Exception {
        String server = docker.background("", SERVER);
        String address = docker.inspect(server, ADDRESS);

        assertThat(docker.sh("", "wget -q -O - http://" + address + "/")).isEqualTo("ahoy");
        assertThat(docker.sh("", "ping -c 1 -W 2 " + address)).contains("1 packets received");
    }

    @Test
    void containersReachTheHostAndLeaveUnderItsAddress() throws Exception {
        try (var server = new java.net.ServerSocket(0, 5, InetAddress.getByName(outside()))) {
            server.setSoTimeout(10_000);
            String gateway =
                    docker.docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}");
            assertThat(docker.sh("", "ip route | grep default")).contains("via " + gateway);
            Thread serving = new Thread(() -> {
                try (Socket guest = server.accept()) {
                    guest.getOutputStream().write("from the host\n".getBytes(StandardCharsets.UTF_8));
                } catch (IOException e) {
                    // The container's command tells that nobody answered.
                }
            });
            serving.start();
            assertThat(docker.sh("", "nc -w 3 " + outside() + " " + server.getLocalPort()))
                    .isEqualTo("from the host");
            serving.join();
        }
    }

    @Test
    void aPortIsReachedFromEveryAddressOfTheHost() throws Exception {
        int port = LoopbackRegistry.freePort();
        docker.background("-p " + port + ":80", SERVER);

        assertThat(fetch("127.0.0.1", port)).isEqualTo("ahoy");
        assertThat(fetch(outside(), port)).isEqualTo("ahoy");
    }

    @Test
    void aPortOfLoopbackIsReachedFromThereAlone() throws Exception {
        int port = LoopbackRegistry.freePort();
        String container = docker.background("-p 127.0.0.1:" + port + ":80", SERVER);

        assertThat(fetch("127.0.0.1", port)).isEqualTo("ahoy");
        assertThat(outside()).isNotEqualTo("127.0.0.1");
        assertThat(isOpen(outside(), port)).isFalse();
        assertThat(docker.docker("port", container)).isEqualTo("80/tcp -> 127.0.0.1:" + port);
    }

    @Test
    void aPortIsChosenWhereNoneIsNamedAndRangesAreKept() throws Exception {
        String container = docker.background("-p 80", SERVER);
        String port =
                docker.docker("port", container, "80/tcp").lines().findFirst().orElseThrow();
        assertThat(fetch("127.0.0.1", Integer.parseInt(port.substring(port.lastIndexOf(':') + 1))))
                .isEqualTo("ahoy");

        int first = LoopbackRegistry.freePort();
        String range = docker.background("-p 127.0.0.1:" + first + "-" + (first + 1) + ":80-81", SERVER);
        assertThat(docker.docker("port", range).lines())
                .containsExactlyInAnyOrder("80/tcp -> 127.0.0.1:" + first, "81/tcp -> 127.0.0.1:" + (first + 1));

        String either = docker.background("-p 127.0.0.1:" + first + "-" + (first + 5) + ":80", SERVER);
        String chosen = docker.docker("port", either, "80/tcp");
        assertThat(Integer.parseInt(chosen.substring(chosen.lastIndexOf(':') + 1)))
                .isBetween(first + 2, first + 5);
        assertThat(docker.background("-P --expose 80", SERVER)).isNotEmpty();
    }

    @Test
    void datagramsArriveAndAreAnswered() throws Exception {
        int port = LoopbackRegistry.freePort();
        // Busybox cannot answer datagrams, but every Debian has a perl that can.
        docker.background(
                "-v /:/host:ro -p 127.0.0.1:" + port + ":9/udp",
                "exec chroot /host perl -MSocket -e 'socket(S, PF_INET, SOCK_DGRAM, 17); bind(S, sockaddr_in(9, INADDR_ANY));"
                        + " while (my $who = recv(S, my $what, 99, 0)) { send(S, $what, 0, $who) }'");

        try (DatagramSocket socket = new DatagramSocket()) {
            socket.setSoTimeout(300);
            byte[] ping = "ping".getBytes(StandardCharsets.UTF_8);
            DatagramPacket answer = new DatagramPacket(new byte[16], 16);
            for (int i = 0; i < 20 && answer.getLength() != 4; i++) {
                socket.send(new DatagramPacket(ping, ping.length, InetAddress.getLoopbackAddress(), port));
                try {
                    socket.receive(answer);
                } catch (java.net.SocketTimeoutException | java.net.PortUnreachableException e) {
                    // Not listening yet; a datagram that is lost is lost.
                }
            }
            assertThat(new String(answer.getData(), 0, answer.getLength(), StandardCharsets.UTF_8))
                    .isEqualTo("ping");
        }
    }

    @Test
    void portsOfSctpArePublishedAndShown() throws Exception {
        int port = LoopbackRegistry.freePort();
        String first =
                docker.background("-P --expose 9000/sctp -p " + port + ":80/sctp -p " + port + ":80", "sleep 1000");

        assertThat(docker.docker("port", first))
                .contains("80/sctp -> 0.0.0.0:" + port, "80/tcp -> 0.0.0.0:" + port, "9000/sctp -> ");
        assertThat(docker.docker("ps", "--format", "{{.Ports}}")).contains(port + "->80/sctp");
        assertThat(docker.tried("run", "-p", port + ":81/sctp", "busybox", "true")
                        .err())
                .contains("port is already allocated");
        docker.daemon().kill();
        docker.daemon().restart();
        assertThat(docker.docker("port", first, "80/sctp")).contains("0.0.0.0:" + port);
    }

    @Test
    void aPortIsFreeAgainWhenItsContainerEnds() throws Exception {
        int port = LoopbackRegistry.freePort();
        String first = docker.background("-p " + port + ":80", SERVER);
        Outcome second = docker.tried("run", "-d", "-p", port + ":80", "busybox", "sleep", "1000");
        assertThat(second.status()).isEqualTo(125);
        assertThat(second.err()).contains("Bind for 0.0.0.0:" + port + " failed: port is already allocated");

        docker.docker("stop", "-t", "0", first);
        String third = docker.background("-p " + port + ":80", SERVER);

        assertThat(fetch("127.0.0.1", port)).isEqualTo("ahoy");
        docker.docker("rm", "-f", third);
        assertThat(isOpen("127.0.0.1", port)).isFalse();
        assertThat(Traces.ports(docker.daemon())).isEmpty();
    }

    @Test
    void theHostsNetworkIsTheHosts() throws Exception {
        String host = Files.readSymbolicLink(Path.of("/proc/self/ns/net")).toString();

        assertThat(docker.sh("--network host", "readlink /proc/self/ns/net")).isEqualTo(host);
        assertThat(docker.sh("--network host", "hostname"))
                .isEqualTo(
                        Files.readString(Path.of("/proc/sys/kernel/hostname")).strip());
    }

    @Test
    void noNetworkIsLoopbackAlone() throws Exception {
        assertThat(docker.sh("--network none", "ls /sys/class/net; ping -c 1 127.0.0.1 | grep received"))
                .startsWith("lo\n")
                .contains("1 packets received");
    }

    @Test
    void theNetworkOfAnotherContainerIsShared() throws Exception {
        docker.background("--name harbour", SERVER);

        assertThat(docker.sh("--network container:harbour", "wget -q -O - http://127.0.0.1/; hostname"))
                .isEqualTo("ahoy\n" + docker.inspect("harbour", "{{.Config.Hostname}}"));
        Outcome wrong = docker.tryingSh("--network container:nobody", "true");
        assertThat(wrong.status()).isEqualTo(125);
        assertThat(wrong.err()).contains("No such container: nobody");
    }

    @Test
    void aNetworkOfOnesOwnHasTheAddressesAskedForAndIsApart() throws Exception {
        docker.docker("network", "create", "--subnet", "10.213.7.0/24", "--gateway", "10.213.7.254", "quay");
        String server = docker.background("--network quay --ip 10.213.7.9 --name crane", SERVER);
        assertThat(docker.inspect(server, ADDRESS)).isEqualTo("10.213.7.9");

        assertThat(docker.sh(
                        "--network quay",
                        "wget -q -O - http://10.213.7.9/; ip route | grep -c 'default via 10.213.7.254'"))
                .isEqualTo("ahoy\n1");
        assertThat(docker.tryingSh("", "wget -T 2 -q -O - http://10.213.7.9/").status())
                .isNotZero();

        Outcome taken = docker.tried("run", "--rm", "--network", "quay", "--ip", "10.213.7.9", "busybox", "true");
        assertThat(taken.status()).isEqualTo(125);
        Outcome inUse = docker.tried("network", "rm", "quay");
        assertThat(inUse.status()).isEqualTo(1);
        assertThat(inUse.err()).contains("has active endpoints");
        assertThat(docker.tried("network", "create", "--subnet", "10.213.7.0/25", "other")
                        .err())
                .containsIgnoringCase("overlap");
        assertThat(docker.tried("network", "create", "quay").err()).contains("network with name quay already exists");
        assertThat(docker.tried("network", "rm", "bridge").err())
                .contains("bridge is a pre-defined network and cannot be removed");
    }

    @Test
    void hostsAndResolversAreTold() throws Exception {
        assertThat(docker.sh("--name skiff", "grep $(hostname) /etc/hosts; grep localhost /etc/hosts | head -n 1"))
                .matches("[0-9.]+\t[0-9a-f]{12}\n127.0.0.1\tlocalhost");
        assertThat(docker.sh("--dns 10.9.8.7 --dns-search sea.example --dns-option ndots:3", "cat /etc/resolv.conf"))
                .contains("nameserver 10.9.8.7", "search sea.example", "options ndots:3");
        assertThat(docker.sh("--mac-address 02:42:0a:0b:0c:0d", "cat /sys/class/net/eth0/address"))
                .isEqualTo("02:42:0a:0b:0c:0d");
    }

    @Test
    void networksAreJoinedAndLeftByRunningContainers() throws Exception {
        docker.docker("network", "create", "--subnet", "10.213.8.0/24", "pier");
        String container = docker.background("", "sleep 1000");

        docker.docker("network", "connect", "--ip", "10.213.8.77", "pier", container);
        assertThat(docker.docker("exec", container, "ip", "-4", "addr")).contains("10.213.8.77");
        docker.docker("network", "disconnect", "pier", container);
        assertThat(docker.docker("exec", container, "ip", "-4", "addr")).doesNotContain("10.213.8.77");
    }

    @Test
    void aContainerThatIsStartedAgainHasItsNetworkAgain() throws Exception {
        int port = LoopbackRegistry.freePort();
        String container = docker.background("-p " + port + ":80", SERVER);
        docker.docker("stop", "-t", "0", container);
        assertThat(isOpen("127.0.0.1", port)).isFalse();
        // The answer comes with the end of the process, and its link goes right after that.
        for (int i = 0; i < 1500 && !Traces.endpoints(docker.daemon()).isEmpty(); i++) {
            Thread.sleep(20);
        }
        assertThat(Traces.endpoints(docker.daemon())).isEmpty();

        docker.docker("start", container);

        assertThat(fetch("127.0.0.1", port)).isEqualTo("ahoy");
    }
}
