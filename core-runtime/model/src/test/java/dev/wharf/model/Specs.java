package dev.wharf.model;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Specifications for tests. */
final class Specs {
    private Specs() {}

    static ContainerSpec plain() {
        return named("web");
    }

    static ContainerSpec named(String hostname) {
        return new ContainerSpec(
                new ImageId(Digest.sha256("image")),
                "busybox",
                new ContainerSpec.Command(List.of(), List.of("true"), List.of(), "", List.of(), "/", false, List.of()),
                new ContainerSpec.Stdio(false, false, false),
                hostname,
                "",
                Map.of("a", "b"),
                Map.of(),
                Resources.UNLIMITED,
                new ContainerSpec.Security(
                        false, List.of(), List.of(), List.of(), false, "default", "", List.of(), List.of(), false,
                        Map.of(), List.of()),
                ContainerSpec.Namespaces.PRIVATE,
                List.of(),
                new ContainerSpec.Networking(
                        ContainerSpec.Namespace.PRIVATE,
                        List.of(),
                        List.of(),
                        List.of(),
                        false,
                        List.of(),
                        List.of(),
                        List.of(),
                        List.of(),
                        List.of(),
                        ""),
                RestartPolicy.NO,
                false,
                ContainerSpec.Stop.DEFAULT,
                Optional.empty(),
                new ContainerSpec.Logging("json-file", Map.of()),
                new DriverName("overlay"),
                Map.of(),
                new DriverName("default"),
                Map.of());
    }
}
