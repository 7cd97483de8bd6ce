package dev.wharf.testkit.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkSpec.Pool;
import dev.wharf.model.PublishedPort;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.network.Device;
import dev.wharf.spi.network.Endpoint;
import dev.wharf.spi.network.NetworkDriver;
import java.net.BindException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The promises of {@link NetworkDriver}, one test per sentence. Needs root. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
public abstract class NetworkDriverContract {
    protected static final NetworkId LAN = new NetworkId("c3".repeat(32));
    private static final String WEB = "d4".repeat(32);
    private static final String DB = "e5".repeat(32);

    protected Path dir;
    protected NetworkDriver driver;
    protected NetworkSpec network;

    /** A driver on a host of the test's own; asked again it is another one with nothing in memory on the same host. */
    protected abstract NetworkDriver driver() throws Exception;

    /** A sandbox beside the test's host; the same number means the same sandbox. */
    protected abstract Sandbox sandbox(int number) throws Exception;

    /** Starts a process that lives in the sandbox until the test is over. */
    protected abstract void inhabit(Sandbox sandbox) throws Exception;

    /** The names of the devices in the sandbox but {@code lo}. */
    protected abstract List<String> devices(Sandbox sandbox) throws Exception;

    /** Listens on a port of the test's host, as another program would, until closed. */
    protected abstract AutoCloseable listen(int port) throws Exception;

    @BeforeEach
    final void open(@TempDir Path empty) throws Exception {
        dir = empty;
        prepare();
        driver = driver();
        network = network(LAN, "lan", "br-lan", 21);
    }

    /** Makes the test's host. */
    protected abstract void prepare() throws Exception;

    @Test
    void theDriverHasANameAndFormatsAndIsReady() {
        assertThat(driver.name().value()).isNotBlank();
        assertThat(driver.formats()).isNotEmpty();
        assertThat(driver.probe()).isEqualTo(NetworkDriver.Readiness.yes());
    }

    @Test
    void aNetworkIsMadeAndMakingItAgainAnswersTheSame() throws Exception {
        Device device = driver.create(network);

        assertThat(device.network()).isEqualTo(LAN);
        assertThat(driver.create(network)).isEqualTo(device);
        assertThat(driver().create(network)).isEqualTo(device);
    }

    @Test
    void removingANetworkThatIsGoneIsFine() throws Exception {
        driver.create(network);

        driver.remove(network);
        driver.remove(network);
        driver().remove(network(new NetworkId("f0".repeat(32)), "never", "br-never", 22));
    }

    @Test
    void attachingAnswersWithTheEndpointAndAgainWithTheSame() throws Exception {
        driver.create(network);
        EndpointSpec spec = endpoint(WEB, 2, List.of());

        Endpoint endpoint = driver.attach(network, spec, sandbox(1));

        assertThat(endpoint.id()).isEqualTo(WEB);
        assertThat(endpoint.network()).isEqualTo(LAN);
        assertThat(driver.attach(network, spec, sandbox(1))).isEqualTo(endpoint);
        assertThat(driver().attach(network, spec, sandbox(1))).isEqualTo(endpoint);
    }

    @Test
    void detachingWhatIsGoneIsFine() throws Exception {
        driver.create(network);
        EndpointSpec spec = endpoint(WEB, 2, List.of(port(80, 18080)));
        driver.attach(network, spec, sandbox(1));

        driver.detach(network, spec, sandbox(1));
        driver.detach(network, spec, sandbox(1));
        driver.detach(network, endpoint(DB, 3, List.of(port(80, 18081))), sandbox(2));
    }

    @Test
    void releasingIsDetachingWhereNobodyLives() throws Exception {
        driver.create(network);
        EndpointSpec spec = endpoint(WEB, 2, List.of(port(80, 18080)));
        driver.attach(network, spec, sandbox(1));

        driver.release(network, spec, sandbox(1));
        driver.release(network, spec, sandbox(1));

        assertThat(driver.survey()).isEmpty();
        driver.attach(network, endpoint(DB, 3, List.of(port(80, 18080))), sandbox(2));
    }

    @Test
    void anotherDriverUndoesWhatThisOneDid() throws Exception {
        driver.create(network);
        EndpointSpec spec = endpoint(WEB, 2, List.of(port(80, 18080)));
        driver.attach(network, spec, sandbox(1));

        driver().detach(network, spec, sandbox(1));

        assertThat(driver().survey()).isEmpty();
        driver().remove(network);
    }

    @Test
    void theInterfaceIsGoneWhenDetachReturns() throws Exception {
        driver.create(network);
        EndpointSpec spec = endpoint(WEB, 2, List.of());
        driver.attach(network, spec, sandbox(1));

        driver.detach(network, spec, sandbox(1));

        assertThat(devices(sandbox(1))).isEmpty();
    }

    @Test
    void aSandboxCanJoinAgainAfterItParted() throws Exception {
        driver.create(network);
        inhabit(sandbox(1));
        driver.attach(network, endpoint(WEB, 2, List.of(port(80, 18080))), sandbox(1));
        driver.detach(network, endpoint(WEB, 2, List.of(port(80, 18080))), sandbox(1));

        Endpoint second = driver.attach(network, endpoint(DB, 2, List.of(port(80, 18080))), sandbox(1));

        assertThat(second.id()).isEqualTo(DB);
    }

    @Test
    void everyEndpointIsFoundInTheKernelByAnyDriver() throws Exception {
        assumeTrue(driver.leavesTraces());
        driver.create(network);
        Endpoint web = driver.attach(network, endpoint(WEB, 2, List.of(port(80, 18080))), sandbox(1));
        Endpoint db = driver.attach(network, endpoint(DB, 3, List.of()), sandbox(2));

        assertThat(driver.survey()).containsExactlyInAnyOrder(web, db);
        assertThat(driver().survey()).containsExactlyInAnyOrder(web, db);
    }

    @Test
    void aDetachedEndpointIsNotFoundThoughItsSandboxIsStillThere() throws Exception {
        driver.create(network);
        EndpointSpec spec = endpoint(WEB, 2, List.of());
        driver.attach(network, spec, sandbox(1));

        driver.detach(network, spec, sandbox(1));

        assertThat(driver.survey()).isEmpty();
    }

    @Test
    void aPortThatAnotherProgramHoldsIsTakenAndNothingIsLeftBehind() throws Exception {
        assumeTrue(publishes());
        driver.create(network);
        try (AutoCloseable ignored = listen(18080)) {
            assertThatThrownBy(() -> driver.attach(
                            network, endpoint(WEB, 2, List.of(port(81, 18081), port(80, 18080))), sandbox(1)))
                    .isInstanceOfSatisfying(
                            DriverException.class,
                            e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.EXISTS))
                    .hasMessageContaining("Bind for 0.0.0.0:18080 failed: port is already allocated");
        }
        assertThat(driver.survey()).isEmpty();
        listen(18081).close();
        driver.attach(network, endpoint(WEB, 2, List.of(port(80, 18080))), sandbox(1));
    }

    @Test
    void aPublishedPortIsKeptFromOtherProgramsUntilDetach() throws Exception {
        assumeTrue(publishes());
        driver.create(network);
        EndpointSpec spec = endpoint(WEB, 2, List.of(port(80, 18080)));
        driver.attach(network, spec, sandbox(1));

        assertThatThrownBy(() -> listen(18080)).isInstanceOf(BindException.class);

        driver.detach(network, spec, sandbox(1));
        listen(18080).close();
    }

    /** Whether host ports can lead to endpoints of this mode. */
    protected boolean publishes() {
        return true;
    }

    protected NetworkSpec network(NetworkId id, String name, String device, int number) {
        return new NetworkSpec(
                id,
                name,
                driver.name(),
                device,
                List.of(new Pool("10.213." + number + ".0/24", "10.213." + number + ".1", "", Map.of())),
                false,
                false,
                false,
                false,
                Map.of(),
                Map.of(),
                Map.of());
    }

    protected EndpointSpec endpoint(String id, int last, List<PublishedPort> ports) {
        return new EndpointSpec(
                id,
                LAN,
                "veth" + id.substring(0, 7),
                "eth0",
                "10.213.21." + last + "/24",
                "10.213.21.1",
                "",
                "",
                "02:42:0a:d5:15:%02x".formatted(last),
                List.of(),
                ports,
                Map.of());
    }

    protected static PublishedPort port(int inside, int host) {
        return new PublishedPort(inside, "tcp", "0.0.0.0", host);
    }
}
