package dev.wharf.network.macvlan;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.wharf.model.DriverName;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkSpec;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.ChildLinks;
import dev.wharf.spi.kernel.Links;
import dev.wharf.spi.kernel.Links.Link;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.network.Device;
import dev.wharf.spi.network.Endpoint;
import dev.wharf.spi.network.NetworkDriver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Gives sandboxes devices of their own on the wire of a device of the host, as if they were machines beside it. Nothing of
 * an endpoint stands outside its sandbox, so that is where it is looked for, by the word of {@link Places}; devices carry a
 * {@link Tag}. No port of the host leads to it.
 */
abstract class ChildDriver implements NetworkDriver, NetworkDriver.Planning {
    private final String kind;
    private final Links links;
    private final ChildLinks children;
    private final Places places;
    private final String agent;

    /**
     * @param places the folder of {@link Places}
     * @param agent names this agent's devices among those of others, such as {@code wharf-1a2b3c4d}
     */
    ChildDriver(String kind, Links links, ChildLinks children, Path places, String agent) {
        this.kind = kind;
        this.links = links;
        this.children = children;
        this.places = new Places(places);
        this.agent = agent;
    }

    @Override
    public DriverName name() {
        return new DriverName(kind);
    }

    @Override
    public List<Format> formats() {
        return List.of(new Format(kind + "-tag", 1));
    }

    @Override
    public Readiness probe() {
        try {
            return children.knows(kind)
                    ? Readiness.yes()
                    : Readiness.no("this kernel has no " + kind + " devices; load the module " + kind
                            + ", or take a kernel built with CONFIG_" + kind.toUpperCase(java.util.Locale.ROOT));
        } catch (DriverException e) {
            return Readiness.no(e.failure().message());
        }
    }

    @Override
    public NetworkSpec plan(NetworkSpec wanted) throws DriverException {
        Wire wire = Wire.of(kind, wanted);
        boolean wireless = wire.parent().isEmpty();
        if (!wireless
                && links.find(wire.parent()).isEmpty()
                && (!wire.isVlan() || links.find(wire.lower()).isEmpty())) {
            throw DriverException.failure(
                    Failure.Kind.INVALID,
                    "the requested parent interface " + wire.parent() + " was not found on the host");
        }
        return wanted.planned(
                wireless ? "dm-" + wanted.id().value().substring(0, 12) : wire.parent(),
                wanted.pools(),
                wanted.internal() || wireless,
                wanted.options());
    }

    @Override
    public Device create(NetworkSpec network) throws DriverException {
        Wire wire = Wire.of(kind, network);
        String name = network.deviceName();
        String alias = new Tag(agent, "parent", network.id().value(), network.id(), "", kind).toString();
        Optional<Link> found = links.find(name);
        if (found.isPresent()) {
            if (!found.get().up()) {
                children.parent(new ChildLinks.Parent(name, found.get().kind(), "", 0, alias));
            }
        } else if (wire.parent().isEmpty()) {
            unwired(name, alias);
        } else if (wire.isVlan()) {
            vlan(wire, alias);
        } else {
            throw DriverException.failure(
                    Failure.Kind.MISSING, "the parent interface " + name + " was not found on the host");
        }
        return new Device(network.id(), name);
    }

    private void unwired(String name, String alias) throws DriverException {
        try {
            children.parent(new ChildLinks.Parent(name, "dummy", "", 0, alias));
        } catch (DriverException e) {
            if (e.failure().kind() != Failure.Kind.UNSUPPORTED) {
                throw e;
            }
            // Without dummy devices a bridge without ports does as well: it takes frames to nowhere.
            children.parent(new ChildLinks.Parent(name, "bridge", "", 0, alias));
        }
    }

    private void vlan(Wire wire, String alias) throws DriverException {
        try {
            children.parent(new ChildLinks.Parent(wire.parent(), "vlan", wire.lower(), wire.vlan(), alias));
        } catch (DriverException e) {
            throw e.failure().kind() != Failure.Kind.UNSUPPORTED
                    ? e
                    : DriverException.failure(
                            Failure.Kind.UNSUPPORTED,
                            "cannot make " + wire.parent() + ": this kernel has no VLANs (CONFIG_VLAN_8021Q); name a"
                                    + " parent that is there",
                            e);
        }
    }

    @Override
    public void remove(NetworkSpec network) throws DriverException {
        boolean ours = links.find(network.deviceName())
                .flatMap(link -> Tag.parse(link.alias()))
                .filter(tag -> isOurs(tag)
                        && tag.kind().equals("parent")
                        && tag.network().equals(network.id()))
                .isPresent();
        if (ours) {
            links.remove(network.deviceName());
        }
    }

    @Override
    public Endpoint attach(NetworkSpec network, EndpointSpec endpoint, Sandbox sandbox) throws DriverException {
        Wire wire = Wire.of(kind, network);
        ChildLinks.Child child = new ChildLinks.Child(
                kind,
                network.deviceName(),
                endpoint.containerInterface(),
                wire.mode(),
                wire.flag(),
                // A device in passthru mode has its parent's address and would give it another.
                wire.mode().equals("passthru") ? "" : endpoint.mac(),
                wire.mtu(),
                Stream.of(endpoint.ipv4(), endpoint.ipv6())
                        .filter(a -> !a.isEmpty())
                        .toList(),
                Stream.of(endpoint.gateway4(), endpoint.gateway6())
                        .filter(a -> !a.isEmpty())
                        .toList(),
                wire.mode().startsWith("l3"),
                endpoint.metric(),
                new Tag(agent, "endpoint", endpoint.id(), network.id(), endpoint.mac(), kind).toString());
        places.note(endpoint.id(), sandbox.path());
        try {
            place(network, child, sandbox);
        } catch (DriverException e) {
            undo(endpoint.id(), child, sandbox, e);
            throw e;
        }
        return new Endpoint(endpoint.id(), network.id(), child.name(), endpoint.mac());
    }

    private void place(NetworkSpec network, ChildLinks.Child child, Sandbox sandbox) throws DriverException {
        try {
            children.place(child, sandbox.path());
        } catch (DriverException e) {
            if (e.failure().kind() != Failure.Kind.MISSING
                    || links.find(network.deviceName()).isPresent()) {
                throw e;
            }
            // Somebody removed the parent while the network stands.
            create(network);
            children.place(child, sandbox.path());
        }
    }

    /** What another one has under that name stays. */
    private void undo(String endpoint, ChildLinks.Child child, Sandbox sandbox, DriverException cause) {
        try {
            if (cause.failure().kind() != Failure.Kind.EXISTS && Files.exists(sandbox.path())) {
                children.remove(sandbox.path(), child.name());
            }
            places.forget(endpoint);
        } catch (DriverException e) {
            cause.addSuppressed(e);
        }
    }

    @Override
    public void detach(NetworkSpec network, EndpointSpec endpoint, Sandbox sandbox) throws DriverException {
        // Whoever is in the sandbox, or comes, must not find the device.
        part(endpoint, sandbox, (room, link, tag) -> children.remove(room, link.name()));
    }

    @Override
    public void release(NetworkSpec network, EndpointSpec endpoint, Sandbox sandbox) throws DriverException {
        // To remove a device takes the kernel its time, and the end of its namespace takes it along for nothing.
        part(
                endpoint,
                sandbox,
                (room, link, tag) ->
                        children.alias(room, link.name(), tag.gone().toString()));
    }

    /** What becomes of a device in a sandbox. */
    private interface Parting {
        void of(Path room, Link link, Tag tag) throws DriverException;
    }

    private void part(EndpointSpec endpoint, Sandbox sandbox, Parting parting) throws DriverException {
        // Whoever sweeps knows the endpoint and not its sandbox.
        List<Path> rooms =
                sandbox.path().equals(Sandbox.HOST_PATH) ? places.of(endpoint.id()) : List.of(sandbox.path());
        for (Path room : rooms) {
            for (Link link : inside(room)) {
                Optional<Tag> tag = Tag.parse(link.alias()).filter(t -> isOurs(t) && t.id().equals(endpoint.id()));
                if (tag.isPresent()) {
                    parting.of(room, link, tag.get());
                }
            }
        }
        places.forget(endpoint.id());
    }

    @Override
    public List<Endpoint> survey() throws DriverException {
        List<Endpoint> found = new ArrayList<>();
        for (Path room : places.all()) {
            for (Link link : inside(room)) {
                Tag.parse(link.alias())
                        .filter(t -> isOurs(t) && t.isEndpoint() && link.up())
                        .ifPresent(t -> found.add(new Endpoint(t.id(), t.network(), link.name(), t.mac())));
            }
        }
        return found;
    }

    /** A sandbox may go while it is looked at. */
    private List<Link> inside(Path sandbox) throws DriverException {
        try {
            return Files.exists(sandbox) ? children.inside(sandbox) : List.of();
        } catch (DriverException e) {
            if (e.failure().kind() == Failure.Kind.MISSING || !Files.exists(sandbox)) {
                return List.of();
            }
            throw e;
        }
    }

    private boolean isOurs(Tag tag) {
        return tag.agent().equals(agent) && tag.mode().equals(kind);
    }

    /** Agents differ in their exec roots, and one keeps its own over restarts. */
    static String agent(String execRoot) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256")
                    .digest(Path.of(execRoot)
                            .toAbsolutePath()
                            .normalize()
                            .toString()
                            .getBytes(UTF_8));
            return "wharf-" + HexFormat.of().formatHex(hash, 0, 4);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
