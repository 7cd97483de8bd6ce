package dev.wharf.core.command;

import static dev.wharf.core.Given.BRIDGE;
import static dev.wharf.core.Given.DB;
import static dev.wharf.core.Given.T0;
import static dev.wharf.core.Given.WEB;
import static dev.wharf.core.Given.after;
import static dev.wharf.core.Given.created;
import static dev.wharf.core.Given.exited;
import static dev.wharf.core.Given.furnished;
import static dev.wharf.core.Given.place;
import static dev.wharf.core.Given.run;
import static dev.wharf.core.Given.spec;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.core.Given;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Leases;
import dev.wharf.model.NetworkSpec.Pool;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AddressesTest {
    private static Pool pool(String subnet, String gateway) {
        return new Pool(subnet, gateway, "", Map.of());
    }

    /** Addresses as they are given out one after another, until there are none. */
    private static List<String> all(Pool pool, int most) {
        List<String> given = new ArrayList<>();
        Host host = furnished();
        for (int i = 0; i < most; i++) {
            Optional<String> next = Addresses.next(pool, host.leases(BRIDGE));
            if (next.isEmpty()) {
                return given;
            }
            given.add(next.get());
            host = after(
                    host,
                    created(Given.container("c" + i), "c" + i, spec().make()),
                    new ContainerEvent.StartRequested(Given.container("c" + i), List.of(place(BRIDGE, next.get()))));
        }
        return given;
    }

    @Test
    void everyAddressButNetworkGatewayAndBroadcastIsGivenOutOnce() {
        assertThat(all(pool("10.0.0.0/29", "10.0.0.1"), 10))
                .containsExactly("10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6");
    }

    @Test
    void aRangeIsAllThatIsGivenOut() {
        Pool pool = new Pool("10.0.0.0/24", "10.0.0.1", "10.0.0.128/30", Map.of());
        assertThat(all(pool, 10)).containsExactly("10.0.0.128", "10.0.0.129", "10.0.0.130", "10.0.0.131");
    }

    @Test
    void reservedAddressesAreNeverGivenOut() {
        Pool pool = new Pool("10.0.0.0/29", "10.0.0.1", "", Map.of("router", "10.0.0.3", "printer", "10.0.0.5"));
        assertThat(all(pool, 10)).containsExactly("10.0.0.2", "10.0.0.4", "10.0.0.6");
    }

    @Test
    void ofTwoAddressesBothAreHosts() {
        assertThat(all(pool("10.0.0.0/31", ""), 4)).containsExactly("10.0.0.0", "10.0.0.1");
        assertThat(all(pool("10.0.0.0/31", "10.0.0.0"), 4)).containsExactly("10.0.0.1");
        assertThat(all(pool("10.0.0.7/32", ""), 4)).containsExactly("10.0.0.7");
    }

    @Test
    void nothingIsGivenOutThatLiesOutside() {
        assertThat(all(new Pool("10.0.0.0/24", "10.0.0.9", "10.0.0.0/32", Map.of()), 4))
                .isEmpty();
        assertThat(all(pool("fd00::/128", "fd00::"), 4)).isEmpty();
    }

    @Test
    void addressesOfVersionSixAreGivenOutToo() {
        assertThat(Addresses.next(pool("fd00::/64", "fd00::1"), furnished().leases(BRIDGE)))
                .contains("fd00::2");
    }

    @ParameterizedTest
    @CsvSource({
        "fd00:0:0:0:0:0:0:1, fd00::1",
        "::, ::",
        "::1, ::1",
        "FE80::0:A, fe80::a",
        "1:0:0:2:0:0:0:3, 1:0:0:2::3",
        "1:0:2:3:4:5:6:7, 1:0:2:3:4:5:6:7",
        "1::, 1::",
        "10.0.0.1, 10.0.0.1"
    })
    void anAddressIsWrittenInOneWayOnly(String written, String canonical) {
        assertThat(Addresses.canonical(written)).isEqualTo(canonical);
    }

    @Test
    void theSearchGoesOnBehindTheLastOneSoThatAnAddressRests() {
        Host host = after(
                furnished(created(WEB, "web", spec().make()), created(DB, "db", spec().make())),
                run(WEB, 1, T0, place(BRIDGE, "172.17.0.2")));
        host = after(host, exited(WEB, 0, T0), new ContainerEvent.EndpointDetached(WEB, BRIDGE));
        Leases leases = host.leases(BRIDGE);
        assertThat(leases.holder("172.17.0.2")).isEmpty();
        assertThat(Addresses.next(pool("172.17.0.0/24", "172.17.0.1"), leases)).contains("172.17.0.3");
    }

    @ParameterizedTest
    @CsvSource({
        "10.0.0.0/8, 10.1.0.0/16, true",
        "10.0.0.0/16, 10.1.0.0/16, false",
        "10.0.0.77/24, 10.0.0.0/24, true",
        "fd00::/64, 10.0.0.0/8, false",
        "fd00::/64, fd00::/48, true"
    })
    void subnetsOverlapWhenTheyShareAnAddress(String one, String other, boolean overlaps) {
        assertThat(Addresses.Subnet.parse(one).overlaps(Addresses.Subnet.parse(other)))
                .isEqualTo(overlaps);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "10.0.0.0",
                "10.0.0.0/33",
                "10.0.0.0/-1",
                "10.0.0.0/x",
                "localhost/8",
                "10.0.0/8",
                "999.1.1.1/8",
                "::g/64"
            })
    void whatIsNoSubnetIsRefusedAndNeverLookedUp(String text) {
        assertThatThrownBy(() -> Addresses.Subnet.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theHardwareAddressFollowsFromTheAddress() {
        assertThat(Addresses.macFor("172.17.0.2")).isEqualTo("02:42:ac:11:00:02");
    }
}
