package dev.wharf.core.command;

import static dev.wharf.core.Given.BRIDGE;
import static dev.wharf.core.Given.DB;
import static dev.wharf.core.Given.T0;
import static dev.wharf.core.Given.WEB;
import static dev.wharf.core.Given.after;
import static dev.wharf.core.Given.created;
import static dev.wharf.core.Given.exited;
import static dev.wharf.core.Given.furnished;
import static dev.wharf.core.Given.grant;
import static dev.wharf.core.Given.granted;
import static dev.wharf.core.Given.network;
import static dev.wharf.core.Given.run;
import static dev.wharf.core.Given.spec;
import static dev.wharf.core.Given.the;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.Given;
import dev.wharf.core.command.Refusal.Kind;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.plan.Plan;
import dev.wharf.core.plan.Step;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.model.AddressPool;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.DriverName;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkSpec.Pool;
import dev.wharf.model.NetworkWish;
import dev.wharf.model.PortWish;
import dev.wharf.model.PublishedPort;
import dev.wharf.spi.network.Device;
import dev.wharf.spi.network.Endpoint;
import dev.wharf.spi.network.Neighbour;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Networks of one's own: which subnets they get, and the ways out of containers that are on several. */
class NetworksTest {
    private static final Entropy ENTROPY = new Entropy("networks");

    private static void refused(Host host, Command command, Kind kind, String words) {
        Decision decision = command.decide(host, T0);
        assertThat(decision).isInstanceOfSatisfying(Decision.Refused.class, refused -> {
            assertThat(refused.refusal().kind()).isEqualTo(kind);
            assertThat(refused.refusal().message()).contains(words);
        });
    }

    private static NetworkSpec net(String name, boolean ipv6, Map<String, String> options, Pool... pools) {
        return new NetworkSpec(
                network(name),
                name,
                new dev.wharf.model.DriverName("bridge"),
                "br-" + name,
                List.of(pools),
                false,
                false,
                ipv6,
                false,
                options,
                Map.of(),
                Map.of());
    }

    private static List<Pool> pools(NetworkCommand.Create create) {
        return ((NetworkEvent.Created) granted(furnished(), create, T0).get(0))
                .spec()
                .pools();
    }

    private static Pool pool(String subnet) {
        return new Pool(subnet, "", "", Map.of());
    }

    // ---- subnets

    @Test
    void aSubnetOfItsOwnChoiceAvoidsEveryRouteOfTheHost() {
        List<Neighbour> around = List.of(
                new Neighbour("172.18.0.0/24", "eth0", true),
                new Neighbour("172.19.5.0/24", "tun0", false),
                new Neighbour("172.20.0.0/14", "eth0", false));

        assertThat(pools(new NetworkCommand.Create(net("x", false, Map.of()), around)))
                .containsExactly(new Pool("172.24.0.0/16", "172.24.0.1", "", Map.of(), true, false));
    }

    @Test
    void whatIsLeftOfItsOwnDeviceIsInNoWayAndWhatIsLeftOfOthersIs() {
        List<Neighbour> left =
                List.of(new Neighbour("172.18.0.0/16", "br-x", true), new Neighbour("172.19.0.0/16", "br-y", true));

        assertThat(pools(new NetworkCommand.Create(net("x", false, Map.of()), left)))
                .containsExactly(new Pool("172.18.0.0/16", "172.18.0.1", "", Map.of(), true, false));
        assertThat(pools(new NetworkCommand.Create(net("z", false, Map.of()), left)))
                .containsExactly(new Pool("172.20.0.0/16", "172.20.0.1", "", Map.of(), true, false));
    }

    @Test
    void anOperatorsPoolsTakeThePlaceOfTheUsualOnesOfTheirKind() {
        List<AddressPool> house = List.of(new AddressPool("10.10.0.0/23", 24), new AddressPool("fd10::/16", 64));
        List<Neighbour> around =
                List.of(new Neighbour("10.10.0.8/29", "eth0", true), new Neighbour("fd10::/32", "eth0", true));

        assertThat(pools(new NetworkCommand.Create(net("x", true, Map.of()), around, house)))
                .containsExactly(
                        new Pool("10.10.1.0/24", "10.10.1.1", "", Map.of(), true, false),
                        new Pool("fd10:1::/64", "fd10:1::1", "", Map.of(), true, false));
        assertThat(pools(new NetworkCommand.Create(
                        net("x", false, Map.of()), List.of(), List.of(new AddressPool("fd10::/16", 64)))))
                .containsExactly(new Pool("172.18.0.0/16", "172.18.0.1", "", Map.of(), true, false));
        refused(
                furnished(),
                new NetworkCommand.Create(
                        net("x", false, Map.of()), List.of(new Neighbour("10.0.0.0/8", "tun0", false)), house),
                Kind.TAKEN,
                "all predefined address pools have been fully subnetted");
    }

    @Test
    void aGivenSubnetMayLieBehindARouteButNotWhereTheHostItselfIs() {
        List<Neighbour> around =
                List.of(new Neighbour("10.0.0.0/8", "tun0", false), new Neighbour("192.168.7.0/24", "eth0", true));

        assertThat(pools(new NetworkCommand.Create(net("x", false, Map.of(), pool("10.9.0.0/24")), around)))
                .containsExactly(new Pool("10.9.0.0/24", "10.9.0.1", "", Map.of(), false, true));
        refused(
                furnished(),
                new NetworkCommand.Create(net("x", false, Map.of(), pool("192.168.0.0/16")), around),
                Kind.FORBIDDEN,
                "the host is on 192.168.7.0/24 by device eth0");
    }

    @Test
    void whoeverWantsIpv6AndNamesNoSubnetGetsAUniqueLocalOne() {
        List<Pool> pools = pools(new NetworkCommand.Create(net("six", true, Map.of())));

        assertThat(pools).hasSize(2);
        assertThat(pools.get(1).subnet()).matches("fd[0-9a-f:]+::/64");
        assertThat(Addresses.Subnet.parse(pools.get(1).subnet())
                        .contains(pools.get(1).gateway()))
                .isTrue();
        assertThat(pools(new NetworkCommand.Create(net("other", true, Map.of())))
                        .get(1))
                .isNotEqualTo(pools.get(1));
    }

    @Test
    void aSubnetOfTwoAddressesHasItsFirstAsGateway() {
        assertThat(pools(new NetworkCommand.Create(net("x", false, Map.of(), pool("10.9.0.4/31")))))
                .containsExactly(new Pool("10.9.0.4/31", "10.9.0.4", "", Map.of(), false, true));
        assertThat(pools(new NetworkCommand.Create(net("x", false, Map.of(), pool("10.9.0.5/32")))))
                .containsExactly(new Pool("10.9.0.5/32", "10.9.0.5", "", Map.of(), false, true));
    }

    @Test
    void whatDoesNotFitTogetherIsRefused() {
        refuse(new Pool("10.9.0.0/24", "", "10.8.0.0/25", Map.of()), "ip-range 10.8.0.0/25: parent subnet 10.9.0.0/24");
        refuse(new Pool("10.9.0.0/24", "", "10.9.0.0/16", Map.of()), "bigger than its parent subnet 10.9.0.0/24");
        refuse(new Pool("10.9.0.0/24", "", "10.9.0.1/25", Map.of()), "invalid ip-range 10.9.0.1/25: it should be");
        refuse(new Pool("10.9.0.0/24", "", "odd", Map.of()), "invalid ip-range odd: invalid CIDR block notation");
        refuse(new Pool("10.9.0.0/24", "odd", "", Map.of()), "invalid gateway odd: invalid address");
        refuse(
                new Pool("10.9.0.0/24", "", "", Map.of("printer", "10.8.0.1")),
                "invalid network config:\ninvalid auxiliary address printer: parent subnet 10.9.0.0/24 doesn't contain");
        refuse(pool("10.9.0.7/24"), "it should be 10.9.0.0/24");
        refused(
                furnished(),
                new NetworkCommand.Create(net("x", false, Map.of(), pool("10.1.0.0/24"), pool("10.2.0.0/24"))),
                Kind.INVALID,
                "multiple subnets");
    }

    private static void refuse(Pool pool, String why) {
        refused(furnished(), new NetworkCommand.Create(net("x", false, Map.of(), pool)), Kind.INVALID, why);
    }

    // ---- ways out

    private static Host withNetworks(String... names) {
        Host host = furnished();
        int number = 1;
        for (String name : names) {
            host = grant(
                    host,
                    new NetworkCommand.Create(net(name, false, Map.of(), pool("10." + number++ + ".0.0/24"))),
                    T0);
            host = after(host, new NetworkEvent.DeviceReady(network(name), new Device(network(name), "br-" + name)));
        }
        return host;
    }

    private static NetworkWish wish(String name, int priority) {
        return new NetworkWish(network(name), List.of(), List.of(), "", "", "", priority, Map.of());
    }

    private static List<EndpointSpec> places(Host host, NetworkWish... wishes) {
        Host with = after(host, created(WEB, "web", spec().on(wishes).make()));
        return ((ContainerEvent.StartRequested) granted(with, new ContainerCommand.Start(WEB, ENTROPY), T0)
                        .get(0))
                .endpoints();
    }

    @Test
    void aNetworkThatIsNotThereYetIsAwaitedByItsNameUntilTheStart() {
        NetworkWish awaiting = wish("unknown", 7).awaiting("later");
        ContainerSpec spec = spec().on(awaiting).make();
        Host early = grant(furnished(), new ContainerCommand.Create(WEB, "web", spec), T0);
        Command start = new ContainerCommand.Start(WEB, ENTROPY);
        assertThat(granted(early, start, T0))
                .filteredOn(ContainerEvent.Failed.class::isInstance)
                .singleElement()
                .satisfies(e -> assertThat(((ContainerEvent.Failed) e).failure().message())
                        .isEqualTo("network later not found"));

        Host there = grant(early, new NetworkCommand.Create(net("later", false, Map.of())), T0);
        assertThat(the(grant(there, start, T0), WEB).spec().networking().networks())
                .containsExactly(wish("later", 7));
        assertThat(the(grant(there, new ContainerCommand.Connect(WEB, wish("later", 3), ENTROPY), T0), WEB)
                        .spec()
                        .networking()
                        .networks())
                .containsExactly(wish("later", 3));
        assertThat(the(grant(there, new ContainerCommand.Disconnect(WEB, network("later"), false), T0), WEB)
                        .spec()
                        .networking()
                        .networks())
                .isEmpty();
    }

    @Test
    void theBestWayOutIsThatOfPriorityAndThenOfName() {
        Host host = withNetworks("a", "b", "c");

        assertThat(places(host, wish("c", 0), wish("b", 0), wish("a", 0)))
                .extracting(EndpointSpec::containerInterface, EndpointSpec::metric)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("eth0", 2048),
                        org.assertj.core.groups.Tuple.tuple("eth1", 1024),
                        org.assertj.core.groups.Tuple.tuple("eth2", 0));
        assertThat(places(host, wish("a", 0), wish("c", 5)))
                .extracting(EndpointSpec::metric)
                .containsExactly(1024, 0);
    }

    private static NetworkWish wish(String name, String device) {
        return new NetworkWish(network(name), List.of(), List.of(), "", "", "", 0, Map.of(NetworkWish.DEVICE, device));
    }

    @Test
    void aNetworkHasANameAndNoneThatSaysSomethingElse() {
        refused(Host.EMPTY, new NetworkCommand.Create(Given.net("", false)), Kind.INVALID, "name is empty");
        refused(Host.EMPTY, new NetworkCommand.Create(Given.net("container", false)), Kind.FORBIDDEN, "predefined");
        refused(Host.EMPTY, new NetworkCommand.Create(Given.net("default", false)), Kind.FORBIDDEN, "predefined");
    }

    @Test
    void aNetworkThatIsBeingLeftIsJoinedAgainOnceItHasBeenLeft() {
        Host leaving = grant(
                running(withNetworks("a"), wish("a", 0)),
                new ContainerCommand.Disconnect(WEB, network("a"), false),
                T0);
        refused(leaving, connect(wish("a", 0)), Kind.FORBIDDEN, "already exists in network a");

        Host left = after(leaving, new ContainerEvent.EndpointDetached(WEB, network("a")));
        granted(left, connect(wish("a", 0)), T0);
    }

    @Test
    void aDeviceHasTheNameThatIsAskedForAndLeavesItToNoOther() {
        Host host = withNetworks("a", "b", "c");

        assertThat(places(host, wish("a", 0), wish("b", "eth0"), wish("c", "wan")))
                .extracting(EndpointSpec::containerInterface)
                .containsExactly("eth1", "eth0", "wan");
        Host twice = after(
                host,
                created(
                        WEB,
                        "web",
                        spec().on(wish("a", "wan"), wish("b", "wan")).make()));
        assertThat(granted(twice, new ContainerCommand.Start(WEB, ENTROPY), T0))
                .filteredOn(ContainerEvent.Failed.class::isInstance)
                .extracting(e -> ((ContainerEvent.Failed) e).failure().message())
                .containsExactly("error renaming interface of network b to wan: container web has a device of that name"
                        + " already");
        Host running = running(host, wish("a", "wan"));
        refused(running, connect(wish("b", "wan")), Kind.TAKEN, "has a device of that name already");
    }

    @Test
    void aDeviceIsCalledByThePrefixOfItsNetwork() {
        Host host = grant(
                withNetworks("a"),
                new NetworkCommand.Create(net(
                        "p", false, Map.of("com.docker.network.container_iface_prefix", "port"), pool("10.99.0.0/24"))),
                T0);

        assertThat(places(host, wish("a", 0), wish("p", 0)))
                .extracting(EndpointSpec::containerInterface)
                .containsExactly("eth0", "port0");
    }

    private static NetworkSpec ipv6Only(String name, NetworkSpec.Pool... pools) {
        NetworkSpec usual = net(name, true, Map.of(), pools);
        return new NetworkSpec(
                usual.id(),
                name,
                usual.driver(),
                usual.deviceName(),
                usual.pools(),
                false,
                false,
                true,
                false,
                Map.of(),
                Map.of(),
                Map.of(),
                false,
                "",
                true);
    }

    @Test
    void aNetworkWithoutIpv4HasOnePoolAndItsPlacesAHardwareAddressOfTheirOwn() {
        Host host = grant(furnished(), new NetworkCommand.Create(ipv6Only("six")), T0);

        assertThat(host.network(network("six")).orElseThrow().spec().pools())
                .singleElement()
                .satisfies(p -> assertThat(p.subnet()).endsWith("::/64"));
        EndpointSpec place = places(host, wish("six", 0)).get(0);
        assertThat(place.ipv4()).isEmpty();
        assertThat(place.ipv6()).isNotEmpty();
        assertThat(place.mac()).matches("02:42(:[0-9a-f]{2}){4}");
        refused(
                furnished(),
                new NetworkCommand.Create(ipv6Only("six", pool("10.1.0.0/24"))),
                Kind.INVALID,
                "network six has no IPv4");
    }

    @Test
    void aDeviceTakesNoNameThatAnotherStillHas() {
        Host host = connected(running(withNetworks("a", "b", "c"), wish("a", 0)), wish("b", 0));
        // It stops, leaves the first, and is started again on two others before the device of the second is gone.
        Host again = after(
                grant(host, new ContainerCommand.Stop(WEB, Optional.empty(), Optional.empty()), T0),
                exited(WEB, 0, T0),
                new ContainerEvent.EndpointDetached(WEB, network("a")));
        again = grant(again, new ContainerCommand.Disconnect(WEB, network("a"), false), T0);
        again = grant(again, new ContainerCommand.Connect(WEB, wish("c", 0), ENTROPY), T0);
        again = grant(again, new ContainerCommand.Connect(WEB, wish("a", 0), ENTROPY), T0);

        assertThat(((ContainerEvent.StartRequested) granted(again, new ContainerCommand.Start(WEB, ENTROPY), T0)
                                .get(0))
                        .endpoints())
                .extracting(EndpointSpec::containerInterface)
                .containsExactly("eth1", "eth0", "eth2");
    }

    private static Host running(Host host, NetworkWish... wishes) {
        List<EndpointSpec> places = places(host, wishes);
        return after(
                after(host, created(WEB, "web", spec().on(wishes).make())),
                run(WEB, 1, T0, places.toArray(EndpointSpec[]::new)));
    }

    private static List<Integer> ports(Host host, String network) {
        Container.Place place = the(host, WEB).places().get(network(network));
        return place == null
                ? List.of()
                : place.endpoint().ports().stream()
                        .map(PublishedPort::hostPort)
                        .distinct()
                        .toList();
    }

    private static List<String> rungs(Host host) {
        return Plan.of(WEB).next(host, T0, Set.of()).steps().stream()
                .map(Step::rung)
                .toList();
    }

    @Test
    void portsLeadToTheNextNetworkWhenTheirsIsLeftAndToNoneBeforeThatIsDone() {
        NetworkId a = network("a");
        Host made = after(
                withNetworks("a", "b"),
                created(
                        WEB,
                        "web",
                        spec().on(wish("a", 0), wish("b", 0))
                                .ports(new PortWish(80, "tcp", "", 8080, 8080))
                                .make()));
        List<EndpointSpec> places = ((ContainerEvent.StartRequested)
                        granted(made, new ContainerCommand.Start(WEB, ENTROPY), T0)
                                .get(0))
                .endpoints();
        Host host = after(made, run(WEB, 1, T0, places.toArray(EndpointSpec[]::new)));
        assertThat(ports(host, "a")).containsExactly(8080);
        assertThat(ports(host, "b")).isEmpty();

        Host leaving = grant(host, new ContainerCommand.Disconnect(WEB, a, false), T0);
        assertThat(ports(leaving, "b")).containsExactly(8080);
        assertThat(rungs(leaving)).containsExactly("endpoint:" + a.value());
        Host left = after(leaving, new ContainerEvent.EndpointDetached(WEB, a));
        assertThat(rungs(left)).containsExactly("endpoint:" + network("b").value());
        assertThat(left.portHolders("tcp", 8080)).containsOnlyKeys("0.0.0.0", "::");

        Host none = after(
                grant(left, new ContainerCommand.Disconnect(WEB, network("b"), false), T0),
                new ContainerEvent.EndpointDetached(WEB, network("b")));
        assertThat(none.portHolders("tcp", 8080)).isEmpty();
        assertThat(ports(grant(none, connect(wish("a", 0)), T0), "a")).containsExactly(8080);
    }

    private static List<Integer> metrics(Host host, String... names) {
        List<Integer> metrics = new ArrayList<>();
        for (String name : names) {
            metrics.add(host.container(WEB)
                    .orElseThrow()
                    .places()
                    .get(network(name))
                    .endpoint()
                    .metric());
        }
        return metrics;
    }

    private static Host connected(Host host, NetworkWish wish) {
        Host wanted = grant(host, new ContainerCommand.Connect(WEB, wish, new Entropy(wish.toString())), T0);
        EndpointSpec place =
                wanted.container(WEB).orElseThrow().places().get(wish.network()).endpoint();
        return after(
                wanted, new ContainerEvent.EndpointAttached(WEB, new Endpoint(place.id(), wish.network(), "veth", "")));
    }

    @Test
    void aNewWayOutTakesItsPlaceAmongTheOthers() {
        Host host = running(withNetworks("b", "d", "a", "c", "e"), wish("b", 0), wish("d", 0));
        assertThat(metrics(host, "b", "d")).containsExactly(0, 1024);

        host = connected(host, wish("c", 0));
        host = connected(host, wish("e", 0));
        assertThat(metrics(host, "b", "c", "d", "e")).containsExactly(0, 512, 1024, 2048);

        host = connected(host, wish("a", 0));
        assertThat(metrics(host, "a", "b", "c")).containsExactly(0, 256, 512);
    }

    @Test
    void whatGathersOfNamesOnNetworksHasABound() {
        List<String> many = java.util.Collections.nCopies(2500, "x".repeat(50));
        Host host = running(withNetworks("a", "b", "c"), called("a", many));
        refused(
                host,
                new ContainerCommand.Create(
                        dev.wharf.core.Given.DB,
                        "db",
                        spec().on(called("a", many), called("b", many)).make()),
                Kind.INVALID,
                "take more than 256 KiB together");

        refused(
                host,
                new ContainerCommand.Connect(WEB, called("b", many), ENTROPY),
                Kind.INVALID,
                "take more than 256 KiB together");
        granted(host, new ContainerCommand.Connect(WEB, called("b", many.subList(0, 2000)), ENTROPY), T0);
    }

    private static NetworkWish called(String network, List<String> aliases) {
        return new NetworkWish(network(network), aliases, List.of(), "", "", "", 0, Map.of());
    }

    @Test
    void theWayOutThatIsMovedBackStaysWhereItIsMeanwhile() {
        Host host = running(withNetworks("b", "a"), wish("b", 0));

        List<Event> events = granted(host, new ContainerCommand.Connect(WEB, wish("a", 1), ENTROPY), T0);
        Host wanted = after(host, events.toArray(Event[]::new));

        assertThat(events).hasSize(3);
        assertThat(wanted.container(WEB)
                        .orElseThrow()
                        .places()
                        .get(network("b"))
                        .fact()
                        .isDoubtful())
                .isTrue();
        assertThat(wanted.leases(network("b")).size()).isEqualTo(1);
    }

    // ---- the rest

    @Test
    void aBridgeIsOfOneNetwork() {
        Map<String, String> none = Map.of();
        Host host = grant(furnished(), new NetworkCommand.Create(net("mine", false, none, pool("10.1.0.0/24"))), T0);
        NetworkSpec second = net("second", false, none).planned("br-mine", List.of(), false, none);

        refused(host, new NetworkCommand.Create(second), Kind.FORBIDDEN, "networks have same bridge name");
    }

    @Test
    void anAddressForPortsThatIsNoneIsSaidByWhoeverNeedsIt() {
        Host host = grant(
                furnished(),
                new NetworkCommand.Create(net(
                        "odd",
                        false,
                        Map.of("com.docker.network.bridge.host_binding_ipv4", "here"),
                        pool("10.1.0.0/24"))),
                T0);
        ContainerSpec spec = spec().on(wish("odd", 0))
                .ports(new PortWish(80, "tcp", "", 0, 0))
                .make();

        refused(
                after(host, created(WEB, "web", spec)),
                new ContainerCommand.Start(WEB, ENTROPY),
                Kind.INVALID,
                "network odd publishes ports on \"here\"");
    }

    /** Where the container is put when it starts, on the first of its networks. */
    private static EndpointSpec placeOnStart(Host host) {
        return ((ContainerEvent.StartRequested) granted(host, new ContainerCommand.Start(WEB, ENTROPY), T0)
                        .get(0))
                .endpoints()
                .get(0);
    }

    @Test
    void portsWithoutAnAddressAreOnTheOneTheNetworkSays() {
        Host host = grant(
                furnished(),
                new NetworkCommand.Create(net(
                        "local",
                        false,
                        Map.of("com.docker.network.bridge.host_binding_ipv4", "127.0.0.1"),
                        pool("10.1.0.0/24"))),
                T0);
        ContainerSpec spec = spec().on(wish("local", 0))
                .ports(new PortWish(80, "tcp", "", 8080, 8080), new PortWish(81, "tcp", "10.0.0.1", 8081, 8081))
                .make();

        EndpointSpec place = placeOnStart(after(host, created(WEB, "web", spec)));

        assertThat(place.ports()).extracting(p -> p.hostAddress()).containsExactly("127.0.0.1", "10.0.0.1");
    }

    @Test
    void whoNeverRanIsOnTheNetworkThatHasTheNameNow() {
        NetworkCommand.Create again = new NetworkCommand.Create(net("again", false, Map.of(), pool("10.1.0.0/24")));
        Host host = after(
                grant(furnished(), again, T0),
                created(WEB, "web", spec().on(wish("again", 3)).make()),
                created(DB, "db", spec().on(wish("again", 0)).make()));
        host = grant(host, new ContainerCommand.Start(DB, ENTROPY), T0);
        host = after(host, new NetworkEvent.Removed(network("again")));

        NetworkSpec second = net("again2", false, Map.of(), pool("10.2.0.0/24"));
        Host anew = after(
                host,
                new NetworkEvent.Created(
                        new NetworkSpec(
                                second.id(),
                                "again",
                                second.driver(),
                                second.deviceName(),
                                second.pools(),
                                false,
                                false,
                                false,
                                false,
                                Map.of(),
                                Map.of(),
                                Map.of()),
                        T0));
        assertThat(granted(anew, new ContainerCommand.Start(WEB, ENTROPY), T0).stream()
                        .filter(ContainerEvent.StartRequested.class::isInstance)
                        .map(e -> ((ContainerEvent.StartRequested) e)
                                .endpoints()
                                .get(0)
                                .network()))
                .containsExactly(second.id());
        assertThat(the(anew, DB).spec().networking().networks())
                .containsExactly(wish("again", 0).without("again"));
        Host left = grant(anew, new ContainerCommand.Disconnect(DB, network("again"), false), T0);
        assertThat(the(left, DB).spec().networking().networks()).isEmpty();
    }

    @Test
    void aRoutedFamilyTakesNoPortOfTheHost() {
        Host host = grant(
                furnished(),
                new NetworkCommand.Create(
                        net("routed", false, Map.of(NetworkSpec.GATEWAY_MODE4, "routed"), pool("10.1.0.0/24"))),
                T0);
        ContainerSpec spec = spec().on(wish("routed", 0))
                .ports(new PortWish(80, "tcp", "", 8080, 8080), new PortWish(80, "tcp", "10.0.0.1", 8081, 8081))
                .make();

        EndpointSpec place = placeOnStart(after(host, created(WEB, "web", spec)));

        assertThat(place.ports())
                .containsExactly(new PublishedPort(80, "tcp", "0.0.0.0", 0), new PublishedPort(80, "tcp", "::", 8080));
    }

    @Test
    void theHostHasNoAddressOnAnIsolatedNetworkUnlessOneIsAskedFor() {
        NetworkSpec isolated = net("alone", false, Map.of(NetworkSpec.GATEWAY_MODE4, "isolated"));
        List<Pool> given = List.of(new Pool("10.1.0.0/24", "10.1.0.9", "", Map.of()));

        assertThat(pools(new NetworkCommand.Create(
                        isolated.planned("br-alone", List.of(pool("10.1.0.0/24")), true, isolated.options()))))
                .extracting(Pool::gateway)
                .containsExactly("");
        assertThat(pools(new NetworkCommand.Create(isolated.planned("br-alone", List.of(), true, isolated.options()))))
                .extracting(Pool::gateway)
                .containsExactly("");
        assertThat(pools(new NetworkCommand.Create(isolated.planned("br-alone", given, true, isolated.options()))))
                .extracting(Pool::gateway)
                .containsExactly("10.1.0.9");
    }

    @Test
    void noAddressIsKeptForAHostThatShallHaveNoneUnlessThereIsAWayOut() {
        NetworkSpec pair = net("pair", false, Map.of("com.docker.network.bridge.inhibit_ipv4", "true"));
        List<Pool> two = List.of(pool("10.1.0.0/31"));

        assertThat(pools(new NetworkCommand.Create(pair.planned("br-pair", two, true, pair.options()))))
                .extracting(Pool::gateway)
                .containsExactly("");
        assertThat(pools(new NetworkCommand.Create(pair.planned("br-pair", two, false, pair.options()))))
                .extracting(Pool::gateway)
                .doesNotContain("");
    }

    @ParameterizedTest
    @CsvSource({"macvlan, true, ''", "macvlan, false, 10.1.0.1", "ipvlan, true, ''", "ipvlan, false, 10.1.0.1"})
    void aNetworkOnADeviceHasAGatewayWhereThereIsAWayOut(String driver, boolean internal, String gateway) {
        NetworkSpec plain = net("child", false, Map.of(), pool("10.1.0.0/24"));
        NetworkSpec child = new NetworkSpec(
                plain.id(),
                plain.name(),
                new dev.wharf.model.DriverName(driver),
                "eth0",
                plain.pools(),
                internal,
                false,
                false,
                false,
                Map.of(),
                Map.of(),
                Map.of());

        assertThat(pools(new NetworkCommand.Create(child)))
                .extracting(Pool::gateway)
                .containsExactly(gateway);
    }

    @Test
    void anAddressLiesInASubnetThatSomebodyChose() {
        Host host = furnished(
                new NetworkEvent.Created(net("un", false, Map.of(), pool("10.9.0.0/24")), T0),
                created(WEB, "web", spec().make()));

        refused(host, connect(wishing("10.1.0.7")), Kind.INVALID, "no configured subnet or ip-range contain");
        assertThat(connect(wishing("10.9.0.7")).decide(host, T0)).isInstanceOf(Decision.Accepted.class);
    }

    private static NetworkWish wishing(String address) {
        return new NetworkWish(network("un"), List.of(), List.of(), address, "", "", 0, Map.of());
    }

    @Test
    void whatOnlyNetworksOfOnesOwnHaveIsRefusedOnTheDefaultBridge() {
        Host host = furnished(created(WEB, "web", spec().make()));

        refused(
                host,
                connect(new NetworkWish(BRIDGE, List.of("x"), List.of(), "", "", "", 0, Map.of())),
                Kind.INVALID,
                "network-scoped alias is supported only for containers in user defined networks");
        refused(
                host,
                connect(new NetworkWish(BRIDGE, List.of(), List.of(), "172.17.0.9", "", "", 0, Map.of())),
                Kind.INVALID,
                "user specified IP address is supported on user defined networks only");
        Host bare = furnished(created(
                WEB,
                "web",
                spec().in(new ContainerSpec.Namespace(ContainerSpec.Namespace.Kind.NONE, Optional.empty()))
                        .make()));
        refused(bare, connect(NetworkWish.on(BRIDGE)), Kind.INVALID, "private (none) mode");
    }

    @Test
    void whoLeavesNoNetworkMayJoinOneAndWhoLeavesAllMayJoinNone() {
        NetworkId none = network("none");
        NetworkSpec nowhere = new NetworkSpec(
                none,
                "none",
                new DriverName("none"),
                "",
                List.of(),
                false,
                false,
                false,
                true,
                Map.of(),
                Map.of(),
                Map.of());
        Host bare = after(
                withNetworks("a"),
                new NetworkEvent.Created(nowhere, T0),
                created(
                        WEB,
                        "web",
                        spec().in(new ContainerSpec.Namespace(ContainerSpec.Namespace.Kind.NONE, Optional.empty()))
                                .make()));

        Host left = grant(bare, new ContainerCommand.Disconnect(WEB, none, false), T0);
        refused(left, new ContainerCommand.Disconnect(WEB, none, false), Kind.UNMET, "is not connected");
        Host joined = grant(left, connect(wish("a", 0)), T0);
        refused(joined, connect(NetworkWish.on(none)), Kind.INVALID, "private (none) mode");
        Host out = grant(joined, new ContainerCommand.Disconnect(WEB, network("a"), false), T0);
        Host back = grant(out, connect(NetworkWish.on(none)), T0);

        assertThat(the(back, WEB).spec()).isEqualTo(the(bare, WEB).spec());
    }

    private static NetworkSpec configuration(String name, NetworkSpec.Pool... pools) {
        NetworkSpec usual = net(name, true, Map.of("a", "b"), pools);
        return new NetworkSpec(
                usual.id(),
                name,
                new DriverName("none"),
                "",
                usual.pools(),
                false,
                false,
                true,
                false,
                usual.options(),
                Map.of(),
                Map.of(),
                true,
                "",
                false);
    }

    @Test
    void settingsKeptForOthersHoldNoSubnetNoContainerAndStayWhileOneIsMadeOfThem() {
        Host host = grant(furnished(), new NetworkCommand.Create(configuration("kept", pool("10.1.0.0/24"))), T0);
        assertThat(host.network(network("kept"))
                        .orElseThrow()
                        .spec()
                        .pools()
                        .get(0)
                        .gateway())
                .isEmpty();
        NetworkSpec kept = host.network(network("kept")).orElseThrow().spec();
        NetworkSpec like = new NetworkSpec(
                network("made"),
                "made",
                new DriverName("bridge"),
                "br-made",
                kept.pools(),
                false,
                false,
                false,
                false,
                kept.options(),
                Map.of(),
                Map.of(),
                false,
                "kept",
                false);

        Host made = grant(host, new NetworkCommand.Create(like), T0);

        assertThat(made.network(network("made")).orElseThrow().spec().configFrom())
                .isEqualTo("kept");
        refused(
                made,
                new NetworkCommand.Remove(network("kept")),
                Kind.FORBIDDEN,
                "removing network: configuration network");
        refused(furnished(), new NetworkCommand.Create(like), Kind.MISSING, "\"kept\" does not exist");
        Host on = after(made, created(DB, "db", spec().on(wish("kept", 0)).make()));
        refused(
                on,
                new ContainerCommand.Start(DB, ENTROPY),
                Kind.FORBIDDEN,
                "failed to set up container networking: cannot create endpoint on configuration-only network");
    }

    private static ContainerCommand.Connect connect(NetworkWish wish) {
        return new ContainerCommand.Connect(WEB, wish, ENTROPY);
    }

    @Test
    void reconcilingDoubtsTheNetworkAndWhatRunsOnItAndGivesNothingUp() {
        Host host = running(withNetworks("a"), wish("a", 0));

        Host doubted = grant(host, new NetworkCommand.Reconcile(network("a")), T0);

        assertThat(doubted.network(network("a")).orElseThrow().device().isDoubtful())
                .isTrue();
        assertThat(doubted.container(WEB)
                        .orElseThrow()
                        .places()
                        .get(network("a"))
                        .fact()
                        .isDoubtful())
                .isTrue();
        refused(host, new NetworkCommand.Reconcile(network("none-such")), Kind.MISSING, "not found");
    }

    @Test
    void aPlaceThatSomebodyTookFromWhatRunsIsMadeAgainAsWhatItWas() {
        Host host = running(withNetworks("a"), wish("a", 0));
        EndpointSpec before =
                host.container(WEB).orElseThrow().places().get(network("a")).endpoint();

        Host lost = after(
                host,
                new NetworkEvent.Observed(network("a"), false),
                new ContainerEvent.Observed(WEB, "endpoint:" + network("a").value(), false));

        var place = lost.container(WEB).orElseThrow().places().get(network("a"));
        assertThat(place.endpoint()).isEqualTo(before);
        assertThat(place.fact().isDoubtful()).isTrue();
        assertThat(lost.network(network("a")).orElseThrow().device().isDoubtful())
                .isTrue();
    }
}
