package dev.wharf.oci.archive;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.wharf.oci.image.DocumentException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Docker's table of contents, {@code manifest.json}: a list of objects with Config, RepoTags and Layers. */
final class Tables {
    static final ObjectMapper MAPPER = new ObjectMapper(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(16)
                    .maxTokenCount(200_000)
                    .build())
            .build());

    private Tables() {}

    static JsonNode parse(byte[] table) throws DocumentException {
        try {
            JsonNode lines = MAPPER.readTree(table);
            if (lines == null || !lines.isArray()) {
                throw new DocumentException("malformed manifest.json: not a list");
            }
            return lines;
        } catch (JsonProcessingException e) {
            throw new DocumentException("malformed manifest.json: " + e.getOriginalMessage(), e);
        } catch (DocumentException e) {
            throw e;
        } catch (IOException e) {
            throw new DocumentException("malformed manifest.json: " + e.getMessage(), e);
        }
    }

    static String text(JsonNode line, String key) throws DocumentException {
        JsonNode value = line.path(key);
        if (!value.isTextual()) {
            throw new DocumentException("malformed manifest.json: \"" + key + "\" is not a string");
        }
        return value.textValue();
    }

    static List<String> texts(JsonNode line, String key) throws DocumentException {
        JsonNode value = line.path(key);
        List<String> texts = new ArrayList<>();
        if (!value.isMissingNode() && !value.isNull() && !value.isArray()) {
            throw new DocumentException("malformed manifest.json: \"" + key + "\" is not a list");
        }
        for (JsonNode element : value) {
            if (!element.isTextual()) {
                throw new DocumentException(
                        "malformed manifest.json: \"" + key + "\" holds something that is not a string");
            }
            texts.add(element.textValue());
        }
        return texts;
    }
}
