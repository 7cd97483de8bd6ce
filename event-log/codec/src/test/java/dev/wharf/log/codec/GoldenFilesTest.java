package dev.wharf.log.codec;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.wharf.core.event.Event;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Every version of every event that was ever stored is here as a file, and is read for ever. Run with
 * {@code -Dgolden.write=true} to add the files of new types and versions; those that are there are never written again.
 */
class GoldenFilesTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden");

    private final EventCodec codec = new EventCodec();
    private final ObjectMapper mapper = new ObjectMapper()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS);

    private static Path file(String type, int version) {
        return GOLDEN.resolve(type + "-v" + version + ".json");
    }

    @Test
    void everyTypeHasAFileOfItsNewestVersion() throws IOException {
        List<String> missing = new ArrayList<>();
        for (Map.Entry<String, Integer> stored : codec.versions().entrySet()) {
            Path file = file(stored.getKey(), stored.getValue());
            if (Files.exists(file)) {
                continue;
            }
            if (Boolean.getBoolean("golden.write")) {
                Event sample = Samples.full(codec.classOf(stored.getKey()).orElseThrow());
                Files.createDirectories(GOLDEN);
                Files.writeString(file, mapper.writeValueAsString(mapper.readTree(codec.encode(sample))) + "\n");
            } else {
                missing.add(file.getFileName().toString());
            }
        }
        assertThat(missing)
                .as("files to add: mvn test -pl event-log/codec -Dtest=GoldenFilesTest -Dgolden.write=true")
                .isEmpty();
    }

    @Test
    void everyFileIsReadAndNothingItSaysIsLost() throws IOException {
        try (Stream<Path> files = Files.list(GOLDEN)) {
            for (Path file : files.sorted().toList()) {
                byte[] text = Files.readAllBytes(file);
                Event event = codec.decodeEvent(ByteBuffer.wrap(text));
                JsonNode before = mapper.readTree(text);
                JsonNode after = mapper.readTree(codec.encode(event));
                assertThat(file(before.get("type").asText(), before.get("v").asInt()))
                        .as("the name says what is in it")
                        .isEqualTo(file);
                if (before.get("v").equals(after.get("v"))) {
                    assertThat(lost(before, after, ""))
                            .as("what %s says and its class no longer does; a changed event needs a new version", file)
                            .isEmpty();
                }
                assertThat(codec.decodeEvent(ByteBuffer.wrap(codec.encode(event))))
                        .isEqualTo(event);
            }
        }
    }

    /** Paths of {@code before} that {@code after} does not have with the same value. */
    private static List<String> lost(JsonNode before, JsonNode after, String path) {
        if (!before.isContainerNode() || after == null || before.getNodeType() != after.getNodeType()) {
            return before.equals(after) ? List.of() : List.of(path);
        }
        List<String> lost = new ArrayList<>();
        for (Iterator<Map.Entry<String, JsonNode>> fields = before.fields(); fields.hasNext(); ) {
            Map.Entry<String, JsonNode> field = fields.next();
            lost.addAll(lost(field.getValue(), after.get(field.getKey()), path + "/" + field.getKey()));
        }
        for (int i = 0; before.isArray() && i < before.size(); i++) {
            lost.addAll(lost(before.get(i), after.get(i), path + "/" + i));
        }
        return lost;
    }
}
