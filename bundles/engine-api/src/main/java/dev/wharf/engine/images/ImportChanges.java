package dev.wharf.engine.images;

import com.fasterxml.jackson.databind.JsonNode;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.json.Json;
import dev.wharf.model.ImageConfig;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Applies Dockerfile instructions to an image's config, as {@code --change} of import and commit asks. */
final class ImportChanges {
    private ImportChanges() {}

    static ImageConfig apply(ImageConfig base, List<String> changes) {
        ImageConfig config = base;
        for (String change : changes) {
            for (String line : change.split("\n")) {
                if (!line.isBlank()) {
                    config = apply(config, line.strip());
                }
            }
        }
        return config;
    }

    private static ImageConfig apply(ImageConfig c, String line) {
        int space = line.indexOf(' ');
        String word = (space < 0 ? line : line.substring(0, space)).toUpperCase(Locale.ROOT);
        String rest = space < 0 ? "" : line.substring(space + 1).strip();
        List<String> env = new ArrayList<>(c.env());
        List<String> volumes = new ArrayList<>(c.volumes());
        List<String> ports = new ArrayList<>(c.exposedPorts());
        Map<String, String> labels = new LinkedHashMap<>(c.labels());
        List<String> entrypoint = c.entrypoint();
        List<String> cmd = c.cmd();
        List<String> onBuild = new ArrayList<>(c.onBuild());
        String user = c.user();
        String workingDir = c.workingDir();
        String stopSignal = c.stopSignal();
        switch (word) {
            case "CMD" -> cmd = words(rest);
            case "ENTRYPOINT" -> entrypoint = words(rest);
            case "ENV" -> {
                int split = rest.indexOf('=') < 0 ? rest.indexOf(' ') : rest.indexOf('=');
                if (split < 1) {
                    throw Problem.invalid("ENV names a variable and its value: " + line);
                }
                String key = rest.substring(0, split);
                env.removeIf(e -> e.startsWith(key + "="));
                env.add(key + "=" + unquoted(rest.substring(split + 1).strip()));
            }
            case "LABEL" -> {
                int split = rest.indexOf('=');
                if (split < 1) {
                    throw Problem.invalid("LABEL names a label and its value: " + line);
                }
                labels.put(rest.substring(0, split), unquoted(rest.substring(split + 1)));
            }
            case "USER" -> user = rest;
            case "WORKDIR" -> workingDir = rest;
            case "STOPSIGNAL" -> stopSignal = rest;
            case "ONBUILD" -> onBuild.add(rest);
            case "EXPOSE" -> {
                for (String port : rest.split("\\s+")) {
                    ports.add(port.contains("/") ? port : port + "/tcp");
                }
            }
            case "VOLUME" -> volumes.addAll(rest.startsWith("[") ? words(rest) : List.of(rest.split("\\s+")));
            default -> throw Problem.invalid(word.toLowerCase(Locale.ROOT) + " is not a valid change command");
        }
        return new ImageConfig(
                c.platform(),
                c.created(),
                c.author(),
                user,
                env,
                entrypoint,
                cmd,
                workingDir,
                volumes,
                ports,
                labels,
                stopSignal,
                c.healthcheck(),
                c.shell(),
                onBuild,
                c.diffIds(),
                c.history());
    }

    /** The exec form is JSON; anything else is a line for the shell. */
    private static List<String> words(String text) {
        if (text.startsWith("[")) {
            try {
                List<String> words = new ArrayList<>();
                for (JsonNode word : Json.parse(text.getBytes(StandardCharsets.UTF_8))) {
                    words.add(word.asText());
                }
                return words;
            } catch (IOException e) {
                throw Problem.invalid("invalid exec form " + text + ": " + e.getMessage());
            }
        }
        return List.of("/bin/sh", "-c", text);
    }

    private static String unquoted(String text) {
        return text.length() >= 2 && text.startsWith("\"") && text.endsWith("\"")
                ? text.substring(1, text.length() - 1)
                : text;
    }
}
