package dev.wharf.engine.json;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The words are those of Go's encoding/json for the same texts. */
class FaultTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '|',
            value = {
                "{invalid;invalid character 'i' looking for beginning of object key string",
                "{\"a\";unexpected EOF",
                "{\"a\" 1};invalid character '1' after object key",
                "{\"a\":1 2};invalid character '2' after object key:value pair",
                "{\"a\":1,};invalid character '}' looking for beginning of object key string",
                "[1 2];invalid character '2' after array element",
                "[1,];invalid character ']' looking for beginning of value",
                "tru!;invalid character '!' in literal true (expecting 'e')",
                "-x;invalid character 'x' in numeric literal",
                "1.x;invalid character 'x' after decimal point in numeric literal",
                "1ex;invalid character 'x' in exponent of numeric literal",
                "\"\\q\";invalid character 'q' in string escape code",
                "\"\\u12g4\";invalid character 'g' in \\u hexadecimal character escape",
                "'a';invalid character '\\'' looking for beginning of value",
            })
    void whereATextStopsBeingJsonIsToldInGosWords(String text, String words) {
        assertThat(Fault.of(text.getBytes(UTF_8))).contains(words);
    }

    @Test
    void whatIsRightHasNoFaultWhateverFollows() {
        for (String text : new String[] {"{}", " [1,-2.5e+3,\"\\u00e4\",null,true,{\"a\":{}}] ", "0 trailing"}) {
            assertThat(Fault.of(text.getBytes(UTF_8))).as(text).isEmpty();
        }
        assertThat(Fault.of("\"a\nb\"".getBytes(UTF_8))).contains("invalid character '\\n' in string literal");
        assertThat(Fault.of("[".repeat(5000).getBytes(UTF_8))).isPresent();
    }
}
