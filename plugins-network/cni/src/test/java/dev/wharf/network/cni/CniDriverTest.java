package dev.wharf.network.cni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkSpec.Pool;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.network.NetworkDriver;
import dev.wharf.testkit.network.SandboxWorld;
import dev.wharf.testkit.network.SandboxWorldContract;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** With the plugins that Debian packages. */
class CniDriverTest extends SandboxWorldContract {
    private static final Path PROGRAMS = Path.of("/usr/lib/cni");
    private static final String WEB = "1d43".repeat(16);
    private static final String DB = "2e54".repeat(16);
    private static final String LIST = """
            {"cniVersion": "1.0.0", "name": "lan", "plugins": [
              {"type": "bridge", "bridge": "cni0", "isGateway": true,
               "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.213.21.0/24"}]]}},
              {"type": "portmap", "capabilities": {"portMappings": true}}]}
            """;

    private World world;

    @Override
    protected void prepare() throws Exception {
        world = new World(dir);
        Files.createDirectories(lists());
    }

    private Path lists() {
        return dir.resolve("net.d");
    }

    @Override
    protected NetworkDriver driver() {
        return driver("wharf-00000001", PROGRAMS);
    }

    private CniDriver driver(String agent, Path... programs) {
        return world.driver(agent, lists(), programs);
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
    protected NetworkSpec network(NetworkId id, String name, String device, int number) {
        return spec(id, name, Map.of(CniDriver.CONFLIST, LIST));
    }

    private NetworkSpec spec(NetworkId id, String name, Map<String, String> options) {
        return new NetworkSpec(
                id,
                name,
                driver.name(),
                "",
                List.of(),
                false,
                false,
                false,
                false,
                new HashMap<>(options),
                Map.of(),
                Map.of());
    }

    @Test
    void containersTalkByTheAddressesThatWereChosenForThemAndReachTheirGateway() throws Exception {
        driver.create(network);
        driver.attach(network, endpoint(WEB, 77, List.of()), world.sandbox(1));
        driver.attach(network, endpoint(DB, 78, List.of()), world.sandbox(2));
        world.serve(world.sandbox(1), "10.213.21.77", 80);
        world.serve(world.host, "10.213.21.1", 80);

        assertThat(world.ask(world.sandbox(2), "10.213.21.77", 80)).isEqualTo("10.213.21.78");
        assertThat(world.ask(world.sandbox(2), "10.213.21.1", 80)).isEqualTo("10.213.21.78");
        assertThat(world.run(world.sandbox(1), "ip", "-o", "link", "show", "eth0")
                        .get(0))
                .contains("02:42:0a:d5:15:4d");
    }

    @Test
    void aPublishedPortLeadsToItsContainerUntilItParts() throws Exception {
        driver.create(network);
        world.run(world.host, "ip", "link", "set", "lo", "up");
        EndpointSpec web = endpoint(WEB, 77, List.of(port(80, 18080)));
        driver.attach(network, web, world.sandbox(1));
        world.serve(world.sandbox(1), "10.213.21.77", 80);
        driver.attach(network, endpoint(DB, 78, List.of()), world.sandbox(2));

        // Under the gateway's address, for the answer has to come back through it.
        assertThat(world.ask(world.sandbox(2), "10.213.21.1", 18080)).isEqualTo("10.213.21.1");

        driver.detach(network, web, world.sandbox(1));
        assertThat(world.ask(world.sandbox(2), "10.213.21.1", 18080)).isEqualTo("refused");
    }

    @Test
    void whatAPluginSaysOfItsTroubleIsToldAndNothingIsLeft() throws Exception {
        NetworkSpec odd =
                spec(LAN, "odd", Map.of(CniDriver.CONFLIST, LIST.replace("\"isGateway\": true", "\"vlan\": 5000")));

        assertThatThrownBy(() -> driver.attach(odd, endpoint(WEB, 2, List.of()), world.sandbox(1)))
                .hasMessageContaining("CNI plugin bridge ADD failed: ")
                .hasMessageContaining("5000");
        assertThat(devices(world.sandbox(1))).isEmpty();
        assertThat(dir.resolve("exec/cni/" + WEB + ".json")).doesNotExist();
    }

    @Test
    void anEndpointThatItsPluginsFindBrokenIsMadeAnew() throws Exception {
        driver.create(network);
        EndpointSpec web = endpoint(WEB, 77, List.of());
        driver.attach(network, web, world.sandbox(1));
        world.run(world.sandbox(1), "ip", "addr", "del", "10.213.21.77/24", "dev", "eth0");

        driver.attach(network, web, world.sandbox(1));

        assertThat(world.run(world.sandbox(1), "ip", "-o", "-4", "addr", "show", "eth0")
                        .get(0))
                .contains("10.213.21.77/24");
    }

    @Test
    void whatACrashBeganIsEndedAndBegunAgain() throws Exception {
        driver.create(network);
        EndpointSpec web = endpoint(WEB, 77, List.of());
        driver.attach(network, web, world.sandbox(1));
        world.run(world.sandbox(1), "ip", "link", "set", "eth0", "alias", "");
        new Ledger(dir.resolve("exec/cni"))
                .write(WEB, new Ledger.Entry(world.sandbox(1).path().toString(), java.util.Optional.empty()));
        assertThat(driver.survey()).isEmpty();

        driver.attach(network, web, world.sandbox(1));

        assertThat(driver.survey()).hasSize(1);
    }

    @Test
    void whoeverSweepsNeedsNotKnowTheSandbox() throws Exception {
        driver.create(network);
        EndpointSpec web = endpoint(WEB, 77, List.of());
        driver.attach(network, web, world.sandbox(1));

        driver.detach(network, web, new Sandbox(world.sandbox(1).key(), Sandbox.HOST_PATH));

        assertThat(devices(world.sandbox(1))).isEmpty();
        assertThat(driver.survey()).isEmpty();
    }

    @Test
    void aListIsFoundByItsNameOrItsFilesAndCopiedIntoTheNetwork() throws Exception {
        Files.writeString(lists().resolve("10-shop.conflist"), LIST);

        NetworkSpec byName = planned("lan", Map.of());
        NetworkSpec byFile = planned("any", Map.of(CniDriver.CONFLIST, "10-shop"));

        assertThat(byName.pools()).containsExactly(new Pool("10.213.21.0/24", "", "", Map.of()));
        assertThat(byName.options().get(CniDriver.CONFLIST))
                .isEqualTo(byFile.options().get(CniDriver.CONFLIST));
        assertThat(ConfList.parse(byName.options().get(CniDriver.CONFLIST)).plugins())
                .hasSize(2);
    }

    @Test
    void whatCannotWorkIsRefusedBeforeAnythingIsMade() {
        refused("{", Failure.Kind.INVALID, "it is no JSON");
        refused(LIST.replace("1.0.0", "9.0.0"), Failure.Kind.INVALID, "cniVersion \"9.0.0\" is not served");
        refused(LIST.replace("host-local", "dhcp"), Failure.Kind.INVALID, "the agent chooses addresses itself");
        refused(
                LIST.replace("portmap", "nosuch"),
                Failure.Kind.UNSUPPORTED,
                "there is no CNI plugin nosuch in /usr/lib/cni");
        refused(LIST.replace("portmap", "../../bin/sh"), Failure.Kind.INVALID, "is no program's name");
        refused("nowhere", Failure.Kind.INVALID, "there is no CNI configuration list nowhere");
    }

    private void refused(String list, Failure.Kind kind, String why) {
        assertThatThrownBy(() -> planned("x", Map.of(CniDriver.CONFLIST, list)))
                .isInstanceOfSatisfying(
                        DriverException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(kind))
                .hasMessageContaining(why);
    }

    private NetworkSpec planned(String name, Map<String, String> options) throws DriverException {
        return driver("wharf-00000001", PROGRAMS).plan(spec(LAN, name, options));
    }
}
