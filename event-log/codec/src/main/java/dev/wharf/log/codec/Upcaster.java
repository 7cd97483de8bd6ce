package dev.wharf.log.codec;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * Turns the data of one event type from one version into the next, on the JSON tree; upcasters chain, so only the newest
 * shape is Java.
 *
 * @param type the stored type name, such as {@code container.started}
 * @param from the version it reads; it answers with version {@code from + 1}
 */
public record Upcaster(String type, int from, UnaryOperator<ObjectNode> change) {
    /** Every upcaster there is. One is added with each raised version, and none is ever removed. */
    static final List<Upcaster> ALL = List.of();
}
