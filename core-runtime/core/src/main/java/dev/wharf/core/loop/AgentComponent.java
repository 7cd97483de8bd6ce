package dev.wharf.core.loop;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.state.Host;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkSpec.Pool;
import dev.wharf.spi.content.ContentStore;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.kernel.Kernel;
import dev.wharf.spi.network.NetworkDriver;
import dev.wharf.spi.registry.RegistryBackend;
import dev.wharf.spi.runtime.OciRuntime;
import dev.wharf.spi.storage.StorageDriver;
import java.io.IOException;
import java.net.InterfaceAddress;
import java.net.NetworkInterface;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Builds the house in the framework: binds drivers and ports as their bundles come and go, and registers the {@link Agent}
 * once the journal is folded.
 */
@Component(
        service = {},
        immediate = true)
public final class AgentComponent {
    private static final Logger log = LoggerFactory.getLogger(AgentComponent.class);

    private static final Duration PATIENCE = Duration.ofSeconds(15);

    private final EventJournal journal;
    private final BundleContext context;
    private final Workshop workshop = new Workshop(InstantSource.system(), PATIENCE);

    /** Drivers that came before the house was open, told to it when it is. */
    private final List<Runnable> early = Collections.synchronizedList(new ArrayList<>());

    private final Map<Object, String> implementations = new ConcurrentHashMap<>();
    private volatile Optional<House> house = Optional.empty();
    private volatile Optional<ServiceRegistration<Agent>> registration = Optional.empty();
    private final Thread announcer = new Thread(this::announce, "wharf-announcer");
    private boolean closing;

    @Activate
    public AgentComponent(@Reference EventJournal journal, BundleContext context) {
        this.journal = journal;
        this.context = context;
    }

    /** After the references are bound. The journal is folded here; the survey goes on in a thread of the house's own. */
    @Activate
    void open() throws IOException {
        Path data = Path.of(property("wharf.data.root", "/var/lib/wharf"));
        House built = new House(
                journal,
                workshop,
                InstantSource.system(),
                new House.Settings(
                        data.resolve("checkpoint"),
                        !property("wharf.journal.sync", "always").equals("os"),
                        Math.max(16, 8 * Runtime.getRuntime().availableProcessors()),
                        PATIENCE,
                        context.getBundle().getVersion().toString(),
                        networks(),
                        duration("wharf.survey.beat", Duration.ofMinutes(5)),
                        keep()));
        built.open();
        synchronized (early) {
            house = Optional.of(built);
            early.forEach(Runnable::run);
            early.clear();
        }
        announcer.setDaemon(true);
        announcer.start();
    }

    /**
     * What ended while no agent ran is known only after the first survey, and a new host knows no driver and no network until
     * their bundles have come. Whoever asks in these first moments is kept waiting at the door, which opens when the agent is
     * registered, rather than told what was, or that nothing serves.
     */
    private void announce() {
        House built = house.orElseThrow();
        boolean known = isFurnished(built.host());
        long end = System.nanoTime() + PATIENCE.toNanos();
        try {
            built.awaitSurvey(PATIENCE);
            if (known) {
                register(built);
                return;
            }
            while (!(isFurnished(built.host()) && isQuiet()) && System.nanoTime() < end) {
                Thread.sleep(5);
            }
            register(built);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void register(House built) {
        if (!closing) {
            registration = Optional.of(context.registerService(Agent.class, built, null));
        }
    }

    /** Whether a driver of each kind that every container needs is known, if only as one that cannot work here. */
    private boolean isFurnished(Host host) {
        return Stream.of(DriverKind.STORAGE, DriverKind.RUNTIME)
                        .allMatch(kind -> host.drivers().values().stream().anyMatch(b -> b.id().driverKind() == kind))
                && Stream.of("bridge", "host", "none")
                        .allMatch(name -> host.networkNamed(name).isPresent());
    }

    /** Whether no bundle is on its way up: the best driver of a kind need not be the one that comes first. */
    private boolean isQuiet() {
        return Arrays.stream(context.getBundles())
                .allMatch(b -> b.getState() == Bundle.ACTIVE || b.getHeaders().get(Constants.FRAGMENT_HOST) != null);
    }

    @Deactivate
    void close() {
        synchronized (this) {
            closing = true;
        }
        announcer.interrupt();
        registration.ifPresent(ServiceRegistration::unregister);
        house.ifPresent(House::close);
    }

    // ---- the networks that come with the house

    private List<NetworkSpec> networks() {
        return List.of(
                predefined("bridge", property("wharf.bridge.name", "wharf0"), bridgePools()),
                predefined("host", "", List.of()),
                predefined("none", "", List.of()));
    }

    private static NetworkSpec predefined(String name, String device, List<Pool> pools) {
        String id =
                dev.wharf.model.Digest.sha256(name + "/" + UUID.randomUUID()).hex();
        return new NetworkSpec(
                new NetworkId(id),
                name,
                new DriverName(name),
                device,
                pools,
                false,
                false,
                false,
                true,
                Map.of(),
                Map.of(),
                Map.of());
    }

    /** The subnet the operator gave, or the first of the usual ones that no interface of this host is in. */
    private List<Pool> bridgePools() {
        String bip = property("wharf.bridge.bip", "");
        if (bip.isBlank()) {
            List<String> taken = hostSubnets();
            for (int second = 17; second < 32; second++) {
                String subnet = "172." + second + ".0.0/16";
                String prefix = "172." + second + ".";
                if (taken.stream().noneMatch(a -> a.startsWith(prefix))) {
                    return List.of(new Pool(subnet, "172." + second + ".0.1", "", Map.of()));
                }
            }
            return List.of();
        }
        String gateway = bip.substring(0, bip.indexOf('/'));
        return List.of(
                new Pool(dev.wharf.core.command.Addresses.Subnet.parse(bip).toString(), gateway, "", Map.of()));
    }

    private static List<String> hostSubnets() {
        List<String> addresses = new ArrayList<>();
        try {
            for (NetworkInterface link : Collections.list(NetworkInterface.getNetworkInterfaces())) {
                for (InterfaceAddress address : link.getInterfaceAddresses()) {
                    addresses.add(address.getAddress().getHostAddress());
                }
            }
        } catch (IOException e) {
            log.warn("the host's own addresses cannot be read reason={}", e.toString());
        }
        return addresses;
    }

    /** How long the journal is kept, such as {@code 30d} or {@code 12h}; for ever where nobody says. */
    private Optional<Duration> keep() {
        Duration keep = duration("wharf.journal.keep", Duration.ZERO);
        return keep.isZero() ? Optional.empty() : Optional.of(keep);
    }

    private Duration duration(String name, Duration otherwise) {
        String text = property(name, "");
        try {
            return text.isEmpty() ? otherwise : parse(text);
        } catch (IllegalArgumentException e) {
            log.warn("setting is no duration such as 90s, 12h or 30d name={} value={}", name, text);
            return otherwise;
        }
    }

    /** A number and one of the letters s, m, h and d. */
    static Duration parse(String text) {
        long number = Long.parseLong(text.substring(0, text.length() - 1));
        if (number <= 0) {
            throw new IllegalArgumentException(text);
        }
        return switch (text.charAt(text.length() - 1)) {
            case 's' -> Duration.ofSeconds(number);
            case 'm' -> Duration.ofMinutes(number);
            case 'h' -> Duration.ofHours(number);
            case 'd' -> Duration.ofDays(number);
            default -> throw new IllegalArgumentException(text);
        };
    }

    private String property(String name, String otherwise) {
        String value = context.getProperty(name);
        return value == null || value.isBlank() ? otherwise : value;
    }

    // ---- what comes and goes

    private void tell(java.util.function.Consumer<House> news) {
        synchronized (early) {
            if (house.isEmpty()) {
                early.add(() -> news.accept(house.orElseThrow()));
                return;
            }
        }
        news.accept(house.get());
    }

    private static int rank(ServiceReference<?> reference) {
        return reference.getProperty(Constants.SERVICE_RANKING) instanceof Integer rank ? rank : 0;
    }

    private static String implementation(ServiceReference<?> reference) {
        return reference.getBundle().getSymbolicName() + "/"
                + reference.getBundle().getVersion();
    }

    private <D extends dev.wharf.spi.Driver> void come(
            DriverKind kind, DriverGate<D> gate, D driver, ServiceReference<D> reference) {
        String implementation = implementation(reference);
        int rank = rank(reference);
        implementations.put(driver, implementation);
        tell(h -> h.bind(kind, gate, driver, rank, implementation));
    }

    private <D extends dev.wharf.spi.Driver> void go(DriverKind kind, DriverGate<D> gate, D driver) {
        String implementation = implementations.remove(driver);
        if (context.getBundle(0).getState() == Bundle.STOPPING) {
            // Everything goes when the framework does; that is no news about any driver.
            return;
        }
        tell(h -> h.unbind(kind, gate, driver, implementation == null ? "" : implementation));
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC, unbind = "removeStorage")
    void addStorage(StorageDriver driver, ServiceReference<StorageDriver> reference) {
        come(DriverKind.STORAGE, workshop.storage, driver, reference);
    }

    void removeStorage(StorageDriver driver) {
        go(DriverKind.STORAGE, workshop.storage, driver);
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC, unbind = "removeNetwork")
    void addNetwork(NetworkDriver driver, ServiceReference<NetworkDriver> reference) {
        come(DriverKind.NETWORK, workshop.network, driver, reference);
    }

    void removeNetwork(NetworkDriver driver) {
        go(DriverKind.NETWORK, workshop.network, driver);
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC, unbind = "removeRegistry")
    void addRegistry(RegistryBackend driver, ServiceReference<RegistryBackend> reference) {
        come(DriverKind.REGISTRY, workshop.registry, driver, reference);
    }

    void removeRegistry(RegistryBackend driver) {
        go(DriverKind.REGISTRY, workshop.registry, driver);
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC, unbind = "removeRuntime")
    void addRuntime(OciRuntime driver, ServiceReference<OciRuntime> reference) {
        come(DriverKind.RUNTIME, workshop.runtime, driver, reference);
    }

    void removeRuntime(OciRuntime driver) {
        go(DriverKind.RUNTIME, workshop.runtime, driver);
    }

    @Reference(cardinality = ReferenceCardinality.OPTIONAL, policy = ReferencePolicy.DYNAMIC, unbind = "removeKernel")
    void setKernel(Kernel port) {
        workshop.kernel.set(port);
    }

    void removeKernel(Kernel port) {
        workshop.kernel.clear(port);
    }

    @Reference(cardinality = ReferenceCardinality.OPTIONAL, policy = ReferencePolicy.DYNAMIC, unbind = "removeContent")
    void setContent(ContentStore port) {
        workshop.content.set(port);
    }

    void removeContent(ContentStore port) {
        workshop.content.clear(port);
    }

    @Reference(cardinality = ReferenceCardinality.OPTIONAL, policy = ReferencePolicy.DYNAMIC, unbind = "removeFiles")
    void setFiles(FileCalls port) {
        workshop.files.set(port);
    }

    void removeFiles(FileCalls port) {
        workshop.files.clear(port);
    }
}
