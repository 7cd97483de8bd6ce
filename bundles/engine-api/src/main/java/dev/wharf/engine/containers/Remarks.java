package dev.wharf.engine.containers;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.engine.http.Body;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Fields that change nothing, or nothing beside what is known otherwise, and that clients read back as they wrote them: the
 * command line writes the file of {@code --cidfile} down here, and compares of others whether they are as somebody wants.
 */
final class Remarks {
    private static final String HOST_CONFIG = "HostConfig.";

    private enum Kind {
        TEXT,
        NUMBER,
        FLAG
    }

    private static final Map<String, Kind> FIELDS = Map.of(
            "StopSignal",
            Kind.TEXT,
            "StopTimeout",
            Kind.NUMBER,
            "NetworkDisabled",
            Kind.FLAG,
            HOST_CONFIG + "ContainerIDFile",
            Kind.TEXT,
            HOST_CONFIG + "UsernsMode",
            Kind.TEXT,
            HOST_CONFIG + "VolumeDriver",
            Kind.TEXT,
            HOST_CONFIG + "Init",
            Kind.FLAG);

    private Remarks() {}

    /** What a client says of these fields when it creates a container. */
    static Map<String, String> of(Body config) {
        Map<String, String> remarks = new TreeMap<>();
        FIELDS.forEach((field, kind) -> {
            Body body = field.startsWith(HOST_CONFIG) ? config.body("HostConfig") : config;
            String name = name(field);
            Optional<String> said = switch (kind) {
                case TEXT -> body.optionalText(name).filter(text -> !text.isEmpty());
                case NUMBER -> body.optionalNumber(name).map(number -> Long.toString(number));
                case FLAG -> body.has(name) ? Optional.of(Boolean.toString(body.flag(name))) : Optional.empty();
            };
            said.ifPresent(text -> remarks.put(field, text));
        });
        return remarks;
    }

    static void config(Map<String, String> remarks, ObjectNode config) {
        show(remarks, false, config);
    }

    static void hostConfig(Map<String, String> remarks, ObjectNode hostConfig) {
        show(remarks, true, hostConfig);
    }

    private static void show(Map<String, String> remarks, boolean ofHost, ObjectNode node) {
        remarks.forEach((field, said) -> {
            if (field.startsWith(HOST_CONFIG) == ofHost) {
                switch (FIELDS.getOrDefault(field, Kind.TEXT)) {
                    case TEXT -> node.put(name(field), said);
                    case NUMBER -> node.put(name(field), Long.parseLong(said));
                    case FLAG -> node.put(name(field), Boolean.parseBoolean(said));
                }
            }
        });
    }

    private static String name(String field) {
        return field.substring(field.indexOf('.') + 1);
    }
}
