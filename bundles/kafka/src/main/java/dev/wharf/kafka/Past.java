package dev.wharf.kafka;

import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Host;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.log.codec.UnknownEventException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import org.apache.kafka.common.KafkaException;

/** The hosts of a fleet as what they published makes them, up to a moment: a fold of the topic of events, host by host. */
final class Past {
    private final EventCodec codec = new EventCodec();
    private final Predicate<String> wanted;
    private final Optional<Instant> until;
    private final BiConsumer<Published, Moment> witness;
    private final Map<String, Life> lives = new TreeMap<>();

    /**
     * Positions of a journal that were trimmed or damaged before they could be published.
     *
     * @param since when the last event before it happened
     * @param until when a checkpoint told everything again
     */
    record Gap(Position first, Position last, Instant since, Optional<Instant> until) {}

    /** One host so far. */
    static final class Life {
        private Host host = Host.EMPTY;
        private Position first = Position.START;
        private Position last = Position.START;
        private int index = -1;
        private Instant at = Instant.EPOCH;
        private Instant since = Instant.EPOCH;
        private final List<Gap> gaps = new ArrayList<>();
        private Optional<Instant> whole = Optional.empty();
        private boolean over;
        private long unknown;

        Host host() {
            return host;
        }

        /** The last batch that is part of it. */
        Position position() {
            return last;
        }

        Instant at() {
            return at;
        }

        /** Where the topic begins; what was before is not in it. */
        Position first() {
            return first;
        }

        /** When the first event that the topic has of it happened. */
        Instant since() {
            return since;
        }

        /** What was lost on the way here, in order. */
        List<Gap> gaps() {
            return List.copyOf(gaps);
        }

        /**
         * Whether it is all there: nothing went before the topic begins or was lost unpublished later that no checkpoint told
         * again, and nothing was told in words of a newer Wharf.
         */
        boolean isComplete() {
            return (first.sequence() <= 1 || whole.isPresent())
                    && gaps.stream().allMatch(gap -> gap.until().isPresent())
                    && unknown == 0;
        }

        /** Where the first checkpoint that the topic has of it told everything. */
        Optional<Instant> whole() {
            return whole;
        }

        /** A checkpoint is a shorter journal: what is known begins here. */
        private void begin(Instant now) {
            host = Host.EMPTY;
            whole = whole.or(() -> Optional.of(now));
            gaps.replaceAll(gap ->
                    gap.until().isPresent() ? gap : new Gap(gap.first(), gap.last(), gap.since(), Optional.of(now)));
        }

        /** Events that only a newer Wharf understands. */
        long unknown() {
            return unknown;
        }
    }

    private Past(Predicate<String> wanted, Optional<Instant> until, BiConsumer<Published, Moment> witness) {
        this.wanted = wanted;
        this.until = until;
        this.witness = witness;
    }

    /**
     * Folds all that is published.
     *
     * @param until of each host, what comes after the first event that is later is left out
     * @param witness sees each event as it is folded
     */
    static Map<String, Life> read(
            Connection connection,
            Predicate<String> wanted,
            Optional<Instant> until,
            Connection.Progress progress,
            BiConsumer<Published, Moment> witness)
            throws IOException, InterruptedException {
        Past past = new Past(wanted, until, witness);
        connection.read("events", Long.MAX_VALUE, progress, record -> {
            if (record.key() != null && past.wanted.test(new String(record.key(), StandardCharsets.UTF_8))) {
                past.fold(Published.of(record));
            }
        });
        return past.lives;
    }

    private void fold(Published published) {
        Life life = lives.computeIfAbsent(published.host(), h -> new Life());
        if (life.first.equals(Position.START)) {
            life.first = published.position();
            life.since = published.at();
        } else if (!life.over
                && published.missing().isPresent()
                && (until.isEmpty() || until.get().isAfter(life.at))) {
            // Even where this event is too late to count: what is missing happened between the last one and it.
            life.gaps.add(new Gap(
                    published.missing().get(),
                    new Position(published.position().sequence() - 1),
                    life.at,
                    Optional.empty()));
        }
        if (life.over || until.isPresent() && published.at().isAfter(until.get())) {
            life.over = true;
            return;
        }
        boolean goesOn = published.position().isAfter(life.last)
                || published.position().equals(life.last) && published.index() == life.index + 1;
        if (!goesOn) {
            throw new KafkaException("events of host " + published.host() + " are out of order: " + published.id()
                    + " comes after " + life.last + "." + life.index
                    + "; partitions that are added to the topic later do that");
        }
        life.last = published.position();
        life.index = published.index();
        life.at = published.at();
        try {
            Event event = codec.decodeEvent(ByteBuffer.wrap(published.data()));
            if (event instanceof HostEvent.CheckpointStarted) {
                life.begin(published.at());
            }
            Host before = life.host;
            life.host = event.apply(before);
            witness.accept(
                    published,
                    new Moment(
                            published.position(),
                            published.index(),
                            published.cause(),
                            published.at(),
                            event,
                            before,
                            life.host));
        } catch (UnknownEventException e) {
            life.unknown++;
        } catch (IOException e) {
            throw new KafkaException("event " + published.id() + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** A test for hosts by the beginning of their id; everything where {@code text} is empty. */
    static Predicate<String> host(String text) {
        return host -> host.startsWith(text);
    }
}
