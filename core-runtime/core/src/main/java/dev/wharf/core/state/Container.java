package dev.wharf.core.state;

import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.DriverName;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.ExecId;
import dev.wharf.model.ExecSpec;
import dev.wharf.model.Exit;
import dev.wharf.model.Healthcheck;
import dev.wharf.model.InitProcess;
import dev.wharf.model.LayerId;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkWish;
import dev.wharf.model.Resources;
import dev.wharf.model.RestartPolicy;
import dev.wharf.model.Signal;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.network.Endpoint;
import dev.wharf.spi.storage.Snapshot;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * A container: its goal, and the facts of everything it can hold.
 *
 * @param top the highest layer of its image, which keeps the whole chain wanted
 * @param generation raised by every start; a process of an older one is unwanted
 * @param remains what the runtime still keeps of a generation: cgroup, state, monitor
 * @param restarts how often the restart policy started it since the last start by hand
 * @param haste how many runs in a row ended too soon, which makes the next restart wait longer
 * @param restartAt when the restart policy will start it again
 * @param exit how the last run that ended did so, also while the next one is on
 * @param failure why the last start did not work
 * @param stoppedByHand whether somebody asked for the last stop, which {@code unless-stopped} remembers
 * @param limits the limits in force as far as is known, which differ from the specification's while an update is on its way
 * @param limitsInDoubt whether others may be in force, because they were asked for and nobody heard what came of it
 * @param keepUntil until when its files are kept after its removal, so that it can be had back; empty for not at all
 */
public record Container(
        ContainerId id,
        String name,
        ContainerSpec spec,
        Optional<LayerId> top,
        Instant createdAt,
        Goal goal,
        int generation,
        Fact<Snapshot> rootfs,
        Fact<Path> mount,
        Fact<Sandbox> sandbox,
        Map<NetworkId, Place> places,
        Fact<Process> process,
        Fact<Integer> remains,
        Fact<Instant> frozen,
        Optional<Instant> startedAt,
        Optional<Exit> exit,
        int restarts,
        int haste,
        Optional<Instant> restartAt,
        Optional<Failure> failure,
        Optional<Stopping> stopping,
        boolean stoppedByHand,
        boolean removeVolumes,
        Optional<Stall> stall,
        Optional<Resources> limits,
        boolean limitsInDoubt,
        Optional<Health> health,
        Map<ExecId, Exec> execs,
        Optional<Instant> keepUntil) {
    /** How many ended execs are remembered, for clients that ask for the exit code after the end. */
    private static final int EXECS_KEPT = 64;

    /** How many execs are remembered that were prepared and never run. */
    private static final int EXECS_PREPARED = 256;

    /** How many bytes those that are remembered may take in a record of the container, which is one batch of the journal. */
    private static final int EXECS_BYTES = 3 << 19;

    /** The same of its names on networks, which stand in it twice while it runs. */
    private static final int NAMES_BYTES = 1 << 18;

    private static final String LIMITS = "limits";

    /** A run of at least this long was a success, so that the next restart does not wait longer than the one before. */
    private static final Duration GOOD_RUN = Duration.ofSeconds(10);

    private static final Duration FIRST_BACK_OFF = Duration.ofMillis(100);
    private static final Duration LAST_BACK_OFF = Duration.ofMinutes(1);

    /** A place on a network: what was chosen for it, whether it is still wanted, and whether it is there. */
    public record Place(EndpointSpec endpoint, boolean wanted, Fact<Endpoint> fact) {}

    /** The first process: made by the runtime, and later let go to run. */
    public record Process(InitProcess init, int generation, boolean started) {}

    /**
     * A stop on its way.
     *
     * @param kill whether it is a plain kill, which is not told as a stop
     * @param signaled how many signals were sent: the polite one, then the kill
     */
    public record Stopping(Signal signal, Instant deadline, boolean kill, int signaled) {}

    /**
     * What the health check concluded: starting, healthy or unhealthy, how many failures in a row, and the last answers,
     * oldest first.
     *
     * @param answered whether the last answer is of this run, which its time does not say where somebody set the clock back
     */
    public record Health(String status, int failingStreak, List<Probe> log, boolean answered) {
        public static final String STARTING = "starting";
        public static final String HEALTHY = "healthy";
        public static final String UNHEALTHY = "unhealthy";

        private static final Health NONE = new Health(STARTING, 0, List.of(), false);

        /** How many answers are kept, as many as Docker shows. */
        private static final int KEPT = 5;

        public Health {
            log = List.copyOf(log);
        }

        private Health with(Probe probe, boolean counts) {
            List<Probe> longer = new ArrayList<>(log.subList(Math.max(0, log.size() + 1 - KEPT), log.size()));
            longer.add(probe);
            return new Health(status, probe.code() == 0 ? 0 : failingStreak + (counts ? 1 : 0), longer, true);
        }

        private Health anew() {
            return new Health(STARTING, 0, log, false);
        }

        /** Nobody asks any more; Docker calls that unhealthy. */
        private Health over() {
            return new Health(UNHEALTHY, failingStreak, log, answered);
        }

        private Health judged(String verdict, int streak) {
            return new Health(verdict, streak, log, answered);
        }

        /** What this run answered last. */
        private Optional<Probe> last() {
            return answered ? Optional.of(log.get(log.size() - 1)) : Optional.empty();
        }
    }

    /**
     * One answer of a health check.
     *
     * @param code 0 for well, -1 where the question could not be asked or was not answered in time
     * @param output the beginning of what it wrote
     */
    public record Probe(Instant start, Instant end, int code, String output) {}

    /** A command beside the first process. The pid is 0 before it runs. */
    public record Exec(ExecId id, ExecSpec spec, int pid, Optional<Integer> exitCode, boolean started) {
        public boolean isRunning() {
            return started && exitCode.isEmpty();
        }
    }

    public Container {
        places = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(places));
        execs = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(execs));
    }

    /** A container nobody has done anything for yet. */
    public static Container created(
            ContainerId id, String name, ContainerSpec spec, Optional<LayerId> top, Instant at) {
        return new Container(
                id,
                name,
                spec,
                top,
                at,
                Goal.CREATED,
                0,
                Fact.absent(),
                Fact.absent(),
                Fact.absent(),
                Map.of(),
                Fact.absent(),
                Fact.absent(),
                Fact.absent(),
                Optional.empty(),
                Optional.empty(),
                0,
                0,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                false,
                false,
                Optional.empty(),
                Optional.empty(),
                false,
                Optional.empty(),
                Map.of(),
                Optional.empty());
    }

    /** Whether its first process runs. */
    public boolean isRunning() {
        return process.last().map(Process::started).orElse(false) && !process.isAbsent();
    }

    public boolean isPaused() {
        return isRunning() && frozen.isPresent();
    }

    /** Whether the restart policy is waiting to start it again. */
    public boolean isRestarting() {
        return !isRunning() && goal == Goal.RUNNING && restartAt.isPresent();
    }

    /** Whether the start of the agent is a reason to start it: a stop by hand lasts only for {@code unless-stopped}. */
    public boolean comesBack() {
        return goal == Goal.STOPPED
                && switch (spec.restartPolicy().kind()) {
                    case ALWAYS -> true;
                    case UNLESS_STOPPED -> !stoppedByHand;
                    case NO, ON_FAILURE -> false;
                };
    }

    /** When its health is asked for next; empty while nobody asks. */
    public Optional<Instant> nextProbe() {
        if (!isRunning() || goal != Goal.RUNNING || !frozen.isAbsent() || health.isEmpty() || startedAt.isEmpty()) {
            return Optional.empty();
        }
        Instant started = startedAt.get();
        Instant last = health.get().last().map(Probe::end).orElse(started);
        return asked().map(check -> {
            boolean comingUp =
                    health.get().status().equals(Health.STARTING) && last.isBefore(started.plus(check.startPeriod()));
            return last.plus(comingUp ? check.startPause() : check.pause());
        });
    }

    /** What its last answers amount to, where that is not what its health says already. */
    public Optional<String> newVerdict() {
        if (!isRunning() || health.isEmpty() || asked().isEmpty()) {
            return Optional.empty();
        }
        Health h = health.get();
        boolean well = h.last().filter(p -> p.code() == 0).isPresent();
        String verdict =
                well ? Health.HEALTHY : h.failingStreak() >= asked().get().tolerance() ? Health.UNHEALTHY : h.status();
        return verdict.equals(h.status()) ? Optional.empty() : Optional.of(verdict);
    }

    private Optional<Healthcheck> asked() {
        return spec.healthcheck().filter(Healthcheck::isAsked);
    }

    private Optional<Health> newHealth() {
        return asked().map(check -> health.map(Health::anew).orElse(Health.NONE));
    }

    /** Whether it holds nothing any more. */
    public boolean isBare() {
        return rootfs.isAbsent() && isDown();
    }

    /** Whether it had a root file system before, so that one that is not there was lost, and is nobody's wish just now. */
    public boolean hadFiles() {
        return goal == Goal.STOPPED || rootfs.last().isPresent();
    }

    /** Whether its files shall outlast its removal, and are there to do so. */
    public boolean keepsFiles() {
        return keepUntil.isPresent() && rootfs.isPresent();
    }

    /** Whether it holds nothing but its files, if those. */
    public boolean isDown() {
        return mount.isAbsent()
                && sandbox.isAbsent()
                && process.isAbsent()
                && remains.isAbsent()
                && places.values().stream().allMatch(p -> p.fact().isAbsent());
    }

    // ---- what events do

    /** Wants another thing of it; old trouble is forgotten. */
    public Container aim(Goal wanted) {
        return edit(d -> {
            d.goal = wanted;
            d.stall = Optional.empty();
        });
    }

    /** A start by hand: a new generation with these places. */
    public Container starting(List<EndpointSpec> endpoints) {
        return edit(d -> {
            d.goal = Goal.RUNNING;
            d.generation = generation + 1;
            d.restarts = 0;
            d.restartAt = Optional.empty();
            d.failure = Optional.empty();
            d.stall = Optional.empty();
            // A process of before that is still on its way out keeps the time it was given.
            d.stopping = process.isAbsent() ? Optional.empty() : stopping;
            d.stoppedByHand = false;
            d.haste = 0;
            d.health = newHealth();
            d.execs.values().removeIf(e -> e.exitCode().isPresent());
            d.places = new LinkedHashMap<>();
            for (EndpointSpec endpoint : endpoints) {
                Place before = places.get(endpoint.network());
                d.places.put(
                        endpoint.network(),
                        new Place(
                                endpoint,
                                true,
                                before != null && before.endpoint().equals(endpoint) ? before.fact() : Fact.absent()));
            }
            // What is not wanted any more keeps its place until it is let go; it may be on its way in just now.
            places.forEach((network, place) ->
                    d.places.putIfAbsent(network, new Place(place.endpoint(), false, place.fact())));
        });
    }

    /** A stop of this process and a start of the next in one: the places stay. */
    public Container restarting(Signal signal, Instant deadline) {
        return edit(d -> {
            d.goal = Goal.RUNNING;
            d.generation = generation + 1;
            d.restarts = 0;
            d.haste = 0;
            d.stall = Optional.empty();
            d.stoppedByHand = false;
            if (!process.isAbsent()) {
                d.stopping = Optional.of(new Stopping(signal, deadline, false, 0));
            }
        });
    }

    public Container stopping(Signal signal, Instant deadline, boolean kill) {
        if (goal == Goal.REMOVED && stopping.isPresent()) {
            // It is being killed already, and a polite stop must not call that off.
            return this;
        }
        return edit(d -> {
            d.goal = goal == Goal.REMOVED ? Goal.REMOVED : Goal.STOPPED;
            d.restartAt = Optional.empty();
            d.stoppedByHand = true;
            d.stall = Optional.empty();
            if (!process.isAbsent()) {
                d.stopping = Optional.of(new Stopping(signal, deadline, kill, 0));
            }
        });
    }

    public Container removing(boolean volumes, Instant now, Optional<Instant> keptUntil) {
        return edit(d -> {
            d.goal = Goal.REMOVED;
            d.keepUntil = keptUntil;
            d.removeVolumes = volumes || removeVolumes;
            d.restartAt = Optional.empty();
            d.stall = Optional.empty();
            // However long a stop on its way would wait: whoever removes what runs wants it gone now.
            if (!process.isAbsent() && stopping.map(s -> s.signaled() < 2).orElse(true)) {
                d.stopping = Optional.of(new Stopping(Signal.KILL, now, true, 0));
            }
        });
    }

    /** A signal was sent. One that is no longer the one to send, because a kill overtook it, counts for nothing. */
    public Container signaled(Signal signal) {
        return edit(d -> d.stopping = stopping.map(s -> {
            int count = signal.equals(Signal.KILL)
                    ? 2
                    : signal.equals(s.signal()) ? Math.max(1, s.signaled()) : s.signaled();
            return new Stopping(s.signal(), s.deadline(), s.kill(), count);
        }));
    }

    /** Somebody sent a signal. One that asks it to end is a stop by hand, after which no policy starts it again. */
    public Container signaledByHand(Signal signal) {
        boolean end = signal.equals(Signal.KILL) || signal.equals(spec.stop().signal());
        return end && isRunning() ? edit(d -> d.stoppedByHand = true) : this;
    }

    public Container rootfs(Fact<Snapshot> fact) {
        return edit(d -> d.rootfs = fact);
    }

    public Container mount(Fact<Path> fact) {
        return edit(d -> d.mount = fact);
    }

    public Container sandbox(Fact<Sandbox> fact) {
        return edit(d -> d.sandbox = fact);
    }

    /** Has this sandbox, which may be another than before: whether a device is in it is to be seen. */
    public Container sandboxed(Sandbox made) {
        return edit(d -> {
            d.sandbox = Fact.present(made);
            d.places.replaceAll((network, place) -> place.fact().isPresent()
                    ? new Place(place.endpoint(), place.wanted(), place.fact().doubtful())
                    : place);
        });
    }

    /** Wants a place on one more network. */
    public Container connecting(EndpointSpec endpoint) {
        return edit(d -> {
            Place before = places.get(endpoint.network());
            // The same place, only its route changed, stays where it is while that is done.
            Fact<Endpoint> fact = before != null && before.endpoint().id().equals(endpoint.id())
                    ? before.fact().doubtful()
                    : Fact.absent();
            d.places.put(endpoint.network(), new Place(endpoint, true, fact));
        });
    }

    /** No longer wants its place on a network. */
    public Container disconnecting(NetworkId network) {
        return edit(d -> d.places.computeIfPresent(network, (n, p) -> new Place(p.endpoint(), false, p.fact())));
    }

    public Container endpoint(NetworkId network, Fact<Endpoint> fact) {
        return edit(d -> d.places.computeIfPresent(network, (n, p) -> new Place(p.endpoint(), p.wanted(), fact)));
    }

    /** A place that is neither wanted nor there gives its address back; one that is wanted again will be made again. */
    public Container forgotten(NetworkId network) {
        return edit(d -> {
            Place place = places.get(network);
            if (place != null && place.wanted() && goal.wantsProcess()) {
                d.places.put(network, new Place(place.endpoint(), true, Fact.absent()));
            } else {
                d.places.remove(network);
            }
        });
    }

    /** The runtime made the first process, under these limits, where they are known. */
    public Container processCreated(InitProcess init, int ofGeneration, Optional<Resources> under) {
        return edit(d -> {
            d.limits = under;
            d.limitsInDoubt = under.isEmpty();
            d.process = Fact.present(new Process(init, ofGeneration, false));
            d.remains = Fact.present(ofGeneration);
        });
    }

    /** The first process runs; it may be of an older start than the one that is wanted by now. */
    public Container running(InitProcess init, Instant at) {
        int of = process.last().map(Process::generation).orElse(generation);
        return edit(d -> {
            d.process = Fact.present(new Process(init, of, true));
            d.remains = Fact.present(of);
            d.startedAt = Optional.of(at);
            d.failure = Optional.empty();
            d.stall = Optional.empty();
            d.restartAt = Optional.empty();
        });
    }

    public Container process(Fact<Process> fact) {
        return edit(d -> d.process = fact);
    }

    public Container remains(Fact<Integer> fact) {
        return edit(d -> {
            d.remains = fact;
            if (fact.isAbsent() && !isRunning()) {
                d.process = Fact.absent();
                d.stopping = Optional.empty();
            }
        });
    }

    /** The process ended. What is wanted next depends on who wanted it to end, on the restart policy, and on auto-remove. */
    public Container exited(Exit ended) {
        boolean renewed = goal.wantsProcess()
                && process.last().map(p -> p.generation() < generation).orElse(false);
        boolean again = goal.wantsProcess()
                && !renewed
                && stopping.isEmpty()
                && !stoppedByHand
                && isRunning()
                && spec.restartPolicy().restarts(ended.code(), restarts);
        return edit(d -> {
            d.process = Fact.absent();
            d.frozen = Fact.absent();
            d.exit = Optional.of(ended);
            d.stopping = Optional.empty();
            d.health = again || renewed ? newHealth() : health.map(Health::over);
            // What was prepared was meant for this run; the process of another one may be somebody else's.
            d.execs.values().removeIf(e -> !e.started());
            d.execs.replaceAll((id, e) -> e.isRunning() ? new Exec(id, e.spec(), e.pid(), Optional.of(137), true) : e);
            if (again) {
                boolean good = startedAt
                        .map(s -> Duration.between(s, ended.at()).compareTo(GOOD_RUN) >= 0)
                        .orElse(false);
                int inARow = good ? 0 : haste;
                Duration wait = FIRST_BACK_OFF.multipliedBy(1L << Math.min(inARow, 20));
                d.restartAt = Optional.of(ended.at().plus(wait.compareTo(LAST_BACK_OFF) > 0 ? LAST_BACK_OFF : wait));
                d.restarts = restarts + 1;
                d.haste = inARow + 1;
                d.goal = Goal.RUNNING;
                d.generation = generation + 1;
            } else if (goal != Goal.REMOVED && !renewed) {
                d.goal = spec.autoRemove() ? Goal.REMOVED : Goal.STOPPED;
                d.removeVolumes = removeVolumes || spec.autoRemove();
            }
        });
    }

    /** A start that did not work: nothing is wanted any more but what was there before it. */
    public Container failed(Failure why) {
        return edit(d -> {
            d.failure = Optional.of(why);
            d.restartAt = Optional.empty();
            d.stopping = Optional.empty();
            d.health = health.filter(h -> !h.log().isEmpty()).map(Health::over);
            if (goal == Goal.CREATED && !hadFiles()) {
                d.goal = Goal.REMOVED;
            } else if (goal.wantsProcess()) {
                d.goal = spec.autoRemove() ? Goal.REMOVED : startedAt.isEmpty() ? Goal.CREATED : Goal.STOPPED;
                d.removeVolumes = removeVolumes || spec.autoRemove();
            }
        });
    }

    /** Had back after its removal: it stands as it stood when it had ended, and nobody starts it but by hand. */
    public Container undeleted(String under) {
        return edit(d -> {
            d.name = under;
            d.goal = startedAt.isEmpty() ? Goal.CREATED : Goal.STOPPED;
            d.keepUntil = Optional.empty();
            d.removeVolumes = false;
            d.places = new LinkedHashMap<>();
            d.stoppedByHand = true;
            d.stopping = Optional.empty();
            d.stall = Optional.empty();
        });
    }

    /** Its files are no longer to be kept. */
    public Container unkept(Instant from) {
        return edit(d -> d.keepUntil = Optional.of(from));
    }

    public Container frozen(Fact<Instant> fact) {
        return edit(d -> d.frozen = fact);
    }

    public Container stalled(Stall why) {
        return edit(d -> d.stall = Optional.of(why));
    }

    public Container settled() {
        return stall.isEmpty() ? this : edit(d -> d.stall = Optional.empty());
    }

    public Container renamed(String other) {
        return edit(d -> d.name = other);
    }

    /** Another driver keeps its snapshot from now on. */
    public Container movedTo(DriverName storage) {
        return edit(d -> d.spec = spec.withStorage(storage));
    }

    public Container updated(Resources resources, Optional<RestartPolicy> policy) {
        return edit(d -> {
            d.spec = spec.withResources(resources);
            d.limitsInDoubt = limitsInDoubt || !process.isAbsent() && !resources.equals(spec.resources());
            policy.ifPresent(p -> d.spec = d.spec.withRestartPolicy(p));
        });
    }

    /**
     * Limits could not be changed, or nobody knows whether they were: the old ones are wanted again, and set once more, for
     * the new ones may be in force.
     */
    public Container unlimited(Failure why) {
        return edit(d -> {
            d.spec = limits.map(spec::withResources).orElse(spec);
            d.limitsInDoubt = true;
            d.stall = Optional.of(new Stall(LIMITS, why, Instant.EPOCH, 1));
        });
    }

    /** Whether the limits that are wanted are in force for sure. */
    public boolean isLimited() {
        return !limitsInDoubt && limits.equals(Optional.of(spec.resources()));
    }

    /** Whether the limits of before are being put back. */
    public boolean isUndoingLimits() {
        return stall.filter(s -> s.rung().equals(LIMITS)).isPresent();
    }

    /** Whether somebody started it, be it in vain. */
    public boolean hasRun() {
        return generation > 0;
    }

    /** The same container with what it wants of networks changed, for its next start. */
    public Container respecified(ContainerSpec changed) {
        return edit(d -> d.spec = changed);
    }

    public Container limited(Resources inForce) {
        return edit(d -> {
            d.limits = Optional.of(inForce);
            d.limitsInDoubt = false;
        });
    }

    /** The health check's verdict; its last answers stay. */
    public Container judged(String status, int failingStreak) {
        return edit(d -> d.health = Optional.of(health.orElse(Health.NONE).judged(status, failingStreak)));
    }

    /** An answer of the health check. Failures while it comes up do not count, and what came too late says nothing. */
    public Container probed(int ofGeneration, Probe probe) {
        if (!isRunning() || ofGeneration != generation || health.isEmpty()) {
            return this;
        }
        boolean comingUp = health.get().status().equals(Health.STARTING)
                && startedAt
                        .flatMap(s -> asked().map(c -> probe.start().isBefore(s.plus(c.startPeriod()))))
                        .orElse(false);
        return edit(d -> d.health = Optional.of(health.get().with(probe, !comingUp)));
    }

    /** Remembers an exec, and forgets old ones: first those that ended, and of those never run what is too many. */
    public Container exec(Exec exec) {
        return edit(d -> {
            d.execs.put(exec.id(), exec);
            prune(d.execs, exec.id(), EXECS_KEPT, e -> e.exitCode().isPresent());
            prune(d.execs, exec.id(), EXECS_PREPARED, e -> !e.started());
            lighten(d.execs, exec.id());
        });
    }

    /** Whether another exec could be remembered beside those that run, of which none can be forgotten. */
    public boolean hasRoomFor(ExecSpec exec) {
        return Weight.of(exec)
                        + execs.values().stream()
                                .filter(Exec::isRunning)
                                .mapToInt(e -> Weight.of(e.spec()))
                                .sum()
                <= EXECS_BYTES;
    }

    /** Whether a container can be remembered with these names on networks. */
    public static boolean hasRoomFor(List<NetworkWish> networks) {
        return networks.stream().mapToInt(Weight::of).sum() <= NAMES_BYTES;
    }

    private static void lighten(Map<ExecId, Exec> execs, ExecId newest) {
        if (execs.values().stream().mapToInt(e -> Weight.atMost(e.spec())).sum() <= EXECS_BYTES) {
            return;
        }
        int weight = execs.values().stream().mapToInt(e -> Weight.of(e.spec())).sum();
        List<Exec> light = execs.values().stream()
                .filter(e -> !e.isRunning() && !e.id().equals(newest))
                .sorted(Comparator.comparing(e -> e.exitCode().isEmpty()))
                .toList();
        for (Exec exec : light) {
            if (weight <= EXECS_BYTES) {
                return;
            }
            execs.remove(exec.id());
            weight -= Weight.of(exec.spec());
        }
    }

    private static void prune(Map<ExecId, Exec> execs, ExecId newest, int kept, Predicate<Exec> which) {
        List<ExecId> old = execs.values().stream()
                .filter(which)
                .map(Exec::id)
                .filter(id -> !id.equals(newest))
                .toList();
        old.subList(0, Math.max(0, old.size() - kept)).forEach(execs::remove);
    }

    /** The kernel started anew: everything it kept for this container is gone, what lies on disk is not. */
    public Container afterBoot(Instant at) {
        boolean ran = isRunning();
        Container gone = edit(d -> {
            d.mount = Fact.absent();
            d.sandbox = Fact.absent();
            d.frozen = Fact.absent();
            d.remains = Fact.absent();
            d.places.replaceAll((n, p) -> new Place(p.endpoint(), p.wanted(), Fact.absent()));
            if (!ran) {
                d.process = Fact.absent();
            }
        });
        return ran ? gone.exited(new Exit(255, at, false, true)) : gone;
    }

    private Container edit(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.finish();
    }

    /** A container under the pen. */
    private static final class Draft {
        private final Container old;
        private String name;
        private ContainerSpec spec;
        private Goal goal;
        private int generation;
        private Fact<Snapshot> rootfs;
        private Fact<Path> mount;
        private Fact<Sandbox> sandbox;
        private Map<NetworkId, Place> places;
        private Fact<Process> process;
        private Fact<Integer> remains;
        private Fact<Instant> frozen;
        private Optional<Instant> startedAt;
        private Optional<Exit> exit;
        private int restarts;
        private int haste;
        private Optional<Instant> restartAt;
        private Optional<Failure> failure;
        private Optional<Stopping> stopping;
        private boolean stoppedByHand;
        private boolean removeVolumes;
        private Optional<Stall> stall;
        private Optional<Resources> limits;
        private boolean limitsInDoubt;
        private Optional<Health> health;
        private Optional<Instant> keepUntil;
        private final Map<ExecId, Exec> execs;

        Draft(Container c) {
            old = c;
            name = c.name;
            spec = c.spec;
            goal = c.goal;
            generation = c.generation;
            rootfs = c.rootfs;
            mount = c.mount;
            sandbox = c.sandbox;
            places = new LinkedHashMap<>(c.places);
            process = c.process;
            remains = c.remains;
            frozen = c.frozen;
            startedAt = c.startedAt;
            exit = c.exit;
            restarts = c.restarts;
            haste = c.haste;
            restartAt = c.restartAt;
            failure = c.failure;
            stopping = c.stopping;
            stoppedByHand = c.stoppedByHand;
            removeVolumes = c.removeVolumes;
            stall = c.stall;
            limits = c.limits;
            limitsInDoubt = c.limitsInDoubt;
            health = c.health;
            execs = new LinkedHashMap<>(c.execs);
            keepUntil = c.keepUntil;
        }

        Container finish() {
            return new Container(
                    old.id,
                    name,
                    spec,
                    old.top,
                    old.createdAt,
                    goal,
                    generation,
                    rootfs,
                    mount,
                    sandbox,
                    places,
                    process,
                    remains,
                    frozen,
                    startedAt,
                    exit,
                    restarts,
                    haste,
                    restartAt,
                    failure,
                    stopping,
                    stoppedByHand,
                    removeVolumes,
                    stall,
                    limits,
                    limitsInDoubt,
                    health,
                    execs,
                    keepUntil);
        }
    }
}
