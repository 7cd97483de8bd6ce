package dev.wharf.engine.containers;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.engine.http.Body;
import dev.wharf.engine.json.Json;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.MountSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Fields that change nothing, or nothing beside what is known otherwise, and that clients read back as they wrote them: the
 * command line writes the file of {@code --cidfile} down here, and compares of others whether they are as somebody wants.
 */
final class Remarks {
    private static final String HOST_CONFIG = "HostConfig.";

    private enum Kind {
        TEXT,
        NUMBER,
        FLAG,
        TREE,
        EMPTY
    }

    private static final String ENV = "Env";
    private static final String PORTS = "ExposedPorts";
    private static final String VOLUMES = "Volumes";
    private static final String VOLUMES_FROM = HOST_CONFIG + "VolumesFrom";
    private static final String BINDS = HOST_CONFIG + "Binds";
    private static final String TMPFS = HOST_CONFIG + "Tmpfs";
    private static final String MOUNTS = HOST_CONFIG + "Mounts";

    private static final String NETWORK_MODE = HOST_CONFIG + "NetworkMode";

    /** The names of those that somebody said to be empty. Where nobody said anything, Docker tells null. */
    private static final String EMPTY = "Empty";

    private static final String PORT_BINDINGS = "PortBindings";
    private static final String HEALTHCHECK = "Healthcheck";
    private static final List<String> OF_CONTAINER = List.of(ENV, "Entrypoint", HEALTHCHECK);
    private static final List<String> LISTS = List.of(
            "Binds",
            "VolumesFrom",
            PORT_BINDINGS,
            "CapAdd",
            "CapDrop",
            "Dns",
            "DnsOptions",
            "DnsSearch",
            "ExtraHosts",
            "GroupAdd",
            "SecurityOpt",
            "BlkioWeightDevice",
            "BlkioDeviceReadBps",
            "BlkioDeviceWriteBps",
            "BlkioDeviceReadIOps",
            "BlkioDeviceWriteIOps",
            "Devices",
            "DeviceCgroupRules",
            "DeviceRequests",
            "Ulimits");

    private static final Map<String, Kind> FIELDS = Map.ofEntries(
            Map.entry("StopSignal", Kind.TEXT),
            Map.entry("StopTimeout", Kind.NUMBER),
            Map.entry("NetworkDisabled", Kind.FLAG),
            Map.entry(ENV, Kind.TREE),
            Map.entry(PORTS, Kind.TREE),
            Map.entry(VOLUMES, Kind.TREE),
            Map.entry(VOLUMES_FROM, Kind.TREE),
            Map.entry(BINDS, Kind.TREE),
            Map.entry(TMPFS, Kind.TREE),
            Map.entry(MOUNTS, Kind.TREE),
            Map.entry(HOST_CONFIG + "ContainerIDFile", Kind.TEXT),
            Map.entry(HOST_CONFIG + "Isolation", Kind.TEXT),
            Map.entry(HOST_CONFIG + "UsernsMode", Kind.TEXT),
            Map.entry(HOST_CONFIG + "VolumeDriver", Kind.TEXT),
            Map.entry(HOST_CONFIG + "Runtime", Kind.TEXT),
            Map.entry(HOST_CONFIG + "Init", Kind.FLAG),
            Map.entry(EMPTY, Kind.EMPTY),
            Map.entry(HOST_CONFIG + EMPTY, Kind.EMPTY));

    private Remarks() {}

    /**
     * What a client says of these fields when it creates a container.
     *
     * @param image what is said of volumes and ports there is shown together with what is said here
     * @param env what came of all that it and the image said of variables
     * @param exposed what came of all that they said of ports, published ones among them
     * @param mounts what came of all that it said of mounts; where they would tell it in other words, its own are kept
     */
    static Map<String, String> of(
            Body config, ImageConfig image, List<String> env, List<String> exposed, List<MountSpec> mounts) {
        Map<String, String> remarks = new TreeMap<>();
        FIELDS.forEach((field, kind) -> {
            Body body = field.startsWith(HOST_CONFIG) ? config.body("HostConfig") : config;
            String name = name(field);
            Optional<String> said = switch (kind) {
                case TEXT -> body.optionalText(name).filter(text -> !text.isEmpty());
                case NUMBER -> body.optionalNumber(name).map(number -> Long.toString(number));
                case TREE -> Optional.empty();
                case EMPTY ->
                    Optional.of((field.equals(EMPTY) ? OF_CONTAINER : LISTS)
                                    .stream()
                                            .filter(list -> body.has(list)
                                                    && body.raw(list).isEmpty())
                                            .collect(Collectors.joining(",")))
                            .filter(lists -> !lists.isEmpty());
                case FLAG -> body.has(name) ? Optional.of(Boolean.toString(body.flag(name))) : Optional.empty();
            };
            said.ifPresent(text -> remarks.put(field, text));
        });
        Body hostConfig = config.body("HostConfig");
        keep(remarks, ENV, Json.array(spoken(config.texts("Env"), env)), Json.array(env));
        keep(remarks, PORTS, Json.set(union(image.exposedPorts(), config.keys("ExposedPorts"))), Json.set(exposed));
        keep(remarks, VOLUMES, Json.set(union(image.volumes(), config.keys("Volumes"))), Mounts.volumes(mounts));
        keep(remarks, VOLUMES_FROM, Json.array(hostConfig.texts("VolumesFrom")), Json.array(Mounts.lenders(mounts)));
        keep(remarks, BINDS, Json.array(hostConfig.texts("Binds")), Mounts.binds(mounts));
        keep(remarks, TMPFS, Json.map(hostConfig.map("Tmpfs")), Mounts.tmpfs(mounts));
        keep(remarks, MOUNTS, Mounts.asked(mounts, hostConfig.list("Mounts")), Mounts.asked(mounts));
        return remarks;
    }

    /** All that somebody said of variables, and of the image's those that he did not speak of. */
    private static List<String> spoken(List<String> own, List<String> merged) {
        Set<String> names = own.stream().map(Creation::key).collect(Collectors.toSet());
        List<String> all = new ArrayList<>(own);
        merged.stream().filter(one -> !names.contains(Creation.key(one))).forEach(all::add);
        return all;
    }

    private static Set<String> union(List<String> ofImage, List<String> own) {
        Set<String> union = new LinkedHashSet<>(ofImage);
        union.addAll(own);
        return union;
    }

    private static void keep(Map<String, String> remarks, String field, JsonNode said, JsonNode told) {
        if (!said.equals(told)) {
            remarks.put(field, new String(Json.bytes(said), UTF_8));
        }
    }

    /** How a container with a sandbox of its own is told to be on a network, which others may join and take the place of. */
    static Map<String, String> withNetworkMode(Map<String, String> remarks, String mode) {
        Map<String, String> more = new TreeMap<>(remarks);
        more.put(NETWORK_MODE, mode);
        return more;
    }

    static Optional<String> networkMode(Map<String, String> remarks) {
        return Optional.ofNullable(remarks.get(NETWORK_MODE));
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
                    case TREE ->
                        tree(said).ifPresent(tree -> {
                            if (tree.isEmpty()) {
                                node.remove(name(field));
                            } else {
                                node.set(name(field), tree);
                            }
                        });
                    case EMPTY ->
                        Stream.of(said.split(","))
                                .filter(list -> node.path(list).isEmpty())
                                .forEach(list -> node.set(
                                        list,
                                        list.equals(PORT_BINDINGS) || list.equals(HEALTHCHECK)
                                                ? Json.object()
                                                : Json.array()));
                }
            }
        });
    }

    /** What this class wrote; what somebody else wrote may be no tree, and then says nothing. */
    private static Optional<JsonNode> tree(String written) {
        try {
            return Optional.of(Json.parse(written.getBytes(UTF_8)));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static String name(String field) {
        return field.substring(field.indexOf('.') + 1);
    }
}
