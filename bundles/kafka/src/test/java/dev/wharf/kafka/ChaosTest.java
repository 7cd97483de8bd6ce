package dev.wharf.kafka;

import static dev.wharf.kafka.Topics.await;
import static dev.wharf.kafka.Topics.header;
import static dev.wharf.kafka.Topics.journaled;
import static dev.wharf.kafka.Topics.published;
import static dev.wharf.kafka.Topics.read;
import static dev.wharf.kafka.Topics.text;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.state.Host;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.log.codec.record.RecordJournal;
import dev.wharf.log.file.FileLog;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import dev.wharf.testkit.kafka.Broker;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Agents that die at steps of chance while they publish and while they take commands, a broker that is killed and started again,
 * and a network that drops what it is given: whatever happens, the topic is the journal, and every command has one result and
 * one effect. More rounds with {@code -Dkafka.rounds}, another chance with {@code -Dkafka.seed}.
 */
class ChaosTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Every step that a publisher tells of, and one that never comes. */
    private static final List<String> STEPS =
            List.of("opened", "begun", "sent", "marked", "committed", "taken", "answered", "never");

    @TempDir
    Path folder;

    private final long seed = Long.getLong("kafka.seed", 20261126);
    private final int rounds = Integer.getInteger("kafka.rounds", 4);
    private final Random chance = new Random(seed);
    private final String host = UUID.randomUUID().toString().replace("-", "");

    /** Names of volumes by the commands that make them; a command that is sent again makes none. */
    private final Map<String, String> sent = new LinkedHashMap<>();

    private final Map<String, Integer> deaths = new TreeMap<>();
    private final Map<String, Integer> troubles = new TreeMap<>();
    private final AtomicReference<Throwable> broken = new AtomicReference<>();
    private Wire wire;
    private Broker broker;
    private String direct = "";
    private EventJournal journal;
    private JournalAgent agent;
    private KafkaProducer<byte[], byte[]> producer;
    private int number;

    /** Ends a publisher at a step without a word, as a crash would. */
    private static final class Crash extends Error {
        private static final long serialVersionUID = 1L;
    }

    @BeforeEach
    void open() throws Exception {
        Thread.setDefaultUncaughtExceptionHandler((thread, e) -> {
            if (!(e instanceof Crash)) {
                broken.set(e);
            }
        });
        wire = new Wire();
        int door;
        int side;
        try (ServerSocket one = new ServerSocket(0);
                ServerSocket other = new ServerSocket(0)) {
            door = one.getLocalPort();
            side = other.getLocalPort();
        }
        direct = "127.0.0.1:" + side;
        Map<String, String> settings = new HashMap<>();
        settings.put(
                "listeners",
                "WIRED://127.0.0.1:" + door + ",DIRECT://" + direct
                        + ",CONTROLLER://127.0.0.1:CONTROLLER,SEEN://127.0.0.1:PORT");
        settings.put(
                "advertised.listeners",
                "WIRED://127.0.0.1:" + wire.port() + ",DIRECT://" + direct + ",SEEN://127.0.0.1:PORT");
        settings.put(
                "listener.security.protocol.map",
                "WIRED:PLAINTEXT,DIRECT:PLAINTEXT,CONTROLLER:PLAINTEXT,SEEN:PLAINTEXT");
        settings.put("inter.broker.listener.name", "DIRECT");
        broker = Broker.start(folder.resolve("broker"), settings, List.of());
        wire.to(door);
        journal = new RecordJournal(
                new FileLog(new FileLog.Options(folder.resolve("journal"), "test")), new EventCodec());
        agent = new JournalAgent(journal);
        agent.append(batch(new HostEvent.Opened(host, 1, "test", Instant.now())));
        producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", direct, "acks", "all"),
                new ByteArraySerializer(),
                new ByteArraySerializer());
    }

    @AfterEach
    void close() throws Exception {
        producer.close();
        broker.close();
        wire.close();
        journal.close();
    }

    private Settings settings(String address) {
        return Topics.settings(
                address, "chaos", Map.of("commands", "true", "commands.allow", "ops=*", "transaction.events", "20"));
    }

    private Batch batch(Event... events) {
        return new Batch(
                new Cause(
                        new CommandId("batch-" + number++),
                        Optional.of(journal.end()),
                        new Actor(Actor.Kind.PEER, "root", Map.of("uid", "0"))),
                Instant.now(),
                List.of(events));
    }

    /** One to three events about volumes that come and go. */
    private Batch some() {
        List<Event> events = new ArrayList<>();
        for (int i = chance.nextInt(3); i >= 0; i--) {
            VolumeName name = new VolumeName("v" + chance.nextInt(8));
            if (agent.host().volume(name).isEmpty()) {
                events.add(new VolumeEvent.Created(
                        new VolumeSpec(name, VolumeSpec.LOCAL, Map.of(), Map.of("is", "ünïcode"), false),
                        Instant.now()));
            } else {
                events.add(
                        chance.nextBoolean()
                                ? new VolumeEvent.Removed(name)
                                : new VolumeEvent.Ready(name, Path.of("/v/" + chance.nextInt())));
            }
        }
        return batch(events.toArray(Event[]::new));
    }

    private Publisher publisher(Gauges gauges, String step, int times, CountDownLatch dead) {
        AtomicInteger left = new AtomicInteger(times);
        return new Publisher(agent.agent(), settings("127.0.0.1:" + wire.port()), gauges, Optional::empty, at -> {
            if (at.equals(step) && left.decrementAndGet() == 0) {
                dead.countDown();
                throw new Crash();
            }
        });
    }

    private void send(String id) throws Exception {
        String command =
                "{\"id\":\"" + id + "\",\"v\":1,\"kind\":\"volume.create\",\"principal\":\"ops\",\"data\":{\"name\":\""
                        + sent.computeIfAbsent(id, i -> "made-by-" + i) + "\"}}";
        producer.send(new ProducerRecord<>("chaos.commands", Envelopes.bytes(host), Envelopes.bytes(command)))
                .get();
    }

    /** New commands, and some that were sent before. */
    private void command() throws Exception {
        for (int i = chance.nextInt(6); i >= 0; i--) {
            String id = "id-" + sent.size();
            send(id);
            if (chance.nextInt(4) == 0) {
                send(id);
            }
        }
        if (!sent.isEmpty() && chance.nextInt(3) == 0) {
            send("id-" + chance.nextInt(sent.size()));
        }
    }

    private void trouble() throws Exception {
        int kind = chance.nextInt(30);
        String name = "none";
        if (kind < 2) {
            name = "broker killed";
            broker.kill();
            agent.append(some());
            Thread.sleep(chance.nextInt(500));
            broker.start();
        } else if (kind < 9) {
            name = "packets dropped";
            wire.cut();
            agent.append(some());
            Thread.sleep(chance.nextInt(1200));
            wire.mend();
        } else if (kind < 10) {
            // Longer than a client waits for an answer.
            name = "packets dropped for long";
            wire.cut();
            agent.append(some());
            Thread.sleep(9000 + chance.nextInt(2000));
            wire.mend();
        } else if (kind < 13) {
            name = "connections severed";
            wire.sever();
        }
        troubles.merge(name, 1, Integer::sum);
    }

    private void round() throws Exception {
        String step = STEPS.get(chance.nextInt(STEPS.size()));
        if (chance.nextBoolean()) {
            // Its memory is the journal.
            agent = new JournalAgent(journal);
        }
        CountDownLatch dead = new CountDownLatch(1);
        Publisher publisher = publisher(new Gauges(), step, 1 + chance.nextInt(step.equals("opened") ? 1 : 3), dead);
        publisher.start();
        command();
        for (int i = chance.nextInt(60); i >= 0; i--) {
            agent.append(some());
            if (chance.nextInt(4) == 0) {
                Thread.sleep(chance.nextInt(6));
            }
        }
        trouble();
        command();
        // A slow machine needs its time to come to a step; where none comes, the publisher is stopped in the middle of
        // things.
        if (dead.await(step.equals("never") ? chance.nextInt(1500) : 3000, TimeUnit.MILLISECONDS)) {
            deaths.merge(step, 1, Integer::sum);
        }
        publisher.close();
        // Nothing of it may go on while the next one is at work with the same memory of commands.
        agent.rest();
    }

    @Test
    @Timeout(14_400)
    void theTopicIsTheJournalAndEveryCommandHasOneResultAndOneEffect() throws Exception {
        try (Connection connection = new Connection(settings(direct), host)) {
            connection.makeTopics(true);
        }
        for (int i = 1; i <= rounds; i++) {
            round();
            assertThat(broken.get()).isNull();
            if (i % 25 == 0) {
                System.out.println(
                        "kafka chaos: round " + i + ", " + journal.end() + " batches, " + sent.size() + " commands");
                check();
            }
        }
        check();
        System.out.println("kafka chaos: seed " + seed + ", " + rounds + " rounds, " + journal.end() + " batches, "
                + sent.size() + " commands, deaths " + deaths + ", troubles " + troubles);
    }

    /** Lets everything out, and holds it against the journal. */
    private void check() throws Exception {
        Settings settings = settings(direct);
        Gauges gauges = new Gauges();
        try (Publisher publisher = publisher(gauges, "never", 1, new CountDownLatch(1))) {
            publisher.start();
            await(() -> answers(settings).size() >= sent.size()
                    && gauges.getPosition() == journal.end().sequence());
        }
        agent.rest();
        List<String> events = published(settings);
        assertThat(events).isEqualTo(journaled(journal, host));
        Map<String, JsonNode> answers = new TreeMap<>();
        for (JsonNode answer : answers(settings)) {
            assertThat(answers.put(answer.path("command").asText(), answer))
                    .as("one answer for " + answer)
                    .isNull();
        }
        assertThat(answers.keySet()).containsExactlyInAnyOrderElementsOf(sent.keySet());
        Map<String, List<String>> effects = new HashMap<>();
        for (ConsumerRecord<byte[], byte[]> record : read(settings, "events")) {
            if (header(record, "ce_type").startsWith("dev.wharf.volume.created.")
                    && header(record, "ce_subject").startsWith("volume:made-by-")) {
                effects.computeIfAbsent(header(record, "ce_correlationid"), id -> new ArrayList<>())
                        .add(header(record, "ce_id"));
            }
        }
        assertThat(effects.keySet()).containsExactlyInAnyOrderElementsOf(sent.keySet());
        answers.forEach((id, answer) -> {
            assertThat(answer.path("outcome").asText()).as(id).isEqualTo("DONE");
            assertThat(effects.get(id)).as(id).hasSize(1);
            assertThat(answer.path("events")).as(id).hasSize(1);
            assertThat(answer.path("events").get(0).asText())
                    .isEqualTo(effects.get(id).get(0));
        });
        Map<String, String> shown = new TreeMap<>();
        read(settings, "state").forEach(r -> {
            if (r.value() == null) {
                shown.remove(text(r.key()));
            } else {
                shown.put(text(r.key()), text(r.value()));
            }
        });
        assertThat(shown).isEqualTo(states());
    }

    private static List<JsonNode> answers(Settings settings) {
        try {
            List<JsonNode> answers = new ArrayList<>();
            for (ConsumerRecord<byte[], byte[]> record : read(settings, "results")) {
                answers.add(JSON.readTree(record.value()));
            }
            return answers;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private Map<String, String> states() {
        Map<String, String> states = new TreeMap<>();
        StateChanges.between(Host.EMPTY, agent.host()).forEach((subject, state) -> {
            try {
                states.put(host + "/" + subject.text(), text(new EventCodec().encode(state.orElseThrow())));
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        return states;
    }
}
