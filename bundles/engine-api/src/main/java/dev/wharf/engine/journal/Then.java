package dev.wharf.engine.journal;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Follower;
import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Host;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.json.Json;
import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/** The host at a moment, which may be now. */
record Then(Host host, Position position, Instant at) {
    /** The moment that a query parameter names, now where there is none; may take a while. */
    static Then of(Agent agent, Request request, String parameter) throws IOException {
        Optional<String> text = request.query().value(parameter);
        return text.isEmpty() ? now(agent) : of(agent, Place.parse(parameter, text.get()));
    }

    static Then now(Agent agent) {
        while (true) {
            Position before = agent.position();
            Host host = agent.host();
            if (before.equals(agent.position())) return new Then(host, before, Instant.now());
        }
    }

    static Then of(Agent agent, Place place) throws IOException {
        place.mustLieWithin(agent.journal());
        Optional<Instant> first = timeAfter(agent, agent.journal().origin());
        if (place.instant().isPresent()
                && first.isPresent()
                && place.instant().get().isBefore(first.get())) {
            throw Problem.missing("the journal begins at " + first.get() + ", after "
                    + place.instant().get());
        }
        if (place.instant().isPresent()) mustHaveCome(agent, place.instant().get());
        Host host = place.hostOf(agent);
        Position position = place.positionOf(agent);
        Instant at = place.instant().isPresent()
                ? place.instant().get()
                : timeAfter(agent, new Position(Math.max(0, position.sequence() - 1)))
                        .orElseGet(Instant::now);
        return new Then(host, position, at);
    }

    /** What is to come nobody knows; where the clock was set back, what the journal ends with has been all the same. */
    private static void mustHaveCome(Agent agent, Instant at) throws IOException {
        Instant now = Instant.now();
        if (!at.isAfter(now)) return;
        Position end = agent.journal().end();
        Optional<Instant> last = timeAfter(agent, new Position(Math.max(0, end.sequence() - 1)));
        if (last.isEmpty() || at.isAfter(last.get())) {
            throw Problem.missing(at + " is still to come; it is " + now.truncatedTo(ChronoUnit.SECONDS) + " now");
        }
    }

    /** When the batch after a position was written. */
    private static Optional<Instant> timeAfter(Agent agent, Position position) throws IOException {
        try (Follower follower = agent.follow(position)) {
            return follower.poll().map(Moment::at);
        }
    }

    ObjectNode describe() {
        return Json.object().put("position", position.sequence()).put("at", at.toString());
    }
}
