package dev.wharf.core.plan;

import dev.wharf.core.plan.ContainerStep.CreateProcess.Pin;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Container.Place;
import dev.wharf.core.state.Fact;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Layer;
import dev.wharf.core.state.Link;
import dev.wharf.core.state.Network;
import dev.wharf.core.state.Volume;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.ContainerSpec.Namespace;
import dev.wharf.model.ContainerSpec.Networking;
import dev.wharf.model.DriverName;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerId;
import dev.wharf.model.MountSpec;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.VolumeName;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.runtime.RuntimeSpec;
import dev.wharf.spi.runtime.RuntimeSpec.BoundMount;
import dev.wharf.spi.runtime.RuntimeSpec.HostLine;
import dev.wharf.spi.storage.SnapshotKey;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Puts together what a runtime needs from where the rest of the house put things. Pure. */
final class RuntimeSpecs {
    /** Where containers on networks of their own ask for names; Docker's users know it. */
    private static final String RESOLVER = "127.0.0.11";

    private RuntimeSpecs() {}

    /** The step that makes the files of {@code c}, whose volumes are present. */
    static ContainerStep.PrepareRootfs prepareRootfs(Host host, Container c) {
        Map<String, Path> fill = new LinkedHashMap<>();
        // What is made anew later is not filled anew: by then an empty volume was emptied.
        if (!c.hadFiles()) {
            for (MountSpec mount : c.spec().mounts()) {
                if (isCopiedUp(mount) && !isFilledLater(host, mount)) {
                    fill.put(mount.target(), directory(host, mount));
                }
            }
        }
        String workingDir = c.spec().command().workingDir();
        return new ContainerStep.PrepareRootfs(
                c.id(),
                c.spec().storage(),
                c.top().map(SnapshotKey::of).orElse(SnapshotKey.SCRATCH),
                ContainerStep.sizeLimit(c.spec()),
                workingDir.equals("/") ? "" : workingDir,
                fill);
    }

    /** Whether a volume gets what the image has at its place; one of another container got what that one's image has. */
    private static boolean isCopiedUp(MountSpec mount) {
        return mount.kind() == MountSpec.Kind.VOLUME
                && !mount.options().containsKey("nocopy")
                && !mount.options().containsKey("from");
    }

    /** A device is mounted when a container starts with it, and a part is looked for then. */
    private static boolean isFilledLater(Host host, MountSpec mount) {
        return !mount.options().getOrDefault("subpath", "").isEmpty()
                || host.volume(new VolumeName(mount.source()))
                        .map(volume -> volume.spec().hasDevice())
                        .orElse(false);
    }

    private static Path directory(Host host, MountSpec mount) {
        return host.volume(new VolumeName(mount.source()))
                .map(Volume::path)
                .flatMap(Fact::value)
                .orElseThrow();
    }

    /** The step that makes the first process of {@code c}, whose mount, sandbox and volumes are present. */
    static ContainerStep.CreateProcess createProcess(Host host, Container c) {
        List<BoundMount> mounts = new ArrayList<>();
        Map<Path, Boolean> sources = new LinkedHashMap<>();
        Map<String, Path> fill = new LinkedHashMap<>();
        Map<String, Pin> pins = new LinkedHashMap<>();
        for (MountSpec mount : c.spec().mounts()) {
            boolean filled = c.exit().isEmpty() && isCopiedUp(mount) && isFilledLater(host, mount);
            mounts.add(bound(host, mount, filled, sources, fill, pins));
        }
        ContainerId files = c.spec().networking().sandbox().container().orElse(c.id());
        RuntimeSpec spec = new RuntimeSpec(
                c.id(),
                c.name(),
                c.createdAt(),
                c.generation(),
                withLinks(host, c),
                c.mount().value().orElseThrow(),
                mounts,
                networkNamespace(host, c),
                joined(host, c),
                hosts(host, c),
                nameservers(host, c),
                files);
        return new ContainerStep.CreateProcess(spec, c.spec().runtime(), sources, fill, pins);
    }

    private static ContainerSpec withLinks(Host host, Container c) {
        return host.links(c).isEmpty() ? c.spec() : c.spec().withEnv(host.environment(c));
    }

    /** What the files of a container say that has these places. */
    static RuntimeSpec.Whereabouts whereabouts(Host host, Container c) {
        return new RuntimeSpec.Whereabouts(c.id(), c.spec().networking(), hosts(host, c), nameservers(host, c));
    }

    /** Where networks have names, the house's own resolver knows them, and asks the others in its turn. */
    private static List<String> nameservers(Host host, Container c) {
        boolean named = c.places().values().stream()
                .filter(Place::wanted)
                .flatMap(p -> host.network(p.endpoint().network()).stream())
                .anyMatch(n -> !n.spec().predefined());
        return named ? List.of(RESOLVER) : c.spec().networking().dns();
    }

    private static BoundMount bound(
            Host host,
            MountSpec mount,
            boolean filled,
            Map<Path, Boolean> sources,
            Map<String, Path> fill,
            Map<String, Pin> pins) {
        List<String> options = new ArrayList<>();
        switch (mount.kind()) {
            case TMPFS -> {
                options.addAll(List.of("nosuid", "nodev", "noexec"));
                mount.options().forEach((key, value) -> {
                    if (key.equals("mount")) {
                        // Says how it was wished for; the kernel knows no such option.
                        return;
                    }
                    // The opposite of a default replaces it, as in mount(8): the last word counts.
                    options.remove("no" + key);
                    options.add(value.isEmpty() ? key : key + "=" + value);
                });
                options.add(mount.readOnly() ? "ro" : "rw");
                return new BoundMount("tmpfs", "tmpfs", mount.target(), options);
            }
            case VOLUME -> {
                Path root = directory(host, mount);
                String inside = mount.options().getOrDefault("subpath", "");
                if (!inside.isEmpty()) {
                    pins.put(mount.target(), new Pin(root, Optional.empty(), inside, filled));
                } else if (filled) {
                    fill.put(mount.target(), root);
                }
                options.addAll(List.of("rbind", mount.options().getOrDefault("propagation", "rprivate")));
                access(mount).ifPresent(options::add);
                return new BoundMount("bind", root.toString(), mount.target(), options);
            }
            case BIND -> {
                sources.put(Path.of(mount.source()), mount.createSource());
                options.addAll(List.of(
                        mount.options().containsKey("nonrecursive") ? "bind" : "rbind",
                        mount.options().containsKey(MountSpec.PROPAGATION_IF_POSSIBLE)
                                ? BoundMount.SLAVE_IF_POSSIBLE
                                : mount.options().getOrDefault("propagation", "rprivate")));
                access(mount).ifPresent(options::add);
                if (mount.readOnly() && !mount.options().containsKey("nonrecursive")) {
                    // The runtime settles what it can do: "rro" must be, "rro?" where this host can.
                    String submounts = mount.options().getOrDefault("readonly-submounts", "if-possible");
                    switch (submounts) {
                        case "required" -> options.add(BoundMount.READ_ONLY_BELOW);
                        case "if-possible" -> options.add(BoundMount.READ_ONLY_BELOW_IF_POSSIBLE);
                        default -> {}
                    }
                }
                return new BoundMount("bind", mount.source(), mount.target(), options);
            }
            case IMAGE -> {
                LayerId top = topOf(host, mount).orElseThrow();
                DriverName storage = host.layer(top).map(Layer::storage).orElseThrow();
                pins.put(
                        mount.target(),
                        new Pin(
                                Path.of("/"),
                                Optional.of(Map.entry(storage, SnapshotKey.of(top))),
                                mount.options().getOrDefault("subpath", ""),
                                false));
                return new BoundMount("bind", "", mount.target(), List.of("rbind", "rprivate", "ro"));
            }
        }
        throw new IllegalStateException("unreachable");
    }

    /** Only what takes something away is said: "rw" would open up what the host has mounted read-only. */
    private static Optional<String> access(MountSpec mount) {
        return mount.readOnly() ? Optional.of("ro") : Optional.empty();
    }

    /** The snapshot that is the whole content of the image that is mounted, where it is there. */
    static Optional<LayerId> topOf(Host host, MountSpec mount) {
        return host.image(ImageId.parse(mount.source()))
                .map(Image::layers)
                .filter(l -> !l.isEmpty())
                .map(l -> l.get(l.size() - 1).id())
                .filter(id ->
                        host.layer(id).map(Layer::snapshot).map(Fact::isPresent).orElse(false));
    }

    private static Path networkNamespace(Host host, Container c) {
        Namespace sandbox = c.spec().networking().sandbox();
        return switch (sandbox.kind()) {
            case HOST -> Sandbox.HOST_PATH;
            case CONTAINER ->
                sandbox.container()
                        .flatMap(host::container)
                        .map(other -> networkNamespace(host, other))
                        .orElseThrow();
            default -> c.sandbox().value().orElseThrow().path();
        };
    }

    private static Map<String, Path> joined(Host host, Container c) {
        Map<String, Path> files = new LinkedHashMap<>();
        Map<String, Namespace> shared = Map.of(
                "pid", c.spec().namespaces().pid(),
                "ipc", c.spec().namespaces().ipc(),
                "uts", c.spec().namespaces().uts());
        shared.forEach((name, namespace) -> namespace
                .container()
                .flatMap(host::container)
                .flatMap(other -> other.process().last())
                .ifPresent(p -> files.put(name, Path.of("/proc/" + p.init().pid() + "/ns/" + name))));
        return files;
    }

    private static List<HostLine> hosts(Host host, Container c) {
        Networking networking = c.spec().networking();
        List<HostLine> lines = new ArrayList<>();
        // Who shares the host's network has the lines of the host.
        if (networking.sandbox().kind() != Namespace.Kind.HOST) {
            lines.add(new HostLine("127.0.0.1", List.of("localhost")));
            lines.add(new HostLine("::1", List.of("localhost", "ip6-localhost", "ip6-loopback")));
            lines.add(new HostLine("fe00::", List.of("ip6-localnet")));
            lines.add(new HostLine("ff00::", List.of("ip6-mcastprefix")));
            lines.add(new HostLine("ff02::1", List.of("ip6-allnodes")));
            lines.add(new HostLine("ff02::2", List.of("ip6-allrouters")));
        }
        for (String extra : networking.extraHosts()) {
            int colon = extra.indexOf(':');
            String name = extra.substring(0, colon);
            String address = extra.substring(colon + 1);
            (address.equals("host-gateway") ? gateways(host, c) : List.of(address))
                    .forEach(a -> lines.add(new HostLine(a, List.of(name))));
        }
        for (Link link : host.links(c)) {
            String address = link.address(host);
            if (!address.isEmpty()) {
                Container target = link.target();
                lines.add(new HostLine(
                        address,
                        Stream.of(link.alias(), target.spec().hostname(), target.name())
                                .filter(n -> !n.isEmpty())
                                .distinct()
                                .toList()));
            }
        }
        for (Place place : c.places().values()) {
            if (!place.wanted()) {
                continue;
            }
            for (String cidr : List.of(place.endpoint().ipv4(), place.endpoint().ipv6())) {
                if (!cidr.isEmpty() && !c.spec().hostname().isEmpty()) {
                    lines.add(new HostLine(cidr.substring(0, cidr.indexOf('/')), ownNames(c.spec())));
                }
            }
        }
        return lines;
    }

    /** The full name, which may be in the hostname alone, and its first word. */
    private static List<String> ownNames(ContainerSpec spec) {
        String full = spec.domainname().isEmpty() ? spec.hostname() : spec.hostname() + "." + spec.domainname();
        int dot = full.indexOf('.');
        return dot > 0 ? List.of(full, full.substring(0, dot)) : List.of(full);
    }

    /**
     * The word {@code host-gateway} stands for the addresses that the operator names, else for the host's own on the first of
     * the container's networks where it has any, and on the default one where there is none.
     */
    private static List<String> gateways(Host host, Container c) {
        if (!host.identity().gateways().isEmpty()) {
            return host.identity().gateways();
        }
        return Stream.concat(
                        c.places().values().stream()
                                .flatMap(p -> host.network(p.endpoint().network()).stream()),
                        host.networkNamed("bridge").stream())
                .filter(Network::hasOwnWire)
                .map(n -> n.spec().pools().stream()
                        .map(NetworkSpec.Pool::gateway)
                        .filter(g -> !g.isEmpty())
                        .toList())
                .filter(gateways -> !gateways.isEmpty())
                .findFirst()
                .orElse(List.of());
    }
}
