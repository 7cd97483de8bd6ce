package dev.wharf.engine.journal;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Follower;
import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.EventType;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.story.Names;
import dev.wharf.core.story.Standing;
import dev.wharf.core.story.Story;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.json.Json;
import dev.wharf.model.ContainerId;
import dev.wharf.model.DriverId;
import dev.wharf.model.Exit;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerId;
import dev.wharf.model.PullId;
import dev.wharf.model.Signal;
import dev.wharf.model.SubjectId;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Why a thing stands as it stands: who asked for what, what followed, and for a container why it ended. */
final class Reasons {
    /** So many wishes of one thing are told, the newest; somebody who wants all of them reads its story. */
    private static final int MOST = 50;

    /** One event in its place, without the hosts around it. */
    private record Line(Position position, Instant at, String type, String words) {
        ObjectNode shape() {
            return Json.object()
                    .put("position", position.sequence())
                    .put("at", at.toString())
                    .put("type", type)
                    .put("what", words);
        }
    }

    /** A wish, who had it, and what followed. */
    private record Ask(Line wish, Actor actor, List<Line> then) {
        ObjectNode shape() {
            ObjectNode node = wish.shape().put("by", Story.words(actor));
            node.set("actor", Reasons.shape(actor));
            ArrayNode lines = node.putArray("then");
            then.forEach(line -> lines.add(line.shape()));
            return node;
        }
    }

    private final SubjectId subject;
    private final Set<SubjectId> about;
    private final List<Ask> asks = new ArrayList<>();
    private final List<Line> alone = new ArrayList<>();
    private String name;
    private Optional<Ask> stop = Optional.empty();
    private Optional<Event> stopEvent = Optional.empty();
    private boolean killedLate;
    private Optional<Instant> started = Optional.empty();
    private Optional<ObjectNode> end = Optional.empty();

    private Reasons(SubjectId subject, Set<SubjectId> about, String name) {
        this.subject = subject;
        this.about = about;
        this.name = name;
    }

    /** Reads the journal for whatever {@code text} names now, or named when it was there last; may take a while. */
    static ObjectNode of(Agent agent, String text) throws IOException {
        Host host = agent.host();
        Optional<SubjectId> now =
                Names.find(text, host).stream().filter(Reasons::isTold).findFirst();
        Optional<SubjectId> found = now.isPresent() ? now : past(agent, text);
        SubjectId subject = found.orElseThrow(() -> Problem.missing(
                "No such container, image, network or volume: " + text + ", and the journal knows of none"));
        Set<SubjectId> about = new LinkedHashSet<>(Set.of(subject));
        Reasons reasons = new Reasons(subject, about, Names.of(subject, host));
        reasons.read(agent);
        return reasons.shape(agent.host());
    }

    private static boolean isTold(SubjectId subject) {
        return !(subject instanceof LayerId
                || subject instanceof DriverId
                || subject instanceof PullId
                || subject instanceof SubjectId.HostItself);
    }

    /** The last thing that was called so. */
    private static Optional<SubjectId> past(Agent agent, String text) throws IOException {
        Optional<SubjectId> last = Optional.empty();
        Position end = agent.journal().durable();
        try (Follower follower = agent.follow(agent.journal().origin())) {
            for (Optional<Moment> next = follower.poll();
                    next.isPresent() && !next.get().position().isAfter(end);
                    next = follower.poll()) {
                SubjectId subject = next.get().event().subject();
                if (isTold(subject) && isCalled(subject, text, next.get())) last = Optional.of(subject);
            }
        }
        return last;
    }

    private static boolean isCalled(SubjectId subject, String text, Moment moment) {
        String value = subject.value();
        return value.equals(text)
                || text.length() >= 4 && value.substring(value.indexOf(':') + 1).startsWith(text)
                || Names.of(subject, moment.after()).equals(text)
                || Names.of(subject, moment.before()).equals(text);
    }

    private void read(Agent agent) throws IOException {
        Position until = agent.journal().durable();
        try (Follower follower = agent.follow(agent.journal().origin())) {
            for (Optional<Moment> next = follower.poll();
                    next.isPresent() && !next.get().position().isAfter(until);
                    next = follower.poll()) {
                hear(next.get());
            }
        }
    }

    private void hear(Moment moment) {
        Event event = moment.event();
        if (event instanceof HostEvent.Booted && ran(moment.before()) && !ran(moment.after())) {
            ended(moment, new Exit(255, moment.at(), false, true), true);
            return;
        }
        // An image comes by a pull, which is a subject of its own.
        if (subject instanceof ImageId image
                && event instanceof ImageEvent.Resolved resolved
                && resolved.what().image().equals(image)) {
            about.add(event.subject());
            recall(moment);
        }
        if (!about.contains(event.subject()) || isBookkeeping(event)) return;
        if (event.subject().equals(subject)) name = Story.of(moment).name();
        Line line = line(moment);
        boolean isWish = moment.cause().because().isEmpty()
                && moment.cause().actor().kind() != Actor.Kind.WHARF
                && !(event instanceof ContainerEvent.Exited)
                && !(event instanceof ContainerEvent.Noted);
        if (isWish) {
            asks.add(new Ask(line, moment.cause().actor(), new ArrayList<>()));
            if (asks.size() > MOST) asks.remove(0);
        } else if (asks.isEmpty()) {
            if (alone.size() < MOST) alone.add(line);
        } else {
            asks.get(asks.size() - 1).then().add(line);
        }
        if (event instanceof ContainerEvent c) life(moment, c);
    }

    /** The wish for a pull came before anybody knew which image it would bring. */
    private void recall(Moment resolved) {
        Story story = Story.of(resolved);
        resolved.before()
                .pull((PullId) resolved.event().subject())
                .ifPresent(pull -> asks.add(new Ask(
                        new Line(
                                resolved.cause().because().orElse(resolved.position()),
                                resolved.at(),
                                "image.pull-requested",
                                "shall come as " + story.name()),
                        resolved.cause().actor(),
                        new ArrayList<>())));
    }

    private static boolean isBookkeeping(Event event) {
        return type(event).endsWith("recorded") || event instanceof ContainerEvent.Probed;
    }

    private static String type(Event event) {
        EventType type = event.getClass().getAnnotation(EventType.class);
        return type == null ? event.getClass().getSimpleName() : type.value();
    }

    private static Line line(Moment moment) {
        return new Line(
                moment.position(),
                moment.at(),
                type(moment.event()),
                Story.of(moment).words());
    }

    private boolean ran(Host host) {
        return subject instanceof ContainerId id
                && host.container(id).map(Container::isRunning).orElse(false);
    }

    private void life(Moment moment, ContainerEvent event) {
        if (event instanceof ContainerEvent.Started s) {
            started = Optional.of(s.at());
            end = Optional.empty();
            forget();
        } else if (event instanceof ContainerEvent.StopRequested
                || event instanceof ContainerEvent.RestartRequested
                || event instanceof ContainerEvent.RemoveRequested
                || event instanceof ContainerEvent.Signaled g && g.byHand()) {
            stop = Optional.of(new Ask(line(moment), moment.cause().actor(), List.of()));
            stopEvent = Optional.of(event);
            killedLate = false;
        } else if (event instanceof ContainerEvent.Signaled s
                && s.signal().equals(Signal.KILL)
                && stopEvent
                        .filter(ContainerEvent.StopRequested.class::isInstance)
                        .map(e -> !((ContainerEvent.StopRequested) e).kill())
                        .orElse(stopEvent
                                .filter(ContainerEvent.RestartRequested.class::isInstance)
                                .isPresent())) {
            killedLate = true;
        } else if (event instanceof ContainerEvent.Exited e) {
            ended(moment, e.exit(), false);
            forget();
        } else if (event instanceof ContainerEvent.Failed f) {
            end = Optional.of(Json.object()
                    .put("at", moment.at().toString())
                    .put("position", moment.position().sequence())
                    .put("cause", "failed")
                    .put("why", f.failure().message()));
        }
    }

    private void forget() {
        stop = Optional.empty();
        stopEvent = Optional.empty();
        killedLate = false;
    }

    // ---- the end

    private void ended(Moment moment, Exit exit, boolean boot) {
        Optional<String> signal = exit.code() > 128 && exit.code() <= 128 + 64 && !exit.inferred()
                ? Optional.of(new Signal(exit.code() - 128).toString())
                : Optional.empty();
        ObjectNode node = Json.object()
                .put("at", exit.at().toString())
                .put("position", moment.position().sequence())
                .put("exitCode", exit.code())
                .put("signal", signal.orElse(""))
                .put("outOfMemory", exit.outOfMemory())
                .put("inferred", exit.inferred());
        started.ifPresent(s -> node.put("startedAt", s.toString())
                .put("ranFor", Duration.between(s, exit.at()).toString()));
        tell(node, exit, signal, boot, moment);
        end = Optional.of(node);
    }

    private void tell(ObjectNode node, Exit exit, Optional<String> signal, boolean boot, Moment moment) {
        if (boot || exit.inferred() && stop.isEmpty()) {
            node.put("cause", boot ? "reboot" : "unseen")
                    .put(
                            "why",
                            boot
                                    ? "the host was started anew while it ran"
                                    : "it ended while nobody watched; its exit code was never told");
        } else if (exit.outOfMemory()) {
            long limit = subject instanceof ContainerId id
                    ? moment.before()
                            .container(id)
                            .map(c -> c.spec().resources().memoryBytes())
                            .orElse(0L)
                    : 0;
            node.put("cause", "out-of-memory")
                    .put(
                            "why",
                            "it ran out of memory, and the kernel killed it"
                                    + (limit > 0
                                            ? "; its limit was " + limit / (1 << 20) + " MiB"
                                            : "; it had no limit of its own, so the host was short"));
        } else if (stop.isPresent() && stopEvent.isPresent()) {
            asked(node, exit, stop.get(), stopEvent.get());
        } else if (signal.isPresent()) {
            node.put("cause", "signal")
                    .put(
                            "why",
                            "it was ended by " + signal.get()
                                    + ", which nobody sent through Wharf: its own program did, or another on the host");
        } else {
            node.put("cause", "own")
                    .put(
                            "why",
                            switch (exit.code()) {
                                case 0 -> "its program was done, and said that all went well";
                                case 126 -> "its program ended with code 126: something could not be executed";
                                case 127 -> "its program ended with code 127: a command was not found";
                                default -> "its program ended by itself with code " + exit.code();
                            });
        }
    }

    private void asked(ObjectNode node, Exit exit, Ask ask, Event event) {
        boolean kill = event instanceof ContainerEvent.StopRequested s && s.kill();
        String verb = event instanceof ContainerEvent.RemoveRequested
                ? "removed it by force"
                : event instanceof ContainerEvent.RestartRequested
                        ? "had it restarted"
                        : event instanceof ContainerEvent.Signaled s
                                ? "sent " + s.signal()
                                : kill ? "had it killed" : "had it stopped";
        Duration after = Duration.between(ask.wish().at(), exit.at());
        String seconds = String.format(Locale.ROOT, "%.1f s", Math.max(0, after.toMillis()) / 1000.0);
        node.put(
                        "cause",
                        event instanceof ContainerEvent.RemoveRequested
                                ? "removed"
                                : event instanceof ContainerEvent.RestartRequested
                                        ? "restarted"
                                        : kill || event instanceof ContainerEvent.Signaled ? "killed" : "stopped")
                .put(
                        "why",
                        Story.words(ask.actor()) + " " + verb + ", and it ended " + seconds + " later"
                                + (killedLate ? ": it had not ended in the time it was given, so it was killed" : ""))
                .put("killedAfterGrace", killedLate)
                .put("by", Story.words(ask.actor()))
                .put("askedAt", ask.wish().at().toString())
                .set("actor", shape(ask.actor()));
    }

    // ---- shapes

    private static ObjectNode shape(Actor actor) {
        ObjectNode node = Json.object()
                .put("kind", actor.kind().name().toLowerCase(Locale.ROOT))
                .put("name", actor.name());
        node.set("details", Json.map(actor.details()));
        return node;
    }

    private ObjectNode shape(Host host) {
        String kind = subject.text().substring(0, subject.text().indexOf(':'));
        Optional<Container> container = subject instanceof ContainerId id ? host.container(id) : Optional.empty();
        boolean here = !Names.find(subject.text(), host).isEmpty();
        ObjectNode node = Json.object()
                .put("kind", kind)
                .put("name", name)
                .put("id", subject.value())
                .put("here", here)
                .put("state", container.map(c -> Standing.of(c).word()).orElse(here ? "here" : "gone"));
        container
                .filter(Container::isRunning)
                .ifPresent(c -> node.put(
                                "pid",
                                c.process().last().map(p -> p.init().pid()).orElse(0))
                        .put("startedAt", c.startedAt().map(Object::toString).orElse("")));
        ArrayNode wishes = node.putArray("asked");
        asks.forEach(ask -> wishes.add(ask.shape()));
        ArrayNode unasked = node.putArray("unasked");
        alone.forEach(line -> unasked.add(line.shape()));
        node.set("end", container.filter(Container::isRunning).isPresent() ? null : end.orElse(null));
        return node;
    }
}
