package dev.wharf.kafka;

import static dev.wharf.kafka.Topics.read;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.event.HostEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Service;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.log.codec.record.RecordJournal;
import dev.wharf.log.file.FileLog;
import dev.wharf.model.DocumentKey;
import dev.wharf.model.ServiceName;
import dev.wharf.spi.network.Peer;
import dev.wharf.testkit.kafka.Broker;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
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

@Timeout(120)
class MembershipTest {
    private static final DocumentKey SHOP = new DocumentKey("group/shop");
    private static final ServiceName WEB = new ServiceName("web");

    @TempDir
    static Path home;

    private static Broker broker;

    @TempDir
    Path folder;

    private final List<AutoCloseable> open = new ArrayList<>();
    private final Map<JournalAgent, Membership> memberships = new HashMap<>();
    private final String prefix = "m" + UUID.randomUUID().toString().substring(0, 8);
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
    void connect() {
        producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", broker.address()), new ByteArraySerializer(), new ByteArraySerializer());
    }

    @AfterEach
    void close() throws Exception {
        for (int i = open.size() - 1; i >= 0; i--) {
            open.get(i).close();
        }
        producer.close();
    }

    private static void await(String what, Callable<Boolean> so) throws Exception {
        long end = System.nanoTime() + 60_000_000_000L;
        while (!so.call()) {
            assertThat(System.nanoTime()).as(what).isLessThan(end);
            Thread.sleep(20);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private Settings settings(String... more) {
        Map<String, String> all = new java.util.HashMap<>(Map.of(
                "bootstrap.servers",
                broker.address(),
                "topics.prefix",
                prefix,
                "desired",
                "true",
                "commands.allow",
                "ops=desired.apply"));
        for (String line : more) {
            String[] parts = line.split("=", 2);
            all.put(parts[0], parts[1]);
        }
        return Settings.of(all);
    }

    private Membership membership(JournalAgent agent) {
        return Objects.requireNonNull(memberships.get(agent));
    }

    /** A host that publishes and takes part. */
    private JournalAgent host(String name, int number) throws IOException {
        EventJournal journal =
                new RecordJournal(new FileLog(new FileLog.Options(folder.resolve(name), "test")), new EventCodec());
        open.add(journal);
        JournalAgent agent = new JournalAgent(journal);
        String id = UUID.randomUUID().toString().replace("-", "");
        agent.append(new Batch(
                new Cause(CommandId.NONE, Optional.empty(), Actor.WHARF),
                Instant.now(),
                List.of(new HostEvent.Opened(id, 1, "test", Instant.now()))));
        join(agent, name, number);
        return agent;
    }

    private void join(JournalAgent agent, String name, int number) {
        Settings settings = settings(
                "host.name=" + name,
                "host.labels=role=shop,zone=" + name,
                "overlay.number=" + number,
                "overlay.address=10.0.0." + number);
        Publisher publisher = new Publisher(agent.agent(), settings, new Gauges(), Optional::empty);
        open.add(publisher);
        publisher.start();
        Membership membership = new Membership(agent.agent(), settings, Optional.empty());
        open.add(membership);
        memberships.put(agent, membership);
    }

    private void send(String key, String principal, String value) throws Exception {
        ProducerRecord<byte[], byte[]> record =
                new ProducerRecord<>(prefix + ".desired", bytes(key), value.isEmpty() ? null : bytes(value));
        record.headers().add("principal", bytes(principal));
        producer.send(record).get();
    }

    private static String document(String image) {
        return "{\"v\":1,\"selector\":{\"role\":\"shop\"},\"services\":{\"web\":{\"image\":\"" + image
                + "\",\"env\":{\"PASSWORD\":\"canary\"}}}}";
    }

    private static Optional<String> image(Host host) {
        return host.service(WEB).map(s -> s.wanted().spec().image());
    }

    @Test
    void keysOfEncryptedNetworksAreToldToOthersAndKeptOverARestart() throws Exception {
        JournalAgent one = host("one", 1);
        JournalAgent two = host("two", 2);
        String key = "IlEgnXW9gsMLDbULp9SpNoKt+6GQQbqSL9EOF482NVw=";

        membership(one).announcing().announce(key);

        await("the key", () -> two.host().peers().equals(List.of(new Peer(1, "one", "10.0.0.1", key))));
        assertThat(membership(one).announcing().peers().self().key()).isEqualTo(key);
        try (Membership again = new Membership(
                one.agent(),
                settings(
                        "host.name=one",
                        "host.labels=role=shop,zone=one",
                        "overlay.number=1",
                        "overlay.address=10.0.0.1"),
                Optional.empty())) {
            assertThat(again.announcing().peers().self().key())
                    .as("before anybody announced anything")
                    .isEqualTo(key);
        }
    }

    @Test
    void hostsLearnOfOneAnotherAndTakeWhatIsForThem() throws Exception {
        JournalAgent one = host("one", 1);
        JournalAgent two = host("two", 2);
        await(
                "peers",
                () -> one.host().peers().equals(List.of(new Peer(2, "two", "10.0.0.2")))
                        && two.host().peers().equals(List.of(new Peer(1, "one", "10.0.0.1"))));

        send("group/shop", "ops", document("shop:1"));
        send("host/two", "ops", "{\"v\":1,\"services\":{\"own\":{\"image\":\"own\"}}}");
        send("group/other", "ops", "{\"v\":1,\"selector\":{\"role\":\"db\"},\"services\":{\"db\":{\"image\":\"db\"}}}");
        await(
                "documents",
                () -> image(one.host()).equals(Optional.of("shop:1"))
                        && image(two.host()).equals(Optional.of("shop:1"))
                        && two.host().services().size() == 2);
        assertThat(one.host().documents().keySet()).containsExactly(SHOP);

        // What is wrong is told, and what held before goes on.
        send("group/shop", "ops", "{\"v\":1,\"selector\":{\"role\":\"shop\"},\"services\":{\"web\":{}}}");
        await("refusal", () -> reason(one).contains("services.web.image is missing"));
        send("group/shop", "mallory", document("evil"));
        await("refusal", () -> reason(one).contains("mallory"));
        assertThat(image(one.host())).contains("shop:1");
        send("group/shop", "ops", document("shop:2"));
        await("the next", () -> image(one.host()).equals(Optional.of("shop:2")));
        assertThat(reason(one)).isEmpty();

        // A host that leaves the group gives up its services; a tombstone only gives up looking after them.
        send("group/shop", "ops", document("shop:2").replace("\"role\":\"shop\"", "\"zone\":\"two\""));
        await("one leaves", () -> one.host().service(WEB).orElseThrow().phase() == Service.Phase.REMOVING);
        assertThat(two.host().service(WEB).orElseThrow().phase()).isEqualTo(Service.Phase.ROLLING);
        send("group/shop", "ops", "");
        await(
                "released",
                () -> two.host().service(WEB).isEmpty()
                        && two.host().document(SHOP).isEmpty());

        await(
                "state of services is published",
                () -> read(settings(), "state").stream()
                        .anyMatch(r -> Topics.text(r.key()).endsWith("/service:own")));
        for (String topic : List.of("events", "state", "hosts", "positions")) {
            assertThat(read(settings(), topic))
                    .noneMatch(r -> r.value() != null && Topics.text(r.value()).contains("canary"));
        }
        assertThat(read(settings(), "events"))
                .anyMatch(r -> Topics.header(r, "ce_type").equals("dev.wharf.desired.refused.v1"));
    }

    private static String reason(JournalAgent agent) {
        return agent.host()
                .document(SHOP)
                .flatMap(d -> d.refusal())
                .map(r -> r.reason())
                .orElse("");
    }

    @Test
    void theCommandLineShowsWhatChangesAndTellsWhatBecameOfIt() throws Exception {
        JournalAgent one = host("one", 1);
        Path file = folder.resolve("services.yaml");
        Files.writeString(file, "key: group/shop\nselector: {role: shop}\nservices:\n  web: {image: 'shop:1'}\n");
        await(
                "the host is known",
                () -> fleet("hosts").contains(one.host().identity().id()));
        await(
                "the host is meant",
                () -> fleet("apply", "-f", file.toString(), "--dry-run").contains("+ web: 1 x shop:1"));
        assertThat(one.host().services()).isEmpty();
        assertThat(fleet("--principal", "ops", "apply", "-f", file.toString(), "--detach"))
                .contains("+ web: 1 x shop:1");
        await("taken", () -> image(one.host()).equals(Optional.of("shop:1")));
        await("shown", () -> fleet("status").contains("rolling"));
        Files.writeString(file, "key: group/shop\nselector: {role: shop}\nservices:\n  web: {image: 'shop:2'}\n");
        assertThat(fleet("apply", "-f", file.toString(), "--dry-run")).contains("~ web: image shop:1 -> shop:2");
        assertThat(fleet("--format", "json", "apply", "-f", file.toString(), "--dry-run"))
                .startsWith(
                        "{\"host\":\"one\",\"document\":\"group/shop\",\"changes\":[\"~ web: image shop:1 -> shop:2\"]}");
        assertThat(fleet("apply", "-f", file + ".none"))
                .contains("there is no file " + file + ".none")
                .contains("(exit 2)");
        assertThat(fleet("--principal", "nobody", "apply", "-f", file.toString()))
                .contains("one refuses it")
                .contains("(exit 1)");
        assertThat(fleet("--format", "json", "status")).contains("\"wanted\":1", "\"refused\":[{\"host\":\"one\"");
        Files.writeString(file, "key: group/shop\nservices:\n  web: {imag: 'shop:2'}\n");
        assertThat(fleet("apply", "-f", file.toString()))
                .contains("services.web.image is missing")
                .contains("(exit 2)");
        assertThat(fleet("--principal", "ops", "--format", "json", "release", "group/shop"))
                .startsWith("{\"document\":\"group/shop\",\"outcome\":\"released\"}");
        await("released", () -> one.host().services().isEmpty());
        assertThat(one.host().documents()).isEmpty();
    }

    private String fleet(String... words) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrintStream print = new PrintStream(out, true, StandardCharsets.UTF_8);
        List<String> all = new ArrayList<>();
        Path config = folder.resolve("fleet.cfg");
        try {
            Files.writeString(config, "bootstrap.servers=" + broker.address() + "\ntopics.prefix=" + prefix + "\n");
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        all.addAll(List.of("--config", config.toString()));
        all.addAll(List.of(words));
        int status = FleetCommand.run(print, print, all.toArray(String[]::new));
        return out.toString(StandardCharsets.UTF_8) + "(exit " + status + ")";
    }

    @Test
    void documentsThatWereTakenAwayWhileNobodyListenedAreLetGoOf() throws Exception {
        JournalAgent one = host("one", 1);
        send("group/shop", "ops", document("shop:1"));
        await("taken", () -> image(one.host()).isPresent());
        while (open.size() > 1) {
            open.remove(open.size() - 1).close();
        }
        send("group/shop", "ops", "");
        join(one, "one", 1);
        await("released", () -> one.host().documents().isEmpty());
    }
}
