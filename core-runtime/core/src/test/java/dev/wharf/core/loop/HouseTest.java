package dev.wharf.core.loop;

import static dev.wharf.core.Given.OVERLAY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.core.Given;
import dev.wharf.core.agent.Follower;
import dev.wharf.core.agent.Maintenance;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.agent.Stage;
import dev.wharf.core.command.BuildCommand;
import dev.wharf.core.command.Command;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.command.ImageCommand;
import dev.wharf.core.command.NetworkCommand;
import dev.wharf.core.command.VolumeCommand;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.DriverEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Build;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.DriverBinding;
import dev.wharf.core.state.Goal;
import dev.wharf.core.state.Host;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.model.ImageId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkWish;
import dev.wharf.model.PortWish;
import dev.wharf.model.PullId;
import dev.wharf.model.Reference;
import dev.wharf.model.RestartPolicy;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.network.NetworkDriver;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.runtime.OciRuntime;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.StorageDriver;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The whole agent, with its threads, over a world that does as it is told. */
@Timeout(120)
class HouseTest {
    private static final PullId PULL = new PullId("7".repeat(32));

    @TempDir
    Path directory;

    private final SimWorld world = new SimWorld(new Random(1));
    private final SimJournal journal = new SimJournal(world);
    private volatile boolean diskFails;
    private Workshop workshop;

    /** How far somebody has set the clock back. */
    private volatile Duration back = Duration.ZERO;

    /** How long every other driver comes after the runtime's. */
    private Duration behind = Duration.ZERO;

    /** From where the journal was read. */
    private final List<Position> opened = new CopyOnWriteArrayList<>();

    private House house;

    @BeforeEach
    void start() throws IOException {
        world.stormy = false;
        world.publish("one:1", List.of("base", "one"));
        open(Optional.empty());
    }

    @AfterEach
    void stop() {
        house.close();
    }

    private void open(Optional<Duration> keep) throws IOException {
        InstantSource clock = () -> Instant.now().minus(back);
        workshop = new Workshop(clock, Duration.ofSeconds(5));
        workshop.kernel.set(world.kernel);
        workshop.content.set(world.content);
        house = new House(
                new Delegate(journal) {
                    @Override
                    public void sync() throws IOException {
                        if (diskFails) {
                            throw new IOException("disk is gone");
                        }
                        super.sync();
                    }

                    @Override
                    public Reader open(Position after) throws IOException {
                        opened.add(after);
                        return super.open(after);
                    }
                },
                workshop,
                clock,
                new House.Settings(
                        directory.resolve("checkpoint"),
                        true,
                        8,
                        Duration.ofSeconds(5),
                        "1.0",
                        List.of(Given.net("bridge", true)),
                        List.of(),
                        List.of(),
                        Duration.ofMillis(50),
                        keep));
        AtomicBoolean complete = new AtomicBoolean();
        workshop.completeWhen(complete::get);
        house.open();
        // First, for nobody may need it, and what it alone knows of is swept only while it is there.
        house.bind(DriverKind.RUNTIME, workshop.runtime, world.runtime, 0, "sim");
        sleep(behind);
        house.bind(DriverKind.STORAGE, workshop.storage, world.storage, 0, "sim");
        house.bind(DriverKind.NETWORK, workshop.network, world.network, 0, "sim");
        house.bind(DriverKind.REGISTRY, workshop.registry, world.registry, 0, "sim");
        complete.set(true);
        workshop.arrived();
        await(() -> house.host()
                .networkNamed("bridge")
                .filter(n -> n.device().isPresent())
                .isPresent());
    }

    private void reopen(Optional<Duration> keep) throws IOException {
        // Before that, the end of a life has no checkpoint.
        await(() -> house.isSurveyed());
        house.close();
        world.listener = Optional.empty();
        open(keep);
    }

    private static void await(BooleanSupplier so) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!so.getAsBoolean()) {
            assertThat(System.nanoTime()).as("in time").isLessThan(end);
            sleep(Duration.ofMillis(5));
        }
    }

    private static void sleep(Duration time) {
        try {
            Thread.sleep(time.toMillis());
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private int commands;

    private Event submit(Command command) throws Exception {
        return house.submit(command, new Cause(new CommandId("c" + commands++), Optional.empty(), Actor.WHARF))
                .toCompletableFuture()
                .get(20, TimeUnit.SECONDS);
    }

    private ImageId pulled() throws Exception {
        Event event = submit(new ImageCommand.PullImage(PULL, Reference.parse("one:1"), Optional.empty(), OVERLAY));
        return ((ImageEvent.Stored) event).image().id();
    }

    private ContainerId running(String name, RestartPolicy.Kind kind) throws Exception {
        ContainerId id = made(name, Given.spec().restart(kind, 0).make());
        submit(new ContainerCommand.Start(id, Entropy.fresh()));
        return id;
    }

    private ContainerId made(String name, ContainerSpec plain) throws Exception {
        ImageId image = house.host().images().isEmpty()
                ? pulled()
                : house.host().images().keySet().iterator().next();
        ContainerSpec spec = new ContainerSpec(
                image,
                "one:1",
                plain.command(),
                plain.stdio(),
                "h",
                "",
                plain.labels(),
                plain.annotations(),
                plain.resources(),
                plain.security(),
                plain.namespaces(),
                plain.mounts(),
                plain.networking(),
                plain.restartPolicy(),
                plain.autoRemove(),
                plain.stop(),
                Optional.empty(),
                plain.logging(),
                OVERLAY,
                plain.storageOptions(),
                new DriverName("crun"),
                Map.of());
        ContainerId id = new ContainerId(Digest.sha256(name).hex());
        submit(new ContainerCommand.Create(id, name, spec));
        return id;
    }

    private Container the(ContainerId id) {
        return house.host().container(id).orElseThrow();
    }

    private Stream<Event> told() {
        return List.copyOf(journal.batches()).stream().flatMap(b -> b.events().stream());
    }

    private static Predicate<Event> exitOf(ContainerId id) {
        return e -> e instanceof ContainerEvent.Exited x && x.container().equals(id);
    }

    // ---- pulls

    @Test
    void credentialsAndListenersAreForgottenWhenThePullIsOver() throws Exception {
        Credentials secret = new Credentials("me", "secret", "", "");
        house.lend(PULL, secret);
        house.watch(PULL, progress -> {});
        assertThat(workshop.credentials(PULL)).isEqualTo(secret);
        pulled();
        await(() -> workshop.credentials(PULL).equals(Credentials.ANONYMOUS));
        assertThat(workshop.isWatched(PULL)).isFalse();
        assertThat(journal.batches().toString()).doesNotContain("secret");
    }

    @Test
    void credentialsOfAPullThatFailsAreForgottenToo() throws Exception {
        house.lend(PULL, new Credentials("me", "secret", "", ""));
        assertThatThrownBy(() -> submit(
                        new ImageCommand.PullImage(PULL, Reference.parse("nowhere:1"), Optional.empty(), OVERLAY)))
                .isInstanceOf(ExecutionException.class);
        await(() -> workshop.credentials(PULL).equals(Credentials.ANONYMOUS));
    }

    // ---- the agent starts again

    @Test
    void whatRunsRunsOnAndWhatIsAlwaysWantedComesBack() throws Exception {
        ContainerId on = running("on", RestartPolicy.Kind.NO);
        ContainerId always = running("always", RestartPolicy.Kind.ALWAYS);
        ContainerId unless = running("unless", RestartPolicy.Kind.UNLESS_STOPPED);
        for (ContainerId id : List.of(always, unless)) {
            submit(new ContainerCommand.Kill(id, dev.wharf.model.Signal.KILL));
        }
        int pid = the(on).process().value().orElseThrow().init().pid();
        reopen(Optional.empty());
        await(() -> the(always).isRunning());
        assertThat(the(on).process().value().orElseThrow().init().pid()).isEqualTo(pid);
        assertThat(the(unless).goal()).isEqualTo(Goal.STOPPED);
    }

    @Test
    void anExitThatNobodySawIsToldWithItsCode() throws Exception {
        ContainerId id = running("web", RestartPolicy.Kind.NO);
        house.close();
        world.listener = Optional.empty();
        world.end(id, 7);
        open(Optional.empty());
        await(() -> the(id).exit().isPresent());
        assertThat(the(id).exit().orElseThrow().code()).isEqualTo(7);
        assertThat(told().filter(exitOf(id))).hasSize(1);
    }

    @Test
    void aNewBootTellsOfEveryDeathAndStartsWhatHasAPolicy() throws Exception {
        ContainerId no = running("no", RestartPolicy.Kind.NO);
        ContainerId unless = running("unless", RestartPolicy.Kind.UNLESS_STOPPED);
        house.close();
        world.listener = Optional.empty();
        world.losePower();
        open(Optional.empty());
        await(() -> the(unless).restarts() == 1 && the(unless).isRunning());
        assertThat(told().filter(exitOf(no))).hasSize(1);
        assertThat(told().filter(exitOf(unless))).hasSize(1);
        assertThat(the(no).goal()).isEqualTo(Goal.STOPPED);
        assertThat(the(no).exit().orElseThrow().inferred()).isTrue();
        assertThat(the(unless).restarts()).isEqualTo(1);
    }

    @Test
    void aBuildEndsWithItsAgent() throws Exception {
        submit(new BuildCommand.Begin("b1", "Dockerfile", List.of("x")));
        reopen(Optional.empty());
        assertThat(house.host().builds().get("b1").failure()).contains("the agent stopped");
        assertThat(house.host().builds().get("b1").took()).isPresent();
    }

    @Test
    void theContainersOfABuildGoWithItAndOthersStay() throws Exception {
        ContainerId before = running("before", RestartPolicy.Kind.NO);
        submit(new BuildCommand.Begin("b1", "Dockerfile", List.of("x")));
        ContainerId step = running("step", RestartPolicy.Kind.NO);
        ContainerId other = running("other", RestartPolicy.Kind.NO);
        submit(new ContainerCommand.Rename(step, Build.containerName(step)));
        reopen(Optional.empty());
        await(() -> house.host().container(step).isEmpty());
        assertThat(the(before).isRunning()).isTrue();
        assertThat(the(other).isRunning()).isTrue();
    }

    // ---- looking

    @Test
    void driftIsFoundWhileTheAgentLives() throws Exception {
        ContainerId id = running("web", RestartPolicy.Kind.NO);
        world.processes.remove(id);
        await(() -> !the(id).isRunning());
        assertThat(the(id).exit().orElseThrow().inferred()).isTrue();
    }

    // ---- drivers change

    /** The same world seen by another implementation, or by one that sees only a part of it. */
    private static StorageDriver another(StorageDriver inner, boolean blind) {
        return (StorageDriver) Proxy.newProxyInstance(
                StorageDriver.class.getClassLoader(),
                new Class<?>[] {StorageDriver.class},
                (proxy, method, arguments) -> {
                    try {
                        return blind && method.getName().equals("survey") ? List.of() : method.invoke(inner, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private Optional<String> serving() {
        return house.host().driver(new DriverId(DriverKind.STORAGE, OVERLAY)).flatMap(b -> b.serving());
    }

    @Test
    void aBetterDriverThatFindsEverythingTakesOver() throws Exception {
        ContainerId id = running("web", RestartPolicy.Kind.NO);
        StorageDriver better = another(world.storage, false);
        house.bind(DriverKind.STORAGE, workshop.storage, better, 5, "better");
        await(() -> serving().equals(Optional.of("better")));
        assertThat(told().filter(e -> e instanceof DriverEvent.HandedOver)
                        .map(e -> ((DriverEvent.HandedOver) e).adopted()))
                .containsExactly(3);
        assertThat(workshop.storage.serving(OVERLAY)).containsSame(better);
        house.unbind(DriverKind.STORAGE, workshop.storage, better, "better");
        await(() -> serving().equals(Optional.of("sim")));
        assertThat(the(id).isRunning()).isTrue();
        submit(new ContainerCommand.Remove(id, true, false));
    }

    @Test
    void aDriverThatMissesSomethingIsTurnedAwayAndTheOldOneServesOn() throws Exception {
        running("web", RestartPolicy.Kind.NO);
        StorageDriver blind = another(world.storage, true);
        house.bind(DriverKind.STORAGE, workshop.storage, blind, 5, "blind");
        await(() -> told().anyMatch(e -> e instanceof DriverEvent.SwapRejected r
                && r.candidate().equals("blind")
                && r.reason().contains("does not find snapshot")));
        assertThat(serving()).contains("sim");
        assertThat(workshop.storage.serving(OVERLAY)).containsSame(world.storage);
        assertThat(house.host().containers().values()).allMatch(c -> c.rootfs().isPresent());
    }

    @Test
    void whatServedBeforeARestartAndDoesNotComeAgainIsKnownToBeAway() throws Exception {
        DriverName name = new DriverName("extra");
        DriverId id = new DriverId(DriverKind.NETWORK, name);
        NetworkDriver extra = (NetworkDriver) Proxy.newProxyInstance(
                HouseTest.class.getClassLoader(),
                new Class<?>[] {NetworkDriver.class},
                (proxy, method, arguments) ->
                        method.getName().equals("name") ? name : method.invoke(world.network, arguments));
        house.bind(DriverKind.NETWORK, workshop.network, extra, 0, "extra");
        await(() -> house.host().driver(id).filter(DriverBinding::ready).isPresent());

        reopen(Optional.empty());

        await(() -> house.host().driver(id).filter(d -> !d.ready()).isPresent());
        assertThat(house.host().driver(id).orElseThrow().why()).isEqualTo("no driver is there");
        assertThat(serving()).contains("sim");
    }

    @Test
    void aStopDoesNotWaitForDriversThatAreNotThereNorGivesUpWhatNeedsThem() throws Exception {
        house.unbind(DriverKind.NETWORK, workshop.network, world.network, "sim");
        house.submit(
                new NetworkCommand.Create(Given.net("late", false)),
                new Cause(new CommandId("late"), Optional.empty(), Actor.WHARF));
        await(() -> house.host().networkNamed("late").isPresent());
        Thread.sleep(100);
        long began = System.nanoTime();
        house.close();
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(8));
        open(Optional.empty());
        await(() -> house.host()
                .networkNamed("late")
                .filter(n -> n.device().isPresent())
                .isPresent());
    }

    @Test
    void whoHearsOfAnEndOrOfAFailureFindsNothingInTheWay() throws Exception {
        NetworkDriver slow = (NetworkDriver) Proxy.newProxyInstance(
                HouseTest.class.getClassLoader(), new Class<?>[] {NetworkDriver.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("detach")) {
                        Thread.sleep(100);
                    }
                    return method.invoke(world.network, arguments);
                });
        house.bind(DriverKind.NETWORK, workshop.network, slow, 5, "slow");
        await(() -> workshop.network.serving(new DriverName("bridge")).equals(Optional.of(slow)));
        NetworkWish place =
                NetworkWish.on(house.host().networkNamed("bridge").orElseThrow().id());
        PortWish http = new PortWish(80, "tcp", "", 8080, 8080);
        ContainerSpec spec = Given.spec().on(place).ports(http).make();

        ContainerId killed = made("killed", spec);
        submit(new ContainerCommand.Start(killed, Entropy.fresh()));
        assertThat(the(killed).places()).isNotEmpty();
        submit(new ContainerCommand.Kill(killed, dev.wharf.model.Signal.KILL));
        assertThat(the(killed).places()).isEmpty();

        AtomicBoolean broken = new AtomicBoolean(true);
        OciRuntime failing = (OciRuntime) Proxy.newProxyInstance(
                HouseTest.class.getClassLoader(), new Class<?>[] {OciRuntime.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("create") && broken.get()) {
                        throw DriverException.failure(Failure.Kind.INVALID, "no such command");
                    }
                    return method.invoke(world.runtime, arguments);
                });
        house.bind(DriverKind.RUNTIME, workshop.runtime, failing, 5, "failing");
        await(() -> workshop.runtime.serving(new DriverName("crun")).equals(Optional.of(failing)));
        assertThatThrownBy(() -> submit(new ContainerCommand.Start(killed, Entropy.fresh())))
                .hasMessageContaining("no such command");
        assertThat(the(killed).places()).isEmpty();

        ContainerId passing =
                made("passing", Given.spec().on(place).ports(http).autoRemove().make());
        assertThatThrownBy(() -> submit(new ContainerCommand.Start(passing, Entropy.fresh())))
                .hasMessageContaining("no such command");
        assertThat(house.host().container(passing)).isEmpty();
    }

    @Test
    void whoActsWhileEveryLaneIsTakenWaitsForOne() throws Exception {
        CountDownLatch free = new CountDownLatch(1);
        AtomicInteger inside = new AtomicInteger();
        OciRuntime slow = (OciRuntime) Proxy.newProxyInstance(
                HouseTest.class.getClassLoader(), new Class<?>[] {OciRuntime.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("signal")) {
                        inside.incrementAndGet();
                        free.await();
                        return null;
                    }
                    return method.invoke(world.runtime, arguments);
                });
        house.bind(DriverKind.RUNTIME, workshop.runtime, slow, 5, "slow");
        await(() -> workshop.runtime.serving(new DriverName("crun")).equals(Optional.of(slow)));
        ContainerId web = made("web", Given.spec().make());
        submit(new ContainerCommand.Start(web, Entropy.fresh()));

        List<CompletableFuture<Event>> answers = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            answers.add(house.submit(
                            new ContainerCommand.Kill(web, new dev.wharf.model.Signal(10)),
                            new Cause(new CommandId("signal" + i), Optional.empty(), Actor.WHARF))
                    .toCompletableFuture());
        }
        await(() -> inside.get() == 8);
        free.countDown();
        for (CompletableFuture<Event> answer : answers) {
            assertThat(answer.get(20, TimeUnit.SECONDS)).isInstanceOf(ContainerEvent.Signaled.class);
        }
        assertThat(inside).hasValue(20);
    }

    @Test
    void aNetworkIsWrittenDownAsItsDriverPlansItAndNotAtAllWhereItRefuses() throws Exception {
        house.bind(DriverKind.NETWORK, workshop.network, planner(), 0, "planner");
        await(() -> workshop.network.serving(new DriverName("planned")).isPresent());

        submit(new NetworkCommand.Create(of("planned", Given.net("good", false))));
        assertThat(house.host().networkNamed("good").orElseThrow().spec().options())
                .containsEntry("planned", "yes");
        assertThatThrownBy(() -> submit(new NetworkCommand.Create(of("planned", Given.net("bad", false)))))
                .hasCauseInstanceOf(RefusedException.class)
                .hasMessageContaining("bad is no name for it");
        assertThat(house.host().networkNamed("bad")).isEmpty();
    }

    private NetworkDriver planner() {
        return (NetworkDriver) Proxy.newProxyInstance(
                HouseTest.class.getClassLoader(),
                new Class<?>[] {NetworkDriver.class, NetworkDriver.Planning.class},
                (proxy, method, arguments) -> switch (method.getName()) {
                    case "name" -> new DriverName("planned");
                    case "capability" -> Optional.of(proxy).filter(((Class<?>) arguments[0])::isInstance);
                    case "plan" -> planned((NetworkSpec) arguments[0]);
                    default -> method.invoke(world.network, arguments);
                });
    }

    @Test
    void aNetworkWaitsForTheDriverThatPlansIt() throws Exception {
        NetworkDriver planner = planner();
        house.bind(DriverKind.NETWORK, workshop.network, planner, 0, "planner");
        await(() -> workshop.network.serving(new DriverName("planned")).isPresent());
        house.unbind(DriverKind.NETWORK, workshop.network, planner, "planner");

        CompletableFuture<Event> made = house.submit(
                        new NetworkCommand.Create(of("planned", Given.net("early", false))),
                        new Cause(new CommandId("early"), Optional.empty(), Actor.WHARF))
                .toCompletableFuture();
        house.bind(DriverKind.NETWORK, workshop.network, planner, 0, "planner");

        made.get(20, TimeUnit.SECONDS);
        assertThat(house.host().networkNamed("early").orElseThrow().spec().options())
                .containsEntry("planned", "yes");
    }

    private static NetworkSpec planned(NetworkSpec wanted) throws DriverException {
        if (wanted.name().equals("bad")) {
            throw DriverException.failure(Failure.Kind.INVALID, "bad is no name for it");
        }
        return of("planned", wanted, Map.of("planned", "yes"));
    }

    private static NetworkSpec of(String driver, NetworkSpec spec) {
        return of(driver, spec, spec.options());
    }

    private static NetworkSpec of(String driver, NetworkSpec spec, Map<String, String> options) {
        return new NetworkSpec(
                spec.id(),
                spec.name(),
                new DriverName(driver),
                spec.deviceName(),
                spec.pools(),
                spec.internal(),
                spec.attachable(),
                spec.ipv6(),
                spec.predefined(),
                options,
                spec.ipamOptions(),
                spec.labels());
    }

    @Test
    void whatOnlyADriverKnowsOfThatComesLateIsSweptWhenItComesFirst() throws Exception {
        reopen(Optional.empty());
        await(() -> house.isSurveyed());
        SnapshotKey left = SnapshotKey.of(new ContainerId("9".repeat(64)));
        Map<SnapshotKey, Snapshot> there =
                new ConcurrentHashMap<>(Map.of(left, new Snapshot(left, SnapshotKey.SCRATCH, false)));
        StorageDriver late = (StorageDriver) Proxy.newProxyInstance(
                HouseTest.class.getClassLoader(),
                new Class<?>[] {StorageDriver.class},
                (proxy, method, arguments) -> switch (method.getName()) {
                    case "name" -> new DriverName("late");
                    case "survey" -> List.copyOf(there.values());
                    case "remove" -> there.remove(arguments[0]);
                    default -> method.invoke(world.storage, arguments);
                });
        house.bind(DriverKind.STORAGE, workshop.storage, late, 0, "late");

        assertThat(there).isEmpty();
        await(() -> told().anyMatch(e -> e.equals(new HostEvent.Swept("snapshot", left.value()))));

        house.unbind(DriverKind.STORAGE, workshop.storage, late, "late");
        there.put(left, new Snapshot(left, SnapshotKey.SCRATCH, false));
        house.bind(DriverKind.STORAGE, workshop.storage, late, 0, "late");
        assertThat(there)
                .as("what it made in this life may be somebody's whose record is still to be written")
                .isNotEmpty();
    }

    @Test
    void aWorseDriverWaitsInLine() throws Exception {
        StorageDriver worse = another(world.storage, false);
        house.bind(DriverKind.STORAGE, workshop.storage, worse, -5, "worse");
        await(() -> serving().equals(Optional.of("sim")));
        house.unbind(DriverKind.STORAGE, workshop.storage, world.storage, "sim");
        await(() -> serving().equals(Optional.of("worse")));
        pulled();
    }

    @Test
    void aRestartWaitsNoLongerWhereTheClockIsSetBackMeanwhile() throws Exception {
        ContainerId id = running("web", RestartPolicy.Kind.ALWAYS);
        int first = house.host().container(id).orElseThrow().generation();
        world.at(Instant.now());
        world.end(id, 1);
        await(() -> {
            Container c = house.host().container(id).orElseThrow();
            return c.restartAt().isPresent() || c.generation() > first;
        });
        // The end is seen a moment before the alarm is set, and an alarm set after the clock is set for an hour.
        Thread.sleep(20);
        back = Duration.ofHours(1);
        await(() -> {
            Container c = house.host().container(id).orElseThrow();
            return c.generation() > first && c.isRunning();
        });
    }

    // ---- the journal

    @Test
    void whoWaitsForADiskThatFailsIsToldSo() throws Exception {
        running("web", RestartPolicy.Kind.NO);
        journal.diskFails = true;
        for (String name : List.of("a", "b")) {
            assertThatThrownBy(() -> submit(new VolumeCommand.Create(
                            new VolumeSpec(new VolumeName(name), VolumeSpec.LOCAL, Map.of(), Map.of(), false))))
                    .cause()
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("disk is gone");
        }
    }

    @Test
    void aCheckpointIsAShorterJournalAndWhatIsOldGoesWhereThatIsWished() throws Exception {
        running("web", RestartPolicy.Kind.NO);
        Host before = house.host();
        reopen(Optional.of(Duration.ofMillis(1)));
        assertThat(told().filter(e -> e instanceof HostEvent.CheckpointCompleted))
                .hasSize(1);
        assertThat(house.host().containers()).isEqualTo(before.containers());
        assertThat(journal.origin()).isEqualTo(Position.START);
        // The checkpoint at the end of this life is the first that lies behind one old enough.
        Thread.sleep(5);
        reopen(Optional.of(Duration.ofMillis(1)));
        await(() -> journal.origin().isAfter(Position.START));
        assertThat(house.host().containers()).isEqualTo(before.containers());
        Batch first = journal.batches().get((int) journal.origin().sequence());
        assertThat(first.events().get(0)).isInstanceOf(HostEvent.CheckpointStarted.class);
        assertThat(house.hostAt(house.position())).isEqualTo(house.host());
    }

    @Test
    void aCheckpointThatIsTooLargeForOneBatchIsWrittenInSeveral() throws Exception {
        for (int i = 0; i < 300; i++) {
            submit(new VolumeCommand.Create(
                    new VolumeSpec(new VolumeName("v" + i), VolumeSpec.LOCAL, Map.of(), Map.of(), false)));
        }
        Host before = house.host();
        journal.tooLarge = b -> b.isCheckpoint() && b.events().size() > 7;
        reopen(Optional.of(Duration.ofMillis(1)));
        assertThat(house.host().volumes().equals(before.volumes())).isTrue();
        List<Batch> batches = List.copyOf(journal.batches());
        List<Batch> parts = batches.stream().filter(Batch::isCheckpoint).toList();
        assertThat(parts).hasSizeGreaterThan(40).allMatch(b -> b.events().size() <= 7);
        assertThat(parts.get(0).events().get(0)).isInstanceOf(HostEvent.CheckpointStarted.class);
        assertThat(parts.get(1).events().get(0)).isInstanceOf(HostEvent.CheckpointContinued.class);
        int first = batches.indexOf(parts.get(0));
        for (int at = first; at <= first + parts.size(); at += 9) {
            assertThat(house.hostAt(new Position(at)).volumes().equals(before.volumes()))
                    .as("at %d, checkpoint after %d", at, first)
                    .isTrue();
        }
        assertThat(journal.origin()).isEqualTo(Position.START);

        Thread.sleep(5);
        reopen(Optional.of(Duration.ofMillis(1)));
        assertThat(journal.origin()).isEqualTo(new Position(first));

        // One that was cut short is none: what is older stays until there is another.
        await(() -> house.isSurveyed());
        house.close();
        journal.batches().remove(journal.batches().size() - 1);
        world.listener = Optional.empty();
        open(Optional.of(Duration.ofMillis(1)));
        assertThat(house.host().volumes().equals(before.volumes())).isTrue();
        assertThat(house.hostAt(house.position()).volumes().equals(before.volumes()))
                .isTrue();
    }

    @Test
    void whatIsMoreThanABatchTakesIsRefusedOrFailsOrIsWrittenApartAndTheAgentGoesOn() throws Exception {
        journal.tooLarge = b -> b.events().stream()
                        .anyMatch(e -> e instanceof VolumeEvent.Created c
                                        && c.spec().name().value().equals("huge")
                                || e instanceof ImageEvent.Resolved)
                || b.events().size() > 3;
        VolumeSpec huge = new VolumeSpec(new VolumeName("huge"), VolumeSpec.LOCAL, Map.of(), Map.of(), false);
        assertThatThrownBy(() -> submit(new VolumeCommand.Create(huge)))
                .hasCauseInstanceOf(RefusedException.class)
                .hasMessageContaining("more than can be written down");
        assertThatThrownBy(this::pulled).hasMessageContaining("more than can be written down");

        await(() -> told().filter(e -> e instanceof HostEvent.Swept).count() == 2);
        Position before = house.position();
        List<Event> seen = IntStream.range(0, 8)
                .<Event>mapToObj(i -> new HostEvent.Swept("noise", "n" + i))
                .toList();
        house.observe(List.of(), (host, now) -> seen);
        await(() -> house.position().sequence() >= before.sequence() + 4);
        assertThat(told().filter(e -> e instanceof HostEvent.Swept).skip(2))
                .as("after what the pull had brought")
                .containsExactlyElementsOf(seen);

        journal.tooLarge = b -> false;
        running("web", RestartPolicy.Kind.NO);
    }

    @Test
    void whatBelongsToLostRecordsIsLeftAloneUntilSomebodyHasLooked() throws Exception {
        ContainerId web = running("web", RestartPolicy.Kind.NO);
        SnapshotKey files = SnapshotKey.of(web);
        List<Batch> lost = List.copyOf(journal.batches());
        journal.unreadable = b -> b.isCheckpoint()
                || lost.contains(b)
                        && b.events().stream()
                                .anyMatch(e -> e instanceof ContainerEvent.Created c
                                        && c.container().equals(web));
        reopen(Optional.empty());
        await(() -> house.isSurveyed());
        assertThat(house.host().container(web)).isEmpty();
        assertThat(world.running()).contains(web);
        assertThat(world.snapshots).containsKey(files);

        journal.unreadable = b -> false;
        reopen(Optional.empty());
        await(() -> house.isSurveyed());
        assertThat(house.host().container(web))
                .as("the checkpoint knows of none")
                .isEmpty();
        assertThat(world.running()).contains(web);
        assertThat(world.snapshots).containsKey(files);

        Files.delete(directory.resolve("lost-records"));
        reopen(Optional.empty());
        await(() -> !world.snapshots.containsKey(files) && world.running().isEmpty());
    }

    @Test
    void whyNothingIsMadeDurableIsSaidForAsLongAsThatIsSo() {
        assertThat(house.journal().broken()).isEmpty();
        diskFails = true;

        assertThatThrownBy(this::pulled).hasMessageContaining("the journal cannot be made durable: disk is gone");
        assertThat(house.journal().broken()).contains("the journal cannot be made durable: disk is gone");
    }

    @Test
    void aNewJournalOverWhatAnotherKeptSweepsNothing() throws Exception {
        ContainerId web = running("web", RestartPolicy.Kind.NO);
        await(() -> house.isSurveyed());
        house.close();
        journal.batches().clear();
        Files.delete(directory.resolve("checkpoint"));
        behind = Duration.ofMillis(200);
        open(Optional.empty());
        await(() -> house.isSurveyed());
        assertThat(world.running()).contains(web);
        assertThat(world.snapshots).containsKey(SnapshotKey.of(web));
        assertThat(directory.resolve("lost-records")).hasContent("the journal was empty, and the data root was not");
    }

    @Test
    void aJournalThatEndsBeforeItsLastCheckpointLostRecords() throws Exception {
        List<Batch> early = List.copyOf(journal.batches());
        ContainerId web = running("web", RestartPolicy.Kind.NO);
        reopen(Optional.empty());
        await(() -> house.isSurveyed());
        house.close();
        journal.batches().clear();
        journal.batches().addAll(early);
        open(Optional.empty());
        await(() -> house.isSurveyed());
        assertThat(house.host().container(web)).isEmpty();
        assertThat(world.running()).contains(web);
        assertThat(world.snapshots).containsKey(SnapshotKey.of(web));
        assertThat(directory.resolve("lost-records")).content().contains("there was a checkpoint after");
    }

    @Test
    void theHostJustBeforeACheckpointIsReadFromTheOneBeforeIt() throws Exception {
        running("web", RestartPolicy.Kind.NO);
        reopen(Optional.empty());
        List<Batch> batches = journal.batches();
        int checkpoint = 0;
        while (!(batches.get(checkpoint).events().get(0) instanceof HostEvent.CheckpointStarted)) {
            checkpoint++;
        }
        Position before = new Position(checkpoint);
        assertThat(house.hostAt(before).containers()).hasSize(1);
        assertThat(house.hostAt(before)).isEqualTo(house.hostAt(before.next()));
        assertThat(house.hostAt(Position.START)).isEqualTo(Host.EMPTY);
    }

    @Test
    void aLookBackBeginsAtACheckpointOfAnEarlierLifeToo() throws Exception {
        running("web", RestartPolicy.Kind.NO);
        reopen(Optional.empty());
        Position web = house.position();
        running("db", RestartPolicy.Kind.NO);
        reopen(Optional.empty());
        List<String> hints = Files.readAllLines(directory.resolve("checkpoint"));
        assertThat(hints).hasSize(2);
        Position first = new Position(Long.parseLong(hints.get(0).split(" ")[0]));
        opened.clear();
        assertThat(house.hostAt(web).containers()).hasSize(1);
        assertThat(Set.copyOf(opened)).containsExactly(first);
    }

    @Test
    void whatTheFileOfCheckpointsSaysWronglyIsNotBelieved() throws Exception {
        running("web", RestartPolicy.Kind.NO);
        reopen(Optional.empty());
        Position web = house.position();
        running("db", RestartPolicy.Kind.NO);
        await(() -> house.isSurveyed());
        house.close();
        Path file = directory.resolve("checkpoint");
        List<String> hints = Files.readAllLines(file);
        String[] one = hints.get(0).split(" ");
        long place = Long.parseLong(one[0]);
        Files.write(
                file,
                List.of(
                        (place - 1) + " " + one[1] + " " + one[2],
                        place + " " + one[1] + " " + Instant.EPOCH,
                        hints.get(1)));
        open(Optional.empty());
        assertThat(house.hostAt(web).containers()).hasSize(1);
        assertThat(house.host().containers()).hasSize(2);
        CompletionStage<Maintenance.Checkpoint> shorter =
                house.maintenance().checkpoint(Optional.empty(), OptionalLong.of(0));
        shorter.toCompletableFuture().get(10, TimeUnit.SECONDS);
        Batch begins = journal.batches().get((int) journal.origin().sequence());
        assertThat(begins.events().get(0)).isInstanceOf(HostEvent.CheckpointStarted.class);
    }

    @Test
    void aFileWithTheLastCheckpointAloneIsReadAsEver() throws Exception {
        running("web", RestartPolicy.Kind.NO);
        await(() -> house.isSurveyed());
        house.close();
        Path file = directory.resolve("checkpoint");
        String last = Files.readString(file).split(" ")[0];
        Files.writeString(file, last);
        opened.clear();
        open(Optional.empty());
        assertThat(opened).startsWith(new Position(Long.parseLong(last)));
        assertThat(house.host().containers()).hasSize(1);
    }

    @Test
    void whatAFollowerHoldsStaysUntilTheJournalIsTooLargeAndThenItIsSaid() throws Exception {
        running("web", RestartPolicy.Kind.NO);
        reopen(Optional.of(Duration.ofMillis(1)));
        Thread.sleep(5);
        house.hold("kafka", Position.START, Long.MAX_VALUE);
        reopen(Optional.of(Duration.ofMillis(1)));
        assertThat(journal.origin()).as("held").isEqualTo(Position.START);
        assertThat(told().filter(e -> e instanceof HostEvent.HistoryDropped)).isEmpty();

        Thread.sleep(5);
        house.hold("kafka", new Position(3), 1);
        reopen(Optional.of(Duration.ofMillis(1)));
        assertThat(journal.origin().isAfter(Position.START)).isTrue();
        assertThat(told().filter(e -> e instanceof HostEvent.HistoryDropped))
                .containsExactly(new HostEvent.HistoryDropped(
                        "kafka", 4, journal.origin().sequence() - 1, dropped().sizeBytes()));
    }

    private HostEvent.HistoryDropped dropped() {
        return (HostEvent.HistoryDropped) told().filter(e -> e instanceof HostEvent.HistoryDropped)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void whatAFollowerHasCarriedOnMayGo() throws Exception {
        running("web", RestartPolicy.Kind.NO);
        reopen(Optional.of(Duration.ofMillis(1)));
        Thread.sleep(5);
        house.hold("kafka", house.position(), Long.MAX_VALUE);
        reopen(Optional.of(Duration.ofMillis(1)));
        assertThat(journal.origin().isAfter(Position.START)).isTrue();
    }

    @Test
    void aFollowerSeesEveryEventOnceAndInOrder() throws Exception {
        Position from = house.position();
        try (Follower follower = house.follow(from)) {
            ContainerId id = running("web", RestartPolicy.Kind.NO);
            submit(new ContainerCommand.Kill(id, dev.wharf.model.Signal.KILL));
            await(() -> house.journal().durable().equals(house.journal().end()));
            Position last = from;
            boolean exited = false;
            for (var moment = follower.poll(); moment.isPresent(); moment = follower.poll()) {
                assertThat(last.isAfter(moment.get().position())).isFalse();
                last = moment.get().position();
                exited |= exitOf(id).test(moment.get().event());
            }
            assertThat(exited).isTrue();
        }
    }

    @Test
    void onAStageEverythingHappensAndNothingComesOfIt() throws Exception {
        int written = journal.batches().size();
        Path folder = directory.resolve("stage");
        Files.createDirectories(folder.resolve("left behind"));
        try (Stage stage = house.stage(folder, Given.image(Given.IMAGE, "image:1"))) {
            Host host = stage.agent().host();
            assertThat(host.images()).containsOnlyKeys(Given.IMAGE);
        }

        assertThat(folder).doesNotExist();
        assertThat(journal.batches()).hasSize(written);
        assertThat(house.host().images()).isEmpty();
    }

    @Test
    void afterTheEndEveryWishIsRefused() throws Exception {
        house.close();
        assertThatThrownBy(() -> submit(new ContainerCommand.Kill(Given.WEB, dev.wharf.model.Signal.KILL)))
                .hasCauseInstanceOf(RefusedException.class)
                .hasMessageContaining("stopping");
    }
}
