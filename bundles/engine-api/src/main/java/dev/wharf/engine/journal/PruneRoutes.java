package dev.wharf.engine.journal;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.HostCommand;
import dev.wharf.core.command.Pruning;
import dev.wharf.core.command.Pruning.Item;
import dev.wharf.core.command.Pruning.Kind;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Layer;
import dev.wharf.engine.archive.Trees;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.json.Json;
import dev.wharf.engine.json.Times;
import dev.wharf.model.ContainerId;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.VolumeName;
import dev.wharf.spi.DriverException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

/**
 * Prunes in two steps: a plan that changes nothing and has a token, and the doing of exactly that plan. The agent keeps no
 * plans: a token says what was asked for and where in the journal, so that the plan can be made again from there, also by an
 * agent that was started meanwhile.
 */
public final class PruneRoutes implements Routes {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration BEAT = Duration.ofMillis(10);

    private final Trees trees;

    public PruneRoutes(Trees trees) {
        this.trees = trees;
    }

    @Override
    public void addTo(Router router) {
        router.get(
                        "/wharf/v1/prune",
                        (agent, request) -> Answer.later(request.work(() -> {
                            Then now = Then.now(agent);
                            Plan plan = new Plan(now, pruning(request));
                            return Answer.json(describe(agent, plan).put("token", plan.token()));
                        })))
                .post(
                        "/wharf/v1/prune",
                        (agent, request) -> Answer.later(request.work(() -> {
                            String token = request.query()
                                    .value("plan")
                                    .orElseThrow(() ->
                                            Problem.invalid("the query parameter \"plan\" is missing: the token of a"
                                                    + " plan, which GET /wharf/v1/prune makes"));
                            return Answer.later(done(agent, request, Plan.of(agent, token)));
                        })));
    }

    private static Pruning pruning(Request request) {
        Set<Kind> kinds = request.query().all("kind").stream()
                .flatMap(text -> List.of(text.split(",")).stream())
                .filter(text -> !text.isBlank())
                .map(PruneRoutes::kind)
                .collect(Collectors.toSet());
        return new Pruning(
                kinds.isEmpty() ? Set.of(Kind.CONTAINER, Kind.IMAGE, Kind.NETWORK) : kinds,
                request.query().flag("all-images", false),
                request.query().flag("all-volumes", false),
                request.query().value("before").map(Times::parse).map(t -> t.truncatedTo(ChronoUnit.MILLIS)));
    }

    private static Kind kind(String text) {
        try {
            return Kind.valueOf(text.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw Problem.invalid("invalid value \"" + text
                    + "\" of query parameter \"kind\": expected container, image, network or volume");
        }
    }

    /** What goes, as the host was when it was asked. */
    private record Plan(Then then, Pruning pruning, List<Item> items) {
        Plan(Then then, Pruning pruning) {
            this(then, pruning, pruning.items(then.host()));
        }

        /** Made again from its token. */
        static Plan of(Agent agent, String token) throws IOException {
            String[] parts = token.split("-", -1);
            try {
                if (parts.length != 5) throw new IllegalArgumentException("five parts");
                Set<Kind> kinds = parts[1].chars()
                        .mapToObj(letter -> List.of(Kind.values()).stream()
                                .filter(k -> letter(k).charAt(0) == letter)
                                .findFirst()
                                .orElseThrow(IllegalArgumentException::new))
                        .collect(Collectors.toSet());
                long before = Long.parseLong(parts[3]);
                Pruning pruning = new Pruning(
                        kinds,
                        parts[2].contains("i"),
                        parts[2].contains("v"),
                        before == 0 ? Optional.empty() : Optional.of(Instant.ofEpochMilli(before)));
                Plan plan = new Plan(Then.of(agent, Place.parse("plan", parts[0])), pruning);
                if (plan.token().equals(token)) return plan;
            } catch (IllegalArgumentException e) {
                // Told below: it is none of ours.
            }
            throw Problem.invalid("\"" + token + "\" is no plan of this host; wharf prune --dry-run makes one");
        }

        String token() {
            String kinds = List.of(Kind.values()).stream()
                    .filter(pruning.kinds()::contains)
                    .map(Plan::letter)
                    .collect(Collectors.joining());
            String flags = "x" + (pruning.allImages() ? "i" : "") + (pruning.allVolumes() ? "v" : "");
            long before = pruning.before().map(Instant::toEpochMilli).orElse(0L);
            String listed = items.stream().map(Item::toString).collect(Collectors.joining("\n"));
            String hash = Digest.sha256(then.host().identity().id() + "\n" + pruning.before() + "\n" + listed)
                    .hex()
                    .substring(0, 12);
            return String.join(
                    "-", Long.toString(then.position().sequence()), kinds, flags, Long.toString(before), hash);
        }

        private static String letter(Kind kind) {
            return kind.name().substring(0, 1).toLowerCase(Locale.ROOT);
        }
    }

    // ---- shapes

    private ObjectNode describe(Agent agent, Plan plan) {
        ObjectNode answer = plan.then().describe();
        ArrayNode lines = answer.putArray("items");
        long total = 0;
        for (Item item : plan.items()) {
            long size = size(agent, plan, item);
            total += item.kind() == Kind.IMAGE ? 0 : Math.max(0, size);
            lines.addObject()
                    .put("kind", item.kind().name().toLowerCase(Locale.ROOT))
                    .put("id", item.id())
                    .put("name", item.name())
                    .put("standing", item.standing())
                    .put("sizeBytes", size);
        }
        return answer.put("reclaimableBytes", total + layers(plan));
    }

    /** What a thing takes by itself; of an image all its layers, though others may stand on some of them. */
    private long size(Agent agent, Plan plan, Item item) {
        return switch (item.kind()) {
            case CONTAINER -> {
                try {
                    yield agent.streams().usage(new ContainerId(item.id())).sizeBytes();
                } catch (DriverException e) {
                    yield 0;
                }
            }
            case IMAGE ->
                plan.then()
                        .host()
                        .image(new ImageId(Digest.parse(item.id())))
                        .map(Image::sizeBytes)
                        .orElse(0L);
            case VOLUME ->
                plan.then()
                        .host()
                        .volume(new VolumeName(item.id()))
                        .flatMap(v -> v.path().value())
                        .map(trees::sizeBytes)
                        .filter(bytes -> bytes > 0)
                        .orElse(0L);
            case NETWORK -> 0;
        };
    }

    /** The layers that nothing stands on once these are gone. */
    private static long layers(Plan plan) {
        Host host = plan.then().host();
        Set<String> going = plan.items().stream().map(Item::id).collect(Collectors.toSet());
        Set<LayerId> staying = new HashSet<>();
        host.images().values().stream()
                .filter(i -> i.wanted() && !going.contains(i.id().value()))
                .forEach(i -> i.layers().forEach(l -> staying.add(l.id())));
        host.containers().values().stream()
                .filter(c -> !going.contains(c.id().value()))
                .forEach(c -> chain(host, c, staying));
        host.kept().values().forEach(c -> chain(host, c, staying));
        return host.images().values().stream()
                .filter(i -> going.contains(i.id().value()))
                .flatMap(i -> i.layers().stream())
                .map(LayerSpec::id)
                .distinct()
                .filter(l -> !staying.contains(l))
                .flatMap(l -> host.layer(l).stream())
                .mapToLong(Layer::sizeBytes)
                .sum();
    }

    private static void chain(Host host, Container container, Set<LayerId> into) {
        Optional<LayerId> at = container.top();
        while (at.isPresent()) {
            into.add(at.get());
            at = host.layer(at.get()).flatMap(l -> l.spec().parent());
        }
    }

    // ---- doing it

    private CompletableFuture<Answer> done(Agent agent, Request request, Plan plan) {
        ObjectNode answer = describe(agent, plan);
        long reclaimed = answer.path("reclaimableBytes").longValue();
        Map<Kind, Long> byKind = new EnumMap<>(Kind.class);
        answer.path("items")
                .forEach(line -> byKind.merge(
                        kind(line.path("kind").textValue()),
                        line.path("sizeBytes").longValue(),
                        Long::sum));
        byKind.computeIfPresent(Kind.IMAGE, (kind, all) -> layers(plan));
        answer.remove("reclaimableBytes");
        if (plan.items().isEmpty()) {
            // Nothing was shown, and there is nothing to be done wrong.
            answer.put("reclaimedBytes", 0).putArray("left");
            return CompletableFuture.completedFuture(Answer.json(answer));
        }
        CompletableFuture<Answer> end = new CompletableFuture<>();
        agent.submit(new HostCommand.Prune(plan.pruning(), plan.items()), request.cause())
                .whenComplete((event, trouble) -> {
                    if (trouble != null) {
                        end.completeExceptionally(trouble);
                        return;
                    }
                    new Watch(agent, request, plan.items(), answer, reclaimed, byKind, end).run();
                });
        return end;
    }

    /** Looks again and again until everything is gone; what takes too long is told as left, and goes all the same. */
    private static final class Watch implements Runnable {
        private final Agent agent;
        private final Request request;
        private final List<Item> items;
        private final ObjectNode answer;
        private final long reclaimed;
        private final Map<Kind, Long> byKind;
        private final CompletableFuture<Answer> end;
        private final long deadline = System.nanoTime() + PATIENCE.toNanos();

        Watch(
                Agent agent,
                Request request,
                List<Item> items,
                ObjectNode answer,
                long reclaimed,
                Map<Kind, Long> byKind,
                CompletableFuture<Answer> end) {
            this.agent = agent;
            this.request = request;
            this.items = items;
            this.answer = answer;
            this.reclaimed = reclaimed;
            this.byKind = byKind;
            this.end = end;
        }

        @Override
        public void run() {
            Host host = agent.host();
            List<Item> left =
                    items.stream().filter(item -> Pruning.isThere(host, item)).toList();
            if (!left.isEmpty() && System.nanoTime() < deadline) {
                request.after(BEAT, this);
                return;
            }
            byKind.forEach((kind, bytes) -> agent.submit(
                    new HostCommand.NotePrune(kind.name().toLowerCase(Locale.ROOT), bytes), request.cause()));
            answer.put("reclaimedBytes", reclaimed)
                    .set("left", Json.array(left.stream().map(Item::name).toList()));
            end.complete(Answer.json(answer));
        }
    }
}
