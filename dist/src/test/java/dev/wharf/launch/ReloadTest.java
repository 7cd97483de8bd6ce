package dev.wharf.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
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
    void whatIsMistypedIsToldOfAndWhatIsTheFrameworksIsNot() {
        assertThat(Reload.unknown(
                        Map.of("wharf.metric.address", "x", "wharf.storage", "vfs", "felix.cache.filelimit", "8")))
                .containsExactly("wharf.metric.address");
    }

    @Test
    void everySettingThatIsKnownIsExplained() throws Exception {
        String explained = Files.readString(Path.of("src/main/wharf/etc/README.md"));

        assertThat(Pattern.compile("(?m)^\\| `(wharf\\.[a-z.]+)`")
                        .matcher(explained)
                        .results()
                        .map(row -> row.group(1)))
                .containsExactlyInAnyOrderElementsOf(Reload.KNOWN);
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
