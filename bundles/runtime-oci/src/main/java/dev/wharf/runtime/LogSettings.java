package dev.wharf.runtime;

import static dev.wharf.spi.DriverException.failure;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.model.LogWords;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.runtime.RuntimeSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What becomes of a container's log, kept beside it for the next agent.
 *
 * @param driver Docker's name for where it goes
 * @param partBytes the size at which a part of it is full, 0 for never
 * @param parts how many parts there may be, the one being written among them
 * @param fields what others are told of the container, by the names that the driver has for it
 */
record LogSettings(
        String driver,
        long partBytes,
        int parts,
        boolean pack,
        Map<String, String> options,
        String tag,
        Map<String, String> fields) {
    /** Docker lets json-file grow for ever, and full disks are what its users complain of; no log of a test is as long. */
    private static final long JSON_FILE_BYTES = 100L << 20;

    private static final long OTHER_BYTES = 20L << 20;
    private static final int USUAL_PARTS = 5;
    private static final String FILE = "logging.json";
    private static final Set<String> FORWARDED = Set.of("syslog", "journald", "fluentd", "gelf");
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Where logs are sent on to; the file is then what {@code docker logs} reads. */
    boolean isForwarded() {
        return FORWARDED.contains(driver);
    }

    /** How many bytes of full parts are kept. */
    long fullBytes() {
        return partBytes * Math.max(1, parts - 1);
    }

    static LogSettings of(RuntimeSpec spec) throws DriverException {
        String driver = spec.spec().logging().driver();
        Map<String, String> options = spec.spec().logging().options();
        boolean jsonFile = driver.equals("json-file");
        long size = jsonFile ? JSON_FILE_BYTES : OTHER_BYTES;
        int parts = USUAL_PARTS;
        if (options.containsKey("max-size")) {
            size = bytes(options.get("max-size"));
            // Docker's json-file keeps one file of a size that somebody gave.
            parts = jsonFile ? 1 : USUAL_PARTS;
        }
        if (options.containsKey("max-file")) {
            parts = number(options.get("max-file"));
        }
        try {
            String tag = LogWords.tag(
                    options.getOrDefault("tag", "{{.ID}}"), spec.container(), spec.name(), spec.spec(), hostname());
            return new LogSettings(
                    driver,
                    size,
                    parts,
                    options.getOrDefault("compress", "false").equals("true"),
                    options,
                    tag,
                    fields(spec, tag));
        } catch (IllegalArgumentException e) {
            throw failure(Kind.INVALID, String.valueOf(e.getMessage()), e);
        }
    }

    private static int number(String text) throws DriverException {
        try {
            return Math.max(1, Integer.parseInt(text.strip()));
        } catch (NumberFormatException e) {
            throw failure(Kind.INVALID, "invalid log option max-file=" + text, e);
        }
    }

    /** A size such as {@code 10m}; -1 is no limit. */
    static long bytes(String text) throws DriverException {
        String lower = text.strip().toLowerCase(Locale.ROOT);
        if (lower.equals("-1")) {
            return 0;
        }
        Matcher parts = Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([kmgt]?)i?b?").matcher(lower);
        if (!parts.matches()) {
            throw failure(Kind.INVALID, "invalid log option max-size=" + text);
        }
        int power = " kmgt".indexOf(parts.group(2).isEmpty() ? " " : parts.group(2));
        return (long) (Double.parseDouble(parts.group(1)) * (1L << (10 * power)));
    }

    /** Labels and variables are told only where somebody asked for them. */
    private static Map<String, String> fields(RuntimeSpec spec, String tag) {
        Map<String, String> chosen = LogWords.chosen(spec.spec());
        Map<String, String> fields = new LinkedHashMap<>();
        switch (spec.spec().logging().driver()) {
            case "fluentd" -> {
                fields.put("container_id", spec.container().value());
                fields.put("container_name", "/" + spec.name());
                fields.putAll(chosen);
            }
            case "gelf" -> {
                fields.put("_command", String.join(" ", spec.spec().command().arguments()));
                fields.put("_container_id", spec.container().value());
                fields.put("_container_name", spec.name());
                fields.put("_created", spec.createdAt().toString());
                fields.put("_image_id", spec.spec().image().value());
                fields.put("_image_name", spec.spec().imageReference());
                fields.put("_tag", tag);
                chosen.forEach((name, value) -> fields.put(name.startsWith("_") ? name : "_" + name, value));
                return new TreeMap<>(fields);
            }
            default -> {
                fields.put("CONTAINER_ID", spec.container().shortForm());
                fields.put("CONTAINER_ID_FULL", spec.container().value());
                fields.put("CONTAINER_NAME", spec.name());
                fields.put("IMAGE_NAME", spec.spec().imageReference());
                fields.putAll(chosen);
            }
        }
        return fields;
    }

    static String hostname() {
        try {
            return Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
        } catch (IOException e) {
            return "localhost";
        }
    }

    void write(Path keep) throws IOException {
        ObjectNode node = JSON.createObjectNode()
                .put("driver", driver)
                .put("partBytes", partBytes)
                .put("parts", parts)
                .put("pack", pack)
                .put("tag", tag);
        node.set("options", JSON.valueToTree(options));
        node.set("fields", JSON.valueToTree(fields));
        Path draft = keep.resolve(FILE + ".draft");
        Files.write(draft, JSON.writeValueAsBytes(node));
        Files.move(draft, keep.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
    }

    static Optional<LogSettings> read(Path keep) throws IOException {
        JsonNode node;
        try {
            node = JSON.readTree(Files.readAllBytes(keep.resolve(FILE)));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
        return Optional.of(new LogSettings(
                node.path("driver").asText(),
                node.path("partBytes").asLong(),
                node.path("parts").asInt(1),
                node.path("pack").asBoolean(),
                map(node.path("options")),
                node.path("tag").asText(),
                map(node.path("fields"))));
    }

    private static Map<String, String> map(JsonNode node) {
        Map<String, String> map = new LinkedHashMap<>();
        node.properties()
                .forEach(field -> map.put(field.getKey(), field.getValue().asText()));
        return map;
    }
}
