package dev.wharf.kafka.desired;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.state.Host;
import org.junit.jupiter.api.Test;

class NetworkDriversTest {
    /** A network of such a driver could be neither made nor taken away again. */
    @Test
    void aDriverThatIsNotThereIsRefusedBeforeAnythingIsWritten() {
        assertThatThrownBy(() -> NetworkDrivers.named(Host.EMPTY, "nope"))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("no driver \"nope\" is there");
        assertThatThrownBy(() -> NetworkDrivers.named(Host.EMPTY, "host"))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("only one instance");
    }
}
