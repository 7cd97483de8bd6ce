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
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.log.codec.record.RecordJournal;
import dev.wharf.log.file.FileLog;
import dev.wharf.model.VolumeName;
import dev.wharf.testkit.kafka.Broker;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
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
class CommandsTest {
    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    static Path home;

    private static Broker broker;

    @TempDir
    Path folder;

    private final String host = UUID.randomUUID().toString().replace("-", "");
    private final String prefix = "c" + COUNT.incrementAndGet();
    private final List<Publisher> publishers = new ArrayList<>();
    private EventJournal journal;
    private JournalAgent agent;
    private KafkaProducer<byte[], byte[]> producer;

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
        journal = new RecordJournal(
                new FileLog(new FileLog.Options(folder.resolve("journal"), "test")), new EventCodec());
        agent = new JournalAgent(journal);
        agent.append(new Batch(
                new Cause(CommandId.NONE, Optional.empty(), Actor.WHARF),
                Instant.now(),
                List.of(new HostEvent.Opened(host, 1, "test", Instant.now()))));
        producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", broker.address()), new ByteArraySerializer(), new ByteArraySerializer());
    }

    @AfterEach
    void close() throws IOException {
        publishers.forEach(Publisher::close);
        producer.close();
        journal.close();
    }

    private Settings settings(String... more) {
        Map<String, String> all = new TreeMap<>(Map.of("commands", "true", "commands.allow", "ops=volume.*; boss=*"));
        for (int i = 0; i < more.length; i += 2) {
            all.put(more[i], more[i + 1]);
        }
        return Topics.settings(broker.address(), prefix, all);
    }

    private Gauges publish(Settings settings) throws Exception {
        Gauges gauges = new Gauges();
        Publisher publisher = new Publisher(agent.agent(), settings, gauges, Optional::empty);
        publishers.add(publisher);
        publisher.start();
        await(() -> gauges.getState().equals("publishing"));
        return gauges;
    }

    private void send(String text) throws Exception {
        send(text, Optional.empty());
    }

    private void send(String text, Optional<String> signature) throws Exception {
        ProducerRecord<byte[], byte[]> record =
                new ProducerRecord<>(prefix + ".commands", Envelopes.bytes(host), Envelopes.bytes(text));
        signature.ifPresent(s -> record.headers().add(Commands.SIGNATURE, Envelopes.bytes(s)));
        producer.send(record).get();
    }

    private static String order(String id, String kind, String data, String... more) {
        return "{\"id\":\"" + id + "\",\"v\":1,\"kind\":\"" + kind + "\",\"principal\":\"ops\",\"data\":" + data
                + String.join("", more) + "}";
    }

    private static String volume(String id, String name) {
        return order(id, "volume.create", "{\"name\":\"" + name + "\"}");
    }

    private List<JsonNode> answers(Settings settings) throws Exception {
        List<JsonNode> answers = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : read(settings, "results")) {
            assertThat(text(record.key())).isEqualTo(host);
            answers.add(JSON.readTree(record.value()));
        }
        return answers;
    }

    private JsonNode answer(Settings settings, String id) throws Exception {
        List<JsonNode> found = answers(settings).stream()
                .filter(a -> a.path("command").asText().equals(id))
                .toList();
        assertThat(found).as(id).hasSize(1);
        return found.get(0);
    }

    private long made(String name) throws IOException {
        return journaled(journal, host).stream()
                .filter(l -> l.contains("volume.created") && l.contains("\"" + name + "\""))
                .count();
    }

    @Test
    void aCommandIsDoneAndAnsweredWithWhatItCaused() throws Exception {
        Settings settings = settings();
        Gauges gauges = publish(settings);
        send(volume("first", "one"));
        await(() -> gauges.getCommands() == 1);
        JsonNode answer = answer(settings, "first");
        assertThat(answer.path("outcome").asText()).isEqualTo("DONE");
        assertThat(answer.path("kind").asText()).isEqualTo("volume.create");
        assertThat(answer.path("events")).hasSize(1);
        assertThat(answer.path("events").get(0).asText()).isEqualTo(host + ":2.0");
        assertThat(agent.host().volume(new VolumeName("one"))).isPresent();
        ConsumerRecord<byte[], byte[]> event = read(settings, "events").get(1);
        assertThat(header(event, "ce_correlationid")).isEqualTo("first");
        assertThat(header(event, "ce_actor")).isEqualTo("kafka:ops");
        assertThat(read(settings, "commands.dlq")).isEmpty();
    }

    @Test
    void whatCannotBeDoneIsAnsweredPutAsideAndDoesNotBlockTheNext() throws Exception {
        Settings settings = settings();
        Gauges gauges = publish(settings);
        send("{ no json");
        send("{\"id\":\"!\",\"v\":1,\"kind\":\"volume.create\",\"principal\":\"ops\"}");
        send(order("nonsense", "volume.fold", "{}"));
        send(order("newer", "volume.create", "{\"name\":\"x\"}").replace("\"v\":1", "\"v\":2"));
        send(order("late", "volume.create", "{\"name\":\"x\"}", ",\"expires\":\"2020-01-01T00:00:00Z\""));
        send(order("forbidden", "container.stop", "{\"container\":\"x\"}"));
        send(order("nobody", "volume.create", "{\"name\":\"x\"}").replace("ops", "eve"));
        send(order("untyped", "volume.create", "{\"name\":7}"));
        send(order("missing", "volume.remove", "{\"volume\":\"nowhere\"}"));
        send(volume("good", "x"));
        await(() -> gauges.getCommands() == 10);
        Map<String, String> outcomes = new TreeMap<>();
        for (JsonNode answer : answers(settings)) {
            String id = answer.path("command").asText();
            outcomes.merge(
                    id.isEmpty() ? "unreadable" : id, answer.path("outcome").asText(), (a, b) -> a + "," + b);
            if (!answer.path("outcome").asText().equals("DONE")) {
                assertThat(answer.path("reason").asText()).isNotEmpty();
            }
        }
        assertThat(outcomes)
                .containsOnly(
                        Map.entry("unreadable", "MALFORMED"),
                        Map.entry("!", "MALFORMED"),
                        Map.entry("nonsense", "UNKNOWN"),
                        Map.entry("newer", "UNKNOWN"),
                        Map.entry("late", "EXPIRED"),
                        Map.entry("forbidden", "UNAUTHORISED"),
                        Map.entry("nobody", "UNAUTHORISED"),
                        Map.entry("untyped", "MALFORMED"),
                        Map.entry("missing", "REFUSED"),
                        Map.entry("good", "DONE"));
        assertThat(answer(settings, "missing").path("refusal").asText()).isEqualTo("MISSING");
        List<ConsumerRecord<byte[], byte[]>> dead = read(settings, "commands.dlq");
        assertThat(dead).hasSize(8);
        assertThat(text(dead.get(0).value())).isEqualTo("{ no json");
        assertThat(dead).allSatisfy(d -> assertThat(header(d, "wharf-reason")).isNotEmpty());
        assertThat(made("x")).isEqualTo(1);
    }

    @Test
    void nobodyMayCommandAnythingUnlessItIsSaid() throws Exception {
        Settings settings = settings("commands.allow", "");
        Gauges gauges = publish(settings);
        send(volume("first", "one"));
        await(() -> gauges.getCommands() == 1);
        assertThat(answer(settings, "first").path("outcome").asText()).isEqualTo("UNAUTHORISED");
        assertThat(agent.host().volumes()).isEmpty();
    }

    @Test
    void withKeysOnlyWhatIsSignedIsDone() throws Exception {
        KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        Path keys = Files.createDirectories(folder.resolve("keys"));
        Files.writeString(
                keys.resolve("ops.pem"),
                "-----BEGIN PUBLIC KEY-----\n"
                        + Base64.getMimeEncoder()
                                .encodeToString(pair.getPublic().getEncoded())
                        + "\n-----END PUBLIC KEY-----\n");
        Settings settings = settings("commands.keys", keys.toString());
        Gauges gauges = publish(settings);
        String signed = volume("signed", "signed");
        Signature signature = Signature.getInstance("Ed25519");
        signature.initSign(pair.getPrivate());
        signature.update(signed.getBytes(StandardCharsets.UTF_8));
        String proof = Base64.getEncoder().encodeToString(signature.sign());
        send(signed, Optional.of(proof));
        send(volume("changed", "changed"), Optional.of(proof));
        send(volume("bare", "bare"));
        send(volume("boss", "boss").replace("ops", "boss"), Optional.of(proof));
        await(() -> gauges.getCommands() == 4);
        assertThat(answer(settings, "signed").path("outcome").asText()).isEqualTo("DONE");
        for (String id : List.of("changed", "bare", "boss")) {
            assertThat(answer(settings, id).path("outcome").asText()).isEqualTo("UNAUTHORISED");
        }
        assertThat(agent.host().volumes()).hasSize(1);
    }

    @Test
    void aCommandThatIsSentTwiceIsDoneOnceAndAnsweredOnce() throws Exception {
        Settings settings = settings();
        Gauges gauges = publish(settings);
        send(volume("twice", "one"));
        send(volume("twice", "one"));
        await(() -> gauges.getCommands() == 1);
        send(volume("twice", "one"));
        send(volume("other", "two"));
        await(() -> gauges.getCommands() == 2);
        publishers.remove(0).close();
        Gauges again = publish(settings);
        send(volume("twice", "one"));
        send(volume("last", "three"));
        await(() -> again.getCommands() == 1);
        assertThat(answers(settings)).hasSize(3);
        assertThat(made("one")).isEqualTo(1);
    }

    @Test
    void aCommandMayExpectThatNothingHasChanged() throws Exception {
        Settings settings = settings();
        Gauges gauges = publish(settings);
        send(volume("make", "one"));
        await(() -> gauges.getCommands() == 1);
        long position = journal.end().sequence();
        agent.append(new Batch(
                new Cause(CommandId.NONE, Optional.empty(), Actor.WHARF),
                Instant.now(),
                List.of(new VolumeEvent.Ready(new VolumeName("one"), Path.of("/one")))));
        String expect = ",\"expect\":{\"subject\":\"volume:one\",\"position\":";
        send(order("stale", "volume.remove", "{\"volume\":\"one\"}", expect + position + "}"));
        send(order("fresh", "volume.remove", "{\"volume\":\"one\"}", expect + (position + 1) + "}"));
        await(() -> gauges.getCommands() == 3);
        assertThat(answer(settings, "stale").path("refusal").asText()).isEqualTo("CONFLICT");
        assertThat(answer(settings, "stale").path("reason").asText()).contains("volume:one has changed");
        assertThat(answer(settings, "fresh").path("outcome").asText()).isEqualTo("DONE");
    }

    private String fleet(int status, String... words) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int ended = FleetCommand.run(new PrintStream(out), new PrintStream(err), words);
        assertThat(ended).as(err.toString(StandardCharsets.UTF_8)).isEqualTo(status);
        return status == 2 ? err.toString(StandardCharsets.UTF_8) : out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void theFleetIsSeenAndCommandedFromOneCommandLine() throws Exception {
        Path config = Files.writeString(
                folder.resolve("fleet.cfg"),
                "bootstrap.servers = " + broker.address() + "\ntopics.prefix = " + prefix + "\n");
        Settings settings = settings();
        publish(settings);
        String[] send = {
            "--config",
            config.toString(),
            "--principal",
            "ops",
            "--id",
            "one",
            "send",
            host,
            "volume.create",
            "{\"name\":\"one\"}"
        };
        assertThat(fleet(0, send)).startsWith("done").contains(host + ":2.0");
        assertThat(fleet(0, send)).as("sent again").startsWith("done").contains(host + ":2.0");
        assertThat(agent.host().volumes()).hasSize(1);
        assertThat(fleet(
                        1,
                        "--config",
                        config.toString(),
                        "--principal",
                        "eve",
                        "--format",
                        "json",
                        "send",
                        host,
                        "volume.remove",
                        "{\"volume\":\"one\"}"))
                .contains("UNAUTHORISED");
        assertThat(fleet(0, "--config", config.toString(), "hosts"))
                .contains("HOST")
                .contains(host);
        assertThat(fleet(0, "--config", config.toString(), "events"))
                .contains("dev.wharf.host.opened.v1")
                .contains("volume:one  kafka:ops");
        assertThat(fleet(0, "--config", config.toString(), "ps")).startsWith("HOST");
        assertThat(fleet(2, "--config", config.toString(), "sing")).contains("sing");
        assertThat(fleet(2, "ps", "--nonsense", "x")).contains("--nonsense");
    }

    /** Ends a publisher at a step without a word, as a crash would. */
    private static final class Crash extends Error {
        private static final long serialVersionUID = 1L;
    }

    /** Commands, some sent twice, while publishers die at steps of chance and agents are made anew from the journal. */
    @Test
    @Timeout(600)
    void throughCrashesEveryCommandHasOneResultAndOneEffect() throws Exception {
        long seed = Long.getLong("kafka.seed", 20261126);
        long seconds = Long.getLong("kafka.seconds", 8);
        Random chance = new Random(seed);
        Settings settings = settings();
        // Makes the topics.
        publish(settings);
        publishers.remove(0).close();
        List<String> steps = List.of("opened", "begun", "sent", "marked", "committed", "answered", "never");
        Thread.setDefaultUncaughtExceptionHandler((t, e) -> {});
        Set<String> ids = new HashSet<>();
        int rounds = 0;
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        while (System.nanoTime() < end) {
            String step = steps.get(chance.nextInt(steps.size()));
            AtomicInteger left = new AtomicInteger(1 + chance.nextInt(4));
            CountDownLatch dead = new CountDownLatch(1);
            if (chance.nextBoolean()) {
                agent = new JournalAgent(journal);
            }
            Publisher publisher = new Publisher(agent.agent(), settings, new Gauges(), Optional::empty, at -> {
                if (at.equals(step) && left.decrementAndGet() == 0) {
                    dead.countDown();
                    throw new Crash();
                }
            });
            publisher.start();
            for (int i = chance.nextInt(12); i >= 0; i--) {
                String id = "id-" + ids.size();
                ids.add(id);
                send(volume(id, "vol-" + id));
                if (chance.nextInt(4) == 0) {
                    send(volume(id, "vol-" + id));
                }
            }
            dead.await(500 + chance.nextInt(1500), TimeUnit.MILLISECONDS);
            publisher.close();
            rounds++;
        }
        publish(settings);
        await(() -> {
            try {
                return answers(settings).size() >= ids.size();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        System.out.println("kafka commands: seed " + seed + ", " + rounds + " rounds, " + ids.size() + " commands");
        Map<String, JsonNode> answers = new TreeMap<>();
        for (JsonNode answer : answers(settings)) {
            assertThat(answers.put(answer.path("command").asText(), answer))
                    .as("one answer for " + answer)
                    .isNull();
        }
        assertThat(answers.keySet()).isEqualTo(ids);
        List<String> all = published(settings);
        assertThat(all).isEqualTo(journaled(journal, host));
        for (String id : ids) {
            List<String> effects = all.stream()
                    .filter(l -> l.contains("volume.created") && l.contains("\"vol-" + id + "\""))
                    .map(l -> l.substring(0, l.indexOf(' ')))
                    .toList();
            assertThat(effects).as(id).hasSize(1);
            assertThat(answers.get(id).path("outcome").asText()).isEqualTo("DONE");
            assertThat(answers.get(id).path("events")).as(id).hasSize(1);
            assertThat(answers.get(id).path("events").get(0).asText()).isEqualTo(effects.get(0));
        }
    }
}
