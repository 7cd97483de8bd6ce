package dev.wharf.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CommandIdTest {
    @ParameterizedTest
    @ValueSource(strings = {"a", "7", "none", "deploy-42", "Z9_.:-", "653798c6-70a6-46f8-bd82-76961ab6ad48:start"})
    void whatNamesACommandIsTaken(String id) {
        assertThat(new CommandId(id).value()).isEqualTo(id);
        assertThat(new CommandId("x".repeat(128 - id.length()) + id).value()).hasSize(128);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-a", ".a", ":a", "_a", "a b", "a/b", "ä", "a\n", "a{", "a@", "a[", "a`"})
    void anythingElseIsRefused(String id) {
        assertThatThrownBy(() -> new CommandId(id)).hasMessageContaining("must match");
        assertThatThrownBy(() -> new CommandId("x".repeat(129) + id)).hasMessageContaining("must match");
    }

    @Test
    void whatNobodyNamedComesOnceAndCannotBeNamed() {
        CommandId once = CommandId.once();

        assertThat(once.mayComeAgain()).isFalse();
        assertThat(CommandId.once()).isNotEqualTo(once);
        assertThat(CommandId.isForSenders(once.value())).isFalse();
        assertThat(CommandId.isForSenders("none")).isFalse();
        assertThat(CommandId.NONE.mayComeAgain()).isFalse();
        assertThat(new CommandId(once + ".0123456789abcdef.0").mayComeAgain()).isTrue();
        assertThat(CommandId.isForSenders("once-more")).isTrue();
        assertThat(new CommandId("once-more").mayComeAgain()).isTrue();
    }
}
