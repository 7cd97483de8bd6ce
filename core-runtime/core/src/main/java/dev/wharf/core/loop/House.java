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
import dev.wharf.core.journal.BatchTooLargeException;
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
import dev.wharf.model.ExecId;
import dev.wharf.model.Exit;
import dev.wharf.model.InitProcess;
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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
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

    /** How many batches may follow a checkpoint before the next one is written. */
    private static final long CHECKPOINT_EVERY = 20_000;

    /** How many subjects of a checkpoint one batch holds, at the most: a megabyte or two of containers. */
    private static final int PORTION = 256;

    /** How long after a first look that found something the second one is taken. */
    private static final Duration SECOND_LOOK = Duration.ofSeconds(2);

    /** How long nothing more has to be taken from networks before they are looked at. */
    private static final Duration LULL = Duration.ofMillis(100);

    static final Cause OWN = new Cause(CommandId.NONE, Optional.empty(), Actor.WHARF);

    /** What a follower keeps from being trimmed, and how large the journal may become for it. */
    private record Hold(Position after, long limitBytes) {}

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
    private final LostRecords lost;
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
    private final Survey survey;
    private final BytePaths streams;
    private final RegistryPaths registries;
    private final long folds;
    private final Thread thread;
    private final Thread opener;
    private final ExecutorService patientThreads;
    private final Lanes lanes;

    /** Rung when there is a reason to look at the world before the next beat. */
    private final BlockingQueue<Boolean> bell = new ArrayBlockingQueue<>(1);

    private final Map<String, Hold> holds = new ConcurrentHashMap<>();

    private final CountDownLatch furnished = new CountDownLatch(1);

    /** The names under which a driver has served. */
    private final Set<DriverId> met = ConcurrentHashMap.newKeySet();

    /** Whether what earlier lives left has been looked for, so that who comes now was not asked. */
    private volatile boolean sweeping;

    /** Open once it is known what runs. */
    private final CountDownLatch lookedAt = new CountDownLatch(1);

    private final Map<Object, Watch> watches = new ConcurrentHashMap<>();

    /** Runtimes whose exits are heard of. */
    private final Set<Driver> listened = ConcurrentHashMap.newKeySet();

    private final Set<CompletableFuture<Event>> unanswered = ConcurrentHashMap.newKeySet();

    private final Swaps swaps;
    private final Maintenance upkeep = new Upkeep();
    private volatile Optional<Jobs> jobs = Optional.empty();
    private volatile Position checkpointed;
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
        lost = new LostRecords(settings.checkpointHint().resolveSibling("lost-records"));
        lost.note(folded.lost());
        Introduced introduced = introduce(folded.host());
        checkpointed = journal.end();
        laneThreads = Lanes.threads(settings.lanes());
        committer = new Committer(journal, settings.alwaysSync(), e -> broken(e));
        followers = new Followers(journal, committer);
        Consumer<Letter> post = letter -> this.post(letter);
        timers = Timers.real(clock, post);
        patientThreads = Lanes.patientThreads();
        lanes = new Lanes(laneThreads, patientThreads, workshop, settings.lanes());
        sequencer = new Sequencer(journal, clock, lanes, timers, committer, introduced.host(), folded.answered());
        if (!introduced.untold().isEmpty()) {
            sequencer.post(new Letter.Observation(List.of(), (host, now) -> introduced.untold()));
        }
        workshop.wants(layer -> host().isWanted(layer));
        workshop.strays.whenDelivered(this::sweepStrays);
        survey = new Survey(workshop);
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
            await(this::missingRuntimes);
            String bootId = workshop.kernel().bootId();
            if (!bootId.equals(host().identity().bootId())) {
                observe(List.of(), (host, now) -> booted(host, bootId, now));
            }
            if (missingRuntimes().isEmpty()) {
                survey(survey::lookAtProcesses);
                lookedAt.countDown();
                log.debug("processes were looked at");
            }
            awaitTools();
            if (folds == 0) {
                // Whether the journal is new or lost is told by all that is here, not by what the first driver sees.
                awaitComplete();
            }
            if (!closing) {
                surveyNow();
                sweeping = true;
                sweep(survey.orphans(host()));
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
        await(this::missingForNetworks);
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
        keepLooking();
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

    /** Looks at the world on a slow beat. What seems amiss is looked at twice, for it may only have been on its way. */
    private void keepLooking() {
        while (!closing) {
            try {
                bell.poll(settings.beat().toMillis(), TimeUnit.MILLISECONDS);
                sweepStrays();
                Survey.Findings findings = survey.look();
                if (!findings.against(host(), clock.instant(), Set.of()).isEmpty()) {
                    Thread.sleep(SECOND_LOOK.toMillis());
                    surveyNow();
                }
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException e) {
                log.error("a survey broke", e);
            }
        }
    }

    /** A start must not look for what it cannot see: with a driver missing, everything it keeps would seem gone. */
    private void awaitTools() {
        await(this::missing);
        if (!closing && !missing().isEmpty()) {
            log.warn("started without drivers that the host needs missing={}", missing());
        }
    }

    /** Waits with patience until nothing is missing any more. */
    private void await(Supplier<List<DriverId>> missing) {
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

    private List<DriverId> missingForNetworks() {
        List<DriverId> missing = new ArrayList<>();
        settings.networks().stream()
                .filter(n -> host().networkNamed(n.name()).isEmpty())
                .forEach(n -> need(missing, DriverKind.NETWORK, workshop.network, n.driver()));
        return missing;
    }

    private List<DriverId> missingRuntimes() {
        List<DriverId> missing = new ArrayList<>();
        host().containers()
                .values()
                .forEach(c -> need(
                        missing, DriverKind.RUNTIME, workshop.runtime, c.spec().runtime()));
        return missing;
    }

    private List<DriverId> missing() {
        Host host = host();
        List<DriverId> missing = new ArrayList<>();
        host.containers().values().forEach(c -> {
            need(missing, DriverKind.STORAGE, workshop.storage, c.spec().storage());
            need(missing, DriverKind.RUNTIME, workshop.runtime, c.spec().runtime());
        });
        host.kept()
                .values()
                .forEach(c -> need(
                        missing, DriverKind.STORAGE, workshop.storage, c.spec().storage()));
        host.layers().values().forEach(l -> need(missing, DriverKind.STORAGE, workshop.storage, l.storage()));
        host.networks()
                .values()
                .forEach(n -> need(
                        missing, DriverKind.NETWORK, workshop.network, n.spec().driver()));
        if (!workshop.content.isThere()) {
            missing.add(new DriverId(DriverKind.STORAGE, new dev.wharf.model.DriverName("content")));
        }
        return missing;
    }

    private static void need(
            List<DriverId> missing, DriverKind kind, DriverGate<?> gate, dev.wharf.model.DriverName name) {
        DriverId id = new DriverId(kind, name);
        if (gate.serving(name).isEmpty() && !missing.contains(id)) {
            missing.add(id);
        }
    }

    /** Removes what a crash left, unless it may be what lost records tell of. */
    private void sweep(List<Survey.Orphan> orphans) {
        if (folds == 0 && orphans.stream().anyMatch(Survey.Orphan::isOnDisk)) {
            lost.note(List.of("the journal was empty, and the data root was not"));
        }
        if (lost.spare(orphans)) {
            return;
        }
        List<Event> swept = Survey.sweep(orphans);
        if (!swept.isEmpty()) {
            observe(List.of(), (host, now) -> swept);
        }
    }

    /** Removes blobs that were brought here and found no owner. */
    private void sweepStrays() {
        if (closing) {
            return;
        }
        try {
            Strays.Swept swept = workshop.strays.sweep(this::host, workshop.content());
            if (!swept.events().isEmpty()) {
                observe(List.of(), (host, now) -> swept.events());
            }
            if (swept.again()) {
                CompletableFuture.delayedExecutor(SECOND_LOOK.toMillis(), TimeUnit.MILLISECONDS, laneThreads)
                        .execute(this::sweepStrays);
            }
        } catch (DriverException e) {
            log.debug(
                    "blobs without an owner stay for now reason={}", e.failure().message());
        }
    }

    /** Compares the world with what is known of it, now; also on a slow beat and after a swap. */
    int surveyNow() {
        return survey(survey::look);
    }

    private int survey(Supplier<Survey.Findings> look) {
        Set<SubjectId> touched = sequencer.beginSurvey();
        Survey.Findings findings = look.get();
        CompletableFuture<Integer> judged = new CompletableFuture<>();
        observe(List.of(), (host, now) -> {
            List<Event> differences = findings.against(host, now, touched);
            differences.forEach(Survey.Findings::tellOfLoss);
            judged.complete(differences.size());
            return differences;
        });
        int found = 0;
        try {
            found = judged.get(settings.patience().toSeconds() + 1, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
            log.warn("a survey was not judged in time");
        }
        sequencer.endSurvey(touched);
        return found;
    }

    void observe(List<SubjectId> about, java.util.function.BiFunction<Host, Instant, List<Event>> meaning) {
        sequencer.post(new Letter.Observation(about, meaning));
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
            if (met.add(id) && sweeping) {
                sweep(survey.orphans(driver, House.this::host));
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
            bell.offer(true);
        }

        @Override
        public void rests(Driver driver) {
            listened.remove(driver);
            Watch watch = watches.remove(driver);
            if (watch != null) {
                watch.close();
            }
            bell.offer(true);
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
                        runtime.exits(new Exits());
                    }
                },
                "wharf-exits");
        later.setDaemon(true);
        later.start();
    }

    /** Hears of what other programs take from networks. */
    private void watch(Driver driver, NetworkDriver.Watching watching) {
        try {
            watches.put(driver, new Watch(watching));
        } catch (DriverException e) {
            log.warn(
                    "what others take from networks goes unnoticed until the next look reason={}",
                    e.failure().message());
        }
    }

    /**
     * A short while after the last of a burst the networks are looked at: whoever flushes rules has mostly more to do, and
     * would flush again what came back too soon.
     */
    private final class Watch implements NetworkDriver.Listener, AutoCloseable {
        private final AutoCloseable ear;
        private final Semaphore more = new Semaphore(0);
        private volatile boolean rules;
        private volatile boolean over;

        Watch(NetworkDriver.Watching driver) throws DriverException {
            ear = driver.watch(this);
            Thread watcher = new Thread(this::attend, "wharf-network-watch");
            watcher.setDaemon(true);
            watcher.start();
        }

        @Override
        public void rulesLost() {
            rules = true;
            more.release();
        }

        @Override
        public void deviceLost() {
            more.release();
        }

        private void attend() {
            try {
                furnished.await();
                while (!over && !closing) {
                    more.acquire();
                    while (more.tryAcquire(LULL.toMillis(), TimeUnit.MILLISECONDS)) {
                        more.drainPermits();
                    }
                    boolean sure = rules;
                    rules = false;
                    if (!over && !closing) {
                        log.debug("something was taken from networks by another program rules={}", sure);
                        survey(() -> survey.lookAtNetworks(sure));
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (RuntimeException e) {
                log.error("the watch over networks broke", e);
            }
        }

        @Override
        public void close() {
            over = true;
            more.release();
            try {
                ear.close();
            } catch (Exception e) {
                log.debug("watch not closed", e);
            }
        }
    }

    private final class Exits implements OciRuntime.ExitListener {
        @Override
        public void exited(ContainerId container, InitProcess process, Exit exit) {
            observe(
                    List.of(container),
                    (host, now) -> host.container(container)
                            .filter(Container::isRunning)
                            .filter(c -> c.process()
                                    .last()
                                    .map(p -> Survey.isSame(p.init(), process))
                                    .orElse(false))
                            .map(c -> List.<Event>of(new ContainerEvent.Exited(container, exit)))
                            .orElse(List.of()));
            // Told of after the exit, so that what ran inside is not taken for an answer.
            workshop.questions.over(container);
        }

        @Override
        public void execExited(ContainerId container, ExecId exec, int code) {
            if (workshop.questions.ended(exec, code)) {
                return;
            }
            observe(
                    List.of(container),
                    (host, now) -> host.container(container)
                            .map(c -> c.execs().get(exec))
                            .filter(Container.Exec::isRunning)
                            .map(e -> List.<Event>of(new ContainerEvent.ExecExited(container, exec, code)))
                            .orElse(List.of()));
        }

        @Override
        public void outOfMemory(ContainerId container) {
            observe(
                    List.of(container),
                    (host, now) -> host.container(container)
                            .map(c -> List.<Event>of(new ContainerEvent.OutOfMemory(container)))
                            .orElse(List.of()));
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
    private List<DriverId> missingFor(NetworkSpec network) {
        List<DriverId> missing = new ArrayList<>();
        if (host().driver(new DriverId(DriverKind.NETWORK, network.driver())).isPresent()) {
            need(missing, DriverKind.NETWORK, workshop.network, network.driver());
        }
        return missing;
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
                        laneThreads.execute(this::sweepStrays);
                    }
                }));
        sequencer.post(new Letter.Wish(command, cause, answer));
        broken.ifPresent(why -> refuse(answer, why));
        maybeCheckpoint();
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
                replay.lastCheckpoint()
                        .map(c -> new JournalFacts.Checkpoint(
                                new Position(c.getKey().sequence() + 1), c.getValue())),
                holds.entrySet().stream()
                        .collect(Collectors.toMap(
                                Map.Entry::getKey, hold -> hold.getValue().after())));
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

    // ---- checkpoints and the end

    private void maybeCheckpoint() {
        if (position().sequence() - checkpointed.sequence() > CHECKPOINT_EVERY) {
            checkpointed = position();
            post(new Letter.Errand(this::checkpoint));
        }
    }

    private void checkpoint() {
        try {
            checkpoint(settings.keep(), OptionalLong.empty());
        } catch (IOException e) {
            log.error("checkpoint cannot be written", e);
        }
    }

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
                    written.complete(House.this.checkpoint(keep.or(settings::keep), limitBytes));
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

        /** What seems amiss is looked at twice, for it may only have been on its way. */
        @Override
        public int survey() {
            if (survey.look().against(host(), clock.instant(), Set.of()).isEmpty()) {
                return 0;
            }
            try {
                Thread.sleep(SECOND_LOOK.toMillis());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return 0;
            }
            return surveyNow();
        }
    }

    /** Writes everything down whole; on the sequencer, so nothing happens in between. */
    private Maintenance.Checkpoint checkpoint(Optional<Duration> keep, OptionalLong limitBytes) throws IOException {
        Position before = journal.end();
        Instant now = clock.instant();
        try {
            writeDown(Replay.recorded(host()), now);
        } finally {
            if (journal.end().isAfter(before)) {
                sequencer.passed(journal.end());
            }
        }
        journal.sync();
        replay.remember(before, journal.end(), now);
        checkpointed = journal.end();
        long size = journal.sizeBytes();
        if (keep.isPresent()) {
            trim(replay.lastCheckpointBefore(now.minus(keep.get())), now);
        }
        if (limitBytes.isPresent()) {
            shrink(limitBytes.getAsLong(), now);
        }
        return new Maintenance.Checkpoint(
                before, journal.origin(), Math.max(0, size - journal.sizeBytes()), journal.sizeBytes());
    }

    /** In as many batches as it takes: it is a checkpoint once the last of them is there. */
    private void writeDown(List<Event> recorded, Instant now) throws IOException {
        Deque<List<Event>> portions = new ArrayDeque<>();
        for (int i = 0; i < recorded.size(); i += PORTION) {
            portions.add(recorded.subList(i, Math.min(i + PORTION, recorded.size())));
        }
        Event mark = new HostEvent.CheckpointStarted();
        while (!portions.isEmpty()) {
            List<Event> portion = portions.remove();
            List<Event> events = new ArrayList<>(portion.size() + 2);
            events.add(mark);
            events.addAll(portion);
            if (portions.isEmpty()) {
                events.add(new HostEvent.CheckpointCompleted(recorded.size()));
            }
            try {
                journal.append(new Batch(OWN, now, events));
                mark = new HostEvent.CheckpointContinued();
            } catch (BatchTooLargeException e) {
                int half = portion.size() / 2;
                if (half == 0) {
                    throw e;
                }
                portions.push(portion.subList(half, portion.size()));
                portions.push(portion.subList(0, half));
            }
        }
    }

    /** Lets checkpoint after checkpoint go, the oldest first, until the journal is no larger than it should be. */
    private void shrink(long limitBytes, Instant now) throws IOException {
        Optional<Position> next = replay.nextCheckpoint(journal.origin());
        while (journal.sizeBytes() > limitBytes && next.isPresent()) {
            Position origin = journal.origin();
            trim(next, now);
            if (!journal.origin().isAfter(origin) && isHeld(next.get())) {
                return;
            }
            next = replay.nextCheckpoint(next.get());
        }
    }

    private boolean isHeld(Position position) {
        return holds.values().stream().anyMatch(hold -> position.isAfter(hold.after()));
    }

    /** Lets the oldest part of the journal go, up to a checkpoint, but for what is held. */
    private void trim(Optional<Position> upTo, Instant now) throws IOException {
        Optional<Position> last = upTo;
        for (Map.Entry<String, Hold> hold : holds.entrySet()) {
            Position held = hold.getValue().after();
            if (last.isPresent() && last.get().isAfter(held)) {
                if (journal.sizeBytes() <= hold.getValue().limitBytes()) {
                    last = replay.lastCheckpointAt(held);
                } else {
                    announceDrop(hold.getKey(), held.next(), last.get(), now);
                }
            }
        }
        if (last.isPresent() && last.get().isAfter(journal.origin())) {
            Position origin = journal.origin();
            journal.trim(last.get());
            if (journal.origin().isAfter(origin)) {
                log.info("journal trimmed upTo={} origin={}", last.get(), journal.origin());
            }
        }
    }

    /** Said before it is done, so that whoever reads on finds out what is missing and why. */
    private void announceDrop(String follower, Position first, Position last, Instant now) throws IOException {
        Position from =
                first.isAfter(journal.origin()) ? first : journal.origin().next();
        if (!last.isAfter(from)) {
            return;
        }
        log.warn("journal is too large to be kept any longer follower={} first={} last={}", follower, from, last);
        journal.append(new Batch(
                OWN,
                now,
                List.of(new HostEvent.HistoryDropped(
                        follower, from.sequence(), last.sequence() - 1, journal.sizeBytes()))));
        sequencer.passed(journal.end());
    }

    @Override
    public void hold(String follower, Position after, long limitBytes) {
        holds.put(follower, new Hold(after, limitBytes));
    }

    @Override
    public void release(String follower) {
        holds.remove(follower);
    }

    /** Stops taking wishes, lets steps end, writes a checkpoint and leaves. Containers are not touched. */
    @Override
    public void close() {
        if (closing) {
            return;
        }
        closing = true;
        swaps.close();
        watches.values().forEach(Watch::close);
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
                checkpoint();
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
