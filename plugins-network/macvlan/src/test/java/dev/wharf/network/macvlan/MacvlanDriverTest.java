package dev.wharf.network.macvlan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkSpec;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.network.NetworkDriver;
import dev.wharf.testkit.network.SandboxWorld;
import dev.wharf.testkit.network.SandboxWorldContract;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MacvlanDriverTest extends SandboxWorldContract {
    private static final String WEB = "1d43".repeat(16);
    private static final String DB = "2e54".repeat(16);

    private World world;

    @Override
    protected void prepare() throws Exception {
        world = new World(dir);
    }

    @Override
    protected NetworkDriver driver() {
        return driver("wharf-00000001");
    }

    private MacvlanDriver driver(String agent) {
        return new MacvlanDriver(world.links, world.children, dir.resolve("exec/children"), agent);
    }

    @Override
    protected SandboxWorld world() {
        return world;
    }

    @Override
    protected Sandbox host() {
        return world.host;
    }

    @Override
    protected boolean publishes() {
        return false;
    }

    @Test
    void containersTalkToOneAnotherAndToMachinesOnTheParentsWire() throws Exception {
        Sandbox machine = world.machine("10.213.21.1/24");
        NetworkSpec lan = planned(Map.of("parent", "wire0"));
        driver.create(lan);
        driver.attach(lan, endpoint(WEB, 2, List.of()), world.sandbox(1));
        driver.attach(lan, endpoint(DB, 3, List.of()), world.sandbox(2));
        world.serve(world.sandbox(1), "10.213.21.2", 80);
        world.serve(machine, "10.213.21.1", 80);

        assertThat(world.ask(world.sandbox(2), "10.213.21.2", 80)).isEqualTo("10.213.21.3");
        assertThat(world.ask(machine, "10.213.21.2", 80)).isEqualTo("10.213.21.1");
        assertThat(world.ask(world.sandbox(2), "10.213.21.1", 80)).isEqualTo("10.213.21.3");
        assertThat(world.run(world.sandbox(1), "ip", "route", "show", "default").get(0))
                .contains("via 10.213.21.1 dev eth0");
    }

    @Test
    void inPrivateModeContainersReachMachinesAndNotOneAnother() throws Exception {
        Sandbox machine = world.machine("10.213.21.1/24");
        NetworkSpec lan = planned(Map.of("parent", "wire0", "macvlan_mode", "private"));
        driver.create(lan);
        driver.attach(lan, endpoint(WEB, 2, List.of()), world.sandbox(1));
        driver.attach(lan, endpoint(DB, 3, List.of()), world.sandbox(2));
        world.serve(world.sandbox(1), "10.213.21.2", 80);

        assertThat(world.ask(machine, "10.213.21.2", 80)).isEqualTo("10.213.21.1");
        assertThat(world.ask(world.sandbox(2), "10.213.21.2", 80)).isIn("refused", "silent");
    }

    @Test
    void withoutAParentANetworkHasADeviceWithoutAWireThatGoesWithIt() throws Exception {
        NetworkSpec lan = planned(Map.of());
        assertThat(lan.internal()).isTrue();
        driver.create(lan);
        driver.attach(lan, endpoint(WEB, 2, List.of()), world.sandbox(1));
        driver.attach(lan, endpoint(DB, 3, List.of()), world.sandbox(2));
        world.serve(world.sandbox(1), "10.213.21.2", 80);

        assertThat(world.ask(world.sandbox(2), "10.213.21.2", 80)).isEqualTo("10.213.21.3");

        driver.remove(lan);
        assertThat(world.links.find(lan.deviceName())).isEmpty();
    }

    @Test
    void aParentThatSomebodyElseMadeStays() throws Exception {
        world.machine("10.213.21.1/24");
        NetworkSpec lan = planned(Map.of("parent", "wire0"));
        driver.create(lan);

        driver.remove(lan);

        assertThat(world.links.find("wire0")).isPresent();
    }

    @Test
    void whatCannotBeIsRefusedBeforeAnythingIsMade() {
        refused(Map.of("parent", "nowhere0"), "nowhere0 was not found on the host");
        refused(Map.of("parent", "lo"), "loopback interface is not a valid macvlan parent link");
        refused(Map.of("macvlan_mode", "sideways"), "bridge, private, vepa, passthru");
        refused(Map.of("macvlan_mode", "passthru"), "name it with -o parent=");
        refused(Map.of("com.docker.network.driver.mtu", "many"), "a number of bytes");
    }

    private void refused(Map<String, String> options, String why) {
        assertThatThrownBy(() -> planned(options))
                .isInstanceOfSatisfying(
                        DriverException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.INVALID))
                .hasMessageContaining(why);
    }

    @Test
    void aPartOfADevicesWireIsMadeOrTheKernelSaysThatItCannot() throws Exception {
        world.machine("10.213.21.1/24");
        NetworkSpec lan = planned(Map.of("parent", "wire0.10"));
        if (world.children.knows("vlan")) {
            driver.create(lan);
            assertThat(world.links.find("wire0.10")).isPresent();
            driver.remove(lan);
            assertThat(world.links.find("wire0.10")).isEmpty();
        } else {
            assertThatThrownBy(() -> driver.create(lan)).hasMessageContaining("CONFIG_VLAN_8021Q");
        }
    }

    @Test
    void aDeviceThatACrashLeftHalfMadeIsMadeAnew() throws Exception {
        driver.create(network);
        world.run(
                world.host,
                "ip",
                "link",
                "add",
                "link",
                "br-lan",
                "name",
                "eth0",
                "netns",
                world.sandbox(1).path().toString(),
                "type",
                "macvlan");

        driver.attach(network, endpoint(WEB, 2, List.of()), world.sandbox(1));

        assertThat(driver.survey()).hasSize(1);
    }

    @Test
    void anotherProgramsDeviceOfTheSameNameStays() throws Exception {
        driver.create(network);
        world.run(world.sandbox(1), "ip", "link", "add", "eth0", "type", "bridge");

        assertThatThrownBy(() -> driver.attach(network, endpoint(WEB, 2, List.of()), world.sandbox(1)))
                .isInstanceOfSatisfying(
                        DriverException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.EXISTS));
        assertThat(devices(world.sandbox(1))).containsExactly("eth0");
    }

    @Test
    void anEndpointIsDetachedByWhoeverDoesNotKnowItsSandbox() throws Exception {
        driver.create(network);
        EndpointSpec web = endpoint(WEB, 2, List.of());
        driver.attach(network, web, world.sandbox(1));

        driver.detach(network, web, new Sandbox(world.sandbox(1).key(), Sandbox.HOST_PATH));

        assertThat(driver.survey()).isEmpty();
    }

    @Test
    void anotherAgentsEndpointsAreNotOurs() throws Exception {
        driver.create(network);
        driver.attach(network, endpoint(WEB, 2, List.of()), world.sandbox(1));

        assertThat(driver("wharf-00000002").survey()).isEmpty();
    }

    @Test
    void aKernelWithoutIpvlanSaysSo() throws Exception {
        IpvlanDriver ipvlan =
                new IpvlanDriver(world.links, world.children, dir.resolve("exec/children"), "wharf-00000001");
        if (world.children.knows("ipvlan")) {
            assertThat(ipvlan.probe().ready()).isTrue();
        } else {
            assertThat(ipvlan.probe().ready()).isFalse();
            assertThat(ipvlan.probe().why()).contains("this kernel has no ipvlan devices", "CONFIG_IPVLAN");
        }
    }

    private NetworkSpec planned(Map<String, String> options) throws DriverException {
        return driver("wharf-00000001")
                .plan(new NetworkSpec(
                        LAN,
                        "lan",
                        driver.name(),
                        "br-lan",
                        network.pools(),
                        false,
                        false,
                        false,
                        false,
                        new HashMap<>(options),
                        Map.of(),
                        Map.of()));
    }
}
