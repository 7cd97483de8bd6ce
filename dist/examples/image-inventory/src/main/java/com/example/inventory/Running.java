package com.example.inventory;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.Optional;

/**
 * A container that runs.
 *
 * @param image as it was asked for, such as {@code nginx}
 * @param since when its process was started
 */
record Running(String host, String id, String name, String image, Instant since) {
    /**
     * Reads a state as it lies on {@code wharf.state}; docs/schemas/events/container.recorded.json describes it.
     *
     * @param key {@code HOST/kind:id}
     * @param state nothing where the subject is gone
     */
    static Optional<Running> of(String key, byte[] state) {
        int slash = key.indexOf('/');
        if (state == null || !key.startsWith("container:", slash + 1)) {
            return Optional.empty();
        }
        JsonNode container = Json.read(state).path("data").path("state");
        JsonNode process = container.path("process");
        boolean runs = !process.path("certainty").asText().equals("ABSENT")
                && process.path("last").path("started").asBoolean();
        if (!runs) {
            return Optional.empty();
        }
        JsonNode spec = container.path("spec");
        return Optional.of(new Running(
                key.substring(0, slash),
                container.path("id").asText(),
                container.path("name").asText(),
                spec.path("imageReference").asText(spec.path("image").asText()),
                Instant.parse(container.path("startedAt").asText())));
    }
}
