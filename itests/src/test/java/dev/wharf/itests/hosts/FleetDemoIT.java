package dev.wharf.itests.hosts;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Outcome;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How the demonstration of a fleet is called; what it shows, {@link FleetIT} tests. */
class FleetDemoIT {
    private static final String SCRIPT =
            Path.of("../dist/fleet-demo").toAbsolutePath().normalize().toString();

    @ParameterizedTest
    @CsvSource({"--kep, unknown option --kep", "--replicas 0, --replicas must be a number", "--folder, needs a value"})
    void aBadOptionIsOneClearLineAndStatusTwo(String words, String reason) throws Exception {
        Outcome bad = Outcome.of((SCRIPT + " " + words).split(" "));
        assertThat(bad.status()).isEqualTo(2);
        assertThat(bad.err()).contains(reason).hasLineCount(1);
    }

    @Test
    void stoppingWhatIsNotThereSaysSoAndTouchesNothing() throws Exception {
        Outcome none = Outcome.of(SCRIPT, "--folder", "/var/tmp/wharf-no-such-demo", "--stop");
        assertThat(none.status()).isEqualTo(1);
        assertThat(none.err()).contains("there is nothing of this script's in /var/tmp/wharf-no-such-demo");
    }
}
