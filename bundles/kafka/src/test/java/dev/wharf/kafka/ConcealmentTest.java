package dev.wharf.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConcealmentTest {
    private static String conceal(String event, boolean values) throws IOException {
        return new String(
                new Concealment(values).conceal(event.getBytes(StandardCharsets.UTF_8)), StandardCharsets.UTF_8);
    }

    private static String step(String field, String line) {
        return "{\"type\":\"build.stepped\",\"v\":1,\"data\":{\"step\":{\"" + field + "\":\"" + line + "\"}}}";
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "ENV TOKEN=mine~ENV TOKEN=(hidden)",
                "env A=one two B=three~env A=(hidden) B=(hidden)",
                "ENV TOKEN mine and more~ENV TOKEN (hidden)",
                "ARG TOKEN=mine~ARG TOKEN=(hidden)",
                "ARG TOKEN~ARG TOKEN",
                "/bin/sh -c #(nop)  ENV PATH=/usr/bin~/bin/sh -c #(nop)  ENV PATH=(hidden)",
                "RUN |2 TOKEN=mine B=a b /bin/sh -c make~RUN |2 (hidden) /bin/sh -c make",
                "RUN make | tee log~RUN make | tee log",
                "COPY a=b /c~COPY a=b /c"
            })
    void linesOfDockerfilesKeepTheirNamesAndLoseTheirValues(String line, String shown) throws IOException {
        for (String field : new String[] {"instruction", "told", "createdBy"}) {
            assertThat(conceal(step(field, line), false)).isEqualTo(step(field, shown));
            assertThat(conceal(step(field, line), true)).isEqualTo(step(field, line));
        }
    }

    @Test
    void whatHoldsNoSecretKeepsEveryByte() throws IOException {
        String event = "{\"type\":\"volume.created\", \"data\":{\"options\":{\"o\":\"uid=3\"},\"x\":1.0}}";
        assertThat(conceal(event, false)).isEqualTo(event);
    }

    /** A tree has only the last of two fields, and nothing of what follows it. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"password\":\"mine\",\"password\":\"\"}",
                "{\"body\":{\"Env\":[\"A=mine\"],\"Env\":[]}}",
                "{\"id\":\"a\"} {\"password\":\"mine\"}"
            })
    void whatCanBeReadInTwoWaysKeepsNoSecretInEither(String command) throws IOException {
        byte[] shown = Concealment.concealCommand(command.getBytes(StandardCharsets.UTF_8));
        assertThat(new String(shown, StandardCharsets.UTF_8)).doesNotContain("mine");
    }
}
