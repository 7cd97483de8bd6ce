package dev.wharf.engine.build;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.build.plan.Contexts;
import dev.wharf.build.run.Job;
import dev.wharf.build.run.Order;
import dev.wharf.engine.http.Body;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.json.Json;
import dev.wharf.model.Platform;
import dev.wharf.model.Reference;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The query of a build, read once: what to build, and the limits of its containers. */
record BuildQuery(Order order, String remote, ObjectNode hostConfig) {
    /** Nothing is to be built, and nothing limited. */
    static final BuildQuery NOTHING = new BuildQuery(
            new Order(
                    "",
                    Optional.empty(),
                    List.of(),
                    Map.of(),
                    "",
                    Map.of(),
                    false,
                    false,
                    false,
                    new Order.Keeping(false, false),
                    List.of(),
                    "",
                    Optional.empty(),
                    Contexts.ONE,
                    Order.Rules.CLASSIC),
            "",
            Json.object());

    static BuildQuery read(Request request) {
        String version = request.query().text("version");
        if (version.equals("2")) {
            throw Problem.unsupported("a build by BuildKit is asked for by POST /grpc, as docker buildx build does; the"
                    + " old way through /build?version=2 is not served");
        }
        if (!version.isEmpty() && !version.equals("1")) {
            throw Problem.invalid("invalid version \"" + version + "\": there are 1, and 2, which is BuildKit");
        }
        if (request.query().flag("squash", false)) {
            throw Problem.invalid(
                    "squash is not served: layers are kept as they are built; use several stages to have fewer");
        }
        if (!request.query().text("outputs").isEmpty()
                && !request.query().text("outputs").equals("null")) {
            throw Problem.invalid("outputs other than an image need BuildKit; use a buildx builder");
        }
        String isolation = request.query().text("isolation");
        if (!isolation.isEmpty() && !isolation.equalsIgnoreCase("default")) {
            throw Problem.invalid("Unsupported isolation: \"" + isolation + "\"; on Linux there is only the default");
        }
        List<String> cacheFrom = new ArrayList<>();
        for (JsonNode image : array(request, "cachefrom")) {
            if (!image.isTextual()) {
                throw Problem.invalid("error reading cachefrom: " + image + " is no name of an image");
            }
            cacheFrom.add(image.textValue());
        }
        List<Reference> names = new ArrayList<>();
        for (String name : request.query().all("t")) {
            if (!name.isEmpty()) {
                names.add(reference(name));
            }
        }
        String network = request.query().text("networkmode");
        String file = request.query().text("dockerfile");
        Order order = new Order(
                file.isEmpty() ? "Dockerfile" : file,
                Optional.empty(),
                names.stream().distinct().toList(),
                texts(request, "buildargs"),
                request.query().text("target"),
                texts(request, "labels"),
                request.query().flag("nocache", false),
                request.query().flag("pull", false),
                request.query().flag("q", false),
                new Order.Keeping(
                        !request.query().flag("rm", true), !request.query().flag("forcerm", false)),
                cacheFrom,
                network,
                request.query().value("platform").filter(p -> !p.isEmpty()).map(BuildQuery::platform),
                Contexts.ONE,
                Order.Rules.CLASSIC);
        return new BuildQuery(order, request.query().text("remote"), hostConfig(request, network));
    }

    private static Platform platform(String text) {
        try {
            return Platform.parse(text);
        } catch (IllegalArgumentException e) {
            throw Problem.invalid(String.valueOf(e.getMessage()));
        }
    }

    private static Reference reference(String name) {
        try {
            Reference reference = Reference.parse(name);
            if (reference.digest().isPresent()) {
                throw Problem.invalid("build tag cannot contain a digest");
            }
            return reference;
        } catch (IllegalArgumentException e) {
            throw Problem.invalid("invalid tag \"" + name + "\": " + e.getMessage());
        }
    }

    /** What a parameter says in JSON; empty where it says nothing. */
    private static Optional<JsonNode> json(Request request, String key) {
        String text = request.query().text(key);
        if (text.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(Json.parse(text.getBytes(StandardCharsets.UTF_8)))
                    .filter(node -> !node.isNull());
        } catch (IOException e) {
            throw Problem.invalid("error reading " + key + ": it is no JSON");
        }
    }

    private static JsonNode array(Request request, String key) {
        JsonNode node = json(request, key).orElseGet(() -> Json.array(List.of()));
        if (!node.isArray()) {
            throw Problem.invalid("error reading " + key + ": it is no JSON array");
        }
        return node;
    }

    /** Names and texts; what is null is as if it were not there. */
    private static Map<String, String> texts(Request request, String key) {
        Map<String, String> texts = new LinkedHashMap<>();
        Optional<JsonNode> node = json(request, key);
        if (node.isPresent() && !node.get().isObject()) {
            throw Problem.invalid("error reading " + key + ": it is no JSON object");
        }
        node.ifPresent(object -> object.fields().forEachRemaining(field -> {
            if (field.getValue().isTextual()) {
                texts.put(field.getKey(), field.getValue().textValue());
            } else if (!field.getValue().isNull()) {
                throw Problem.invalid("error reading " + key + ": the value of " + field.getKey() + " is no text");
            }
        }));
        return texts;
    }

    /** What a client says of the build's containers, as it would say it of one of its own. */
    private static ObjectNode hostConfig(Request request, String network) {
        ObjectNode host = hostConfig(network, request.query().all("extrahosts"), array(request, "ulimits"));
        for (Map.Entry<String, String> number : Map.of(
                        "memory", "Memory",
                        "memswap", "MemorySwap",
                        "cpushares", "CpuShares",
                        "cpuperiod", "CpuPeriod",
                        "cpuquota", "CpuQuota",
                        "shmsize", "ShmSize")
                .entrySet()) {
            request.query().number(number.getKey()).filter(n -> n != 0).ifPresent(n -> host.put(number.getValue(), n));
        }
        for (Map.Entry<String, String> text : Map.of(
                        "cpusetcpus", "CpusetCpus",
                        "cpusetmems", "CpusetMems",
                        "cgroupparent", "CgroupParent")
                .entrySet()) {
            request.query().value(text.getKey()).filter(t -> !t.isEmpty()).ifPresent(t -> host.put(text.getValue(), t));
        }
        List<String> security = request.query().all("securityopt").stream()
                .filter(option -> !option.isEmpty())
                .toList();
        if (!security.isEmpty()) {
            host.set("SecurityOpt", Json.array(security));
        }
        return host;
    }

    /**
     * What all clients can say of a build's containers.
     *
     * @param extraHosts {@code NAME:ADDRESS} each, or empty
     */
    static ObjectNode hostConfig(String network, List<String> extraHosts, JsonNode ulimits) {
        ObjectNode host = Json.object();
        if (!network.isEmpty()) {
            host.put("NetworkMode", network);
        }
        List<String> hosts = extraHosts.stream().filter(line -> !line.isEmpty()).toList();
        if (!hosts.isEmpty()) {
            host.set("ExtraHosts", Json.array(hosts));
        }
        if (!ulimits.isEmpty()) {
            host.set("Ulimits", ulimits);
        }
        return host;
    }

    /** The body of {@code POST /containers/create} that a step comes to. */
    Body container(Job job) {
        ObjectNode host = hostConfig.deepCopy();
        job.network().ifPresent(mode -> host.put("NetworkMode", mode));
        if (!job.binds().isEmpty()) {
            ArrayNode mounts = host.putArray("Mounts");
            for (Job.Bind bind : job.binds()) {
                mounts.addObject()
                        .put("Type", "bind")
                        .put("Source", bind.source().toString())
                        .put("Target", bind.target())
                        .put("ReadOnly", bind.readOnly());
            }
        }
        if (!job.tmpfs().isEmpty()) {
            ObjectNode tmpfs = host.putObject("Tmpfs");
            job.tmpfs().forEach(tmpfs::put);
        }
        // What a step says goes to whoever builds, and is kept nowhere else.
        host.putObject("LogConfig").put("Type", "none");
        ObjectNode body = Json.object()
                .put("Image", job.image().value())
                .put("User", job.user())
                .put("WorkingDir", job.workingDir());
        body.set("Entrypoint", Json.array(List.of("")));
        body.set("Cmd", Json.array(job.command()));
        if (!job.volumes().isEmpty()) {
            body.set("Volumes", Json.set(job.volumes()));
        }
        body.set("Env", Json.array(job.env()));
        body.set("Labels", Json.map(job.labels()));
        body.putObject("Healthcheck").set("Test", Json.array(List.of("NONE")));
        body.set("HostConfig", host);
        return Body.parse(Json.bytes(body));
    }

    Optional<String> address() {
        return remote.isEmpty() ? Optional.empty() : Optional.of(remote);
    }
}
