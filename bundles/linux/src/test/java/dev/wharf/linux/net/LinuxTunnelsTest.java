package dev.wharf.linux.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Links.Bridge;
import dev.wharf.spi.kernel.Links.Link;
import dev.wharf.spi.kernel.Tunnels.Destination;
import dev.wharf.spi.kernel.Tunnels.Vxlan;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LinuxTunnelsTest {
    private static final Vxlan VXLAN =
            new Vxlan("vx-test", "br-test", 4711, "198.51.100.1", "", 4789, 1400, "wharf tunnel");
    private static final Destination EVERYBODY = new Destination(Destination.EVERYBODY, "198.51.100.2", List.of());

    @TempDir
    Path dir;

    private World world;
    private LinuxTunnels tunnels;

    @BeforeEach
    void open() throws Exception {
        world = new World(dir);
        tunnels = new LinuxTunnels(world.home);
        new LinuxLinks(world.home).bridge(new Bridge("br-test", "", 0, List.of("10.99.0.1/24", "fd00:99::1/64"), ""));
    }

    @AfterEach
    void close() throws Exception {
        world.close();
    }

    @Test
    void aTunnelIsAPortOfItsBridgeAndMakingItAgainChangesNothing() throws Exception {
        Link made = tunnels.vxlan(VXLAN);

        assertThat(made.kind()).isEqualTo("vxlan");
        assertThat(made.up()).isTrue();
        assertThat(made.mtu()).isEqualTo(1400);
        assertThat(made.alias()).isEqualTo("wharf tunnel");
        assertThat(made.master()).isNotZero();
        assertThat(tunnels.vxlan(VXLAN)).isEqualTo(made);
        assertThat(String.join(" ", world.run(world.host, "ip", "-d", "link", "show", "vx-test")))
                .contains("vxlan id 4711 local 198.51.100.1", "dstport 4789", "neigh_suppress on");
    }

    @Test
    void aTunnelOfOtherEndsIsMadeAnew() throws Exception {
        Link made = tunnels.vxlan(VXLAN);

        Link moved =
                tunnels.vxlan(new Vxlan("vx-test", "br-test", 4711, "2001:db8::1", "", 4789, 1400, "wharf tunnel"));

        assertThat(moved.index()).isNotEqualTo(made.index());
        assertThat(String.join(" ", world.run(world.host, "ip", "-d", "link", "show", "vx-test")))
                .contains("local 2001:db8::1");
    }

    @Test
    void aTunnelOnADeviceLeadsByThatDeviceAloneAndBesideOneOfTheSameNumber() throws Exception {
        tunnels.vxlan(VXLAN);
        world.run(world.host, "ip", "link", "add", "lower", "type", "bridge");
        world.run(world.host, "ip", "link", "set", "lower", "up");
        world.run(world.host, "sysctl", "-w", "net.ipv6.conf.lower.disable_ipv6=0");
        Vxlan inside = new Vxlan("vx-in", "br-test", 4711, "fe80::1:0:1", "lower", 4789, 1300, "inside");

        Link made = tunnels.vxlan(inside);

        assertThat(tunnels.vxlan(inside)).isEqualTo(made);
        assertThat(String.join(" ", world.run(world.host, "ip", "-d", "link", "show", "vx-in")))
                .contains("local fe80::1:0:1 dev lower");
        Set<Destination> there = Set.of(
                new Destination(Destination.EVERYBODY, "fe80:0:0:0:0:1:0:2", List.of()),
                new Destination("02:42:0a:63:00:07", "fe80:0:0:0:0:1:0:2", List.of("10.99.0.7")));
        tunnels.lead("vx-in", "br-test", there);
        assertThat(tunnels.destinations("vx-in", "br-test")).isEqualTo(there);
        assertThat(world.run(world.host, "bridge", "fdb", "show", "dev", "vx-in"))
                .anyMatch(line -> line.startsWith("02:42:0a:63:00:07 dst fe80::1:0:2 via lower"));
        tunnels.lead("vx-in", "br-test", Set.of());
        assertThat(tunnels.destinations("vx-in", "br-test")).isEmpty();

        world.run(world.host, "ip", "link", "del", "lower");
        assertThatThrownBy(() -> tunnels.lead("vx-in", "br-test", Set.of()))
                .as("without its device there is none, and so no other way out")
                .hasMessageContaining("there is no device vx-in");
    }

    @Test
    void anotherTunnelOfTheSameNumberIsRefused() throws Exception {
        tunnels.vxlan(VXLAN);

        assertThatThrownBy(() -> tunnels.vxlan(new Vxlan("vx-other", "br-test", 4711, "198.51.100.1", "", 4789, 0, "")))
                .isInstanceOfSatisfying(
                        DriverException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.EXISTS));
    }

    @Test
    void aTunnelLeadsToExactlyWhatItIsTold() throws Exception {
        tunnels.vxlan(VXLAN);
        Set<Destination> many =
                new HashSet<>(Set.of(EVERYBODY, new Destination(Destination.EVERYBODY, "198.51.100.3", List.of())));
        for (int i = 0; i < 1000; i++) {
            many.add(new Destination(
                    "02:42:0a:63:%02x:%02x".formatted(i >> 8, i & 0xff),
                    "198.51.100." + (2 + i % 2),
                    List.of("10.99.%d.%d".formatted(4 + (i >> 8), i & 0xff))));
        }

        tunnels.lead("vx-test", "br-test", many);
        assertThat(tunnels.destinations("vx-test", "br-test")).isEqualTo(many);

        tunnels.lead("vx-test", "br-test", Set.of(EVERYBODY));
        assertThat(tunnels.destinations("vx-test", "br-test")).containsExactly(EVERYBODY);
    }

    @Test
    void whoMovedToAnotherHostIsLedThere() throws Exception {
        tunnels.vxlan(VXLAN);
        List<String> addresses = List.of("10.99.0.7", "fd00:99:0:0:0:0:0:7");
        tunnels.lead("vx-test", "br-test", Set.of(new Destination("02:42:0a:63:00:07", "198.51.100.2", addresses)));

        Set<Destination> moved = Set.of(new Destination("02:42:0a:63:00:07", "198.51.100.3", addresses));
        tunnels.lead("vx-test", "br-test", moved);

        assertThat(tunnels.destinations("vx-test", "br-test")).isEqualTo(moved);
        assertThat(world.run(world.host, "ip", "neigh", "show", "dev", "br-test"))
                .extracting(String::strip)
                .contains(
                        "10.99.0.7 lladdr 02:42:0a:63:00:07 PERMANENT",
                        "fd00:99::7 lladdr 02:42:0a:63:00:07 PERMANENT");
    }

    @Test
    void aTunnelThatIsGoneIsMissing() {
        assertThatThrownBy(() -> tunnels.lead("vx-test", "br-test", Set.of()))
                .isInstanceOfSatisfying(
                        DriverException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.MISSING));
    }
}
