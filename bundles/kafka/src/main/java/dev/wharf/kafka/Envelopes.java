package dev.wharf.kafka;

import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.Position;
import dev.wharf.log.codec.InstantText;
import dev.wharf.model.Digest;
import io.cloudevents.core.builder.CloudEventBuilder;
import io.cloudevents.jackson.JsonFormat;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/**
 * Puts events into CloudEvents 1.0. The data is the event as the journal has it. The id is made of host and position, so an
 * event has the same one however often it is read; correlation, causation and actor are extensions.
 */
final class Envelopes {
    static final String TYPE = "dev.wharf.";
    static final String SCHEMA = "urn:dev.wharf:event:";

    private static final int MOST_HEADERS = 14;
    private static final int MOST_DIGITS = 19;

    private static final Header VERSION = header("ce_specversion", "1.0");
    private static final Header CONTENT = header("content-type", "application/json");

    private final String topic;
    private final String host;
    private final byte[] key;

    /** The host and a colon, and room for the numbers that ids have behind them. */
    private final byte[] place;

    private final int prefix;
    private final Header source;
    private final boolean structured;
    private final JsonFormat format = new JsonFormat();

    /** What is the same for all events of a type. */
    private record Kind(Header type, Header schema) {}

    private final Map<String, Kind> kinds = new HashMap<>();

    private Actor lastActor = Actor.WHARF;
    private Header lastActorHeader = header("ce_actor", actor(Actor.WHARF));

    /** The kinds as they are told, for lower case is made anew each time it is asked for. */
    private static final Map<Actor.Kind, String> ACTORS = Stream.of(Actor.Kind.values())
            .collect(Collectors.toMap(
                    kind -> kind,
                    kind -> kind.name().toLowerCase(Locale.ROOT) + ":",
                    (a, b) -> a,
                    () -> new EnumMap<>(Actor.Kind.class)));

    Envelopes(String topic, String host, boolean structured) {
        this.topic = topic;
        this.host = host;
        this.key = bytes(host);
        this.prefix = key.length + 1;
        this.place = Arrays.copyOf(key, prefix + 2 * MOST_DIGITS + 1);
        this.place[key.length] = ':';
        this.source = header("ce_source", "/hosts/" + host);
        this.structured = structured;
    }

    /**
     * @param type the name the event is stored under, and {@code version} of what shape
     * @param head the journal's head with this event's batch, on the first of each batch
     * @param missing the first position that was lost unpublished right before this event
     */
    ProducerRecord<byte[], byte[]> wrap(
            Moment moment, String type, int version, byte[] data, Optional<Digest> head, Optional<Position> missing) {
        return structured
                ? inValue(moment, type, version, data, head, missing)
                : inHeaders(moment, type, version, data, head, missing);
    }

    private String id(Moment moment) {
        return host + ":" + moment.position().sequence() + "." + moment.index();
    }

    private ProducerRecord<byte[], byte[]> inValue(
            Moment moment, String type, int version, byte[] data, Optional<Digest> head, Optional<Position> missing) {
        CloudEventBuilder event = CloudEventBuilder.v1()
                .withId(id(moment))
                .withSource(URI.create("/hosts/" + host))
                .withType(fullType(type, version))
                .withSubject(moment.event().subject().text())
                .withTime(moment.at().atOffset(ZoneOffset.UTC))
                .withDataContentType("application/json")
                .withDataSchema(URI.create(schema(type, version)))
                .withData(data)
                .withExtension("actor", actor(moment.cause().actor()));
        CommandId command = moment.cause().command();
        if (!command.equals(CommandId.NONE)) {
            event.withExtension("correlationid", command.value());
        }
        moment.cause().because().ifPresent(because -> event.withExtension("causationid", host + ":" + because));
        event.withExtension("sequence", moment.position().toString());
        head.ifPresent(h -> event.withExtension("chainhead", h.toString()));
        missing.ifPresent(m -> event.withExtension("missingfrom", m.toString()));
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, null, key, format.serialize(event.build()));
        record.headers().add("content-type", bytes(JsonFormat.CONTENT_TYPE));
        return record;
    }

    /** The usual way, and done for every event there ever was when a host was away for long: what repeats is made once. */
    private ProducerRecord<byte[], byte[]> inHeaders(
            Moment moment, String type, int version, byte[] data, Optional<Digest> head, Optional<Position> missing) {
        Kind kind = kinds.get(type);
        if (kind == null) {
            kind = new Kind(header("ce_type", fullType(type, version)), header("ce_dataschema", schema(type, version)));
            kinds.put(type, kind);
        }
        Header[] headers = new Header[MOST_HEADERS];
        int count = 0;
        headers[count++] = VERSION;
        int sequenceEnd = write(moment.position().sequence(), prefix);
        byte[] sequence = Arrays.copyOfRange(place, prefix, sequenceEnd);
        place[sequenceEnd] = '.';
        headers[count++] = new RecordHeader("ce_id", Arrays.copyOf(place, write(moment.index(), sequenceEnd + 1)));
        headers[count++] = source;
        headers[count++] = kind.type();
        headers[count++] = header("ce_subject", moment.event().subject().text());
        headers[count++] = new RecordHeader("ce_time", InstantText.bytes(moment.at()));
        headers[count++] = kind.schema();
        headers[count++] = CONTENT;
        headers[count++] = actorHeader(moment.cause().actor());
        Optional<Position> because = moment.cause().because();
        if (because.isPresent()) {
            headers[count++] = new RecordHeader(
                    "ce_causationid", Arrays.copyOf(place, write(because.get().sequence(), prefix)));
        }
        if (head.isPresent()) {
            headers[count++] = header("ce_chainhead", head.get().toString());
        }
        if (missing.isPresent()) {
            headers[count++] = header("ce_missingfrom", missing.get().toString());
        }
        String command = moment.cause().command().value();
        if (!command.equals(CommandId.NONE.value())) {
            headers[count++] = header("ce_correlationid", command);
        }
        headers[count++] = new RecordHeader("ce_sequence", sequence);
        return new EventRecord(topic, key, data, Arrays.copyOf(headers, count));
    }

    /** Writes a number behind what stands in {@link #place} already, and answers where it ends. */
    private int write(long number, int from) {
        int end = from + 1;
        for (long rest = number / 10; rest > 0; rest /= 10) {
            end++;
        }
        long rest = number;
        for (int i = end - 1; i >= from; i--) {
            place[i] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
        return end;
    }

    /** Mostly it is who it was before. */
    private Header actorHeader(Actor actor) {
        if (actor.kind() != lastActor.kind() || !actor.name().equals(lastActor.name())) {
            lastActor = actor;
            lastActorHeader = header("ce_actor", actor(actor));
        }
        return lastActorHeader;
    }

    private static String fullType(String type, int version) {
        return TYPE + type + ".v" + version;
    }

    private static String schema(String type, int version) {
        return SCHEMA + type + ":" + version;
    }

    private static String actor(Actor actor) {
        return ACTORS.get(actor.kind()) + actor.name();
    }

    private static Header header(String name, String value) {
        return new RecordHeader(name, bytes(value));
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
