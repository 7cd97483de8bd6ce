package dev.wharf.build.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WordsTest {
    private static final Map<String, String> KNOWN =
            Map.of("a", "1", "empty", "", "two", "x y", "path", "/usr/lib/x.tar.gz");

    private static Optional<String> known(String name) {
        return Optional.ofNullable(KNOWN.get(name));
    }

    private static String expand(String text) throws Words.ExpansionException {
        return new Words('\\').expand(text, WordsTest::known);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "$a|1",
                "${a}b|1b",
                "$ab|~~",
                "\\$a|$a",
                "'$a'|$a",
                "\"$a\"|1",
                "\"\\$a\"|$a",
                "a\\b|ab",
                "\"a\\b\"|a\\b",
                "${none:-d}|d",
                "${empty:-d}|d",
                "${empty-d}|~~",
                "${none-d}|d",
                "${a:-d}|1",
                "${a:+s}|s",
                "${none:+s}|~~",
                "${empty:+s}|~~",
                "${empty+s}|s",
                "${none:-${a}}|1",
                "${none:-\"q $a\"}|q 1",
                "${path#*/}|usr/lib/x.tar.gz",
                "${path##*/}|x.tar.gz",
                "${path%.*}|/usr/lib/x.tar",
                "${path%%.*}|/usr/lib/x",
                "${path/lib/LIB}|/usr/LIB/x.tar.gz",
                "${path//r/R}|/usR/lib/x.taR.gz",
                "$|$",
                "a$/b|a$/b",
                "a$$b|ab",
                "$?$-x$!|x",
            })
    void wordsAreExpanded(String text, String expected) throws Words.ExpansionException {
        assertThat(expand(text)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "${a|missing '}'",
                "${}|bad substitution",
                "${a:}|unsupported modifier (:})",
                "${a:*x}|unsupported modifier (:*)",
                "${none:?is needed}|none: is needed",
                "'a|looking for matching single-quote",
                "\"a|looking for matching double-quote",
                "${a:-b|looking for matching }",
            })
    void whatIsWrongIsSaid(String text, String words) {
        assertThatThrownBy(() -> expand(text)).hasMessageContaining(words);
    }

    @Test
    void unquotedValuesAreSplitWhereWordsAreAskedFor() throws Words.ExpansionException {
        assertThat(new Words('\\').expandAll("$two \"$two\" z", WordsTest::known))
                .containsExactly("x", "y", "x y", "z");
    }

    @Test
    void anotherEscapeIsTakenAtItsWord() throws Words.ExpansionException {
        assertThat(new Words('`').expand("c:\\x`$a", WordsTest::known)).isEqualTo("c:\\x$a");
    }

    @Test
    void hereDocumentsKeepTheirQuotes() throws Words.ExpansionException {
        assertThat(new Words('\\').expandBody("\"$a\" '$a' \\$a \\n", WordsTest::known))
                .isEqualTo("\"1\" '1' $a \\n");
    }

    @Test
    void aValueThatDoublesItselfComesToAnEnd() {
        String[] value = {"x".repeat(1000)};
        assertThatThrownBy(() -> {
                    for (int i = 0; i < 64; i++) {
                        value[0] = new Words('\\').expand("$v$v", name -> Optional.of(value[0]));
                    }
                })
                .hasMessageContaining("longer than");
    }
}
