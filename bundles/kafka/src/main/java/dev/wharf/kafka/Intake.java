package dev.wharf.kafka;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.journal.Position;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Which commands have their answer: of each partition all before an offset, and some behind it, for a command that takes its
 * time does not keep the next one from its answer.
 *
 * @param since nothing that an unanswered command did lies at or before this position of the journal
 */
record Intake(Map<Integer, Taken> partitions, Position since) {
    static final Intake NOTHING = new Intake(Map.of(), Position.START);

    /** Of one partition: everything before {@code next} is answered, and so is {@code beyond}. */
    record Taken(long next, Set<Long> beyond) {
        Taken {
            beyond = Set.copyOf(beyond);
        }

        boolean has(long offset) {
            return offset < next || beyond.contains(offset);
        }

        /** The same with one more answered. */
        Taken and(long offset) {
            TreeSet<Long> done = new TreeSet<>(beyond);
            done.add(offset);
            return new Taken(next, done);
        }

        /** With everything before {@code offset} answered or none of ours. */
        Taken upTo(long offset) {
            TreeSet<Long> left = new TreeSet<>(beyond);
            left.removeIf(o -> o < offset);
            return new Taken(Math.max(next, offset), left);
        }
    }

    Intake {
        partitions = Map.copyOf(partitions);
    }

    Taken of(int partition) {
        return partitions.getOrDefault(partition, new Taken(0, Set.of()));
    }

    Intake with(int partition, Taken taken) {
        Map<Integer, Taken> all = new TreeMap<>(partitions);
        all.put(partition, taken);
        return new Intake(all, since);
    }

    Intake since(Position position) {
        return new Intake(partitions, position);
    }

    ObjectNode json(ObjectMapper json) {
        ObjectNode node = json.createObjectNode().put("since", since.sequence());
        ObjectNode all = node.putObject("partitions");
        new TreeMap<>(partitions).forEach((partition, taken) -> {
            ObjectNode one = all.putObject(Integer.toString(partition)).put("next", taken.next());
            if (!taken.beyond().isEmpty()) {
                ArrayNode beyond = one.putArray("beyond");
                new TreeSet<>(taken.beyond()).forEach(beyond::add);
            }
        });
        return node;
    }

    static Intake of(JsonNode node) {
        Map<Integer, Taken> all = new TreeMap<>();
        node.path("partitions").fields().forEachRemaining(field -> {
            Set<Long> beyond = new TreeSet<>();
            field.getValue().path("beyond").forEach(o -> beyond.add(o.asLong()));
            all.put(
                    Integer.parseInt(field.getKey()),
                    new Taken(field.getValue().path("next").asLong(), beyond));
        });
        return new Intake(all, new Position(node.path("since").asLong()));
    }
}
