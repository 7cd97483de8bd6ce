package dev.wharf.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.spi.Failure.Kind;
import org.junit.jupiter.api.Test;

class WordsTest {
    @Test
    void whatCrunSaysOfACommandIsSaidAsRuncSaysIt() {
        String start = "unable to start container process: ";
        assertThat(Words.canonical("executable file `nope` not found in $PATH: No such file or directory", "nope"))
                .isEqualTo(start + "exec: \"nope\": executable file not found in $PATH: unknown");
        assertThat(Words.canonical("executable file `/nope` not found in $PATH: No such file or directory", "/nope"))
                .isEqualTo(start + "exec: \"/nope\": stat /nope: no such file or directory: unknown");
        assertThat(Words.canonical("open executable: Permission denied", "/etc/passwd"))
                .isEqualTo(start + "exec: \"/etc/passwd\": permission denied: unknown");
        assertThat(Words.canonical("open executable: Not a directory", "/etc/passwd/x"))
                .isEqualTo(start + "exec: \"/etc/passwd/x\": stat /etc/passwd/x: not a directory: unknown");
        assertThat(Words.canonical("open executable: Operation not permitted", "/etc"))
                .isEqualTo(start + "exec: \"/etc\": permission denied: unknown");
        assertThat(Words.canonical("chdir `/nope`: No such file or directory", "true"))
                .isEqualTo(start
                        + "chdir to cwd (\"/nope\") set in config.json failed: no such file or directory: unknown");
    }

    @Test
    void otherWordsGetThoseThatClientsLookFor() {
        assertThat(Words.canonical("mount `/x`: Permission denied", "true"))
                .isEqualTo("mount `/x`: Permission denied: permission denied");
    }

    @Test
    void runcsWordsAreLeftAsTheyAre() {
        String words = "unable to start container process: exec: \"nope\": executable file not found in $PATH";

        assertThat(Words.canonical(words, "nope")).isEqualTo(words);
    }

    @Test
    void aPlanCanTellWhatWentWrong() {
        assertThat(Words.kind("executable file not found in $PATH")).isEqualTo(Kind.INVALID);
        assertThat(Words.kind("exec: \"/etc/passwd/x\": stat /etc/passwd/x: not a directory"))
                .isEqualTo(Kind.INVALID);
        assertThat(Words.kind("exec: Permission denied")).isEqualTo(Kind.INVALID);
        assertThat(Words.kind("write config: No space left on device")).isEqualTo(Kind.EXHAUSTED);
        assertThat(Words.kind("rmdir: Device or resource busy")).isEqualTo(Kind.BUSY);
        assertThat(Words.kind("something else")).isEqualTo(Kind.FAILED);
    }
}
