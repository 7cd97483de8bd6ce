package dev.wharf.engine.events;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Follower;
import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.journal.Position;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.ApiVersion;
import dev.wharf.engine.http.Outlet;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.json.Filters;
import dev.wharf.engine.json.Json;
import dev.wharf.engine.json.Times;
import dev.wharf.model.Reference;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * {@code /events}: a follower of the journal for each client, at the client's own speed. With {@code since} it begins as far
 * back as the host's first event; without, it tells what comes.
 */
public final class EventRoutes implements Routes {
    /** What Docker keeps of events, in memory. */
    private static final int REMEMBERED = 256;

    /** No further back are they looked for, in time and in batches of the journal. */
    private static final Duration LATELY = Duration.ofHours(1);

    private static final int REACH = 4_096;

    private static final AtomicInteger LISTENERS = new AtomicInteger();

    /** How many clients listen to events now. */
    public static int listeners() {
        return LISTENERS.get();
    }

    @Override
    public void addTo(Router router) {
        router.get("/events", EventRoutes::events);
    }

    private static Answer events(Agent agent, Request request) {
        Optional<Instant> since = request.query().value("since").map(Times::parse);
        Optional<Instant> until = request.query().value("until").map(Times::parse);
        if (since.isPresent() && until.isPresent() && since.get().isAfter(until.get())) {
            throw Problem.invalid("`since` time (" + request.query().text("since") + ") cannot be after `until` time ("
                    + request.query().text("until") + ")");
        }
        Filters filters = Filters.parse(request.query().text("filters"));
        if (since.isEmpty() && until.isEmpty()) {
            return open(request, () -> new Opened(agent.follow(agent.position()), 0), since, until, filters);
        }
        // Going back takes reading, so it is a worker's; the head of the answer must not wait for it.
        return open(
                request,
                () -> since.isPresent() ? new Opened(agent.follow(agent.positionAt(since.get())), 0) : recent(agent),
                since,
                until,
                filters);
    }

    /** Who names an end alone is told the last events before as well: as many as Docker remembers. */
    private static Opened recent(Agent agent) throws IOException {
        Position lately = agent.positionAt(Instant.now().minus(LATELY));
        Position from =
                new Position(Math.max(lately.sequence(), agent.position().sequence() - REACH));
        long told = 0;
        Translator translator = new Translator();
        try (Follower follower = agent.follow(from)) {
            for (Optional<Moment> moment = follower.poll(); moment.isPresent(); moment = follower.poll()) {
                told += translator.translate(moment.get()).size();
            }
        }
        return new Opened(agent.follow(from), Math.max(0, told - REMEMBERED));
    }

    /** @param skip how many events are passed over first */
    private record Opened(Follower follower, long skip) {}

    private interface Opening {
        Opened open() throws IOException;
    }

    private static Answer open(
            Request request, Opening opening, Optional<Instant> since, Optional<Instant> until, Filters filters) {
        String type = request.version().atLeast(52) ? "application/jsonl" : Answer.JSON;
        if (since.isEmpty() && until.isEmpty()) {
            // Opened before the head goes out: who has the head misses nothing that comes after it.
            Opened opened;
            try {
                opened = opening.open();
            } catch (IOException e) {
                throw new Problem(500, "the journal cannot be read: " + e.getMessage());
            }
            return Answer.flow(type, outlet -> new Stream(request, opened, since, until, filters, outlet).begin());
        }
        return Answer.flow(
                type,
                outlet -> request.work(opening::open).whenComplete((opened, thrown) -> {
                    if (thrown != null) {
                        outlet.abort();
                    } else {
                        new Stream(request, opened, since, until, filters, outlet).begin();
                    }
                }));
    }

    /** One client's stream. */
    private static final class Stream {
        private static final int BATCH = 64 << 10;

        /** As many are told one after another before anybody who waits for the next batch is. */
        private static final int FEW = 4;

        private final Follower follower;
        private final Optional<Instant> since;
        private final Optional<Instant> until;
        private final Filters filters;
        private final Outlet outlet;
        private final Executor workers;
        private final ApiVersion version;
        private final Request request;
        private long skip;
        private final Translator translator = new Translator();
        private final AtomicBoolean over = new AtomicBoolean();
        private final AtomicInteger calls = new AtomicInteger();

        Stream(
                Request request,
                Opened opened,
                Optional<Instant> since,
                Optional<Instant> until,
                Filters filters,
                Outlet outlet) {
            this.request = request;
            this.follower = opened.follower();
            this.skip = opened.skip();
            this.since = since;
            this.until = until;
            this.filters = filters;
            this.outlet = outlet;
            this.workers = request.workers();
            this.version = request.version();
        }

        void begin() {
            LISTENERS.incrementAndGet();
            outlet.onGone(() -> {
                over.set(true);
                go();
            });
            until.ifPresent(end -> {
                Duration wait = Duration.between(Instant.now(), end);
                if (!wait.isNegative()) {
                    request.after(wait.plusMillis(50), this::go);
                }
            });
            go();
        }

        /** One turn at a time: a call that comes during a turn has the turn go round once more. */
        private void go() {
            if (calls.getAndIncrement() == 0) {
                workers.execute(this::turn);
            }
        }

        /** Something new is durable: where few listen they are told here and now, as waking somebody to do so takes longer. */
        private void more() {
            if (LISTENERS.get() > FEW) {
                go();
            } else if (calls.getAndIncrement() == 0) {
                turn();
            }
        }

        private void turn() {
            int seen;
            do {
                seen = calls.get();
                if (!tell()) {
                    follower.close();
                    LISTENERS.decrementAndGet();
                    return;
                }
            } while (!calls.compareAndSet(seen, 0));
        }

        /** Tells what there is; false when the stream is over. */
        private boolean tell() {
            if (over.get()) {
                return false;
            }
            ByteArrayOutputStream batch = new ByteArrayOutputStream();
            try {
                for (Optional<Moment> moment = follower.poll(); moment.isPresent(); moment = follower.poll()) {
                    Instant at = moment.get().at();
                    if (until.map(at::isAfter).orElse(false)) {
                        return end(batch);
                    }
                    for (EngineEvent event : translator.translate(moment.get())) {
                        if (skip > 0) {
                            skip--;
                        } else if (since.map(s -> !at.isBefore(s)).orElse(true)
                                && event.isKnownTo(version)
                                && Selection.takes(filters, event)) {
                            batch.writeBytes(Json.line(event.json(version)));
                        }
                    }
                    if (batch.size() > BATCH) {
                        if (!outlet.send(batch.toByteArray())) {
                            outlet.onWritable(this::go);
                            return true;
                        }
                        batch.reset();
                    }
                }
            } catch (IOException e) {
                outlet.abort();
                return false;
            }
            if (until.map(u -> !Instant.now().isBefore(u)).orElse(false)) {
                return end(batch);
            }
            if (batch.size() > 0 && !outlet.send(batch.toByteArray())) {
                outlet.onWritable(this::go);
                return true;
            }
            follower.onMore(this::more);
            return true;
        }

        private boolean end(ByteArrayOutputStream batch) {
            outlet.send(batch.toByteArray());
            outlet.end();
            over.set(true);
            return false;
        }
    }

    /** What a client's filters take. */
    private static final class Selection {
        /** Of these there are no events here, so who asks for one is told nothing. */
        private static final List<String> ELSEWHERE =
                List.of("config", "daemon", "node", "plugin", "secret", "service");

        private Selection() {}

        static boolean takes(Filters filters, EngineEvent event) {
            Map<String, String> attributes = event.attributes();
            return filters.any(
                            "event",
                            e -> event.action().equals(e) || event.action().startsWith(e + ":"))
                    && filters.any("type", t -> t.equals(event.type()))
                    && filters.any("scope", "local"::equals)
                    && filters.labels(attributes)
                    && filters.any(
                            "container", c -> event.type().equals("container") && is(event, c, attributes.get("name")))
                    && filters.any("volume", v -> event.type().equals("volume") && is(event, v, event.id()))
                    && filters.any(
                            "network", n -> event.type().equals("network") && is(event, n, attributes.get("name")))
                    && filters.any("image", i -> isOf(event, i))
                    && ELSEWHERE.stream().allMatch(kind -> filters.any(kind, wanted -> false));
        }

        /** The beginning of an id or of a name is enough. */
        private static boolean is(EngineEvent event, String wanted, @org.jspecify.annotations.Nullable String name) {
            String bare = wanted.startsWith("/") ? wanted.substring(1) : wanted;
            return event.id().startsWith(wanted) || name != null && name.startsWith(bare);
        }

        /** An image's name counts with its tag and without. */
        private static boolean isOf(EngineEvent event, String wanted) {
            String image = event.type().equals("image")
                    ? event.id()
                    : event.type().equals("container") ? event.attributes().getOrDefault("image", "") : "";
            String name = event.type().equals("image") ? event.attributes().getOrDefault("name", "") : image;
            return image.equals(wanted)
                    || name.equals(wanted)
                    || bare(image).equals(wanted)
                    || bare(name).equals(wanted);
        }

        private static String bare(String name) {
            try {
                return Reference.parse(name).repository().familiar();
            } catch (IllegalArgumentException e) {
                return name;
            }
        }
    }
}
