package dev.wharf.network.vxlan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.spi.network.Resident;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RowTest {
    private static final Row ROW = new Row(
            4711,
            new Resident(
                    Exchange.NOWHERE,
                    "1d".repeat(32),
                    "web",
                    Set.of("web", "a name, with spaces", "%", "süß"),
                    List.of("10.77.0.2", "fd00:0:0:0:0:0:0:2"),
                    "02:42:0a:4d:00:02"));

    @Test
    void aRowIsReadAsItWasWritten() {
        assertThat(ROW.line()).doesNotContain("\n").matches("(\\S+ ){6}\\S+");
        assertThat(Row.parse(ROW.line())).contains(ROW);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "resident",
                "resident 4711 zz 02:42:0a:4d:00:02 10.77.0.2 web web",
                "resident -1 E 02:42:0a:4d:00:02 10.77.0.2 web web",
                "resident 4711 E 02:42:0a:4d:00 10.77.0.2 web web",
                "resident 4711 E 02:42:0a:4d:00:02 www.example.com web web",
                "resident 4711 E 02:42:0a:4d:00:02 10.77.0.999 web web",
                "resident 4711 E 02:42:0a:4d:00:02 10.77.0.2 %zz web",
                "resident 4711 E 02:42:0a:4d:00:02 10.77.0.2 web web more",
            })
    void whatIsNotWhatItShouldBeIsNotTaken(String line) {
        assertThat(Row.parse(line.replace(" E ", " " + "1d".repeat(32) + " "))).isEmpty();
    }
}
