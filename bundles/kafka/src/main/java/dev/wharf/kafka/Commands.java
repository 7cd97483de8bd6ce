package dev.wharf.kafka;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.FailedException;
import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.Refusal;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.Position;
import dev.wharf.kafka.desired.StrictJson;
import dev.wharf.log.codec.RecordCodec;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes commands for this host, has them done, and says when their answers may go out: once what they caused is published. Which
 * have their answer is told by {@link #intake}, which goes into the transaction that brings the answers. One thread reads the
 * topic; everything else here belongs to the publisher's.
 */
final class Commands implements AutoCloseable {
    static final String SIGNATURE = "signature";

    /** So many commands are under way at once; the rest waits on the topic. */
    private static final int OPEN = 64;

    /** A command that the agent cannot take just now is offered again after this. */
    private static final Duration RETRY = Duration.ofSeconds(1);

    private static final int READ = 32;

    /** A reason says what is wrong, and no more of what a sender wrote than that takes. */
    private static final int LONGEST_REASON = 4096;

    private static final Map<String, Class<? extends Record>> KINDS = Order.kinds();

    private static final Logger log = LoggerFactory.getLogger(Commands.class);

    private final Agent agent;
    private final Desk desk;
    private final Permissions permissions;
    private final InstantSource clock;
    private final String host;
    private final Intake before;
    private final Predicate<String> answered;
    private final Runnable wake;
    private final boolean first;
    private final RecordCodec codec = new RecordCodec();

    private final BlockingQueue<Delivery> arrived = new ArrayBlockingQueue<>(4);
    private final ConcurrentLinkedQueue<Ended> ended = new ConcurrentLinkedQueue<>();
    private final Map<Integer, Progress> progress = new HashMap<>();
    private final Map<String, Open> open = new LinkedHashMap<>();
    private final List<Ended> due = new ArrayList<>();
    private final Map<String, Trail> trails = new HashMap<>();

    /** Where each partition ended when it was opened: what an earlier life began lies before. */
    private final Map<Integer, Long> ends = new HashMap<>();

    private final Thread reader;
    private volatile Optional<KafkaException> broken = Optional.empty();

    /** What one poll brought of one partition. */
    private record Delivery(int partition, long next, List<ConsumerRecord<byte[], byte[]>> ours) {}

    /** How far a partition is. */
    private static final class Progress {
        long delivered;
        final TreeSet<Long> open = new TreeSet<>();
        final TreeSet<Long> beyond = new TreeSet<>();

        Intake.Taken taken() {
            long next = open.isEmpty() ? delivered : open.first();
            beyond.headSet(next).clear();
            return new Intake.Taken(next, beyond);
        }
    }

    /** What a command caused so far. */
    private static final class Trail {
        final Set<String> events = new LinkedHashSet<>();
        Optional<String> trouble = Optional.empty();
        boolean started;

        void add(String id, Moment moment) {
            events.add(id);
            started |= moment.cause().command().value().endsWith(Order.Sent.START);
            boolean stalled = moment.event() instanceof ContainerEvent.Stalled
                    || moment.event() instanceof NetworkEvent.Stalled
                    || moment.event() instanceof VolumeEvent.Stalled;
            // What stalled was tried again, and is done by now.
            if (!stalled) {
                moment.event().trouble().ifPresent(t -> trouble = Optional.of(t.message()));
            }
        }
    }

    /** A command that has no answer yet. */
    private static final class Open {
        final ConsumerRecord<byte[], byte[]> record;
        final Order.Sent sent;
        final Position since;
        Trail trail = new Trail();
        Optional<Order> order = Optional.empty();
        long again;

        Open(ConsumerRecord<byte[], byte[]> record, Order.Sent sent, Position since) {
            this.record = record;
            this.sent = sent;
            this.since = since;
        }
    }

    /** A command whose answer is known, to be told once the journal is published up to {@code after}. */
    private record Ended(Open command, Order.Outcome outcome, String refusal, String reason, Position after) {}

    /** An answer that may go out, and what it answers where that belongs to the dead letters. */
    record Answered(Order.Answer answer, Optional<ConsumerRecord<byte[], byte[]>> dead) {}

    /**
     * @param answered knows the ids that have an answer
     * @param first whether nothing was taken yet since the agent started, so that what was begun before is only in the journal
     */
    Commands(
            Connection connection,
            Agent agent,
            Desk desk,
            Permissions permissions,
            InstantSource clock,
            String host,
            Intake before,
            Predicate<String> answered,
            boolean first,
            Runnable wake)
            throws IOException {
        this.agent = agent;
        this.desk = desk;
        this.permissions = permissions;
        this.clock = clock;
        this.host = host;
        this.answered = answered;
        this.first = first;
        this.wake = wake;
        // Nothing was ever taken; the first bookmark says so, before anything is.
        this.before = before.equals(Intake.NOTHING) ? before.since(agent.position()) : before;
        recall();
        KafkaConsumer<byte[], byte[]> consumer = connection.consumer(READ);
        List<TopicPartition> partitions;
        try {
            partitions = connection.partitions(consumer, "commands");
            consumer.endOffsets(partitions, Connection.PATIENCE).forEach((p, end) -> ends.put(p.partition(), end));
        } catch (RuntimeException e) {
            Connection.release(consumer);
            throw e;
        }
        reader = new Thread(() -> read(consumer, partitions), "wharf-kafka-commands");
        reader.setDaemon(true);
        reader.setContextClassLoader(Commands.class.getClassLoader());
        reader.start();
    }

    /** Finds in the journal what unanswered commands did in an earlier life. */
    private void recall() throws IOException {
        Position end = agent.position();
        if (!end.isAfter(before.since())) {
            return;
        }
        Position origin = agent.journal().origin();
        try (Feed feed = new Feed(agent.follow(origin.isAfter(before.since()) ? origin : before.since()))) {
            for (Optional<Feed.Group> group = feed.next();
                    group.isPresent() && !group.get().position().isAfter(end);
                    group = feed.next()) {
                for (Moment moment : group.get().moments()) {
                    if (!moment.cause().command().equals(CommandId.NONE)) {
                        trails.computeIfAbsent(base(moment), id -> new Trail()).add(name(moment), moment);
                    }
                }
            }
        }
    }

    private static String base(Moment moment) {
        String id = moment.cause().command().value();
        return id.endsWith(Order.Sent.START) ? id.substring(0, id.length() - Order.Sent.START.length()) : id;
    }

    private String name(Moment moment) {
        return host + ":" + moment.position() + "." + moment.index();
    }

    private void read(KafkaConsumer<byte[], byte[]> consumer, List<TopicPartition> partitions) {
        byte[] key = Envelopes.bytes(host);
        try {
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            for (TopicPartition partition : partitions) {
                long next = before.of(partition.partition()).next();
                if (next > consumer.position(partition)) {
                    consumer.seek(partition, next);
                }
            }
            Set<TopicPartition> behind = new HashSet<>(partitions);
            while (true) {
                var records = consumer.poll(Duration.ofSeconds(1));
                // Marks of transactions are at the end of some, and are no records.
                for (TopicPartition partition : behind) {
                    if (!records.partitions().contains(partition) && isAtEnd(consumer, partition)) {
                        arrived.put(new Delivery(partition.partition(), consumer.position(partition), List.of()));
                    }
                }
                behind.removeIf(p -> isAtEnd(consumer, p));
                for (TopicPartition partition : records.partitions()) {
                    List<ConsumerRecord<byte[], byte[]>> ours = records.records(partition).stream()
                            .filter(r -> Arrays.equals(key, r.key()))
                            .toList();
                    arrived.put(new Delivery(partition.partition(), consumer.position(partition), ours));
                }
                if (!records.isEmpty()) {
                    wake.run();
                }
            }
        } catch (InterruptedException | InterruptException e) {
            // Closed.
        } catch (KafkaException e) {
            broken = Optional.of(e);
            wake.run();
        } finally {
            Connection.release(consumer);
        }
    }

    private boolean isAtEnd(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition) {
        return consumer.position(partition) >= ends.getOrDefault(partition.partition(), 0L);
    }

    /** Whether everything came that an earlier life may have begun. */
    private boolean isCaughtUp() {
        return ends.entrySet().stream().allMatch(end -> {
            Progress at = progress.get(end.getKey());
            long delivered = at == null ? before.of(end.getKey()).next() : at.delivered;
            return delivered >= end.getValue();
        });
    }

    /** Begins what has come; true if anything had. */
    boolean take() {
        if (broken.isPresent()) {
            throw broken.get();
        }
        boolean some = false;
        while (open.size() < OPEN) {
            Delivery delivery = arrived.poll();
            if (delivery == null) {
                break;
            }
            some = true;
            int partition = delivery.partition();
            Progress at = progress.computeIfAbsent(partition, p -> {
                Progress fresh = new Progress();
                fresh.beyond.addAll(before.of(p).beyond());
                return fresh;
            });
            for (ConsumerRecord<byte[], byte[]> record : delivery.ours()) {
                if (!before.of(partition).has(record.offset())) {
                    begin(record, at);
                }
            }
            at.delivered = delivery.next();
        }
        long now = System.nanoTime();
        for (Open one : open.values()) {
            if (one.again != 0 && now - one.again >= 0) {
                one.again = 0;
                give(one, false);
            }
        }
        return some;
    }

    private void begin(ConsumerRecord<byte[], byte[]> record, Progress at) {
        Order.Sent sent = Order.Sent.NOTHING;
        String wrong = "";
        try {
            // A record is one command, and says each thing once.
            JsonNode tree = StrictJson.MAPPER.readTree(record.value() == null ? new byte[0] : record.value());
            if (!tree.isObject()) {
                throw new IOException("a command must be a JSON object");
            }
            sent = Order.Sent.outline(tree);
            // Of a version that is not known nothing else is known either.
            Order.Sent whole = sent.v() == Order.Sent.VERSION ? codec.read(Order.Sent.class, tree) : sent;
            wrong = whole.wrong().orElse("");
            sent = wrong.isEmpty() ? whole : sent;
        } catch (JsonProcessingException e) {
            // What stands there is not repeated: it may be anything, secrets too. A limit of the parser has no place.
            wrong = Optional.ofNullable(e.getLocation())
                    .map(place -> "not JSON at line " + place.getLineNr() + ", column " + place.getColumnNr())
                    .orElse("not JSON that is read here: it is too deep, or something in it is too long");
        } catch (IOException e) {
            wrong = String.valueOf(e.getMessage());
        }
        String id = sent.id().isEmpty() ? source(record) : sent.id();
        Trail trail = trails.get(id);
        // What an earlier life did for it lies further back.
        Open one = new Open(record, sent, trail == null ? agent.position() : before.since());
        if (answered.test(id) || open.containsKey(id)) {
            // It has its answer, or will have it: delivered twice is done once and told once.
            at.beyond.add(record.offset());
            return;
        }
        at.open.add(record.offset());
        open.put(id, one);
        if (trail != null) {
            trails.remove(id);
            one.trail = trail;
        }
        if (!wrong.isEmpty()) {
            end(one, Order.Outcome.MALFORMED, "", wrong);
        } else {
            try {
                judge(one, trail != null);
            } catch (RuntimeException e) {
                // Whatever trips over what a sender wrote, the journal is published on and the next command has its
                // turn.
                log.error("command cannot be judged id={} kind={}", sent.id(), sent.kind(), e);
                end(
                        one,
                        Order.Outcome.FAILED,
                        "",
                        "internal error: " + e.getClass().getSimpleName());
            }
        }
    }

    private void judge(Open one, boolean known) {
        Order.Sent sent = one.sent;
        Class<? extends Record> type = KINDS.get(sent.kind());
        Optional<byte[]> signature = Optional.ofNullable(one.record.headers().lastHeader(SIGNATURE))
                .map(org.apache.kafka.common.header.Header::value);
        Optional<String> against = permissions.against(sent.principal(), sent.kind(), one.record.value(), signature);
        if (sent.v() != Order.Sent.VERSION) {
            end(
                    one,
                    Order.Outcome.UNKNOWN,
                    "",
                    "v must be " + Order.Sent.VERSION + ", the version of commands that is known here");
        } else if (type == null) {
            end(one, Order.Outcome.UNKNOWN, "", "there is no kind of command \"" + sent.kind() + "\"");
        } else if (against.isPresent()) {
            end(one, Order.Outcome.UNAUTHORISED, "", against.get());
        } else if (!known
                && sent.expires().filter(e -> e.isBefore(clock.instant())).isPresent()) {
            end(
                    one,
                    Order.Outcome.EXPIRED,
                    "",
                    "it expired at " + sent.expires().get());
        } else {
            try {
                one.order = Optional.of((Order) codec.read(type, sent.data()));
                give(one, known);
            } catch (IOException e) {
                end(one, Order.Outcome.MALFORMED, "", "data: " + e.getMessage());
            }
        }
    }

    private void give(Open one, boolean known) {
        boolean half = one.order.orElseThrow() instanceof Order.RunContainer && !one.trail.started;
        if (known && first && !half) {
            // Granted before the agent was started again, which has gone on with it since.
            end(
                    one,
                    one.trail.trouble.isPresent() ? Order.Outcome.FAILED : Order.Outcome.DONE,
                    "",
                    one.trail.trouble.orElse(""));
            return;
        }
        Actor actor = new Actor(Actor.Kind.KAFKA, one.sent.principal(), Map.of("source", source(one.record)));
        desk.give(one.order.get(), one.sent.id(), actor, one.sent.expect(), known && first)
                .whenComplete((event, trouble) -> {
                    ended.add(ended(one, event, trouble));
                    wake.run();
                });
    }

    private Ended ended(Open one, @Nullable Event event, @Nullable Throwable thrown) {
        Position now = agent.position();
        Throwable trouble =
                thrown instanceof CompletionException && thrown.getCause() != null ? thrown.getCause() : thrown;
        if (trouble instanceof RefusedException refused) {
            Refusal refusal = refused.refusal();
            // What is so already is what was wanted.
            return new Ended(
                    one,
                    refusal.kind() == Refusal.Kind.UNCHANGED ? Order.Outcome.DONE : Order.Outcome.REFUSED,
                    refusal.kind().name(),
                    refusal.message(),
                    now);
        }
        if (trouble instanceof FailedException failed) {
            return new Ended(one, Order.Outcome.FAILED, "", failed.failure().message(), now);
        }
        if (trouble != null) {
            return new Ended(one, Order.Outcome.FAILED, "", String.valueOf(trouble.getMessage()), now);
        }
        Optional<String> why =
                Optional.ofNullable(event).flatMap(Event::trouble).map(f -> f.message());
        return new Ended(one, why.isPresent() ? Order.Outcome.FAILED : Order.Outcome.DONE, "", why.orElse(""), now);
    }

    private void end(Open one, Order.Outcome outcome, String refusal, String reason) {
        ended.add(new Ended(one, outcome, refusal, reason, Position.START));
    }

    /** Hears of what is published, to find what commands caused. */
    void passed(Feed.Group group) {
        if (open.isEmpty()) {
            return;
        }
        for (Moment moment : group.moments()) {
            Open one = open.get(base(moment));
            if (one != null) {
                one.trail.add(name(moment), moment);
            }
        }
    }

    /** The answers that may go out now that everything up to {@code published} is out; they count as given from now on. */
    List<Answered> ready(Position published) {
        for (Ended one = ended.poll(); one != null; one = ended.poll()) {
            boolean busy = one.refusal().equals(Refusal.Kind.UNAVAILABLE.name());
            boolean late = one.command()
                    .sent
                    .expires()
                    .filter(e -> e.isBefore(clock.instant()))
                    .isPresent();
            if (busy && !late) {
                one.command().again = System.nanoTime() + RETRY.toNanos();
            } else {
                due.add(one);
            }
        }
        List<Answered> answers = new ArrayList<>();
        for (Iterator<Ended> left = due.iterator(); left.hasNext(); ) {
            Ended one = left.next();
            if (!one.after().isAfter(published)) {
                left.remove();
                answers.add(answer(one, published));
            }
        }
        return answers;
    }

    private Answered answer(Ended one, Position published) {
        Open command = one.command();
        ConsumerRecord<byte[], byte[]> record = command.record;
        Progress at = progress.computeIfAbsent(record.partition(), p -> new Progress());
        at.open.remove(record.offset());
        at.beyond.add(record.offset());
        open.values().removeIf(o -> o == command);
        boolean dead = switch (one.outcome()) {
            case DONE, REFUSED, FAILED -> false;
            case MALFORMED, UNKNOWN, EXPIRED, UNAUTHORISED -> true;
        };
        return new Answered(
                new Order.Answer(
                        command.sent.id(),
                        Order.Sent.VERSION,
                        command.sent.kind(),
                        command.sent.principal(),
                        one.outcome(),
                        one.refusal(),
                        shown(one),
                        source(record),
                        published.sequence(),
                        List.copyOf(command.trail.events),
                        Instant.now()),
                dead ? Optional.of(record) : Optional.empty());
    }

    /** Refusals may repeat what was asked for; variables of an environment are not for everybody who reads answers. */
    private static String shown(Ended one) {
        String reason =
                Concealment.concealReason(one.reason(), one.command().sent.data());
        return reason.length() <= LONGEST_REASON ? reason : reason.substring(0, LONGEST_REASON) + "...";
    }

    private static String source(ConsumerRecord<byte[], byte[]> record) {
        return record.topic() + "-" + record.partition() + "@" + record.offset();
    }

    /** How long until a command is to be offered again, at most {@code most}. */
    Duration patience(Duration most) {
        return open.values().stream().anyMatch(o -> o.again != 0) ? RETRY : most;
    }

    /** Which commands have their answer with everything up to {@code published} out. */
    Intake intake(Position published) {
        Intake now = before;
        for (Map.Entry<Integer, Progress> one : progress.entrySet()) {
            now = now.with(one.getKey(), one.getValue().taken());
        }
        Position since = open.values().stream()
                .map(o -> o.since)
                .filter(s -> published.isAfter(s))
                .min(Position::compareTo)
                .orElse(published);
        return now.since(isCaughtUp() ? since : before.since());
    }

    @Override
    public void close() {
        reader.interrupt();
        try {
            reader.join(2000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
