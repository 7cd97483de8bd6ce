package dev.wharf.kafka;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.Command;
import dev.wharf.core.command.DesiredCommand;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.command.HostCommand;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.state.Document;
import dev.wharf.core.state.Host;
import dev.wharf.kafka.desired.DocumentText;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.model.Digest;
import dev.wharf.model.DocumentKey;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.network.Peer;
import dev.wharf.spi.network.PeerSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Dictionary;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.header.Header;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes this host one of a fleet: says by what it is known, takes documents of desired state, and learns which other hosts share
 * networks. All of it goes into the journal, so while brokers are away the last that was known goes on. One thread reads, from
 * the beginning each time: what is known already changes nothing.
 */
final class Membership implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Membership.class);

    /** What a principal must be allowed who writes documents. */
    static final String KIND = "desired.apply";

    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    private static final Duration LAST_PAUSE = Duration.ofSeconds(10);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /** Before what settings files say of peers. */
    private static final int RANKING = 100;

    private static final int READ = 200;

    private final Agent agent;
    private final Settings settings;
    private final Permissions permissions;
    private final EventCodec codec = new EventCodec();
    private final List<Runnable> watchers = new CopyOnWriteArrayList<>();
    private final Optional<ServiceRegistration<PeerSource>> registration;
    private final Thread thread = new Thread(this::run, "wharf-kafka-membership");
    private volatile boolean stopping;
    /** This host's public key for encrypted networks: what others know since the last time, until somebody says otherwise. */
    private volatile String key;

    private String introducedKey = "";
    private boolean told;

    Membership(Agent agent, Settings settings, BundleContext context) {
        this(agent, settings, Optional.of(context));
    }

    Membership(Agent agent, Settings settings, Optional<BundleContext> context) {
        this.agent = agent;
        this.settings = settings;
        this.permissions = new Permissions(settings.allow(), settings.keys());
        key = agent.host().identity().overlay().map(Peer::key).orElse("");
        Optional<Peer> self = settings.membership().overlay();
        Dictionary<String, Object> properties = new Hashtable<>(Map.of("service.ranking", RANKING));
        registration = context.isPresent() && self.isPresent()
                ? Optional.of(context.get().registerService(PeerSource.class, new Source(self.get()), properties))
                : Optional.empty();
        thread.setDaemon(true);
        thread.setContextClassLoader(Membership.class.getClassLoader());
        thread.start();
    }

    /** For tests, where there is no registry of services. */
    PeerSource.Announcing announcing() {
        return new Source(settings.membership().overlay().orElseThrow());
    }

    /** Other hosts, as the journal has them. */
    private final class Source implements PeerSource.Announcing {
        private final Peer self;

        Source(Peer self) {
            this.self = self;
        }

        @Override
        public Peers peers() throws DriverException {
            List<Peer> others = agent.host().peers();
            for (Peer other : others) {
                if (other.number() == self.number()) {
                    throw DriverException.failure(
                            Failure.Kind.UNAVAILABLE,
                            "host " + other.name() + " at " + other.address() + " has the number " + self.number()
                                    + " of this host, too: give one of them another overlay.number");
                }
            }
            return new Peers(self.withKey(key), others);
        }

        @Override
        public void announce(String publicKey) {
            key = publicKey;
        }

        @Override
        public AutoCloseable watch(Runnable changed) {
            watchers.add(changed);
            return () -> watchers.remove(changed);
        }
    }

    private void run() {
        Duration pause = FIRST_PAUSE;
        while (!stopping) {
            try {
                introduce();
                if (!settings.membership().desired()
                        && settings.membership().overlay().isEmpty()) {
                    return;
                }
                live();
                pause = FIRST_PAUSE;
            } catch (InterruptedException | InterruptException e) {
                Thread.interrupted();
            } catch (IOException | RuntimeException e) {
                if (stopping) {
                    return;
                }
                if (told) {
                    log.debug("still no word of the fleet", e);
                } else {
                    log.warn("no word of the fleet, what was known last goes on reason={}", e.getMessage());
                    told = true;
                }
                try {
                    Thread.sleep(pause.toMillis());
                } catch (InterruptedException interrupted) {
                    Thread.interrupted();
                }
                pause = pause.multipliedBy(2).compareTo(LAST_PAUSE) > 0 ? LAST_PAUSE : pause.multipliedBy(2);
            }
        }
    }

    private String name() {
        return settings.membership().name().isEmpty()
                ? machine()
                : settings.membership().name();
    }

    private static String machine() {
        try {
            return Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
        } catch (IOException e) {
            return "";
        }
    }

    private void introduce() throws InterruptedException, IOException {
        Optional<Peer> self = settings.membership().overlay();
        String own = key;
        give(
                new HostCommand.Introduce(
                        settings.membership().desired() ? name() : "",
                        settings.membership().labels(),
                        self.map(p -> new Peer(p.number(), name(), p.address(), own))),
                Actor.WHARF);
        introducedKey = own;
        if (!settings.membership().desired()) {
            for (Document document : agent.host().documents().values()) {
                give(new DesiredCommand.Release(document.key()), Actor.WHARF);
            }
        }
    }

    /** Has the agent do something; refusals that only say that it is so already are none. */
    private Optional<String> give(Command command, Actor actor) throws InterruptedException, IOException {
        Cause cause = new Cause(new CommandId("fleet-" + Entropy.fresh().seed()), Optional.empty(), actor);
        try {
            agent.submit(command, cause).toCompletableFuture().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            return Optional.empty();
        } catch (TimeoutException e) {
            throw new IOException("the agent does not answer", e);
        } catch (ExecutionException e) {
            Throwable why = e.getCause() instanceof CompletionException wrapped && wrapped.getCause() != null
                    ? wrapped.getCause()
                    : e.getCause();
            if (why instanceof RefusedException refused) {
                return switch (refused.refusal().kind()) {
                    case UNCHANGED -> Optional.empty();
                    case UNAVAILABLE -> throw new IOException(refused.refusal().message(), e);
                    default -> Optional.of(refused.refusal().message());
                };
            }
            throw new IOException(String.valueOf(why == null ? e : why.getMessage()), e);
        }
    }

    /** Reads all there is, then all that comes. */
    private void live() throws IOException, InterruptedException {
        Publisher.knock(settings.brokers());
        String host = agent.host().identity().id();
        try (Connection connection = new Connection(settings, host)) {
            connection.makeTopics(settings.commands());
            KafkaConsumer<byte[], byte[]> consumer = connection.consumer(READ);
            try {
                follow(connection, consumer);
            } finally {
                Connection.release(consumer);
            }
        }
    }

    private void follow(Connection connection, KafkaConsumer<byte[], byte[]> consumer)
            throws IOException, InterruptedException {
        List<TopicPartition> partitions = new ArrayList<>();
        if (settings.membership().desired()) {
            partitions.addAll(connection.partitions(consumer, "desired"));
        }
        if (settings.membership().overlay().isPresent()) {
            partitions.addAll(connection.partitions(consumer, "hosts"));
        }
        Map<TopicPartition, Long> ends = consumer.endOffsets(partitions, Duration.ofSeconds(20));
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        Map<String, ConsumerRecord<byte[], byte[]>> documents = new LinkedHashMap<>();
        Map<String, Peer> peers = new HashMap<>();
        boolean whole = false;
        while (!stopping) {
            if (!introducedKey.equals(key)) {
                introduce();
            }
            boolean heard = false;
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
                if (record.key() == null) {
                    continue;
                }
                String key = new String(record.key(), StandardCharsets.UTF_8);
                if (record.topic().equals(settings.topic("hosts"))) {
                    heard |= hear(key, record, peers);
                } else {
                    documents.remove(key);
                    documents.put(key, record);
                }
            }
            if (!whole) {
                whole = partitions.stream().allMatch(p -> consumer.position(p) >= ends.getOrDefault(p, 0L));
                if (!whole) {
                    continue;
                }
                told = false;
                heard = true;
                missing(documents);
                log.info("member of the fleet documents={} peers={}", documents.size(), peers.size());
            }
            for (ConsumerRecord<byte[], byte[]> record : documents.values()) {
                take(record);
            }
            documents.clear();
            if (heard && settings.membership().overlay().isPresent()) {
                learn(peers);
            }
        }
    }

    private boolean hear(String host, ConsumerRecord<byte[], byte[]> record, Map<String, Peer> peers)
            throws IOException {
        if (host.equals(agent.host().identity().id())) {
            return false;
        }
        Optional<Peer> peer = Optional.empty();
        if (record.value() != null) {
            Event event = codec.decodeEvent(ByteBuffer.wrap(record.value()));
            if (event instanceof HostEvent.Recorded recorded) {
                peer = recorded.identity().overlay();
            }
        }
        Peer before = peers.remove(host);
        peer.ifPresent(p -> peers.put(host, p));
        return !Optional.ofNullable(before).equals(peer);
    }

    private void learn(Map<String, Peer> peers) throws IOException, InterruptedException {
        List<Peer> known = peers.values().stream()
                .sorted(Comparator.comparingInt(Peer::number).thenComparing(Peer::address))
                .toList();
        give(new HostCommand.NotePeers(known), Actor.WHARF);
        watchers.forEach(Runnable::run);
    }

    /** A document that is no longer on the topic was taken away while this host did not listen, or the topic was lost. */
    private void missing(Map<String, ConsumerRecord<byte[], byte[]>> documents)
            throws IOException, InterruptedException {
        if (!settings.membership().desired()) {
            return;
        }
        for (Document document : agent.host().documents().values()) {
            if (!documents.containsKey(document.key().value())) {
                log.warn("document is gone from its topic, what it wanted is left as it is key={}", document.key());
                give(new DesiredCommand.Release(document.key()), Actor.WHARF);
            }
        }
    }

    private static Optional<byte[]> header(ConsumerRecord<byte[], byte[]> record, String name) {
        return Optional.ofNullable(record.headers().lastHeader(name)).map(Header::value);
    }

    private void take(ConsumerRecord<byte[], byte[]> record) throws IOException, InterruptedException {
        String source = record.topic() + "-" + record.partition() + "@" + record.offset();
        String text = new String(record.key(), StandardCharsets.UTF_8);
        DocumentKey key;
        try {
            key = new DocumentKey(text);
        } catch (IllegalArgumentException e) {
            log.warn("document passed over source={} reason={}", source, e.getMessage());
            return;
        }
        Host host = agent.host();
        boolean held = host.document(key).isPresent();
        byte[] value = record.value() == null ? new byte[0] : record.value();
        Digest digest = Digest.sha256(value);
        String principal = header(record, DocumentText.PRINCIPAL)
                .map(p -> new String(p, StandardCharsets.UTF_8))
                .orElse("");
        Actor actor = new Actor(Actor.Kind.KAFKA, principal.isEmpty() ? "nobody" : principal, Map.of("source", source));
        Optional<Document> now = host.document(key);
        boolean known = record.value() != null
                && now.filter(d -> d.digest().equals(Optional.of(digest))
                                && d.refusal().isEmpty()
                                && d.source().equals(source))
                        .isPresent();
        if (known) {
            return;
        }
        if (record.value() == null && !held) {
            return;
        }
        Optional<String> against = permissions.against(
                principal, KIND, DocumentText.signed(text, value), header(record, Commands.SIGNATURE));
        boolean meant = isMeant(key, value, held);
        if (against.isPresent()) {
            if (meant) {
                refuse(key, digest, source, against.get(), actor);
            }
            return;
        }
        if (record.value() == null) {
            give(new DesiredCommand.Release(key), actor);
            return;
        }
        try {
            DocumentText document = DocumentText.read(key, value);
            Host.Identity who = host.identity();
            boolean chosen = document.chooses(
                    key, who.id(), name(), settings.membership().labels());
            if (!chosen && !held) {
                return;
            }
            Optional<String> refused = give(
                    chosen
                            ? new DesiredCommand.Apply(
                                    key, digest, source, document.services(), document.networks(), document.volumes())
                            : new DesiredCommand.Apply(key, digest, source, List.of(), List.of(), List.of()),
                    actor);
            if (refused.isPresent()) {
                refuse(key, digest, source, refused.get(), actor);
            }
        } catch (DocumentText.MalformedException e) {
            if (meant) {
                refuse(key, digest, source, String.valueOf(e.getMessage()), actor);
            }
        }
    }

    /** Whether a text that does not hold may have been for this host. */
    private boolean isMeant(DocumentKey key, byte[] value, boolean held) {
        if (held) {
            return true;
        }
        if (!key.isGroup()) {
            return key.name().equals(name())
                    || key.name().equals(agent.host().identity().id());
        }
        return DocumentText.selector(value)
                .map(s -> settings.membership().labels().entrySet().containsAll(s.entrySet()))
                .orElse(true);
    }

    private void refuse(DocumentKey key, Digest digest, String source, String reason, Actor actor)
            throws IOException, InterruptedException {
        log.warn("document does not hold key={} source={} reason=\"{}\"", key, source, reason);
        give(new DesiredCommand.Refuse(key, digest, source, reason), actor);
    }

    @Override
    public void close() {
        stopping = true;
        registration.ifPresent(ServiceRegistration::unregister);
        thread.interrupt();
        try {
            thread.join(TimeUnit.SECONDS.toMillis(3));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
