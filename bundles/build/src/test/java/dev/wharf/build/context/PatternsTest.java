package dev.wharf.build.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PatternsTest {
    @ParameterizedTest
    @CsvSource({
        "*.txt, a.txt, true",
        "*.txt, d/a.txt, false",
        "**/*.txt, d/e/a.txt, true",
        "**/*.txt, a.txt, true",
        "d, d/e/f, true",
        "d/, d/e, true",
        "/d, d, true",
        "./d/../e, e, true",
        "d/*, d/x/y, true",
        "a?c, abc, true",
        "a?c, a/c, false",
        "[ab].c, b.c, true",
        "[^ab].c, b.c, false",
        "**, anything/at/all, true",
        "a/**/z, a/z, true",
        "a/**/z, a/b/c/z, true",
        "a\\*, a*, true",
        "a\\*, ab, false",
        "., a, false",
        "./, d/e, false",
        "/, a, false",
        "d/.., a, false",
    })
    void patternsMatchAsDockerSays(String pattern, String path, boolean out) {
        assertThat(Patterns.parse(List.of(pattern)).leavesOut(path)).isEqualTo(out);
    }

    @Test
    void theLastMatchWins() {
        Patterns patterns = Patterns.parse(List.of("# a comment", "", "*", "!keep", "keep/not"));

        assertThat(patterns.leavesOut("other")).isTrue();
        assertThat(patterns.leavesOut("keep/this")).isFalse();
        assertThat(patterns.leavesOut("keep/not/x")).isTrue();
    }

    @Test
    void aByteOrderMarkIsNoPartOfThePattern() {
        assertThat(Patterns.parse(List.of("\uFEFFa", "b")).leavesOut("a")).isTrue();
        assertThat(Patterns.parse(List.of("\uFEFF# a comment")).isEmpty()).isTrue();
    }

    @Test
    void whatIsNoPatternIsRefused() {
        assertThatThrownBy(() -> Patterns.parse(List.of("["))).hasMessageContaining("syntax error in pattern");
        assertThatThrownBy(() -> Patterns.parse(List.of("!"))).hasMessageContaining("illegal exclusion pattern");
    }

    @Test
    void aPatternThatMatchesInEndlessWaysIsGivenUp() {
        Patterns patterns = Patterns.parse(List.of("*a".repeat(50) + "b"));

        assertThat(patterns.leavesOut("a".repeat(20))).isFalse();
        assertThatThrownBy(() -> patterns.leavesOut("a".repeat(250))).hasMessageContaining("too many ways to match");
    }

    @Test
    void noPathClimbsOutOfTheContext() throws ContextException {
        assertThat(Sources.relative("a/../b/./c")).isEqualTo("b/c");
        assertThat(Sources.relative("/../a")).isEqualTo("a");
        assertThatThrownBy(() -> Sources.relative("../a"))
                .hasMessageContaining("forbidden path outside the build context");
        assertThatThrownBy(() -> Sources.relative("a/../../b")).hasMessageContaining("forbidden path");
    }
}
