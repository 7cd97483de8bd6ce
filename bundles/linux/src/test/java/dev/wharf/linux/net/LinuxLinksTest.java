package dev.wharf.linux.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Links.Bridge;
import dev.wharf.spi.kernel.Links.Link;
import dev.wharf.spi.kernel.Links.Route;
import dev.wharf.spi.kernel.Links.Veth;
import dev.wharf.spi.kernel.Sandbox;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowingConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 120, unit = TimeUnit.SECONDS)
class LinuxLinksTest {
    private static final Bridge BRIDGE =
            new Bridge("br-test", "02:00:00:00:00:01", 1400, List.of("10.99.0.1/24"), "wharf:bridge");
    private static final Veth VETH = new Veth(
            "veth-test",
            "br-test",
            "eth0",
            "02:42:0a:63:00:02",
            1400,
            List.of("10.99.0.2/24"),
            List.of("10.99.0.1"),
            0,
            false,
            true,
            "wharf:endpoint");

    @TempDir
    private Path dir;

    private World world;
    private LinuxLinks links;

    @BeforeEach
    void open() throws Exception {
        world = new World(dir);
        links = new LinuxLinks(world.home);
    }

    @AfterEach
    void close() throws Exception {
        world.close();
    }

    @Test
    void aBridgeIsMadeWithItsAddressesAndIsUp() throws Exception {
        Link made = links.bridge(BRIDGE);

        assertThat(made.kind()).isEqualTo("bridge");
        assertThat(made.up()).isTrue();
        assertThat(made.mac()).isEqualTo("02:00:00:00:00:01");
        assertThat(made.mtu()).isEqualTo(1400);
        assertThat(made.alias()).isEqualTo("wharf:bridge");
        assertThat(links.find("br-test")).contains(made);
        assertThat(world.run(world.host, "ip", "-4", "addr", "show", "br-test"))
                .anyMatch(l -> l.contains("inet 10.99.0.1/24 brd 10.99.0.255 scope global"));
        assertThat(links.sysctl("ipv6/conf/br-test/accept_ra")).contains("0");
        assertThat(links.sysctl("ipv6/conf/br-test/disable_ipv6")).contains("1");
    }

    @Test
    void makingABridgeAgainMakesItWhole() throws Exception {
        Link made = links.bridge(BRIDGE);
        world.run(world.host, "ip", "link", "set", "br-test", "down");
        world.run(world.host, "ip", "addr", "flush", "dev", "br-test");
        world.run(world.host, "ip", "addr", "add", "10.1.1.1/24", "dev", "br-test");

        assertThat(links.bridge(BRIDGE)).isEqualTo(made);

        assertThat(world.run(world.host, "ip", "-4", "-o", "addr", "show", "br-test"))
                .singleElement()
                .matches(l -> l.contains("10.99.0.1/24"));
    }

    @Test
    void aBridgeSpeaksIpv6WhenItHasAnAddressOfThatFamily() throws Exception {
        links.bridge(new Bridge("br-six", "", 0, List.of("10.98.0.1/24", "fd00:98::1/64"), ""));

        assertThat(world.run(world.host, "ip", "-6", "addr", "show", "br-six"))
                .anyMatch(l -> l.contains("fd00:98::1/64"))
                .noneMatch(l -> l.contains("tentative") && l.contains("fd00"));
        assertThat(links.sysctl("ipv6/conf/br-six/accept_ra")).contains("0");
    }

    @Test
    void aNameThatBelongsToAnotherKindOfDeviceIsTaken() throws Exception {
        world.run(world.host, "ip", "link", "add", "br-test", "type", "veth", "peer", "name", "x");

        assertThatThrownBy(() -> links.bridge(BRIDGE)).satisfies(kind(Failure.Kind.EXISTS));
        assertThatThrownBy(() -> links.bridge(bridgeNamed("../etc"))).satisfies(kind(Failure.Kind.INVALID));
    }

    @Test
    void aBridgeThatIsFullSaysSo() throws Exception {
        links.bridge(BRIDGE);
        world.run(
                world.host,
                "sh",
                "-c",
                "for i in $(seq 512); do echo link add a$i master br-test type veth peer name b$i; done | ip -batch -;"
                        + " for i in $(seq 511); do echo link set b$i master br-test; done | ip -batch -");

        assertThatThrownBy(() -> links.join(VETH, world.sandbox(1).path()))
                .satisfies(kind(Failure.Kind.EXHAUSTED))
                .hasMessageContaining("bridge br-test has as many devices as a bridge can have");
    }

    @Test
    void aSandboxIsJoinedWithAddressRouteAndHardwareAddress() throws Exception {
        Sandbox sandbox = world.sandbox(1);
        Link bridge = links.bridge(BRIDGE);

        Link link = links.join(VETH, sandbox.path());

        assertThat(link.master()).isEqualTo(bridge.index());
        assertThat(link.up()).isTrue();
        assertThat(link.alias()).isEqualTo("wharf:endpoint");
        assertThat(world.run(sandbox, "ip", "addr", "show", "eth0"))
                .anyMatch(l -> l.contains("02:42:0a:63:00:02"))
                .anyMatch(l -> l.contains("inet 10.99.0.2/24"))
                .anyMatch(l -> l.contains("mtu 1400") && l.contains("LOWER_UP"))
                .noneMatch(l -> l.contains("inet6"));
        assertThat(world.run(sandbox, "ip", "route")).anyMatch(l -> l.startsWith("default via 10.99.0.1 dev eth0"));
        world.run(sandbox, "busybox", "ping", "-c1", "-W5", "10.99.0.1");
        assertThat(world.run(world.host, "bridge", "-d", "link", "show", "dev", "veth-test"))
                .anyMatch(l -> l.contains("isolated on") && l.contains("hairpin off"));
    }

    @Test
    void joiningAgainMakesItWhole() throws Exception {
        Sandbox sandbox = world.sandbox(1);
        links.bridge(BRIDGE);
        Link link = links.join(VETH, sandbox.path());
        world.run(sandbox, "ip", "addr", "flush", "dev", "eth0");
        world.run(world.host, "ip", "link", "set", "veth-test", "nomaster", "down");

        assertThat(links.join(VETH, sandbox.path())).isEqualTo(link);

        world.run(sandbox, "busybox", "ping", "-c1", "-W5", "10.99.0.1");
    }

    @Test
    void ipv6InsideWorksAtOnce() throws Exception {
        Sandbox sandbox = world.sandbox(1);
        links.bridge(new Bridge("br-test", "", 0, List.of("10.99.0.1/24", "fd00:99::1/64"), ""));
        Veth both = new Veth(
                "veth-test",
                "br-test",
                "eth0",
                "",
                0,
                List.of("10.99.0.2/24", "fd00:99::2/64"),
                List.of("10.99.0.1", "fd00:99::1"),
                0,
                true,
                false,
                "");

        links.join(both, sandbox.path());

        world.run(sandbox, "busybox", "ping", "-6", "-c1", "-W5", "fd00:99::1");
        assertThat(world.run(sandbox, "ip", "-6", "route")).anyMatch(l -> l.startsWith("default via fd00:99::1"));
    }

    @Test
    void whatIsMissingOrTakenIsSaid() throws Exception {
        Sandbox sandbox = world.sandbox(1);

        assertThatThrownBy(() -> links.join(VETH, sandbox.path()))
                .satisfies(kind(Failure.Kind.MISSING))
                .hasMessageContaining("br-test");
        links.bridge(BRIDGE);
        assertThatThrownBy(() -> links.join(VETH, dir.resolve("nothing"))).satisfies(kind(Failure.Kind.MISSING));
        links.join(VETH, sandbox.path());
        Veth second =
                new Veth("veth-two", "br-test", "eth0", "", 0, List.of("10.99.0.3/24"), List.of(), 0, false, false, "");
        assertThatThrownBy(() -> links.join(second, sandbox.path()))
                .satisfies(kind(Failure.Kind.EXISTS))
                .hasMessageContaining("eth0");
        assertThat(links.find("veth-two")).isEmpty();
    }

    @Test
    void everyDeviceIsListedAndARemovedOneIsGone() throws Exception {
        Sandbox sandbox = world.sandbox(1);
        links.bridge(BRIDGE);
        links.join(VETH, sandbox.path());
        links.alias("veth-test", "wharf:gone");

        assertThat(links.list()).extracting(Link::name).contains("lo", "br-test", "veth-test");
        assertThat(links.find("veth-test").orElseThrow().alias()).isEqualTo("wharf:gone");
        links.remove("veth-test");
        links.remove("veth-test");
        assertThat(links.find("veth-test")).isEmpty();
        assertThat(world.run(sandbox, "ip", "-o", "link")).hasSize(1);
        assertThat(links.find("a-name-that-is-too-long-for-a-device")).isEmpty();
    }

    @Test
    void manyDevicesAreListed() throws Exception {
        for (int i = 0; i < 120; i++) {
            links.bridge(new Bridge("br-" + i, "", 0, List.of(), "alias " + i));
        }

        assertThat(links.list()).hasSizeGreaterThanOrEqualTo(121);
    }

    @Test
    void kernelValuesAreReadAndWritten() throws Exception {
        links.sysctl("ipv4/ip_forward", "1");

        assertThat(links.sysctl("ipv4/ip_forward")).contains("1");
        assertThat(links.sysctl("ipv4/no_such_key")).isEmpty();
        assertThatThrownBy(() -> links.sysctl("ipv4/no_such_key", "1")).isInstanceOf(DriverException.class);
    }

    private static Bridge bridgeNamed(String name) {
        return new Bridge(name, "", 0, List.of(), "");
    }

    private static ThrowingConsumer<Throwable> kind(Failure.Kind kind) {
        return e -> assertThat(e)
                .isInstanceOfSatisfying(
                        DriverException.class,
                        d -> assertThat(d.failure().kind()).isEqualTo(kind));
    }

    @Test
    void routesOfTheHostAreListedWithTheirNetworksAndWithoutItsDefaultRoute() throws Exception {
        links.bridge(new Bridge("wtest0", "", 0, List.of("10.77.0.1/24"), ""));
        world.run(world.host, "ip", "route", "add", "10.78.0.0/16", "via", "10.77.0.9");
        world.run(world.host, "ip", "route", "add", "default", "via", "10.77.0.9");

        assertThat(links.routes())
                .containsExactlyInAnyOrder(
                        new Route("10.77.0.0/24", "wtest0", true), new Route("10.78.0.0/16", "wtest0", false));
    }
}
