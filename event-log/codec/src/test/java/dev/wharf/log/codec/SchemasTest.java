package dev.wharf.log.codec;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import dev.wharf.core.event.Event;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SchemasTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden");

    private final ObjectMapper mapper = new ObjectMapper();
    private final Map<String, ObjectNode> schemas = Schemas.events();

    private JsonSchema schema(String type) {
        return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012).getSchema(schemas.get(type));
    }

    @Test
    void everyEventHasASchemaThatItsGoldenFileFits() throws IOException {
        EventCodec codec = new EventCodec();
        assertThat(schemas.keySet()).isEqualTo(codec.versions().keySet());
        try (Stream<Path> files = Files.list(GOLDEN)) {
            for (Path file : files.sorted().toList()) {
                JsonNode event = mapper.readTree(file.toFile());
                String type = event.get("type").asText();
                if (event.get("v").asInt() == codec.versions().get(type)) {
                    assertThat(schema(type).validate(event)).as(file.toString()).isEmpty();
                }
            }
        }
    }

    @Test
    void whateverIsWrittenFitsAndWhatIsWrongDoesNot() throws IOException {
        EventCodec codec = new EventCodec();
        Random chance = new Random(5);
        for (String type : schemas.keySet()) {
            JsonSchema schema = schema(type);
            for (int i = 0; i < 5; i++) {
                Event event = Samples.random(codec.classOf(type).orElseThrow(), chance);
                JsonNode written = mapper.readTree(codec.encode(event));
                assertThat(schema.validate(written)).as(written.toString()).isEmpty();
                ((ObjectNode) written).put("data", "text");
                assertThat(schema.validate(written)).isNotEmpty();
            }
        }
    }
}
