package dev.wharf.itests.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Entry;
import dev.wharf.core.journal.Position;
import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.log.codec.record.RecordJournal;
import dev.wharf.log.file.FileLog;
import dev.wharf.testkit.kafka.Broker;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

@Timeout(240)
class KafkaIT {
    @TempDir
    Path folder;

    private Path config;

    private Daemon agent() throws IOException, InterruptedException {
        config = Files.createDirectories(folder.resolve("etc"));
        Files.writeString(config.resolve("wharfd.conf"), "wharf.journal.kind = file\n");
        return SharedAgent.withBusybox(folder.resolve("host"), "--config-dir=" + config);
    }

    /** Written aside and moved in, as an operator's tools do. */
    private void configure(String... lines) throws IOException {
        Path fresh = folder.resolve("kafka.cfg");
        Files.writeString(fresh, String.join("\n", lines) + "\n");
        Files.move(fresh, config.resolve("dev.wharf.kafka.cfg"), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    }

    private static List<ConsumerRecord<byte[], byte[]>> read(Broker broker, String topic) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        Map<String, Object> settings = Map.of(
                "bootstrap.servers",
                broker.address(),
                "isolation.level",
                "read_committed",
                "auto.offset.reset",
                "earliest");
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions =
                    Optional.ofNullable(consumer.partitionsFor(topic)).orElse(List.of()).stream()
                            .map(p -> new TopicPartition(p.topic(), p.partition()))
                            .toList();
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Set<TopicPartition> left = new HashSet<>(partitions);
            while (true) {
                left.removeIf(p -> consumer.position(p) >= ends.get(p));
                if (left.isEmpty()) {
                    return records;
                }
                consumer.poll(Duration.ofMillis(100)).forEach(records::add);
            }
        }
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
        return record.headers().lastHeader(name) == null
                ? ""
                : text(record.headers().lastHeader(name).value());
    }

    private static long lastPublished(Broker broker) {
        List<ConsumerRecord<byte[], byte[]>> marks;
        try {
            marks = read(broker, "wharf.positions");
        } catch (org.apache.kafka.common.errors.UnknownTopicOrPartitionException e) {
            return 0;
        }
        if (marks.isEmpty()) {
            return 0;
        }
        return Long.parseLong(text(marks.get(marks.size() - 1).value()).replaceAll(".*\"position\":(\\d+).*", "$1"));
    }

    private static long end(Daemon agent) throws Exception {
        String facts = agent.curl("/wharf/v1/journal/facts").outOrThrow();
        return Long.parseLong(facts.replaceAll("(?s).*\"end\":(\\d+).*", "$1"));
    }

    private static void awaitPublished(Daemon agent, Broker broker) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        long end = end(agent);
        while (lastPublished(broker) < end) {
            assertThat(System.nanoTime()).as("published up to " + end).isLessThan(deadline);
            Thread.sleep(200);
        }
    }

    /** Environments are published by name, and everything else as it is, but for what was planted. */
    private static String comparable(String event) {
        return event.replaceAll("\"env\":\\[[^\\]]*]", "\"env\":[]")
                .replace("password=canary-volume", "password=(hidden)");
    }

    @Test
    void theTopicIsTheJournalThroughKillsOfAgentAndBrokerAndSecretsStayAtHome() throws Exception {
        try (Broker broker = Broker.start(folder.resolve("broker"));
                Daemon agent = agent()) {
            configure("bootstrap.servers = " + broker.address());
            agent.docker(
                            "run",
                            "-d",
                            "--name",
                            "web",
                            "-e",
                            "PASSWORD=canary-env",
                            "--restart",
                            "always",
                            "busybox",
                            "sleep",
                            "1000")
                    .outOrThrow();
            awaitPublished(agent, broker);
            plantSecrets(agent);
            churn(agent, 3);
            agent.kill();
            agent.restart();
            try (Cut cut = Cut.of(broker)) {
                churn(agent, 3);
            }
            churn(agent, 1);
            broker.kill();
            churn(agent, 3);
            agent.kill();
            agent.restart();
            broker.start();
            churn(agent, 2);
            agent.docker("rm", "-f", "web").outOrThrow();
            awaitPublished(agent, broker);
            assertThat(agent.curl("/metrics").outOrThrow())
                    .containsPattern("wharf_journal_behind_batches\\{follower=\"kafka\"} \\d");
            agent.stop();

            List<ConsumerRecord<byte[], byte[]>> published = read(broker, "wharf.events");
            List<String> expected = new ArrayList<>();
            journal(agent, expected);
            List<String> found = published.stream()
                    .map(r -> header(r, "ce_id") + " " + header(r, "ce_chainhead") + " " + comparable(text(r.value())))
                    .toList();
            // What came after the last look, as the agent stopped, goes out the next time.
            assertThat(found.size()).isGreaterThan(100);
            assertThat(found).isEqualTo(expected.subList(0, found.size()));
            assertThat(expected.subList(found.size(), expected.size())).noneMatch(e -> e.contains("container."));
            assertThat(published)
                    .extracting(r -> text(r.key()))
                    .containsOnly(header(published.get(0), "ce_source").replace("/hosts/", ""));

            assertNoSecretsOnAnyTopic(broker);
            Map<String, byte[]> newest = new TreeMap<>();
            read(broker, "wharf.state").forEach(r -> newest.put(text(r.key()), r.value()));
            assertThat(newest.keySet()).anyMatch(key -> key.contains("/container:"));
            newest.forEach((key, value) -> {
                if (key.contains("/container:")) {
                    assertThat(value).as(key).isNull();
                }
            });
            assertThat(newest.keySet()).anyMatch(key -> key.contains("/network:") && newest.get(key) != null);
        }
    }

    /** Drops every packet to and from a broker, as a broken network does, until it is closed. */
    private record Cut(String table) implements AutoCloseable {
        static Cut of(Broker broker) throws Exception {
            String port = broker.address().replaceFirst(".*:", "");
            String table = "inet wharf_cut_" + port;
            Outcome.of(
                            "nft",
                            "add table " + table + "; add chain " + table
                                    + " in { type filter hook input priority 0; }; add rule " + table
                                    + " in iifname lo tcp dport " + port + " drop; add rule " + table
                                    + " in iifname lo tcp sport " + port + " drop")
                    .outOrThrow();
            return new Cut(table);
        }

        @Override
        public void close() throws Exception {
            Outcome.of("nft", "delete table " + table).outOrThrow();
        }
    }

    /** Wherever people put secrets that a host needs and a topic does not. */
    private static void plantSecrets(Daemon agent) throws Exception {
        agent.docker("exec", "-e", "TOKEN=canary-exec", "web", "true").outOrThrow();
        agent.docker(
                        "volume",
                        "create",
                        "--opt",
                        "type=tmpfs",
                        "--opt",
                        "device=tmpfs",
                        "--opt",
                        "o=size=1m,password=canary-volume",
                        "secret")
                .outOrThrow();
        agent.docker("run", "-d", "--name", "other", "-e", "INNOCENT=canary-env2", "busybox", "sleep", "1000")
                .outOrThrow();
        agent.docker("commit", "--change", "ENV KEY=canary-commit", "other", "committed")
                .outOrThrow();
        agent.docker("rm", "-f", "other").outOrThrow();
        agent.docker("rmi", "committed").outOrThrow();
        agent.docker("volume", "rm", "secret").outOrThrow();
    }

    /** Every topic that brokers know of, but the one that others write commands to, in values, keys and headers. */
    private static void assertNoSecretsOnAnyTopic(Broker broker) throws Exception {
        Set<String> topics;
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.address()))) {
            topics = admin.listTopics().names().get();
        }
        assertThat(topics).contains("wharf.events", "wharf.state", "wharf.positions");
        for (String topic : topics) {
            if (topic.equals("wharf.commands")) {
                continue;
            }
            for (ConsumerRecord<byte[], byte[]> record : read(broker, topic)) {
                StringBuilder all = new StringBuilder(text(record.key()));
                all.append(record.value() == null ? "" : text(record.value()));
                record.headers().forEach(h -> all.append(text(h.value())));
                assertThat(all.toString()).as(topic).doesNotContain("canary");
            }
        }
    }

    private static void send(Broker broker, String host, String... commands) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", broker.address()), new ByteArraySerializer(), new ByteArraySerializer())) {
            for (String command : commands) {
                producer.send(new ProducerRecord<>(
                                "wharf.commands",
                                host.getBytes(StandardCharsets.UTF_8),
                                command.getBytes(StandardCharsets.UTF_8)))
                        .get();
            }
        }
    }

    private static String order(String id, String kind, String data) {
        return "{\"id\":\"" + id + "\",\"v\":1,\"kind\":\"" + kind + "\",\"principal\":\"ops\",\"data\":" + data + "}";
    }

    /** The answers by command, once there are so many. */
    private static Map<String, String> answers(Broker broker, int count) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        List<ConsumerRecord<byte[], byte[]>> records = read(broker, "wharf.results");
        while (records.size() < count) {
            assertThat(System.nanoTime()).as(count + " answers").isLessThan(deadline);
            Thread.sleep(200);
            records = read(broker, "wharf.results");
        }
        Map<String, String> answers = new TreeMap<>();
        for (ConsumerRecord<byte[], byte[]> record : records) {
            assertThat(answers.put(header(record, "correlationid"), text(record.value())))
                    .isNull();
        }
        return answers;
    }

    @Test
    void containersAreRunAndRemovedFromAfarOnceHoweverOftenThatIsSent() throws Exception {
        try (Broker broker = Broker.start(folder.resolve("broker"));
                Daemon agent = agent()) {
            configure("bootstrap.servers = " + broker.address(), "commands = true", "commands.allow = ops=*");
            awaitPublished(agent, broker);
            String host = text(read(broker, "wharf.events").get(0).key());
            String run = order(
                    "run-1",
                    "container.run",
                    "{\"name\":\"web\",\"body\":{\"Image\":\"busybox\",\"Cmd\":[\"sleep\",\"1000\"]}}");
            send(
                    broker,
                    host,
                    run,
                    run,
                    order(
                            "run-2",
                            "container.run",
                            "{\"name\":\"bad\",\"body\":{\"Image\":\"busybox\",\"Cmd\":[\"/nowhere\"]}}"),
                    order("run-3", "container.run", "{\"name\":\"none\",\"body\":{\"Image\":\"nowhere:1\"}}"));
            Map<String, String> answers = answers(broker, 3);
            assertThat(answers.get("run-1")).contains("\"outcome\":\"DONE\"");
            assertThat(answers.get("run-2")).contains("\"outcome\":\"FAILED\"", "/nowhere");
            assertThat(answers.get("run-3")).contains("\"outcome\":\"REFUSED\"", "MISSING", "nowhere:1");
            String secret = "{\"name\":\"web\",\"body\":{\"Image\":\"busybox\",\"Env\":[\"PASSWORD=canary-env\"],"
                    + "\"HostConfig\":{\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{\"auth-token\":\"canary-log\"}}}}}";
            send(
                    broker,
                    host,
                    order("secret-1", "container.create", secret.replace("\"web\"", "\"secret\"")),
                    order("secret-2", "container.create", secret),
                    order("secret-3", "container.forge", secret),
                    order("secret-4", "container.run", secret).replace("\"ops\"", "\"eve\""),
                    order("secret-5", "container.run", secret).replace("}}}}", "}}"));
            answers(broker, 8);
            agent.docker("rm", "-f", "secret");
            assertThat(read(broker, "wharf.commands.dlq")).hasSize(3);
            assertNoSecretsOnAnyTopic(broker);
            assertThat(agent.docker("ps", "--format", "{{.Names}}").outOrThrow().strip())
                    .isEqualTo("web");
            String web = agent.docker("inspect", "-f", "{{.Id}}", "web").outOrThrow();
            assertThat(agent.wharf("fleet", "--brokers", broker.address(), "ps").outOrThrow())
                    .contains(host)
                    .containsPattern("web +busybox +running");

            List<String> more = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                more.add(order("volume-" + i, "volume.create", "{\"name\":\"v" + i + "\"}"));
            }
            more.add(run);
            send(broker, host, more.toArray(String[]::new));
            agent.kill();
            agent.restart();
            send(broker, host, run, order("remove-1", "container.remove", "{\"container\":\"web\",\"force\":true}"));
            answers = answers(broker, 29);
            Thread.sleep(1000);
            assertThat(answers(broker, 29)).hasSize(29);
            for (int i = 0; i < 20; i++) {
                assertThat(answers.get("volume-" + i)).contains("\"outcome\":\"DONE\"");
            }
            assertThat(answers.get("remove-1")).contains("\"outcome\":\"DONE\"");
            assertThat(agent.docker("ps", "--all", "--no-trunc", "--quiet").outOrThrow())
                    .doesNotContain(web.strip());
            assertThat(agent.docker("volume", "ls", "-q").outOrThrow().lines()).hasSize(20);
            awaitPublished(agent, broker);
            assertThat(read(broker, "wharf.events").stream()
                            .filter(r -> header(r, "ce_correlationid").startsWith("run-1")
                                    && header(r, "ce_type").equals("dev.wharf.container.created.v1")))
                    .hasSize(1);
        }
    }

    private static String drive(Broker broker, String host, int status, String... words) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                "/usr/bin/python3",
                "-B",
                Daemon.distribution().resolve("examples/drive-a-host.py").toString(),
                "--brokers",
                broker.address(),
                "--principal",
                "ops",
                "--wait",
                "40",
                host));
        command.addAll(List.of(words));
        Outcome driven = Outcome.of(command, Map.of(), Duration.ofSeconds(60));
        assertThat(driven.status()).as(driven.out() + driven.err()).isEqualTo(status);
        return driven.out();
    }

    /** Builds the inventory and runs its tests, in a copy of what is shipped: a project that knows nothing of this one. */
    private Path inventory() throws Exception {
        Path project = folder.resolve("image-inventory");
        Outcome.of(
                        "cp",
                        "-r",
                        Daemon.distribution()
                                .resolve("examples/image-inventory")
                                .toString(),
                        project.toString())
                .outOrThrow();
        String repository = System.getProperty("maven.repo.local", System.getProperty("user.home") + "/.m2/repository");
        Outcome built = Outcome.of(
                List.of(
                        "mvn",
                        "--batch-mode",
                        "--quiet",
                        "-Dmaven.repo.local=" + repository,
                        "-f",
                        project.resolve("pom.xml").toString(),
                        "package"),
                Map.of("MAVEN_OPTS", "-Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"),
                Duration.ofSeconds(200));
        assertThat(built.status()).as(built.out() + built.err()).isZero();
        assertThat(project.resolve("target/surefire-reports")).isDirectoryContaining("glob:**ImageInventoryTest.xml");
        return project.resolve("target/image-inventory.jar");
    }

    private static void awaitLine(Path file, String line) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!Files.readString(file).contains(line)) {
            assertThat(System.nanoTime())
                    .as(line + " in " + Files.readString(file))
                    .isLessThan(deadline);
            Thread.sleep(100);
        }
    }

    /** What knows the contract alone: a script that drives a host, and a stream that keeps what runs where. */
    @Test
    void theExamplesServeARealHostAndItsPastIsTold() throws Exception {
        Path jar = inventory();
        try (Broker broker = Broker.start(folder.resolve("broker"));
                Daemon agent = agent()) {
            configure("bootstrap.servers = " + broker.address(), "commands = true", "commands.allow = ops=*");
            awaitPublished(agent, broker);
            String host = text(read(broker, "wharf.events").get(0).key());
            Path client = Files.writeString(
                    folder.resolve("client.properties"),
                    "bootstrap.servers=" + broker.address() + "\ncommit.interval.ms=100\nstate.dir="
                            + folder.resolve("streams") + "\nreplication.factor=1\n");
            Path told = folder.resolve("inventory.log");
            Process inventory = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-Xmx128m",
                            "-XX:+UseSerialGC",
                            "-XX:TieredStopAtLevel=1",
                            "-jar",
                            jar.toString(),
                            client.toString())
                    .redirectErrorStream(true)
                    .redirectOutput(told.toFile())
                    .start();
            try {
                String[] run = {
                    "--id",
                    "drive-1",
                    "container.run",
                    "{\"name\":\"web\",\"body\":{\"Image\":\"busybox\",\"Cmd\":[\"sleep\",\"1000\"]}}"
                };
                assertThat(drive(broker, host, 0, run))
                        .startsWith("DONE")
                        .contains("dev.wharf.container.created.v", "dev.wharf.container.started.v");
                assertThat(drive(broker, host, 0, run)).as("sent again").startsWith("DONE");
                awaitLine(told, "busybox  on " + host + " since ");
                String then = java.time.Instant.now().toString();
                assertThat(drive(broker, host, 1, "container.start", "{\"container\":\"nobody\"}"))
                        .startsWith("REFUSED");
                drive(broker, host, 0, "container.remove", "{\"container\":\"web\",\"force\":true}");
                awaitLine(told, "busybox  on no host");
                assertThat(read(broker, "wharf.images").stream().map(r -> text(r.key())))
                        .containsOnly("busybox");
                awaitPublished(agent, broker);
                String[] fleet = {"fleet", "--brokers", broker.address()};
                assertThat(agent.wharf(with(fleet, "at", then)).outOrThrow())
                        .contains("host " + host)
                        .containsPattern("web +[0-9a-f]{12} +busybox +running");
                assertThat(agent.wharf(with(fleet, "why", host.substring(0, 8) + "/web"))
                                .outOrThrow())
                        .contains("State  gone", "asked by kafka:ops", "command drive-1 (container.run", "): done");
                assertThat(agent.wharf(with(fleet, "--agent", agent.host(), "verify", host))
                                .outOrThrow())
                        .containsPattern("whole +whole +same up to [0-9]+");
                assertThat(agent.wharf("--help").outOrThrow()).containsPattern("fleet +Shows");
            } finally {
                inventory.destroy();
                assertThat(inventory.waitFor(20, java.util.concurrent.TimeUnit.SECONDS))
                        .isTrue();
            }
        }
    }

    private static String[] with(String[] first, String... more) {
        return java.util.stream.Stream.of(first, more).flatMap(Arrays::stream).toArray(String[]::new);
    }

    private static void churn(Daemon agent, int times) throws Exception {
        for (int i = 0; i < times; i++) {
            assertThat(agent.docker("run", "--rm", "busybox", "echo", "hi").outOrThrow())
                    .isEqualTo("hi\n");
        }
    }

    private static void journal(Daemon agent, List<String> lines) throws IOException {
        EventCodec codec = new EventCodec();
        try (EventJournal journal = new RecordJournal(
                        new FileLog(new FileLog.Options(agent.dataRoot().resolve("journal"), "test")), codec);
                EventJournal.Reader reader = journal.open(Position.START)) {
            String host = "";
            for (Optional<Entry> entry = reader.poll(); entry.isPresent(); entry = reader.poll()) {
                List<Event> events = entry.get().batch().events();
                if (events.get(0) instanceof HostEvent.Opened opened) {
                    host = opened.id();
                }
                if (entry.get().batch().isCheckpoint()) {
                    continue;
                }
                for (int i = 0; i < events.size(); i++) {
                    lines.add(host + ":" + entry.get().position() + "." + i + " " + (i == 0 ? reader.head() : "") + " "
                            + comparable(text(codec.encode(events.get(i)))));
                }
            }
        }
    }

    private static long residentBytes(Daemon agent) throws IOException {
        return Files.readAllLines(Path.of("/proc/" + agent.pid() + "/status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) << 10)
                .findFirst()
                .orElseThrow();
    }

    /**
     * Containers churn with Kafka off and with a broker that is away in turns, so that what else the machine does meets both;
     * then the broker comes, and what it missed is published. It takes as long as {@code -Dwharf.kafka.away.seconds} says, and is
     * left out without: what a broker that is away must not cost is measured, not checked each time.
     */
    @Test
    @EnabledIfSystemProperty(named = "wharf.kafka.away.seconds", matches = "\\d+")
    @Timeout(3600)
    void aBrokerThatIsAwaySlowsNoStartTakesNoMemoryAndHearsEverythingWhenItIsBack() throws Exception {
        long seconds = Long.getLong("wharf.kafka.away.seconds", 4);
        try (Broker broker = Broker.start(folder.resolve("broker"));
                Daemon agent = agent()) {
            broker.kill();
            List<Long> off = new ArrayList<>();
            List<Long> away = new ArrayList<>();
            List<Long> memory = new ArrayList<>();
            churn(agent, 3);
            long end = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
            while (memory.size() < 3 || System.nanoTime() < end) {
                configure("bootstrap.servers =");
                Thread.sleep(1500);
                starts(agent, off);
                configure("bootstrap.servers = " + broker.address());
                Thread.sleep(1500);
                starts(agent, away);
                memory.add(residentBytes(agent));
            }
            awaitLine(agent.log(), "not publishing to kafka");
            long offMicros = median(off);
            long awayMicros = median(away);
            long before = memory.get(memory.size() / 3);
            long after = memory.get(memory.size() - 1);
            long batches = end(agent);
            broker.start();
            long begin = System.nanoTime();
            awaitPublished(agent, broker);
            long millis = (System.nanoTime() - begin) / 1_000_000;
            System.out.println("kafka away for " + seconds + " s: start of a container, median of " + off.size()
                    + ": kafka off " + offMicros + " us, broker away " + awayMicros + " us; memory " + (before >> 20)
                    + " MiB then, " + (after >> 20) + " MiB at the end; " + batches + " batches published in " + millis
                    + " ms");
            assertThat(awayMicros).isLessThan(offMicros * 3 / 2);
            assertThat(after).isLessThan(before + before / 4 + (8 << 20));
            List<String> expected = new ArrayList<>();
            agent.stop();
            journal(agent, expected);
            List<String> found = read(broker, "wharf.events").stream()
                    .map(r -> header(r, "ce_id") + " " + header(r, "ce_chainhead") + " " + comparable(text(r.value())))
                    .toList();
            assertThat(found).hasSizeGreaterThan(100).isEqualTo(expected.subList(0, found.size()));
        }
    }

    private static void starts(Daemon agent, List<Long> micros) throws Exception {
        for (int i = 0; i < 6; i++) {
            String id = agent.docker("create", "busybox", "sleep", "100")
                    .outOrThrow()
                    .strip();
            long before = System.nanoTime();
            agent.curl("/v1.47/containers/" + id + "/start", "-X", "POST").outOrThrow();
            micros.add((System.nanoTime() - before) / 1000);
            agent.docker("rm", "-f", id).outOrThrow();
        }
    }

    private static long median(List<Long> values) {
        long[] sorted = values.stream().mapToLong(Long::longValue).sorted().toArray();
        return Arrays.stream(sorted).skip(sorted.length / 2).findFirst().orElseThrow();
    }
}
