package dev.wharf.buildkit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import dev.wharf.build.dockerfile.DockerfileException;
import dev.wharf.build.dockerfile.Instruction;
import dev.wharf.build.plan.Checks;
import dev.wharf.build.plan.Outline;
import dev.wharf.build.plan.Stage;
import dev.wharf.build.plan.Stages;
import dev.wharf.build.run.BuildException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What is told of a Dockerfile where nothing is built of it, as {@code docker buildx build --call} asks for it. */
final class Told {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** As Go indents. */
    private static final ObjectWriter WRITER = JSON.writer(new DefaultPrettyPrinter(Separators.createDefaultInstance()
                    .withObjectFieldValueSpacing(Separators.Spacing.AFTER)
                    .withObjectEmptySeparator("")
                    .withArrayEmptySeparator(""))
            .withArrayIndenter(DefaultIndenter.SYSTEM_LINEFEED_INSTANCE));

    private static final String OUTLINE = "frontend.outline";
    private static final String TARGETS = "frontend.targets";
    private static final String CHECK = "frontend.lint";
    private static final String DESCRIBE = "frontend.subrequests.describe";

    /** Of all that is told here. */
    private static final String VERSION = "1.0.0";

    private final String name;
    private final String text;
    private final Attributes wanted;
    private final Workshop workshop;

    /** @param name of the Dockerfile that is told of */
    Told(String name, String text, Attributes wanted, Workshop workshop) {
        this.name = name;
        this.text = text;
        this.wanted = wanted;
        this.workshop = workshop;
    }

    /** Answers a request by the names that BuildKit has for what it says. */
    Map<String, ByteString> answer(String request) throws BuildException {
        try {
            return switch (request) {
                case OUTLINE -> said(outline());
                case TARGETS -> said(targets());
                case CHECK -> check();
                case DESCRIBE -> said(requests());
                default -> throw new BuildException("unsupported request " + request);
            };
        } catch (DockerfileException e) {
            throw new BuildException(String.valueOf(e.getMessage()));
        }
    }

    private static Map<String, ByteString> said(JsonNode json) {
        Map<String, ByteString> said = new LinkedHashMap<>();
        try {
            said.put("result.json", ByteString.copyFrom(WRITER.writeValueAsBytes(json)));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of plain values cannot be written", e);
        }
        said.put("version", ByteString.copyFromUtf8(VERSION));
        return said;
    }

    private Stages stages() throws DockerfileException, BuildException {
        return wanted.stages(name, text);
    }

    private String source() {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private ArrayNode sources() {
        ArrayNode sources = JSON.createArrayNode();
        sources.add(source());
        return sources;
    }

    // ---- requests

    private static ArrayNode requests() {
        ArrayNode all = JSON.createArrayNode();
        all.add(request(OUTLINE, "List all parameters current build target supports"));
        all.add(request(TARGETS, "List all targets current build supports"));
        all.add(request(CHECK, "Lint a Dockerfile"));
        all.add(request(DESCRIBE, "List available subrequest types"));
        return all;
    }

    private static ObjectNode request(String name, String description) {
        ObjectNode request = JSON.createObjectNode();
        request.put("name", name);
        request.put("version", VERSION);
        request.put("type", "rpc");
        request.put("description", description);
        return request;
    }

    // ---- targets

    private ObjectNode targets() throws DockerfileException, BuildException {
        List<Stage> all = stages().all();
        ArrayNode targets = JSON.createArrayNode();
        for (Stage stage : all) {
            ObjectNode target = JSON.createObjectNode();
            add(target, "name", stage.name());
            if (stage.index() == all.size() - 1) {
                target.put("default", true);
            }
            add(target, "description", stage.from().described(stage.name()));
            add(target, "base", stage.from().words().get(0));
            add(target, "platform", stage.from().flag("platform").orElse(""));
            target.set("location", location(stage.from()));
            targets.add(target);
        }
        ObjectNode list = JSON.createObjectNode();
        list.set("targets", targets);
        list.set("sources", sources());
        return list;
    }

    private static void add(ObjectNode object, String key, String value) {
        if (!value.isEmpty()) {
            object.put(key, value);
        }
    }

    private static ObjectNode location(Instruction at) {
        return location(at.place().line(), at.lastLine());
    }

    private static ObjectNode location(int line, int lastLine) {
        ObjectNode range = JSON.createObjectNode();
        range.set("start", position(line));
        range.set("end", position(lastLine));
        ArrayNode ranges = JSON.createArrayNode();
        ranges.add(range);
        ObjectNode location = JSON.createObjectNode();
        location.set("ranges", ranges);
        return location;
    }

    private static ObjectNode position(int line) {
        ObjectNode position = JSON.createObjectNode();
        position.put("line", line);
        return position;
    }

    // ---- outline

    private ObjectNode outline() throws DockerfileException, BuildException {
        Outline outline = Outline.of(stages());
        ObjectNode told = JSON.createObjectNode();
        add(told, "name", outline.name());
        add(told, "description", outline.description());
        ArrayNode arguments = JSON.createArrayNode();
        for (Outline.Argument one : outline.arguments()) {
            ObjectNode argument = JSON.createObjectNode();
            argument.put("name", one.name());
            add(argument, "description", one.description());
            add(argument, "value", one.value());
            argument.set("location", location(one.at()));
            arguments.add(argument);
        }
        add(told, "args", arguments);
        add(told, "secrets", lent(outline.secrets()));
        add(told, "ssh", lent(outline.agents()));
        told.set("sources", sources());
        return told;
    }

    private static void add(ObjectNode object, String key, ArrayNode values) {
        if (!values.isEmpty()) {
            object.set(key, values);
        }
    }

    private static ArrayNode lent(List<Outline.Lent> all) {
        ArrayNode lent = JSON.createArrayNode();
        for (Outline.Lent one : all) {
            ObjectNode told = JSON.createObjectNode();
            told.put("name", one.name());
            if (one.required()) {
                told.put("required", true);
            }
            told.set("location", location(one.at()));
            lent.add(told);
        }
        return lent;
    }

    // ---- checks

    private Map<String, ByteString> check() {
        ObjectNode told = JSON.createObjectNode();
        ArrayNode warnings = JSON.createArrayNode();
        ObjectNode source = JSON.createObjectNode();
        source.put("filename", name);
        source.put("language", "Dockerfile");
        source.put("data", source());
        ArrayNode sources = JSON.createArrayNode();
        sources.add(source);
        told.set("warnings", warnings);
        told.set("sources", sources);
        try {
            Checks.Result result =
                    Checks.of(stages(), wanted.checks(), wanted.target().isEmpty(), wanted.bases(workshop));
            result.warnings().forEach(one -> warnings.add(warning(one)));
            result.violation().ifPresent(why -> told.set("buildError", error(why, 1)));
        } catch (DockerfileException e) {
            told.set(
                    "buildError",
                    error(String.valueOf(e.getMessage()).lines().findFirst().orElse(""), e.line()));
        } catch (BuildException e) {
            told.set("buildError", error(String.valueOf(e.getMessage()), 0));
        }
        Map<String, ByteString> said = said(told);
        boolean clean = warnings.isEmpty() && !told.has("buildError");
        said.put("result.statuscode", ByteString.copyFromUtf8(clean ? "0" : "1"));
        return said;
    }

    private static ObjectNode error(String message, int line) {
        ObjectNode error = JSON.createObjectNode();
        error.put("message", message);
        error.set("location", line > 0 ? location(line, line) : JSON.createObjectNode());
        return error;
    }

    private static ObjectNode warning(Checks.Warning one) {
        ObjectNode warning = JSON.createObjectNode();
        warning.put("ruleName", one.rule().title());
        warning.put("description", one.rule().description());
        warning.put("url", one.rule().address());
        warning.put("detail", one.detail());
        warning.set("location", location(one.line(), one.lastLine()));
        return warning;
    }
}
