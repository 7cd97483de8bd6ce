package dev.wharf.kafka.desired;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.FailedException;
import dev.wharf.core.agent.Forms;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.Command;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.command.DesiredCommand;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.command.ImageCommand;
import dev.wharf.core.command.NetworkCommand;
import dev.wharf.core.command.Refusal;
import dev.wharf.core.command.VolumeCommand;
import dev.wharf.core.event.Event;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Document;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Service;
import dev.wharf.model.ContainerId;
import dev.wharf.model.DesiredNetwork;
import dev.wharf.model.DocumentKey;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.PullId;
import dev.wharf.model.Reference;
import dev.wharf.model.ServiceName;
import dev.wharf.model.ServiceSpec;
import dev.wharf.model.VolumeSpec;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees to it that desired state comes about: asks {@link Convergence} what is next and gives it to the agent, again after each
 * change. It keeps nothing that must outlast it: what is under way and what is to wait a little is all that it knows.
 */
public final class Steward implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Steward.class);

    /** How long a look at the host may be put off; gates open with time, not with events. */
    private static final Duration TURN = Duration.ofMillis(100);

    /** The same while no document is here. */
    private static final Duration IDLE = Duration.ofSeconds(1);

    /** A host is looked at again without a change after this, for gates that open with time. */
    private static final Duration GATES = Duration.ofMillis(500);

    /** So many replicas are made and started at once, so that others who use the agent have their turn. */
    private static final int MAKING = 8;

    private static final int OTHERS = 64;

    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
    private static final Duration LAST_PAUSE = Duration.ofSeconds(30);

    private final Agent agent;
    private final Supplier<Optional<Forms>> forms;
    private final InstantSource clock;
    private final Semaphore news = new Semaphore(0);
    private final ConcurrentLinkedQueue<Outcome> ended = new ConcurrentLinkedQueue<>();
    private final Map<String, Action> open = new HashMap<>();
    private final Map<String, Trouble> troubles = new HashMap<>();
    private final Thread thread = new Thread(this::run, "wharf-desired");
    private volatile boolean stopping;
    private int tries;

    /** What became of an action; empty trouble where it was done. */
    private record Outcome(Action action, Optional<Throwable> trouble) {}

    /** How often an action failed in a row, and when it may be tried again. */
    private record Trouble(int times, long until) {}

    public Steward(Agent agent, Supplier<Optional<Forms>> forms, InstantSource clock) {
        this.agent = agent;
        this.forms = forms;
        this.clock = clock;
        thread.setDaemon(true);
    }

    public void start() {
        thread.start();
    }

    private void run() {
        Position seen = Position.START;
        long looked = System.nanoTime();
        while (!stopping) {
            try {
                Host host = agent.host();
                Position at = agent.position();
                boolean idle = host.documents().isEmpty() && open.isEmpty();
                boolean due = System.nanoTime() - looked > GATES.toNanos();
                boolean some = settle();
                if (!idle && (some || due || !at.equals(seen))) {
                    seen = at;
                    looked = System.nanoTime();
                    turn(host);
                }
                if (news.tryAcquire((idle ? IDLE : TURN).toMillis(), TimeUnit.MILLISECONDS)) {
                    news.drainPermits();
                }
            } catch (InterruptedException e) {
                if (!stopping) {
                    log.debug("interrupted", e);
                }
            } catch (RuntimeException e) {
                log.error("desired state cannot be looked after", e);
                pause();
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(LAST_PAUSE.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Begins what can be begun. */
    private void turn(Host host) {
        long now = System.nanoTime();
        int making = (int) open.values().stream().filter(Steward::isMaking).count();
        for (Action action : new Convergence(host, clock.instant()).next()) {
            Trouble trouble = troubles.get(action.key());
            boolean waits = trouble != null && now - trouble.until() < 0;
            boolean full = isMaking(action) ? making >= MAKING : open.size() >= OTHERS;
            if (waits || full || open.containsKey(action.key())) {
                continue;
            }
            making += isMaking(action) ? 1 : 0;
            open.put(action.key(), action);
            CompletionStage<Event> stage;
            try {
                stage = give(host, action);
            } catch (RefusedException e) {
                stage = CompletableFuture.failedStage(e);
            } catch (IllegalArgumentException e) {
                stage = CompletableFuture.failedStage(
                        new RefusedException(new Refusal(Refusal.Kind.INVALID, String.valueOf(e.getMessage()))));
            } catch (RuntimeException e) {
                // It is tried again like any other: left open, it would never be.
                log.error("desired state cannot be asked for action={}", action.key(), e);
                stage = CompletableFuture.failedStage(e);
            }
            stage.whenComplete((event, thrown) -> {
                ended.add(new Outcome(action, trouble(event, thrown)));
                news.release();
            });
        }
    }

    private static boolean isMaking(Action action) {
        return action instanceof Action.Make || action instanceof Action.Start;
    }

    private static Optional<Throwable> trouble(@Nullable Event event, @Nullable Throwable thrown) {
        if (thrown != null) {
            return Optional.of(
                    thrown instanceof CompletionException && thrown.getCause() != null ? thrown.getCause() : thrown);
        }
        return Optional.ofNullable(event).flatMap(Event::trouble).map(FailedException::new);
    }

    /** Takes in what has ended; true if anything had. */
    private boolean settle() {
        boolean some = false;
        for (Outcome one = ended.poll(); one != null; one = ended.poll()) {
            some = true;
            String key = one.action().key();
            open.remove(key);
            boolean well = one.trouble().isEmpty() || isSo(one.trouble().get());
            if (well) {
                troubles.remove(key);
                continue;
            }
            Trouble before = troubles.getOrDefault(key, new Trouble(0, 0));
            Duration wait = FIRST_PAUSE.multipliedBy(1L << Math.min(before.times(), 5));
            troubles.put(
                    key,
                    new Trouble(
                            before.times() + 1,
                            System.nanoTime() + (wait.compareTo(LAST_PAUSE) > 0 ? LAST_PAUSE : wait).toNanos()));
            String why = String.valueOf(one.trouble().get().getMessage());
            log.debug("desired state has trouble action={} reason={}", key, why);
            count(one.action(), why, one.trouble().get());
        }
        return some;
    }

    private static boolean isSo(Throwable trouble) {
        return trouble instanceof RefusedException refused && refused.refusal().kind() == Refusal.Kind.UNCHANGED;
    }

    /** What fails without a container that shows it counts against the rollout, too. */
    private void count(Action action, String why, Throwable trouble) {
        boolean busy =
                trouble instanceof RefusedException refused && refused.refusal().kind() == Refusal.Kind.UNAVAILABLE;
        if (busy) {
            return;
        }
        Host host = agent.host();
        tries++;
        if (action instanceof Action.Pull pull) {
            note(host, pull.service(), 0, "image " + pull.image() + " cannot be had: " + why);
        } else if (action instanceof Action.Make make) {
            note(host, make.version().spec().name(), make.replica(), "cannot be made: " + why);
        } else if (action instanceof Action.MakeNetwork made) {
            String name = made.network().name();
            noteAll(
                    host,
                    d -> d.networks().contains(made.network()),
                    s -> s.networks().contains(name),
                    "network " + name + " cannot be made: " + why);
        } else if (action instanceof Action.MakeVolume made) {
            String name = made.volume().name().value();
            noteAll(
                    host,
                    d -> d.volumes().contains(made.volume()),
                    s -> s.volumes().stream().anyMatch(v -> v.source().equals(name)),
                    "volume " + name + " cannot be made: " + why);
        } else if (action instanceof Action.Start start && trouble instanceof RefusedException) {
            // Where it was tried and failed, the container says so itself.
            Optional.ofNullable(host.containers().get(start.container()))
                    .map(c -> c.spec().labels().getOrDefault(Service.LABEL, ""))
                    .filter(name -> !name.isEmpty())
                    .ifPresent(name -> note(host, new ServiceName(name), start.replica(), "cannot be started: " + why));
        }
    }

    /** What a document cannot have counts against each of its services that would use it. */
    private void noteAll(Host host, Predicate<Document> wants, Predicate<ServiceSpec> uses, String why) {
        host.services().values().stream()
                .filter(s -> host.document(s.document()).filter(wants).isPresent())
                .filter(s -> uses.test(s.target().spec()))
                .forEach(s -> note(host, s.name(), 0, why));
    }

    private void note(Host host, ServiceName name, int replica, String why) {
        host.service(name)
                .filter(s -> s.phase().isMoving())
                .ifPresent(service -> agent.submit(
                        new DesiredCommand.NoteFailure(
                                name,
                                service.target().id(),
                                replica,
                                Convergence.attempt(
                                        (replica > 0 ? "replica " + replica + " " : "") + why, tries, clock.instant()),
                                why),
                        cause(service.document(), host)));
    }

    private CompletionStage<Event> give(Host host, Action action) throws RefusedException {
        return agent.submit(command(host, action), cause(document(host, action), host));
    }

    /** Each is a new command: whether it is needed was seen from the host as it is, not from what was commanded before. */
    private static Cause cause(DocumentKey document, Host host) {
        return new Cause(
                new CommandId("desired-" + Entropy.fresh().seed()),
                Optional.empty(),
                new Actor(
                        Actor.Kind.KAFKA,
                        "desired:" + document,
                        host.document(document)
                                .map(d -> Map.of("source", d.source()))
                                .orElse(Map.of())));
    }

    private static DocumentKey document(Host host, Action action) {
        Optional<DocumentKey> key = Optional.empty();
        if (action instanceof Action.Make make) {
            key = host.service(make.version().spec().name()).map(Service::document);
        } else if (action instanceof Action.Pull pull) {
            key = host.service(pull.service()).map(Service::document);
        } else if (action instanceof Action.MakeNetwork made) {
            key = host.documents().values().stream()
                    .filter(d -> d.networks().contains(made.network()))
                    .map(Document::key)
                    .findFirst();
        } else if (action instanceof Action.MakeVolume made) {
            key = host.documents().values().stream()
                    .filter(d -> d.volumes().contains(made.volume()))
                    .map(Document::key)
                    .findFirst();
        } else if (action instanceof Action.RemoveNetwork removed) {
            key = host.network(removed.network())
                    .map(n -> new DocumentKey(n.spec().labels().getOrDefault(Service.DOCUMENT_LABEL, "")));
        } else if (action instanceof Action.Note note) {
            key = service(note.command()).flatMap(host::service).map(Service::document);
        } else {
            key = container(action)
                    .flatMap(host::container)
                    .map(c -> new DocumentKey(c.spec().labels().getOrDefault(Service.DOCUMENT_LABEL, "")));
        }
        return key.orElseThrow(() -> new IllegalStateException("no document wants " + action.key()));
    }

    private static Optional<ServiceName> service(DesiredCommand command) {
        if (command instanceof DesiredCommand.NoteFailure c) {
            return Optional.of(c.service());
        } else if (command instanceof DesiredCommand.Halt c) {
            return Optional.of(c.service());
        } else if (command instanceof DesiredCommand.Settle c) {
            return Optional.of(c.service());
        } else if (command instanceof DesiredCommand.NoteDrift c) {
            return Optional.of(c.service());
        } else if (command instanceof DesiredCommand.Forget c) {
            return Optional.of(c.service());
        }
        return Optional.empty();
    }

    private static Optional<ContainerId> container(Action action) {
        if (action instanceof Action.Start a) {
            return Optional.of(a.container());
        } else if (action instanceof Action.Resume a) {
            return Optional.of(a.container());
        } else if (action instanceof Action.Stop a) {
            return Optional.of(a.container());
        } else if (action instanceof Action.Remove a) {
            return Optional.of(a.container());
        }
        return Optional.empty();
    }

    private Command command(Host host, Action action) throws RefusedException {
        Entropy entropy = Entropy.fresh();
        if (action instanceof Action.Note note) {
            return note.command();
        } else if (action instanceof Action.Make make) {
            Forms reader = forms.get()
                    .orElseThrow(() -> new RefusedException(
                            new Refusal(Refusal.Kind.UNAVAILABLE, "nobody here reads what containers shall be")));
            ContainerId id = new ContainerId(entropy.hex("container"));
            byte[] body = Bodies.of(make.version(), make.replica(), document(host, action));
            return new ContainerCommand.Create(id, make.name(), reader.container(id, body, entropy));
        } else if (action instanceof Action.Start start) {
            return new ContainerCommand.Start(start.container(), entropy);
        } else if (action instanceof Action.Resume resume) {
            return new ContainerCommand.Resume(resume.container());
        } else if (action instanceof Action.Stop stop) {
            return new ContainerCommand.Stop(stop.container(), Optional.empty(), Optional.empty());
        } else if (action instanceof Action.Remove remove) {
            return new ContainerCommand.Remove(remove.container(), true, true, Duration.ZERO);
        } else if (action instanceof Action.Pull pull) {
            DriverName storage = host.preferred(DriverKind.STORAGE)
                    .orElseThrow(() ->
                            new RefusedException(new Refusal(Refusal.Kind.UNAVAILABLE, "no storage driver serves")));
            return new ImageCommand.PullImage(
                    new PullId(entropy.hex("pull").substring(0, 32)),
                    Reference.parse(pull.image()),
                    Optional.empty(),
                    storage);
        } else if (action instanceof Action.MakeNetwork made) {
            return new NetworkCommand.Create(network(host, made.network(), document(host, action), entropy));
        } else if (action instanceof Action.RemoveNetwork removed) {
            return new NetworkCommand.Remove(removed.network());
        } else if (action instanceof Action.MakeVolume made) {
            return new VolumeCommand.Create(new VolumeSpec(
                    made.volume().name(),
                    VolumeSpec.LOCAL,
                    made.volume().options(),
                    Map.of(Service.DOCUMENT_LABEL, document(host, action).value()),
                    false));
        }
        throw new IllegalStateException(action.getClass().getName());
    }

    private static NetworkSpec network(Host host, DesiredNetwork wanted, DocumentKey document, Entropy entropy)
            throws RefusedException {
        String id = entropy.hex("network");
        List<NetworkSpec.Pool> pools = wanted.subnet().isEmpty()
                ? List.of()
                : List.of(new NetworkSpec.Pool(wanted.subnet(), "", "", Map.of()));
        return new NetworkSpec(
                new NetworkId(id),
                wanted.name(),
                NetworkDrivers.named(host, wanted.driver().value()),
                "br-" + id.substring(0, 12),
                pools,
                wanted.internal(),
                true,
                false,
                false,
                wanted.options(),
                Map.of(),
                Map.of(Service.DOCUMENT_LABEL, document.value()));
    }

    /** What is under way is the agent's, and goes on. */
    @Override
    public void close() {
        stopping = true;
        thread.interrupt();
        try {
            thread.join(2000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
