package dev.wharf.engine.journal;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Agent.JournalFacts;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Host;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.json.Times;
import java.io.IOException;
import java.time.Instant;
import java.util.Optional;

/** A place in the journal as a client writes it: a position, or a time. Exactly one of the two is there. */
record Place(Optional<Position> position, Optional<Instant> instant) {
    /** Whole numbers from here on are seconds since 1970, and below it positions: a journal gets there in no life of a host. */
    private static final long SECONDS = 1_000_000_000;

    /** Reads {@code 1041}, or a time: RFC 3339, seconds since 1970 such as {@code 1777631400}, or so long ago as {@code 10m}. */
    static Place parse(String parameter, String text) {
        try {
            boolean whole = text.chars().allMatch(c -> c >= '0' && c <= '9') && !text.isEmpty();
            if (whole && Long.parseLong(text) < SECONDS) {
                return new Place(Optional.of(new Position(Long.parseLong(text))), Optional.empty());
            }
            return new Place(Optional.empty(), Optional.of(Times.parse(text)));
        } catch (Problem | NumberFormatException e) {
            throw Problem.invalid(
                    "invalid value \"" + text + "\" of query parameter \"" + parameter
                            + "\": expected a position such as 1041, or a time such as 2026-05-01T10:30:00Z, 1777631400 or 10m");
        }
    }

    /** Refuses a place that is not written yet, or that was trimmed. */
    void mustLieWithin(JournalFacts journal) {
        mustLieWithin(journal.origin(), journal.end());
    }

    void mustLieWithin(Position origin, Position end) {
        position.ifPresent(p -> {
            if (p.isAfter(end)) {
                throw Problem.missing("position " + p + " is not written yet; the journal ends at " + end);
            }
            if (origin.isAfter(p)) {
                throw Problem.missing("position " + p + " was trimmed; the journal begins after " + origin);
            }
        });
    }

    Host hostOf(Agent agent) throws IOException {
        return position.isPresent() ? agent.hostAt(position.get()) : agent.hostAt(instant.orElseThrow());
    }

    /** Where to read on from, to see everything after the position or since the time. */
    Position positionOf(Agent agent) throws IOException {
        return position.isPresent() ? position.get() : agent.positionAt(instant.orElseThrow());
    }

    /** Whether something that happened then lies behind this place. */
    boolean isBefore(Position other, Instant at) {
        return position.map(other::isAfter).orElseGet(() -> at.isAfter(instant.orElseThrow()));
    }

    static Problem unreadable(IOException e) {
        return new Problem(500, "cannot read the journal: " + e.getMessage());
    }
}
