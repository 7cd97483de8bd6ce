package dev.wharf.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.oci.layer.Entry;
import dev.wharf.oci.layer.Limits;
import dev.wharf.oci.layer.TarReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BuildContextTest {
    @TempDir
    private Path folder;

    private void file(String name, String content) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, content);
    }

    /** Names of what is sent, and what is in it. */
    private Map<String, String> sent(String dockerfile) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        BuildContext.of(folder, dockerfile).write(out);
        BuildContext.end(out);
        Map<String, String> sent = new TreeMap<>();
        TarReader reader = new TarReader(new ByteArrayInputStream(out.toByteArray()), Limits.DEFAULT);
        for (Optional<Entry> entry = reader.next(); entry.isPresent(); entry = reader.next()) {
            String content = entry.get().sizeBytes() > 0
                    ? new String(reader.content().readAllBytes(), StandardCharsets.UTF_8)
                    : entry.get().target();
            sent.put(entry.get().name(), content);
        }
        return sent;
    }

    @Test
    void everythingIsSentWhereNothingIsIgnored() throws IOException {
        file("Dockerfile", "FROM x");
        file("a/b", "1");
        Files.createSymbolicLink(folder.resolve("link"), Path.of("/etc"));

        assertThat(sent("Dockerfile")).isEqualTo(Map.of("Dockerfile", "FROM x", "a/", "", "a/b", "1", "link", "/etc"));
    }

    @Test
    void whatIsIgnoredStaysButForWhatTheBuildIsMadeOf() throws IOException {
        file(".dockerignore", "*\n!kept/**/good\n");
        file("docker/File", "FROM x");
        file("kept/deep/good", "1");
        file("kept/deep/bad", "2");
        file("other/x", "3");

        assertThat(sent("docker/File"))
                .containsKeys(".dockerignore", "docker/File", "kept/deep/good")
                .doesNotContainKeys("kept/deep/bad", "other/x", "other/", "docker/");
    }

    @Test
    void aListOfTheDockerfilesOwnTakesThePlaceOfTheUsual() throws IOException {
        file(".dockerignore", "a\n");
        file("docker/File", "FROM x");
        file("docker/File.dockerignore", "b\n");
        file("a", "1");
        file("b", "2");

        assertThat(sent("docker/File"))
                .containsEntry(".dockerignore", "b\n")
                .containsKey("a")
                .doesNotContainKey("b");
        assertThat(sent(""))
                .containsEntry(".dockerignore", "a\n")
                .containsKey("b")
                .doesNotContainKey("a");
    }

    @Test
    void aWrongPatternIsTold() throws IOException {
        file(".dockerignore", "[\n");

        assertThatThrownBy(() -> sent("Dockerfile")).hasMessageContaining("syntax error in pattern");
    }
}
