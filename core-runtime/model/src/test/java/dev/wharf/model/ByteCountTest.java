package dev.wharf.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteCountTest {
    @ParameterizedTest
    @CsvSource({
        "0,0",
        "32,32",
        "32b,32",
        "32k,32768",
        "32KB,32768",
        "32kib,32768",
        "1.5G,1610612736",
        "2 t,2199023255552"
    })
    void unitsArePowersOf1024(String text, long bytes) {
        assertThat(ByteCount.parse(text)).contains(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "-1", "1x", "1.g", "G", "99999999999999999999", "99999p"})
    void whatIsNoSizeIsNone(String text) {
        assertThat(ByteCount.parse(text)).isEmpty();
    }

    @Test
    void surroundingBlanksDoNotCount() {
        assertThat(ByteCount.parse(" 10m ")).contains(10L << 20);
    }
}
