package dev.wharf.kafka;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.DesiredEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Document;
import dev.wharf.core.state.Goal;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Service;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.model.DocumentKey;
import dev.wharf.model.ServiceName;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

/** Desired state of all hosts as they publish it, folded from the newest states and kept up as they change. */
final class FleetView implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final EventCodec codec = new EventCodec();
    private final Map<String, Host.Identity> hosts = new TreeMap<>();
    private final Map<String, Map<DocumentKey, Document>> documents = new TreeMap<>();
    private final Map<String, Map<ServiceName, Service>> services = new TreeMap<>();

    /** What counts of a container, by its key on the topic: all of them would be a lot to keep. */
    private final Map<String, Replica> replicas = new TreeMap<>();

    /** A container of a service. */
    private record Replica(String host, String service, String version, boolean running, boolean healthy) {}

    /** Reads all there is. */
    FleetView(Connection connection) throws IOException, InterruptedException {
        consumer = connection.consumer(500);
        try {
            List<TopicPartition> partitions = connection.partitions(consumer, "state");
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions, Duration.ofSeconds(20));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.getOrDefault(p, 0L))) {
                poll(Duration.ofMillis(200));
            }
        } catch (RuntimeException e) {
            Connection.release(consumer);
            throw e;
        }
    }

    /** Takes in what came; true if there was anything. */
    boolean poll(Duration patience) {
        boolean some = false;
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(patience)) {
            some = true;
            try {
                take(record);
            } catch (IOException e) {
                throw new KafkaException("a state cannot be read at " + record.offset(), e);
            }
        }
        return some;
    }

    private void take(ConsumerRecord<byte[], byte[]> record) throws IOException {
        String key = new String(record.key(), StandardCharsets.UTF_8);
        int slash = key.indexOf('/');
        String host = key.substring(0, Math.max(slash, 0));
        String subject = key.substring(slash + 1);
        String value = subject.substring(subject.indexOf(':') + 1);
        boolean wanted = subject.startsWith("service:")
                || subject.startsWith("desired:")
                || subject.startsWith("host:")
                || subject.startsWith("container:");
        if (!wanted) {
            return;
        }
        if (record.value() == null) {
            replicas.remove(key);
            if (subject.startsWith("service:")) {
                services.getOrDefault(host, Map.of()).remove(new ServiceName(value));
            } else if (subject.startsWith("desired:")) {
                documents.getOrDefault(host, Map.of()).remove(new DocumentKey(value));
            }
            return;
        }
        Event event = codec.decodeEvent(ByteBuffer.wrap(record.value()));
        if (event instanceof HostEvent.Recorded recorded) {
            hosts.put(host, recorded.identity());
        } else if (event instanceof DesiredEvent.Recorded recorded) {
            documents
                    .computeIfAbsent(host, h -> new TreeMap<>(java.util.Comparator.comparing(DocumentKey::value)))
                    .put(recorded.state().key(), recorded.state());
        } else if (event instanceof DesiredEvent.ServiceRecorded recorded) {
            services.computeIfAbsent(host, h -> new TreeMap<>(java.util.Comparator.comparing(ServiceName::value)))
                    .put(recorded.state().name(), recorded.state());
        } else if (event instanceof ContainerEvent.Recorded recorded) {
            replica(host, recorded.state()).ifPresentOrElse(r -> replicas.put(key, r), () -> replicas.remove(key));
        }
    }

    private static Optional<Replica> replica(String host, Container c) {
        String service = c.spec().labels().getOrDefault(Service.LABEL, "");
        boolean running = c.isRunning() && c.goal() != Goal.REMOVED;
        boolean healthy = running
                && c.health()
                        .map(h -> h.status().equals(Container.Health.HEALTHY))
                        .orElse(true);
        return service.isEmpty()
                ? Optional.empty()
                : Optional.of(new Replica(
                        host, service, c.spec().labels().getOrDefault(Service.VERSION_LABEL, ""), running, healthy));
    }

    /** Hosts that ever said who they are. */
    Map<String, Host.Identity> hosts() {
        return hosts;
    }

    String name(String host) {
        Host.Identity known = hosts.get(host);
        return known == null || known.name().isEmpty() ? host : known.name();
    }

    Optional<Document> document(String host, DocumentKey key) {
        return Optional.ofNullable(documents.getOrDefault(host, Map.of()).get(key));
    }

    /** The services of a document on a host. */
    List<Service> services(String host, DocumentKey key) {
        return services.getOrDefault(host, Map.of()).values().stream()
                .filter(s -> s.document().equals(key))
                .toList();
    }

    /** One row for each service of each host. */
    List<ObjectNode> rows() {
        List<ObjectNode> rows = new ArrayList<>();
        services.forEach((host, all) -> all.values().forEach(s -> rows.add(row(host, s))));
        return rows;
    }

    ObjectNode row(String host, Service s) {
        long running = count(host, s, false);
        long healthy = count(host, s, true);
        List<String> words = new ArrayList<>(s.drift());
        if (!s.reason().isEmpty()) {
            words.add(s.reason());
        }
        ObjectNode row = JSON.createObjectNode()
                .put("host", name(host))
                .put("id", host)
                .put("service", s.name().value())
                .put("document", s.document().value())
                .put("image", s.target().spec().image())
                .put("version", s.target().id())
                .put("wanted", s.target().spec().replicas())
                .put("running", running)
                .put("healthy", healthy)
                .put("state", state(s))
                .put("since", s.since().toString())
                .put("why", String.join("; ", words));
        return row;
    }

    static String state(Service s) {
        String phase = s.phase().name().toLowerCase(Locale.ROOT).replace('_', '-');
        return s.drift().isEmpty() ? phase : "repairing";
    }

    private long count(String host, Service s, boolean healthy) {
        return replicas.values().stream()
                .filter(r -> r.host().equals(host)
                        && r.service().equals(s.name().value())
                        && r.version().equals(s.target().id())
                        && (healthy ? r.healthy() : r.running()))
                .count();
    }

    /** Documents that hosts refused. */
    List<ObjectNode> refusals() {
        List<ObjectNode> refusals = new ArrayList<>();
        documents.forEach((host, all) -> all.values()
                .forEach(d -> d.refusal()
                        .ifPresent(r -> refusals.add(JSON.createObjectNode()
                                .put("host", name(host))
                                .put("document", d.key().value())
                                .put("source", r.source())
                                .put("reason", r.reason())))));
        return refusals;
    }

    ObjectNode json() {
        ObjectNode all = JSON.createObjectNode();
        ArrayNode rows = all.putArray("services");
        rows().forEach(rows::add);
        ArrayNode refused = all.putArray("refused");
        refusals().forEach(refused::add);
        return all;
    }

    @Override
    public void close() {
        Connection.release(consumer);
    }
}
