package dev.wharf.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ReloadTest {
    @Test
    void whatChangedSinceTheStartWaitsButForTheLevelOfTheLog() {
        Map<String, String> before =
                Map.of("wharf.log.level", "info", "wharf.storage", "overlay", "wharf.survey.beat", "5m");
        Map<String, String> now =
                Map.of("wharf.log.level", "debug", "wharf.storage", "vfs", "wharf.journal.keep", "30d");

        assertThat(Reload.waiting(before, now))
                .containsExactly("wharf.journal.keep", "wharf.storage", "wharf.survey.beat");
    }

    @Test
    void aLevelThatIsNoneKeepsTheAgentFromStartingAndSaysWhere() {
        Reload reload = new Reload(() -> Map.of("wharf.log.level", "loud"), Optional.empty());

        assertThatThrownBy(reload::begin)
                .isInstanceOf(CannotStart.class)
                .hasMessageContaining(
                        "wharfd.conf: wharf.log.level = loud: expected error, warn, info, debug or trace");
    }
}
