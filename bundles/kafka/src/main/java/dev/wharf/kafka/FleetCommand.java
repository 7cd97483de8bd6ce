package dev.wharf.kafka;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.state.Container;
import dev.wharf.core.story.Standing;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.log.codec.RecordCodec;
import java.io.IOException;
import java.io.PrintStream;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The command {@code wharf fleet}: what stands on all hosts, what happens there, and commands to them, over Kafka and no other
 * server. Exit status: 0 when all went well, 1 when it did not, 2 when it was called the wrong way.
 */
public final class FleetCommand {
    private static final String USAGE = """
            Usage: wharf fleet [OPTIONS] COMMAND

            Commands:
              ps                          containers of every host
              hosts                       hosts, and how far each is published
              events [-f]                 what happened on every host, and with -f what happens
              send HOST KIND [DATA]       give a host a command, and wait for its answer; DATA is JSON

            Options:
              --config FILE               settings as in dev.wharf.kafka.cfg (/etc/wharf/dev.wharf.kafka.cfg)
              --brokers HOST:PORT,...     brokers to begin with, instead of those in the settings
              --format table|json         how to answer
              --principal NAME            who commands
              --id ID                     the command's id, to send the same again
              --wait SECONDS              how long to wait for the answer (60)

            Examples:
              wharf fleet --brokers kafka:9092 ps
              wharf fleet --brokers kafka:9092 --principal ops send HOST container.stop '{"container": "web"}'
            """;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final PrintStream out;
    private final Map<String, String> options = new HashMap<>();
    private final Deque<String> words = new ArrayDeque<>();
    private Settings settings = Settings.of(Map.of());

    private static final class MisusedException extends Exception {
        private static final long serialVersionUID = 1L;

        MisusedException(String message) {
            super(message);
        }
    }

    private FleetCommand(PrintStream out) {
        this.out = out;
    }

    public static void main(String[] arguments) {
        System.exit(run(System.out, System.err, arguments));
    }

    static int run(PrintStream out, PrintStream err, String... arguments) {
        try {
            return new FleetCommand(out).run(arguments);
        } catch (MisusedException | IllegalArgumentException e) {
            err.println("wharf: " + e.getMessage());
            return 2;
        } catch (IOException | KafkaException e) {
            err.println("wharf: " + e.getMessage());
            return 1;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return 1;
        }
    }

    private int run(String... arguments) throws IOException, InterruptedException, MisusedException {
        for (int i = 0; i < arguments.length; i++) {
            String word = arguments[i];
            if (word.equals("--help") || word.equals("-h")) {
                out.print(USAGE);
                return 0;
            } else if (word.equals("-f")) {
                options.put(word, "");
            } else if (word.startsWith("--")) {
                if (!USAGE.contains("  " + word + " ") || i + 1 == arguments.length) {
                    throw new MisusedException("unknown option or no value: " + word + "; see wharf fleet --help");
                }
                options.put(word, arguments[++i]);
            } else {
                words.add(word);
            }
        }
        settings = settings();
        String command = words.isEmpty() ? "" : words.remove();
        try (Connection connection = new Connection(settings, "fleet-" + UUID.randomUUID())) {
            return switch (command) {
                case "ps" -> ps(connection);
                case "hosts" -> hosts(connection);
                case "events" -> events(connection);
                case "send" -> send(connection);
                default -> throw new MisusedException("no such command: \"" + command + "\"; see wharf fleet --help");
            };
        }
    }

    private Settings settings() throws IOException, MisusedException {
        Path file = Path.of(options.getOrDefault("--config", "/etc/wharf/dev.wharf.kafka.cfg"));
        Map<String, String> all = new HashMap<>();
        if (Files.exists(file)) {
            Properties properties = new Properties();
            try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
                properties.load(reader);
            }
            properties.stringPropertyNames().forEach(name -> all.put(name, properties.getProperty(name)));
        } else if (options.containsKey("--config")) {
            throw new MisusedException("there is no file " + file);
        }
        if (options.containsKey("--brokers")) {
            all.put("bootstrap.servers", options.getOrDefault("--brokers", ""));
        }
        Settings read = Settings.of(all);
        if (!read.isOn()) {
            throw new MisusedException("no brokers are named: give --brokers HOST:PORT, or --config FILE");
        }
        return read;
    }

    private boolean isJson() {
        return options.getOrDefault("--format", "table").equals("json");
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** The newest containers by host and id. */
    private static Map<String, Container> containers(Connection connection) throws IOException, InterruptedException {
        EventCodec codec = new EventCodec();
        Map<String, byte[]> newest = new TreeMap<>();
        connection.read("state", Long.MAX_VALUE, record -> {
            String key = text(record.key());
            if (record.value() == null) {
                newest.remove(key);
            } else if (key.contains("/container:")) {
                newest.put(key, record.value());
            }
        });
        Map<String, Container> containers = new TreeMap<>();
        for (Map.Entry<String, byte[]> one : newest.entrySet()) {
            Event state = codec.decodeEvent(ByteBuffer.wrap(one.getValue()));
            if (state instanceof ContainerEvent.Recorded recorded) {
                containers.put(one.getKey(), recorded.state());
            }
        }
        return containers;
    }

    private int ps(Connection connection) throws IOException, InterruptedException {
        List<ObjectNode> rows = new ArrayList<>();
        containers(connection)
                .forEach((key, c) -> rows.add(JSON.createObjectNode()
                        .put("host", key.substring(0, key.indexOf('/')))
                        .put("id", c.id().shortForm())
                        .put("name", c.name())
                        .put("image", c.spec().imageReference())
                        .put("state", Standing.of(c).word())));
        print(rows, "host", "id", "name", "image", "state");
        return 0;
    }

    private int hosts(Connection connection) throws IOException, InterruptedException {
        Map<String, ObjectNode> hosts = new TreeMap<>();
        connection.read("positions", Long.MAX_VALUE, record -> {
            if (record.value() != null) {
                try {
                    Bookmark mark = Bookmark.decode(record.value());
                    hosts.put(
                            text(record.key()),
                            JSON.createObjectNode()
                                    .put("host", text(record.key()))
                                    .put("position", mark.position().sequence())
                                    .put(
                                            "published",
                                            Instant.ofEpochMilli(record.timestamp())
                                                    .toString())
                                    .put(
                                            "head",
                                            mark.head().map(Object::toString).orElse("")));
                } catch (IOException e) {
                    throw new KafkaException("a position cannot be read at " + record.offset(), e);
                }
            }
        });
        Map<String, Integer> counts = new HashMap<>();
        containers(connection)
                .keySet()
                .forEach(key -> counts.merge(key.substring(0, key.indexOf('/')), 1, Integer::sum));
        hosts.forEach((host, row) -> row.put("containers", counts.getOrDefault(host, 0)));
        print(new ArrayList<>(hosts.values()), "host", "position", "containers", "published", "head");
        return 0;
    }

    private int events(Connection connection) throws IOException, InterruptedException {
        connection.read("events", options.containsKey("-f") ? 20 : Long.MAX_VALUE, this::tell);
        if (!options.containsKey("-f")) {
            return 0;
        }
        KafkaConsumer<byte[], byte[]> consumer = connection.consumer(500);
        try {
            List<TopicPartition> partitions = connection.partitions(consumer, "events");
            consumer.assign(partitions);
            consumer.seekToEnd(partitions);
            while (!out.checkError()) {
                consumer.poll(Duration.ofSeconds(1)).forEach(this::tell);
            }
            return 0;
        } finally {
            Connection.release(consumer);
        }
    }

    private void tell(ConsumerRecord<byte[], byte[]> record) {
        if (isJson()) {
            out.println(text(record.value()));
            return;
        }
        out.printf(
                "%s  %s  %s  %s  %s%n",
                header(record, "ce_time"),
                text(record.key()),
                header(record, "ce_type"),
                header(record, "ce_subject"),
                header(record, "ce_actor"));
    }

    private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
        var header = record.headers().lastHeader(name);
        return header == null ? "" : text(header.value());
    }

    private int send(Connection connection) throws IOException, InterruptedException, MisusedException {
        if (words.size() < 2 || words.size() > 3) {
            throw new MisusedException("send wants HOST KIND and maybe DATA");
        }
        String host = words.remove();
        String kind = words.remove();
        JsonNode data = words.isEmpty() ? JSON.createObjectNode() : JSON.readTree(words.remove());
        String id = options.getOrDefault("--id", UUID.randomUUID().toString());
        Order.Sent sent = new Order.Sent(
                id, 1, kind, options.getOrDefault("--principal", ""), Optional.empty(), Optional.empty(), data);
        KafkaConsumer<byte[], byte[]> consumer = connection.consumer(500);
        try {
            List<TopicPartition> results = connection.partitions(consumer, "results");
            consumer.assign(results);
            // From the beginning, for a command that was sent before has its answer there.
            consumer.seekToBeginning(results);
            Map<String, Object> to = new ClientSettings(settings, host).admin();
            to.put("acks", "all");
            try (KafkaProducer<byte[], byte[]> producer =
                    new KafkaProducer<>(to, new ByteArraySerializer(), new ByteArraySerializer())) {
                producer.send(new ProducerRecord<>(
                        settings.topic("commands"), Envelopes.bytes(host), new RecordCodec().write(sent)));
                producer.flush();
            }
            long end = System.nanoTime()
                    + Duration.ofSeconds(Long.parseLong(options.getOrDefault("--wait", "60")))
                            .toNanos();
            while (System.nanoTime() < end) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    if (header(record, "correlationid").equals(id)) {
                        return answer(JSON.readTree(record.value()));
                    }
                }
            }
            throw new IOException("no answer yet to " + id + " from host " + host
                    + ": it may be away, and does it when it is back; ask again with --id " + id);
        } finally {
            Connection.release(consumer);
        }
    }

    private int answer(JsonNode answer) {
        String outcome = answer.path("outcome").asText();
        if (isJson()) {
            out.println(answer);
        } else {
            out.println(outcome.toLowerCase(java.util.Locale.ROOT)
                    + (answer.path("reason").asText().isEmpty()
                            ? ""
                            : ": " + answer.path("reason").asText()));
            answer.path("events").forEach(event -> out.println("  " + event.asText()));
        }
        return outcome.equals("DONE") ? 0 : 1;
    }

    private void print(List<ObjectNode> rows, String... columns) {
        if (isJson()) {
            ArrayNode all = JSON.createArrayNode();
            rows.forEach(all::add);
            out.println(all);
            return;
        }
        StringBuilder head = new StringBuilder();
        int[] widths = new int[columns.length];
        for (int i = 0; i < columns.length; i++) {
            widths[i] = columns[i].length();
            for (ObjectNode row : rows) {
                widths[i] = Math.max(widths[i], row.path(columns[i]).asText().length());
            }
            head.append(String.format("%-" + (widths[i] + 2) + "s", columns[i].toUpperCase(java.util.Locale.ROOT)));
        }
        out.println(head.toString().stripTrailing());
        for (ObjectNode row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < columns.length; i++) {
                line.append(String.format(
                        "%-" + (widths[i] + 2) + "s", row.path(columns[i]).asText()));
            }
            out.println(line.toString().stripTrailing());
        }
    }
}
