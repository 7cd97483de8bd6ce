package dev.wharf.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.core.state.Host;
import dev.wharf.engine.containers.Rehearsal;
import dev.wharf.engine.http.Problem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class RehearsalTest {
    @Test
    void aHostOnWhichContainersCanBeMadePlaysToTheEnd() {
        Host host = new StandingAgent().host();

        Rehearsal.play(host);

        assertThat(host.containers()).isEmpty();
        assertThat(host.images()).hasSize(1);
    }

    @Test
    void aHostWithoutDriversSaysWhyItCannotPlay() {
        assertThatThrownBy(() -> Rehearsal.play(Host.EMPTY)).isInstanceOf(Problem.class);
    }
}
