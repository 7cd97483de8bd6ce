package dev.wharf.network.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.linux.net.LinuxHostPorts;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkSpec.Pool;
import dev.wharf.model.PublishedPort;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.network.Neighbour;
import dev.wharf.spi.network.NetworkDriver;
import dev.wharf.testkit.network.SandboxWorld;
import dev.wharf.testkit.network.SandboxWorldContract;
import java.io.IOException;
import java.net.BindException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class BridgeDriverTest extends SandboxWorldContract {
    private static final String AGENT = "wharf-00000001";
    private static final String WEB = "1d43".repeat(16);
    private static final String DB = "2e54".repeat(16);
    private static final NetworkId OTHER = new NetworkId("0a".repeat(32));

    private World world;
    private LinuxHostPorts ports;

    @Override
    protected void prepare() throws Exception {
        world = new World(dir);
        ports = world.ports();
    }

    @Override
    protected NetworkDriver driver() {
        return world.driver(ports, AGENT);
    }

    @Override
    protected SandboxWorld world() {
        return world;
    }

    @Override
    protected Sandbox host() {
        return world.host;
    }

    @Test
    void containersOnOneBridgeTalkAndReachTheHost() throws Exception {
        driver.create(network);
        join(network, WEB, 2, 1);
        join(network, DB, 3, 2);
        world.serve(world.sandbox(1), "10.213.21.2", 80);
        world.serve(world.host, "10.213.21.1", 80);

        assertThat(world.ask(world.sandbox(2), "10.213.21.2", 80)).isEqualTo("10.213.21.3");
        assertThat(world.ask(world.sandbox(2), "10.213.21.1", 80)).isEqualTo("10.213.21.3");
        assertThat(world.ask(world.host, "10.213.21.2", 80)).isEqualTo("10.213.21.1");
    }

    @Test
    void aNetworkThatSaysNothingOfItHasTheUsualMtu() throws Exception {
        BridgeDriver configured = world.driver(ports, AGENT);
        configured.changed(Map.of("mtu", "1400"));
        configured.create(network);
        configured.attach(network, endpoint(WEB, 2, List.of()), sandbox(1));
        assertThat(world.run(world.sandbox(1), "ip", "link", "show", "eth0")).anyMatch(l -> l.contains("mtu 1400"));

        configured.changed(Map.of());
        configured.attach(network, endpoint(DB, 3, List.of()), sandbox(2));

        assertThat(world.run(world.sandbox(2), "ip", "link", "show", "eth0")).anyMatch(l -> l.contains("mtu 1500"));
    }

    @Test
    void aContainerReachesTheWorldUnderTheHostsAddress() throws Exception {
        Sandbox outside = world.outside();
        driver.create(network);
        join(network, WEB, 2, 1);
        world.serve(outside, "198.51.100.2", 80);

        assertThat(world.ask(world.sandbox(1), "198.51.100.2", 80)).isEqualTo("198.51.100.1");
    }

    @Test
    void aContainerReachesTheWorldUnderTheAddressThatTheNetworkNames() throws Exception {
        Sandbox outside = world.outside();
        world.run(world.host, "ip", "addr", "add", "198.51.100.7/24", "dev", "out0");
        NetworkSpec own = with("com.docker.network.host_ipv4", "198.51.100.7");
        driver.create(own);
        join(own, WEB, 2, 1);
        world.serve(outside, "198.51.100.2", 80);

        assertThat(world.ask(world.sandbox(1), "198.51.100.2", 80)).isEqualTo("198.51.100.7");
    }

    @Test
    void theHostHasNoAddressOnANetworkThatWantsNoneAndKeepsWhatTheOperatorGaveIt() throws Exception {
        NetworkSpec own = with("com.docker.network.bridge.inhibit_ipv4", "true");
        driver.create(own);
        assertThat(world.run(world.host, "ip", "-o", "-4", "addr", "show", "dev", own.deviceName()))
                .isEmpty();

        world.run(world.host, "ip", "addr", "add", "10.213.21.1/24", "dev", own.deviceName());
        driver.create(own);

        assertThat(world.run(world.host, "ip", "-o", "-4", "addr", "show", "dev", own.deviceName()))
                .anyMatch(line -> line.contains("10.213.21.1/24"));
    }

    @Test
    void aPublishedPortIsReachedFromOutsideFromTheHostAndThroughLoopback() throws Exception {
        Sandbox outside = world.outside();
        driver.create(network);
        join(network, WEB, 2, 1, port(80, 8080));
        world.serve(world.sandbox(1), "0.0.0.0", 80);

        assertThat(world.ask(outside, "198.51.100.1", 8080)).isEqualTo("198.51.100.2");
        assertThat(world.ask(world.host, "198.51.100.1", 8080)).isEqualTo("198.51.100.1");
        assertThat(world.ask(world.host, "127.0.0.1", 8080)).isEqualTo("10.213.21.1");
        assertThat(world.ask(world.host, "127.0.0.5", 8080)).isEqualTo("10.213.21.1");
        assertThat(world.ask(outside, "198.51.100.1", 80)).isEqualTo("refused");
    }

    @Test
    void aPublishedPortIsReachedFromContainersEvenFromTheOneItLeadsTo() throws Exception {
        world.outside();
        driver.create(network);
        driver.create(other());
        join(network, WEB, 2, 1, port(80, 8080));
        join(network, DB, 3, 2);
        joinOther(3);
        world.serve(world.sandbox(1), "0.0.0.0", 80);

        assertThat(world.ask(world.sandbox(1), "198.51.100.1", 8080)).isEqualTo("10.213.21.1");
        assertThat(world.ask(world.sandbox(2), "198.51.100.1", 8080)).isEqualTo("10.213.21.1");
        assertThat(world.ask(world.sandbox(2), "10.213.21.1", 8080)).isEqualTo("10.213.21.1");
        assertThat(world.ask(world.sandbox(3), "198.51.100.1", 8080)).isNotIn("refused", "silent");
    }

    @Test
    void datagramPortsArePublishedToo() throws Exception {
        Sandbox outside = world.outside();
        driver.create(network);
        join(network, WEB, 2, 1, new PublishedPort(53, "udp", "0.0.0.0", 5353));
        world.serveDatagrams(world.sandbox(1), 53);

        assertThat(world.askByDatagram(outside, "198.51.100.1", 5353)).isEqualTo("198.51.100.2");
        assertThat(world.askByDatagram(world.host, "127.0.0.1", 5353)).isEqualTo("10.213.21.1");
        assertThat(world.ask(outside, "198.51.100.1", 5353)).isEqualTo("refused");
    }

    @Test
    void aPortPublishedOnLoopbackIsNotReachedFromOutside() throws Exception {
        Sandbox outside = world.outside();
        driver.create(network);
        join(network, WEB, 2, 1, new PublishedPort(80, "tcp", "127.0.0.1", 8080));
        world.serve(world.sandbox(1), "0.0.0.0", 80);
        // A neighbour that sends packets for 127.0.0.1 to the host's hardware address.
        world.run(outside, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet");
        world.run(outside, "ip", "route", "del", "local", "127.0.0.0/8", "table", "local");
        world.run(outside, "ip", "route", "del", "local", "127.0.0.1", "table", "local");
        world.run(outside, "ip", "route", "add", "127.0.0.1", "via", "198.51.100.1", "src", "198.51.100.2");

        assertThat(world.ask(world.host, "127.0.0.1", 8080)).isEqualTo("10.213.21.1");
        assertThat(world.ask(world.host, "198.51.100.1", 8080)).isEqualTo("refused");
        assertThat(world.ask(outside, "198.51.100.1", 8080)).isEqualTo("refused");
        assertThat(world.ask(outside, "127.0.0.1", 8080)).isEqualTo("silent");
    }

    @Test
    void aContainerCannotReachTheHostsLoopback() throws Exception {
        driver.create(network);
        join(network, WEB, 2, 1);
        world.serve(world.host, "127.0.0.1", 6000);
        Sandbox hostile = world.sandbox(1);
        world.run(hostile, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet");
        world.run(hostile, "ip", "route", "del", "local", "127.0.0.0/8", "table", "local");
        world.run(hostile, "ip", "route", "del", "local", "127.0.0.1", "table", "local");
        world.run(hostile, "ip", "route", "add", "127.0.0.1", "via", "10.213.21.1", "src", "10.213.21.2");

        assertThat(world.ask(world.host, "127.0.0.1", 6000)).isEqualTo("127.0.0.1");
        assertThat(world.ask(hostile, "127.0.0.1", 6000)).isEqualTo("silent");
    }

    @Test
    void networksAreKeptApart() throws Exception {
        driver.create(network);
        driver.create(other());
        join(network, WEB, 2, 1);
        joinOther(2);
        world.serve(world.sandbox(1), "0.0.0.0", 80);
        world.serve(world.sandbox(2), "0.0.0.0", 80);

        assertThat(world.ask(world.sandbox(2), "10.213.21.2", 80)).isEqualTo("silent");
        assertThat(world.ask(world.sandbox(1), "10.213.22.2", 80)).isEqualTo("silent");
    }

    @Test
    void twoAgentsOnOneHostKeepOutOfEachOthersWay() throws Exception {
        NetworkDriver second = world.driver(world.ports(), "wharf-00000002");
        driver.create(network);
        second.create(other());
        join(network, WEB, 2, 1, port(80, 8080));
        second.attach(other(), otherEndpoint(port(80, 8081)), world.sandbox(2));
        world.serve(world.sandbox(1), "0.0.0.0", 80);
        world.serve(world.sandbox(2), "0.0.0.0", 80);

        assertThat(world.ask(world.sandbox(2), "10.213.21.2", 80)).isEqualTo("silent");
        assertThat(world.ask(world.host, "127.0.0.1", 8080)).isEqualTo("10.213.21.1");
        assertThat(world.ask(world.host, "127.0.0.1", 8081)).isEqualTo("10.213.22.1");
        assertThat(driver.survey()).hasSize(1);
        assertThatThrownBy(() -> second.create(network))
                .isInstanceOfSatisfying(
                        DriverException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.EXISTS));
        driver.detach(network, spec(network, WEB, 2, port(80, 8080)), world.sandbox(1));
        driver.remove(network);
        assertThat(world.ask(world.host, "127.0.0.1", 8081)).isEqualTo("10.213.22.1");
        assertThat(second.survey()).hasSize(1);
    }

    @Test
    void anInternalNetworkLeadsNowhereAndNobodyComesIn() throws Exception {
        Sandbox outside = world.outside();
        NetworkSpec internal = internal();
        driver.create(internal);
        EndpointSpec spec = new EndpointSpec(
                WEB, LAN, "vethweb", "eth0", "10.213.21.2/24", "", "", "", "", List.of(), List.of(), Map.of());
        driver.attach(internal, spec, world.sandbox(1));
        world.run(world.sandbox(1), "ip", "route", "add", "default", "via", "10.213.21.1");
        world.run(outside, "ip", "route", "add", "10.213.21.0/24", "via", "198.51.100.1");
        world.run(world.host, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
        world.serve(outside, "198.51.100.2", 80);
        world.serve(world.sandbox(1), "0.0.0.0", 80);

        assertThat(world.ask(world.sandbox(1), "198.51.100.2", 80)).isEqualTo("silent");
        assertThat(world.ask(outside, "10.213.21.2", 80)).isEqualTo("silent");
        assertThat(world.ask(world.host, "10.213.21.2", 80)).isEqualTo("10.213.21.1");
    }

    @Test
    void whatIsNotPublishedIsNotReachedByARouteOfOnesOwn() throws Exception {
        Sandbox outside = world.outside();
        driver.create(network);
        join(network, WEB, 2, 1, port(80, 8080));
        world.serve(world.sandbox(1), "0.0.0.0", 80);
        world.serve(world.sandbox(1), "0.0.0.0", 81);
        world.run(outside, "ip", "route", "add", "10.213.21.0/24", "via", "198.51.100.1");

        assertThat(world.ask(outside, "10.213.21.2", 81)).isEqualTo("silent");
        assertThat(world.ask(outside, "10.213.21.2", 80)).isEqualTo("silent");
    }

    @Test
    void anUnprotectedNetworkIsReachedFromOutsideAndStillNotFromOtherNetworks() throws Exception {
        Sandbox outside = world.outside();
        NetworkSpec open = with("com.docker.network.bridge.gateway_mode_ipv4", "nat-unprotected");
        driver.create(open);
        driver.create(other());
        join(open, WEB, 2, 1);
        joinOther(2);
        world.serve(world.sandbox(1), "0.0.0.0", 80);
        world.run(outside, "ip", "route", "add", "10.213.21.0/24", "via", "198.51.100.1");

        assertThat(world.ask(outside, "10.213.21.2", 80)).isEqualTo("198.51.100.2");
        assertThat(world.ask(world.sandbox(2), "10.213.21.2", 80)).isEqualTo("silent");
        driver.remove(open);
        assertThat(world.run(world.host, "nft", "list", "set", "inet", AGENT, "open4"))
                .noneMatch(line -> line.contains("elements"));
    }

    @Test
    void portsOfARoutedNetworkAreOpenAtTheContainersOwnAddressAndNowhereElse() throws Exception {
        Sandbox outside = world.outside();
        NetworkSpec routed = with("com.docker.network.bridge.gateway_mode_ipv4", "routed");
        driver.create(routed);
        driver.create(other());
        join(routed, WEB, 2, 1, new PublishedPort(80, "tcp", "0.0.0.0", 0));
        joinOther(2);
        world.serve(world.sandbox(1), "0.0.0.0", 80);
        world.serve(world.sandbox(1), "0.0.0.0", 81);
        world.serve(outside, "0.0.0.0", 90);
        world.run(outside, "ip", "route", "add", "10.213.21.0/24", "via", "198.51.100.1");

        assertThat(world.ask(outside, "10.213.21.2", 80)).isEqualTo("198.51.100.2");
        assertThat(world.ask(world.sandbox(2), "10.213.21.2", 80)).isEqualTo("10.213.22.2");
        assertThat(world.ask(outside, "10.213.21.2", 81)).isEqualTo("silent");
        assertThat(world.ask(world.sandbox(1), "198.51.100.2", 90)).isEqualTo("10.213.21.2");
        assertThat(driver.survey()).extracting(e -> e.id()).contains(WEB);
        driver.detach(routed, endpoint(WEB, 2, List.of(new PublishedPort(80, "tcp", "0.0.0.0", 0))), world.sandbox(1));
        assertThat(world.run(world.host, "nft", "list", "set", "inet", AGENT, "direct4"))
                .noneMatch(line -> line.contains("elements"));
    }

    @Test
    void theHostHasNoAddressOnAnIsolatedNetwork() throws Exception {
        NetworkSpec isolated = network.planned(
                network.deviceName(),
                network.pools(),
                true,
                Map.of("com.docker.network.bridge.gateway_mode_ipv4", "isolated"));
        driver.create(isolated);

        assertThat(world.run(world.host, "ip", "-4", "addr", "show", "dev", network.deviceName()))
                .noneMatch(line -> line.contains("inet"));
    }

    @Test
    void neighboursAreKeptApartWhereTheNetworkSaysSo() throws Exception {
        NetworkSpec quiet = new NetworkSpec(
                LAN,
                "quiet",
                driver.name(),
                "br-lan",
                network.pools(),
                false,
                false,
                false,
                false,
                Map.of("com.docker.network.bridge.enable_icc", "false", "com.docker.network.driver.mtu", "1300"),
                Map.of(),
                Map.of());
        driver.create(quiet);
        join(quiet, WEB, 2, 1);
        join(quiet, DB, 3, 2);
        world.serve(world.sandbox(1), "0.0.0.0", 80);

        assertThat(world.ask(world.sandbox(2), "10.213.21.2", 80)).isNotEqualTo("10.213.21.3");
        assertThat(world.ask(world.host, "10.213.21.2", 80)).isEqualTo("10.213.21.1");
        assertThat(world.run(world.sandbox(1), "ip", "link", "show", "eth0")).anyMatch(l -> l.contains("mtu 1300"));
    }

    @Test
    void ipv6IsPublishedWhereTheContainerSpeaksIt() throws Exception {
        Sandbox outside = world.outside();
        world.run(world.host, "sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/out0/disable_ipv6");
        world.run(outside, "sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6");
        world.run(world.host, "ip", "addr", "add", "2001:db8::1/64", "dev", "out0", "nodad");
        world.run(outside, "ip", "addr", "add", "2001:db8::2/64", "dev", "eth0", "nodad");
        NetworkSpec both = new NetworkSpec(
                LAN,
                "both",
                driver.name(),
                "br-lan",
                List.of(network.pools().get(0), new Pool("fd00:213:21::/64", "fd00:213:21::1", "", Map.of())),
                false,
                false,
                true,
                false,
                Map.of(),
                Map.of(),
                Map.of());
        driver.create(both);
        EndpointSpec spec = new EndpointSpec(
                WEB,
                LAN,
                "vethweb",
                "eth0",
                "10.213.21.2/24",
                "10.213.21.1",
                "fd00:213:21::2/64",
                "fd00:213:21::1",
                "",
                List.of(),
                List.of(port(80, 8080), new PublishedPort(80, "tcp", "::", 8080)),
                Map.of());
        driver.attach(both, spec, world.sandbox(1));
        world.serve(world.sandbox(1), "::", 80);
        world.serve(outside, "::", 80);

        assertThat(world.ask(outside, "2001:db8::1", 8080)).isEqualTo("2001:db8:0:0:0:0:0:2");
        assertThat(world.ask(outside, "198.51.100.1", 8080)).isEqualTo("198.51.100.2");
        assertThat(world.ask(world.sandbox(1), "2001:db8::2", 80)).isEqualTo("2001:db8:0:0:0:0:0:1");
        // The kernel routes nothing that comes from ::1, the agent carries it.
        assertThat(world.ask(world.host, "::1", 8080)).isEqualTo("fd00:213:21:0:0:0:0:1");
        assertThat(world.ask(world.host, "127.0.0.1", 8080)).isEqualTo("10.213.21.1");
        assertThat(driver.survey()).hasSize(1);
        driver.detach(both, spec, world.sandbox(1));
        assertThat(world.ask(outside, "2001:db8::1", 8080)).isEqualTo("refused");
    }

    @Test
    void anIpv6PortOfAContainerWithoutIpv6LeadsToItAllTheSameAfterTheAgentsRestartToo() throws Exception {
        driver.create(network);
        PublishedPort[] all = {
            port(80, 8080), new PublishedPort(80, "tcp", "::", 8080), new PublishedPort(53, "udp", "::", 5353)
        };
        join(network, WEB, 2, 1, all);
        world.serve(world.sandbox(1), "0.0.0.0", 80);
        world.serveDatagrams(world.sandbox(1), 53);

        assertThat(world.ask(world.host, "::1", 8080)).isEqualTo("10.213.21.1");
        assertThat(world.ask(world.host, "127.0.0.1", 8080)).isEqualTo("10.213.21.1");
        assertThat(world.askByDatagram(world.host, "::1", 5353)).isEqualTo("10.213.21.1");

        ports.close();
        assertThat(world.ask(world.host, "::1", 8080)).isEqualTo("refused");
        NetworkDriver next = world.driver(world.ports(), AGENT);
        assertThat(next.survey()).hasSize(1);
        assertThat(world.ask(world.host, "::1", 8080)).isEqualTo("10.213.21.1");
        assertThat(world.askByDatagram(world.host, "::1", 5353)).isEqualTo("10.213.21.1");

        next.detach(network, spec(network, WEB, 2, all), world.sandbox(1));
        assertThat(world.ask(world.host, "::1", 8080)).isEqualTo("refused");
        assertThat(next.survey()).isEmpty();
    }

    @Test
    void aDetachedPortIsClosedAtOnceAndAnotherContainerMayHaveIt() throws Exception {
        driver.create(network);
        join(network, WEB, 2, 1, port(80, 8080));
        world.serve(world.sandbox(1), "0.0.0.0", 80);

        driver.detach(network, spec(network, WEB, 2, port(80, 8080)), world.sandbox(1));

        assertThat(world.ask(world.host, "127.0.0.1", 8080)).isEqualTo("refused");
        join(network, DB, 3, 2, port(80, 8080));
        world.serve(world.sandbox(2), "0.0.0.0", 80);
        assertThat(world.ask(world.host, "127.0.0.1", 8080)).isEqualTo("10.213.21.1");
        // The first one's detach comes once more, as after a crash, and takes nothing from the second.
        driver.detach(network, spec(network, WEB, 2, port(80, 8080)), world.sandbox(1));
        assertThat(world.ask(world.host, "127.0.0.1", 8080)).isEqualTo("10.213.21.1");
    }

    @Test
    void anAddressThatChangesHandsIsFoundAtOnce() throws Exception {
        driver.create(network);
        join(network, DB, 3, 2);
        for (int round = 10; round < 15; round++) {
            String id = "%064x".formatted(round);
            EndpointSpec spec = new EndpointSpec(
                    id,
                    LAN,
                    "veth" + round,
                    "eth0",
                    "10.213.21.2/24",
                    "10.213.21.1",
                    "",
                    "",
                    "02:42:0a:d5:15:02",
                    List.of(),
                    List.of(port(80, 8080)),
                    Map.of());
            driver.attach(network, spec, world.sandbox(round));
            world.serve(world.sandbox(round), "0.0.0.0", 80);

            assertThat(world.ask(world.sandbox(2), "10.213.21.2", 80)).isEqualTo("10.213.21.3");
            assertThat(world.ask(world.host, "127.0.0.1", 8080)).isEqualTo("10.213.21.1");

            // The sandbox stays, and with it the device on the bridge that had the address.
            driver.detach(network, spec, world.sandbox(round));
        }
    }

    @Test
    void rulesThatSomebodyFlushedAreMadeWholeByTheNextCalls() throws Exception {
        driver.create(network);
        join(network, WEB, 2, 1, port(80, 8080));
        world.serve(world.sandbox(1), "0.0.0.0", 80);
        world.run(world.host, "nft", "flush", "ruleset");

        assertThat(driver.survey()).isEmpty();
        join(network, DB, 3, 2, port(80, 8081));
        join(network, WEB, 2, 1, port(80, 8080));

        assertThat(driver.survey()).hasSize(2);
        assertThat(world.ask(world.host, "127.0.0.1", 8080)).isEqualTo("10.213.21.1");
        assertThat(world.run(world.host, "nft", "list", "table", "inet", AGENT))
                .anyMatch(l -> l.contains("masquerade"));
    }

    @Test
    void creatingANetworkAgainPutsItsRulesAndItsDeviceRight() throws Exception {
        Sandbox outside = world.outside();
        driver.create(network);
        join(network, WEB, 2, 1);
        world.serve(outside, "198.51.100.2", 80);
        world.run(world.host, "nft", "flush", "chain", "inet", AGENT, "postrouting");
        world.run(world.host, "ip", "link", "set", "br-lan", "down");
        world.run(world.host, "sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward");

        driver.create(network);

        assertThat(world.ask(world.sandbox(1), "198.51.100.2", 80)).isEqualTo("198.51.100.1");
        List<String> rules = world.run(world.host, "nft", "list", "table", "inet", AGENT);
        driver.create(network);
        assertThat(world.run(world.host, "nft", "list", "table", "inet", AGENT)).isEqualTo(rules);
    }

    @Test
    void whatOthersTakeAwayIsHeardAndWhatThisProcessTakesIsNot() throws Exception {
        driver.create(network);
        EndpointSpec endpoint = spec(network, WEB, 2, port(80, 8080));
        driver.attach(network, endpoint, world.sandbox(1));
        BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        NetworkDriver.Watching watching =
                driver.capability(NetworkDriver.Watching.class).orElseThrow();
        NetworkDriver.Listener listener = new NetworkDriver.Listener() {
            @Override
            public void rulesLost() {
                heard.add("rules");
            }

            @Override
            public void deviceLost() {
                heard.add("device");
            }
        };
        try (AutoCloseable ear = watching.watch(listener)) {
            driver.detach(network, endpoint, world.sandbox(1));
            driver.create(network);
            assertThat(heard.poll(300, TimeUnit.MILLISECONDS)).isNull();

            world.run(world.host, "nft", "delete", "table", "inet", AGENT);
            assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("rules");
            world.run(world.host, "ip", "link", "del", network.deviceName());
            assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("device");
        }
    }

    @Test
    void aNetworkStandsWhileItsDeviceAndItsRulesDo() throws Exception {
        NetworkDriver.Watching watching =
                driver.capability(NetworkDriver.Watching.class).orElseThrow();
        assertThat(watching.standing()).isEmpty();
        driver.create(network);
        assertThat(watching.standing()).containsExactly(network.id());

        world.run(world.host, "nft", "flush", "ruleset");
        assertThat(watching.standing()).isEmpty();
        driver.create(network);
        world.run(world.host, "ip", "link", "set", network.deviceName(), "down");
        assertThat(watching.standing()).isEmpty();
    }

    @Test
    void whoSendsDatagramsWithoutAPauseReachesWhoeverHasThePortNow() throws Exception {
        Sandbox outside = world.outside();
        driver.create(network);
        PublishedPort port = new PublishedPort(53, "udp", "0.0.0.0", 5353);
        SocketAddress fromOutside = new InetSocketAddress("198.51.100.1", 5353);
        SocketAddress fromHost = new InetSocketAddress("127.0.0.1", 5353);
        try (DatagramSocket stranger = world.in(outside, () -> new DatagramSocket());
                DatagramSocket local = world.in(world.host, () -> new DatagramSocket())) {
            send(stranger, fromOutside);
            send(local, fromHost);
            for (int turn = 1; turn <= 2; turn++) {
                EndpointSpec endpoint = spec(network, turn == 1 ? WEB : DB, turn + 1, port);
                driver.attach(network, endpoint, world.sandbox(turn));
                try (DatagramSocket server = world.in(world.sandbox(turn), () -> new DatagramSocket(53))) {
                    server.setSoTimeout(3000);
                    send(stranger, fromOutside);
                    assertThat(received(server)).isEqualTo("198.51.100.2");
                    send(local, fromHost);
                    assertThat(received(server)).isEqualTo("10.213.21.1");
                }
                driver.release(network, endpoint, world.sandbox(turn));
            }
            try (DatagramSocket server = world.in(world.host, () -> new DatagramSocket(5353))) {
                server.setSoTimeout(3000);
                send(stranger, fromOutside);
                assertThat(received(server)).as("the port is the host's again").isEqualTo("198.51.100.2");
            }
        }
    }

    private static void send(DatagramSocket from, SocketAddress to) throws IOException {
        try {
            from.send(new DatagramPacket(new byte[] {'?'}, 1, to));
        } catch (PortUnreachableException e) {
            // Nobody was there before, which is told now.
            from.send(new DatagramPacket(new byte[] {'?'}, 1, to));
        }
    }

    private static String received(DatagramSocket by) throws IOException {
        DatagramPacket packet = new DatagramPacket(new byte[1], 1);
        by.receive(packet);
        return packet.getAddress().getHostAddress();
    }

    @Test
    void aPolicyOfIptablesThatDropsStopsNoPacketOfANetworkAndItsRulesDo() throws Exception {
        Sandbox outside = world.outside();
        world.serve(outside, "198.51.100.2", 80);
        world.run(world.host, "iptables", "-P", "FORWARD", "DROP");
        driver.create(network);
        join(network, WEB, 2, 1, port(80, 8080));
        world.serve(world.sandbox(1), "0.0.0.0", 80);

        assertThat(world.ask(world.sandbox(1), "198.51.100.2", 80)).isEqualTo("198.51.100.1");
        assertThat(world.ask(outside, "198.51.100.1", 8080)).isEqualTo("198.51.100.2");
        driver.create(network);
        assertThat(world.run(world.host, "iptables", "-S", "FORWARD"))
                .containsExactly(
                        "-P FORWARD DROP",
                        "-A FORWARD -i br-lan -m comment --comment \"" + AGENT + " from br-lan\" -j ACCEPT",
                        "-A FORWARD -o br-lan -m comment --comment \"" + AGENT + " to br-lan\" -j ACCEPT");

        world.run(world.host, "iptables", "-I", "FORWARD", "-d", "198.51.100.2", "-j", "REJECT");
        assertThat(world.ask(world.sandbox(1), "198.51.100.2", 80)).isEqualTo("refused");
        world.run(world.host, "iptables", "-P", "FORWARD", "ACCEPT");
        driver.remove(network);
        assertThat(world.run(world.host, "iptables", "-S", "FORWARD")).hasSize(2);
    }

    @Test
    void aNetworkWhoseWayWasClosedStandsNoMore() throws Exception {
        NetworkDriver.Watching watching =
                driver.capability(NetworkDriver.Watching.class).orElseThrow();
        driver.create(network);
        world.run(world.host, "ip6tables", "-P", "FORWARD", "DROP");
        assertThat(watching.standing()).isEmpty();
        driver.create(network);
        assertThat(watching.standing()).containsExactly(network.id());

        world.run(world.host, "ip6tables", "-F", "FORWARD");
        assertThat(watching.standing()).isEmpty();
    }

    @Test
    void neighboursAreAllThatTheHostKnowsTheWayTo() throws Exception {
        world.outside();
        world.run(world.host, "ip", "route", "add", "203.0.113.0/24", "via", "198.51.100.2");
        driver.create(network);
        NetworkDriver.Seeing seeing =
                driver.capability(NetworkDriver.Seeing.class).orElseThrow();

        assertThat(seeing.neighbours())
                .contains(
                        new Neighbour("198.51.100.0/24", "out0", true), new Neighbour("203.0.113.0/24", "out0", false))
                .anyMatch(n -> n.device().equals(network.deviceName()));
    }

    @Test
    void ofSeveralWaysOutTheNearestIsTakenAndTheNextWhenItGoes() throws Exception {
        NetworkSpec other = other();
        driver.create(network);
        driver.create(other);
        Sandbox sandbox = world.sandbox(1);
        world.inhabit(sandbox);
        EndpointSpec near = spec(network, WEB, 2);
        EndpointSpec far = further(otherEndpoint());
        driver.attach(network, near, sandbox);
        driver.attach(other, far, sandbox);
        assertThat(world.run(sandbox, "ip", "route", "get", "198.51.100.9").get(0))
                .contains("dev eth0");

        driver.detach(network, near, sandbox);

        assertThat(world.run(sandbox, "ip", "route", "get", "198.51.100.9").get(0))
                .contains("dev eth1");
    }

    @Test
    void whereAStrangerStaysInWhatWasReleasedTheNextSurveyTakesTheInterfaceAway() throws Exception {
        driver.create(network);
        Sandbox sandbox = world.sandbox(1);
        world.inhabit(sandbox);
        EndpointSpec web = spec(network, WEB, 2);
        driver.attach(network, web, sandbox);

        driver.release(network, web, sandbox);
        assertThat(driver.survey()).isEmpty();

        assertThat(world.links.find(web.hostInterface())).isEmpty();
    }

    @Test
    void aPortThatACrashLeftBehindIsSweptWhenItIsWanted() throws Exception {
        driver.create(network);
        join(network, WEB, 2, 1, port(80, 8080));
        // The agent dies, the sandbox goes, nobody detaches.
        world.links.remove("veth" + WEB.substring(0, 7));
        ports.release(WEB);

        join(network, DB, 3, 2, port(80, 8080));

        world.serve(world.sandbox(2), "0.0.0.0", 80);
        assertThat(world.ask(world.host, "127.0.0.1", 8080)).isEqualTo("10.213.21.1");
        assertThat(driver.survey()).hasSize(1);
    }

    @Test
    void theNextLifeHoldsPublishedPortsAgainAfterItsSurvey() throws Exception {
        driver.create(network);
        join(network, WEB, 2, 1, port(80, 8080));
        ports.close();
        listen(8080).close();

        NetworkDriver next = world.driver(world.ports(), AGENT);
        next.survey();

        assertThatThrownBy(() -> listen(8080)).isInstanceOf(BindException.class);
    }

    @Test
    void aDeviceThatWharfDidNotMakeIsNotTouched() throws Exception {
        world.run(world.host, "ip", "link", "add", "br-lan", "type", "bridge");

        assertThatThrownBy(() -> driver.create(network))
                .isInstanceOfSatisfying(
                        DriverException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.EXISTS))
                .hasMessageContaining("br-lan");
        driver.remove(network);
        assertThat(world.links.find("br-lan")).isPresent();
    }

    @Test
    void removingANetworkLeavesNothingOfIt() throws Exception {
        List<String> before = world.run(world.host, "ip", "-o", "link");
        driver.create(network);

        driver.remove(network);

        assertThat(world.run(world.host, "ip", "-o", "link")).isEqualTo(before);
        assertThat(world.run(world.host, "nft", "list", "table", "inet", AGENT))
                .noneMatch(l -> l.contains("br-lan") || l.contains("10.213"));
    }

    @Test
    void manyEndpointsComeAndGoSideBySide() throws Exception {
        driver.create(network);
        List<Thread> threads = new ArrayList<>();
        List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
        for (int t = 0; t < 8; t++) {
            int number = t;
            Thread thread = new Thread(() -> {
                try {
                    for (int round = 0; round < 5; round++) {
                        int unique = 100 + number * 10 + round;
                        String id = "%064x".formatted(unique);
                        EndpointSpec spec = new EndpointSpec(
                                id,
                                LAN,
                                "veth" + unique,
                                "eth0",
                                "10.213.21." + unique + "/24",
                                "10.213.21.1",
                                "",
                                "",
                                "",
                                List.of(),
                                List.of(port(80, 9000 + unique)),
                                Map.of());
                        driver.attach(network, spec, world.sandbox(unique));
                        driver.detach(network, spec, world.sandbox(unique));
                    }
                } catch (Exception | AssertionError e) {
                    failures.add(e);
                }
            });
            threads.add(thread);
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }

        assertThat(failures).isEmpty();
        assertThat(driver.survey()).isEmpty();
    }

    private void join(NetworkSpec to, String id, int last, int sandbox, PublishedPort... published) throws Exception {
        driver.attach(to, spec(to, id, last, published), world.sandbox(sandbox));
    }

    private EndpointSpec spec(NetworkSpec to, String id, int last, PublishedPort... published) {
        assertThat(to.id()).isEqualTo(LAN);
        return endpoint(id, last, List.of(published));
    }

    private NetworkSpec other() {
        return network(OTHER, "other", "br-other", 22);
    }

    private void joinOther(int sandbox) throws Exception {
        driver.attach(other(), otherEndpoint(), world.sandbox(sandbox));
    }

    private static EndpointSpec otherEndpoint(PublishedPort... published) {
        return new EndpointSpec(
                "%064x".formatted(77),
                OTHER,
                "vethother",
                "eth0",
                "10.213.22.2/24",
                "10.213.22.1",
                "",
                "",
                "",
                List.of(),
                List.of(published),
                Map.of());
    }

    /** The same place behind another device inside, with a way out that is longer. */
    private static EndpointSpec further(EndpointSpec e) {
        return new EndpointSpec(
                        e.id(),
                        e.network(),
                        e.hostInterface(),
                        "eth1",
                        e.ipv4(),
                        e.gateway4(),
                        e.ipv6(),
                        e.gateway6(),
                        e.mac(),
                        e.aliases(),
                        e.ports(),
                        e.options())
                .withMetric(1024);
    }

    @Test
    void optionsThatSayNothingAreRefusedInThePlan() throws Exception {
        String bridge = "com.docker.network.bridge.";
        assertThat(Options.talksWithin(with(bridge + "enable_icc", "0"))).isFalse();
        NetworkSpec fine = with(bridge + "gateway_mode_ipv4", "nat");
        assertThat(world.driver(ports, AGENT).plan(fine)).isEqualTo(fine);

        refused(bridge + "enable_icc", "maybe", Failure.Kind.INVALID);
        refused(bridge + "host_binding_ipv4", "::1", Failure.Kind.INVALID);
        refused(bridge + "inhibit_ipv4", "maybe", Failure.Kind.INVALID);
        refused("com.docker.network.host_ipv4", "10.0.0", Failure.Kind.INVALID);
        refused("com.docker.network.host_ipv6", "10.0.0.1", Failure.Kind.INVALID);
        refused("com.docker.network.host_ipv6", "fd00::x", Failure.Kind.INVALID);
        refused("com.docker.network.driver.mtu", "-1", Failure.Kind.INVALID);
        refused(bridge + "gateway_mode_ipv6", "bent", Failure.Kind.INVALID);
        refused(bridge + "gateway_mode_ipv6", "isolated", Failure.Kind.INVALID);
        assertThat(Options.open(fine, false)).isFalse();
        NetworkSpec open = with(bridge + "gateway_mode_ipv6", "nat-unprotected");
        assertThat(Options.open(world.driver(ports, AGENT).plan(open), true)).isTrue();
        assertThat(Options.open(open, false)).isFalse();
    }

    private void refused(String option, String value, Failure.Kind kind) {
        assertThatThrownBy(() -> world.driver(ports, AGENT).plan(with(option, value)))
                .isInstanceOfSatisfying(
                        DriverException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(kind));
    }

    private NetworkSpec with(String option, String value) {
        return network.planned(network.deviceName(), network.pools(), false, Map.of(option, value));
    }

    private NetworkSpec internal() {
        return new NetworkSpec(
                LAN,
                "inner",
                driver.name(),
                "br-lan",
                network.pools(),
                true,
                false,
                false,
                false,
                Map.of(),
                Map.of(),
                Map.of());
    }
}
