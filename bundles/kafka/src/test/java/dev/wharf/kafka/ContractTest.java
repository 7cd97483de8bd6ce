package dev.wharf.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.kafka.desired.DocumentText;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.log.codec.Schemas;
import dev.wharf.model.DocumentKey;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What others may rely on: the AsyncAPI document and the JSON Schemas in {@code dist/docs} are what the code says. Written anew
 * with {@code -Dgolden.write=true}, for a change that is meant.
 */
class ContractTest {
    private static final Path DOCS = Path.of("../../dist/docs");
    private static final String SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12";
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private static Map<Path, String> contract() throws IOException {
        Map<Path, String> files = new TreeMap<>();
        for (Map.Entry<String, ObjectNode> event : Schemas.events().entrySet()) {
            files.put(Path.of("schemas", "events", event.getKey() + ".json"), text(event.getValue()));
        }
        for (Map.Entry<String, Class<? extends Record>> kind : Order.kinds().entrySet()) {
            files.put(
                    Path.of("schemas", "commands", kind.getKey() + ".json"),
                    text(Schemas.of(kind.getValue(), "urn:dev.wharf:command:" + kind.getKey() + ":1", kind.getKey())));
        }
        files.put(
                Path.of("schemas", "command.json"),
                text(Schemas.of(Order.Sent.class, "urn:dev.wharf:command:1", "A command, whatever its kind")));
        files.put(
                Path.of("schemas", "result.json"),
                text(Schemas.of(Order.Answer.class, "urn:dev.wharf:result:1", "The one answer to a command")));
        files.put(Path.of("schemas", "desired.json"), text(desired()));
        StringBuilder yaml = new StringBuilder(
                "# Made from the code; see ContractTest. Topics begin with the setting topics.prefix, wharf here.\n");
        yaml(asyncApi(), 0, yaml);
        files.put(Path.of("asyncapi.yaml"), yaml.toString());
        return files;
    }

    /** Written by hand, and held against what the reader knows in {@link #documentsHaveTheFieldsThatAreRead}. */
    private static JsonNode desired() throws IOException {
        try (InputStream in = ContractTest.class.getResourceAsStream("/desired.schema.json")) {
            return JSON.readTree(in);
        }
    }

    private static String text(JsonNode node) throws IOException {
        return JSON.writeValueAsString(node) + "\n";
    }

    private static ObjectNode asyncApi() {
        ObjectNode api = JSON.createObjectNode().put("asyncapi", "3.0.0");
        api.putObject("info")
                .put("title", "Wharf hosts on Kafka")
                .put("version", "1")
                .put(
                        "description",
                        "Every event of every host once and in its host's order, the newest state of each subject,"
                                + " commands to hosts and their results. Read with isolation.level=read_committed.")
                .putObject("license")
                .put("name", "Apache-2.0");
        api.put("defaultContentType", "application/json");
        ObjectNode channels = api.putObject("channels");
        ObjectNode operations = api.putObject("operations");
        ObjectNode messages = api.putObject("components").putObject("messages");

        ObjectNode events = channel(
                channels, "events", "Every event, key is the host's id. CloudEvents 1.0 in binary mode by default.");
        new EventCodec().versions().forEach((type, version) -> {
            ObjectNode message = message(messages, "event." + type, Envelopes.TYPE + type + ".v" + version);
            message.set("headers", headers(type, version));
            payload(message, "schemas/events/" + type + ".json");
            refer(events, "event." + type);
        });
        ObjectNode state = channel(
                channels,
                "state",
                "Compacted. The newest state of each subject, key is host/kind:id, as the event that records it whole;"
                        + " no value where the subject is gone.");
        for (String type : new EventCodec().versions().keySet()) {
            if (StateChanges.TYPES.contains(type)) {
                refer(state, "event." + type);
            }
        }
        ObjectNode commands = channel(channels, "commands", "Commands to hosts, key is the host's id.");
        Order.kinds().keySet().forEach(kind -> {
            ObjectNode message = message(messages, "command." + kind, kind);
            ObjectNode schema = JSON.createObjectNode();
            ArrayNode all = schema.putArray("allOf");
            all.addObject().put("$ref", "schemas/command.json");
            ObjectNode data = all.addObject().putObject("properties");
            data.putObject("kind").put("const", kind);
            data.putObject("data").put("$ref", "schemas/commands/" + kind + ".json");
            message.putObject("payload").put("schemaFormat", SCHEMA_FORMAT).set("schema", schema);
            message.putObject("correlationId").put("location", "$message.payload#/id");
            refer(commands, "command." + kind);
        });
        ObjectNode results = channel(channels, "results", "One answer to each command, key is the host's id.");
        ObjectNode result = message(messages, "result", "result");
        payload(result, "schemas/result.json");
        result.putObject("correlationId").put("location", "$message.payload#/command");
        refer(results, "result");
        ObjectNode wanted = channel(
                channels,
                "desired",
                "Compacted. What hosts shall be like, key is host/NAME or group/NAME; the header principal says whose it"
                        + " is, the header signature proves it.");
        payload(message(messages, "desired", "desired"), "schemas/desired.json");
        refer(wanted, "desired");
        ObjectNode hosts = channel(
                channels, "hosts", "Compacted. By what each host is known, key is the host's id, as host.recorded.");
        refer(hosts, "event.host.recorded");
        channel(
                channels,
                "commands.dlq",
                "Commands that were malformed, unknown, too late or not allowed, as they came but for secrets, with the headers"
                        + " wharf-outcome, wharf-reason and wharf-source.");
        operation(operations, "publishEvents", "send", "events");
        operation(operations, "publishState", "send", "state");
        operation(operations, "takeCommands", "receive", "commands");
        operation(operations, "answerCommands", "send", "results");
        operation(operations, "putAsideCommands", "send", "commands.dlq");
        operation(operations, "takeDesiredState", "receive", "desired");
        operation(operations, "introduceHosts", "send", "hosts");
        return api;
    }

    private static ObjectNode channel(ObjectNode channels, String name, String description) {
        return channels.putObject(id(name)).put("address", "wharf." + name).put("description", description);
    }

    private static String id(String name) {
        return name.replace(".dlq", "DeadLetters");
    }

    private static ObjectNode message(ObjectNode messages, String id, String name) {
        return messages.putObject(id).put("name", name).put("contentType", "application/json");
    }

    private static void payload(ObjectNode message, String file) {
        message.putObject("payload")
                .put("schemaFormat", SCHEMA_FORMAT)
                .putObject("schema")
                .put("$ref", file);
    }

    private static void refer(ObjectNode channel, String message) {
        channel.withObject("/messages").putObject(message).put("$ref", "#/components/messages/" + message);
    }

    private static void operation(ObjectNode operations, String name, String action, String channel) {
        operations.putObject(name).put("action", action).putObject("channel").put("$ref", "#/channels/" + id(channel));
    }

    private static ObjectNode headers(String type, int version) {
        ObjectNode headers = JSON.createObjectNode().put("type", "object");
        ObjectNode properties = headers.putObject("properties");
        properties.putObject("ce_specversion").put("const", "1.0");
        properties.putObject("ce_type").put("const", Envelopes.TYPE + type + ".v" + version);
        properties.putObject("ce_dataschema").put("const", Envelopes.SCHEMA + type + ":" + version);
        for (String name : List.of(
                "ce_id",
                "ce_source",
                "ce_subject",
                "ce_time",
                "ce_sequence",
                "ce_actor",
                "ce_correlationid",
                "ce_causationid",
                "ce_chainhead",
                "ce_missingfrom")) {
            properties.putObject(name).put("type", "string");
        }
        ArrayNode required = headers.putArray("required");
        Stream.of("ce_id", "ce_source", "ce_specversion", "ce_type", "ce_subject", "ce_time", "ce_sequence", "ce_actor")
                .forEach(required::add);
        return headers;
    }

    /** As much of YAML as this needs. */
    private static void yaml(JsonNode node, int depth, StringBuilder out) throws IOException {
        String indent = "  ".repeat(depth);
        Iterator<Map.Entry<String, JsonNode>> fields = node.fields();
        while (fields.hasNext()) {
            Map.Entry<String, JsonNode> field = fields.next();
            out.append(indent).append(key(field.getKey())).append(':');
            value(field.getValue(), depth, out);
        }
        for (int i = 0; node.isArray() && i < node.size(); i++) {
            out.append(indent).append('-');
            value(node.get(i), depth, out);
        }
    }

    private static void value(JsonNode value, int depth, StringBuilder out) throws IOException {
        if (value.isContainerNode()) {
            out.append('\n');
            yaml(value, depth + 1, out);
        } else {
            out.append(' ').append(new ObjectMapper().writeValueAsString(value)).append('\n');
        }
    }

    private static String key(String name) throws IOException {
        return name.matches("[A-Za-z][A-Za-z0-9_.-]*") ? name : new ObjectMapper().writeValueAsString(name);
    }

    @Test
    void documentsHaveTheFieldsThatAreRead() throws IOException {
        Map<String, String> places = Map.of(
                "", "{\"v\":1,\"zzz\":1}",
                "network", "{\"v\":1,\"networks\":{\"n\":{\"zzz\":1}}}",
                "volume", "{\"v\":1,\"volumes\":{\"n\":{\"zzz\":1}}}",
                "service", "{\"v\":1,\"services\":{\"n\":{\"image\":\"a\",\"zzz\":1}}}",
                "health", "{\"v\":1,\"services\":{\"n\":{\"image\":\"a\",\"health\":{\"zzz\":1}}}}",
                "update", "{\"v\":1,\"services\":{\"n\":{\"image\":\"a\",\"update\":{\"zzz\":1}}}}");
        for (Map.Entry<String, String> place : places.entrySet()) {
            JsonNode schema = place.getKey().isEmpty()
                    ? desired()
                    : desired().path("$defs").path(place.getKey());
            List<String> fields = new ArrayList<>();
            schema.path("properties").fieldNames().forEachRemaining(fields::add);
            assertThatThrownBy(() -> DocumentText.read(
                            new DocumentKey("group/a"), place.getValue().getBytes(StandardCharsets.UTF_8)))
                    .hasMessageEndingWith("zzz is not known; known are "
                            + String.join(", ", fields.stream().sorted().toList()));
        }
    }

    @Test
    void whatIsWrittenDownIsWhatTheCodeSays() throws IOException {
        Map<Path, String> contract = contract();
        if (Boolean.getBoolean("golden.write")) {
            for (Map.Entry<Path, String> file : contract.entrySet()) {
                Path target = DOCS.resolve(file.getKey());
                Files.createDirectories(target.getParent());
                Files.writeString(target, file.getValue());
            }
        }
        List<String> wrong = new ArrayList<>();
        for (Map.Entry<Path, String> file : contract.entrySet()) {
            Path target = DOCS.resolve(file.getKey());
            if (!Files.exists(target) || !Files.readString(target).equals(file.getValue())) {
                wrong.add(file.getKey().toString());
            }
        }
        assertThat(wrong)
                .as("files that differ: mvn test -pl bundles/kafka -Dtest=ContractTest -Dgolden.write=true")
                .isEmpty();
        try (Stream<Path> files = Files.walk(DOCS.resolve("schemas"))) {
            assertThat(files.filter(Files::isRegularFile).map(DOCS::relativize))
                    .as("no schema of something that is no more")
                    .allMatch(contract::containsKey);
        }
    }
}
