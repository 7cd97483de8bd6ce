package dev.wharf.engine.journal;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Follower;
import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Host;
import dev.wharf.core.story.Names;
import dev.wharf.engine.http.Outlet;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Query;
import dev.wharf.model.SubjectId;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A part of the journal on its way to a client. It holds no thread while it waits, for the journal or for the client: each
 * goes on with a short task on a worker, and there is never more than one.
 */
final class Excerpt {
    private static final Logger LOG = LoggerFactory.getLogger(Excerpt.class);

    private static final int MOST_LAST = 100_000;

    /** After so many events a task makes room for others. */
    private static final int AT_ONCE = 256;

    /**
     * Which part.
     *
     * @param last only so many batches before the end, or before {@code until}; with a subject or a search, so many events of those
     * @param heads of each batch only where it lies and the journal's head there
     * @param search what is told of an event must hold each of these words, in whatever case
     * @param bare whether what is stored of an event, which may hold secrets, is left out
     */
    record Wish(
            Optional<Place> from,
            Optional<Place> until,
            Optional<Integer> last,
            boolean follow,
            String subject,
            boolean heads,
            List<String> search,
            boolean bare) {
        static Wish of(Query query) {
            Optional<Integer> last = query.number("last").map(Wish::last);
            Optional<Place> from = query.value("from").map(text -> Place.parse("from", text));
            if (last.isPresent() && from.isPresent()) {
                throw Problem.invalid("the query parameters \"from\" and \"last\" exclude each other");
            }
            return new Wish(
                    from,
                    query.value("until").map(text -> Place.parse("until", text)),
                    last,
                    query.flag("follow", false),
                    query.text("subject"),
                    query.flag("heads", false),
                    Arrays.stream(query.text("search").toLowerCase(Locale.ROOT).split("\\s+"))
                            .filter(word -> !word.isEmpty())
                            .toList(),
                    !query.flag("data", true));
        }

        /** Whether it has to be asked of each event whether it is meant. */
        boolean isChoosy() {
            return !subject.isEmpty() || !search.isEmpty();
        }

        private static int last(long number) {
            if (number < 0 || number > MOST_LAST) {
                throw Problem.invalid(
                        "invalid value \"" + number + "\" of query parameter \"last\": expected 0 to " + MOST_LAST);
            }
            return (int) number;
        }
    }

    private final Wish wish;
    private final Lines lines;
    private final Follower follower;
    private final Set<SubjectId> subjects;

    /** Where the journal ended when the client asked: from there on there is more only for those who follow. */
    private final Position end;

    /** The last events of a subject, held back until the end is reached and it is known which they are. */
    private final Deque<Moment> held = new ArrayDeque<>();

    private final int holding;

    private Excerpt(Wish wish, Lines lines, Follower follower, Set<SubjectId> subjects, Position end) {
        this.wish = wish;
        this.lines = lines;
        this.follower = follower;
        this.subjects = subjects;
        this.end = end;
        this.holding = wish.isChoosy() ? wish.last().orElse(0) : 0;
    }

    /** Finds where it begins; may take a while. */
    static Excerpt open(Agent agent, Wish wish, Lines lines) {
        try {
            Host host = agent.host();
            Position end = agent.journal().durable();
            Follower follower = agent.follow(start(agent, wish, end));
            return new Excerpt(wish, lines, follower, new HashSet<>(Names.find(wish.subject(), host)), end);
        } catch (IOException e) {
            throw Place.unreadable(e);
        }
    }

    private static Position start(Agent agent, Wish wish, Position end) throws IOException {
        Position origin = agent.journal().origin();
        Position wished = Position.START;
        if (wish.from().isPresent()) {
            wished = wish.from().get().positionOf(agent);
        } else if (wish.last().isPresent() && !wish.isChoosy()) {
            Position last = wish.until().isPresent() ? wish.until().get().positionOf(agent) : end;
            wished = new Position(Math.max(
                    0, Math.min(last.sequence(), end.sequence()) - wish.last().get()));
        }
        return origin.isAfter(wished) ? origin : wished;
    }

    /** Sends everything to its end, which for a client that follows is its own. Call once. */
    void sendTo(Outlet outlet, Executor workers) {
        Pump pump = new Pump(outlet, workers);
        // A client that has gone must not keep its follower until the next event.
        outlet.onGone(pump);
        pump.run();
    }

    /** Moves events while it can. Anybody may wake it, at any time; it runs on one worker at a time. */
    private final class Pump implements Runnable {
        private final Outlet outlet;
        private final Executor workers;
        private final AtomicInteger calls = new AtomicInteger();
        private boolean over;

        Pump(Outlet outlet, Executor workers) {
            this.outlet = outlet;
            this.workers = workers;
        }

        /** Wakes it. */
        @Override
        public void run() {
            if (calls.getAndIncrement() == 0) hand();
        }

        private void hand() {
            try {
                workers.execute(this::work);
            } catch (RuntimeException e) {
                // Too much is waiting. Nobody else runs here, for a call is still counted.
                stop();
            }
        }

        private void work() {
            int answered = calls.get();
            if (!over) {
                try {
                    move();
                } catch (IOException | RuntimeException e) {
                    LOG.warn("journal excerpt broken off reason={}", e.toString());
                    stop();
                }
            }
            if (calls.addAndGet(-answered) > 0) hand();
        }

        private void move() throws IOException {
            for (int moved = 0; moved < AT_ONCE; moved++) {
                if (outlet.isGone()) {
                    close();
                    return;
                }
                Optional<Moment> next = follower.poll();
                if (next.isEmpty() && wish.follow()) {
                    release(outlet);
                    follower.onMore(this);
                    return;
                }
                if (next.isEmpty() || isBeyond(next.get())) {
                    release(outlet);
                    close();
                    outlet.end();
                    return;
                }
                if (!take(next.get(), outlet)) {
                    outlet.onWritable(this);
                    return;
                }
            }
            run();
        }

        private void close() {
            over = true;
            follower.close();
        }

        private void stop() {
            close();
            outlet.abort();
        }
    }

    private boolean isBeyond(Moment moment) {
        boolean behind = wish.until()
                .map(place -> place.isBefore(moment.position(), moment.at()))
                .orElse(false);
        return behind || !wish.follow() && moment.position().isAfter(end);
    }

    /** Sends a moment if it is wished for; false asks to wait for the client. */
    private boolean take(Moment moment, Outlet outlet) throws IOException {
        if (wish.heads()) return moment.index() > 0 || outlet.send(lines.head(moment, follower.head()));
        if (!isWished(moment)) return true;
        if (holding > 0 && !moment.position().isAfter(end)) {
            held.add(moment);
            if (held.size() > holding) held.remove();
            return true;
        }
        release(outlet);
        return outlet.send(lines.line(moment, wish.bare()));
    }

    private void release(Outlet outlet) throws IOException {
        while (!held.isEmpty()) outlet.send(lines.line(held.remove(), wish.bare()));
    }

    private boolean isWished(Moment moment) {
        return isOfSubject(moment) && (wish.search().isEmpty() || Lines.tells(moment, wish.search()));
    }

    private boolean isOfSubject(Moment moment) {
        if (wish.subject().isEmpty()) return true;
        SubjectId subject = moment.event().subject();
        return subjects.contains(subject)
                || subject.text().equals(wish.subject())
                || Names.of(subject, moment.after()).equals(wish.subject())
                || Names.of(subject, moment.before()).equals(wish.subject());
    }
}
