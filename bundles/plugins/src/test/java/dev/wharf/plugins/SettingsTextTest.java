package dev.wharf.plugins;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class SettingsTextTest {
    private static String trouble(String text) {
        return SettingsText.trouble(text.getBytes(StandardCharsets.UTF_8)).orElse("");
    }

    @Test
    void whatIsWrittenAsItShouldBeIsFine() {
        assertThat(trouble("")).isEmpty();
        assertThat(trouble("# für alle\r\nroot = /srv\r\n\r\nhosts = a,\\\r\n  root = b\r\n"))
                .isEmpty();
        assertThat(trouble("root = a\nroot = b\n")).isEmpty();
    }

    @Test
    void aKeyInTwoSpellingsIsOneSetting() {
        assertThat(trouble("insecure = a\n# Insecure\nInsecure: b\n"))
                .isEqualTo("it says insecure, and Insecure in line 3, which are one setting; remove one of them");
    }

    @Test
    void whatIsNoTextIsSaidWithItsLine() {
        assertThat(SettingsText.trouble("root = a\n# caf\u00e9\n".getBytes(StandardCharsets.ISO_8859_1)))
                .hasValue("line 2 is not UTF-8; save the file in UTF-8");
        assertThat(trouble("\ufeffroot = a\n"))
                .isEqualTo("it begins with a byte order mark; save the file in UTF-8 without one");
        assertThat(trouble("a = 1\nroot = a\0\n")).isEqualTo("line 2 has a NUL byte; write the file anew");
        assertThat(trouble("#".repeat(2 << 20))).contains("2097152 bytes");
    }
}
