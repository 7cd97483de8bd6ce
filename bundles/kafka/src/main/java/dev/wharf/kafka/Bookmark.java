package dev.wharf.kafka;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.journal.Position;
import dev.wharf.model.Digest;
import java.io.IOException;
import java.util.Optional;

/**
 * How far a host's journal is on the topics. It is written in the transaction that brings what it speaks of, so the broker, not
 * the agent, knows where to go on.
 *
 * @param number counts the bookmarks of a host, so that the newest is known whatever partition it lies in
 * @param position the last batch of the journal that is on the topics, or was left out as a checkpoint
 * @param head the journal's head at that position; empty before the first batch
 * @param behind whether something was lost before it could be published, and the checkpoint that makes up for it is not on the
 *     topics yet
 * @param stale whether states may still lie there of what went meanwhile
 * @param session the publisher that wrote it, one for each time an agent starts one
 */
record Bookmark(
        long number,
        Position position,
        Optional<Digest> head,
        boolean behind,
        boolean stale,
        String session,
        Intake intake) {
    /** What stands before the first bookmark of a host. */
    static final Bookmark NONE = new Bookmark(0, Position.START, Optional.empty(), false, false, "", Intake.NOTHING);

    private static final ObjectMapper JSON = new ObjectMapper();

    Bookmark next(String writer, Intake taken) {
        return new Bookmark(number + 1, position, head, behind, stale, writer, taken);
    }

    /** The same one further on, not yet written. */
    Bookmark moved(Position at, Digest headThere, boolean isBehind) {
        return new Bookmark(number, at, Optional.of(headThere), isBehind, stale, session, intake);
    }

    Bookmark stale(boolean isStale) {
        return new Bookmark(number, position, head, behind, isStale, session, intake);
    }

    byte[] encode() throws IOException {
        ObjectNode node = JSON.createObjectNode()
                .put("number", number)
                .put("position", position.sequence())
                .put("head", head.map(Digest::toString).orElse(""))
                .put("session", session);
        if (behind) {
            node.put("behind", true);
        }
        if (stale) {
            node.put("stale", true);
        }
        node.set("intake", intake.json(JSON));
        return JSON.writeValueAsBytes(node);
    }

    static Bookmark decode(byte[] text) throws IOException {
        JsonNode node = JSON.readTree(text);
        String head = node.path("head").asText("");
        return new Bookmark(
                node.path("number").asLong(),
                new Position(node.path("position").asLong()),
                head.isEmpty() ? Optional.empty() : Optional.of(Digest.parse(head)),
                node.path("behind").asBoolean(),
                node.path("stale").asBoolean(),
                node.path("session").asText(""),
                Intake.of(node.path("intake")));
    }
}
