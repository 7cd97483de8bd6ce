package dev.wharf.buildkit;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
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
    private static final Gson JSON =
            new GsonBuilder().disableHtmlEscaping().setPrettyPrinting().create();

    private static final String OUTLINE = "frontend.outline";
    private static final String TARGETS = "frontend.targets";
    private static final String CHECK = "frontend.lint";
    private static final String DESCRIBE = "frontend.subrequests.describe";

    /** Of all that is told here. */
    private static final String VERSION = "1.0.0";

    private final String name;
    private final String text;
    private final Attributes wanted;

    /** @param name of the Dockerfile that is told of */
    Told(String name, String text, Attributes wanted) {
        this.name = name;
        this.text = text;
        this.wanted = wanted;
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

    private static Map<String, ByteString> said(Object json) {
        Map<String, ByteString> said = new LinkedHashMap<>();
        said.put("result.json", ByteString.copyFromUtf8(JSON.toJson(json)));
        said.put("version", ByteString.copyFromUtf8(VERSION));
        return said;
    }

    private Stages stages() throws DockerfileException, BuildException {
        return wanted.stages(name, text);
    }

    private String source() {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private JsonArray sources() {
        JsonArray sources = new JsonArray();
        sources.add(source());
        return sources;
    }

    // ---- requests

    private static JsonArray requests() {
        JsonArray all = new JsonArray();
        all.add(request(OUTLINE, "List all parameters current build target supports"));
        all.add(request(TARGETS, "List all targets current build supports"));
        all.add(request(CHECK, "Lint a Dockerfile"));
        all.add(request(DESCRIBE, "List available subrequest types"));
        return all;
    }

    private static JsonObject request(String name, String description) {
        JsonObject request = new JsonObject();
        request.addProperty("name", name);
        request.addProperty("version", VERSION);
        request.addProperty("type", "rpc");
        request.addProperty("description", description);
        return request;
    }

    // ---- targets

    private JsonObject targets() throws DockerfileException, BuildException {
        List<Stage> all = stages().all();
        JsonArray targets = new JsonArray();
        for (Stage stage : all) {
            JsonObject target = new JsonObject();
            add(target, "name", stage.name());
            if (stage.index() == all.size() - 1) {
                target.addProperty("default", true);
            }
            add(target, "description", stage.from().described(stage.name()));
            add(target, "base", stage.from().words().get(0));
            add(target, "platform", stage.from().flag("platform").orElse(""));
            target.add("location", location(stage.from()));
            targets.add(target);
        }
        JsonObject list = new JsonObject();
        list.add("targets", targets);
        list.add("sources", sources());
        return list;
    }

    private static void add(JsonObject object, String key, String value) {
        if (!value.isEmpty()) {
            object.addProperty(key, value);
        }
    }

    private static JsonObject location(Instruction at) {
        return location(at.place().line(), at.lastLine());
    }

    private static JsonObject location(int line, int lastLine) {
        JsonObject range = new JsonObject();
        range.add("start", position(line));
        range.add("end", position(lastLine));
        JsonArray ranges = new JsonArray();
        ranges.add(range);
        JsonObject location = new JsonObject();
        location.add("ranges", ranges);
        return location;
    }

    private static JsonObject position(int line) {
        JsonObject position = new JsonObject();
        position.addProperty("line", line);
        return position;
    }

    // ---- outline

    private JsonObject outline() throws DockerfileException, BuildException {
        Outline outline = Outline.of(stages());
        JsonObject told = new JsonObject();
        add(told, "name", outline.name());
        add(told, "description", outline.description());
        JsonArray arguments = new JsonArray();
        for (Outline.Argument one : outline.arguments()) {
            JsonObject argument = new JsonObject();
            argument.addProperty("name", one.name());
            add(argument, "description", one.description());
            add(argument, "value", one.value());
            argument.add("location", location(one.at()));
            arguments.add(argument);
        }
        add(told, "args", arguments);
        add(told, "secrets", lent(outline.secrets()));
        add(told, "ssh", lent(outline.agents()));
        told.add("sources", sources());
        return told;
    }

    private static void add(JsonObject object, String key, JsonArray values) {
        if (!values.isEmpty()) {
            object.add(key, values);
        }
    }

    private static JsonArray lent(List<Outline.Lent> all) {
        JsonArray lent = new JsonArray();
        for (Outline.Lent one : all) {
            JsonObject told = new JsonObject();
            told.addProperty("name", one.name());
            if (one.required()) {
                told.addProperty("required", true);
            }
            told.add("location", location(one.at()));
            lent.add(told);
        }
        return lent;
    }

    // ---- checks

    private Map<String, ByteString> check() {
        JsonObject told = new JsonObject();
        JsonArray warnings = new JsonArray();
        JsonObject source = new JsonObject();
        source.addProperty("filename", name);
        source.addProperty("language", "Dockerfile");
        source.addProperty("data", source());
        JsonArray sources = new JsonArray();
        sources.add(source);
        told.add("warnings", warnings);
        told.add("sources", sources);
        try {
            Checks.Result result =
                    Checks.of(stages(), wanted.checks(), wanted.target().isEmpty());
            result.warnings().forEach(one -> warnings.add(warning(one)));
            result.violation().ifPresent(why -> told.add("buildError", error(why, 1)));
        } catch (DockerfileException e) {
            told.add(
                    "buildError",
                    error(String.valueOf(e.getMessage()).lines().findFirst().orElse(""), e.line()));
        } catch (BuildException e) {
            told.add("buildError", error(String.valueOf(e.getMessage()), 0));
        }
        Map<String, ByteString> said = said(told);
        boolean clean = warnings.isEmpty() && !told.has("buildError");
        said.put("result.statuscode", ByteString.copyFromUtf8(clean ? "0" : "1"));
        return said;
    }

    private static JsonObject error(String message, int line) {
        JsonObject error = new JsonObject();
        error.addProperty("message", message);
        error.add("location", line > 0 ? location(line, line) : new JsonObject());
        return error;
    }

    private static JsonObject warning(Checks.Warning one) {
        JsonObject warning = new JsonObject();
        warning.addProperty("ruleName", one.rule().title());
        warning.addProperty("description", one.rule().description());
        warning.addProperty("url", one.rule().address());
        warning.addProperty("detail", one.detail());
        warning.add("location", location(one.line(), one.lastLine()));
        return warning;
    }
}
