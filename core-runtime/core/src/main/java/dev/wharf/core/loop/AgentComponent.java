package dev.wharf.core.loop;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Attendance;
import dev.wharf.core.agent.Jobs;
import dev.wharf.core.agent.PluginStore;
import dev.wharf.core.agent.Refusals;
import dev.wharf.core.agent.Tracing;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.state.Host;
import dev.wharf.model.AddressPool;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkSpec.Pool;
import dev.wharf.spi.Driver;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.content.ContentStore;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.kernel.Kernel;
import dev.wharf.spi.network.NetworkDriver;
import dev.wharf.spi.registry.RegistryBackend;
import dev.wharf.spi.runtime.OciRuntime;
import dev.wharf.spi.storage.StorageDriver;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
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
import org.osgi.service.component.runtime.ServiceComponentRuntime;
import org.osgi.service.component.runtime.dto.ComponentConfigurationDTO;
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
    private final Workshop workshop;

    /** Where the plugins folder's bundles are kept, under the beginning of their digests. */
    private static final Pattern KEPT = Pattern.compile("/plugins/[^/]+/([0-9a-f]{12})\\.jar$");

    /** Open from when the house is; drivers that come before wait in their threads. */
    private final CountDownLatch opened = new CountDownLatch(1);

    private final AtomicInteger earlier = new AtomicInteger();
    private final Map<ServiceReference<?>, Visit<?>> visits = new ConcurrentHashMap<>();
    private volatile Optional<PluginStore> kept = Optional.empty();
    private volatile Optional<Refusals> refusals = Optional.empty();
    private volatile Tracing tracing = Tracing.OFF;
    private volatile Optional<Jobs> jobs = Optional.empty();
    private volatile @Nullable ServiceComponentRuntime components;
    private volatile Optional<House> house = Optional.empty();
    private volatile Optional<ServiceRegistration<Agent>> registration = Optional.empty();
    private final Thread announcer = new Thread(this::announce, "wharf-announcer");
    private boolean closing;

    @Activate
    public AgentComponent(@Reference EventJournal journal, @Reference RoutesComponent routes, BundleContext context) {
        this.journal = journal;
        this.context = context;
        workshop = new Workshop(InstantSource.system(), PATIENCE, routes.routes());
    }

    /** After the references are bound. The journal is folded here; the survey goes on in a thread of the house's own. */
    @Activate
    void open() throws IOException {
        Path data = Path.of(property("wharf.data.root", "/var/lib/wharf"));
        workshop.deadlines = new Swaps.Deadlines(
                duration("wharf.driver.interview", Swaps.Deadlines.USUAL.interview()),
                duration("wharf.driver.drain", Swaps.Deadlines.USUAL.drain()),
                duration("wharf.driver.call", Swaps.Deadlines.USUAL.call()));
        long began = System.nanoTime();
        House built = new House(
                journal,
                workshop,
                InstantSource.system(),
                new House.Settings(
                        data.resolve("checkpoint"),
                        isSynced(),
                        Math.max(16, 8 * Runtime.getRuntime().availableProcessors()),
                        PATIENCE,
                        context.getBundle().getVersion().toString(),
                        networks(),
                        AddressPool.parseAll(property("wharf.address.pools", "")),
                        Stream.of(property("wharf.host.gateway", "").split("[,\\s]+"))
                                .filter(address -> !address.isEmpty())
                                .toList(),
                        duration("wharf.survey.beat", Duration.ofMinutes(5)),
                        keep()));
        log.info(
                "journal folded batches={} position={} millis={}",
                built.folds(),
                journal.end(),
                TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began));
        built.open();
        built.swaps().keptBy(kept);
        built.swaps().settingsBy(refusals);
        built.trace(tracing);
        built.jobsBy(jobs);
        house = Optional.of(built);
        workshop.completeWhen(this::isQuiet);
        context.addBundleListener(event -> workshop.arrived());
        opened.countDown();
        announcer.setDaemon(true);
        announcer.start();
    }

    /**
     * What ended while no agent ran is known only after a first look at processes, and a new host knows no driver and no
     * network until their bundles have come; one where none could work may have been mended since. Whoever asks in these first
     * moments is kept waiting at the door, which opens when the agent is registered, rather than told what was, or that nothing
     * serves.
     */
    private void announce() {
        House built = house.orElseThrow();
        boolean known = isFurnished(built.host()) && worked(built.host());
        try {
            built.awaitFirstLook(PATIENCE);
            if (!known) {
                workshop.await(() -> isFurnished(built.host()) && isQuiet());
            }
            register(built);
            missStorage(built);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Without the driver that an operator wants for new images, they go elsewhere, and that should not go unheard. */
    private void missStorage(House built) throws InterruptedException {
        String wanted = property(STORAGE, "");
        if (wanted.isEmpty()) {
            return;
        }
        workshop.await(this::isQuiet);
        boolean serves = built.host().drivers().values().stream()
                .filter(driver -> driver.id().driverKind() == DriverKind.STORAGE && driver.ready())
                .anyMatch(driver -> driver.id().name().value().equals(wanted));
        if (!serves) {
            log.warn("new images go to another storage driver, for this one does not serve {}={}", STORAGE, wanted);
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

    private static boolean worked(Host host) {
        return Stream.of(DriverKind.STORAGE, DriverKind.RUNTIME)
                .allMatch(kind -> host.preferred(kind).isPresent());
    }

    /** Whether no bundle is on its way up: the best driver of a kind need not be the one that comes first. */
    private boolean isQuiet() {
        return earlier.get() == 0
                && swaps().map(Swaps::isQuiet).orElse(false)
                && Arrays.stream(context.getBundles())
                        .allMatch(b ->
                                b.getState() == Bundle.ACTIVE || b.getHeaders().get(Constants.FRAGMENT_HOST) != null);
    }

    @Deactivate
    void close() {
        synchronized (this) {
            closing = true;
        }
        announcer.interrupt();
        registration.ifPresent(ServiceRegistration::unregister);
        house.ifPresent(House::close);
        opened.countDown();
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

    /** The subnet the operator gave; none leaves the choice to whoever makes the network. */
    private List<Pool> bridgePools() {
        String bip = property("wharf.bridge.bip", "");
        if (bip.isBlank()) {
            return List.of();
        }
        String gateway = bip.substring(0, bip.indexOf('/'));
        return List.of(
                new Pool(dev.wharf.core.command.Addresses.Subnet.parse(bip).toString(), gateway, "", Map.of()));
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

    private static final int CHOSEN_RANK = 1_000_000;
    private static final String STORAGE = "wharf.storage";

    private boolean isSynced() {
        String mode = property("wharf.journal.sync", "always");
        if (!mode.equals("always") && !mode.equals("os")) {
            log.warn("a setting is not taken, always or os is expected setting=wharf.journal.sync value={}", mode);
        }
        return !mode.equals("os");
    }

    private String property(String name, String otherwise) {
        String value = context.getProperty(name);
        return value == null || value.isBlank() ? otherwise : value;
    }

    // ---- what comes and goes

    /** The storage driver that {@code wharf.storage} names stands before all others, for new images. */
    private int rank(ServiceReference<?> reference) {
        int rank = reference.getProperty(Constants.SERVICE_RANKING) instanceof Integer given ? given : 0;
        boolean chosen = property(STORAGE, "").equals(reference.getProperty("wharf.name"))
                && Arrays.asList((String[]) reference.getProperty(Constants.OBJECTCLASS))
                        .contains(StorageDriver.class.getName());
        return chosen ? rank + CHOSEN_RANK : rank;
    }

    /** The bundle and its version, and for a plugin the beginning of its digest: a file may be replaced by the same version. */
    private static String implementation(ServiceReference<?> reference) {
        Bundle bundle = reference.getBundle();
        Matcher kept = KEPT.matcher(bundle.getLocation());
        return bundle.getSymbolicName() + "/" + bundle.getVersion() + (kept.find() ? "@" + kept.group(1) : "");
    }

    /** What it calls itself before it can be asked. */
    private static DriverId claimed(DriverKind kind, ServiceReference<?> reference) {
        try {
            return new DriverId(kind, new DriverName(String.valueOf(reference.getProperty("wharf.name"))));
        } catch (IllegalArgumentException e) {
            return new DriverId(kind, new DriverName("unnamed"));
        }
    }

    /**
     * One driver's service. It is fetched, which may activate it, and asked on a thread of its own, so that whatever it does
     * keeps neither the framework nor another driver.
     */
    private final class Visit<D extends Driver> {
        private final DriverKind kind;
        private final DriverGate<D> gate;
        private final ServiceReference<D> reference;
        private final String implementation;
        private final DriverId claimed;
        private Optional<D> driver = Optional.empty();
        private boolean gone;

        Visit(DriverKind kind, DriverGate<D> gate, ServiceReference<D> reference) {
            this.kind = kind;
            this.gate = gate;
            this.reference = reference;
            implementation = implementation(reference);
            claimed = claimed(kind, reference);
        }

        void come() {
            swaps().ifPresentOrElse(
                            s -> s.announce(claimed, implementation, rank(reference)), () -> earlier.incrementAndGet());
            boolean announced = house.isPresent();
            Thread thread = new Thread(() -> arrive(announced), "wharf-arrival");
            thread.setDaemon(true);
            thread.start();
        }

        private void arrive(boolean announced) {
            Optional<House> open = Optional.empty();
            try {
                opened.await();
                open = house;
                if (open.isPresent()) {
                    enter(open.get().swaps());
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (RuntimeException | LinkageError e) {
                log.error("driver could not be let in implementation={}", implementation, e);
            } finally {
                if (announced) {
                    open.ifPresent(h -> h.swaps().arrived(claimed, implementation));
                } else {
                    earlier.decrementAndGet();
                }
                workshop.arrived();
            }
        }

        private void enter(Swaps swaps) {
            Optional<D> made;
            try {
                made = Interview.ask(
                        "its activation",
                        workshop.deadlines.interview(),
                        () -> Optional.ofNullable(context.getService(reference)));
            } catch (DriverException | RuntimeException e) {
                String why =
                        e instanceof DriverException d ? d.failure().message() : "its bundle went: " + e.getMessage();
                if (!isGone()) {
                    swaps.turnAway(claimed, implementation, why);
                }
                return;
            }
            if (made.isEmpty()) {
                if (!isGone()) {
                    swaps.turnAway(claimed, implementation, "it cannot be activated: " + whyInactive());
                }
                return;
            }
            synchronized (this) {
                if (gone) {
                    return;
                }
                driver = made;
            }
            swaps.bind(claimed, gate, made.get(), rank(reference), implementation, () -> !isGone());
        }

        private synchronized boolean isGone() {
            return gone;
        }

        /** What the component's own constructor or method threw, as the component runtime remembers it. */
        private String whyInactive() {
            ServiceComponentRuntime known = components;
            return (known == null ? Stream.<ComponentConfigurationDTO>empty() : configurations(known))
                    .map(c -> c.failure)
                    .filter(failure -> failure != null && !failure.isBlank())
                    .map(AgentComponent::reason)
                    .findFirst()
                    .orElse("the log says why");
        }

        private Stream<ComponentConfigurationDTO> configurations(ServiceComponentRuntime known) {
            return known.getComponentDescriptionDTOs(reference.getBundle()).stream()
                    .flatMap(d -> known.getComponentConfigurationDTOs(d).stream());
        }

        /** Returns when nobody is inside any more. */
        void go() {
            Optional<D> leaving;
            synchronized (this) {
                gone = true;
                leaving = driver;
            }
            if (leaving.isPresent() && context.getBundle(0).getState() != Bundle.STOPPING) {
                // Everything goes when the framework does; that is no news about any driver.
                swaps().ifPresent(s -> s.unbind(kind, gate, leaving.get(), implementation));
            }
            try {
                context.ungetService(reference);
            } catch (IllegalStateException e) {
                log.debug("this bundle is going, too", e);
            }
        }
    }

    /** The innermost cause of a printed stack trace, in one line. */
    private static String reason(String trace) {
        String reason = trace.lines().findFirst().orElse("").strip();
        for (String line : trace.lines().toList()) {
            if (line.startsWith("Caused by: ")) {
                reason = line.substring("Caused by: ".length()).strip();
            }
        }
        return reason;
    }

    private Optional<Swaps> swaps() {
        return house.map(House::swaps);
    }

    private <D extends Driver> void come(DriverKind kind, DriverGate<D> gate, ServiceReference<D> reference) {
        Visit<D> visit = new Visit<>(kind, gate, reference);
        visits.put(reference, visit);
        visit.come();
    }

    private void go(ServiceReference<?> reference) {
        Visit<?> visit = visits.remove(reference);
        if (visit != null) {
            visit.go();
        }
    }

    @Reference(
            service = StorageDriver.class,
            cardinality = ReferenceCardinality.MULTIPLE,
            policy = ReferencePolicy.DYNAMIC,
            unbind = "removeStorage")
    void addStorage(ServiceReference<StorageDriver> reference) {
        come(DriverKind.STORAGE, workshop.storage, reference);
    }

    void removeStorage(ServiceReference<StorageDriver> reference) {
        go(reference);
    }

    @Reference(
            service = NetworkDriver.class,
            cardinality = ReferenceCardinality.MULTIPLE,
            policy = ReferencePolicy.DYNAMIC,
            unbind = "removeNetwork")
    void addNetwork(ServiceReference<NetworkDriver> reference) {
        come(DriverKind.NETWORK, workshop.network, reference);
    }

    void removeNetwork(ServiceReference<NetworkDriver> reference) {
        go(reference);
    }

    @Reference(
            service = RegistryBackend.class,
            cardinality = ReferenceCardinality.MULTIPLE,
            policy = ReferencePolicy.DYNAMIC,
            unbind = "removeRegistry")
    void addRegistry(ServiceReference<RegistryBackend> reference) {
        come(DriverKind.REGISTRY, workshop.registry, reference);
    }

    void removeRegistry(ServiceReference<RegistryBackend> reference) {
        go(reference);
    }

    @Reference(
            service = OciRuntime.class,
            cardinality = ReferenceCardinality.MULTIPLE,
            policy = ReferencePolicy.DYNAMIC,
            unbind = "removeRuntime")
    void addRuntime(ServiceReference<OciRuntime> reference) {
        come(DriverKind.RUNTIME, workshop.runtime, reference);
    }

    void removeRuntime(ServiceReference<OciRuntime> reference) {
        go(reference);
    }

    @Reference(cardinality = ReferenceCardinality.OPTIONAL, policy = ReferencePolicy.DYNAMIC, unbind = "removeTracing")
    void setTracing(Tracing by) {
        tracing = by;
        house.ifPresent(h -> h.trace(by));
    }

    void removeTracing(Tracing gone) {
        if (tracing == gone) {
            tracing = Tracing.OFF;
            house.ifPresent(h -> h.trace(Tracing.OFF));
        }
    }

    @Reference(cardinality = ReferenceCardinality.OPTIONAL, policy = ReferencePolicy.DYNAMIC, unbind = "removeStore")
    void setStore(PluginStore store) {
        kept = Optional.of(store);
        swaps().ifPresent(s -> s.keptBy(kept));
    }

    void removeStore(PluginStore store) {
        kept = Optional.empty();
        swaps().ifPresent(s -> s.keptBy(kept));
    }

    @Reference(cardinality = ReferenceCardinality.OPTIONAL, policy = ReferencePolicy.DYNAMIC, unbind = "removeRefusals")
    void setRefusals(Refusals now) {
        refusals = Optional.of(now);
        swaps().ifPresent(s -> s.settingsBy(refusals));
    }

    void removeRefusals(Refusals gone) {
        refusals = Optional.empty();
        swaps().ifPresent(s -> s.settingsBy(refusals));
    }

    @Reference(cardinality = ReferenceCardinality.OPTIONAL, policy = ReferencePolicy.DYNAMIC, unbind = "removeJobs")
    void setJobs(Jobs those) {
        jobs = Optional.of(those);
        house.ifPresent(h -> h.jobsBy(jobs));
    }

    void removeJobs(Jobs those) {
        jobs = jobs.filter(now -> now != those);
        house.ifPresent(h -> h.jobsBy(jobs));
    }

    @Reference(
            cardinality = ReferenceCardinality.MULTIPLE,
            policy = ReferencePolicy.DYNAMIC,
            unbind = "removeAttendance")
    void addAttendance(Attendance who) {
        workshop.attendances.add(who);
    }

    void removeAttendance(Attendance who) {
        workshop.attendances.remove(who);
    }

    @Reference(
            cardinality = ReferenceCardinality.OPTIONAL,
            policy = ReferencePolicy.DYNAMIC,
            unbind = "removeComponents")
    void setComponents(ServiceComponentRuntime runtime) {
        components = runtime;
    }

    void removeComponents(ServiceComponentRuntime runtime) {
        components = null;
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
