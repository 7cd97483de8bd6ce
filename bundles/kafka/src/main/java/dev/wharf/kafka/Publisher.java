package dev.wharf.kafka;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.agent.Forms;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Host;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.log.codec.RecordCodec;
import dev.wharf.model.SubjectId;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.header.Header;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries the journal to Kafka, on a thread of its own. Events, the newest states of what they changed, and the bookmark that
 * says how far that is go into one transaction. After any trouble everything is forgotten and the brokers are asked where to go
 * on, so whatever became of a transaction whose end was not heard of, no event is there twice and none is missing.
 *
 * <p>While the brokers are away nothing is read and nothing is gathered: the journal is the queue.
 */
final class Publisher implements AutoCloseable {
    static final String NAME = "kafka";

    private static final Logger log = LoggerFactory.getLogger(Publisher.class);

    /** So much is put into a transaction before it is committed, whatever number of events that is. */
    private static final int TRANSACTION_BYTES = 16 << 20;

    private static final Duration SHORT_PAUSE = Duration.ofMillis(200);
    private static final Duration LONG_PAUSE = Duration.ofSeconds(5);

    /** Somebody has to do something before it can work, so asking often helps nobody. */
    private static final Duration BLOCKED_PAUSE = Duration.ofSeconds(30);

    /** So many answers are remembered, of each partition at a start, and in all. */
    private static final int REMEMBERED = 16_384;

    private static final Duration KNOCK = Duration.ofSeconds(3);

    /** Whoever took over has that long to say so before we look who it was. */
    private static final Duration SUCCESSION = Duration.ofSeconds(3);

    private final Agent agent;
    private final Settings settings;
    private final EventCodec codec = new EventCodec();
    private final Map<String, Integer> versions = codec.versions();
    private final Concealment concealment;
    private final Gauges gauges;
    private final Supplier<Optional<Forms>> forms;
    private final String session = UUID.randomUUID().toString();
    private final Semaphore news = new Semaphore(0);

    /** Whether somebody was asked to wake us, who must not be asked again until it was done. */
    private final AtomicBoolean armed = new AtomicBoolean();

    private final Thread thread = new Thread(this::run, "wharf-kafka");

    /** Hears of each step on the way; tests end the publisher there. */
    private final Consumer<String> step;

    private volatile boolean stopping;
    private String host = "";
    private boolean fenced;

    /** Ids of commands that have their answer, read again in each life. */
    private final Set<String> answered = Collections.newSetFromMap(new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
            return size() > REMEMBERED;
        }
    });

    private boolean recalled;
    private String predecessor = "";
    private Duration pause = SHORT_PAUSE;
    private boolean told;

    /** Another agent publishes as this host. */
    private static final class SupersededException extends Exception {
        private static final long serialVersionUID = 1L;

        SupersededException(String message) {
            super(message);
        }
    }

    /** What the brokers know of this host is not what its journal says. */
    private static final class ForeignException extends Exception {
        private static final long serialVersionUID = 1L;

        ForeignException(String message) {
            super(message);
        }
    }

    Publisher(Agent agent, Settings settings, Gauges gauges, Supplier<Optional<Forms>> forms) {
        this(agent, settings, gauges, forms, step -> {});
    }

    Publisher(Agent agent, Settings settings, Gauges gauges, Supplier<Optional<Forms>> forms, Consumer<String> step) {
        this.forms = forms;
        this.step = step;
        this.agent = agent;
        this.settings = settings;
        this.gauges = gauges;
        this.concealment = new Concealment(settings.environmentValues());
        thread.setDaemon(true);
        // Kafka finds its classes through the thread; a static block of it fails for good where it does not.
        thread.setContextClassLoader(Publisher.class.getClassLoader());
    }

    void start() {
        // Before anything is known of the brokers: a journal that is trimmed meanwhile cannot be published.
        agent.hold(NAME, Position.START, settings.outboxLimitBytes());
        thread.start();
    }

    private void run() {
        while (!stopping) {
            try {
                host = agent.host().identity().id();
                live();
            } catch (SupersededException | ForeignException e) {
                log.error("publishing to kafka stops until the agent is started again reason={}", e.getMessage());
                gauges.trouble(
                        e instanceof SupersededException ? "superseded" : "blocked", String.valueOf(e.getMessage()));
                return;
            } catch (InterruptedException | InterruptException e) {
                if (!stopping) {
                    log.debug("interrupted", e);
                }
                Thread.interrupted();
            } catch (IOException | RuntimeException e) {
                rest(e);
            }
        }
        gauges.trouble("stopped", "");
    }

    /** One life: from opening the clients to the first trouble. */
    private void live() throws IOException, InterruptedException, SupersededException, ForeignException {
        gauges.state("connecting");
        knock(settings.brokers());
        try (Connection connection = new Connection(settings, host)) {
            if (fenced) {
                Thread.sleep(SUCCESSION.toMillis());
                String writer = connection.bookmark().session();
                if (!writer.equals(session) && !writer.equals(predecessor)) {
                    throw new SupersededException("another agent publishes as host " + host
                            + ": see that no two hosts share a data root or a copy of one");
                }
                // It was a transaction of our own that took too long.
                fenced = false;
            }
            connection.makeTopics(settings.commands());
            KafkaProducer<byte[], byte[]> producer = connection.open();
            Bookmark last = connection.bookmark();
            predecessor = last.session();
            step.accept("opened");
            publish(connection, producer, last);
        }
    }

    /** A broker that is away is found out with a socket, which costs nothing beside Kafka's clients trying for themselves. */
    static void knock(String brokers) throws IOException {
        IOException last = new IOException("no broker is named");
        for (String broker : brokers.split(",")) {
            int colon = broker.lastIndexOf(':');
            String name = broker.substring(0, colon).replace("[", "").replace("]", "");
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(name, Integer.parseInt(broker.substring(colon + 1))), (int)
                        KNOCK.toMillis());
                return;
            } catch (IOException e) {
                String why = e instanceof UnknownHostException ? "no such host" : e.getMessage();
                last = new IOException("no broker answers at " + broker + ": " + why, e);
            }
        }
        throw last;
    }

    private void publish(Connection connection, KafkaProducer<byte[], byte[]> producer, Bookmark last)
            throws IOException, InterruptedException, ForeignException {
        Position origin = agent.journal().origin();
        boolean gap = last.number() > 0 && origin.isAfter(last.position());
        if (gap) {
            log.warn(
                    "journal no longer holds what was not published first={} last={}",
                    last.position().next(),
                    origin);
        }
        Envelopes envelopes = new Envelopes(settings.topic("events"), host, settings.structured());
        try (Parcels parcels = new Parcels(
                        open(last, origin),
                        agent.position().sequence() - last.position().sequence(),
                        new Packer(envelopes, last)::pack);
                Intaking intaking =
                        new Intaking(settings.commands() ? Optional.of(take(connection, last)) : Optional.empty())) {
            Outgoing outgoing = new Outgoing(
                    producer,
                    gap ? last.stale(true) : last,
                    gap ? Optional.of(Host.EMPTY) : Optional.empty(),
                    intaking.commands());
            outgoing.begin();
            outgoing.commit();
            told = false;
            pause = SHORT_PAUSE;
            log.info("publishing to kafka brokers={} host={} after={}", settings.brokers(), host, last.position());
            gauges.state("publishing");
            while (!stopping) {
                boolean some = outgoing.fill(parcels);
                some |= outgoing.answer();
                gauges.lag(agent.position().sequence()
                        - outgoing.bookmark.position().sequence());
                if (!some && outgoing.bookmark.stale()) {
                    outgoing.bury(connection.states());
                } else if (!some) {
                    if (armed.compareAndSet(false, true)) {
                        parcels.onMore(this::wake);
                    }
                    news.tryAcquire(1, TimeUnit.SECONDS);
                    news.drainPermits();
                }
            }
        }
    }

    /** Commands for the length of one life, if they are taken at all. */
    private record Intaking(Optional<Commands> commands) implements AutoCloseable {
        @Override
        public void close() {
            commands.ifPresent(Commands::close);
        }
    }

    private Commands take(Connection connection, Bookmark last) throws IOException, InterruptedException {
        boolean first = !recalled;
        // Each time, for what was committed may still be lost where a broker dies of it.
        answered.clear();
        byte[] key = Envelopes.bytes(host);
        connection.read("results", REMEMBERED, record -> {
            Header id = record.headers().lastHeader("correlationid");
            if (Arrays.equals(key, record.key()) && id != null) {
                answered.add(new String(id.value(), StandardCharsets.UTF_8));
            }
        });
        Commands commands = new Commands(
                connection,
                agent,
                new Desk(agent, forms),
                new Permissions(settings.allow(), settings.keys()),
                InstantSource.system(),
                host,
                last.intake(),
                answered::contains,
                first,
                news::release);
        recalled = true;
        return commands;
    }

    private void wake() {
        armed.set(false);
        news.release();
    }

    /** Follows the journal from where the brokers have it, having made sure that it is this journal that they have. */
    private Feed open(Bookmark last, Position origin) throws IOException, ForeignException {
        Position at = last.position();
        if (at.isAfter(agent.position())) {
            throw new ForeignException("the brokers have this host's journal up to " + at + ", and it ends at "
                    + agent.position() + ": it was replaced by an older copy");
        }
        if (!at.isAfter(origin)) {
            return new Feed(agent.follow(origin));
        }
        Feed feed = new Feed(agent.follow(new Position(at.sequence() - 1)));
        try {
            Feed.Group group = feed.next()
                    .filter(g -> g.position().equals(at))
                    .orElseThrow(() -> new IOException("the journal has nothing at " + at));
            if (last.head().isPresent() && !last.head().get().equals(group.head())) {
                throw new ForeignException("the journal's head at " + at + " is " + group.head()
                        + ", and what was published says " + last.head().get()
                        + ": the journal was changed, or another host has this host's id");
            }
            return feed;
        } catch (IOException | ForeignException | RuntimeException e) {
            feed.close();
            throw e;
        }
    }

    /**
     * Makes records of batches, in their order, and marks those that come after a gap. The first checkpoint after a gap goes out
     * too: whoever folds begins anew there and knows everything again.
     */
    private final class Packer {
        private final Envelopes envelopes;
        private Position last;
        private boolean behind;
        private Optional<Position> missing = Optional.empty();

        /** @param bookmark what is published already */
        Packer(Envelopes envelopes, Bookmark bookmark) {
            this.envelopes = envelopes;
            this.last = bookmark.position();
            this.behind = bookmark.behind();
        }

        /** The records of a batch; none of other checkpoints, which say again what was said. */
        Parcels.Parcel pack(Feed.Group group) throws IOException {
            if (missing.isEmpty() && group.position().isAfter(last.next())) {
                missing = Optional.of(last.next());
                behind = true;
            }
            last = group.position();
            List<Moment> moments = group.moments();
            if (HostEvent.marksCheckpoint(moments.get(0).event()) && !behind) {
                return new Parcels.Parcel(group, List.of(), 0, false);
            }
            behind &= moments.stream().noneMatch(m -> m.event() instanceof HostEvent.CheckpointCompleted);
            List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>(moments.size());
            long bytes = 0;
            for (Moment moment : moments) {
                Optional<byte[]> text = group.texts().get(moment.index());
                byte[] data = concealment.conceal(text.isPresent() ? text.get() : codec.encode(moment.event()));
                String type = codec.typeOf(moment.event());
                records.add(envelopes.wrap(
                        moment,
                        type,
                        versions.getOrDefault(type, 1),
                        data,
                        moment.index() == 0 ? Optional.of(group.head()) : Optional.empty(),
                        missing));
                missing = Optional.empty();
                bytes += data.length;
            }
            return new Parcels.Parcel(group, records, bytes, behind);
        }
    }

    /** What goes out, transaction by transaction. */
    private final class Outgoing {
        private final KafkaProducer<byte[], byte[]> producer;
        private final byte[] key = Envelopes.bytes(host);
        private final Optional<Commands> commands;
        private final RecordCodec records = new RecordCodec();
        private final Window window = new Window();
        private Bookmark bookmark;

        /** The host whose states are on the topic; known with the first batch, where it is not known before. */
        private Optional<Host> shown;

        Outgoing(
                KafkaProducer<byte[], byte[]> producer,
                Bookmark bookmark,
                Optional<Host> shown,
                Optional<Commands> commands) {
            this.commands = commands;
            this.producer = producer;
            this.bookmark = bookmark;
            this.shown = shown;
        }

        void begin() {
            producer.beginTransaction();
        }

        /** Publishes what is there, as much as one transaction takes; false where there is nothing. */
        boolean fill(Parcels parcels) throws IOException, InterruptedException {
            int events = 0;
            long bytes = 0;
            Optional<Parcels.Parcel> last = Optional.empty();
            while (events < settings.transactionEvents() && bytes < TRANSACTION_BYTES) {
                Optional<Parcels.Parcel> next = parcels.next();
                if (next.isEmpty()) {
                    break;
                }
                Parcels.Parcel parcel = next.get();
                if (commands.isPresent()) {
                    commands.get().passed(parcel.group());
                }
                if (shown.isEmpty()) {
                    shown = Optional.of(parcel.first().before());
                }
                last = next;
                if (parcel.records().isEmpty()) {
                    continue;
                }
                if (events == 0) {
                    begin();
                    step.accept("begun");
                }
                for (ProducerRecord<byte[], byte[]> record : parcel.records()) {
                    window.sent(producer.send(record), record.value().length);
                    if (record instanceof EventRecord event) {
                        event.sent();
                    }
                    events++;
                }
                bytes += parcel.bytes();
            }
            if (last.isEmpty()) {
                return false;
            }
            Parcels.Parcel end = last.get();
            // Where it was nothing but a checkpoint, the next transaction takes it along.
            bookmark = bookmark.moved(end.group().position(), end.group().head(), end.behind());
            if (events == 0) {
                return true;
            }
            step.accept("sent");
            show(end.last().after(), bookmark.position());
            commit();
            gauges.committed(events);
            return true;
        }

        private void show(Host now, Position at) throws IOException {
            for (Map.Entry<SubjectId, Optional<Event>> change :
                    StateChanges.between(shown.orElse(Host.EMPTY), now).entrySet()) {
                Optional<Event> state = change.getValue();
                if (change.getKey().equals(HostEvent.SELF) && isMember()) {
                    // By itself as well, for hosts that want to know one another and not all that is on each.
                    producer.send(new ProducerRecord<>(
                            settings.topic("hosts"), null, key, codec.encode(state.orElseThrow())));
                }
                put(
                        host + "/" + change.getKey().text(),
                        state.isEmpty()
                                ? Optional.empty()
                                : Optional.of(concealment.conceal(codec.encode(state.get()))),
                        at);
            }
            shown = Optional.of(now);
        }

        private boolean isMember() {
            return settings.membership().desired()
                    || settings.membership().overlay().isPresent();
        }

        private void put(String subject, Optional<byte[]> state, Position at) {
            ProducerRecord<byte[], byte[]> record =
                    new ProducerRecord<>(settings.topic("state"), null, Envelopes.bytes(subject), state.orElse(null));
            record.headers().add("position", Envelopes.bytes(at.toString()));
            producer.send(record);
        }

        /** Takes away the states of what went while nobody could tell. */
        void bury(Set<String> keys) throws IOException {
            Set<String> gone = new HashSet<>(keys);
            Host now = shown.isPresent() ? shown.get() : agent.hostAt(bookmark.position());
            StateChanges.between(Host.EMPTY, now).keySet().forEach(subject -> gone.remove(host + "/" + subject.text()));
            bookmark = bookmark.stale(false);
            if (gone.isEmpty()) {
                return;
            }
            begin();
            gone.forEach(subject -> put(subject, Optional.empty(), bookmark.position()));
            commit();
        }

        /** Begins the commands that have come, and publishes the answers whose events are out; false if there were none. */
        boolean answer() throws IOException {
            if (commands.isEmpty()) {
                return false;
            }
            boolean some = commands.get().take();
            if (some) {
                step.accept("taken");
            }
            List<Commands.Answered> answers = commands.get().ready(bookmark.position());
            if (answers.isEmpty()) {
                return some;
            }
            begin();
            for (Commands.Answered one : answers) {
                Order.Answer answer = one.answer();
                ProducerRecord<byte[], byte[]> record =
                        new ProducerRecord<>(settings.topic("results"), null, key, records.write(answer));
                record.headers().add("content-type", Envelopes.bytes("application/json"));
                if (!answer.command().isEmpty()) {
                    record.headers().add("correlationid", Envelopes.bytes(answer.command()));
                }
                producer.send(record);
                if (one.dead().isPresent()) {
                    producer.send(letter(one.dead().get(), answer));
                }
            }
            step.accept("answered");
            commit();
            answers.stream()
                    .map(a -> a.answer().command())
                    .filter(id -> !id.isEmpty())
                    .forEach(answered::add);
            gauges.answered(answers.size());
            return true;
        }

        /** A command that cannot be done, as it came but for secrets, with what was wrong. */
        private ProducerRecord<byte[], byte[]> letter(ConsumerRecord<byte[], byte[]> dead, Order.Answer answer)
                throws IOException {
            ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(
                    settings.topic("commands.dlq"),
                    null,
                    dead.key(),
                    dead.value() == null ? null : Concealment.concealCommand(dead.value()));
            dead.headers().forEach(record.headers()::add);
            record.headers()
                    .add("wharf-outcome", Envelopes.bytes(answer.outcome().name()))
                    .add("wharf-reason", Envelopes.bytes(answer.reason()))
                    .add("wharf-source", Envelopes.bytes(answer.source()));
            return record;
        }

        void commit() throws IOException {
            Position at = bookmark.position();
            Bookmark next =
                    bookmark.next(session, commands.map(c -> c.intake(at)).orElse(bookmark.intake()));
            producer.send(new ProducerRecord<>(settings.topic("positions"), null, key, next.encode()));
            step.accept("marked");
            producer.commitTransaction();
            step.accept("committed");
            bookmark = next;
            gauges.at(at.sequence());
            agent.hold(NAME, at, settings.outboxLimitBytes());
        }
    }

    /** After trouble: says what it was, once, and waits before the next try. */
    private void rest(Exception trouble) {
        Throwable root = root(trouble);
        if (stopping) {
            return;
        }
        // Stays so until it is known who took over, however long the brokers are away meanwhile.
        fenced |= trouble instanceof ProducerFencedException
                || root instanceof ProducerFencedException
                || root instanceof InvalidProducerEpochException;
        boolean blocked = false;
        for (Throwable cause = trouble; cause != null; cause = cause.getCause()) {
            blocked |= cause instanceof UnusableException
                    || cause instanceof AuthenticationException
                    || cause instanceof AuthorizationException
                    || cause instanceof RecordTooLargeException;
        }
        String what = trouble instanceof IOException && trouble.getMessage() != null
                ? trouble.getMessage()
                : root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
        if (root instanceof TimeoutException) {
            // A broker that speaks TLS and one that does not say nothing to each other's clients.
            what = "brokers do not answer by security.protocol="
                    + settings.security().protocol() + ": " + what;
        } else {
            what = Handshake.told(what, settings.security());
        }
        gauges.trouble(blocked ? "blocked" : "away", what);
        if (told) {
            log.debug("still not publishing to kafka", trouble);
        } else {
            log.warn(
                    "not publishing to kafka, events wait in the journal brokers={} reason={}",
                    settings.brokers(),
                    what);
            log.debug("not publishing to kafka", trouble);
            told = true;
        }
        try {
            Thread.sleep((blocked ? BLOCKED_PAUSE : pause).toMillis());
        } catch (InterruptedException e) {
            Thread.interrupted();
        }
        pause = pause.multipliedBy(2).compareTo(LONG_PAUSE) > 0 ? LONG_PAUSE : pause.multipliedBy(2);
    }

    private static Throwable root(Throwable trouble) {
        Throwable root = trouble;
        while (root.getCause() != null && (root instanceof KafkaException || root instanceof IOException)) {
            root = root.getCause();
        }
        return root;
    }

    /** Stops where it is; what is not committed goes out the next time. */
    @Override
    public void close() {
        stopping = true;
        thread.interrupt();
        try {
            thread.join(TimeUnit.SECONDS.toMillis(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
