package dev.wharf.kafka;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
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
import java.time.ZoneId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
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
              at INSTANT [HOST]           the fleet as it was: 10:30, 15m (ago), 2026-05-01T10:30:00Z
              why HOST/NAME               who asked for a container, image, network or volume, and what followed
              verify [HOST]               whether what was published is whole, and what the host's journal says
              send HOST KIND [DATA]       give a host a command, and wait for its answer; DATA is JSON
              apply -f FILE               have hosts be as documents of desired state say; shows what changes, then waits
              status                      each service of each host: wanted, running, healthy, and how far it is
              remove KEY                  take away all that a document wants
              release KEY                 look after what a document wants no more, and leave it as it is

            Options:
              --config FILE               settings as in dev.wharf.kafka.cfg (/etc/wharf/dev.wharf.kafka.cfg)
              --brokers HOST:PORT,...     brokers to begin with, instead of those in the settings
              --format table|json         how to answer
              --principal NAME            who commands
              --id ID                     the command's id, to send the same again
              --wait SECONDS              how long to wait for the answer (60), or until all is as applied (600)
              --dry-run                   of apply: only show what would change
              --detach                    of apply and remove: do not wait
              --key KEY                   of apply: host/NAME or group/NAME, instead of that in the file
              --sign FILE                 of apply, remove and release: sign with this Ed25519 key, PEM
              --watch                     of status: again with each change
              --agent unix://PATH         the agent whose journal to compare with (/run/wharf/wharf.sock)
              --data-root DIR             the same for a host whose agent does not run
              --help                      show this text, or with a command what it does

            Examples:
              wharf fleet --brokers kafka:9092 ps
              wharf fleet --principal ops apply -f services.yaml
              wharf fleet status --watch
              wharf fleet --brokers kafka:9092 at 2h
              wharf fleet --brokers kafka:9092 why 4f3a/web
              wharf fleet --brokers kafka:9092 --principal ops send HOST container.stop '{"container": "web"}'
            """;

    /** What a command does, in more words and with examples; those that are not here are told above. */
    private static final Map<String, String> HELP = Map.ofEntries(
            Map.entry("apply", """
                    Usage: wharf fleet --principal NAME apply -f FILE

                    Has hosts be as the documents of a YAML file say: shows what changes on which host, sends them, and
                    tells how far it is until all is so. Exit status 1 where a host refuses it, or a version failed and the
                    one before came back. docs/fleet.md says what a document may hold.

                    Examples:
                      wharf fleet apply -f services.yaml --dry-run
                      wharf fleet --principal ops apply -f services.yaml
                      wharf fleet --principal ops --sign ops.key apply -f services.yaml --detach
                    """),
            Map.entry("status", """
                    Usage: wharf fleet status [--watch]

                    Shows each service of each host: how many replicas are wanted, run and are well, which version, and how
                    far a rollout is; and which documents a host refused, and why.

                    Examples:
                      wharf fleet status --watch
                      wharf fleet status --format json | jq '.services[] | select(.state != "converged")'
                    """),
            Map.entry("remove", """
                    Usage: wharf fleet --principal NAME remove KEY

                    Takes away all containers and networks that a document wants, and waits until they are gone.

                    Examples:
                      wharf fleet --principal ops remove group/shop
                    """),
            Map.entry("release", """
                    Usage: wharf fleet --principal NAME release KEY

                    Takes a document away. What it wanted stays as it is, and hosts look after it no more.

                    Examples:
                      wharf fleet --principal ops release host/alpha
                    """),
            Map.entry("ps", """
                    Usage: wharf fleet ps

                    Lists the containers of every host, as each host published them last.

                    Examples:
                      wharf fleet --brokers kafka:9092 ps
                      wharf fleet ps --format json | jq '.[] | select(.state == "exited")'
                    """),
            Map.entry("hosts", """
                    Usage: wharf fleet hosts

                    Lists every host that ever published: up to which position of its journal, when, and its head there.

                    Examples:
                      wharf fleet hosts
                      wharf fleet hosts --format json
                    """),
            Map.entry("events", """
                    Usage: wharf fleet events [-f]

                    Tells what happened on every host, in each host's order, and with -f goes on with what happens.

                    Examples:
                      wharf fleet events -f
                      wharf fleet events --format json
                    """),
            Map.entry("send", """
                    Usage: wharf fleet send HOST KIND [DATA]

                    Gives a host a command and waits for its one answer. HOST is the whole id of a host; KIND and DATA are
                    as docs/schemas/commands has them. Sent again with the same --id, nothing is done twice. Exit status
                    0 where it was done, 1 where it was not.

                    Examples:
                      wharf fleet --principal ops send HOST container.stop '{"container": "web"}'
                      wharf fleet --principal ops --id deploy-42 send HOST image.pull '{"reference": "nginx"}'
                    """),
            Map.entry("at", """
                    Usage: wharf fleet at INSTANT [HOST]

                    Shows what stood on every host at a moment: containers, images, networks and volumes, as the fold of
                    everything the host had published until then. HOST is the beginning of a host's id. A host whose
                    first events are no longer on the topic is shown as far as it can be, and named.

                    INSTANT is a time of today (10:30), so long ago (15m, 1h30m, 2d), seconds since 1970, or
                    2026-05-01T10:30:00Z.

                    Examples:
                      wharf fleet at 10:30                     every host at half past ten
                      wharf fleet at 15m 4f3a                  one host, a quarter of an hour ago
                      wharf fleet at 2d --format json | jq '.hosts[].containers[].image'
                    """),
            Map.entry("why", """
                    Usage: wharf fleet why HOST/NAME

                    Tells what happened to a container, image, network or volume of a host and what led to it: each wish
                    with who had it, what followed from it, and of commands from Kafka the answer. HOST is the beginning
                    of the host's id; NAME is a name or the beginning of an id, and may be of something that is gone.

                    Examples:
                      wharf fleet why 4f3a/web
                      wharf fleet why 4f3a/web --format json | jq '.chain[] | select(.depth == 0)'
                    """),
            Map.entry("verify", """
                    Usage: wharf fleet verify [HOST]

                    Looks whether the events of every host, or of one, are on the topic in order, each once, and end where
                    the host's bookmark says. On the host itself, or with its data root, each published head of the
                    journal's chain is compared with the journal too, and where they part is told: from there on the
                    journal was changed, or another one took its place. Exit status 1 where anything is not whole.

                    Examples:
                      wharf fleet verify                       what is published of every host
                      wharf fleet verify 4f3a --agent unix:///run/wharf/wharf.sock
                      wharf fleet verify 4f3a --data-root /var/lib/wharf
                    """));

    private static final Set<String> COMMANDS =
            Set.of("ps", "hosts", "events", "send", "at", "why", "verify", "apply", "status", "remove", "release");

    private static final Set<String> FLAGS = Set.of("-f", "--dry-run", "--detach", "--watch");

    private static final ObjectMapper JSON = new ObjectMapper();

    private final PrintStream out;
    private final PrintStream err;
    private final Map<String, String> options = new HashMap<>();
    private final Deque<String> words = new ArrayDeque<>();
    private Settings settings = Settings.of(Map.of());

    private static final class MisusedException extends Exception {
        private static final long serialVersionUID = 1L;

        MisusedException(String message) {
            super(message);
        }
    }

    private FleetCommand(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String[] arguments) {
        System.exit(run(System.out, System.err, arguments));
    }

    static int run(PrintStream out, PrintStream err, String... arguments) {
        try {
            return new FleetCommand(out, err).run(arguments);
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
                out.print(HELP.getOrDefault(words.isEmpty() ? "" : words.getFirst(), USAGE));
                return 0;
            } else if (word.equals("-f") && "apply".equals(words.peek()) && i + 1 < arguments.length) {
                options.put("--file", arguments[++i]);
            } else if (FLAGS.contains(word)) {
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
        String command = words.isEmpty() ? "" : words.remove();
        if (!COMMANDS.contains(command)) {
            throw new MisusedException("no such command: \"" + command + "\"; see wharf fleet --help");
        }
        String format = options.getOrDefault("--format", "table");
        if (!format.equals("table") && !format.equals("json")) {
            throw new MisusedException("--format is table or json, not \"" + format + "\"");
        }
        if (!options.getOrDefault("--wait", "0").matches("\\d{1,9}")) {
            throw new MisusedException("--wait wants seconds, not \"" + options.get("--wait") + "\"");
        }
        settings = settings();
        // Kafka's clients would try for ten seconds and then name no address.
        Publisher.knock(settings.brokers());
        try (Connection connection = new Connection(settings, "fleet-" + UUID.randomUUID())) {
            return switch (command) {
                case "ps" -> ps(connection);
                case "hosts" -> hosts(connection);
                case "events" -> events(connection);
                case "send" -> send(connection);
                case "at" -> at(connection);
                case "why" -> why(connection);
                case "verify" -> verify(connection);
                default -> desired(connection, command);
            };
        }
    }

    private int desired(Connection connection, String command)
            throws IOException, InterruptedException, MisusedException {
        FleetDesired desired = new FleetDesired(connection, settings, options, out, terminal());
        boolean named = command.equals("remove") || command.equals("release");
        if (words.size() != (named ? 1 : 0)) {
            throw new MisusedException(command + (named ? " wants the KEY of a document" : " wants no words")
                    + "; see wharf fleet --help");
        }
        return switch (command) {
            case "status" -> desired.status();
            case "remove" -> desired.remove(words.remove());
            case "release" -> desired.release(words.remove());
            default -> {
                if (!options.containsKey("--file")) {
                    throw new MisusedException("apply wants -f FILE, or -f - for what is piped in");
                }
                yield desired.apply(options.getOrDefault("--file", ""));
            }
        };
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
    private Map<String, Container> containers(Connection connection) throws IOException, InterruptedException {
        EventCodec codec = new EventCodec();
        Map<String, byte[]> newest = new TreeMap<>();
        connection.read("state", Long.MAX_VALUE, terminal().progress("reading states"), record -> {
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
        terminal().table(rows, "host", "id", "name", "image", "state");
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
        terminal().table(new ArrayList<>(hosts.values()), "host", "position", "containers", "published", "head");
        return 0;
    }

    private int events(Connection connection) throws IOException, InterruptedException {
        Terminal terminal = terminal();
        connection.read("events", options.containsKey("-f") ? 20 : Long.MAX_VALUE, record -> tell(terminal, record));
        if (!options.containsKey("-f")) {
            return 0;
        }
        KafkaConsumer<byte[], byte[]> consumer = connection.consumer(500);
        try {
            List<TopicPartition> partitions = connection.partitions(consumer, "events");
            consumer.assign(partitions);
            consumer.seekToEnd(partitions);
            while (!terminal.isOver()) {
                consumer.poll(Duration.ofSeconds(1)).forEach(record -> tell(terminal, record));
            }
            return 0;
        } finally {
            Connection.release(consumer);
        }
    }

    private static void tell(Terminal terminal, ConsumerRecord<byte[], byte[]> record) {
        if (terminal.isJson()) {
            terminal.line(text(record.value()));
            return;
        }
        Published event = Published.of(record);
        terminal.line(terminal.faint(event.at().toString()) + "  " + event.host() + "  " + event.type() + "  "
                + terminal.bold(event.subject()) + "  " + terminal.faint(event.actor()));
    }

    private int send(Connection connection) throws IOException, InterruptedException, MisusedException {
        if (words.size() < 2 || words.size() > 3) {
            throw new MisusedException("send wants HOST KIND and maybe DATA");
        }
        String host = words.remove();
        String kind = words.remove();
        JsonNode data = data(words.isEmpty() ? "{}" : words.remove());
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
                    if (Published.text(record, "correlationid").equals(id)) {
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

    private static JsonNode data(String text) throws MisusedException {
        try {
            if (JSON.readTree(text) instanceof ObjectNode object) {
                return object;
            }
            throw new MisusedException("DATA is a JSON object such as {\"container\": \"web\"}");
        } catch (JsonProcessingException e) {
            throw new MisusedException("DATA is no JSON: " + e.getOriginalMessage());
        }
    }

    private Terminal terminal() {
        return Terminal.ofThisProcess(out, err, isJson());
    }

    private int at(Connection connection) throws IOException, InterruptedException, MisusedException {
        if (words.isEmpty() || words.size() > 2) {
            throw new MisusedException("at wants INSTANT and maybe HOST; see wharf fleet at --help");
        }
        String text = words.remove();
        Instant instant = Moments.instant(text, Instant.now(), ZoneId.systemDefault())
                .orElseThrow(() -> new MisusedException(
                        "no moment: \"" + text + "\"; write 10:30, 15m, 2d, 1777631400 or 2026-05-01T10:30:00Z"));
        return new FleetPast(connection, terminal()).at(instant, words.isEmpty() ? "" : words.remove());
    }

    private int why(Connection connection) throws IOException, InterruptedException, MisusedException {
        String text = words.size() == 1 ? words.remove() : "";
        int slash = text.indexOf('/');
        if (slash < 1 || slash == text.length() - 1) {
            throw new MisusedException("why wants HOST/NAME; see wharf fleet why --help");
        }
        return new FleetPast(connection, terminal()).why(text.substring(0, slash), text.substring(slash + 1));
    }

    private int verify(Connection connection) throws IOException, InterruptedException, MisusedException {
        if (words.size() > 1) {
            throw new MisusedException("verify wants no more than HOST; see wharf fleet verify --help");
        }
        boolean told = options.containsKey("--agent") || options.containsKey("--data-root");
        try (Journal journal = new Journal(journal(told))) {
            return new FleetVerify(connection, terminal())
                    .verify(words.isEmpty() ? "" : words.remove(), journal.opened(), told);
        }
    }

    /** A journal that may not be there, to be closed where it is. */
    private record Journal(Optional<AgentJournal> opened) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            if (opened.isPresent()) {
                opened.get().close();
            }
        }
    }

    /** The journal of this machine's agent, or the one that was named. */
    private Optional<AgentJournal> journal(boolean told) throws IOException, MisusedException {
        if (options.containsKey("--data-root")) {
            return Optional.of(AgentJournal.ofFolder(Path.of(options.getOrDefault("--data-root", ""))));
        }
        String address = options.getOrDefault("--agent", "unix:///run/wharf/wharf.sock");
        if (!address.startsWith("unix://")) {
            throw new MisusedException("--agent wants a socket such as unix:///run/wharf/wharf.sock");
        }
        Path socket = Path.of(address.substring("unix://".length()));
        try {
            return told || Files.exists(socket) ? Optional.of(AgentJournal.ofAgent(socket)) : Optional.empty();
        } catch (IOException e) {
            if (told) {
                throw e;
            }
            terminal().note(e.getMessage() + "; so nothing is compared with a journal");
            return Optional.empty();
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
}
