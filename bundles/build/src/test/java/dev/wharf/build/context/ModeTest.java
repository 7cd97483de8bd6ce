package dev.wharf.build.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModeTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    755           | 600  | false | 755
                    04755         | 0    | false | 4755
                    u+x           | 644  | false | 744
                    +x            | 644  | false | 755
                    go-r          | 755  | true  | 711
                    u=rwX,go=rX   | 600  | false | 644
                    u=rwX,go=rX   | 700  | true  | 755
                    a+X           | 611  | false | 711
                    go=u          | 750  | false | 777
                    o=g-w         | 770  | false | 775
                    ug+s,+t       | 755  | true  | 7755
                    o=            | 777  | false | 770
                    """)
    void aModeIsWhatChmodMakesOfIt(String words, String before, boolean directory, String after) {
        assertThat(Integer.toOctalString(Mode.parse(words).of(Integer.parseInt(before, 8), directory)))
                .isEqualTo(after);
    }

    @Test
    void whatChmodDoesNotKnowIsRefused() {
        for (String words : new String[] {"", "888", "u", "u+q", "u+x,", "755x", "u+xg", "=ugo"}) {
            assertThatThrownBy(() -> Mode.parse(words)).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
