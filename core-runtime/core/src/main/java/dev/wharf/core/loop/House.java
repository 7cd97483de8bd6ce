package dev.wharf.core.loop;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.FailedException;
import dev.wharf.core.agent.Fleet;
import dev.wharf.core.agent.Follower;
import dev.wharf.core.agent.Jobs;
import dev.wharf.core.agent.Maintenance;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.agent.Registries;
import dev.wharf.core.agent.Stage;
import dev.wharf.core.agent.Streams;
import dev.wharf.core.agent.Tracing;
import dev.wharf.core.agent.Vitals;
import dev.wharf.core.command.Command;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.command.ImageCommand;
import dev.wharf.core.command.NetworkCommand;
import dev.wharf.core.command.Refusal;
import dev.wharf.core.event.BuildEvent;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.JournalFullException;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Build;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Goal;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Network;
import dev.wharf.model.AddressPool;
import dev.wharf.model.ContainerId;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.Exit;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.Progress;
import dev.wharf.model.PullId;
import dev.wharf.model.SubjectId;
import dev.wharf.spi.Driver;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Kernel;
import dev.wharf.spi.network.Neighbour;
import dev.wharf.spi.network.NetworkDriver;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.runtime.OciRuntime;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The agent: opens the journal, folds it, looks at the world, and then takes turns. Plain Java, so that a test builds it as the
 * framework does.
 */
final class House implements Agent, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(House.class);

    /** The version of the way events are stored, for whoever opens this journal later. */
    private static final int JOURNAL_FORMAT = 1;

    static final Cause OWN = new Cause(CommandId.NONE, Optional.empty(), Actor.WHARF);

    /**
     * How the house is run.
     *
     * @param checkpointHint a small file beside the journal
     * @param alwaysSync whether answers wait until they would survive a loss of power
     * @param lanes how many steps run side by side
     * @param patience how long steps wait for drivers, and the start for the survey
     * @param networks those that are made if they are not there, such as the default bridge
     * @param pools where subnets come from that nobody names, empty for the usual ones
     * @param gateways addresses of the host for containers that ask for its gateway, empty for those on their networks
     * @param beat how often the world is looked at while nothing asks for it
     * @param keep how long the journal is kept behind the last checkpoint, empty for ever
     */
    record Settings(
            Path checkpointHint,
            boolean alwaysSync,
            int lanes,
            Duration patience,
            String version,
            List<NetworkSpec> networks,
            List<AddressPool> pools,
            List<String> gateways,
            Duration beat,
            Optional<Duration> keep) {}

    private final EventJournal journal;
    private final Settings settings;
    private final InstantSource clock;
    private final Workshop workshop;
    private final Replay replay;
    private final Checkpoints checkpoints;
    private final Needs needs;
    private final ExecutorService laneThreads;
    private final Timers timers;
    private final Committer committer;
    private final Lull lull = new Lull(
            System::nanoTime,
            (delay, then) -> CompletableFuture.delayedExecutor(delay.toNanos(), TimeUnit.NANOSECONDS)
                    .execute(then),
            () -> giveBackMemory(Kernel::hasSpareMemory));
    private final Followers followers;
    private final Sequencer sequencer;
    private final Rounds rounds;
    private final BytePaths streams;
    private final RegistryPaths registries;
    private final long folds;
    private final Thread thread;
    private final Thread opener;
    private final ExecutorService patientThreads;
    private final Lanes lanes;

    private final CountDownLatch furnished = new CountDownLatch(1);

    /** The names under which a driver has served. */
    private final Set<DriverId> met = ConcurrentHashMap.newKeySet();

    /** Open once it is known what runs. */
    private final CountDownLatch lookedAt = new CountDownLatch(1);

    private final Map<Driver, NetworkWatch> watches = new ConcurrentHashMap<>();

    /** Runtimes whose exits are heard of. */
    private final Set<Driver> listened = ConcurrentHashMap.newKeySet();

    private final Set<CompletableFuture<Event>> unanswered = ConcurrentHashMap.newKeySet();

    private final Swaps swaps;
    private final Maintenance upkeep = new Upkeep();
    private volatile Optional<Jobs> jobs = Optional.empty();
    private volatile Tracing tracing = Tracing.OFF;
    private volatile boolean closing;

    /** Why nothing is made durable any more. */
    private volatile Optional<String> broken = Optional.empty();

    /** Folds the journal; afterwards {@link #host} is true of the past. Nothing is touched before {@link #open}. */
    House(EventJournal journal, Workshop workshop, InstantSource clock, Settings settings) throws IOException {
        this.journal = journal;
        this.workshop = workshop;
        this.clock = clock;
        this.settings = settings;
        replay = new Replay(journal, settings.checkpointHint());
        Replay.Folded folded = replay.latest();
        folds = folded.batches();
        LostRecords lost = new LostRecords(settings.checkpointHint().resolveSibling("lost-records"));
        lost.note(folded.lost());
        Introduced introduced = introduce(folded.host());
        laneThreads = Lanes.threads(settings.lanes());
        committer = new Committer(journal, settings.alwaysSync(), e -> broken(e));
        followers = new Followers(journal, committer);
        Consumer<Letter> post = letter -> this.post(letter);
        timers = Timers.real(clock, post);
        patientThreads = Lanes.patientThreads();
        lanes = new Lanes(laneThreads, patientThreads, workshop, settings.lanes());
        sequencer = new Sequencer(journal, clock, lanes, timers, committer, introduced.host(), folded.answered());
        if (!introduced.untold().isEmpty()) {
            sequencer.observe(List.of(), (host, now) -> introduced.untold());
        }
        checkpoints = new Checkpoints(journal, replay, sequencer, clock, settings.keep(), journal.end());
        needs = new Needs(workshop);
        rounds = new Rounds(workshop, sequencer, lost, clock, settings.patience(), folds == 0, laneThreads);
        workshop.wants(layer -> host().isWanted(layer));
        workshop.strays.whenDelivered(rounds::sweepStrays);
        swaps = new Swaps(workshop, workshop.deadlines, new Threshold());
        streams = new BytePaths(workshop, this::host);
        registries = new RegistryPaths(workshop);
        thread = new Thread(this::takeTurns, "wharf-sequencer");
        opener = new Thread(this::furnish, "wharf-opener");
        opener.setDaemon(true);
    }

    /** What is still to be written down when the house opens, because the disk was full. */
    private record Introduced(Host host, List<Event> untold) {}

    /** Writes the first event of a new journal, and what opening an old one mended; on a full disk that can wait. */
    private Introduced introduce(Host host) throws IOException {
        List<Event> events = new ArrayList<>();
        boolean begins = host.identity().id().isEmpty();
        if (begins) {
            events.add(new HostEvent.Opened(
                    UUID.randomUUID().toString(), JOURNAL_FORMAT, settings.version(), clock.instant()));
        }
        if (!settings.gateways().equals(host.identity().gateways())) {
            events.add(new HostEvent.Addressed(settings.gateways()));
        }
        journal.recovery()
                .ifPresent(r ->
                        events.add(new HostEvent.JournalRecovered(r.last().sequence(), r.droppedBytes(), r.reason())));
        // Builds live in the agent and end with it, and so do the containers of their steps.
        host.containers().values().stream()
                .filter(host::isOfBuild)
                .filter(c -> c.goal() != Goal.REMOVED)
                .forEach(c -> events.add(new ContainerEvent.RemoveRequested(c.id(), true, clock.instant())));
        host.builds().values().stream()
                .filter(Build::isUnderWay)
                .forEach(build -> events.add(new BuildEvent.Ended(
                        build.id(), Duration.ZERO, Optional.empty(), "the agent stopped while it was under way")));
        if (events.isEmpty()) {
            return new Introduced(host, events);
        }
        Host after = host;
        for (Event event : events) {
            after = event.apply(after);
        }
        try {
            journal.append(new Batch(OWN, clock.instant(), events));
        } catch (JournalFullException e) {
            if (begins) {
                throw e;
            }
            return new Introduced(host, events);
        }
        return new Introduced(after, List.of());
    }

    /** How many batches were folded. */
    long folds() {
        return folds;
    }

    /** Starts the threads. Reads are answered from now on, wishes are judged, and plans are followed after the survey. */
    void open() {
        committer.start();
        listenForLulls(committer.durable());
        thread.start();
        opener.start();
        swaps.open();
    }

    /** From now on what commands lead to is told. */
    void trace(Tracing by) {
        tracing = by;
        sequencer.trace(by);
        lanes.trace(by);
        workshop.trace(by);
    }

    /** Whoever waits for an answer waits for the disk, which will not come any more. */
    private void broken(IOException e) {
        String why = "the journal cannot be made durable: " + e.getMessage();
        broken = Optional.of(why);
        sequencer.close(why);
        unanswered.forEach(answer -> refuse(answer, why));
    }

    private static void refuse(CompletableFuture<Event> answer, String why) {
        answer.completeExceptionally(new RefusedException(new Refusal(Refusal.Kind.UNAVAILABLE, why)));
    }

    private void post(Letter letter) {
        sequencer.post(letter);
    }

    /** What a burst of work needed and a host at rest does not is given back when the burst is over. */
    private void listenForLulls(Position after) {
        committer.onDurable(after, () -> {
            lull.stirred();
            if (!closing) {
                listenForLulls(committer.durable());
            }
        });
    }

    private void giveBackMemory(Predicate<Kernel> when) {
        try {
            Kernel kernel = workshop.kernel();
            if (when.test(kernel)) {
                kernel.giveBackMemory();
            }
        } catch (DriverException e) {
            log.debug("no memory was given back reason={}", e.failure().message());
        }
    }

    private void takeTurns() {
        try {
            sequencer.run();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Error | RuntimeException e) {
            log.error("the sequencer broke; nothing more is changed until the agent is started again", e);
            sequencer.close("an internal error stopped the agent from changing anything: " + e);
        }
    }

    // ---- recovery is the same road

    /**
     * Looks which processes run as soon as their runtime is there, after which the host may be shown; then waits for every tool
     * that the host needs, looks at the whole world, sweeps, and lets plans be followed.
     */
    private void furnish() {
        try {
            takeShortTurns(workshop.kernel());
            await(() -> needs.runtimes(host()));
            String bootId = workshop.kernel().bootId();
            if (!bootId.equals(host().identity().bootId())) {
                sequencer.observe(List.of(), (host, now) -> booted(host, bootId, now));
            }
            if (needs.runtimes(host()).isEmpty()) {
                rounds.compareProcesses();
                lookedAt.countDown();
                log.debug("processes were looked at");
            }
            awaitTools();
            if (folds == 0) {
                // Whether the journal is new or lost is told by all that is here, not by what the first driver sees.
                awaitComplete();
            }
            if (!closing) {
                rounds.compare();
                rounds.sweep();
            }
        } catch (DriverException e) {
            if (!closing) {
                log.warn(
                        "the world could not be surveyed at start reason={}",
                        e.failure().message());
            }
        } catch (RuntimeException e) {
            log.error("the survey at start broke", e);
        }
        sequencer.settle();
        lookedAt.countDown();
        furnished.countDown();
        log.debug("the host was surveyed");
        // Which subnet is free is for a driver to see.
        await(() -> needs.networks(settings.networks().stream()
                .filter(n -> host().networkNamed(n.name()).isEmpty())));
        for (NetworkSpec network : settings.networks()) {
            Optional<Network> there = host().networkNamed(network.name());
            there.ifPresent(n -> tellWhatStays(n.spec(), network));
            if (there.isEmpty()) {
                submit(new NetworkCommand.Create(network), OWN).whenComplete((event, trouble) -> {
                    if (trouble != null && !(trouble instanceof RefusedException)) {
                        log.warn("network cannot be made name={} reason={}", network.name(), trouble.getMessage());
                    }
                    workshop.arrived();
                });
            }
        }
        comeBack();
        awaitComplete();
        swaps.tellDeserted();
        rounds.make(settings.beat());
    }

    /** Whoever waits for an answer waits for these two threads. */
    private void takeShortTurns(Kernel kernel) {
        post(new Letter.Errand(kernel::takeShortTurns));
        committer.whenDurable(committer.durable(), kernel::takeShortTurns);
    }

    /** Containers have places on a network from the first start on, so later starts with other options do not move it. */
    private static void tellWhatStays(NetworkSpec kept, NetworkSpec asked) {
        List<String> addresses = addresses(kept);
        List<String> others = addresses(asked).stream()
                .filter(address -> !addresses.contains(address))
                .toList();
        if (!others.isEmpty() || !kept.deviceName().equals(asked.deviceName())) {
            log.warn(
                    "the network stays as the first start made it, a new --data-root or `docker network create` gives"
                            + " another name={} device={} addresses={} asked-device={} asked-addresses={}",
                    kept.name(),
                    kept.deviceName(),
                    addresses,
                    asked.deviceName(),
                    others.isEmpty() ? addresses : others);
        }
    }

    /** The network's own addresses with their prefixes, but for those that nobody asked for. */
    private static List<String> addresses(NetworkSpec network) {
        return network.pools().stream()
                .filter(pool -> !pool.chosen())
                .map(pool ->
                        pool.gateway() + pool.subnet().substring(pool.subnet().indexOf('/')))
                .toList();
    }

    /** Waits until it is known what runs; false where that takes longer, as where a driver is missing. */
    boolean awaitFirstLook(Duration patience) throws InterruptedException {
        return lookedAt.await(patience.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** What ran died with the kernel it ran on, which is told of each; then everything else the kernel held is gone, too. */
    static List<Event> booted(Host host, String bootId, Instant now) {
        List<Event> events = new ArrayList<>();
        if (!host.identity().bootId().isEmpty()) {
            host.containers().values().stream()
                    .filter(Container::isRunning)
                    .forEach(c -> events.add(new ContainerEvent.Exited(c.id(), new Exit(255, now, false, true))));
        }
        events.add(new HostEvent.Booted(bootId, now));
        return events;
    }

    /** Starts what has to run whenever the agent does; those that need another one to run, after that other. */
    private void comeBack() {
        comeBack(host().containers().values().stream()
                .filter(Container::comesBack)
                .toList());
    }

    private void comeBack(List<Container> back) {
        if (back.isEmpty()) {
            return;
        }
        Host host = host();
        Set<ContainerId> ids = back.stream().map(Container::id).collect(Collectors.toSet());
        List<Container> free = back.stream()
                .filter(c -> needs(host, c).noneMatch(ids::contains))
                .toList();
        List<Container> now = free.isEmpty() ? back : free;
        CompletableFuture.allOf(now.stream().map(c -> comeBack(c.id())).toArray(CompletableFuture<?>[]::new))
                .thenRun(() ->
                        comeBack(back.stream().filter(c -> !now.contains(c)).toList()));
    }

    private static Stream<ContainerId> needs(Host host, Container c) {
        return Stream.concat(
                c.spec().networking().sandbox().container().stream(),
                host.links(c).stream().map(link -> link.target().id()));
    }

    private CompletableFuture<Boolean> comeBack(ContainerId container) {
        return submit(new ContainerCommand.Start(container, Entropy.fresh()), OWN)
                .handle((event, trouble) -> {
                    if (trouble != null) {
                        log.warn(
                                "container could not be brought back container={} reason={}",
                                container,
                                trouble.getMessage());
                    }
                    return trouble == null;
                })
                .toCompletableFuture();
    }

    /** A start must not look for what it cannot see: with a driver missing, everything it keeps would seem gone. */
    private void awaitTools() {
        await(() -> needs.all(host()));
        Set<DriverId> missing = needs.all(host());
        if (!closing && !missing.isEmpty()) {
            log.warn("started without drivers that the host needs missing={}", missing);
        }
    }

    /** Waits with patience until nothing is missing any more. */
    private void await(Supplier<Set<DriverId>> missing) {
        try {
            workshop.await(() -> closing || missing.get().isEmpty());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Until every driver that comes with this start has come. */
    private void awaitComplete() {
        try {
            workshop.awaitComplete();
        } catch (DriverException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether the whole world was looked at, so that what is told of it is worth keeping. */
    boolean isSurveyed() {
        return furnished.getCount() == 0;
    }

    void observe(List<SubjectId> about, BiFunction<Host, Instant, List<Event>> meaning) {
        sequencer.observe(about, meaning);
    }

    // ---- drivers come and go

    /** A driver came; returns when it serves, waits behind a better one, or was turned away. */
    <D extends Driver> void bind(DriverKind kind, DriverGate<D> gate, D driver, int rank, String implementation) {
        swaps.bind(new DriverId(kind, driver.name()), gate, driver, rank, implementation, () -> true);
    }

    /** A driver goes, when nobody is inside any more; the next best under its name goes on. */
    <D extends Driver> void unbind(DriverKind kind, DriverGate<D> gate, D driver, String implementation) {
        swaps.unbind(kind, gate, driver, implementation);
    }

    Swaps swaps() {
        return swaps;
    }

    @Override
    public Fleet fleet() {
        return swaps;
    }

    @Override
    public Stage stage(Path folder, Image image) throws IOException {
        return PaperHouse.build(journal, folder, image);
    }

    /** What drivers that come and go need of the house. */
    private final class Threshold implements Swaps.Surroundings {
        @Override
        public CompletionStage<Event> submit(Command command, Cause cause) {
            return House.this.submit(command, cause).whenComplete((event, trouble) -> workshop.arrived());
        }

        @Override
        public Host host() {
            return House.this.host();
        }

        @Override
        public boolean isFurnished() {
            return isSurveyed();
        }

        /** What a driver has that serves for the first time in this life is from an earlier one. */
        @Override
        public void comes(DriverId id, Driver driver) {
            if (met.add(id)) {
                rounds.sweep(driver);
            }
        }

        @Override
        public void awaitDrivers() throws DriverException {
            workshop.awaitComplete();
        }

        @Override
        public void serves(DriverKind kind, Driver driver) {
            workshop.arrived();
            if (driver instanceof OciRuntime runtime && listened.add(runtime)) {
                listen(runtime);
            }
            if (driver instanceof NetworkDriver && !watches.containsKey(driver)) {
                driver.capability(NetworkDriver.Watching.class).ifPresent(w -> watch(driver, w));
            }
            rounds.ring();
        }

        @Override
        public void rests(Driver driver) {
            listened.remove(driver);
            NetworkWatch watch = watches.remove(driver);
            if (watch != null) {
                watch.close();
            }
            rounds.ring();
        }

        @Override
        public void abandon(Thread step, Failure failure) {
            lanes.abandon(step, failure);
        }
    }

    /** Hears of exits once the world is known: told before the survey, an exit could meet a start nobody recorded. */
    void listen(OciRuntime runtime) {
        Thread later = new Thread(
                () -> {
                    try {
                        furnished.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                        return;
                    }
                    if (!closing) {
                        // The listener lives as long as the driver; its handle is the driver's to drop.
                        runtime.exits(new Exits(sequencer, workshop.questions));
                    }
                },
                "wharf-exits");
        later.setDaemon(true);
        later.start();
    }

    /** Hears of what other programs take from networks. */
    private void watch(Driver driver, NetworkDriver.Watching watching) {
        try {
            watches.put(driver, new NetworkWatch(watching, rounds, furnished));
        } catch (DriverException e) {
            log.warn(
                    "what others take from networks goes unnoticed until the next look reason={}",
                    e.failure().message());
        }
    }

    // ---- the door

    @Override
    public CompletionStage<Event> submit(Command wish, Cause cause) {
        if (wish instanceof NetworkCommand.Create create
                && !missingFor(create.spec()).isEmpty()) {
            return CompletableFuture.runAsync(() -> await(() -> missingFor(create.spec())), laneThreads)
                    .thenCompose(come -> enter(wish, cause));
        }
        return enter(wish, cause);
    }

    /** A driver that served before may be on its way, and then plans the network when it is there. */
    private Set<DriverId> missingFor(NetworkSpec network) {
        boolean served = host().driver(Needs.network(network.driver())).isPresent();
        return served ? needs.networks(Stream.of(network)) : Set.of();
    }

    private CompletionStage<Event> enter(Command wish, Cause cause) {
        Command command;
        try {
            command = wish instanceof NetworkCommand.Create create ? surveyed(create) : wish;
        } catch (DriverException e) {
            return CompletableFuture.failedFuture(new RefusedException(refusal(e.failure())));
        }
        CompletableFuture<Event> answer = new CompletableFuture<>();
        unanswered.add(answer);
        answer.whenComplete((event, trouble) -> unanswered.remove(answer));
        Tracing tracer = tracing;
        if (tracer != Tracing.OFF) {
            Tracing.Work span = tracer.command(command, cause);
            answer.whenComplete((event, trouble) -> {
                if (trouble != null) {
                    span.failed(String.valueOf(trouble.getMessage()));
                }
                span.close();
            });
        }
        transfer(command)
                .ifPresent(id -> answer.whenComplete((event, trouble) -> {
                    workshop.forget(id);
                    if (!workshop.strays.isEmpty()) {
                        laneThreads.execute(rounds::sweepStrays);
                    }
                }));
        sequencer.post(new Letter.Wish(command, cause, answer));
        broken.ifPresent(why -> refuse(answer, why));
        if (checkpoints.isDue()) {
            post(new Letter.Errand(checkpoints::write));
        }
        return answer;
    }

    private static Refusal refusal(Failure failure) {
        Refusal.Kind kind = switch (failure.kind()) {
            case MISSING -> Refusal.Kind.MISSING;
            case EXISTS, BUSY -> Refusal.Kind.CONFLICT;
            case UNSUPPORTED -> Refusal.Kind.UNSUPPORTED;
            case UNAVAILABLE -> Refusal.Kind.UNAVAILABLE;
            default -> Refusal.Kind.INVALID;
        };
        return new Refusal(kind, failure.message());
    }

    /**
     * A network is planned by its driver and told what is around it and where its subnet may come from, for judging looks at
     * nothing but the host it is given.
     */
    private NetworkCommand.Create surveyed(NetworkCommand.Create create) throws DriverException {
        Optional<NetworkDriver> driver = workshop.network.serving().stream()
                .filter(d -> d.name().equals(create.spec().driver()))
                .findFirst();
        Optional<NetworkDriver.Planning> planning = driver.flatMap(d -> d.capability(NetworkDriver.Planning.class));
        NetworkSpec spec = planning.isPresent() ? planning.get().plan(create.spec()) : create.spec();
        List<Neighbour> neighbours = create.neighbours();
        try {
            Optional<NetworkDriver.Seeing> seeing = driver.flatMap(d -> d.capability(NetworkDriver.Seeing.class));
            if (seeing.isPresent()) {
                neighbours = seeing.get().neighbours();
            }
        } catch (DriverException e) {
            log.warn(
                    "the host's routes cannot be read, a network may overlap reason={}",
                    e.failure().message());
        }
        return new NetworkCommand.Create(spec, neighbours, settings.pools());
    }

    /** The pull or push that a command begins, for which credentials and listeners are kept until it is over. */
    private static Optional<PullId> transfer(Command command) {
        if (command instanceof ImageCommand.PullImage pull) {
            return Optional.of(pull.pull());
        }
        if (command instanceof ImageCommand.Push push) {
            return Optional.of(push.push());
        }
        return command instanceof ImageCommand.Store store ? Optional.of(store.pull()) : Optional.empty();
    }

    @Override
    public Host host() {
        return sequencer.view().host();
    }

    @Override
    public Position position() {
        return sequencer.view().position();
    }

    @Override
    public Host hostAt(Instant instant) throws IOException {
        return replay.until(
                replay.checkpointBefore(instant), e -> !e.batch().at().isAfter(instant));
    }

    @Override
    public Host hostAt(Position position) throws IOException {
        Optional<Host> recent = sequencer.recent(position);
        return recent.isPresent()
                ? recent.get()
                : replay.until(
                        replay.checkpointWithin(position), e -> !e.position().isAfter(position));
    }

    @Override
    public void when(SubjectId about, Predicate<Host> so, Runnable then) {
        sequencer.when(about, so, then);
    }

    @Override
    public Follower follow(Position after) throws IOException {
        return followers.follow(after, hostAt(after));
    }

    @Override
    public Position positionAt(Instant instant) throws IOException {
        Position before = replay.checkpointBefore(instant);
        try (EventJournal.Reader reader = journal.open(before)) {
            for (var entry = reader.poll(); entry.isPresent(); entry = reader.poll()) {
                if (!entry.get().batch().at().isBefore(instant)) {
                    return before;
                }
                before = entry.get().position();
            }
        }
        return before;
    }

    @Override
    public CompletionStage<Position> pulse() {
        CompletableFuture<Position> felt = new CompletableFuture<>();
        post(new Letter.Pulse(felt));
        return felt;
    }

    @Override
    public Vitals vitals() {
        return new Vitals(
                sequencer.waiting(),
                lanes.taken(),
                lanes.limit(),
                sequencer.turns().read(),
                sequencer.appends().read(),
                committer.syncs().read());
    }

    @Override
    public JournalFacts journal() {
        return new JournalFacts(
                journal.origin(),
                journal.end(),
                committer.durable(),
                journal.head(),
                journal.sizeBytes(),
                settings.alwaysSync() ? "always" : "os",
                broken,
                checkpoints.latest(),
                checkpoints.holds());
    }

    @Override
    public Optional<String> verifyJournal() throws IOException {
        return journal.verify().map(d -> "position " + d.position() + ": " + d.what());
    }

    @Override
    public void lend(PullId pull, Credentials credentials) {
        workshop.lend(pull, credentials);
    }

    @Override
    public void giveUp(PullId push) {
        workshop.giveUp(push);
    }

    @Override
    public AutoCloseable watch(PullId pull, Consumer<Progress> listener) {
        return workshop.watch(pull, listener);
    }

    @Override
    public Streams streams() {
        return streams;
    }

    @Override
    public Registries registries() {
        return registries;
    }

    @Override
    public Maintenance maintenance() {
        return upkeep;
    }

    @Override
    public Optional<Jobs> jobs() {
        return jobs;
    }

    /** Says who has the jobs, while somebody has. */
    void jobsBy(Optional<Jobs> those) {
        jobs = those;
    }

    @Override
    public List<String> explain(SubjectId subject) {
        return Explain.lines(host(), subject, clock.instant(), sequencer.busy(subject));
    }

    // ---- upkeep and the end

    /** What is done when somebody asks for it, which is else done on a beat. */
    private final class Upkeep implements Maintenance {
        @Override
        public CompletionStage<Checkpoint> checkpoint(Optional<Duration> keep, OptionalLong limitBytes) {
            CompletableFuture<Checkpoint> written = new CompletableFuture<>();
            post(new Letter.Errand(() -> {
                if (sequencer.isBroken() || closing) {
                    written.completeExceptionally(new RefusedException(
                            new Refusal(Refusal.Kind.UNAVAILABLE, "the journal cannot be written now")));
                    return;
                }
                try {
                    written.complete(checkpoints.write(keep, limitBytes));
                } catch (IOException e) {
                    log.error("checkpoint cannot be written", e);
                    written.completeExceptionally(new FailedException(
                            new Failure(Failure.Kind.FAILED, "the checkpoint cannot be written: " + e.getMessage())));
                }
            }));
            return written;
        }

        @Override
        public void giveBackMemory() {
            House.this.giveBackMemory(kernel -> true);
        }

        @Override
        public int survey() {
            try {
                return rounds.compareTwice();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return 0;
            }
        }
    }

    @Override
    public void hold(String follower, Position after, long limitBytes) {
        checkpoints.hold(follower, after, limitBytes);
    }

    @Override
    public void release(String follower) {
        checkpoints.release(follower);
    }

    /** Stops taking wishes, lets steps end, writes a checkpoint and leaves. Containers are not touched. */
    @Override
    public void close() {
        if (closing) {
            return;
        }
        closing = true;
        rounds.close();
        swaps.close();
        watches.values().forEach(NetworkWatch::close);
        sequencer.close("the agent is stopping");
        timers.close();
        opener.interrupt();
        lanes.closing();
        workshop.closing();
        patientThreads.shutdownNow();
        if (!Lanes.drain(laneThreads, Duration.ofSeconds(10))) {
            log.warn("steps were still under way when the agent stopped; the next start finds what they did");
        }
        CountDownLatch last = new CountDownLatch(1);
        post(new Letter.Errand(() -> {
            if (journal.end().isAfter(Position.START) && isSurveyed()) {
                checkpoints.write();
            }
            last.countDown();
        }));
        try {
            if (!last.await(10, TimeUnit.SECONDS)) {
                log.warn("the last checkpoint was not written in time");
            }
            // The sequencer waits in its inbox now; an interrupt there cannot harm the journal.
            thread.interrupt();
            thread.join(TimeUnit.SECONDS.toMillis(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        committer.close();
    }
}
