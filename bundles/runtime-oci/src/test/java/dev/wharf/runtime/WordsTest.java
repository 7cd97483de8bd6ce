package dev.wharf.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.spi.Failure.Kind;
import org.junit.jupiter.api.Test;

class WordsTest {
    @Test
    void crunsWordsGetThoseThatClientsLookFor() {
        assertThat(Words.canonical("executable file `nope` not found in $PATH: No such file or directory"))
                .startsWith("executable file `nope` not found in $PATH: No such file or directory")
                .contains("executable file not found in $PATH")
                .contains("no such file or directory");
        assertThat(Words.canonical("open executable: Permission denied")).endsWith("permission denied");
        assertThat(Words.canonical("open executable: Operation not permitted")).endsWith("permission denied");
    }

    @Test
    void runcsWordsAreLeftAsTheyAre() {
        String words = "unable to start container process: exec: \"nope\": executable file not found in $PATH";

        assertThat(Words.canonical(words)).isEqualTo(words);
    }

    @Test
    void aPlanCanTellWhatWentWrong() {
        assertThat(Words.kind("executable file not found in $PATH")).isEqualTo(Kind.INVALID);
        assertThat(Words.kind("exec: Permission denied")).isEqualTo(Kind.INVALID);
        assertThat(Words.kind("write config: No space left on device")).isEqualTo(Kind.EXHAUSTED);
        assertThat(Words.kind("rmdir: Device or resource busy")).isEqualTo(Kind.BUSY);
        assertThat(Words.kind("something else")).isEqualTo(Kind.FAILED);
    }
}
