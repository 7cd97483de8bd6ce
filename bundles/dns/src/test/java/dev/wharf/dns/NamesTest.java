package dev.wharf.dns;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.event.ContainerEvent;
import dev.wharf.dns.Town.At;
import dev.wharf.spi.network.Neighbourhood;
import dev.wharf.spi.network.Resident;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class NamesTest {
    private final Town town = new Town()
            .net("front", false, false, "10.1.0.0/24")
            .net("back", false, false, "10.2.0.0/24", "fd00:2::/64")
            .net("bridge", false, true, "10.9.0.0/24")
            .run("web", new At("front", "10.1.0.2"), new At("back", "10.2.0.2"))
            .run("db", new At("back", "10.2.0.3", "fd00:2::3", List.of("Store"), List.of()))
            .run("db2", new At("back", "10.2.0.4", "store"))
            .run("alone", new At("bridge", "10.9.0.2"));

    private List<String> asked(String asker, String name) {
        return town.names(asker).addresses(name).orElse(List.of()).stream()
                .map(InetAddress::getHostAddress)
                .sorted()
                .toList();
    }

    @Test
    void aNeighbourIsFoundByNameShortIdAndNameOnItsNetwork() {
        assertThat(asked("web", "db")).containsExactly("10.2.0.3", "fd00:2:0:0:0:0:0:3");
        assertThat(asked("web", "DB")).isEqualTo(asked("web", "db"));
        assertThat(asked("web", Town.container("db").shortForm())).isEqualTo(asked("web", "db"));
        assertThat(asked("web", "db.back")).isEqualTo(asked("web", "db"));
        assertThat(asked("web", "db.front")).isEmpty();
    }

    @Test
    void aSharedAliasIsEverybodyWhoHasIt() {
        assertThat(asked("web", "store")).containsExactly("10.2.0.3", "10.2.0.4", "fd00:2:0:0:0:0:0:3");
    }

    @Test
    void whoeverIsOnNoCommonNetworkIsNobody() {
        assertThat(town.names("alone").addresses("db")).isEmpty();
        assertThat(town.names("db").addresses("alone")).isEmpty();
        assertThat(town.names("web").addresses("nobody")).isEmpty();
    }

    @Test
    void theNetworkOfTheWayOutAnswersFirst() {
        assertThat(asked("web", "web")).containsExactly("10.1.0.2");
        assertThat(asked("web", "web.back")).containsExactly("10.2.0.2");
    }

    @Test
    void aLinkIsTheAskersOwnWord() {
        town.run("app", new At("back", "10.2.0.9", "", List.of(), List.of("db2:database")));

        assertThat(asked("app", "database")).containsExactly("10.2.0.4");
        assertThat(asked("web", "database")).isEmpty();

        town.run("ape", new At("back", "10.2.0.10", "", List.of(), List.of("store:any")));
        assertThat(asked("ape", "any")).isEqualTo(asked("ape", "store"));
    }

    @Test
    void anAddressHasTheNameOfWhoeverHoldsIt() throws Exception {
        assertThat(town.names("web").owner(InetAddress.getByName("10.2.0.3"))).contains("db.back");
        assertThat(town.names("web").owner(InetAddress.getByName("fd00:2::3"))).contains("db.back");
        assertThat(town.names("web").owner(InetAddress.getByName("10.2.0.77"))).isEmpty();
        assertThat(town.names("alone").owner(InetAddress.getByName("10.2.0.3"))).isEmpty();
    }

    @Test
    void whoeverLeftIsFoundNoMore() {
        town.tell(new ContainerEvent.DisconnectRequested(Town.container("db2"), Town.network("back")));
        assertThat(asked("web", "db2")).isEmpty();

        town.tell(new ContainerEvent.EndpointDetached(Town.container("db2"), Town.network("back")));
        assertThat(asked("web", "store")).containsExactly("10.2.0.3", "fd00:2:0:0:0:0:0:3");
    }

    @Test
    void aPlaceThatIsBeingLookedAtIsStillThere() {
        town.tell(new ContainerEvent.Observed(
                Town.container("db2"), "endpoint:" + Town.network("back").value(), true));

        assertThat(asked("web", "db2")).containsExactly("10.2.0.4");
    }

    @Test
    void onlyNetworksOfOnesOwnHaveNames() {
        assertThat(Names.serves(town.host(), town.get("web"))).isTrue();
        assertThat(Names.serves(town.host(), town.get("alone"))).isFalse();
    }

    @Test
    void whoIsOnTheSameNetworkOnAnotherHostIsFoundLikeANeighbour() throws Exception {
        Neighbourhood around = network -> network.equals(Town.network("back"))
                ? List.of(new Resident(
                        network, "", "far", Set.of("far", "store"), List.of("10.2.0.99"), "02:42:0a:02:00:63"))
                : List.of();
        Names names = new Names(town.host(), town.get("web"), List.of(around));

        assertThat(names.addresses("FAR").orElseThrow()).containsExactly(InetAddress.getByName("10.2.0.99"));
        assertThat(names.addresses("far.back").orElseThrow()).containsExactly(InetAddress.getByName("10.2.0.99"));
        assertThat(names.addresses("store").orElseThrow())
                .hasSize(4)
                .contains(InetAddress.getByName("10.2.0.99"), InetAddress.getByName("10.2.0.4"));
        assertThat(names.owner(InetAddress.getByName("10.2.0.99"))).contains("far.back");
        assertThat(new Names(town.host(), town.get("alone"), List.of(around)).addresses("far"))
                .isEmpty();
    }

    @Test
    void othersAreToldAllThatSomebodyAnswersTo() {
        assertThat(Names.residents(town.host(), Town.network("back")))
                .filteredOn(r -> r.container().equals("db"))
                .singleElement()
                .satisfies(r -> {
                    assertThat(r.names())
                            .contains("db", "store", Town.container("db").shortForm());
                    assertThat(r.addresses()).containsExactly("10.2.0.3", "fd00:2:0:0:0:0:0:3");
                });
        assertThat(Names.residents(town.host(), Town.network("bridge"))).isEmpty();
    }
}
