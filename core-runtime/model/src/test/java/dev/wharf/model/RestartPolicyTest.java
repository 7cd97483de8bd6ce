package dev.wharf.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.model.RestartPolicy.Kind;
import org.junit.jupiter.api.Test;

class RestartPolicyTest {
    @Test
    void noPolicyNeverRestarts() {
        assertThat(RestartPolicy.NO.restarts(1, 0)).isFalse();
    }

    @Test
    void alwaysAndUnlessStoppedRestartWhateverTheCode() {
        for (Kind kind : new Kind[] {Kind.ALWAYS, Kind.UNLESS_STOPPED}) {
            RestartPolicy policy = new RestartPolicy(kind, 0);
            assertThat(policy.restarts(0, 1_000)).isTrue();
            assertThat(policy.restarts(1, 0)).isTrue();
        }
    }

    @Test
    void onFailureRestartsFailuresOnly() {
        RestartPolicy policy = new RestartPolicy(Kind.ON_FAILURE, 0);
        assertThat(policy.restarts(0, 0)).isFalse();
        assertThat(policy.restarts(137, 1_000)).isTrue();
    }

    @Test
    void onFailureCountsWhereItHasALimit() {
        RestartPolicy policy = new RestartPolicy(Kind.ON_FAILURE, 3);
        assertThat(policy.restarts(1, 2)).isTrue();
        assertThat(policy.restarts(1, 3)).isFalse();
    }
}
