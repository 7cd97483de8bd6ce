package dev.wharf.housekeeping;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Method;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class SettingsTest {
    @Test
    void whatIsDescribedIsWhatIsReadAndUsuallySo() {
        Map<String, String> described = new TreeMap<>();
        for (Method method : HousekeepingSettings.class.getDeclaredMethods()) {
            described.put(method.getName().replace('_', '.'), String.valueOf(method.getDefaultValue()));
        }

        assertThat(new TreeMap<>(Settings.USUAL.values())).isEqualTo(described);
    }

    @Test
    void aWrongOneLeavesTheOneBeforeAndSaysWhy() {
        Settings good = Settings.of(Map.of("gc.schedule", "0 0 4 * * ?", "gc.unused.for", "7d"), Settings.USUAL);

        Settings now = Settings.of(
                Map.of("gc.schedule", "0 0 4 * *", "gc.unused.for", "a week", "gc.keep.storage", "20GB"), good);

        assertThat(now.of("gc").text("schedule")).isEqualTo("0 0 4 * * ?");
        assertThat(now.of("gc").span("unused.for")).contains(Duration.ofDays(7));
        assertThat(now.of("gc").size("keep.storage", 0)).hasValue(20_000_000_000L);
        assertThat(now.troubleOf("gc"))
                .contains("gc.schedule = 0 0 4 * *: expected six fields")
                .contains("0 0 4 * * ? stays")
                .contains("gc.unused.for = a week: expected a time such as 90s, 12h or 30d; 7d stays");
        assertThat(now.troubleOf("scrub")).isEmpty();
    }

    @Test
    void schedulesThatAreNoneAndThoseThatNeverComeAreRefused() {
        for (String wrong : new String[] {"soon", "0 0 25 * * ?", "0 0 4 * * *", "0 0 4 1 1 ? 2001", "* * *"}) {
            assertThatThrownBy(() -> Forms.cron(wrong)).as(wrong).isInstanceOf(IllegalArgumentException.class);
        }
        Forms.cron("");
        Forms.cron("0/5 * * * * ?");
        Forms.cron("0 30 3 ? * SUN");
    }

    @Test
    void sizesAreWrittenInEitherUnitOrAsAShare() {
        assertThat(Forms.size("1024", 0)).isEqualTo(1024);
        assertThat(Forms.size("5k", 0)).isEqualTo(5000);
        assertThat(Forms.size("5KiB", 0)).isEqualTo(5120);
        assertThat(Forms.size("2 GB", 0)).isEqualTo(2_000_000_000L);
        assertThat(Forms.size("60%", 1000)).isEqualTo(600);
        for (String wrong : new String[] {"", "much", "-1", "101%", "5PB"}) {
            assertThatThrownBy(() -> Forms.size(wrong, 1000)).as(wrong).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void aRunMayHaveSettingsOfItsOwnButNoSchedule() {
        Options gc = Settings.USUAL.of("gc");

        assertThat(gc.with(Map.of("unused.for", "1h")).span("unused.for")).contains(Duration.ofHours(1));
        assertThatThrownBy(() -> gc.with(Map.of("schedule", "0 0 4 * * ?")))
                .hasMessage("job gc has no setting schedule for one run");
        assertThatThrownBy(() -> gc.with(Map.of("unused", "1h")))
                .hasMessage("job gc has no setting unused for one run");
        assertThatThrownBy(() -> gc.with(Map.of("images", "all")))
                .hasMessageContaining("gc.images = all: expected one of dangling, none, unused");
    }
}
