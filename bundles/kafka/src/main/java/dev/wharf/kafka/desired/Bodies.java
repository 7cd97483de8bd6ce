package dev.wharf.kafka.desired;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.state.Service;
import dev.wharf.model.DocumentKey;
import dev.wharf.model.Healthcheck;
import dev.wharf.model.PortWish;
import dev.wharf.model.ServiceSpec;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;

/** Says what a replica is in the words of {@code POST /containers/create}, so that it gets every default that others get. */
final class Bodies {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Networks that came with the house, on which nobody has a second name. */
    private static final Set<String> PREDEFINED = Set.of("bridge", "host", "none");

    private Bodies() {}

    static byte[] of(Service.Version version, int replica, DocumentKey document) {
        ServiceSpec spec = version.spec();
        ObjectNode body = JSON.createObjectNode().put("Image", spec.image());
        put(body, "Entrypoint", spec.entrypoint());
        put(body, "Cmd", spec.command());
        put(body, "Env", spec.env());
        if (!spec.user().isEmpty()) {
            body.put("User", spec.user());
        }
        ObjectNode labels = body.putObject("Labels");
        spec.labels().forEach(labels::put);
        labels.put(Service.LABEL, spec.name().value())
                .put(Service.VERSION_LABEL, version.id())
                .put(Service.REPLICA_LABEL, Integer.toString(replica))
                .put(Service.DOCUMENT_LABEL, document.value());
        spec.health().ifPresent(check -> body.set("Healthcheck", health(check)));
        ObjectNode host =
                body.putObject("HostConfig").put("Memory", spec.memoryBytes()).put("NanoCpus", spec.nanoCpus());
        host.putObject("RestartPolicy")
                .put(
                        "Name",
                        switch (spec.restart().kind()) {
                            case NO -> "no";
                            case ALWAYS -> "always";
                            case UNLESS_STOPPED -> "unless-stopped";
                            case ON_FAILURE -> "on-failure";
                        })
                .put("MaximumRetryCount", spec.restart().maximumRetries());
        ObjectNode exposed = body.putObject("ExposedPorts");
        ObjectNode bindings = host.putObject("PortBindings");
        for (PortWish port : spec.ports()) {
            String inside = port.containerPort() + "/" + port.protocol();
            exposed.putObject(inside);
            bindings.withArray(inside)
                    .addObject()
                    .put("HostIp", port.hostAddress())
                    .put(
                            "HostPort",
                            port.hostPortFirst() == port.hostPortLast()
                                    ? Integer.toString(port.hostPortFirst())
                                    : port.hostPortFirst() + "-" + port.hostPortLast());
        }
        ArrayNode binds = host.putArray("Binds");
        for (ServiceSpec.Volume volume : spec.volumes()) {
            binds.add(volume.source() + ":" + volume.target() + (volume.readOnly() ? ":ro" : ""));
        }
        if (!spec.networks().isEmpty()) {
            host.put("NetworkMode", spec.networks().get(0));
            ObjectNode endpoints = body.putObject("NetworkingConfig").putObject("EndpointsConfig");
            for (String network : spec.networks()) {
                ObjectNode endpoint = endpoints.putObject(network);
                if (!PREDEFINED.contains(network)) {
                    endpoint.putArray("Aliases").add(spec.name().value());
                }
            }
        }
        return body.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static void put(ObjectNode body, String name, List<String> words) {
        if (!words.isEmpty()) {
            ArrayNode array = body.putArray(name);
            words.forEach(array::add);
        }
    }

    private static ObjectNode health(Healthcheck check) {
        ObjectNode node = JSON.createObjectNode()
                .put("Interval", check.interval().toNanos())
                .put("Timeout", check.timeout().toNanos())
                .put("StartPeriod", check.startPeriod().toNanos())
                .put("StartInterval", check.startInterval().toNanos())
                .put("Retries", check.retries());
        put(node, "Test", check.test());
        return node;
    }
}
