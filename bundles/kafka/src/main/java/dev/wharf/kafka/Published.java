package dev.wharf.kafka;

import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import dev.wharf.log.codec.InstantText;
import dev.wharf.model.Digest;
import io.cloudevents.CloudEvent;
import io.cloudevents.CloudEventData;
import io.cloudevents.jackson.JsonFormat;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.KafkaException;

/**
 * An event as it lies on the topic, in either mode of CloudEvents.
 *
 * @param type with its prefix and version, such as {@code dev.wharf.container.started.v2}
 * @param actor such as {@code kafka:ops}
 * @param missing the first position that was lost before it could be published, where this event comes after such a gap
 * @param head the journal's head with this event's batch, on the first of each batch
 * @param data the event as the codec reads it
 */
record Published(
        String host,
        Position position,
        int index,
        Instant at,
        String type,
        String subject,
        String actor,
        CommandId command,
        Optional<Position> because,
        Optional<Position> missing,
        Optional<Digest> head,
        byte[] data) {

    private static final JsonFormat STRUCTURED = new JsonFormat();

    static Published of(ConsumerRecord<byte[], byte[]> record) {
        try {
            if (text(record, "content-type").startsWith(JsonFormat.CONTENT_TYPE)) {
                CloudEvent event = STRUCTURED.deserialize(record.value());
                CloudEventData data = event.getData();
                return of(name -> attribute(event, name), data == null ? new byte[0] : data.toBytes());
            }
            return of(name -> text(record, "ce_" + name), record.value());
        } catch (RuntimeException e) {
            throw new KafkaException(
                    "what lies at " + record.topic() + "-" + record.partition() + "@" + record.offset()
                            + " is no event of Wharf's: " + e.getMessage(),
                    e);
        }
    }

    private static String attribute(CloudEvent event, String name) {
        Object value = event.getAttributeNames().contains(name) ? event.getAttribute(name) : event.getExtension(name);
        if (value instanceof OffsetDateTime time) {
            return time.toInstant().toString();
        }
        return value == null ? "" : value.toString();
    }

    private static Published of(Function<String, String> attribute, byte[] data) {
        String id = attribute.apply("id");
        int colon = id.lastIndexOf(':');
        int dot = id.lastIndexOf('.');
        String command = attribute.apply("correlationid");
        String because = attribute.apply("causationid");
        String missing = attribute.apply("missingfrom");
        String head = attribute.apply("chainhead");
        return new Published(
                id.substring(0, colon),
                new Position(Long.parseLong(id.substring(colon + 1, dot))),
                Integer.parseInt(id.substring(dot + 1)),
                InstantText.parse(attribute.apply("time")),
                attribute.apply("type"),
                attribute.apply("subject"),
                attribute.apply("actor"),
                command.isEmpty() ? CommandId.NONE : new CommandId(command),
                because.isEmpty()
                        ? Optional.empty()
                        : Optional.of(new Position(Long.parseLong(because.substring(because.lastIndexOf(':') + 1)))),
                missing.isEmpty() ? Optional.empty() : Optional.of(new Position(Long.parseLong(missing))),
                head.isEmpty() ? Optional.empty() : Optional.of(Digest.parse(head)),
                data);
    }

    static String text(ConsumerRecord<byte[], byte[]> record, String header) {
        var found = record.headers().lastHeader(header);
        return found == null ? "" : new String(found.value(), StandardCharsets.UTF_8);
    }

    String id() {
        return host + ":" + position + "." + index;
    }

    /** The cause as the journal has it, but for details of the actor, which stay at home. */
    Cause cause() {
        int colon = actor.indexOf(':');
        return new Cause(
                command,
                because,
                colon < 0
                        ? Actor.WHARF
                        : new Actor(
                                Actor.Kind.valueOf(actor.substring(0, colon).toUpperCase(Locale.ROOT)),
                                actor.substring(colon + 1),
                                Map.of()));
    }
}
