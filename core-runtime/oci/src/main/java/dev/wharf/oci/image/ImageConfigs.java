package dev.wharf.oci.image;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.model.Digest;
import dev.wharf.model.Healthcheck;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.Platform;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads and writes an image's config document (OCI image spec, image configuration, and Docker's additions to it). Only the
 * fields of {@link ImageConfig} are taken; {@code container_config}, host settings and whatever else is there are passed over.
 */
public final class ImageConfigs {
    /** The greatest config that is read, in bytes. */
    public static final int LIMIT_BYTES = 8 << 20;

    private static final int MAX_LAYERS = 1024;
    private static final int MAX_HISTORY = 20_000;

    private ImageConfigs() {}

    /** Reads a config document. */
    public static ImageConfig parse(byte[] document) throws DocumentException {
        JsonNode root = Json.parse(document, LIMIT_BYTES, "image config");
        if (Json.has(root, "layers") || Json.has(root, "manifests")) {
            throw new DocumentException("ambiguous document: an image config has neither layers nor manifests");
        }
        try {
            JsonNode config = Json.child(root, "config");
            return new ImageConfig(
                    platform(root),
                    Json.text(root, "created"),
                    Json.text(root, "author"),
                    Json.text(config, "User"),
                    Json.texts(config, "Env"),
                    Json.words(config, "Entrypoint"),
                    Json.words(config, "Cmd"),
                    Json.text(config, "WorkingDir"),
                    Json.keys(config, "Volumes"),
                    Json.keys(config, "ExposedPorts"),
                    Json.map(config, "Labels"),
                    Json.text(config, "StopSignal"),
                    healthcheck(Json.child(config, "Healthcheck")),
                    Json.words(config, "Shell"),
                    Json.texts(config, "OnBuild"),
                    diffIds(root),
                    history(root));
        } catch (IllegalArgumentException e) {
            throw new DocumentException("malformed image config: " + e.getMessage(), e);
        }
    }

    private static Platform platform(JsonNode root) throws DocumentException {
        String os = Json.text(root, "os");
        String architecture = Json.text(root, "architecture");
        // Some importers leave these out; what they import came from a machine like this one.
        return new Platform(
                os.isEmpty() ? "linux" : os,
                architecture.isEmpty() ? Platform.host().architecture() : architecture,
                Json.text(root, "variant"));
    }

    private static Optional<Healthcheck> healthcheck(JsonNode node) throws DocumentException {
        if (Json.absent(node)) {
            return Optional.empty();
        }
        long retries = Json.number(node, "Retries");
        if (retries < 0 || retries > Integer.MAX_VALUE) {
            throw new DocumentException("field \"Retries\" is out of range: " + retries);
        }
        return Optional.of(new Healthcheck(
                Json.texts(node, "Test"),
                nanos(node, "Interval"),
                nanos(node, "Timeout"),
                nanos(node, "StartPeriod"),
                nanos(node, "StartInterval"),
                (int) retries));
    }

    private static Duration nanos(JsonNode node, String key) throws DocumentException {
        long nanos = Json.number(node, key);
        if (nanos < 0) {
            throw new DocumentException("field \"" + key + "\" is negative");
        }
        return Duration.ofNanos(nanos);
    }

    private static List<Digest> diffIds(JsonNode root) throws DocumentException {
        JsonNode rootfs = Json.field(root, "rootfs");
        if (!rootfs.isObject()) {
            throw new DocumentException("malformed image config: no \"rootfs\"");
        }
        // Some writers leave it out, and there is only one.
        String type = Json.text(rootfs, "type");
        if (!type.isEmpty() && !type.equals("layers")) {
            throw new DocumentException("unsupported rootfs type \"" + type + "\"");
        }
        Json.list(rootfs, "diff_ids", MAX_LAYERS);
        List<Digest> diffIds = new ArrayList<>();
        for (String text : Json.texts(rootfs, "diff_ids")) {
            diffIds.add(Digest.parse(text));
        }
        return diffIds;
    }

    private static List<ImageConfig.History> history(JsonNode root) throws DocumentException {
        List<ImageConfig.History> history = new ArrayList<>();
        for (JsonNode node : Json.list(root, "history", MAX_HISTORY)) {
            if (!node.isObject()) {
                throw new DocumentException("field \"history\" holds something that is not an object");
            }
            history.add(new ImageConfig.History(
                    Json.text(node, "created"),
                    Json.text(node, "created_by"),
                    Json.text(node, "author"),
                    Json.text(node, "comment"),
                    Json.field(node, "empty_layer").asBoolean(false)));
        }
        return history;
    }

    /** The config as a document that both OCI and Docker readers take; equal configs give equal bytes. */
    public static byte[] write(ImageConfig image) {
        ObjectNode root = Json.object();
        root.put("architecture", image.platform().architecture());
        put(root, "variant", image.platform().variant());
        root.put("os", image.platform().os());
        put(root, "created", image.created());
        put(root, "author", image.author());

        ObjectNode config = root.putObject("config");
        put(config, "User", image.user());
        put(config, "Env", image.env());
        put(config, "Entrypoint", image.entrypoint());
        put(config, "Cmd", image.cmd());
        put(config, "WorkingDir", image.workingDir());
        putSet(config, "Volumes", image.volumes());
        putSet(config, "ExposedPorts", image.exposedPorts());
        Json.putMap(config, "Labels", image.labels());
        put(config, "StopSignal", image.stopSignal());
        image.healthcheck().ifPresent(check -> put(config, check));
        put(config, "Shell", image.shell());
        put(config, "OnBuild", image.onBuild());

        ObjectNode rootfs = root.putObject("rootfs");
        rootfs.put("type", "layers");
        ArrayNode diffIds = rootfs.putArray("diff_ids");
        image.diffIds().forEach(diffId -> diffIds.add(diffId.toString()));

        ArrayNode history = root.putArray("history");
        for (ImageConfig.History line : image.history()) {
            ObjectNode node = history.addObject();
            put(node, "created", line.created());
            put(node, "created_by", line.createdBy());
            put(node, "author", line.author());
            put(node, "comment", line.comment());
            if (line.emptyLayer()) {
                node.put("empty_layer", true);
            }
        }
        return Json.write(root);
    }

    private static void put(ObjectNode config, Healthcheck check) {
        ObjectNode node = config.putObject("Healthcheck");
        put(node, "Test", check.test());
        put(node, "Interval", check.interval());
        put(node, "Timeout", check.timeout());
        put(node, "StartPeriod", check.startPeriod());
        put(node, "StartInterval", check.startInterval());
        if (check.retries() > 0) {
            node.put("Retries", check.retries());
        }
    }

    private static void put(ObjectNode node, String key, Duration duration) {
        if (!duration.isZero()) {
            node.put(key, duration.toNanos());
        }
    }

    private static void put(ObjectNode node, String key, String text) {
        if (!text.isEmpty()) {
            node.put(key, text);
        }
    }

    private static void put(ObjectNode node, String key, List<String> texts) {
        if (!texts.isEmpty()) {
            ArrayNode list = node.putArray(key);
            texts.forEach(list::add);
        }
    }

    private static void putSet(ObjectNode node, String key, List<String> members) {
        if (!members.isEmpty()) {
            ObjectNode set = node.putObject(key);
            members.forEach(set::putObject);
        }
    }
}
