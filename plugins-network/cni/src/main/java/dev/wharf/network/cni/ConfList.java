package dev.wharf.network.cni;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkSpec.Pool;
import dev.wharf.model.PublishedPort;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * A network configuration list (CNI 1.0, section 1). Addresses are chosen before a plugin is asked, so whatever a list says
 * of address management is replaced by the plugin {@code static} with the address that was chosen.
 */
record ConfList(ObjectNode json) {
    static final ObjectMapper JSON = new ObjectMapper();
    private static final Set<String> VERSIONS = Set.of("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0");
    private static final Set<String> CHECKED = Set.of("0.4.0", "1.0.0");
    /** Managers of addresses that are replaced by one that gives what it is told. */
    private static final Set<String> REPLACED = Set.of("host-local", "static");

    /** Reads a list, or one configuration alone as a list of one, and refuses what could not work. */
    static ConfList parse(String text) throws DriverException {
        JsonNode read;
        try {
            read = JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw invalid("it is no JSON: " + e.getOriginalMessage());
        }
        if (!(read instanceof ObjectNode object)) {
            throw invalid("it is no JSON object");
        }
        ObjectNode list = object;
        if (!object.has("plugins") && object.has("type")) {
            list = JSON.createObjectNode();
            list.set("cniVersion", object.path("cniVersion"));
            list.set("name", object.path("name"));
            list.putArray("plugins").add(object);
        }
        ConfList conf = new ConfList(list);
        conf.check();
        return conf;
    }

    private void check() throws DriverException {
        if (!name().matches("[a-zA-Z0-9][a-zA-Z0-9_.-]*")) {
            throw invalid("its name \"" + name() + "\" is none");
        }
        if (!VERSIONS.contains(version())) {
            throw invalid("its cniVersion \"" + version() + "\" is not served; 1.0.0 and before are");
        }
        if (plugins().isEmpty()) {
            throw invalid("it names no plugins");
        }
        boolean addressed = false;
        for (ObjectNode plugin : plugins()) {
            if (!type(plugin).matches("[a-zA-Z0-9_.-]+")) {
                throw invalid("a plugin's type \"" + type(plugin) + "\" is no program's name");
            }
            String manager = plugin.path("ipam").path("type").asText("");
            addressed |= plugin.has("ipam");
            if (!manager.isEmpty() && !REPLACED.contains(manager)) {
                throw invalid("its addresses would come from " + manager
                        + ", and the agent chooses addresses itself; say host-local or static");
            }
        }
        if (!addressed) {
            throw invalid("none of its plugins has \"ipam\", so no container would get its address");
        }
    }

    private static DriverException invalid(String why) {
        return DriverException.failure(Failure.Kind.INVALID, "invalid CNI configuration list: " + why);
    }

    /** The list of that name in a folder: a file's stem or the name inside. */
    static Optional<ConfList> find(Path folder, String name) throws DriverException {
        TreeSet<Path> files = new TreeSet<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(folder, "*.{conflist,conf,json}")) {
            all.forEach(files::add);
        } catch (IOException e) {
            return Optional.empty();
        }
        for (Path file : files) {
            String stem = file.getFileName().toString().replaceFirst("\\.[a-z]+$", "");
            try {
                String text = Files.readString(file);
                if (stem.equals(name)
                        || JSON.readTree(text).path("name").asText("").equals(name)) {
                    return Optional.of(parse(text));
                }
            } catch (IOException e) {
                if (stem.equals(name)) {
                    throw DriverException.failure(
                            Failure.Kind.INVALID, "cannot read " + file + ": " + e.getMessage(), e);
                }
            }
        }
        return Optional.empty();
    }

    String name() {
        return json.path("name").asText("");
    }

    String version() {
        return json.path("cniVersion").asText("0.1.0");
    }

    /** Whether plugins of this version know CHECK, and the list wants it. */
    boolean isChecked() {
        return CHECKED.contains(version()) && !json.path("disableCheck").asBoolean(false);
    }

    List<ObjectNode> plugins() {
        List<ObjectNode> plugins = new ArrayList<>();
        for (JsonNode plugin : json.path("plugins")) {
            if (plugin instanceof ObjectNode object) {
                plugins.add(object);
            }
        }
        return plugins;
    }

    static String type(ObjectNode plugin) {
        return plugin.path("type").asText("");
    }

    boolean publishes() {
        return plugins().stream().anyMatch(p -> can(p, "portMappings"));
    }

    private static boolean can(ObjectNode plugin, String capability) {
        return plugin.path("capabilities").path(capability).asBoolean(false);
    }

    /** The subnets that the list's address management names, at most one of each family. */
    List<Pool> pools() {
        List<Pool> pools = new ArrayList<>();
        for (ObjectNode plugin : plugins()) {
            JsonNode ipam = plugin.path("ipam");
            if (ipam.has("subnet")) {
                add(pools, ipam);
            }
            for (JsonNode set : ipam.path("ranges")) {
                for (JsonNode range : set) {
                    add(pools, range);
                }
            }
        }
        return pools;
    }

    private static void add(List<Pool> pools, JsonNode range) {
        String subnet = range.path("subnet").asText("");
        Pool pool = new Pool(subnet, range.path("gateway").asText(""), "", Map.of());
        if (!subnet.isEmpty() && pools.stream().noneMatch(p -> p.isIpv6() == pool.isIpv6())) {
            pools.add(pool);
        }
    }

    /** The configuration of one plugin for one call (CNI 1.0, section 3). */
    ObjectNode request(ObjectNode plugin, EndpointSpec endpoint, Optional<JsonNode> previous) {
        ObjectNode request = plugin.deepCopy();
        request.put("name", name()).put("cniVersion", version());
        if (request.has("ipam")) {
            request.set("ipam", addresses(request.path("ipam"), endpoint));
        }
        ObjectNode runtime = JSON.createObjectNode();
        if (can(plugin, "portMappings") && !endpoint.ports().isEmpty()) {
            ArrayNode mappings = runtime.putArray("portMappings");
            endpoint.ports().forEach(port -> mappings.add(mapping(port)));
        }
        if (can(plugin, "mac") && !endpoint.mac().isEmpty()) {
            runtime.put("mac", endpoint.mac());
        }
        if (can(plugin, "aliases")) {
            ArrayNode aliases = runtime.putObject("aliases").putArray(name());
            endpoint.aliases().forEach(aliases::add);
        }
        request.remove("capabilities");
        if (!runtime.isEmpty()) {
            request.set("runtimeConfig", runtime);
        }
        previous.ifPresent(result -> request.set("prevResult", result));
        return request;
    }

    private static ObjectNode mapping(PublishedPort port) {
        ObjectNode mapping = JSON.createObjectNode()
                .put("hostPort", port.hostPort())
                .put("containerPort", port.containerPort())
                .put("protocol", port.protocol());
        boolean any = port.hostAddress().equals("0.0.0.0") || port.hostAddress().equals("::");
        return any ? mapping : mapping.put("hostIP", port.hostAddress());
    }

    private static ObjectNode addresses(JsonNode listed, EndpointSpec endpoint) {
        ObjectNode ipam = JSON.createObjectNode().put("type", "static");
        ArrayNode addresses = ipam.putArray("addresses");
        ArrayNode routes = ipam.putArray("routes");
        boolean named = listed.path("routes").isArray();
        if (named) {
            listed.path("routes").forEach(routes::add);
        }
        add(addresses, routes, named, endpoint.ipv4(), endpoint.gateway4(), "0.0.0.0/0");
        add(addresses, routes, named, endpoint.ipv6(), endpoint.gateway6(), "::/0");
        return ipam;
    }

    private static void add(
            ArrayNode addresses, ArrayNode routes, boolean named, String address, String gateway, String all) {
        if (address.isEmpty()) {
            return;
        }
        ObjectNode one = addresses.addObject().put("address", address);
        if (!gateway.isEmpty()) {
            one.put("gateway", gateway);
            if (!named) {
                routes.addObject().put("dst", all);
            }
        }
    }

    @Override
    public String toString() {
        return json.toString();
    }
}
