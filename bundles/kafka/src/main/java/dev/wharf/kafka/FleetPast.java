package dev.wharf.kafka;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.EventType;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Network;
import dev.wharf.core.state.Volume;
import dev.wharf.core.story.Names;
import dev.wharf.core.story.Standing;
import dev.wharf.core.story.Story;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ImageId;
import dev.wharf.model.NetworkId;
import dev.wharf.model.SubjectId;
import dev.wharf.model.VolumeName;
import java.io.IOException;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** What a fleet was at a moment, and why something on one of its hosts is as it is: both are folds of what was published. */
final class FleetPast {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final DateTimeFormatter DAY = DateTimeFormatter.ISO_LOCAL_DATE.withZone(ZoneId.systemDefault());
    private static final DateTimeFormatter CLOCK =
            DateTimeFormatter.ofPattern("HH:mm:ss.SSS").withZone(ZoneId.systemDefault());

    /** A cause is looked for in a reading of its own; more than that are no chain but a circle. */
    private static final int MOST_READINGS = 8;

    private final Connection connection;
    private final Terminal terminal;

    FleetPast(Connection connection, Terminal terminal) {
        this.connection = connection;
        this.terminal = terminal;
    }

    private Map<String, Past.Life> read(
            String host, Optional<Instant> until, java.util.function.BiConsumer<Published, Moment> witness)
            throws IOException, InterruptedException {
        return Past.read(connection, Past.host(host), until, terminal.progress("reading what was published"), witness);
    }

    // ---- the fleet as it was

    int at(Instant instant, String host) throws IOException, InterruptedException {
        Map<String, Past.Life> lives = read(host, Optional.of(instant), (published, moment) -> {});
        lives.forEach((name, life) -> missing(name, life, instant).forEach(terminal::note));
        lives.values().removeIf(life -> life.position().equals(Position.START));
        if (terminal.isJson()) {
            ArrayNode hosts = JSON.createArrayNode();
            lives.forEach((name, life) -> hosts.add(shape(name, life)));
            ObjectNode answer = JSON.createObjectNode().put("at", instant.toString());
            answer.set("hosts", hosts);
            terminal.json(answer);
        } else if (lives.isEmpty()) {
            terminal.line("no host had published anything at " + instant);
        } else {
            lives.forEach(this::show);
        }
        return 0;
    }

    /** What the topic cannot tell of a host, and of which time. */
    private static List<String> missing(String name, Past.Life life, Instant instant) {
        List<String> missing = new ArrayList<>();
        if (life.first().sequence() > 1 && life.whole().isEmpty()) {
            String since = DAY.format(life.since()) + " " + CLOCK.format(life.since());
            missing.add(
                    life.position().equals(Position.START)
                            ? brief(name) + " is known from " + since
                                    + " on only, where the topic begins at its position " + life.first()
                            : brief(name) + " is incomplete from " + since + " to " + DAY.format(instant) + " "
                                    + CLOCK.format(instant) + ": the topic begins at its position " + life.first()
                                    + ", and what was made before and did not change since is missing");
        }
        for (Past.Gap gap : life.gaps()) {
            if (gap.until().isPresent()) {
                continue;
            }
            missing.add(brief(name) + " is incomplete from " + DAY.format(gap.since()) + " " + CLOCK.format(gap.since())
                    + " to " + DAY.format(instant) + " " + CLOCK.format(instant) + ": its positions " + gap.first()
                    + " to " + gap.last() + " were dropped before they were published, so what changed in them and not"
                    + " since is missing or shown as it was before");
        }
        if (life.unknown() > 0) {
            missing.add(brief(name) + " is incomplete: " + life.unknown() + " of its events are of a newer Wharf");
        }
        return missing;
    }

    /** What became known again as it was afterwards, but not how it came so. */
    private static List<String> untold(String name, Past.Life life) {
        List<String> untold = new ArrayList<>();
        if (life.first().sequence() > 1 && life.whole().isPresent()) {
            untold.add("what happened on " + brief(name) + " before its position " + life.first()
                    + " is not told: the topic begins there");
        }
        for (Past.Gap gap : life.gaps()) {
            gap.until()
                    .ifPresent(until -> untold.add("what happened on " + brief(name) + " from "
                            + DAY.format(gap.since())
                            + " " + CLOCK.format(gap.since()) + " to " + DAY.format(until) + " " + CLOCK.format(until)
                            + " is not told: its positions " + gap.first() + " to " + gap.last()
                            + " were dropped before they were published"));
        }
        return untold;
    }

    private static ObjectNode shape(String name, Past.Life life) {
        ObjectNode node = JSON.createObjectNode()
                .put("host", name)
                .put("position", life.position().sequence())
                .put("lastEventAt", life.at().toString())
                .put("complete", life.isComplete())
                .put("knownSince", life.since().toString());
        ArrayNode gaps = node.putArray("gaps");
        life.gaps()
                .forEach(gap -> gaps.addObject()
                        .put("first", gap.first().sequence())
                        .put("last", gap.last().sequence())
                        .put("since", gap.since().toString())
                        .put("until", gap.until().map(Instant::toString).orElse(null)));
        Host host = life.host();
        fill(node.putArray("containers"), containers(host), FleetPast::container);
        fill(node.putArray("images"), images(host), FleetPast::image);
        fill(node.putArray("networks"), networks(host), FleetPast::network);
        fill(node.putArray("volumes"), volumes(host), FleetPast::volume);
        return node;
    }

    private static <T> void fill(ArrayNode into, List<T> things, Function<T, ObjectNode> shape) {
        things.forEach(thing -> into.add(shape.apply(thing)));
    }

    private void show(String name, Past.Life life) {
        terminal.line(terminal.bold("host " + name)
                + terminal.faint("  position " + life.position() + ", last event " + DAY.format(life.at()) + " "
                        + CLOCK.format(life.at())));
        Host host = life.host();
        section("containers", containers(host), FleetPast::container, "name", "id", "image", "state", "addresses");
        section("images", images(host), FleetPast::image, "references", "id", "layers");
        section("networks", networks(host), FleetPast::network, "name", "id", "driver", "subnets");
        section("volumes", volumes(host), FleetPast::volume, "name", "driver", "path");
        terminal.line("");
    }

    private <T> void section(String title, List<T> things, Function<T, ObjectNode> shape, String... columns) {
        if (things.isEmpty()) {
            terminal.line("no " + title);
            return;
        }
        List<ObjectNode> rows = new ArrayList<>();
        for (T thing : things) {
            ObjectNode row = shape.apply(thing);
            if (row.has("id")) {
                row.put("id", brief(row.path("id").asText()));
            }
            rows.add(row);
        }
        terminal.table(rows, columns);
    }

    private static List<Container> containers(Host host) {
        return sorted(host.containers(), Comparator.comparing(Container::createdAt));
    }

    private static List<Image> images(Host host) {
        return sorted(host.images(), Comparator.comparing(Image::storedAt));
    }

    private static List<Network> networks(Host host) {
        return sorted(host.networks(), Comparator.comparing(n -> n.spec().name()));
    }

    private static List<Volume> volumes(Host host) {
        return sorted(host.volumes(), Comparator.comparing(v -> v.name().value()));
    }

    private static <T> List<T> sorted(Map<?, T> things, Comparator<T> order) {
        return things.values().stream().sorted(order).toList();
    }

    private static ObjectNode container(Container c) {
        return JSON.createObjectNode()
                .put("name", c.name())
                .put("id", c.id().value())
                .put("image", c.spec().imageReference())
                .put("state", Standing.of(c).word())
                .put("createdAt", c.createdAt().toString())
                .put(
                        "addresses",
                        String.join(
                                ", ",
                                c.places().values().stream()
                                        .map(p -> p.endpoint().ipv4())
                                        .filter(a -> !a.isEmpty())
                                        .toList()));
    }

    private static ObjectNode image(Image i) {
        return JSON.createObjectNode()
                .put("references", String.join(", ", i.references()))
                .put("id", i.id().value())
                .put("layers", i.layers().size())
                .put("sizeBytes", i.sizeBytes());
    }

    private static ObjectNode network(Network n) {
        return JSON.createObjectNode()
                .put("name", n.spec().name())
                .put("id", n.id().value())
                .put("driver", n.spec().driver().value())
                .put(
                        "subnets",
                        String.join(
                                ", ",
                                n.spec().pools().stream().map(p -> p.subnet()).toList()));
    }

    private static ObjectNode volume(Volume v) {
        return JSON.createObjectNode()
                .put("name", v.name().value())
                .put("driver", v.spec().driver().value())
                .put("path", v.path().last().map(Object::toString).orElse(""));
    }

    private static String brief(String id) {
        String bare = id.substring(id.indexOf(':') + 1);
        return bare.substring(0, Math.min(12, bare.length()));
    }

    // ---- why something is as it is

    /** One event of a chain, as it is told. */
    private record Line(Published event, String name, String words, boolean about) {
        Position position() {
            return event.position();
        }
    }

    int why(String host, String name) throws IOException, InterruptedException {
        Map<String, SubjectId> found = new TreeMap<>();
        Map<String, Past.Life> lives = read(host, Optional.empty(), (published, moment) -> {
            SubjectId subject = moment.event().subject();
            if (isTold(subject) && isCalled(subject, name, moment)) {
                found.put(published.host(), subject);
            }
        });
        if (lives.isEmpty()) {
            throw new IOException("no host whose id begins with \"" + host + "\" ever published anything");
        }
        if (lives.size() > 1) {
            throw new IOException("hosts " + lives.keySet() + " begin with \"" + host + "\": say more of the id");
        }
        Map.Entry<String, Past.Life> only = lives.entrySet().iterator().next();
        String exactly = only.getKey();
        SubjectId subject = found.get(exactly);
        if (subject == null) {
            throw new IOException("host " + exactly + " never had a container, image, network or volume " + name);
        }
        missing(exactly, only.getValue(), Instant.now()).forEach(terminal::note);
        untold(exactly, only.getValue()).forEach(terminal::note);
        List<Line> chain = chain(exactly, subject);
        Map<String, JsonNode> results = results(chain);
        Host now = only.getValue().host();
        if (terminal.isJson()) {
            terminal.json(shape(exactly, subject, now, chain, results));
        } else {
            show(exactly, subject, now, chain, results);
        }
        return 0;
    }

    private static boolean isTold(SubjectId subject) {
        return subject instanceof ContainerId
                || subject instanceof ImageId
                || subject instanceof NetworkId
                || subject instanceof VolumeName;
    }

    private static boolean isCalled(SubjectId subject, String text, Moment moment) {
        String value = subject.value();
        return value.equals(text)
                || subject.text().equals(text)
                || text.length() >= 4 && value.substring(value.indexOf(':') + 1).startsWith(text)
                || Names.of(subject, moment.after()).equals(text)
                || Names.of(subject, moment.before()).equals(text);
    }

    /** Everything that happened to the subject, and what led to it, whatever that happened to. */
    private List<Line> chain(String host, SubjectId subject) throws IOException, InterruptedException {
        Map<Position, List<Line>> chain = new TreeMap<>();
        Set<Position> causes = new HashSet<>();
        for (int reading = 0; reading < MOST_READINGS; reading++) {
            Set<Position> missing = new HashSet<>(causes);
            missing.removeAll(chain.keySet());
            if (reading > 0 && missing.isEmpty()) {
                break;
            }
            boolean first = reading == 0;
            read(host, Optional.empty(), (published, moment) -> {
                boolean about = moment.event().subject().equals(subject);
                if (first
                        ? about && !isBookkeeping(moment.event())
                        : !about && missing.contains(published.position())) {
                    Story story = Story.of(moment);
                    chain.computeIfAbsent(published.position(), p -> new ArrayList<>())
                            .add(new Line(published, story.name(), story.words(), about));
                    published.because().ifPresent(causes::add);
                }
            });
            // What the topic does not hold any more is not looked for again.
            causes.removeAll(missing);
            causes.removeIf(chain::containsKey);
        }
        return chain.values().stream().flatMap(List::stream).toList();
    }

    private static boolean isBookkeeping(Event event) {
        EventType type = event.getClass().getAnnotation(EventType.class);
        return type != null && type.value().endsWith("recorded") || event instanceof ContainerEvent.Probed;
    }

    /** The answers to the commands in a chain, by the id of the command. */
    private Map<String, JsonNode> results(List<Line> chain) throws IOException, InterruptedException {
        Set<String> ids = new HashSet<>();
        chain.forEach(line -> command(line).ifPresent(ids::add));
        Map<String, JsonNode> results = new HashMap<>();
        if (ids.isEmpty()) {
            return results;
        }
        try {
            connection.read("results", Long.MAX_VALUE, terminal.progress("reading answers"), record -> {
                String id = Published.text(record, "correlationid");
                if (ids.contains(id)) {
                    try {
                        results.put(id, JSON.readTree(record.value()));
                    } catch (IOException e) {
                        terminal.note("the answer to " + id + " cannot be read: " + e.getMessage());
                    }
                }
            });
        } catch (UnknownTopicOrPartitionException e) {
            terminal.note("there are no answers to commands here");
        }
        return results;
    }

    /** The command from Kafka that an event answers to. What a run does after it made the container has an id of its own. */
    private static Optional<String> command(Line line) {
        if (line.event().command().equals(CommandId.NONE)
                || line.event().cause().actor().kind() != Actor.Kind.KAFKA) {
            return Optional.empty();
        }
        return Optional.of(line.event().command().value().replaceFirst(":start$", ""));
    }

    private static int depth(Line line, Map<Position, Line> byPosition) {
        int depth = 0;
        Optional<Position> because = line.event().because();
        while (because.isPresent() && byPosition.containsKey(because.get()) && depth < MOST_READINGS) {
            depth++;
            because = byPosition.get(because.get()).event().because();
        }
        return depth;
    }

    private static Map<Position, Line> byPosition(List<Line> chain) {
        Map<Position, Line> byPosition = new HashMap<>();
        chain.forEach(line -> byPosition.putIfAbsent(line.position(), line));
        return byPosition;
    }

    private static String state(SubjectId subject, Host now) {
        Optional<Container> container = subject instanceof ContainerId id ? now.container(id) : Optional.empty();
        boolean here = !Names.find(subject.text(), now).isEmpty();
        return container.map(c -> Standing.of(c).word()).orElse(here ? "here" : "gone");
    }

    private void show(String host, SubjectId subject, Host now, List<Line> chain, Map<String, JsonNode> results) {
        terminal.line(terminal.bold(subject.kind() + " " + name(subject, now, chain))
                + terminal.faint("  " + brief(subject.value()) + " on host " + host));
        terminal.line("State  " + state(subject, now));
        Map<Position, Line> byPosition = byPosition(chain);
        Set<String> told = new HashSet<>();
        String day = "";
        for (Line line : chain) {
            if (!DAY.format(line.event().at()).equals(day)) {
                day = DAY.format(line.event().at());
                terminal.line(terminal.faint("-- " + day));
            }
            int depth = depth(line, byPosition);
            String words = line.about() ? line.words() : line.name() + " " + line.words();
            boolean asked =
                    line.event().because().isEmpty() && !line.event().actor().startsWith("wharf:");
            boolean failed = line.event().type().contains(".failed.")
                    || line.event().type().contains("stalled.");
            terminal.line(terminal.faint(CLOCK.format(line.event().at())) + "  " + "  ".repeat(depth)
                    + (failed ? terminal.bad(words) : depth == 0 ? terminal.bold(words) : words)
                    + (asked ? " — asked by " + line.event().actor() : ""));
            command(line)
                    .filter(told::add)
                    .ifPresent(id -> terminal.line("              " + "  ".repeat(depth)
                            + terminal.faint(inWords(id, Optional.ofNullable(results.get(id))))));
        }
    }

    private static String inWords(String id, Optional<JsonNode> result) {
        return "command " + id
                + result.map(r -> " (" + r.path("kind").asText() + ", from "
                                + r.path("source").asText() + "): "
                                + r.path("outcome").asText().toLowerCase(java.util.Locale.ROOT)
                                + (r.path("reason").asText().isEmpty()
                                        ? ""
                                        : ", " + r.path("reason").asText()))
                        .orElse(": its answer is no longer on the topic");
    }

    private static String name(SubjectId subject, Host now, List<Line> chain) {
        String last = Names.of(subject, now);
        for (Line line : chain) {
            last = line.about() ? line.name() : last;
        }
        return last;
    }

    private static ObjectNode shape(
            String host, SubjectId subject, Host now, List<Line> chain, Map<String, JsonNode> results) {
        ObjectNode node = JSON.createObjectNode()
                .put("host", host)
                .put("kind", subject.kind())
                .put("name", name(subject, now, chain))
                .put("id", subject.value())
                .put("state", state(subject, now));
        Map<Position, Line> byPosition = byPosition(chain);
        ArrayNode events = node.putArray("chain");
        for (Line line : chain) {
            ObjectNode one = events.addObject()
                    .put("id", line.event().id())
                    .put("at", line.event().at().toString())
                    .put("type", line.event().type())
                    .put("subject", line.event().subject())
                    .put("name", line.name())
                    .put("what", line.words())
                    .put("actor", line.event().actor())
                    .put("depth", depth(line, byPosition));
            line.event().because().ifPresent(because -> one.put("because", host + ":" + because));
            command(line).ifPresent(id -> one.put("command", id));
        }
        ObjectNode answers = node.putObject("commands");
        new TreeMap<>(results).forEach(answers::set);
        return node;
    }
}
