package dev.wharf.kafka;

import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.model.Digest;
import io.cloudevents.core.builder.CloudEventBuilder;
import io.cloudevents.jackson.JsonFormat;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Headers;

/**
 * Puts events into CloudEvents 1.0. The data is the event as the journal has it. The id is made of host and position, so an
 * event has the same one however often it is read; correlation, causation and actor are extensions.
 */
final class Envelopes {
    static final String TYPE = "dev.wharf.";
    static final String SCHEMA = "urn:dev.wharf:event:";

    private final String topic;
    private final String host;
    private final byte[] key;
    private final byte[] source;
    private final boolean structured;
    private final JsonFormat format = new JsonFormat();

    private static final byte[] VERSION = bytes("1.0");
    private static final byte[] CONTENT = bytes("application/json");

    Envelopes(String topic, String host, boolean structured) {
        this.topic = topic;
        this.host = host;
        this.key = bytes(host);
        this.source = bytes("/hosts/" + host);
        this.structured = structured;
    }

    /**
     * @param type the name the event is stored under, and {@code version} of what shape
     * @param head the journal's head with this event's batch, on the first of each batch
     */
    ProducerRecord<byte[], byte[]> wrap(Moment moment, String type, int version, byte[] data, Optional<Digest> head) {
        Map<String, String> extensions = extensions(moment, head);
        String id = host + ":" + moment.position() + "." + moment.index();
        String fullType = TYPE + type + ".v" + version;
        String schema = SCHEMA + type + ":" + version;
        if (structured) {
            CloudEventBuilder event = CloudEventBuilder.v1()
                    .withId(id)
                    .withSource(URI.create("/hosts/" + host))
                    .withType(fullType)
                    .withSubject(moment.event().subject().text())
                    .withTime(moment.at().atOffset(ZoneOffset.UTC))
                    .withDataContentType("application/json")
                    .withDataSchema(URI.create(schema))
                    .withData(data);
            extensions.forEach(event::withExtension);
            ProducerRecord<byte[], byte[]> record =
                    new ProducerRecord<>(topic, null, key, format.serialize(event.build()));
            record.headers().add("content-type", bytes(JsonFormat.CONTENT_TYPE));
            return record;
        }
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, null, key, data);
        Headers headers = record.headers();
        headers.add("ce_specversion", VERSION)
                .add("ce_id", bytes(id))
                .add("ce_source", source)
                .add("ce_type", bytes(fullType))
                .add("ce_subject", bytes(moment.event().subject().text()))
                .add("ce_time", bytes(moment.at().toString()))
                .add("ce_dataschema", bytes(schema))
                .add("content-type", CONTENT);
        extensions.forEach((name, value) -> headers.add("ce_" + name, bytes(value)));
        return record;
    }

    private Map<String, String> extensions(Moment moment, Optional<Digest> head) {
        Map<String, String> extensions = new TreeMap<>();
        extensions.put("sequence", moment.position().toString());
        CommandId command = moment.cause().command();
        if (!command.equals(CommandId.NONE)) {
            extensions.put("correlationid", command.value());
        }
        moment.cause().because().ifPresent(because -> extensions.put("causationid", host + ":" + because));
        extensions.put("actor", actor(moment.cause().actor()));
        head.ifPresent(h -> extensions.put("chainhead", h.toString()));
        return extensions;
    }

    private static String actor(Actor actor) {
        return actor.kind().name().toLowerCase(java.util.Locale.ROOT) + ":" + actor.name();
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
