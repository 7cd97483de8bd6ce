package dev.wharf.core.plan;

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

import dev.wharf.core.Given;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.state.Host;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.spi.network.Device;
import java.util.Set;
import org.junit.jupiter.api.Test;

class NetworkPlanTest {
    private static final NetworkId BACK = Given.network("back");

    @Test
    void aNetworkGoesWhenTheLastOnItHasLeft() {
        NetworkSpec back = Given.net("back", false);
        Host ended = after(
                furnished(
                        new NetworkEvent.Created(back, T0),
                        new NetworkEvent.DeviceReady(BACK, new Device(BACK, "br-back")),
                        created(WEB, "web", spec().make())),
                run(WEB, 1, T0, place(BACK, "10.0.0.2")));
        Host removing = after(ended, exited(WEB, 0, T0), new NetworkEvent.RemoveRequested(BACK));

        assertThat(next(removing)).isEqualTo(Proposal.AWAIT);
        assertThat(next(after(removing, new ContainerEvent.EndpointDetached(WEB, BACK)))
                        .steps())
                .hasOnlyElementsOfType(NetworkStep.RemoveDevice.class);
    }

    private static Proposal next(Host host) {
        return Plan.of(BACK).next(host, T0, Set.of());
    }
}
