package dev.wharf.kafka;

import static dev.wharf.kafka.Topics.await;
import static dev.wharf.kafka.Topics.header;
import static dev.wharf.kafka.Topics.journaled;
import static dev.wharf.kafka.Topics.published;
import static dev.wharf.kafka.Topics.read;
import static dev.wharf.kafka.Topics.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.log.codec.record.RecordJournal;
import dev.wharf.log.file.FileLog;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import dev.wharf.testkit.kafka.Broker;
import io.cloudevents.CloudEvent;
import io.cloudevents.jackson.JsonFormat;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
class PublisherTest {
    private static final AtomicInteger COUNT = new AtomicInteger();

    @TempDir
    static Path home;

    private static Broker broker;

    @TempDir
    Path folder;

    private final String host = UUID.randomUUID().toString().replace("-", "");
    private final String prefix = "t" + COUNT.incrementAndGet();
    private final List<Publisher> publishers = new ArrayList<>();
    private EventJournal journal;
    private JournalAgent agent;
    private int number;

    @BeforeAll
    static void startBroker() throws Exception {
        broker = Broker.start(home);
    }

    @AfterAll
    static void stopBroker() throws Exception {
        broker.close();
    }

    @BeforeEach
    void open() throws IOException {
        journal = new RecordJournal(new FileLog(new FileLog.Options(folder, "test")), new EventCodec());
        agent = new JournalAgent(journal);
        agent.append(batch(new HostEvent.Opened(host, 1, "test", Instant.now())));
    }

    @AfterEach
    void close() throws IOException {
        publishers.forEach(Publisher::close);
        journal.close();
    }

    private Settings settings(String... more) {
        Map<String, String> all = new TreeMap<>();
        for (int i = 0; i < more.length; i += 2) {
            all.put(more[i], more[i + 1]);
        }
        return Topics.settings(broker.address(), prefix, all);
    }

    private Gauges publish(Settings settings) {
        Gauges gauges = new Gauges();
        Publisher publisher = new Publisher(agent.agent(), settings, gauges, Optional::empty);
        publishers.add(publisher);
        publisher.start();
        return gauges;
    }

    private void awaitAll(Gauges gauges) throws InterruptedException {
        await(() -> gauges.getPosition() == journal.end().sequence());
    }

    private Batch batch(Event... events) {
        return new Batch(
                new Cause(
                        new CommandId("command-" + number++),
                        Optional.of(journal.end()),
                        new Actor(Actor.Kind.PEER, "root", Map.of("uid", "0"))),
                Instant.now(),
                List.of(events));
    }

    private static VolumeEvent.Created volume(String name) {
        return new VolumeEvent.Created(
                new VolumeSpec(new VolumeName(name), VolumeSpec.LOCAL, Map.of(), Map.of("is", "ünïcode"), false),
                Instant.now());
    }

    /** One to three events about volumes that come and go. */
    private Batch some(Random chance) {
        List<Event> events = new ArrayList<>();
        for (int i = chance.nextInt(3); i >= 0; i--) {
            String name = "v" + chance.nextInt(8);
            boolean there = agent.host().volume(new VolumeName(name)).isPresent();
            events.add(
                    there && chance.nextBoolean()
                            ? new VolumeEvent.Removed(new VolumeName(name))
                            : there
                                    ? new VolumeEvent.Ready(new VolumeName(name), Path.of("/v/" + chance.nextInt()))
                                    : volume(name));
        }
        return batch(events.toArray(Event[]::new));
    }

    @Test
    void everyEventIsPublishedOnceInOrderAndAsTheJournalHasIt() throws Exception {
        agent.append(batch(volume("one"), volume("two")));
        Settings settings = settings();
        Gauges gauges = publish(settings);
        awaitAll(gauges);
        agent.append(batch(new HostEvent.CheckpointStarted(), new HostEvent.CheckpointCompleted(0)));
        agent.append(batch(new VolumeEvent.Removed(new VolumeName("one"))));
        awaitAll(gauges);

        assertThat(published(settings)).isEqualTo(journaled(journal, host));
        ConsumerRecord<byte[], byte[]> last = read(settings, "events").get(3);
        assertThat(text(last.key())).isEqualTo(host);
        assertThat(header(last, "ce_specversion")).isEqualTo("1.0");
        assertThat(header(last, "ce_type")).isEqualTo("dev.wharf.volume.removed.v1");
        assertThat(header(last, "ce_source")).isEqualTo("/hosts/" + host);
        assertThat(header(last, "ce_subject")).isEqualTo("volume:one");
        assertThat(header(last, "ce_correlationid")).isEqualTo("command-3");
        assertThat(header(last, "ce_causationid")).isEqualTo(host + ":3");
        assertThat(header(last, "ce_actor")).isEqualTo("peer:root");
        assertThat(header(last, "ce_sequence")).isEqualTo("4");
        assertThat(header(last, "content-type")).isEqualTo("application/json");
        assertThat(Instant.parse(header(last, "ce_time"))).isBefore(Instant.now());
        assertThat(agent.holds).containsEntry("kafka", journal.end());
        assertThat(gauges.getState()).isEqualTo("publishing");
        assertThat(gauges.getEvents()).isEqualTo(4);
    }

    /** So much that another thread makes the records, and a publisher ends in the middle of it. */
    @Test
    void aLongHistoryIsPublishedJustTheSame() throws Exception {
        Random chance = new Random(7);
        for (int i = 0; i < 3500; i++) {
            agent.append(
                    i == 3000
                            ? batch(new HostEvent.CheckpointStarted(), new HostEvent.CheckpointCompleted(0))
                            : some(chance));
        }
        Settings settings = settings("transaction.events", "1500");
        Gauges first = publish(settings);
        await(() -> first.getPosition() > 1);
        publishers.remove(0).close();
        awaitAll(publish(settings));
        assertThat(published(settings)).isEqualTo(journaled(journal, host));
    }

    /** What was before is not guessed: the fold says since when it knows, which is all from the checkpoint on. */
    @Test
    void aHostThatBeganToPublishLateIsKnownWholeFromItsCheckpointOn() throws Exception {
        agent.append(batch(volume("old")));
        for (int i = 0; i < 3000; i++) {
            agent.append(batch(new HostEvent.Swept("noise", "x".repeat(4000))));
        }
        Position checkpoint = journal.end();
        agent.append(batch(
                new HostEvent.CheckpointStarted(),
                new HostEvent.Recorded(agent.host().identity())));
        journal.trim(checkpoint);
        assertThat(journal.origin().isAfter(Position.START)).isTrue();
        Settings settings = settings();
        awaitAll(publish(settings));
        // A publisher that ends in the middle of a checkpoint goes on there.
        publishers.remove(0).close();
        agent.append(batch(
                new HostEvent.CheckpointContinued(),
                new VolumeEvent.Recorded(
                        agent.host().volume(new VolumeName("old")).orElseThrow()),
                new HostEvent.CheckpointCompleted(2)));
        agent.append(batch(volume("new")));
        // The next one says nothing new.
        agent.append(batch(new HostEvent.CheckpointStarted()));
        agent.append(batch(new HostEvent.CheckpointContinued(), new HostEvent.CheckpointCompleted(0)));
        awaitAll(publish(settings));
        assertThat(read(settings, "events").stream().map(e -> header(e, "ce_type")))
                .filteredOn(type -> type.contains("checkpoint"))
                .hasSize(3);
        try (Connection connection = new Connection(settings, "reader")) {
            for (Optional<Instant> until : List.of(Optional.<Instant>empty(), Optional.of(Instant.EPOCH))) {
                Past.Life life = Past.read(connection, Past.host(host), until, (done, total) -> {}, (p, m) -> {})
                        .get(host);
                assertThat(life.isComplete()).isEqualTo(until.isEmpty());
                assertThat(life.host().equals(agent.host())).isEqualTo(until.isEmpty());
                assertThat(life.first().isAfter(journal.origin())).isTrue();
                assertThat(life.since()).isBetween(Instant.now().minusSeconds(300), Instant.now());
                assertThat(life.position().equals(Position.START)).isEqualTo(until.isPresent());
            }
        }
    }

    @Test
    void theTopicOfStatesHoldsTheNewestOfEachSubjectAndATombstoneForWhatIsGone() throws Exception {
        Settings settings = settings();
        Gauges gauges = publish(settings);
        agent.append(batch(volume("one"), volume("two")));
        awaitAll(gauges);
        agent.append(batch(new VolumeEvent.Ready(new VolumeName("two"), Path.of("/two"))));
        agent.append(batch(new VolumeEvent.Removed(new VolumeName("one"))));
        awaitAll(gauges);
        Map<String, byte[]> newest = new TreeMap<>();
        read(settings, "state").forEach(r -> newest.put(text(r.key()), r.value()));
        assertThat(newest).containsOnlyKeys(host + "/host:itself", host + "/volume:one", host + "/volume:two");
        assertThat(newest.get(host + "/volume:one")).isNull();
        Event two = new EventCodec().decodeEvent(ByteBuffer.wrap(newest.get(host + "/volume:two")));
        assertThat(two)
                .isEqualTo(new VolumeEvent.Recorded(
                        agent.host().volume(new VolumeName("two")).orElseThrow()));
    }

    @Test
    void structuredEventsAreWhatTheSdkReads() throws Exception {
        agent.append(batch(volume("one")));
        Settings settings = settings("format", "structured", "compression", "zstd");
        awaitAll(publish(settings));
        ConsumerRecord<byte[], byte[]> record = read(settings, "events").get(1);
        assertThat(header(record, "content-type")).isEqualTo("application/cloudevents+json");
        CloudEvent event = new JsonFormat().deserialize(record.value());
        assertThat(event.getId()).isEqualTo(host + ":2.0");
        assertThat(event.getType()).isEqualTo("dev.wharf.volume.created.v1");
        assertThat(event.getExtension("chainhead")).isEqualTo(journal.head().toString());
        assertThat(new EventCodec().decodeEvent(ByteBuffer.wrap(event.getData().toBytes())))
                .isInstanceOf(VolumeEvent.Created.class);
    }

    @Test
    void aPublisherThatIsStartedAgainGoesOnWhereTheBrokersAre() throws Exception {
        Settings settings = settings();
        Random chance = new Random(7);
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < 20; i++) {
                agent.append(some(chance));
            }
            awaitAll(publish(settings));
            publishers.remove(0).close();
        }
        assertThat(published(settings)).isEqualTo(journaled(journal, host));
    }

    @Test
    void aZombieIsFencedAndKeepsQuiet() throws Exception {
        Settings settings = settings();
        CountDownLatch frozen = new CountDownLatch(1);
        CountDownLatch thaw = new CountDownLatch(1);
        Gauges gauges = new Gauges();
        Publisher zombie = new Publisher(agent.agent(), settings, gauges, Optional::empty, step -> {
            if (step.equals("sent")) {
                frozen.countDown();
                try {
                    thaw.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        });
        publishers.add(zombie);
        zombie.start();
        frozen.await();
        agent.append(batch(volume("meanwhile")));
        Gauges heir = publish(settings);
        awaitAll(heir);
        thaw.countDown();
        await(() -> gauges.getState().equals("superseded"));
        agent.append(batch(volume("later")));
        awaitAll(heir);
        assertThat(heir.getState()).isEqualTo("publishing");
        assertThat(gauges.getTrouble()).contains("data root");
        assertThat(published(settings)).isEqualTo(journaled(journal, host));
    }

    /**
     * What a broker leaves that dies right after a commit and takes its marks for put when it is back: it knows of no open
     * transaction, and the partitions have one.
     */
    @Test
    void aTransactionThatIsOverAndStillOpenIsEnded(@TempDir Path kept) throws Exception {
        Settings settings = settings();
        awaitAll(publish(settings));
        publishers.remove(0).close();
        Path transactions = home.resolve("logs").resolve("__transaction_state-0");
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                new ClientSettings(settings, host).producer(), new ByteArraySerializer(), new ByteArraySerializer())) {
            producer.initTransactions();
            copy(transactions, kept);
            producer.beginTransaction();
            for (String topic : List.of("events", "positions")) {
                producer.send(new ProducerRecord<>(
                        settings.topic(topic), Envelopes.bytes(host), Envelopes.bytes("never to be seen")));
            }
            producer.flush();
            broker.kill();
            producer.close(Duration.ZERO);
        }
        copy(kept, transactions);
        broker.start();
        agent.append(batch(volume("later")));
        awaitAll(publish(settings));
        assertThat(published(settings)).isEqualTo(journaled(journal, host));
    }

    /** The same files with the same content, whatever was there. */
    private static void copy(Path from, Path to) throws IOException {
        for (Path folder : List.of(to, from)) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
                for (Path file : files) {
                    if (folder.equals(to)) {
                        Files.delete(file);
                    } else {
                        Files.copy(file, to.resolve(file.getFileName()));
                    }
                }
            }
        }
    }

    @Test
    void aJournalThatIsNotTheOneThatWasPublishedIsNotMixedIn(@TempDir Path other) throws Exception {
        agent.append(batch(volume("one")));
        Settings settings = settings();
        awaitAll(publish(settings));
        publishers.remove(0).close();
        List<String> before = published(settings);
        journal.close();
        journal = new RecordJournal(new FileLog(new FileLog.Options(other, "test")), new EventCodec());
        agent = new JournalAgent(journal);
        agent.append(batch(new HostEvent.Opened(host, 1, "test", Instant.now())));
        Gauges shorter = publish(settings);
        await(() -> shorter.getState().equals("blocked"));
        assertThat(shorter.getTrouble()).contains("it ends at 1");
        agent.append(batch(volume("another")));
        Gauges changed = publish(settings);
        await(() -> changed.getState().equals("blocked"));
        assertThat(changed.getTrouble()).contains("head at 2");
        assertThat(published(settings)).isEqualTo(before);
    }

    /** The publisher ends between what is left before the checkpoint and the checkpoint, and the next one still sends it. */
    @Test
    void afterWhatWasTrimmedUnpublishedTheCheckpointTellsAllAgain() throws Exception {
        Settings settings = settings("transaction.events", "200");
        agent.append(batch(volume("gone"), volume("kept")));
        awaitAll(publish(settings));
        publishers.remove(0).close();
        Position published = journal.end();
        Thread.sleep(5); // moments of events are told to the millisecond
        agent.append(batch(new VolumeEvent.Removed(new VolumeName("gone"))));
        Instant within = Instant.now();
        // Much enough that whole files can go.
        for (int i = 0; i < 3000; i++) {
            agent.append(batch(new HostEvent.Swept("noise", "x".repeat(4000))));
        }
        Position checkpoint = journal.end();
        agent.append(batch(
                new HostEvent.CheckpointStarted(),
                new HostEvent.Recorded(agent.host().identity()),
                new VolumeEvent.Recorded(
                        agent.host().volume(new VolumeName("kept")).orElseThrow()),
                new HostEvent.CheckpointCompleted(2)));
        journal.trim(checkpoint);
        assertThat(journal.origin().isAfter(Position.START)).isTrue();
        agent.append(batch(volume("new")));
        Gauges interrupted = publish(settings);
        await(() -> interrupted.getPosition() > journal.origin().sequence());
        publishers.remove(0).close();
        Gauges gauges = publish(settings);
        awaitAll(gauges);
        await(() -> {
            Map<String, byte[]> newest = new TreeMap<>();
            try {
                read(settings, "state").forEach(r -> newest.put(text(r.key()), r.value()));
            } catch (Exception e) {
                throw new AssertionError(e);
            }
            return newest.get(host + "/volume:gone") == null
                    && newest.get(host + "/volume:kept") != null
                    && newest.get(host + "/volume:new") != null;
        });
        List<String> all = published(settings);
        assertThat(all.get(all.size() - 1)).startsWith(host + ":" + journal.end());
        assertThat(all.stream().map(l -> l.substring(0, l.indexOf(' '))).distinct())
                .hasSameSizeAs(all);

        try (Connection connection = new Connection(settings, "reader")) {
            // What is asked about lies before the gap, in it, and after it.
            Instant last = lifeAt(connection, Optional.of(within)).at();
            assertThat(lifeAt(connection, Optional.of(last)).isComplete()).isTrue();
            for (Optional<Instant> later : List.of(Optional.of(within), Optional.<Instant>empty())) {
                Past.Life life = lifeAt(connection, later);
                assertThat(life.isComplete()).isEqualTo(later.isEmpty());
                assertThat(life.host().equals(agent.host())).isEqualTo(later.isEmpty());
                Past.Gap gap = life.gaps().get(0);
                assertThat(gap.first()).isEqualTo(published.next());
                assertThat(gap.last()).isBetween(journal.origin(), checkpoint.next());
                assertThat(gap.since()).isBefore(within);
                assertThat(gap.until().isPresent()).isEqualTo(later.isEmpty());
                assertThat(life.host().volume(new VolumeName("gone")).isPresent())
                        .isEqualTo(later.isPresent());
                assertThat(life.host().volume(new VolumeName("new")).isPresent())
                        .isEqualTo(later.isEmpty());
            }
        }
        ByteArrayOutputStream shown = new ByteArrayOutputStream();
        ByteArrayOutputStream noted = new ByteArrayOutputStream();
        try (Connection connection = new Connection(settings, "reader")) {
            Terminal terminal = new Terminal(new PrintStream(shown), new PrintStream(noted), false, false, false);
            new FleetPast(connection, terminal).at(within, "");
            assertThat(noted.toString())
                    .contains("is incomplete from")
                    .contains("its positions " + published.next() + " to ")
                    .contains("were dropped before they were published");
            noted.reset();
            new FleetPast(connection, terminal).at(Instant.now(), "");
            assertThat(noted.toString()).doesNotContain("incomplete");
            new FleetPast(connection, terminal).why(host, "kept");
            assertThat(noted.toString()).contains("is not told: its positions " + published.next() + " to ");
            assertThat(shown.toString()).contains("volume kept");
            new FleetVerify(connection, terminal).verify("", Optional.empty(), false);
            assertThat(shown.toString())
                    .contains("whole but for " + published.next() + " to ")
                    .contains("all of it is known again from " + checkpoint.next() + " on");
        }
    }

    private Past.Life lifeAt(Connection connection, Optional<Instant> until) throws Exception {
        return Past.read(connection, Past.host(host), until, (done, total) -> {}, (p, m) -> {})
                .get(host);
    }

    @Test
    void secretsStayAtHome() throws Exception {
        agent.append(batch(new VolumeEvent.Created(
                new VolumeSpec(
                        new VolumeName("share"),
                        VolumeSpec.LOCAL,
                        Map.of("type", "cifs", "o", "username=me,password=canary-1,uid=3", "api-token", "canary-2"),
                        Map.of(),
                        false),
                Instant.now())));
        Settings settings = settings();
        awaitAll(publish(settings));
        for (String topic : List.of("events", "state", "positions")) {
            assertThat(read(settings, topic)).isNotEmpty();
            for (ConsumerRecord<byte[], byte[]> record : read(settings, topic)) {
                assertThat(text(record.value())).doesNotContain("canary");
            }
        }
        assertThat(text(read(settings, "events").get(1).value()))
                .contains("username=me,password=" + Concealment.HIDDEN + ",uid=3");
    }

    @Test
    void aBrokerThatIsAwayIsWaitedForAndTheJournalIsHeld() throws Exception {
        Settings settings = settings();
        broker.kill();
        Gauges gauges;
        try {
            gauges = publish(settings);
            agent.append(batch(volume("one")));
            assertThat(agent.holds).containsEntry("kafka", Position.START);
            await(() -> gauges.getState().equals("away"));
        } finally {
            broker.start();
        }
        awaitAll(gauges);
        assertThat(published(settings)).isEqualTo(journaled(journal, host));
    }
}
