package dev.wharf.kafka;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.state.Document;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Service;
import dev.wharf.kafka.desired.DocumentText;
import dev.wharf.model.Digest;
import dev.wharf.model.DocumentKey;
import dev.wharf.model.ServiceSpec;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/** The part of {@code wharf fleet} that says what hosts shall be like, and shows how far they are. */
final class FleetDesired {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final String CLEAR = "\u001b[H\u001b[2J";

    private final Connection connection;
    private final Settings settings;
    private final Map<String, String> options;
    private final PrintStream out;
    private final Terminal terminal;

    FleetDesired(
            Connection connection, Settings settings, Map<String, String> options, PrintStream out, Terminal terminal) {
        this.connection = connection;
        this.settings = settings;
        this.options = options;
        this.out = out;
        this.terminal = terminal;
    }

    /** A document that shall be sent; without text it is taken away. */
    private record Sending(DocumentKey key, Optional<byte[]> text, Optional<DocumentText> document) {
        Digest digest() {
            return Digest.sha256(text.orElse(new byte[0]));
        }
    }

    private boolean isJson() {
        return options.getOrDefault("--format", "table").equals("json");
    }

    /** A line for who reads, or what it says for a program. */
    private void tell(ObjectNode json, String line) {
        out.println(isJson() ? json.toString() : line);
    }

    private static ObjectNode outcome(String document, String outcome) {
        return JSON.createObjectNode().put("document", document).put("outcome", outcome);
    }

    /** Sends documents of a file, having shown what they change, and waits until that is so. */
    int apply(String file) throws IOException, InterruptedException {
        List<Sending> all = read(file);
        boolean well = true;
        try (FleetView view = new FleetView(connection)) {
            for (Sending one : all) {
                plan(view, one);
            }
            if (options.containsKey("--dry-run")) {
                return 0;
            }
            all.forEach(this::send);
            if (options.containsKey("--detach")) {
                return 0;
            }
            for (Sending one : all) {
                well &= await(view, one);
            }
        }
        return well ? 0 : 1;
    }

    /** Takes everything away that a document wants. */
    int remove(String key) throws IOException, InterruptedException {
        try {
            ObjectNode tree = JSON.createObjectNode().put("v", 1);
            DocumentKey document = new DocumentKey(key);
            current(document)
                    .filter(now -> now.has("selector"))
                    .ifPresent(now -> tree.set("selector", now.get("selector")));
            Sending one = sending(document, tree);
            try (FleetView view = new FleetView(connection)) {
                plan(view, one);
                send(one);
                return options.containsKey("--detach") || await(view, one) ? 0 : 1;
            }
        } catch (DocumentText.MalformedException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    /** Takes a document away; what it wanted stays as it is. */
    int release(String key) {
        send(new Sending(new DocumentKey(key), Optional.empty(), Optional.empty()));
        tell(
                outcome(key, "released"),
                "released: what " + key + " wanted stays as it is, and nobody looks after it any more");
        return 0;
    }

    private List<Sending> read(String file) throws IOException {
        List<Sending> all = new ArrayList<>();
        try (InputStream in = file.equals("-") ? System.in : Files.newInputStream(Path.of(file))) {
            LoadSettings strict = LoadSettings.builder()
                    .setLabel(file)
                    .setAllowDuplicateKeys(false)
                    .build();
            for (Object document : new Load(strict).loadAllFromInputStream(in)) {
                JsonNode tree = JSON.valueToTree(document);
                if (!(tree instanceof ObjectNode object)) {
                    throw new IllegalArgumentException(file + ": a document must be a mapping with key and services");
                }
                JsonNode named = object.remove("key");
                String key = options.getOrDefault("--key", named == null ? "" : named.asText());
                if (key.isEmpty()) {
                    throw new IllegalArgumentException(
                            file + ": key is missing, such as host/NAME or group/NAME; or give --key");
                }
                if (!object.has("v")) {
                    object.put("v", 1);
                }
                all.add(sending(new DocumentKey(key), object));
            }
        } catch (NoSuchFileException e) {
            throw new IllegalArgumentException("there is no file " + file, e);
        } catch (YamlEngineException e) {
            throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
        } catch (DocumentText.MalformedException | IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    String.valueOf(e.getMessage()).startsWith(file) ? e.getMessage() : file + ": " + e.getMessage(), e);
        }
        if (all.isEmpty()) {
            throw new IllegalArgumentException(file + ": there is no document in it");
        }
        return all;
    }

    private static Sending sending(DocumentKey key, ObjectNode tree)
            throws IOException, DocumentText.MalformedException {
        return new Sending(key, Optional.of(JSON.writeValueAsBytes(tree)), Optional.of(DocumentText.of(key, tree)));
    }

    private Optional<JsonNode> current(DocumentKey key) throws IOException, InterruptedException {
        List<JsonNode> found = new ArrayList<>();
        connection.read("desired", Long.MAX_VALUE, record -> {
            if (new String(record.key(), StandardCharsets.UTF_8).equals(key.value())) {
                found.clear();
                try {
                    if (record.value() != null) {
                        found.add(JSON.readTree(record.value()));
                    }
                } catch (IOException e) {
                    throw new KafkaException("the document " + key + " cannot be read", e);
                }
            }
        });
        return found.stream().findFirst();
    }

    /** The hosts that a document is for, as far as they said who they are. */
    private static List<String> hosts(FleetView view, Sending one) {
        List<String> hosts = new ArrayList<>();
        view.hosts().forEach((id, who) -> {
            // Who follows no documents has no name for them.
            boolean chosen = !who.name().isEmpty()
                    && one.document()
                            .map(d -> d.chooses(one.key(), id, who.name(), who.labels()))
                            .orElse(false);
            if (chosen || view.document(id, one.key()).isPresent()) {
                hosts.add(id);
            }
        });
        return hosts;
    }

    private void plan(FleetView view, Sending one) {
        List<String> hosts = hosts(view, one);
        if (hosts.isEmpty()) {
            tell(
                    outcome(one.key().value(), "nobody"),
                    one.key() + ": no host is meant yet; one that comes later takes it");
        }
        for (String host : hosts) {
            Map<String, Service> now = new TreeMap<>();
            view.services(host, one.key()).forEach(s -> now.put(s.name().value(), s));
            Host.Identity who = view.hosts().getOrDefault(host, Host.Identity.NOBODY);
            DocumentText text = one.document().orElseThrow();
            List<ServiceSpec> wanted =
                    text.chooses(one.key(), host, who.name(), who.labels()) ? text.services() : List.of();
            List<String> lines = new ArrayList<>();
            for (ServiceSpec spec : wanted) {
                Service before = now.remove(spec.name().value());
                change(Optional.ofNullable(before), spec).ifPresent(lines::add);
            }
            now.values()
                    .forEach(s -> lines.add("- " + s.name() + ": goes, with "
                            + s.target().spec().replicas() + " replicas"));
            ObjectNode json = JSON.createObjectNode()
                    .put("host", view.name(host))
                    .put("document", one.key().value());
            lines.forEach(json.putArray("changes")::add);
            String shown = lines.isEmpty()
                    ? "    nothing changes"
                    : lines.stream().map(l -> "  " + l).collect(Collectors.joining(System.lineSeparator()));
            tell(json, view.name(host) + " (" + one.key() + ")" + System.lineSeparator() + shown);
        }
    }

    private static Optional<String> change(Optional<Service> before, ServiceSpec spec) {
        if (before.isEmpty()) {
            return Optional.of("+ " + spec.name() + ": " + spec.replicas() + " x " + spec.image());
        }
        ServiceSpec was = before.get().wanted().spec();
        Map<String, String> old = fields(was);
        Map<String, String> fresh = fields(spec);
        String changes = fresh.entrySet().stream()
                .filter(e -> !e.getValue().equals(old.get(e.getKey())))
                .map(e -> e.getKey() + " " + old.get(e.getKey()) + " -> " + e.getValue())
                .collect(Collectors.joining(", "));
        return changes.isEmpty() ? Optional.empty() : Optional.of("~ " + spec.name() + ": " + changes);
    }

    /** What can differ, as text. Values of environment variables are not published, so only their names are compared. */
    private static Map<String, String> fields(ServiceSpec spec) {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("image", spec.image());
        fields.put("entrypoint", spec.entrypoint().toString());
        fields.put("command", spec.command().toString());
        fields.put(
                "env",
                spec.env().stream()
                        .map(e -> e.substring(0, e.indexOf('=')))
                        .toList()
                        .toString());
        fields.put("user", spec.user());
        fields.put("labels", new TreeMap<>(spec.labels()).toString());
        fields.put("replicas", Integer.toString(spec.replicas()));
        fields.put("ports", spec.ports().toString());
        fields.put("networks", spec.networks().toString());
        fields.put("volumes", spec.volumes().toString());
        fields.put("health", spec.health().map(Object::toString).orElse("none"));
        fields.put("restart", spec.restart().toString());
        fields.put("memory", Long.toString(spec.memoryBytes()));
        fields.put("cpus", Double.toString(spec.nanoCpus() / 1e9));
        fields.put("update", spec.update().toString());
        return fields;
    }

    private void send(Sending one) {
        try {
            String principal = options.getOrDefault("--principal", "");
            Map<String, Object> to = new ClientSettings(settings, "fleet").admin();
            to.put("acks", "all");
            ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(
                    settings.topic("desired"),
                    one.key().value().getBytes(StandardCharsets.UTF_8),
                    one.text().orElse(null));
            record.headers().add(DocumentText.PRINCIPAL, principal.getBytes(StandardCharsets.UTF_8));
            if (options.containsKey("--sign")) {
                byte[] signature = sign(
                        Path.of(options.getOrDefault("--sign", "")),
                        DocumentText.signed(one.key().value(), one.text().orElse(new byte[0])));
                record.headers().add(Commands.SIGNATURE, Base64.getEncoder().encode(signature));
            }
            try (KafkaProducer<byte[], byte[]> producer =
                    new KafkaProducer<>(to, new ByteArraySerializer(), new ByteArraySerializer())) {
                producer.send(record).get();
            }
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (java.util.concurrent.ExecutionException e) {
            throw new KafkaException(String.valueOf(e.getMessage()), e);
        }
    }

    private static byte[] sign(Path key, byte[] what) throws IOException, GeneralSecurityException {
        String text = Files.readString(key, StandardCharsets.US_ASCII)
                .replaceAll("-----[A-Z ]+-----", "")
                .replaceAll("\\s", "");
        Signature signature = Signature.getInstance("Ed25519");
        signature.initSign(KeyFactory.getInstance("Ed25519")
                .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text))));
        signature.update(what);
        return signature.sign();
    }

    /** Follows the hosts until all are as the document says, or one cannot be. */
    private boolean await(FleetView view, Sending one) throws IOException {
        long end = System.nanoTime()
                + Duration.ofSeconds(Long.parseLong(options.getOrDefault("--wait", "600")))
                        .toNanos();
        Map<String, String> shown = new HashMap<>();
        while (true) {
            boolean open = false;
            boolean bad = false;
            List<String> late = new ArrayList<>();
            List<String> hosts = hosts(view, one);
            for (String host : hosts) {
                Optional<Document> document = view.document(host, one.key());
                Optional<String> refused = document.flatMap(Document::refusal)
                        .filter(r -> r.digest().equals(one.digest()))
                        .map(Document.Refused::reason);
                if (refused.isPresent()) {
                    ObjectNode refusal = JSON.createObjectNode()
                            .put("host", view.name(host))
                            .put("document", one.key().value())
                            .put("refused", refused.get());
                    say(shown, host, refusal, view.name(host) + " refuses it: " + refused.get());
                    bad = true;
                    continue;
                }
                if (document.filter(d -> d.digest().equals(Optional.of(one.digest())))
                        .isEmpty()) {
                    open = true;
                    late.add(view.name(host));
                    continue;
                }
                open |= !isTaken(view, host, one);
                for (Service s : view.services(host, one.key())) {
                    ObjectNode row = view.row(host, s);
                    say(
                            shown,
                            host + "/" + s.name(),
                            row,
                            String.format(
                                    "%-16s %-20s %3d/%d  %s%s",
                                    view.name(host),
                                    s.name(),
                                    row.path("healthy").asInt(),
                                    row.path("wanted").asInt(),
                                    FleetView.state(s),
                                    row.path("why").asText().isEmpty()
                                            ? ""
                                            : ": " + row.path("why").asText()));
                    switch (s.phase()) {
                        case ROLLING, ROLLING_BACK, REMOVING -> open = true;
                        case HALTED, ROLLED_BACK -> bad = true;
                        case CONVERGED -> {}
                    }
                }
            }
            // What was published together may arrive in pieces, so silence is asked for as well.
            if (!open && !view.poll(Duration.ofMillis(300))) {
                tell(
                        outcome(one.key().value(), bad ? "not-converged" : hosts.isEmpty() ? "sent" : "converged")
                                .put("hosts", hosts.size()),
                        bad
                                ? "not converged: see wharf fleet status"
                                : hosts.isEmpty()
                                        ? "sent"
                                        : "converged on " + hosts.size() + " host" + (hosts.size() == 1 ? "" : "s"));
                return !bad;
            }
            if (System.nanoTime() > end) {
                throw new IOException("not converged yet; hosts go on by themselves, see wharf fleet status"
                        + (late.isEmpty() ? "" : "; not heard of since: " + String.join(", ", late)));
            }
            view.poll(Duration.ofMillis(300));
        }
    }

    /** Whether what is known of the services is of this document, and not of the one before. */
    private static boolean isTaken(FleetView view, String host, Sending one) {
        DocumentText text = one.document().orElseThrow();
        Host.Identity who = view.hosts().getOrDefault(host, Host.Identity.NOBODY);
        Map<String, ServiceSpec> wanted = new TreeMap<>();
        if (text.chooses(one.key(), host, who.name(), who.labels())) {
            text.services().forEach(s -> wanted.put(s.name().value(), s));
        }
        for (Service s : view.services(host, one.key())) {
            ServiceSpec spec = wanted.remove(s.name().value());
            boolean same = spec == null
                    ? s.phase() == Service.Phase.REMOVING
                    : fields(spec).equals(fields(s.wanted().spec()));
            if (!same) {
                return false;
            }
        }
        return wanted.isEmpty();
    }

    private void say(Map<String, String> shown, String what, ObjectNode json, String line) {
        if (!line.equals(shown.put(what, line))) {
            tell(json, line);
        }
    }

    /** Shows each service of each host, once or again with each change. */
    int status() throws IOException, InterruptedException {
        boolean watch = options.containsKey("--watch");
        try (FleetView view = new FleetView(connection)) {
            while (true) {
                if (isJson()) {
                    out.println(view.json());
                } else {
                    if (watch && System.console() != null) {
                        out.print(CLEAR);
                    }
                    terminal.table(
                            view.rows(), "host", "service", "wanted", "running", "healthy", "version", "state", "why");
                    view.refusals()
                            .forEach(r -> out.println(r.path("host").asText() + " refuses "
                                    + r.path("document").asText() + ": "
                                    + r.path("reason").asText()));
                }
                if (!watch) {
                    return 0;
                }
                while (!view.poll(Duration.ofSeconds(1))) {
                    if (out.checkError()) {
                        return 0;
                    }
                }
                if (out.checkError()) {
                    return 0;
                }
            }
        }
    }
}
