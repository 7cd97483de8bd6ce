package dev.wharf.kafka.desired;

import dev.wharf.core.command.DesiredCommand;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Container.Health;
import dev.wharf.core.state.Document;
import dev.wharf.core.state.Goal;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Network;
import dev.wharf.core.state.Service;
import dev.wharf.core.state.Service.Phase;
import dev.wharf.model.Healthcheck;
import dev.wharf.model.NetworkWish;
import dev.wharf.model.Reference;
import dev.wharf.model.ServiceName;
import dev.wharf.model.ServiceSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Says what to do next so that a host comes to be as its documents want it: a pure function of the host and the time. Whatever
 * it says may be done twice or not at all; it is asked again after each change.
 *
 * <p>A service's replicas are numbered from 1, and each number goes its own way: a new container is made beside the old one or
 * in its place, is watched until it is well, and then the old one goes. Only so many numbers are on their way at once. What
 * fails is written down first, and counted; what somebody changed is written down before it is repaired.
 */
public final class Convergence {
    /** What ended or sickened in a service that had converged is replaced no sooner than this after it was made or ended. */
    private static final Duration CALM = Duration.ofSeconds(5);

    private static final String STOPPED = "was stopped";
    private static final String PAUSED = "was paused";

    private final Host host;
    private final Instant now;
    private final Map<ServiceName, List<Container>> containers = new HashMap<>();

    Convergence(Host host, Instant now) {
        this.host = host;
        this.now = now;
        for (Container c : host.containers().values()) {
            service(c)
                    .ifPresent(name -> containers
                            .computeIfAbsent(name, n -> new ArrayList<>())
                            .add(c));
        }
        containers
                .values()
                .forEach(list ->
                        list.sort(Comparator.comparing(Container::createdAt).thenComparing(c -> c.id().value())));
    }

    private static Optional<ServiceName> service(Container c) {
        String name = c.spec().labels().getOrDefault(Service.LABEL, "");
        try {
            return name.isEmpty() ? Optional.empty() : Optional.of(new ServiceName(name));
        } catch (IllegalArgumentException e) {
            // Somebody's own label; it is none of ours.
            return Optional.empty();
        }
    }

    private static final String ATTEMPT = " \\(\\d+-\\d+\\)$";

    /** Names one of several attempts that failed alike, so that each counts. */
    static String attempt(String what, int number, Instant at) {
        return what + " (" + number + "-" + at.toEpochMilli() + ")";
    }

    /** How a replica stands. */
    enum Standing {
        COMING,
        WELL,
        FAILED
    }

    /** How a replica stands and why it failed. */
    record Verdict(Standing standing, String reason) {
        static final Verdict COMING = new Verdict(Standing.COMING, "");
        static final Verdict WELL = new Verdict(Standing.WELL, "");

        static Verdict failed(String reason) {
            return new Verdict(Standing.FAILED, reason);
        }
    }

    /** Whether a replica is well, by its health check or by how long it runs. */
    static Verdict judge(Container c, ServiceSpec.Update update, Instant now) {
        if (c.goal() == Goal.REMOVED) {
            return Verdict.failed("it is being removed");
        }
        if (!c.isRunning() && c.failure().isPresent()) {
            return Verdict.failed(c.failure().get().message());
        }
        boolean young = now.isBefore(c.createdAt().plus(update.gate()));
        if (c.restarts() > 0 && young) {
            return Verdict.failed("it ended by itself" + exit(c));
        }
        if (!c.isRunning()) {
            boolean ended = c.goal() == Goal.STOPPED && !c.stoppedByHand();
            return ended
                    ? Verdict.failed("it ended by itself" + exit(c))
                    : young || c.isRestarting() || c.goal() != Goal.RUNNING
                            ? Verdict.COMING
                            : Verdict.failed("it did not start within " + words(update.gate()));
        }
        Optional<Health> health =
                c.spec().healthcheck().filter(Healthcheck::isAsked).flatMap(h -> c.health());
        if (health.isPresent() && health.get().status().equals(Health.UNHEALTHY)) {
            return Verdict.failed("its health check fails" + answer(health.get()));
        }
        if (health.isPresent() && !health.get().status().equals(Health.HEALTHY)) {
            boolean late = c.startedAt()
                    .filter(at -> !now.isBefore(at.plus(update.gate())))
                    .isPresent();
            return late
                    ? Verdict.failed("it is not healthy within " + words(update.gate()) + answer(health.get()))
                    : Verdict.COMING;
        }
        boolean settled = c.startedAt()
                .filter(at -> !now.isBefore(at.plus(update.settle())))
                .isPresent();
        return settled && !c.isPaused() ? Verdict.WELL : Verdict.COMING;
    }

    private static String exit(Container c) {
        return c.exit().map(e -> " with code " + e.code()).orElse("");
    }

    private static String answer(Health health) {
        String said = health.log().isEmpty()
                ? ""
                : health.log().get(health.log().size() - 1).output().strip();
        return said.isEmpty() ? "" : ": " + said;
    }

    private static String words(Duration time) {
        return time.toMillis() % 1000 == 0 ? time.toSeconds() + " s" : time.toMillis() + " ms";
    }

    /** All that can be done now, for all documents and services. */
    List<Action> next() {
        List<Action> actions = new ArrayList<>();
        for (Document document : host.documents().values()) {
            next(document, actions);
        }
        for (Service service : host.services().values()) {
            next(service, actions);
        }
        return actions;
    }

    private void next(Document document, List<Action> actions) {
        document.networks().stream()
                .filter(n -> network(n.name()).isEmpty())
                .forEach(n -> actions.add(new Action.MakeNetwork(n)));
        document.volumes().stream()
                .filter(v -> host.volume(v.name()).isEmpty())
                .forEach(v -> actions.add(new Action.MakeVolume(v)));
        for (Network network : host.networks().values()) {
            boolean ours = document.key().value().equals(network.spec().labels().get(Service.DOCUMENT_LABEL));
            boolean wanted = document.networks().stream()
                    .anyMatch(n -> n.name().equals(network.spec().name()));
            if (ours
                    && !wanted
                    && network.wanted()
                    && host.usersOf(network.id()).isEmpty()) {
                actions.add(new Action.RemoveNetwork(network.id()));
            }
        }
    }

    private Optional<Network> network(String name) {
        return host.networkNamed(name).filter(Network::wanted);
    }

    private void next(Service service, List<Action> actions) {
        List<Container> mine = containers.getOrDefault(service.name(), List.of());
        if (service.phase() == Phase.HALTED) {
            return;
        }
        if (service.phase() == Phase.REMOVING) {
            if (mine.isEmpty()) {
                actions.add(new Action.Note(new DesiredCommand.Forget(service.name())));
            }
            mine.forEach(c -> retire(c, actions));
            return;
        }
        Places places = new Places(service, mine);
        if (service.phase().isMoving()) {
            roll(service, places, actions);
        } else {
            keep(service, places, actions);
        }
    }

    /** A service's containers by the number that is on them, those of the version to have apart from the others. */
    private final class Places {
        final Map<Integer, Container> fresh = new TreeMap<>();
        final Map<Integer, List<Container>> old = new TreeMap<>();
        final List<Container> surplus = new ArrayList<>();

        Places(Service service, List<Container> mine) {
            Service.Version target = service.target();
            for (Container c : mine) {
                int replica = replica(c);
                boolean current =
                        target.id().equals(c.spec().labels().get(Service.VERSION_LABEL)) && c.goal() != Goal.REMOVED;
                if (replica < 1 || replica > target.spec().replicas()) {
                    surplus.add(c);
                } else if (current && !fresh.containsKey(replica)) {
                    fresh.put(replica, c);
                } else {
                    old.computeIfAbsent(replica, r -> new ArrayList<>()).add(c);
                }
            }
        }

        List<Container> old(int replica) {
            return old.getOrDefault(replica, List.of());
        }
    }

    static int replica(Container c) {
        try {
            return Integer.parseInt(c.spec().labels().getOrDefault(Service.REPLICA_LABEL, "0"));
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private void roll(Service service, Places places, List<Action> actions) {
        Service.Version target = service.target();
        ServiceSpec.Update update = target.spec().update();
        if (service.failed().size() > update.maxFailures()) {
            actions.add(new Action.Note(new DesiredCommand.Halt(service.name(), target.id(), reason(service, places))));
            return;
        }
        boolean settled = places.surplus.isEmpty();
        places.surplus.forEach(c -> retire(c, actions));
        int busy = 0;
        List<Integer> waiting = new ArrayList<>();
        List<Action> making = new ArrayList<>();
        for (int replica = 1; replica <= target.spec().replicas(); replica++) {
            Container fresh = places.fresh.get(replica);
            List<Container> old = places.old(replica);
            Verdict verdict = fresh == null ? Verdict.COMING : judge(fresh, update, now);
            settled &= verdict.standing() == Standing.WELL && old.isEmpty();
            if (verdict.standing() == Standing.WELL) {
                old.forEach(c -> retire(c, actions));
            } else if (fresh != null) {
                busy++;
                bring(service, fresh, replica, verdict, actions);
            } else if (old.stream().anyMatch(c -> c.goal() == Goal.REMOVED)) {
                // On its way out, and what takes its place needs its ports, or even its name.
                busy++;
                old.forEach(c -> retire(c, actions));
            } else if (old.isEmpty()) {
                busy++;
                making.add(new Action.Make(target, replica));
            } else if (old.stream().anyMatch(c -> c.goal() == Goal.STOPPED && c.stoppedByHand())
                    && !update.startFirst()) {
                busy++;
                old.forEach(c -> retire(c, actions));
            } else {
                waiting.add(replica);
            }
        }
        // What does not serve anyway goes first.
        waiting.sort(Comparator.comparing((Integer r) -> places.old(r).stream().anyMatch(Container::isRunning))
                .thenComparing(Comparator.naturalOrder()));
        for (int replica : waiting) {
            if (busy >= update.parallelism()) {
                break;
            }
            busy++;
            if (update.startFirst()) {
                making.add(new Action.Make(target, replica));
            } else {
                places.old(replica).forEach(c -> retire(c, actions));
            }
        }
        make(service, making, actions);
        if (settled) {
            actions.add(new Action.Note(new DesiredCommand.Settle(service.name(), target.id())));
        }
    }

    /** Why the last replica failed, in its words as far as it is still there. */
    private String reason(Service service, Places places) {
        String last = service.failed().get(service.failed().size() - 1);
        String why = places.fresh.values().stream()
                .filter(c -> c.id().value().equals(last))
                .map(c -> "replica " + replica(c) + ": "
                        + judge(c, service.target().spec().update(), now).reason())
                .findFirst()
                .orElse(last.replaceFirst(ATTEMPT, ""));
        int count = service.failed().size();
        return count + (count == 1 ? " replica" : " replicas") + " failed; " + why;
    }

    /** Helps a replica that is not well yet, or writes down that it will not be. */
    private void bring(Service service, Container c, int replica, Verdict verdict, List<Action> actions) {
        if (verdict.standing() == Standing.FAILED) {
            if (service.failed().contains(c.id().value())) {
                retire(c, actions);
            } else {
                actions.add(new Action.Note(new DesiredCommand.NoteFailure(
                        service.name(), service.target().id(), replica, c.id().value(), verdict.reason())));
            }
        } else if (c.goal() == Goal.CREATED && c.rootfs().isPresent() || c.goal() == Goal.STOPPED && !c.isRunning()) {
            actions.add(new Action.Start(c.id(), replica));
        } else if (c.goal() == Goal.PAUSED) {
            actions.add(new Action.Resume(c.id()));
        }
    }

    /** Whether a network that is not there yet will not be made by the service's own document either. */
    private boolean isNobodys(Service service, String network) {
        return now.isAfter(service.since().plus(service.target().spec().update().gate()))
                && host.document(service.document()).stream()
                        .flatMap(d -> d.networks().stream())
                        .noneMatch(n -> n.name().equals(network));
    }

    private void miss(Service service, String network, List<Action> actions) {
        String why = "network " + network + " is not there, and the document does not make it";
        if (!service.failed().contains(why)) {
            actions.add(new Action.Note(new DesiredCommand.NoteFailure(
                    service.name(), service.target().id(), 0, why, why)));
        }
    }

    /** Makes replicas, once what they need is there. */
    private void make(Service service, List<Action> making, List<Action> actions) {
        ServiceSpec spec = service.target().spec();
        List<String> missing =
                spec.networks().stream().filter(n -> network(n).isEmpty()).toList();
        if (making.isEmpty() || !missing.isEmpty()) {
            missing.stream().filter(n -> isNobodys(service, n)).forEach(n -> miss(service, n, actions));
            return;
        }
        if (host.imageNamed(Reference.parse(spec.image()).toString())
                .filter(i -> i.wanted())
                .isEmpty()) {
            actions.add(new Action.Pull(service.name(), spec.image()));
            return;
        }
        actions.addAll(making);
    }

    /** Stops a replica with the time it may take, then removes it. */
    private static void retire(Container c, List<Action> actions) {
        if (c.goal() == Goal.REMOVED) {
            return;
        }
        if (c.goal().wantsProcess()) {
            actions.add(new Action.Stop(c.id()));
        } else if (!c.isRunning()) {
            actions.add(new Action.Remove(c.id()));
        }
    }

    /** Looks whether a service that had converged is still so, writes down what is not, and repairs it. */
    private void keep(Service service, Places places, List<Action> actions) {
        Service.Version target = service.target();
        List<String> found = new ArrayList<>();
        List<Action> repairs = new ArrayList<>();
        List<Action> making = new ArrayList<>();
        boolean well = true;
        for (int replica = 1; replica <= target.spec().replicas(); replica++) {
            Container c = places.fresh.get(replica);
            boolean leaving = !places.old(replica).isEmpty();
            Optional<String> drift =
                    c == null ? Optional.of(leaving ? "was removed" : "is gone") : drift(target.spec(), replica, c);
            String whose = "replica " + replica + " ";
            List<String> told =
                    service.drift().stream().filter(d -> d.startsWith(whose)).toList();
            // What a repair does to a replica is no news.
            if (drift.isPresent() && told.isEmpty()) {
                found.add(whose + drift.get());
            }
            well &= c != null
                    && !leaving
                    && drift.isEmpty()
                    && judge(c, target.spec().update(), now).standing() == Standing.WELL;
            places.old(replica).forEach(o -> retire(o, repairs));
            if (c == null && !leaving) {
                making.add(new Action.Make(target, replica));
            } else if (c != null && drift.isPresent()) {
                boolean replaced = told.stream().anyMatch(d -> !d.equals(whose + STOPPED) && !d.equals(whose + PAUSED));
                repair(c, replica, replaced, repairs);
            } else if (c != null && c.goal() == Goal.CREATED && c.rootfs().isPresent()) {
                repairs.add(new Action.Start(c.id(), replica));
            }
        }
        for (Container c : places.surplus) {
            if (c.goal() != Goal.REMOVED) {
                found.add("container " + c.name() + " is one too many");
            }
            retire(c, repairs);
        }
        if (!service.drift().containsAll(found)) {
            actions.add(new Action.Note(new DesiredCommand.NoteDrift(service.name(), target.id(), found)));
            return;
        }
        actions.addAll(repairs);
        make(service, making, actions);
        if (well && places.surplus.isEmpty() && !service.drift().isEmpty()) {
            actions.add(new Action.Note(new DesiredCommand.Settle(service.name(), target.id())));
        }
    }

    /** What somebody changed of a replica, as the end of a sentence that begins with it. */
    private Optional<String> drift(ServiceSpec spec, int replica, Container c) {
        if (c.goal() == Goal.CREATED) {
            // Just made, unless its start cannot work.
            return c.failure().map(f -> "cannot be started: " + f.message());
        }
        if (c.goal() == Goal.PAUSED) {
            return Optional.of(PAUSED);
        }
        if (c.goal() == Goal.STOPPED) {
            return Optional.of(
                    c.stoppedByHand()
                            ? STOPPED
                            : c.failure().map(f -> "failed: " + f.message()).orElse("ended" + exit(c)));
        }
        if (c.health().filter(h -> h.status().equals(Health.UNHEALTHY)).isPresent() && c.isRunning()) {
            return Optional.of("is unhealthy");
        }
        for (String name : spec.networks()) {
            boolean there = DocumentText.ALONE.contains(name)
                    || network(name)
                            .map(n -> c.spec().networking().networks().stream()
                                    .map(NetworkWish::network)
                                    .anyMatch(n.id()::equals))
                            .orElse(false);
            if (!there) {
                return Optional.of("is not on network " + name);
            }
        }
        if (!c.spec().restartPolicy().equals(spec.restart())) {
            return Optional.of("has another restart policy");
        }
        if (c.spec().resources().memoryBytes() != spec.memoryBytes()
                || c.spec().resources().nanoCpus() != spec.nanoCpus()) {
            return Optional.of("has other limits");
        }
        return Optional.empty();
    }

    private void repair(Container c, int replica, boolean replaced, List<Action> repairs) {
        if (replaced && c.goal() == Goal.STOPPED && c.stoppedByHand()) {
            retire(c, repairs);
        } else if (c.goal() == Goal.PAUSED) {
            repairs.add(new Action.Resume(c.id()));
        } else if (c.goal() == Goal.STOPPED && c.stoppedByHand()) {
            if (!c.isRunning()) {
                repairs.add(new Action.Start(c.id(), replica));
            }
        } else {
            Instant last = c.exit()
                    .map(e -> e.at())
                    .filter(at -> at.isAfter(c.createdAt()))
                    .orElse(c.createdAt());
            if (!now.isBefore(last.plus(CALM))) {
                retire(c, repairs);
            }
        }
    }
}
