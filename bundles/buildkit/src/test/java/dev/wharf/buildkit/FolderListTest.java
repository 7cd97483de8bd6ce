package dev.wharf.buildkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.buildkit.wire.SessionWire.Stat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FolderListTest {
    @TempDir
    private Path folder;

    private static Stat stat(String path, long time) {
        return Stat.newBuilder().setPath(path).setModTime(time).build();
    }

    /** What of a folder is new or other than before, and then what is gone. */
    private List<String> sent(String before, String after, Stat... stats) throws IOException {
        try (FolderList list = FolderList.of(folder.resolve(before), folder.resolve(after))) {
            List<String> changed = new java.util.ArrayList<>();
            for (Stat stat : stats) {
                if (!list.had(stat)) {
                    changed.add(stat.getPath());
                }
            }
            return Stream.concat(changed.stream(), list.gone().stream().map(path -> "-" + path))
                    .toList();
        }
    }

    @Test
    void onlyWhatIsOtherThanBeforeIsSentAndWhatIsNoMoreIsGone() throws IOException {
        Stat[] first = {stat("a", 1), stat("a/b", 1), stat("a/c", 1), stat("a.x", 1), stat("b", 1), stat("\u00fc", 1)};
        assertThat(sent("none", "one", first)).containsExactly("a", "a/b", "a/c", "a.x", "b", "\u00fc");

        assertThat(sent("one", "same", first)).isEmpty();
        assertThat(sent("one", "two", stat("a", 1), stat("a/b", 2), stat("aa", 1), stat("b", 1)))
                .containsExactly("a/b", "aa", "-\u00fc", "-a.x", "-a/c");
        assertThat(sent("two", "three", stat("b", 1))).containsExactly("-aa", "-a/b", "-a");
    }

    @Test
    void aListInNoOrderIsRefused() {
        assertThatThrownBy(() -> sent("none", "one", stat("b", 1), stat("a", 1)))
                .hasMessageContaining("order");
    }
}
