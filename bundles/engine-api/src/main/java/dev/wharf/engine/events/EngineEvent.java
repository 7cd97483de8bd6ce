package dev.wharf.engine.events;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.engine.http.ApiVersion;
import dev.wharf.engine.json.Json;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** One event in Docker's words. */
record EngineEvent(String type, String action, String id, Map<String, String> attributes, Instant at) {
    /** The same with one attribute more, if there is one. */
    EngineEvent with(String attribute, Optional<?> value) {
        Map<String, String> more = new LinkedHashMap<>(attributes);
        value.ifPresent(v -> more.put(attribute, v.toString()));
        return new EngineEvent(type, action, id, more, at);
    }

    /** That an image was built is told from API 1.46 on. */
    boolean isKnownTo(ApiVersion version) {
        return version.atLeast(46) || !(type.equals("image") && action.equals("create"));
    }

    ObjectNode json(ApiVersion version) {
        ObjectNode node = Json.object();
        if (!version.atLeast(52) && (type.equals("container") || type.equals("image"))) {
            node.put("status", action);
            // A prune is of no container and of no image.
            if (!id.isEmpty()) {
                node.put("id", id);
            }
            if (type.equals("container") && !id.isEmpty()) {
                node.put("from", attributes.getOrDefault("image", ""));
            }
        }
        node.put("Type", type).put("Action", action);
        ObjectNode actor = node.putObject("Actor").put("ID", id);
        actor.set("Attributes", Json.map(attributes));
        return node.put("scope", "local")
                .put("time", at.getEpochSecond())
                .put("timeNano", at.getEpochSecond() * 1_000_000_000L + at.getNano());
    }
}
