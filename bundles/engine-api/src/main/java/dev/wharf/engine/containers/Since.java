package dev.wharf.engine.containers;

import dev.wharf.engine.http.ApiVersion;
import dev.wharf.engine.http.Body;
import dev.wharf.engine.http.Problem;
import java.util.ArrayList;
import java.util.List;

/**
 * What a client says when it creates a container or a network and when it connects the two, as its version of the API means it.
 * A field that came later is as if it was not said, as for the engines of that time; one whose loss would do harm is refused.
 */
public final class Since {
    private static final String HOST_CONFIG = "HostConfig";
    private static final String MOUNTS = "Mounts";
    private static final String BIND = "BindOptions";
    private static final String MAC = "MacAddress";
    private static final String PRIORITY = "GwPriority";

    /** @param version the first minor version with that field */
    private record Field(int version, List<String> path) {
        Field(int version, String... path) {
            this(version, List.of(path));
        }
    }

    private static final List<Field> OF_CONTAINERS = List.of(
            new Field(40, HOST_CONFIG, MOUNTS, Body.EACH, BIND, "NonRecursive"),
            new Field(42, HOST_CONFIG, MOUNTS, Body.EACH, BIND, "CreateMountpoint"),
            new Field(42, HOST_CONFIG, "ConsoleSize"),
            new Field(43, HOST_CONFIG, "Annotations"),
            new Field(44, "Healthcheck", "StartInterval"),
            new Field(44, "NetworkingConfig", "EndpointsConfig", Body.EACH, MAC),
            new Field(48, "NetworkingConfig", "EndpointsConfig", Body.EACH, PRIORITY));

    private static final List<Field> OF_NETWORKS = List.of(new Field(48, "EnableIPv4"));

    private static final List<Field> OF_CONNECTIONS =
            List.of(new Field(44, "EndpointConfig", MAC), new Field(48, "EndpointConfig", PRIORITY));

    private Since() {}

    /** What is said of a new container. */
    static Body container(Body body, ApiVersion version) {
        check(body, version);
        List<List<String>> unheard = new ArrayList<>(version.atLeast(42) ? List.of() : foreignOptions(body));
        unheard.addAll(later(OF_CONTAINERS, version));
        return body.without(unheard);
    }

    /** What is said of a new network. */
    public static Body network(Body body, ApiVersion version) {
        return body.without(later(OF_NETWORKS, version));
    }

    /** What is said of a container that joins a network. */
    public static Body connection(Body body, ApiVersion version) {
        return body.without(later(OF_CONNECTIONS, version));
    }

    private static List<List<String>> later(List<Field> fields, ApiVersion version) {
        return fields.stream()
                .filter(field -> !version.atLeast(field.version()))
                .map(Field::path)
                .toList();
    }

    private static void check(Body body, ApiVersion version) {
        List<String> networks = body.body("NetworkingConfig").keys("EndpointsConfig");
        if (networks.size() > 1 && !version.atLeast(44)) {
            throw Problem.invalid("Container cannot be created with multiple network endpoints: "
                    + String.join(", ", networks) + "; connect it to the others afterwards");
        }
        for (Body mount : body.body(HOST_CONFIG).list(MOUNTS)) {
            String type = mount.text("Type");
            if (!version.atLeast(44) && type.equals("bind") && mount.body(BIND).flag("ReadOnlyForceRecursive")) {
                throw Problem.invalid("BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer");
            }
            if (!version.atLeast(45)
                    && !mount.body("VolumeOptions").text("Subpath").isEmpty()) {
                throw Problem.invalid("VolumeOptions.Subpath needs API v1.45 or newer");
            }
            if (!version.atLeast(48) && type.equals("image")) {
                throw Problem.invalid("Mount type \"Image\" needs API v1.48 or newer");
            }
        }
    }

    /** Options of another type of mount than the mount's own were passed over before somebody looked at them. */
    private static List<List<String>> foreignOptions(Body body) {
        List<List<String>> foreign = new ArrayList<>();
        List<Body> mounts = body.body(HOST_CONFIG).list(MOUNTS);
        for (int i = 0; i < mounts.size(); i++) {
            String type = mounts.get(i).text("Type");
            String place = Integer.toString(i);
            if (!type.equals("volume")) {
                foreign.add(List.of(HOST_CONFIG, MOUNTS, place, "VolumeOptions"));
            }
            if (!type.equals("tmpfs")) {
                foreign.add(List.of(HOST_CONFIG, MOUNTS, place, "TmpfsOptions"));
            }
        }
        return foreign;
    }
}
