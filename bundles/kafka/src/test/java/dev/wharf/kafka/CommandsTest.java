package dev.wharf.kafka;

import static dev.wharf.kafka.Topics.await;
import static dev.wharf.kafka.Topics.header;
import static dev.wharf.kafka.Topics.journaled;
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
import dev.wharf.model.VolumeSpec;
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
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
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
        send("{\"a\":".repeat(3000));
        send("{\"id\":\"!\",\"v\":1,\"kind\":\"volume.create\",\"principal\":\"ops\"}");
        send(order("nonsense", "volume.fold", "{}"));
        send(order("newer", "volume.create", "{\"name\":\"x\"}").replace("\"v\":1", "\"v\":2"));
        send(order("late", "volume.create", "{\"name\":\"x\"}", ",\"expires\":\"2020-01-01T00:00:00Z\""));
        send(order("forbidden", "container.stop", "{\"container\":\"x\"}"));
        send(order("nobody", "volume.create", "{\"name\":\"x\"}").replace("ops", "eve"));
        send(order("untyped", "volume.create", "{\"name\":7}"));
        send(order("missing", "volume.remove", "{\"volume\":\"nowhere\"}"));
        send(volume("good", "x"));
        await(() -> gauges.getCommands() == 11);
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
                        Map.entry("unreadable", "MALFORMED,MALFORMED,MALFORMED"),
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
        assertThat(dead).hasSize(9);
        assertThat(text(dead.get(0).value())).isEqualTo("{ no json");
        assertThat(dead).allSatisfy(d -> assertThat(header(d, "wharf-reason")).isNotEmpty());
        assertThat(made("x")).isEqualTo(1);
    }

    /** Whoever sends a command wrote its secrets on the topic of commands; from there they go no further. */
    @Test
    void secretsInCommandsAreOnNoOtherTopic() throws Exception {
        Settings settings = settings();
        Gauges gauges = publish(settings);
        String body = "{\"body\":{\"Image\":\"x\",\"Env\":[\"INNOCENT=canary-1\"],\"HostConfig\":{\"LogConfig\":"
                + "{\"Config\":{\"splunk-token\":\"canary-2\"}}},\"Labels\":{\"o\":\"user=me,password=canary-3\"}}}";
        send(order("forbidden", "container.run", body));
        send(order("nonsense", "container.fold", body));
        send(order("late", "container.run", body, ",\"expires\":\"2020-01-01T00:00:00Z\""));
        send(order("torn", "container.run", body).replace("}}}", ""));
        send("canary-4");
        send("{\"id\":\"bare\", \"apiKey\": \"canary-5\", DB_PASSWORD=canary-6}");
        send(order("options", "volume.create", "{\"name\":\"v\",\"options\":{\"o\":\"password=canary-7\"}}"));
        await(() -> gauges.getCommands() == 7);
        assertThat(read(settings, "commands.dlq")).hasSize(6);
        List<String> found = new ArrayList<>();
        for (String topic : List.of("events", "state", "positions", "results", "commands.dlq")) {
            for (ConsumerRecord<byte[], byte[]> record : read(settings, topic)) {
                StringBuilder all = new StringBuilder(text(record.value() == null ? new byte[0] : record.value()));
                record.headers().forEach(h -> all.append(' ').append(text(h.value())));
                if (all.toString().contains("canary")) {
                    found.add(topic + ": " + all);
                }
            }
        }
        // A word alone is nobody's secret: nothing says that it is one.
        assertThat(found).singleElement().asString().startsWith("commands.dlq: canary-4");
        assertThat(text(read(settings, "commands.dlq").get(0).value())).contains("INNOCENT=" + Concealment.HIDDEN);
    }

    /** What cannot be read may be a secret in the wrong place, so an answer says what should stand there. */
    @Test
    void answersSayWhatIsWrongAndNotWhatStandsThere() throws Exception {
        Settings settings = settings("commands.allow", "ops=*");
        Gauges gauges = publish(settings);
        String data = "{\"name\":\"x\"}";
        send(order("expires", "volume.create", data, ",\"expires\":\"canary\""));
        send(order("expect", "volume.create", data, ",\"expect\":{\"subject\":\"volume:x\",\"position\":\"canary\"}"));
        send(order("canary".repeat(30), "volume.create", data));
        send(order("kind", "canary", data));
        send(order(
                "policy",
                "container.update",
                "{\"container\":\"x\",\"resources\":{},\"restartPolicy\":{\"kind\":\"canary\"}}"));
        send(order("grace", "container.stop", "{\"container\":\"x\",\"grace\":\"canary\"}"));
        send(order("null", "volume.create", "null"));
        send(order("twice", "volume.create", data) + order("more", "volume.create", data));
        await(() -> gauges.getCommands() == 8);
        Map<String, String> reasons = new TreeMap<>();
        for (JsonNode answer : answers(settings)) {
            assertThat(answer.path("outcome").asText()).isEqualTo("MALFORMED");
            assertThat(answer.toString()).doesNotContain("canary").doesNotContain("VALUE_", "START_");
            reasons.put(answer.path("command").asText(), answer.path("reason").asText());
        }
        assertThat(reasons)
                .containsEntry("expires", "field expires: must be a time such as 2026-12-01T12:00:00Z")
                .containsEntry("expect", "field expect.position: must be a whole number")
                .containsEntry("grace", "data: field grace: must be a length of time such as PT10S")
                .containsEntry("null", "data: must be an object")
                .containsEntry(
                        "policy",
                        "data: field restartPolicy.kind: must be one of NO, ALWAYS, UNLESS_STOPPED, ON_FAILURE")
                .containsKey("kind");
        assertThat(agent.host().volumes()).isEmpty();
    }

    /** The data of every kind is an object, as its schema says, though some have one field only. */
    @Test
    void dataIsAnObjectForKindsOfOneFieldToo() throws Exception {
        Settings settings = settings("commands.allow", "ops=*");
        Gauges gauges = publish(settings);
        send(order("start", "container.start", "{\"container\":\"nobody\"}"));
        send(order("leave", "network.remove", "{\"network\":\"nowhere\"}"));
        send(order("bare", "container.start", "\"nobody\""));
        await(() -> gauges.getCommands() == 3);
        assertThat(answer(settings, "start").path("refusal").asText()).isEqualTo("MISSING");
        assertThat(answer(settings, "leave").path("refusal").asText()).isEqualTo("MISSING");
        assertThat(answer(settings, "bare").path("outcome").asText()).isEqualTo("MALFORMED");
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

    private void tell(VolumeEvent event, Instant at) throws IOException {
        agent.append(new Batch(new Cause(CommandId.NONE, Optional.empty(), Actor.WHARF), at, List.of(event)));
    }

    private static VolumeEvent.Created volume(String name, Instant at) {
        return new VolumeEvent.Created(
                new VolumeSpec(new VolumeName(name), VolumeSpec.LOCAL, Map.of(), Map.of(), false), at);
    }

    @Test
    void theFleetIsSeenAsItWasAndWhyItIsSo() throws Exception {
        String[] fleet = {"--brokers", broker.address(), "--config", "", "--format", "json"};
        Path config = Files.writeString(folder.resolve("fleet.cfg"), "topics.prefix = " + prefix + "\n");
        fleet[3] = config.toString();
        Settings settings = settings("format", "structured");
        Gauges gauges = publish(settings);
        Instant noon = Instant.now().plusSeconds(3600);
        tell(volume("first", noon), noon);
        tell(new VolumeEvent.Ready(new VolumeName("first"), Path.of("/v/first")), noon.plusSeconds(1));
        tell(new VolumeEvent.Removed(new VolumeName("first")), noon.plusSeconds(60));
        send(volume("make", "second"));
        await(() -> gauges.getCommands() == 1);
        agent.append(new Batch(
                new Cause(CommandId.NONE, Optional.of(journal.end()), Actor.WHARF),
                Instant.now(),
                List.of(new VolumeEvent.Ready(new VolumeName("second"), Path.of("/v/second")))));
        await(() -> gauges.getPosition() == journal.end().sequence());

        JsonNode then =
                JSON.readTree(fleet(0, with(fleet, "at", noon.plusSeconds(30).toString())));
        assertThat(then.path("hosts")).hasSize(1);
        assertThat(then.path("hosts").get(0).path("host").asText()).isEqualTo(host);
        assertThat(then.path("hosts").get(0).path("complete").asBoolean()).isTrue();
        assertThat(then.path("hosts").get(0).path("volumes")).hasSize(1);
        assertThat(then.path("hosts").get(0).path("volumes").get(0).path("path").asText())
                .isEqualTo("/v/first");
        JsonNode later =
                JSON.readTree(fleet(0, with(fleet, "at", noon.plusSeconds(90).toString(), host.substring(0, 6))));
        assertThat(later.path("hosts")
                        .get(0)
                        .path("volumes")
                        .get(0)
                        .path("name")
                        .asText())
                .isEqualTo("second");
        assertThat(JSON.readTree(fleet(0, with(fleet, "at", "2d"))).path("hosts"))
                .isEmpty();

        JsonNode why = JSON.readTree(fleet(0, with(fleet, "why", host.substring(0, 6) + "/second")));
        assertThat(why.path("kind").asText()).isEqualTo("volume");
        assertThat(why.path("chain")).hasSize(2);
        assertThat(why.path("chain").get(0).path("actor").asText()).isEqualTo("kafka:ops");
        assertThat(why.path("chain").get(0).path("command").asText()).isEqualTo("make");
        assertThat(why.path("chain").get(1).path("depth").asInt()).isEqualTo(1);
        assertThat(why.path("commands").path("make").path("outcome").asText()).isEqualTo("DONE");
        String told = fleet(0, "--brokers", broker.address(), "--config", config.toString(), "why", host + "/first");
        assertThat(told).contains("volume first", "State  gone", "volume created", "volume ready at /v/first");
        assertThat(fleet(1, with(fleet, "why", host + "/never"))).isEmpty();
        assertThat(fleet(2, with(fleet, "why", "nothing"))).contains("HOST/NAME");
        assertThat(fleet(2, with(fleet, "at", "yesterdayish"))).contains("yesterdayish");
        for (String command : List.of("at", "why", "verify")) {
            assertThat(fleet(0, command, "--help")).contains("Usage: wharf fleet " + command, "Examples:");
        }
    }

    private static String[] with(String[] first, String... more) {
        return java.util.stream.Stream.of(first, more)
                .flatMap(java.util.Arrays::stream)
                .toArray(String[]::new);
    }

    @Test
    void whatWasPublishedIsHeldAgainstTheJournal(@TempDir Path root) throws Exception {
        String[] fleet = {"--brokers", broker.address(), "--config", "", "--format", "json"};
        fleet[3] = Files.writeString(folder.resolve("fleet.cfg"), "topics.prefix = " + prefix + "\n")
                .toString();
        Settings settings = settings();
        Gauges gauges = publish(settings);
        for (int i = 0; i < 20; i++) {
            if (i == 7) {
                agent.append(new Batch(
                        new Cause(CommandId.NONE, Optional.empty(), Actor.WHARF),
                        Instant.now(),
                        List.of(new HostEvent.CheckpointStarted(), new HostEvent.CheckpointCompleted(0))));
            }
            tell(volume("v" + i, Instant.now()), Instant.now());
        }
        await(() -> gauges.getPosition() == journal.end().sequence());
        assertThat(fleet(0, with(fleet, "verify"))).contains("\"topic\":\"whole\"", "\"journal\":\"not compared\"");
        publishers.remove(0).close();
        journal.close();
        String[] local = with(fleet, "--data-root", folder.toString(), "verify", host.substring(0, 8));
        assertThat(fleet(0, local)).contains("\"state\":\"whole\"", "\"journal\":\"same up to 22\"");

        // Another journal of the same host, the same up to position 5.
        Path other = Files.createDirectories(root.resolve("journal"));
        try (EventJournal old = journal();
                EventJournal forged =
                        new RecordJournal(new FileLog(new FileLog.Options(other, "test")), new EventCodec());
                EventJournal.Reader reader = old.open(dev.wharf.core.journal.Position.START)) {
            for (var entry = reader.poll(); entry.isPresent(); entry = reader.poll()) {
                Batch batch = entry.get().batch();
                boolean changed = entry.get().position().sequence() == 6;
                forged.append(changed ? new Batch(batch.cause(), batch.at().plusSeconds(1), batch.events()) : batch);
            }
        }
        String parted = fleet(1, with(fleet, "--data-root", root.toString(), "verify", host));
        assertThat(parted).contains("\"state\":\"parted\"", "parts after 5: the head at 6 was published as sha256:");

        // An older copy of it.
        Path copy = Files.createDirectories(folder.resolve("copy/journal"));
        try (EventJournal old = journal();
                EventJournal older =
                        new RecordJournal(new FileLog(new FileLog.Options(copy, "test")), new EventCodec());
                EventJournal.Reader reader = old.open(dev.wharf.core.journal.Position.START)) {
            for (int i = 0; i < 9; i++) {
                older.append(reader.poll().orElseThrow().batch());
            }
        }
        assertThat(fleet(1, with(fleet, "--data-root", folder.resolve("copy").toString(), "verify", host)))
                .contains("the journal ends at 9, and what is published goes to 22");
        assertThat(fleet(1, with(fleet, "--data-root", folder.toString(), "verify", "0000")))
                .isEmpty();
    }

    private EventJournal journal() throws IOException {
        return new RecordJournal(new FileLog(new FileLog.Options(folder.resolve("journal"), "test")), new EventCodec());
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
        assertThat(fleet(2, "sing")).contains("no such command: \"sing\"");
        assertThat(fleet(2, "ps", "--format", "yaml")).contains("not \"yaml\"");
        assertThat(fleet(2, "--config", config.toString(), "--wait", "long", "ps"))
                .contains("not \"long\"");
        assertThat(fleet(2, "--config", config.toString(), "send", host, "container.stop", "{web}"))
                .contains("DATA is no JSON");
        ByteArrayOutputStream away = new ByteArrayOutputStream();
        PrintStream err = new PrintStream(away);
        assertThat(FleetCommand.run(err, err, "--brokers", "127.0.0.1:1", "ps")).isEqualTo(1);
        assertThat(away.toString(StandardCharsets.UTF_8)).contains("no broker answers at 127.0.0.1:1");
    }
}
