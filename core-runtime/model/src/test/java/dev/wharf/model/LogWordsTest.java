package dev.wharf.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class LogWordsTest {
    private static final ContainerId ID = new ContainerId("0123456789ab".repeat(5) + "cdef");

    private static String tag(String template) {
        return LogWords.tag(template, ID, "web", Specs.plain(), "here");
    }

    @Test
    void theFieldsOfATagAreThoseOfDocker() {
        assertThat(tag("plain")).isEqualTo("plain");
        assertThat(tag("{{.ImageName}}/{{ .Name }} {{.ContainerName}} {{.ID}} {{.Hostname}} {{.Command}}"))
                .isEqualTo("busybox/web /web 0123456789ab here true");
        assertThat(tag("{{.FullID}}")).isEqualTo(tag("{{.ContainerID}}")).isEqualTo(ID.value());
    }

    @Test
    void aFieldThatThereIsNotIsNamed() {
        assertThatThrownBy(() -> tag("{{.Nonsense}}"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("invalid log option tag={{.Nonsense}}: unknown field Nonsense");
    }
}
