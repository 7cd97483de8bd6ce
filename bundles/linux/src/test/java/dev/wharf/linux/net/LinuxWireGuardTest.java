package dev.wharf.linux.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Links.Link;
import dev.wharf.spi.kernel.WireGuard.Device;
import dev.wharf.spi.kernel.WireGuard.Other;
import dev.wharf.spi.kernel.WireGuard.State;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LinuxWireGuardTest {
    private static final String SECRET = "WMkD2G2F4rCN7Y+SQuKke/ZiPyMRPjzsaWs+ItBZyGw=";
    private static final String PUBLIC = "IlEgnXW9gsMLDbULp9SpNoKt+6GQQbqSL9EOF482NVw=";
    private static final Device DEVICE = new Device(
            "wg-test", Base64.getDecoder().decode(SECRET), 51_999, "fe80::1:0:1/64", 1420, "wharf wireguard");

    @TempDir
    Path dir;

    private World world;
    private LinuxWireGuard wireGuard;

    @BeforeEach
    void open() throws Exception {
        world = new World(dir);
        wireGuard = new LinuxWireGuard(world.home);
    }

    @AfterEach
    void close() throws Exception {
        world.close();
    }

    private void needed() throws DriverException {
        assumeThat(wireGuard.isKnown())
                .as("left out: this kernel has no WireGuard (CONFIG_WIREGUARD)")
                .isTrue();
    }

    @Test
    void aKernelWithoutItSaysSoAndMakesNothing() throws Exception {
        assumeThat(wireGuard.isKnown())
                .as("left out: this kernel has WireGuard")
                .isFalse();

        assertThatThrownBy(() -> wireGuard.device(DEVICE))
                .isInstanceOfSatisfying(
                        DriverException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.UNSUPPORTED))
                .hasMessageContaining("this kernel has no WireGuard");
        assertThat(wireGuard.state("wg-test")).isEmpty();
        assertThat(new LinuxLinks(world.home).find("wg-test")).isEmpty();
    }

    @Test
    void aDeviceHasItsKeyPortAndAddressAndMakingItAgainChangesNothing() throws Exception {
        needed();
        Link made = wireGuard.device(DEVICE);

        assertThat(made.kind()).isEqualTo("wireguard");
        assertThat(made.up()).isTrue();
        assertThat(made.mtu()).isEqualTo(1420);
        assertThat(made.alias()).isEqualTo("wharf wireguard");
        assertThat(wireGuard.state("wg-test")).contains(new State(PUBLIC, 51_999, Set.of()));
        assertThat(wireGuard.device(DEVICE)).isEqualTo(made);
        assertThat(String.join(" ", world.run(world.host, "ip", "addr", "show", "wg-test")))
                .contains("fe80::1:0:1/64");
    }

    @Test
    void itKnowsExactlyWhomItIsTold() throws Exception {
        needed();
        wireGuard.device(DEVICE);
        Set<Other> many = new HashSet<>();
        for (int i = 0; i < 500; i++) {
            byte[] key = new byte[32];
            key[0] = (byte) i;
            key[1] = (byte) (i >> 8);
            key[31] = 1;
            many.add(new Other(
                    Base64.getEncoder().encodeToString(key),
                    i % 2 == 0 ? "192.0.2." + i % 250 : "2001:db8:0:0:0:0:0:" + Integer.toHexString(i),
                    51_999,
                    List.of("fe80:0:0:0:0:1:0:%x/128".formatted(i + 2))));
        }

        wireGuard.know("wg-test", many);
        assertThat(wireGuard.state("wg-test").orElseThrow().others()).isEqualTo(many);

        Set<Other> one = Set.of(many.iterator().next());
        wireGuard.know("wg-test", one);
        assertThat(wireGuard.state("wg-test").orElseThrow().others()).isEqualTo(one);
    }

    @Test
    void aPortThatIsTakenIsToldOf() throws Exception {
        needed();
        wireGuard.device(DEVICE);

        assertThatThrownBy(() -> wireGuard.device(
                        new Device("wg-other", DEVICE.secret(), 51_999, "fe80::1:0:2/64", 1420, "other")))
                .isInstanceOfSatisfying(
                        DriverException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.EXISTS))
                .hasMessageContaining("another program has UDP port 51999");
    }

    @Test
    void aDeviceOfAnotherKindIsNotTouched() throws Exception {
        needed();
        world.run(world.host, "ip", "link", "add", "wg-test", "type", "bridge");

        assertThatThrownBy(() -> wireGuard.device(DEVICE)).hasMessageContaining("of kind \"bridge\"");
        assertThat(wireGuard.state("wg-test")).isEmpty();
    }
}
