package dev.wharf.kafka.desired;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.wharf.core.command.Addresses;
import dev.wharf.core.state.Service;
import dev.wharf.model.DesiredNetwork;
import dev.wharf.model.DesiredVolume;
import dev.wharf.model.DocumentKey;
import dev.wharf.model.Healthcheck;
import dev.wharf.model.MountSpec;
import dev.wharf.model.PortWish;
import dev.wharf.model.Reference;
import dev.wharf.model.RestartPolicy;
import dev.wharf.model.ServiceName;
import dev.wharf.model.ServiceSpec;
import dev.wharf.model.VolumeName;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A document of desired state as it is written. Reading it is strict: what is not known, twice there, or not what it should be
 * is refused with the place it stands at, for a word that is passed over is a wish that is not granted.
 *
 * @param selector the labels a host must have to belong to the group
 */
public record DocumentText(
        Map<String, String> selector,
        List<ServiceSpec> services,
        List<DesiredNetwork> networks,
        List<DesiredVolume> volumes) {
    /** The header that says who wrote a document. */
    public static final String PRINCIPAL = "principal";

    static final int VERSION = 1;

    private static final int MOST_REPLICAS = 1000;

    /** Networks that are none: a container of theirs has the host's sandbox or an empty one, and no place on any other. */
    static final Set<String> ALONE = Set.of("host", "none");

    private static final Pattern PORT =
            Pattern.compile("(?:(?<address>[0-9.]+|\\[[0-9a-fA-F:]+]):)?(?<first>[0-9]{1,5})(?:-(?<last>[0-9]{1,5}))?"
                    + ":(?<inside>[0-9]{1,5})(?:/(?<protocol>tcp|udp))?");
    private static final Pattern TIME = Pattern.compile("([0-9]+)(ms|s|m|h)");
    private static final Pattern SIZE = Pattern.compile("([0-9]+)([kmg]?)", Pattern.CASE_INSENSITIVE);
    private static final Pattern LABEL = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_./-]{0,127}");

    /** What is wrong with a text, and where. */
    public static final class MalformedException extends Exception {
        private static final long serialVersionUID = 1L;

        public MalformedException(String message) {
            super(message);
        }
    }

    public DocumentText {
        selector = new TreeMap<>(selector);
        services = List.copyOf(services);
        networks = List.copyOf(networks);
        volumes = List.copyOf(volumes);
    }

    /** Whether a host with these labels is meant by a document of this key. */
    public boolean chooses(DocumentKey key, String hostId, String hostName, Map<String, String> labels) {
        return key.isGroup()
                ? labels.entrySet().containsAll(selector.entrySet())
                : key.name().equals(hostId) || key.name().equals(hostName);
    }

    /** What is signed: a document under another key is another document. */
    public static byte[] signed(String key, byte[] value) {
        byte[] head = (key + "\n").getBytes(StandardCharsets.UTF_8);
        byte[] all = java.util.Arrays.copyOf(head, head.length + value.length);
        System.arraycopy(value, 0, all, head.length, value.length);
        return all;
    }

    /** Reads the value of a record of the topic. */
    public static DocumentText read(DocumentKey key, byte[] text) throws MalformedException {
        try {
            return of(key, StrictJson.MAPPER.readTree(text));
        } catch (JsonProcessingException e) {
            // What stands there is not repeated, for a refusal is published and it may be a secret.
            String at = e.getLocation() == null
                    ? ""
                    : " at line " + e.getLocation().getLineNr() + ", column "
                            + e.getLocation().getColumnNr();
            throw new MalformedException("not JSON, or not JSON alone, or a field is there twice" + at);
        } catch (IOException e) {
            throw new MalformedException("not JSON: " + e.getMessage());
        }
    }

    /** The selector of a text that may be wrong elsewhere; empty where not even that can be read. */
    public static Optional<Map<String, String>> selector(byte[] text) {
        try {
            return Optional.of(new Reading("", StrictJson.MAPPER.readTree(text)).map("selector"));
        } catch (IOException | MalformedException e) {
            return Optional.empty();
        }
    }

    /** Reads a document from its tree. */
    public static DocumentText of(DocumentKey key, JsonNode tree) throws MalformedException {
        Reading in = new Reading("", tree);
        if (in.number("v", 0, 0, Integer.MAX_VALUE) != VERSION) {
            throw new MalformedException("v must be " + VERSION + ", the version of documents that is known here");
        }
        Map<String, String> selector = in.map("selector");
        if (!key.isGroup() && !selector.isEmpty()) {
            throw new MalformedException("selector is for keys group/NAME; " + key + " names its host");
        }
        List<DesiredNetwork> networks = new ArrayList<>();
        for (Map.Entry<String, Reading> one : in.children("networks").entrySet()) {
            networks.add(one.getValue().network(one.getKey()));
        }
        checkDistinct(networks);
        List<DesiredVolume> volumes = new ArrayList<>();
        for (Map.Entry<String, Reading> one : in.children("volumes").entrySet()) {
            Reading reading = one.getValue();
            volumes.add(reading.checked(() -> new DesiredVolume(new VolumeName(one.getKey()), reading.map("options"))));
            reading.end();
        }
        List<ServiceSpec> services = new ArrayList<>();
        for (Map.Entry<String, Reading> one : in.children("services").entrySet()) {
            services.add(one.getValue().service(one.getKey()));
        }
        in.end();
        return new DocumentText(selector, services, networks, volumes);
    }

    private static void checkDistinct(List<DesiredNetwork> networks) throws MalformedException {
        Map<String, Addresses.Subnet> taken = new LinkedHashMap<>();
        for (DesiredNetwork network : networks) {
            if (network.subnet().isEmpty()) {
                continue;
            }
            Addresses.Subnet subnet = Addresses.Subnet.parse(network.subnet());
            for (Map.Entry<String, Addresses.Subnet> other : taken.entrySet()) {
                if (other.getValue().overlaps(subnet)) {
                    throw new MalformedException("networks." + network.name() + ".subnet " + subnet + " overlaps "
                            + other.getValue() + " of network " + other.getKey());
                }
            }
            taken.put(network.name(), subnet);
        }
    }

    private interface Making<T> {
        T make() throws MalformedException;
    }

    /** Takes fields out of an object, and knows which were there and not taken. */
    private static final class Reading {
        private final String path;
        private final JsonNode node;
        private final Set<String> known = new TreeSet<>();

        Reading(String path, JsonNode node) throws MalformedException {
            this.path = path;
            this.node = node;
            if (!node.isObject()) {
                throw new MalformedException((path.isEmpty() ? "the document" : path) + " must be an object");
            }
        }

        private String at(String field) {
            return path.isEmpty() ? field : path + "." + field;
        }

        private MalformedException wrong(String field, String what) {
            return new MalformedException(at(field) + " " + what);
        }

        private JsonNode take(String field) {
            known.add(field);
            JsonNode value = node.path(field);
            return value.isNull() ? MissingNode.getInstance() : value;
        }

        void end() throws MalformedException {
            Set<String> others = new TreeSet<>();
            node.fieldNames().forEachRemaining(others::add);
            others.removeAll(known);
            if (!others.isEmpty()) {
                throw wrong(others.iterator().next(), "is not known; known are " + String.join(", ", known));
            }
        }

        <T> T checked(Making<T> making) throws MalformedException {
            try {
                return making.make();
            } catch (IllegalArgumentException e) {
                throw new MalformedException((path.isEmpty() ? "" : path + ": ") + e.getMessage());
            }
        }

        String text(String field, String otherwise) throws MalformedException {
            JsonNode value = take(field);
            if (value.isMissingNode()) {
                return otherwise;
            }
            if (!value.isTextual()) {
                throw wrong(field, "must be text");
            }
            return value.asText();
        }

        long number(String field, long otherwise, long least, long most) throws MalformedException {
            JsonNode value = take(field);
            if (value.isMissingNode()) {
                return otherwise;
            }
            if (!value.isIntegralNumber() || !value.canConvertToLong()) {
                throw wrong(field, "must be a whole number");
            }
            if (value.asLong() < least || value.asLong() > most) {
                throw wrong(field, "must be from " + least + " to " + most + ", not " + value);
            }
            return value.asLong();
        }

        boolean flag(String field) throws MalformedException {
            JsonNode value = take(field);
            if (!value.isMissingNode() && !value.isBoolean()) {
                throw wrong(field, "must be true or false");
            }
            return value.asBoolean(false);
        }

        String choice(String field, String otherwise, Set<String> choices) throws MalformedException {
            String text = text(field, otherwise);
            if (!choices.contains(text)) {
                throw wrong(field, "must be one of " + new TreeSet<>(choices) + ", not \"" + text + "\"");
            }
            return text;
        }

        Duration time(String field, Duration otherwise) throws MalformedException {
            String text = text(field, "");
            if (text.isEmpty()) {
                return otherwise;
            }
            Matcher matcher = TIME.matcher(text);
            if (!matcher.matches() || matcher.group(1).length() > 9) {
                throw wrong(field, "must be a time such as 500ms, 10s, 2m or 1h, not \"" + text + "\"");
            }
            long count = Long.parseLong(matcher.group(1));
            return switch (matcher.group(2)) {
                case "ms" -> Duration.ofMillis(count);
                case "s" -> Duration.ofSeconds(count);
                case "m" -> Duration.ofMinutes(count);
                default -> Duration.ofHours(count);
            };
        }

        List<String> words(String field) throws MalformedException {
            JsonNode value = take(field);
            List<String> words = new ArrayList<>();
            if (!value.isMissingNode() && !value.isArray()) {
                throw wrong(field, "must be a list of texts");
            }
            for (JsonNode word : value) {
                if (!word.isTextual()) {
                    throw wrong(field, "must be a list of texts: put number " + (words.size() + 1) + " in quotes");
                }
                words.add(word.asText());
            }
            return words;
        }

        Map<String, String> map(String field) throws MalformedException {
            JsonNode value = take(field);
            Map<String, String> map = new LinkedHashMap<>();
            if (!value.isMissingNode() && !value.isObject()) {
                throw wrong(field, "must be an object of texts");
            }
            for (Map.Entry<String, JsonNode> one : value.properties()) {
                if (!one.getValue().isTextual()) {
                    throw wrong(field + "." + one.getKey(), "must be text: put it in quotes");
                }
                map.put(one.getKey(), one.getValue().asText());
            }
            return map;
        }

        Map<String, Reading> children(String field) throws MalformedException {
            JsonNode value = take(field);
            Map<String, Reading> children = new LinkedHashMap<>();
            if (!value.isMissingNode() && !value.isObject()) {
                throw wrong(field, "must be an object");
            }
            for (Map.Entry<String, JsonNode> one : value.properties()) {
                JsonNode child = one.getValue();
                children.put(
                        one.getKey(),
                        new Reading(
                                at(field + "." + one.getKey()),
                                child.isNull() ? StrictJson.MAPPER.createObjectNode() : child));
            }
            return children;
        }

        Optional<Reading> child(String field) throws MalformedException {
            JsonNode value = take(field);
            return value.isMissingNode() ? Optional.empty() : Optional.of(new Reading(at(field), value));
        }

        DesiredNetwork network(String name) throws MalformedException {
            String driver = text("driver", "bridge");
            String subnet = text("subnet", "");
            boolean internal = flag("internal");
            Map<String, String> options = map("options");
            end();
            checkSubnet(subnet);
            if (!LABEL.matcher(name).matches()
                    || Set.of("bridge", "host", "none").contains(name)) {
                throw new MalformedException(path + ": that is no name for a network");
            }
            return checked(() -> new DesiredNetwork(name, NetworkDrivers.meant(driver), subnet, internal, options));
        }

        private void checkSubnet(String subnet) throws MalformedException {
            if (subnet.isEmpty()) {
                return;
            }
            try {
                Addresses.Subnet block = Addresses.Subnet.parse(subnet);
                if (!Addresses.canonical(subnet.substring(0, subnet.indexOf('/')))
                        .equals(block.at(0))) {
                    throw wrong("subnet", "must be " + block + ", not \"" + subnet + "\"");
                }
            } catch (IllegalArgumentException e) {
                throw wrong("subnet", "must be a subnet such as 10.77.0.0/16, not \"" + subnet + "\"");
            }
        }

        ServiceSpec service(String name) throws MalformedException {
            String image = text("image", "");
            if (image.isEmpty()) {
                throw wrong("image", "is missing");
            }
            checked(() -> Reference.parse(image));
            List<String> entrypoint = words("entrypoint");
            List<String> command = words("command");
            List<String> env = env();
            String user = text("user", "");
            Map<String, String> labels = map("labels");
            for (String label : labels.keySet()) {
                if (!LABEL.matcher(label).matches()
                        || label.startsWith(Service.DOCUMENT_LABEL)
                        || label.startsWith(Service.LABEL)) {
                    throw wrong("labels." + label, "is no label for you to give");
                }
            }
            int replicas = (int) number("replicas", 1, 0, MOST_REPLICAS);
            List<String> networks = words("networks");
            if (networks.size() > 1 && networks.stream().anyMatch(ALONE::contains)) {
                throw wrong("networks", "must have host or none alone");
            }
            List<ServiceSpec.Volume> volumes = volumes();
            Optional<Healthcheck> health = health();
            RestartPolicy restart = restart();
            long memory = memory();
            long cpus = cpus();
            ServiceSpec.Update update = update();
            List<PortWish> ports = ports(replicas, update);
            end();
            return checked(() -> new ServiceSpec(
                    new ServiceName(name),
                    image,
                    entrypoint,
                    command,
                    env,
                    user,
                    labels,
                    replicas,
                    ports,
                    networks,
                    volumes,
                    health,
                    restart,
                    memory,
                    cpus,
                    update));
        }

        private List<String> env() throws MalformedException {
            if (node.path("env").isArray()) {
                List<String> lines = words("env");
                for (String line : lines) {
                    if (line.indexOf('=') < 1) {
                        // Not what stands there: it may be a value without its name.
                        throw wrong("env", "has a line that is not NAME=value, number " + (lines.indexOf(line) + 1));
                    }
                }
                return lines;
            }
            List<String> lines = new ArrayList<>();
            for (Map.Entry<String, String> one : map("env").entrySet()) {
                if (one.getKey().isEmpty() || one.getKey().indexOf('=') >= 0) {
                    throw wrong("env", "has a name that is empty or has a = in it, number " + (lines.size() + 1));
                }
                lines.add(one.getKey() + "=" + one.getValue());
            }
            return lines;
        }

        private List<ServiceSpec.Volume> volumes() throws MalformedException {
            List<ServiceSpec.Volume> volumes = new ArrayList<>();
            for (String line : words("volumes")) {
                String[] parts = line.split(":", -1);
                boolean readOnly = parts.length == 3 && parts[2].equals("ro");
                if (parts.length < 2 || parts.length > 3 || parts.length == 3 && !readOnly && !parts[2].equals("rw")) {
                    throw wrong("volumes", "has \"" + line + "\", which is not SOURCE:TARGET or SOURCE:TARGET:ro");
                }
                checked(() -> new MountSpec(MountSpec.Kind.BIND, parts[0], parts[1], readOnly, false, Map.of()));
                if (!parts[0].startsWith("/")) {
                    checked(() -> new VolumeName(parts[0]));
                }
                volumes.add(new ServiceSpec.Volume(parts[0], parts[1], readOnly));
            }
            return volumes;
        }

        private List<PortWish> ports(int replicas, ServiceSpec.Update update) throws MalformedException {
            List<PortWish> ports = new ArrayList<>();
            int most = replicas + (update.startFirst() ? update.parallelism() : 0);
            for (String line : words("ports")) {
                Matcher m = PORT.matcher(line);
                if (!m.matches()) {
                    throw wrong("ports", "has \"" + line + "\", which is not [ADDRESS:]PORT[-LAST]:PORT[/udp]");
                }
                int first = Integer.parseInt(m.group("first"));
                int last = m.group("last") == null ? first : Integer.parseInt(m.group("last"));
                String address = m.group("address") == null ? "" : m.group("address");
                if (last - first + 1 < most) {
                    throw wrong(
                            "ports",
                            "has \"" + line + "\", but " + most
                                    + " host ports are needed on each host for the replicas"
                                    + (update.startFirst() ? " and those that start before old ones go" : "")
                                    + ": give a range such as " + first + "-" + (first + most - 1));
                }
                ports.add(checked(() -> new PortWish(
                        Integer.parseInt(m.group("inside")),
                        m.group("protocol") == null ? "tcp" : m.group("protocol"),
                        address.replaceAll("[\\[\\]]", ""),
                        first,
                        last)));
            }
            return ports;
        }

        private Optional<Healthcheck> health() throws MalformedException {
            Optional<Reading> in = child("health");
            if (in.isEmpty()) {
                return Optional.empty();
            }
            Reading check = in.get();
            List<String> test = check.words("test");
            if (!test.isEmpty() && !Set.of("NONE", "CMD", "CMD-SHELL").contains(test.get(0))) {
                throw check.wrong("test", "must begin with CMD, CMD-SHELL or NONE");
            }
            Healthcheck health = new Healthcheck(
                    test,
                    check.time("interval", Duration.ZERO),
                    check.time("timeout", Duration.ZERO),
                    check.time("startPeriod", Duration.ZERO),
                    check.time("startInterval", Duration.ZERO),
                    (int) check.number("retries", 0, 0, 1000));
            check.end();
            return Optional.of(health);
        }

        private RestartPolicy restart() throws MalformedException {
            String text = text("restart", "always");
            Matcher retries = Pattern.compile("on-failure:([0-9]{1,6})").matcher(text);
            if (retries.matches()) {
                return new RestartPolicy(RestartPolicy.Kind.ON_FAILURE, Integer.parseInt(retries.group(1)));
            }
            return switch (text) {
                case "always" -> new RestartPolicy(RestartPolicy.Kind.ALWAYS, 0);
                case "unless-stopped" -> new RestartPolicy(RestartPolicy.Kind.UNLESS_STOPPED, 0);
                case "on-failure" -> new RestartPolicy(RestartPolicy.Kind.ON_FAILURE, 0);
                case "no" -> RestartPolicy.NO;
                default ->
                    throw wrong(
                            "restart",
                            "must be always, unless-stopped, on-failure[:TIMES] or no, not \"" + text + "\"");
            };
        }

        private long memory() throws MalformedException {
            JsonNode value = take("memory");
            if (value.isMissingNode()) {
                return 0;
            }
            Matcher m = SIZE.matcher(value.asText());
            if (!m.matches()
                    || m.group(1).length() > 12
                    || m.group(1).length() > 9 && !m.group(2).isEmpty()) {
                throw wrong("memory", "must be a size such as 64m or 2g, not \"" + value.asText() + "\"");
            }
            int shift = switch (m.group(2).toLowerCase(Locale.ROOT)) {
                case "k" -> 10;
                case "m" -> 20;
                case "g" -> 30;
                default -> 0;
            };
            return Long.parseLong(m.group(1)) << shift;
        }

        private long cpus() throws MalformedException {
            JsonNode value = take("cpus");
            if (value.isMissingNode()) {
                return 0;
            }
            if (!value.isNumber() || value.asDouble() <= 0 || value.asDouble() > 4096) {
                throw wrong("cpus", "must be a number such as 0.5, not " + value);
            }
            return Math.round(value.asDouble() * 1e9);
        }

        private ServiceSpec.Update update() throws MalformedException {
            Optional<Reading> in = child("update");
            if (in.isEmpty()) {
                return ServiceSpec.Update.DEFAULT;
            }
            Reading u = in.get();
            ServiceSpec.Update otherwise = ServiceSpec.Update.DEFAULT;
            int parallelism = (int) u.number("parallelism", otherwise.parallelism(), 1, MOST_REPLICAS);
            boolean startFirst = u.choice("order", "stop-first", Set.of("stop-first", "start-first"))
                    .equals("start-first");
            Duration gate = u.time("gate", otherwise.gate());
            Duration settle = u.time("settle", otherwise.settle());
            int failures = (int) u.number("maxFailures", otherwise.maxFailures(), 0, MOST_REPLICAS);
            boolean back = u.choice("onFailure", "rollback", Set.of("rollback", "pause"))
                    .equals("rollback");
            u.end();
            return u.checked(() -> new ServiceSpec.Update(parallelism, startFirst, gate, settle, failures, back));
        }
    }
}
