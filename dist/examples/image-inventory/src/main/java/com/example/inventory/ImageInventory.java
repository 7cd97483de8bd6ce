package com.example.inventory;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.Stores;

/**
 * Keeps which hosts of a fleet run which image, and since when. It reads {@code wharf.state}, where the newest state of each
 * container lies, and writes {@code wharf.images}: key the image as it was asked for, value {@link Inventory} as JSON, nothing
 * once no host runs it.
 */
public final class ImageInventory {
    private ImageInventory() {}

    /** From the states of all subjects to the inventory; {@code prefix} is what the names of the topics begin with. */
    static Topology topology(String prefix) {
        StreamsBuilder builder = new StreamsBuilder();
        builder.table(
                        prefix + ".state",
                        Consumed.with(Serdes.String(), Serdes.ByteArray()),
                        Materialized.as(Stores.inMemoryKeyValueStore("states")))
                // A container that does not run counts as gone, and so does every other kind of subject.
                .mapValues((key, state) -> Running.of(key, state).orElse(null))
                .groupBy(
                        (key, running) -> KeyValue.pair(running.image(), running),
                        Grouped.with(Serdes.String(), Json.serde(Running.class)))
                .aggregate(
                        Inventory::empty,
                        (image, running, inventory) -> inventory.with(running),
                        (image, running, inventory) -> inventory.without(running),
                        Materialized.<String, Inventory>as(Stores.inMemoryKeyValueStore("inventory"))
                                .withKeySerde(Serdes.String())
                                .withValueSerde(Json.serde(Inventory.class)))
                .toStream()
                .mapValues(inventory -> inventory.hosts().isEmpty() ? null : inventory)
                .peek((image, inventory) -> System.out.println(image + "  "
                        + Optional.ofNullable(inventory).map(Inventory::inWords).orElse("on no host")))
                .to(prefix + ".images", Produced.with(Serdes.String(), Json.serde(Inventory.class)));
        return builder.build();
    }

    public static void main(String[] words) throws IOException, InterruptedException, ExecutionException {
        if (words.length < 1 || words.length > 2) {
            System.err.println("""
                    Usage: java -jar image-inventory.jar CLIENT.properties [PREFIX]

                    CLIENT.properties is what any client of Kafka has, bootstrap.servers at least. PREFIX is what the names
                    of Wharf's topics begin with (wharf).
                    """);
            System.exit(2);
        }
        Properties settings = new Properties();
        try (Reader file = Files.newBufferedReader(Path.of(words[0]), StandardCharsets.UTF_8)) {
            settings.load(file);
        }
        String prefix = words.length > 1 ? words[1] : "wharf";
        make(settings, prefix + ".images");
        settings.putIfAbsent(StreamsConfig.APPLICATION_ID_CONFIG, prefix + "-image-inventory");
        // Reads what is committed, and writes each change once.
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        KafkaStreams streams = new KafkaStreams(topology(prefix), settings);
        CountDownLatch over = new CountDownLatch(1);
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.ERROR) {
                over.countDown();
            }
        });
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
        over.await();
        System.exit(1);
    }

    private static void make(Properties settings, String topic) throws InterruptedException, ExecutionException {
        try (Admin admin = Admin.create(settings)) {
            admin.createTopics(List.of(new NewTopic(topic, Optional.empty(), Optional.empty())
                            .configs(Map.of("cleanup.policy", "compact"))))
                    .all()
                    .get();
        } catch (ExecutionException e) {
            if (!(e.getCause() instanceof TopicExistsException)) {
                throw e;
            }
        }
    }
}
