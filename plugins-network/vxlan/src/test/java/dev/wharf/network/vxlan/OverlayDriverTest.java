package dev.wharf.network.vxlan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkSpec.Pool;
import dev.wharf.network.vxlan.World.Machine;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Links.Link;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.kernel.Tunnels.Destination;
import dev.wharf.spi.kernel.WireGuard;
import dev.wharf.spi.network.NetworkDriver;
import dev.wharf.spi.network.Resident;
import dev.wharf.testkit.network.SandboxWorld;
import dev.wharf.testkit.network.SandboxWorldContract;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;

class OverlayDriverTest extends SandboxWorldContract {
    private static final String WEB = "1d43".repeat(16);
    private static final String DB = "2e54".repeat(16);
    private static final Map<String, String> SECRET = Map.of("encrypted", "");
    private static final NetworkId OTHER = new NetworkId("0a".repeat(32));

    private World world;
    private Machine first;

    @Override
    protected void prepare() throws Exception {
        world = new World(dir);
        first = world.machine(0);
    }

    @Override
    protected NetworkDriver driver() {
        return first.driver();
    }

    @Override
    protected SandboxWorld world() {
        return world;
    }

    @Override
    protected Sandbox host() {
        return first.host;
    }

    @Test
    void sandboxesOfTwoHostsTalkThoughNobodyToldWhereTheyAre() throws Exception {
        Machine second = world.machine(1);
        world.know(first.peer(), second.peer());
        joined(first, WEB, 1);
        EndpointSpec db = joined(second, DB, 2);
        world.serve(world.sandbox(2), bare(db), 80);

        eventually(() -> world.ask(world.sandbox(1), bare(db), 80), "10.77.0.3");
    }

    @Test
    void whoIsToldOfIsReachedWithoutAQuestion() throws Exception {
        Machine second = world.machine(1);
        world.know(first.peer(), second.peer());
        joined(first, WEB, 1);
        EndpointSpec db = joined(second, DB, 2);
        second.settle(resident("db", db));

        Destination wanted = new Destination(db.mac(), "198.51.100.2", List.of(bare(db)));
        Destination everybody = new Destination(Destination.EVERYBODY, "198.51.100.2", List.of());
        eventually(() -> first.tunnels.destinations(tunnel(), "br-lan"), Set.of(wanted, everybody));
        assertThat(first.exchange.beyond(LAN))
                .singleElement()
                .satisfies(r -> assertThat(r.names()).contains("db"));
        world.run(world.sandbox(2), "ip", "link", "set", "eth0", "arp", "off");
        world.serve(world.sandbox(2), bare(db), 80);
        world.run(
                world.sandbox(2), "ip", "neigh", "replace", "10.77.0.3", "lladdr", "02:42:0a:4d:00:03", "dev", "eth0");
        assertThat(world.ask(world.sandbox(1), bare(db), 80)).isEqualTo("10.77.0.3");

        second.settle();
        eventually(() -> first.tunnels.destinations(tunnel(), "br-lan"), Set.of(everybody));
        assertThat(first.exchange.beyond(LAN)).isEmpty();
    }

    @Test
    void whatAHostSaidLastStaysWhileItsAgentIsDownAndAfterOursStartedAgain() throws Exception {
        Machine second = world.machine(1);
        world.know(first.peer(), second.peer());
        joined(first, WEB, 1);
        EndpointSpec db = joined(second, DB, 2);
        second.settle(resident("db", db));
        world.serve(world.sandbox(2), bare(db), 80);
        eventually(() -> first.exchange.beyond(LAN).size(), 1);

        second.exchange.close();
        first.restartExchange();

        eventually(() -> first.exchange.beyond(LAN).size(), 1);
        assertThat(world.ask(world.sandbox(1), bare(db), 80)).isEqualTo("10.77.0.3");
        second.settle();
        second.restartExchange();
        eventually(() -> first.exchange.beyond(LAN).size(), 0);
    }

    @Test
    void aHostThatIsNoPeerAnyMoreIsForgotten() throws Exception {
        Machine second = world.machine(1);
        world.know(first.peer(), second.peer());
        joined(first, WEB, 1);
        second.settle(resident("db", joined(second, DB, 2)));
        eventually(() -> first.exchange.beyond(LAN).size(), 1);

        world.know(first.peer());

        eventually(() -> first.exchange.beyond(LAN).size(), 0);
        eventually(() -> first.tunnels.destinations(tunnel(), "br-lan"), Set.of());
    }

    @Test
    void whoIsNoPeerIsToldNothing() throws Exception {
        Machine stranger = world.machine(7);
        world.know(first.peer());
        joined(first, WEB, 1);
        eventually(
                () -> world.in(stranger.host, () -> {
                    try (Socket socket = new Socket()) {
                        socket.connect(new InetSocketAddress("198.51.100.1", Exchange.PORT), 1500);
                        socket.setSoTimeout(3000);
                        return socket.getInputStream().read();
                    } catch (java.net.ConnectException e) {
                        return -2;
                    }
                }),
                -1);
    }

    @Test
    void entriesThatSomebodyTookAwayComeBack() throws Exception {
        Machine second = world.machine(1);
        world.know(first.peer(), second.peer());
        joined(first, WEB, 1);
        Destination everybody = new Destination(Destination.EVERYBODY, "198.51.100.2", List.of());
        eventually(() -> first.tunnels.destinations(tunnel(), "br-lan"), Set.of(everybody));

        world.run(
                first.host,
                "bridge",
                "fdb",
                "del",
                "00:00:00:00:00:00",
                "dev",
                tunnel(),
                "dst",
                "198.51.100.2",
                "self");

        eventually(() -> first.tunnels.destinations(tunnel(), "br-lan"), Set.of(everybody));
    }

    @Test
    void aNetworkWithoutItsTunnelDoesNotStandAndIsMadeWhole() throws Exception {
        OverlayDriver overlay = first.driver();
        NetworkSpec lan = planned(first, LAN, "lan", Map.of());
        overlay.create(lan);
        assertThat(overlay.standing()).containsExactly(LAN);

        world.run(first.host, "ip", "link", "del", tunnel());
        assertThat(overlay.standing()).isEmpty();
        overlay.create(lan);

        assertThat(overlay.standing()).containsExactly(LAN);
    }

    @Test
    void removalTakesTheTunnelAndTheBridge() throws Exception {
        OverlayDriver overlay = first.driver();
        NetworkSpec lan = planned(first, LAN, "lan", Map.of());
        overlay.create(lan);

        overlay.remove(lan);

        assertThat(first.links.list()).extracting(l -> l.name()).doesNotContain(tunnel(), "br-lan");
    }

    @Test
    void twoNetworksOfOneNumberAreRefusedAndLeaveNothing() throws Exception {
        OverlayDriver overlay = first.driver();
        overlay.create(planned(first, LAN, "lan", Map.of(OverlayOptions.NUMBER, "77")));
        NetworkSpec other = planned(first, OTHER, "other", Map.of(OverlayOptions.NUMBER, "77"));

        assertThatThrownBy(() -> overlay.create(other)).hasMessageContaining("network identifier 77");
        assertThat(first.links.find(other.deviceName())).isEmpty();
    }

    @Test
    void eachHostGivesOutAPartOfTheSubnetAndIsItsGateway() throws Exception {
        Machine second = world.machine(1);

        Pool zero = planned(first, LAN, "lan", Map.of()).pools().get(0);
        Pool one = planned(second, LAN, "lan", Map.of()).pools().get(0);

        assertThat(zero).isEqualTo(new Pool("10.77.0.0/24", "10.77.0.1", "10.77.0.0/28", Map.of()));
        assertThat(one).isEqualTo(new Pool("10.77.0.0/24", "10.77.0.17", "10.77.0.16/28", Map.of()));
    }

    @Test
    void anAddressThatLooksLikeANetworksIsNotGivenOut() throws Exception {
        Machine second = world.machine(1);

        Pool one = second.driver()
                .plan(new NetworkSpec(
                        LAN,
                        "lan",
                        driver.name(),
                        "br-lan",
                        List.of(new Pool("10.77.0.0/16", "", "", Map.of())),
                        false,
                        true,
                        false,
                        false,
                        Map.of(),
                        Map.of(),
                        Map.of()))
                .pools()
                .get(0);

        assertThat(one).isEqualTo(new Pool("10.77.0.0/16", "10.77.1.1", "10.77.1.0/24", Map.of("first", "10.77.1.0")));
    }

    @Test
    void whatIsLeftOpenIsTheSameOnEachHost() throws Exception {
        Machine second = world.machine(1);
        NetworkSpec open = new NetworkSpec(
                LAN,
                "shop",
                driver.name(),
                "br-lan",
                List.of(),
                false,
                true,
                true,
                false,
                Map.of(),
                Map.of(),
                Map.of());

        NetworkSpec here = first.driver().plan(open);
        NetworkSpec there = second.driver().plan(open);

        assertThat(here.options())
                .isEqualTo(there.options())
                .containsEntry(OverlayOptions.MTU, "1450")
                .containsEntry(OverlayOptions.PORT, "4789");
        OverlayDriver changed = first.driver();
        changed.changed(Map.of("port", "8472"));
        assertThat(changed.plan(open).options()).containsEntry(OverlayOptions.PORT, "8472");
        assertThat(changed.plan(here).options())
                .as("a network keeps what was written down for it")
                .containsEntry(OverlayOptions.PORT, "4789");
        assertThat(here.pools()).hasSize(2);
        assertThat(here.pools())
                .extracting(Pool::subnet)
                .isEqualTo(there.pools().stream().map(Pool::subnet).toList());
        assertThat(here.pools())
                .extracting(Pool::range)
                .doesNotContainAnyElementsOf(
                        there.pools().stream().map(Pool::range).toList());
    }

    @Test
    void anEncryptedNetworkIsRefusedWhereTheKernelCannotOrOthersDoNotKnowThisHost() throws Exception {
        world.know(first.peer());
        if (first.wireGuard.isKnown()) {
            refused(
                    SECRET,
                    Failure.Kind.UNAVAILABLE,
                    "write key.0 = " + first.link.key().orElseThrow());
        } else {
            refused(SECRET, Failure.Kind.UNSUPPORTED, "encrypted overlay networks are not served: this kernel has no");
        }
        assertThat(planned(first, LAN, "lan", Map.of("encrypted", "false"))).isNotNull();
        assertThat(first.links.list()).extracting(Link::kind).doesNotContain("wireguard");
    }

    @Test
    void encryptedNetworksStandOnOneLinkThatComesAndGoesWithThem() throws Exception {
        assumeEncryption();
        Machine second = world.machine(1);
        world.knowKeys(first, second);
        joined(first, WEB, 1, SECRET);
        EndpointSpec db = joined(second, DB, 2, SECRET);
        first.driver().create(planned(first, OTHER, "other", Map.of()));
        second.settle(resident("db", db));
        world.serve(world.sandbox(2), bare(db), 80);

        eventually(() -> first.exchange.beyond(LAN).size(), 1);
        eventually(() -> world.ask(world.sandbox(1), bare(db), 80), "10.77.0.3");
        assertThat(first.tunnels.destinations(tunnel(), "br-lan"))
                .isNotEmpty()
                .allMatch(d -> d.host().startsWith("fe80:"));
        assertThat(first.tunnels.destinations(Tunnel.name(OTHER), "br-other"))
                .isNotEmpty()
                .allMatch(d -> d.host().startsWith("198.51.100."));
        assertThat(first.exchange.leftOut()).isEmpty();

        // What stands is found again, and sessions go on.
        WireGuard.State before = first.wireGuard.state(first.link.name()).orElseThrow();
        first.restartExchange();
        first.driver().create(planned(first, LAN, "lan", SECRET));
        eventually(() -> first.exchange.beyond(LAN).size(), 1);
        assertThat(first.wireGuard.state(first.link.name())).contains(before);
        assertThat(world.ask(world.sandbox(1), bare(db), 80)).isEqualTo("10.77.0.3");

        // Whoever takes the link away takes what stands on it, and nothing goes another way.
        first.links.remove(first.link.name());
        assertThat(first.driver().standing()).containsExactly(OTHER);
        assertThat(world.ask(world.sandbox(1), bare(db), 80)).isNotEqualTo("10.77.0.3");
        first.driver().create(planned(first, LAN, "lan", SECRET));
        eventually(() -> world.ask(world.sandbox(1), bare(db), 80), "10.77.0.3");

        first.driver().remove(planned(first, OTHER, "other", Map.of()));
        assertThat(first.links.find(first.link.name())).isPresent();
        first.driver().remove(planned(first, LAN, "lan", SECRET));
        assertThat(first.links.find(first.link.name())).isEmpty();
    }

    @Test
    void aHostWithoutAKeyIsLeftOutOfEncryptedNetworksAndToldOf() throws Exception {
        assumeEncryption();
        Machine second = world.machine(1);
        world.know(first.peer().withKey(first.link.key().orElseThrow()), second.peer());
        joined(first, WEB, 1, SECRET);

        eventually(() -> first.exchange.leftOut().size(), 1);
        assertThat(first.driver().refused())
                .singleElement()
                .asString()
                .contains("do not lead to host m1", "its public key is not known");
        assertThat(first.tunnels.destinations(tunnel(), "br-lan")).isEmpty();

        world.knowKeys(first, second);
        eventually(() -> first.exchange.leftOut().size(), 0);
        eventually(() -> first.tunnels.destinations(tunnel(), "br-lan").size(), 1);
    }

    private void assumeEncryption() throws Exception {
        assumeThat(first.wireGuard.isKnown())
                .as("left out: this kernel has no WireGuard (CONFIG_WIREGUARD)")
                .isTrue();
    }

    @Test
    void whatCannotBeIsRefusedBeforeAnythingIsMade() throws Exception {
        refused(Map.of(OverlayOptions.NUMBER, "x"), Failure.Kind.INVALID, "1 to 16777215");
        refused(Map.of(OverlayOptions.PORT, "70000"), Failure.Kind.INVALID, "UDP port such as 4789");
        refused(Map.of(OverlayOptions.PARTS, "3"), Failure.Kind.INVALID, "power of two");
        refused(Map.of(OverlayOptions.PARTS, "256"), Failure.Kind.INVALID, "too small for 256 hosts");
        Machine far = world.machine(40);
        assertThatThrownBy(() -> planned(far, LAN, "lan", Map.of())).hasMessageContaining("dev.wharf.overlay.parts=64");
    }

    private void refused(Map<String, String> options, Failure.Kind kind, String why) {
        assertThatThrownBy(() -> planned(first, LAN, "lan", options))
                .isInstanceOfSatisfying(
                        DriverException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(kind))
                .hasMessageContaining(why);
    }

    @Test
    void anAddressOfAnotherHostsPartIsRefused() throws Exception {
        OverlayDriver overlay = first.driver();
        NetworkSpec lan = planned(first, LAN, "lan", Map.of());
        overlay.create(lan);

        assertThatThrownBy(() -> overlay.attach(lan, place(WEB, "10.77.0.40"), world.sandbox(1)))
                .hasMessageContaining("address 10.77.0.40 belongs to another host");
    }

    private EndpointSpec joined(Machine machine, String id, int sandbox) throws Exception {
        return joined(machine, id, sandbox, Map.of());
    }

    private EndpointSpec joined(Machine machine, String id, int sandbox, Map<String, String> options) throws Exception {
        NetworkSpec lan = planned(machine, LAN, "lan", options);
        machine.driver().create(lan);
        EndpointSpec place = place(id, machine.number == 0 ? "10.77.0.3" : "10.77.0.18");
        machine.driver().attach(lan, place, world.sandbox(sandbox));
        return place;
    }

    private static EndpointSpec place(String id, String address) {
        String[] parts = address.split("\\.");
        return new EndpointSpec(
                id,
                LAN,
                "veth" + id.substring(0, 7),
                "eth0",
                address + "/24",
                "",
                "",
                "",
                "02:42:0a:4d:00:%02x".formatted(Integer.parseInt(parts[3])),
                List.of(),
                List.of(),
                Map.of());
    }

    private static Resident resident(String name, EndpointSpec place) {
        return new Resident(LAN, place.id(), name, Set.of(name), List.of(bare(place)), place.mac());
    }

    private static String bare(EndpointSpec place) {
        return place.ipv4().substring(0, place.ipv4().indexOf('/'));
    }

    private static String tunnel() {
        return Tunnel.name(LAN);
    }

    private static NetworkSpec planned(Machine machine, NetworkId id, String name, Map<String, String> options)
            throws DriverException {
        String subnet = name.equals("lan") ? "10.77.0.0/24" : "10.77.1.0/24";
        return machine.driver()
                .plan(new NetworkSpec(
                        id,
                        name,
                        machine.driver().name(),
                        "br-" + name,
                        List.of(new Pool(subnet, "", "", Map.of())),
                        false,
                        true,
                        false,
                        false,
                        options,
                        Map.of(),
                        Map.of()));
    }

    private static <T> void eventually(Callable<T> question, T answer) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(40).toNanos();
        T last = question.call();
        while (!answer.equals(last) && System.nanoTime() < end) {
            Thread.sleep(20);
            last = question.call();
        }
        assertThat(last).isEqualTo(answer);
    }
}
