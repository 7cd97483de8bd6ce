package dev.wharf.testkit.network;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.model.ContainerId;
import dev.wharf.model.DriverName;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.kernel.SandboxKey;
import dev.wharf.spi.network.Device;
import dev.wharf.spi.network.Endpoint;
import dev.wharf.spi.network.NetworkDriver;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The promises of a {@link NetworkDriver} that leaves nothing in the kernel; needs no kernel and no root. */
public abstract class TracelessNetworkContract {
    private static final ContainerId WEB = new ContainerId("d4".repeat(32));

    private NetworkDriver driver;
    private NetworkSpec network;
    private EndpointSpec endpoint;
    private final Sandbox sandbox = new Sandbox(SandboxKey.of(WEB, 1), Sandbox.HOST_PATH);

    /** A driver; asked again it is another one with nothing in memory. */
    protected abstract NetworkDriver driver() throws Exception;

    @BeforeEach
    final void open() throws Exception {
        driver = driver();
        network = new NetworkSpec(
                new NetworkId("c3".repeat(32)),
                "lan",
                new DriverName(driver.name().value()),
                "",
                List.of(),
                false,
                false,
                false,
                false,
                Map.of(),
                Map.of(),
                Map.of());
        endpoint = new EndpointSpec(
                "ep-web", network.id(), "", "eth0", "", "", "", "", "", List.of(), List.of(), Map.of());
    }

    @Test
    void theDriverHasANameAndFormatsAndIsReady() {
        assertThat(driver.name().value()).isNotBlank();
        assertThat(driver.formats()).isNotEmpty();
        assertThat(driver.probe()).isEqualTo(NetworkDriver.Readiness.yes());
    }

    @Test
    void itSaysThatItLeavesNoTracesAndFindsNone() throws Exception {
        driver.create(network);
        driver.attach(network, endpoint, sandbox);

        assertThat(driver.leavesTraces()).isFalse();
        assertThat(driver.survey()).isEmpty();
    }

    @Test
    void aNetworkIsMadeAndMakingItAgainAnswersTheSame() throws Exception {
        Device device = driver.create(network);

        assertThat(device.network()).isEqualTo(network.id());
        assertThat(driver.create(network)).isEqualTo(device);
        assertThat(driver().create(network)).isEqualTo(device);
    }

    @Test
    void anEndpointIsAttachedAndAttachingItAgainAnswersTheSame() throws Exception {
        driver.create(network);
        Endpoint attached = driver.attach(network, endpoint, sandbox);

        assertThat(attached.id()).isEqualTo(endpoint.id());
        assertThat(attached.network()).isEqualTo(network.id());
        assertThat(driver().attach(network, endpoint, sandbox)).isEqualTo(attached);
    }

    @Test
    void whatIsGoneMayBeRemovedAgainByADriverThatNeverSawIt() throws Exception {
        driver.create(network);
        driver.attach(network, endpoint, sandbox);

        for (int i = 0; i < 2; i++) {
            driver().detach(network, endpoint, sandbox);
            driver().remove(network);
        }
        assertThat(driver.survey()).isEmpty();
    }
}
