package dev.wharf.kafka;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The clients of one life of the publisher, and what is asked of the brokers besides. */
final class Connection implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Connection.class);

    static final Duration PATIENCE = Duration.ofSeconds(20);

    /** Longer than any transaction may stay open, for until it ends nothing behind it is shown. */
    private static final Duration LONG_PATIENCE = Duration.ofSeconds(90);

    /** A bookmark of a host that publishes is hardly ever further from the end than this. */
    private static final long NEAR = 500;

    private static final int READ = 500;

    /** Whoever publishes looks what keeps it from reading on, when it came no further for so long. */
    private static final Duration STUCK = Duration.ofSeconds(5);

    private static final List<String> WRITTEN =
            List.of("events", "state", "positions", "hosts", "results", "commands.dlq");

    private final Settings settings;
    private final ClientSettings clients;
    private final String host;
    private final Admin admin;
    private Optional<KafkaProducer<byte[], byte[]>> producer = Optional.empty();
    private boolean mayLook = true;

    Connection(Settings settings, String host) throws IOException {
        this.settings = settings;
        this.host = host;
        this.clients = new ClientSettings(settings, host);
        this.admin = Admin.create(clients.admin());
    }

    /** Makes the topics that are missing, if that is for us to do. */
    void makeTopics(boolean commands) throws InterruptedException {
        List<NewTopic> wanted = new ArrayList<>();
        Map<String, String> large = Map.of("max.message.bytes", Integer.toString(ClientSettings.MAX_RECORD_BYTES));
        wanted.add(topic("events", settings.partitions(), large));
        wanted.add(topic("state", settings.partitions(), compacted(large)));
        Map<String, String> small = new HashMap<>(compacted(Map.of()));
        // Only the newest of each host counts, and finding it means reading what was not compacted yet.
        small.put("segment.ms", "600000");
        small.put("segment.bytes", Integer.toString(16 << 20));
        wanted.add(topic("positions", 1, small));
        if (commands) {
            wanted.add(topic("commands", settings.partitions(), Map.of()));
            wanted.add(topic("results", settings.partitions(), large));
            wanted.add(topic("commands.dlq", 1, large));
        }
        if (settings.membership().desired()) {
            // One partition, so that documents have one order.
            wanted.add(topic("desired", 1, compacted(large)));
        }
        if (settings.membership().desired() || settings.membership().overlay().isPresent()) {
            wanted.add(topic("hosts", 1, compacted(Map.of())));
        }
        Set<String> there = await(admin.listTopics().names());
        wanted.removeIf(t -> there.contains(t.name()));
        if (wanted.isEmpty()) {
            return;
        }
        if (!settings.createTopics()) {
            throw new KafkaException("topics are missing and topics.create is off: "
                    + wanted.stream().map(NewTopic::name).toList());
        }
        for (Map.Entry<String, org.apache.kafka.common.KafkaFuture<Void>> made :
                admin.createTopics(wanted).values().entrySet()) {
            try {
                await(made.getValue());
                log.info("topic made name={}", made.getKey());
            } catch (TopicExistsException e) {
                // Another host was faster.
            }
        }
    }

    private NewTopic topic(String name, int partitions, Map<String, String> configuration) {
        return new NewTopic(settings.topic(name), partitions, settings.replication()).configs(configuration);
    }

    private static Map<String, String> compacted(Map<String, String> also) {
        Map<String, String> configuration = new HashMap<>(also);
        configuration.put("cleanup.policy", "compact");
        return configuration;
    }

    static <T> T await(org.apache.kafka.common.KafkaFuture<T> future) throws InterruptedException {
        try {
            return future.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof KafkaException known ? known : new KafkaException(e.getCause());
        } catch (TimeoutException e) {
            throw new org.apache.kafka.common.errors.TimeoutException("the brokers do not answer");
        }
    }

    /** From now on nobody else writes as this host; a transaction that an earlier life left open is ended. */
    KafkaProducer<byte[], byte[]> open() throws IOException {
        KafkaProducer<byte[], byte[]> made =
                new KafkaProducer<>(clients.producer(), new ByteArraySerializer(), new ByteArraySerializer());
        producer = Optional.of(made);
        made.initTransactions();
        return made;
    }

    KafkaConsumer<byte[], byte[]> consumer(int most) throws IOException {
        Map<String, Object> to = clients.consumer();
        to.put("max.poll.records", Integer.toString(most));
        return new KafkaConsumer<>(to, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** The newest bookmark of this host, {@link Bookmark#NONE} where it never published. */
    Bookmark bookmark() throws IOException, InterruptedException {
        byte[] key = Envelopes.bytes(host);
        List<Bookmark> found = new ArrayList<>();
        for (long reach : new long[] {NEAR, Long.MAX_VALUE}) {
            read("positions", reach, record -> {
                if (Arrays.equals(key, record.key()) && record.value() != null) {
                    try {
                        found.add(Bookmark.decode(record.value()));
                    } catch (IOException e) {
                        throw new KafkaException("a position of this host cannot be read at " + record.offset(), e);
                    }
                }
            });
            Optional<Bookmark> newest = found.stream().max(java.util.Comparator.comparingLong(Bookmark::number));
            if (newest.isPresent()) {
                return newest.get();
            }
        }
        return Bookmark.NONE;
    }

    /** The keys of this host that the topic of states holds something for. */
    Set<String> states() throws IOException, InterruptedException {
        String prefix = host + "/";
        Set<String> keys = new HashSet<>();
        read("state", Long.MAX_VALUE, record -> {
            String key = record.key() == null ? "" : new String(record.key(), java.nio.charset.StandardCharsets.UTF_8);
            if (key.startsWith(prefix)) {
                if (record.value() == null) {
                    keys.remove(key);
                } else {
                    keys.add(key);
                }
            }
        });
        return keys;
    }

    /**
     * Reads what is committed now in every partition of a topic, at most {@code reach} offsets back. What another host has in an
     * open transaction hides what comes after it, so its end is waited for.
     */
    void read(String name, long reach, Consumer<ConsumerRecord<byte[], byte[]>> reader)
            throws IOException, InterruptedException {
        read(name, reach, (done, total) -> {}, reader);
    }

    /** Hears how far a reading is, in records. */
    interface Progress {
        void at(long done, long total);
    }

    /** The same, telling how far it is. */
    void read(String name, long reach, Progress progress, Consumer<ConsumerRecord<byte[], byte[]>> reader)
            throws IOException, InterruptedException {
        KafkaConsumer<byte[], byte[]> consumer = consumer(READ);
        try {
            List<TopicPartition> partitions = partitions(consumer, name);
            Map<TopicPartition, Long> ends = ends(partitions);
            Map<TopicPartition, Long> starts = consumer.beginningOffsets(partitions, PATIENCE);
            consumer.assign(partitions);
            long total = 0;
            for (TopicPartition partition : partitions) {
                long end = ends.getOrDefault(partition, 0L);
                long from = Math.max(starts.getOrDefault(partition, 0L), end - Math.min(reach, end));
                consumer.seek(partition, from);
                total += Math.max(0, end - from);
            }
            Map<TopicPartition, Long> left = new HashMap<>();
            partitions.forEach(p -> left.put(p, consumer.position(p, PATIENCE)));
            long deadline = System.nanoTime() + LONG_PATIENCE.toNanos();
            long look = System.nanoTime() + STUCK.toNanos();
            while (true) {
                long before = behind(left, ends);
                left.replaceAll((p, at) -> consumer.position(p, PATIENCE));
                long behind = behind(left, ends);
                progress.at(total - behind, total);
                if (behind == 0) {
                    return;
                }
                if (behind < before) {
                    deadline = System.nanoTime() + LONG_PATIENCE.toNanos();
                    look = System.nanoTime() + STUCK.toNanos();
                } else if (producer.isPresent() && mayLook && System.nanoTime() > look) {
                    endLeftovers();
                    look = System.nanoTime() + STUCK.toNanos();
                }
                if (System.nanoTime() > deadline) {
                    throw new org.apache.kafka.common.errors.TimeoutException(
                            "topic " + settings.topic(name) + " cannot be read to its end");
                }
                consumer.poll(Duration.ofMillis(200)).forEach(reader);
            }
        } finally {
            release(consumer);
        }
    }

    private void endLeftovers() throws InterruptedException {
        try {
            new Leftovers(admin).end(WRITTEN.stream().map(settings::topic).toList());
        } catch (AuthorizationException | UnsupportedVersionException e) {
            mayLook = false;
            log.warn(
                    "cannot read on and may not look why; is there a transaction that nobody ends?"
                            + " See kafka-transactions.sh find-hanging reason={}",
                    e.getMessage());
        }
    }

    private static long behind(Map<TopicPartition, Long> positions, Map<TopicPartition, Long> ends) {
        return positions.entrySet().stream()
                .mapToLong(one -> Math.max(0, ends.getOrDefault(one.getKey(), 0L) - one.getValue()))
                .sum();
    }

    /** Closes a consumer, by a thread that may have been interrupted, which the consumer would complain of. */
    static void release(KafkaConsumer<byte[], byte[]> consumer) {
        boolean interrupted = Thread.interrupted();
        quietly(() -> consumer.close(CloseOptions.timeout(Duration.ofSeconds(1))));
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    List<TopicPartition> partitions(KafkaConsumer<byte[], byte[]> consumer, String name) {
        List<TopicPartition> partitions = consumer.partitionsFor(settings.topic(name), PATIENCE).stream()
                .map(p -> new TopicPartition(p.topic(), p.partition()))
                .toList();
        if (partitions.isEmpty()) {
            throw new UnknownTopicOrPartitionException("there is no topic " + settings.topic(name));
        }
        return partitions;
    }

    /** Where the log ends, with what is not committed yet. */
    private Map<TopicPartition, Long> ends(Collection<TopicPartition> partitions) throws InterruptedException {
        Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
        partitions.forEach(p -> latest.put(p, OffsetSpec.latest()));
        Map<TopicPartition, Long> ends = new HashMap<>();
        Map<TopicPartition, ListOffsetsResultInfo> found =
                await(admin.listOffsets(latest, new ListOffsetsOptions(IsolationLevel.READ_UNCOMMITTED))
                        .all());
        found.forEach((partition, info) -> ends.put(partition, info.offset()));
        return ends;
    }

    /** Lets go at once: what was not committed is ended by whoever opens next, or by the brokers in time. */
    @Override
    public void close() {
        producer.ifPresent(p -> quietly(() -> p.close(Duration.ZERO)));
        quietly(() -> admin.close(Duration.ZERO));
    }

    private static void quietly(Runnable closing) {
        try {
            closing.run();
        } catch (KafkaException e) {
            log.debug("client did not close well", e);
        }
    }
}
