package dev.wharf.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SignalTest {
    @ParameterizedTest
    @CsvSource({
        "SIGTERM, 15",
        "term, 15",
        "Kill, 9",
        "9, 9",
        "HUP, 1",
        "sigusr1, 10",
        "RTMIN, 34",
        "SIGRTMIN+3, 37",
        "RTMAX-1, 63",
        "64, 64"
    })
    void namesAndNumbersAreRead(String text, int number) {
        assertThat(Signal.parse(text).number()).isEqualTo(number);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0", "65", "-1", "SIGNOTHING", "SIG42", "RTMIN+99", "9x"})
    void whatIsNoSignalIsRefused(String text) {
        assertThatThrownBy(() -> Signal.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("invalid signal");
    }

    @Test
    void everySignalIsWrittenAsItCanBeRead() {
        for (int number = 1; number <= 64; number++) {
            if (number <= 31 || number >= 34) {
                assertThat(Signal.parse(new Signal(number).toString()).number()).isEqualTo(number);
            }
        }
    }
}
