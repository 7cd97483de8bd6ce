package dev.wharf.core.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.agent.FailedException;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.Command;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.command.GcPolicy;
import dev.wharf.core.command.HostCommand;
import dev.wharf.core.command.ImageCommand;
import dev.wharf.core.command.NetworkCommand;
import dev.wharf.core.command.VolumeCommand;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.event.LayerEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import dev.wharf.core.loop.Durability.Haste;
import dev.wharf.core.plan.Plan;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Damage;
import dev.wharf.core.state.Fact;
import dev.wharf.core.state.Goal;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Layer;
import dev.wharf.core.state.Network;
import dev.wharf.core.state.Volume;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverName;
import dev.wharf.model.ExecId;
import dev.wharf.model.ExecSpec;
import dev.wharf.model.Healthcheck;
import dev.wharf.model.MountSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkWish;
import dev.wharf.model.PortWish;
import dev.wharf.model.PullId;
import dev.wharf.model.Reference;
import dev.wharf.model.Resources;
import dev.wharf.model.RestartPolicy;
import dev.wharf.model.Signal;
import dev.wharf.model.SubjectId;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import dev.wharf.spi.kernel.SandboxKey;
import dev.wharf.spi.storage.SnapshotKey;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * One history of a host, chosen by a seed: wishes come, processes end, drivers fail before or after their effects, and the
 * daemon dies anywhere. Then the world goes quiet, and what should be so is looked for.
 */
final class Simulation {
    private static final Duration PATIENCE = Duration.ofMillis(1);
    private static final DriverName OVERLAY = new DriverName("overlay");
    private static final DriverName BRIDGE = new DriverName("bridge");
    private static final DriverName CRUN = new DriverName("crun");
    private static final List<String> IMAGES = List.of("one:1", "two:1", "three:1");

    private final Random chance;

    /** What is kept and had back is chosen beside the rest, so that a seed means what it meant before there was such. */
    private final Random memory;

    private Optional<Random> tidy = Optional.empty();
    private final Set<Digest> rotten = new HashSet<>();

    private final SimWorld world;
    private final SimJournal journal;
    private final List<Object> story = new ArrayList<>();
    private final Map<CommandId, Command> asked = new LinkedHashMap<>();
    private final Map<CommandId, Integer> answers = new HashMap<>();
    private final Map<CommandId, Event> acknowledged = new LinkedHashMap<>();

    /** Commands that the daemon of now has not answered yet. */
    private final Set<CommandId> pending = new LinkedHashSet<>();

    private Instant now = Instant.parse("2026-01-01T00:00:00Z");
    private Daemon daemon;
    private Optional<Runnable> look = Optional.empty();
    private Optional<Runnable> away = Optional.empty();
    private int names;

    /** One life of the daemon. */
    private final class Daemon implements Durability {
        final List<Runnable> lanes = new ArrayList<>();
        final Map<SubjectId, Instant> alarms = new LinkedHashMap<>();
        final List<Map.Entry<Position, Runnable>> waiting = new ArrayList<>();
        final Workshop workshop = new Workshop(() -> now, PATIENCE);
        final Sequencer sequencer;
        final Replay replay;

        Daemon() throws Exception {
            workshop.kernel.set(world.kernel);
            workshop.content.set(world.content);
            workshop.storage.add(world.storage, OVERLAY, 0, "sim", true);
            workshop.network.add(world.network, BRIDGE, 0, "sim", true);
            workshop.runtime.add(world.runtime, CRUN, 0, "sim", true);
            workshop.registry.add(world.registry, world.registry.name(), 0, "sim", true);
            replay = new Replay(journal, Path.of("/nonexistent/checkpoint"));
            Replay.Folded folded = replay.latest();
            Host host = folded.host();
            if (host.identity().id().isEmpty()) {
                Event opened = new HostEvent.Opened("sim", 1, "sim", now);
                host = opened.apply(host);
                journal.append(new Batch(cause(CommandId.NONE), now, List.of(opened)));
            }
            Timers timers = new Timers() {
                @Override
                public void set(SubjectId subject, Instant at) {
                    alarms.put(subject, at);
                }

                @Override
                public void close() {}
            };
            sequencer = new Sequencer(
                    journal,
                    () -> now,
                    new Lanes(lanes::add, lanes::add, workshop, 8),
                    timers,
                    this,
                    host,
                    folded.answered());
        }

        /** The same road as {@code House.furnish}, without its threads. */
        void furnish() {
            Survey survey = new Survey(workshop);
            if (!world.boot.equals(sequencer.view().host().identity().bootId())) {
                sequencer.turn(new Letter.Observation(List.of(), (host, at) -> House.booted(host, world.boot, at)));
            }
            Survey.Findings findings = survey.look();
            sequencer.turn(new Letter.Observation(List.of(), (host, at) -> findings.against(host, at, Set.of())));
            List<Event> swept = Survey.sweep(survey.orphans(sequencer.view().host()));
            if (!swept.isEmpty()) {
                say(swept.toArray(Event[]::new));
            }
            sequencer.settle();
            world.runtime.exits(new Exits(sequencer, workshop.questions));
        }

        /** Begins a look at the world while it goes on turning; what it says is judged when the answer runs. */
        Runnable look() {
            Set<SubjectId> touched = sequencer.beginSurvey();
            Survey.Findings findings = new Survey(workshop).look();
            return () -> {
                sequencer.post(new Letter.Observation(List.of(), (host, at) -> findings.against(host, at, touched)));
                sequencer.endSurvey(touched);
            };
        }

        private void say(Event... events) {
            sequencer.turn(new Letter.Observation(List.of(), (host, at) -> List.of(events)));
        }

        @Override
        public void appended(Position position, Haste haste) {
            // the force comes when somebody waits for it, or when chance has it
        }

        @Override
        public void whenDurable(Position position, Runnable then) {
            waiting.add(Map.entry(position, then));
        }

        @Override
        public boolean afterTold(Position position, Runnable then) {
            waiting.add(Map.entry(position, then));
            return true;
        }

        boolean commit() {
            if (waiting.isEmpty()) {
                return false;
            }
            try {
                journal.sync();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            List<Map.Entry<Position, Runnable>> ready = List.copyOf(waiting);
            waiting.clear();
            ready.forEach(r -> r.getValue().run());
            return true;
        }

        boolean runLane() {
            if (lanes.isEmpty()) {
                return false;
            }
            lanes.remove(chance.nextInt(lanes.size())).run();
            return true;
        }

        boolean ring() {
            return ring(subject -> true);
        }

        /** Whether a subject only rests until it is asked again, for ever. */
        boolean isIdle(SubjectId subject) {
            return Plan.of(subject).next(host(), now, sequencer.busy(subject)).rests();
        }

        boolean ring(Predicate<SubjectId> whose) {
            Optional<Map.Entry<SubjectId, Instant>> next = alarms.entrySet().stream()
                    .filter(a -> whose.test(a.getKey()))
                    .min(Map.Entry.comparingByValue());
            if (next.isEmpty() || next.get().getValue().equals(ContainerCommand.NEVER)) {
                return false;
            }
            if (next.get().getValue().isAfter(now)) {
                now = next.get().getValue();
                world.at(now);
            }
            alarms.remove(next.get().getKey());
            sequencer.post(new Letter.Alarm(next.get().getKey(), next.get().getValue()));
            return true;
        }

        Host host() {
            return sequencer.view().host();
        }
    }

    /** A world in which blobs rot, and things that are of no use are collected. */
    static Simulation tidy(long seed) {
        Simulation simulation = new Simulation(seed);
        simulation.tidy = Optional.of(new Random(seed * 31 + 7));
        return simulation;
    }

    Simulation(long seed) {
        chance = new Random(seed);
        memory = new Random(~seed);
        world = new SimWorld(chance);
        journal = new SimJournal(world);
        world.failures = chance.nextInt(3) * 30;
        world.crashes = chance.nextInt(3) * 8;
        world.publish("one:1", List.of("base", "one"));
        world.publish("two:1", List.of("base", "two", "top"));
        world.publish("three:1", List.of("other", "other"));
    }

    /** What happened, for whoever has to understand a failing seed. */
    List<String> story() {
        List<String> all = new ArrayList<>();
        story.forEach(s -> all.add(s.toString()));
        for (int i = 0; i < journal.batches().size(); i++) {
            all.add("journal " + (i + 1) + " " + journal.batches().get(i).events());
        }
        return all;
    }

    void run(int steps) throws Exception {
        boot();
        submit(new NetworkCommand.Create(network("bridge", true)));
        for (int i = 0; i < steps; i++) {
            try {
                step();
            } catch (SimWorld.Crash crash) {
                story.add("crash");
                boot();
            }
            if (daemon.sequencer.isBroken()) {
                story.add("journal cannot be written");
                boot();
            }
        }
        world.stormy = false;
        calm();
        look();
    }

    private void step() throws Exception {
        switch (chance.nextInt(14)) {
            case 12 -> strange();
            case 13 -> {
                if (look.isPresent()) {
                    look.get().run();
                    look = Optional.empty();
                } else if (chance.nextInt(5) == 0) {
                    story.add("looks at the world");
                    look = Optional.of(daemon.look());
                }
            }
            case 0, 1 -> submit(wish());
            case 2, 3, 4, 5 -> {
                if (daemon.sequencer.turnIfAny()) {
                    return;
                }
                daemon.runLane();
            }
            case 6, 7, 8 -> daemon.runLane();
            case 9 -> daemon.commit();
            case 10 -> {
                List<ContainerId> running = world.running();
                if (!running.isEmpty() && chance.nextInt(4) == 0) {
                    ContainerId id = running.get(chance.nextInt(running.size()));
                    story.add("process of " + id.shortForm() + " ends");
                    world.end(id, chance.nextInt(3));
                } else if (daemon.lanes.isEmpty()) {
                    daemon.ring();
                }
            }
            default -> {
                if (world.crashes > 0 && chance.nextInt(150) == 0) {
                    if (chance.nextBoolean()) {
                        story.add("power fails");
                        world.losePower();
                        journal.losePower();
                    } else {
                        story.add("killed");
                    }
                    boot();
                }
            }
        }
    }

    /** What else may happen to a host: drivers go and come, execs end, somebody takes things away. */
    private void strange() {
        switch (chance.nextInt(4)) {
            case 0 -> {
                if (away.isPresent()) {
                    story.add("the driver is back");
                    away.get().run();
                    away = Optional.empty();
                } else if (chance.nextInt(3) == 0) {
                    story.add("a driver goes");
                    away = Optional.of(takeAway(daemon.workshop));
                }
            }
            case 1, 2 -> {
                List<ContainerId> running = world.running();
                for (ContainerId id : running) {
                    List<ExecId> execs = world.processes.get(id).execs.entrySet().stream()
                            .filter(e -> e.getValue().isEmpty())
                            .map(Map.Entry::getKey)
                            .toList();
                    execs.forEach(exec -> world.endExec(id, exec, chance.nextInt(3)));
                }
            }
            default -> {
                if (chance.nextInt(10) == 0) {
                    world.meddle().ifPresent(what -> story.add("somebody takes away the " + what));
                }
            }
        }
    }

    private Runnable takeAway(Workshop workshop) {
        return switch (chance.nextInt(3)) {
            case 0 -> {
                workshop.runtime.remove(world.runtime);
                yield () -> workshop.runtime.add(world.runtime, CRUN, 0, "sim2", true);
            }
            case 1 -> {
                workshop.network.remove(world.network);
                yield () -> workshop.network.add(world.network, BRIDGE, 0, "sim2", true);
            }
            default -> {
                workshop.storage.remove(world.storage);
                yield () -> workshop.storage.add(world.storage, OVERLAY, 0, "sim2", true);
            }
        };
    }

    /** Starts the daemon until it stays up. */
    private void boot() throws Exception {
        while (true) {
            world.listener = Optional.empty();
            look = Optional.empty();
            away = Optional.empty();
            pending.clear();
            try {
                daemon = new Daemon();
                daemon.furnish();
                if (!daemon.sequencer.isBroken()) {
                    comeBack();
                    return;
                }
            } catch (SimWorld.Crash crash) {
                story.add("crash while starting");
            } catch (IOException e) {
                story.add("journal cannot be written while starting");
            }
        }
    }

    private void comeBack() {
        daemon.host().containers().values().stream()
                .filter(Container::comesBack)
                .map(Container::id)
                .sorted((a, b) -> a.value().compareTo(b.value()))
                .forEach(id -> submit(new ContainerCommand.Start(id, new Entropy("e" + names++))));
    }

    private void calm() throws Exception {
        if (chance.nextBoolean()) {
            boot();
        }
        away.ifPresent(Runnable::run);
        away = Optional.empty();
        rest();
        daemon.look().run();
        rest();
        // The slow beat: what the sweep at the start could not remove goes now.
        List<Event> swept = Survey.sweep(new Survey(daemon.workshop).orphans(daemon.host()));
        if (!swept.isEmpty()) {
            daemon.say(swept.toArray(Event[]::new));
        }
        rest();
    }

    private void rest() {
        for (int i = 0; i < 20_000; i++) {
            boolean any = daemon.sequencer.turnIfAny() || daemon.runLane() || daemon.commit();
            if (!any && !daemon.ring(s -> !daemon.isIdle(s))) {
                return;
            }
        }
        throw new AssertionError("the world never came to rest");
    }

    private void submit(Command command) {
        CommandId id = new CommandId("c" + asked.size());
        asked.put(id, command);
        story.add(Map.entry(id, command));
        CompletableFuture<Event> answer = new CompletableFuture<>();
        pending.add(id);
        answer.whenComplete((event, trouble) -> {
            pending.remove(id);
            answers.merge(id, 1, Integer::sum);
            if (trouble == null) {
                acknowledged.put(id, event);
            } else if (!(trouble instanceof RefusedException) && !(trouble instanceof FailedException)) {
                world.violations.add("neither refused nor failed: " + command + ": " + trouble);
            }
        });
        daemon.sequencer.post(new Letter.Wish(command, cause(id), answer));
    }

    private static Cause cause(CommandId id) {
        return new Cause(id, Optional.empty(), Actor.WHARF);
    }

    // ---- wishes

    private Command wish() {
        Host host = daemon.host();
        List<ContainerId> containers = new ArrayList<>(host.containers().keySet());
        List<Image> images = new ArrayList<>(host.images().values());
        Collections.sort(containers, (a, b) -> a.value().compareTo(b.value()));
        Optional<ContainerId> some = containers.isEmpty()
                ? Optional.empty()
                : Optional.of(containers.get(chance.nextInt(containers.size())));
        if (tidy.isPresent() && tidy.get().nextInt(8) == 0) {
            return housekeeping(tidy.get());
        }
        Optional<Command> past = memory.nextInt(12) == 0 ? past(host) : Optional.empty();
        if (past.isPresent()) {
            return past.get();
        }
        int which = chance.nextInt(28);
        if (images.isEmpty() || which == 0) {
            return new ImageCommand.PullImage(
                    new PullId(hex("pull" + names++).substring(0, 32)),
                    Reference.parse(IMAGES.get(chance.nextInt(IMAGES.size()))),
                    Optional.empty(),
                    OVERLAY);
        }
        if (some.isEmpty() || which <= 4 && containers.size() < 6) {
            return create(host, images.get(chance.nextInt(images.size())), some);
        }
        ContainerId id = some.get();
        return switch (which) {
            case 5, 6, 7, 8 -> new ContainerCommand.Start(id, new Entropy("e" + names++));
            case 9 -> new ContainerCommand.Stop(id, Optional.empty(), Optional.empty());
            case 10 -> new ContainerCommand.Kill(id, Signal.KILL);
            case 11 ->
                new ContainerCommand.Restart(
                        id, Optional.empty(), Optional.of(Duration.ofSeconds(1)), new Entropy("e" + names++));
            case 12 -> new ContainerCommand.Pause(id);
            case 13 -> new ContainerCommand.Resume(id);
            case 14, 15 -> new ContainerCommand.Remove(id, chance.nextBoolean(), chance.nextBoolean(), keep());
            case 16 -> {
                Image image = images.get(chance.nextInt(images.size()));
                yield new ImageCommand.Remove(
                        image.id(), Optional.empty(), image.id().shortForm(), chance.nextBoolean());
            }
            case 17 -> new NetworkCommand.Create(network("net" + chance.nextInt(3), false));
            case 18 -> {
                List<Network> networks = host.networks().values().stream()
                        .sorted((a, b) -> a.spec().name().compareTo(b.spec().name()))
                        .toList();
                if (networks.isEmpty()) {
                    yield new ContainerCommand.Rename(id, "renamed" + names++);
                }
                NetworkId network =
                        networks.get(chance.nextInt(networks.size())).id();
                yield switch (chance.nextInt(3)) {
                    case 0 -> new NetworkCommand.Remove(network);
                    case 1 -> new ContainerCommand.Connect(id, NetworkWish.on(network), new Entropy("e" + names++));
                    default -> new ContainerCommand.Disconnect(id, network, false);
                };
            }
            case 20 -> new ContainerCommand.Rename(id, "name" + chance.nextInt(8));
            case 21 ->
                new ContainerCommand.Update(
                        id, limits(chance.nextInt(4)), chance.nextBoolean() ? Optional.empty() : Optional.of(policy()));
            case 22 -> new ContainerCommand.Kill(id, new Signal(1 + chance.nextInt(15)));
            case 23 -> new ContainerCommand.CreateExec(id, new ExecId(hex("exec" + names++)), exec());
            case 24, 25 -> {
                Optional<ExecId> exec = host.containers().get(id).execs().values().stream()
                        .filter(e -> !e.started())
                        .map(Container.Exec::id)
                        .findFirst();
                yield exec.isPresent()
                        ? new ContainerCommand.StartExec(id, exec.get())
                        : new ContainerCommand.CreateExec(id, new ExecId(hex("exec" + names++)), exec());
            }
            case 26 -> {
                Optional<PullId> pull = host.pulls().keySet().stream().findFirst();
                yield pull.isPresent()
                        ? new ImageCommand.CancelPull(pull.get())
                        : new ContainerCommand.Start(id, new Entropy("e" + names++));
            }
            case 27 ->
                new ImageCommand.Tag(
                        images.get(chance.nextInt(images.size())).id(),
                        Reference.parse("tag" + chance.nextInt(3) + ":1"));
            default ->
                chance.nextBoolean()
                        ? new VolumeCommand.Create(new VolumeSpec(
                                new VolumeName("vol" + chance.nextInt(3)), VolumeSpec.LOCAL, device(), Map.of(), false))
                        : new VolumeCommand.Remove(new VolumeName("vol" + chance.nextInt(3)), false, keep());
        };
    }

    private Command housekeeping(Random luck) {
        List<Digest> blobs = world.blobs.keySet().stream().sorted().toList();
        if (luck.nextBoolean() || blobs.isEmpty()) {
            GcPolicy policy = new GcPolicy(
                    GcPolicy.Images.UNUSED,
                    Optional.of(Duration.ofSeconds(luck.nextInt(20))),
                    luck.nextBoolean() ? OptionalLong.empty() : OptionalLong.of(luck.nextInt(1000)),
                    Duration.ZERO,
                    List.of(),
                    List.of(),
                    Optional.empty(),
                    OptionalLong.empty());
            return new HostCommand.Collect("run", policy, luck.nextInt(4) == 0);
        }
        Digest blob = blobs.get(luck.nextInt(blobs.size()));
        if (luck.nextInt(4) > 0) {
            rotten.add(blob);
            world.blobs.computeIfPresent(blob, (digest, bytes) -> {
                byte[] other = bytes.clone();
                other[luck.nextInt(other.length)] ^= 1;
                return other;
            });
        }
        return new HostCommand.ReportDamage(blob, "it is another");
    }

    private Duration keep() {
        return memory.nextBoolean() ? Duration.ZERO : Duration.ofSeconds(1 + memory.nextInt(60));
    }

    /** Something about what was removed and is kept. */
    private Optional<Command> past(Host host) {
        List<Command> wishes = new ArrayList<>();
        host.kept().values().stream()
                .sorted((a, b) -> a.id().value().compareTo(b.id().value()))
                .forEach(c -> {
                    wishes.add(new ContainerCommand.Undelete(c.id(), c.name()));
                    wishes.add(new ContainerCommand.Undelete(c.id(), "again" + names++));
                    wishes.add(new ContainerCommand.Purge(c.id()));
                });
        host.volumes().values().stream()
                .filter(Volume::isKept)
                .sorted((a, b) -> a.name().value().compareTo(b.name().value()))
                .forEach(v -> {
                    wishes.add(new VolumeCommand.Undelete(v.name()));
                    wishes.add(new VolumeCommand.Purge(v.name()));
                });
        return wishes.isEmpty() ? Optional.empty() : Optional.of(wishes.get(memory.nextInt(wishes.size())));
    }

    /** Half of the volumes have something mounted at their directory while they are used. */
    private Map<String, String> device() {
        return chance.nextBoolean() ? Map.of() : Map.of("type", "tmpfs", "device", "tmpfs");
    }

    private RestartPolicy policy() {
        return switch (chance.nextInt(4)) {
            case 0 -> new RestartPolicy(RestartPolicy.Kind.ON_FAILURE, 3);
            case 1 -> new RestartPolicy(RestartPolicy.Kind.ALWAYS, 0);
            case 2 -> new RestartPolicy(RestartPolicy.Kind.UNLESS_STOPPED, 0);
            default -> RestartPolicy.NO;
        };
    }

    private static Resources limits(int megabytes) {
        return new Resources(
                megabytes << 20,
                0,
                0,
                -1,
                0,
                0,
                0,
                0,
                "",
                "",
                0,
                0,
                List.of(),
                false,
                0,
                0,
                "",
                List.of(),
                List.of(),
                List.of());
    }

    private static ExecSpec exec() {
        return new ExecSpec(List.of("ls"), List.of(), "", "/", false, false, false, true, true, "");
    }

    private Command create(Host host, Image image, Optional<ContainerId> other) {
        ContainerId id = new ContainerId(hex("container" + names++));
        boolean bridged = chance.nextInt(4) > 0;
        List<NetworkWish> networks = host.networks().values().stream()
                .filter(n -> bridged && (n.spec().name().equals("bridge") || chance.nextInt(3) == 0))
                .map(n -> NetworkWish.on(n.id()))
                .toList();
        List<PortWish> ports = bridged && chance.nextBoolean()
                ? List.of(
                        chance.nextBoolean()
                                ? new PortWish(80, "tcp", "", 8080, 8080)
                                : new PortWish(80, "tcp", "", 0, 0))
                : List.of();
        List<MountSpec> mounts = switch (chance.nextInt(3)) {
            case 0 ->
                List.of(new MountSpec(
                        MountSpec.Kind.VOLUME, "vol" + chance.nextInt(3), "/data", false, false, Map.of()));
            case 1 ->
                List.of(new MountSpec(
                        MountSpec.Kind.VOLUME,
                        hex("anonymous" + names++),
                        "/data",
                        false,
                        false,
                        Map.of("anonymous", "")));
            default -> List.of();
        };
        RestartPolicy policy = chance.nextInt(3) == 0 ? policy() : RestartPolicy.NO;
        Optional<Healthcheck> health = chance.nextInt(4) == 0
                ? Optional.of(new Healthcheck(
                        List.of("CMD", "healthy?"),
                        Duration.ofSeconds(1 + chance.nextInt(3)),
                        Duration.ofMillis(1),
                        Duration.ofSeconds(chance.nextInt(2)),
                        Duration.ZERO,
                        chance.nextInt(3)))
                : Optional.empty();
        ContainerSpec spec = new ContainerSpec(
                image.id(),
                "image",
                new ContainerSpec.Command(List.of(), List.of("true"), List.of(), "", List.of(), "/", false, List.of()),
                new ContainerSpec.Stdio(false, false, false),
                "h",
                "",
                Map.of(),
                Map.of(),
                Resources.UNLIMITED,
                new ContainerSpec.Security(
                        false, List.of(), List.of(), List.of(), false, "default", "", List.of(), List.of(), false,
                        Map.of(), List.of()),
                ContainerSpec.Namespaces.PRIVATE,
                mounts,
                new ContainerSpec.Networking(
                        bridged || other.isEmpty() || chance.nextBoolean()
                                ? ContainerSpec.Namespace.PRIVATE
                                : ContainerSpec.Namespace.of(other.get()),
                        networks,
                        List.of(),
                        ports,
                        false,
                        List.of(),
                        List.of(),
                        List.of(),
                        List.of(),
                        List.of(),
                        ""),
                policy,
                policy.kind() == RestartPolicy.Kind.NO && chance.nextInt(4) == 0,
                ContainerSpec.Stop.DEFAULT,
                health,
                new ContainerSpec.Logging("json-file", Map.of()),
                OVERLAY,
                Map.of(),
                CRUN,
                Map.of());
        return new ContainerCommand.Create(id, "name" + chance.nextInt(8), spec);
    }

    private NetworkSpec network(String name, boolean predefined) {
        return new NetworkSpec(
                new NetworkId(hex(name + names++)),
                name,
                BRIDGE,
                "br-" + name,
                List.of(),
                false,
                false,
                false,
                predefined,
                Map.of(),
                Map.of(),
                Map.of());
    }

    private static String hex(String text) {
        return Digest.sha256(text).hex();
    }

    // ---- what should be so

    private void look() throws Exception {
        Host host = daemon.host();
        Host again = Host.EMPTY;
        for (Batch batch : journal.batches()) {
            for (Event event : batch.events()) {
                if (event instanceof ContainerEvent.Exited exited) {
                    assertThat(again.container(exited.container()).filter(Container::isRunning))
                            .as(() -> "only what runs exits: " + exited)
                            .isPresent();
                }
                if (isBug(event)) {
                    world.violations.add("a step broke: " + event);
                }
                again = event.apply(again);
            }
        }
        assertThat(again)
                .as("replaying the journal gives exactly the live host")
                .isEqualTo(host);
        assertThat(daemon.sequencer.awaiting()).as("every plan rests").isEmpty();
        kernelHoldsWhatFactsSay(host);
        nothingIsDoubtful(host);
        nothingWasGivenTwice(host);
        answers.forEach((id, times) ->
                assertThat(times).as(() -> "answers to " + asked.get(id)).isEqualTo(1));
        assertThat(world.violations).as("things that must never be asked").isEmpty();
        assertThat(pending.stream().map(asked::get).toList())
                .as("commands without an answer")
                .isEmpty();
        acknowledgedStays();
    }

    private static boolean isBug(Event event) {
        Optional<String> said = event instanceof ContainerEvent.Stalled c
                ? Optional.of(c.stall().failure().message())
                : event instanceof LayerEvent.Stalled l
                        ? Optional.of(l.stall().failure().message())
                        : event.trouble().map(f -> f.message());
        return said.filter(m -> m.startsWith("internal error") || m.contains(" broke, which is a fault"))
                .isPresent();
    }

    private void kernelHoldsWhatFactsSay(Host host) {
        assertThat(world.mounts.keySet()).as("mounts").isEqualTo(holding(host, Container::mount));
        assertThat(world.sandboxes.keySet().stream().map(SandboxKey::container).collect(Collectors.toSet()))
                .as("sandboxes")
                .isEqualTo(holding(host, Container::sandbox));
        assertThat(world.processes.keySet()).as("processes").isEqualTo(holding(host, Container::remains));
        Set<SnapshotKey> snapshots = new HashSet<>();
        host.containers().values().stream()
                .filter(c -> c.rootfs().isPresent())
                .forEach(c -> snapshots.add(SnapshotKey.of(c.id())));
        host.kept().keySet().forEach(id -> snapshots.add(SnapshotKey.of(id)));
        host.layers().values().stream()
                .filter(l -> l.snapshot().isPresent())
                .forEach(l -> snapshots.add(SnapshotKey.of(l.id())));
        assertThat(world.snapshots.keySet()).as("snapshots").containsExactlyInAnyOrderElementsOf(snapshots);
        host.layers().values().stream()
                .flatMap(l -> l.content().value().stream())
                .forEach(blob -> assertThat(world.blobs).as("blobs").containsKey(blob.digest()));
        host.images().values().stream()
                .flatMap(i -> i.documents().stream())
                // One that rotted is out of the way where a pull found it so, and that pull may have failed.
                .filter(d -> !rotten.contains(d.digest()))
                .forEach(blob -> assertThat(world.blobs).as("documents").containsKey(blob.digest()));
        assertThat(host.damages().values())
                .as("whatever is damaged is out of the way")
                .allMatch(Damage::aside);
        Set<String> endpoints = new HashSet<>();
        host.containers()
                .values()
                .forEach(c -> c.places().values().stream()
                        .filter(p -> p.fact().isPresent())
                        .forEach(p -> endpoints.add(p.endpoint().id())));
        assertThat(world.endpoints.keySet()).as("endpoints").isEqualTo(endpoints);
        assertThat(world.devices.keySet())
                .as("devices")
                .isEqualTo(host.networks().values().stream()
                        .filter(n -> n.device().isPresent())
                        .map(Network::id)
                        .collect(Collectors.toSet()));
        host.containers().values().stream().filter(Container::isRunning).forEach(c -> {
            SimWorld.SimProcess process = world.processes.get(c.id());
            assertThat(process.frozen)
                    .as(() -> "frozen " + c)
                    .isEqualTo(c.frozen().isPresent());
            assertThat(Optional.of(process.limits))
                    .as(() -> "limits " + c)
                    .isEqualTo(c.limits())
                    .isEqualTo(Optional.of(c.spec().resources()));
            c.execs().values().stream()
                    .filter(Container.Exec::isRunning)
                    .forEach(e -> assertThat(process.execs.get(e.id()))
                            .as(() -> "exec " + e)
                            .isEqualTo(Optional.empty()));
            c.spec()
                    .mounts()
                    .forEach(m -> assertThat(world.volumes)
                            .as(() -> "volume in use " + m)
                            .containsKey(new VolumeName(m.source())));
            c.spec().mounts().stream()
                    .flatMap(m -> host.volume(new VolumeName(m.source())).stream())
                    .filter(v -> v.spec().hasDevice())
                    .forEach(v -> assertThat(world.volumeMounts)
                            .as(() -> "device in use " + v)
                            .contains(v.name()));
        });
        assertThat(world.volumeMounts)
                .as("mounted volumes")
                .isEqualTo(host.volumes().values().stream()
                        .filter(Volume::isMounted)
                        .map(Volume::name)
                        .collect(Collectors.toSet()));
        assertThat(world.volumes.keySet())
                .as("volumes")
                .containsAll(host.volumes().values().stream()
                        .filter(v -> v.path().isPresent())
                        .map(Volume::name)
                        .toList());
    }

    private interface What {
        Fact<?> of(Container c);
    }

    private static Set<ContainerId> holding(Host host, What what) {
        return host.containers().values().stream()
                .filter(c -> what.of(c).isPresent())
                .map(Container::id)
                .collect(Collectors.toSet());
    }

    private static void nothingIsDoubtful(Host host) {
        for (Container c : host.containers().values()) {
            assertThat(List.of(c.rootfs(), c.mount(), c.sandbox(), c.process(), c.remains(), c.frozen()))
                    .as(() -> "facts of " + c)
                    .noneMatch(Fact::isDoubtful);
            assertThat(c.places().values())
                    .as(() -> "places of " + c)
                    .noneMatch(p -> p.fact().isDoubtful());
            assertThat(c.goal()).as("goal of a container that is still here").isNotEqualTo(Goal.REMOVED);
            assertThat(c.isRunning())
                    .as(() -> "runs as wanted: " + c)
                    .isEqualTo(c.goal().wantsProcess());
        }
        for (Container kept : host.kept().values()) {
            assertThat(kept.rootfs().isPresent()).as(() -> "files of " + kept).isTrue();
            assertThat(kept.isDown())
                    .as(() -> "nothing but files is kept: " + kept)
                    .isTrue();
        }
        for (Layer layer : host.layers().values()) {
            assertThat(layer.snapshot().isPresent())
                    .as(() -> "layer is wanted and here: " + layer)
                    .isTrue();
            assertThat(host.isWanted(layer.id()))
                    .as(() -> "layer is wanted: " + layer)
                    .isTrue();
        }
        assertThat(host.pulls()).as("pulls under way").isEmpty();
    }

    private static void nothingWasGivenTwice(Host host) {
        List<String> addresses = new ArrayList<>();
        List<String> ports = new ArrayList<>();
        host.containers()
                .values()
                .forEach(c -> c.places().values().forEach(p -> {
                    addresses.add(p.endpoint().network() + " " + p.endpoint().ipv4());
                    p.endpoint()
                            .ports()
                            .forEach(b -> ports.add(b.protocol() + " " + b.hostAddress() + " " + b.hostPort()));
                }));
        assertThat(addresses).as("addresses").doesNotHaveDuplicates();
        assertThat(ports).as("host ports").doesNotHaveDuplicates();
        assertThat(host.containers().values().stream().map(Container::name).toList())
                .as("names")
                .doesNotHaveDuplicates();
    }

    /** What was acknowledged is durable, whatever failed afterwards. */
    private void acknowledgedStays() {
        Set<Event> written = Collections.newSetFromMap(new IdentityHashMap<>());
        journal.batches().forEach(b -> written.addAll(b.events()));
        acknowledged.forEach((id, event) -> assertThat(written.contains(event))
                .as(() -> "written: " + asked.get(id) + " " + event)
                .isTrue());
    }
}
