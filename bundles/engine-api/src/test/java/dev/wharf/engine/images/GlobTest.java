package dev.wharf.engine.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.engine.http.Problem;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The examples of path.Match in Go's own test. */
class GlobTest {
    @ParameterizedTest
    @CsvSource({
        "abc, abc, true",
        "*, abc, true",
        "*c, abc, true",
        "a*, ab/c, false",
        "a*/b, abc/b, true",
        "a*/b, a/c/b, false",
        "ab[c], abc, true",
        "ab[b-d], abc, true",
        "ab[e-g], abc, false",
        "ab[^c], abc, false",
        "ab[^e-g], abc, true",
        "a\\*b, a*b, true",
        "a\\*b, ab, false",
        "a?b, a/b, false",
        "[\\]a], ], true",
        "[\\-x], -, true",
        "a.c, abc, false",
    })
    void namesArePickedAsGoPicksThem(String pattern, String name, boolean picked) {
        assertThat(Glob.compile(pattern).matcher(name).matches()).isEqualTo(picked);
    }

    @ParameterizedTest
    @ValueSource(strings = {"[]a]", "[-]", "[x-]", "[-x]", "\\", "[a-b-c]", "[", "[^", "[^bc", "a["})
    void whatIsNoPatternIsTheClientsError(String pattern) {
        assertThatThrownBy(() -> Glob.compile(pattern)).isInstanceOf(Problem.class);
    }
}
