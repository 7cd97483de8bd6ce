package dev.wharf.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.event.Event;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Entry;
import dev.wharf.core.journal.Position;
import dev.wharf.log.codec.EventCodec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** What a consumer finds on the topics, and how it compares with the journal. */
final class Topics {
    private Topics() {}

    static Settings settings(String brokers, String prefix, Map<String, String> more) {
        Map<String, String> all = new TreeMap<>(more);
        all.putIfAbsent("bootstrap.servers", brokers);
        all.put("topics.prefix", prefix);
        all.putIfAbsent("topics.partitions", "3");
        return Settings.of(all);
    }

    static List<ConsumerRecord<byte[], byte[]>> read(Settings settings, String topic) throws Exception {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        try (Connection connection = new Connection(settings, "reader")) {
            connection.read(topic, Long.MAX_VALUE, records::add);
        }
        return records;
    }

    static String header(ConsumerRecord<byte[], byte[]> record, String name) {
        return record.headers().lastHeader(name) == null
                ? ""
                : new String(record.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
    }

    static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** One line for each event: id, head where a batch begins, and the event's bytes. */
    static List<String> published(Settings settings) throws Exception {
        List<String> lines = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : read(settings, "events")) {
            lines.add(header(record, "ce_id") + " " + header(record, "ce_chainhead") + " " + text(record.value()));
        }
        return lines;
    }

    static List<String> journaled(EventJournal journal, String host) throws IOException {
        EventCodec codec = new EventCodec();
        List<String> lines = new ArrayList<>();
        try (EventJournal.Reader reader = journal.open(Position.START)) {
            for (Optional<Entry> entry = reader.poll(); entry.isPresent(); entry = reader.poll()) {
                List<Event> events = entry.get().batch().events();
                if (entry.get().batch().isCheckpoint()) {
                    continue;
                }
                for (int i = 0; i < events.size(); i++) {
                    lines.add(host + ":" + entry.get().position() + "." + i + " " + (i == 0 ? reader.head() : "") + " "
                            + text(codec.encode(events.get(i))));
                }
            }
        }
        return lines;
    }

    static void await(BooleanSupplier so) throws InterruptedException {
        long end = System.nanoTime() + 60_000_000_000L;
        while (!so.getAsBoolean()) {
            assertThat(System.nanoTime()).as("in time").isLessThan(end);
            Thread.sleep(5);
        }
    }
}
