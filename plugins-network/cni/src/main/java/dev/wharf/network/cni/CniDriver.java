package dev.wharf.network.cni;

import dev.wharf.model.DriverName;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.PublishedPort;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.ChildLinks;
import dev.wharf.spi.kernel.HostPorts;
import dev.wharf.spi.kernel.Links.Link;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.network.Device;
import dev.wharf.spi.network.Endpoint;
import dev.wharf.spi.network.NetworkDriver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Joins sandboxes by plugins of the Container Network Interface. Which, says a configuration list that is copied into the
 * network's options when it is made, so that nobody can change a network by changing a file. Interfaces carry an alias with
 * the endpoint's id, by which any driver finds them.
 */
public class CniDriver implements NetworkDriver, NetworkDriver.Planning {
    public static final String NAME = "cni";
    static final String FORMAT_NAME = "cni-alias";
    /** The option that holds a list, or names one in the folder. */
    static final String CONFLIST = "conflist";

    private static final Logger LOG = LoggerFactory.getLogger(CniDriver.class);
    private static final Format FORMAT = new Format(FORMAT_NAME, 1);

    /**
     * What an operator sets.
     *
     * @param lists the folder of configuration lists
     * @param prefix a command that runs the plugins, empty for the agent itself
     */
    record Settings(Path lists, List<Path> programs, List<String> prefix) {}

    private final ChildLinks children;
    private final HostPorts ports;
    private final Ledger ledger;
    private final String agent;
    private final Supplier<Settings> settings;

    /** @param agent names this agent's interfaces among those of others; no spaces */
    CniDriver(ChildLinks children, HostPorts ports, Path ledger, String agent, Supplier<Settings> settings) {
        this.children = children;
        this.ports = ports;
        this.ledger = new Ledger(ledger);
        this.agent = agent;
        this.settings = settings;
    }

    @Override
    public DriverName name() {
        return new DriverName(NAME);
    }

    @Override
    public List<Format> formats() {
        return List.of(FORMAT);
    }

    /** Plugins may be installed at any time, so what lacks is said when a network is made. */
    @Override
    public Readiness probe() {
        return Readiness.yes();
    }

    @Override
    public NetworkSpec plan(NetworkSpec wanted) throws DriverException {
        ConfList list = wantedList(wanted);
        plugins().require(list);
        Map<String, String> options = new HashMap<>(wanted.options());
        options.put(CONFLIST, list.toString());
        return wanted.planned("", wanted.pools().isEmpty() ? list.pools() : wanted.pools(), wanted.internal(), options);
    }

    private ConfList wantedList(NetworkSpec wanted) throws DriverException {
        String said = wanted.options().getOrDefault(CONFLIST, wanted.name());
        if (said.strip().startsWith("{")) {
            return ConfList.parse(said);
        }
        Path folder = settings.get().lists();
        return ConfList.find(folder, said)
                .orElseThrow(() -> DriverException.failure(
                        Failure.Kind.INVALID,
                        "there is no CNI configuration list " + said + " in " + folder
                                + "; write one there, or give it with" + " -o conflist='{...}'"));
    }

    private static ConfList list(NetworkSpec network) throws DriverException {
        return ConfList.parse(network.options().getOrDefault(CONFLIST, ""));
    }

    private Plugins plugins() {
        return new Plugins(settings.get().programs(), settings.get().prefix());
    }

    /** The plugins make what a network needs with its first endpoint. */
    @Override
    public Device create(NetworkSpec network) throws DriverException {
        plugins().require(list(network));
        return new Device(network.id(), "");
    }

    /** The interface has no word for that: what plugins made for all stays, such as a bridge. */
    @Override
    public void remove(NetworkSpec network) {}

    @Override
    public Endpoint attach(NetworkSpec network, EndpointSpec endpoint, Sandbox sandbox) throws DriverException {
        ConfList list = list(network);
        if (!endpoint.ports().isEmpty() && !list.publishes()) {
            throw DriverException.failure(
                    Failure.Kind.INVALID,
                    "network " + network.name() + " publishes no ports: no plugin of its list has the capability"
                            + " portMappings");
        }
        Endpoint answer = new Endpoint(endpoint.id(), network.id(), endpoint.containerInterface(), endpoint.mac());
        if (isWhole(list, endpoint, sandbox)) {
            return answer;
        }
        part(list, endpoint, sandbox.path().toString());
        refuseForeign(endpoint, sandbox);
        try {
            for (PublishedPort port : endpoint.ports()) {
                ports.hold(endpoint.id(), port.protocol(), port.hostAddress(), port.hostPort());
            }
            String namespace = sandbox.path().toString();
            ledger.write(endpoint.id(), new Ledger.Entry(namespace, Optional.empty()));
            Ledger.Entry entry =
                    new Ledger.Entry(namespace, Optional.of(plugins().add(list, endpoint, namespace)));
            ledger.write(endpoint.id(), entry);
            children.alias(sandbox.path(), endpoint.containerInterface(), alias(endpoint));
        } catch (DriverException e) {
            undo(list, endpoint, sandbox, e);
            throw e;
        }
        return answer;
    }

    /** Whether the endpoint stands already, by the plugins' own word where they have one. */
    private boolean isWhole(ConfList list, EndpointSpec endpoint, Sandbox sandbox) throws DriverException {
        Optional<Ledger.Entry> entry = ledger.find(endpoint.id());
        if (entry.flatMap(Ledger.Entry::result).isEmpty()
                || inside(sandbox.path()).stream().noneMatch(l -> l.alias().equals(alias(endpoint)))) {
            return false;
        }
        if (!list.isChecked()) {
            return true;
        }
        try {
            plugins()
                    .check(
                            list,
                            endpoint,
                            sandbox.path().toString(),
                            entry.get().result().orElseThrow());
            return true;
        } catch (DriverException e) {
            return false;
        }
    }

    private void refuseForeign(EndpointSpec endpoint, Sandbox sandbox) throws DriverException {
        boolean taken = inside(sandbox.path()).stream().anyMatch(l -> l.name().equals(endpoint.containerInterface()));
        if (taken) {
            throw DriverException.failure(
                    Failure.Kind.EXISTS,
                    "cannot join: the sandbox has a device " + endpoint.containerInterface() + " already");
        }
    }

    private void undo(ConfList list, EndpointSpec endpoint, Sandbox sandbox, DriverException cause) {
        try {
            part(list, endpoint, sandbox.path().toString());
        } catch (DriverException e) {
            cause.addSuppressed(e);
        }
    }

    @Override
    public void detach(NetworkSpec network, EndpointSpec endpoint, Sandbox sandbox) throws DriverException {
        part(
                list(network),
                endpoint,
                sandbox.path().equals(Sandbox.HOST_PATH) ? "" : sandbox.path().toString());
    }

    /** @param namespace the file of the sandbox, or empty where whoever asks does not know it */
    private void part(ConfList list, EndpointSpec endpoint, String namespace) throws DriverException {
        ports.release(endpoint.id());
        Optional<Ledger.Entry> entry = ledger.find(endpoint.id());
        if (entry.isEmpty()) {
            return;
        }
        String place = namespace.isEmpty() ? entry.get().namespace() : namespace;
        boolean there = !place.isEmpty() && Files.exists(Path.of(place));
        try {
            plugins().delete(list, endpoint, there ? place : "", entry.get().result());
        } catch (DriverException e) {
            if (entry.get().result().isPresent()) {
                throw e;
            }
            // Who could not make it cannot unmake it either, and would keep the container for ever.
            LOG.warn(
                    "nothing more can be taken back endpoint={} reason={}",
                    endpoint.id(),
                    e.failure().message());
        }
        if (there) {
            // Plugins should have taken it away, and not each of them does.
            children.remove(Path.of(place), endpoint.containerInterface());
        }
        ledger.remove(endpoint.id());
    }

    @Override
    public List<Endpoint> survey() throws DriverException {
        List<Endpoint> found = new ArrayList<>();
        for (Path sandbox : ledger.sandboxes()) {
            for (Link link : inside(sandbox)) {
                String[] words = link.alias().split(" ", -1);
                if (words.length == 5 && words[0].equals(agent) && words[1].equals(NAME) && link.up()) {
                    found.add(new Endpoint(words[2], new NetworkId(words[3]), link.name(), words[4]));
                }
            }
        }
        return found;
    }

    private String alias(EndpointSpec endpoint) {
        return String.join(" ", agent, NAME, endpoint.id(), endpoint.network().value(), endpoint.mac());
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
}
