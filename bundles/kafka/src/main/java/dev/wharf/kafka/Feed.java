package dev.wharf.kafka;

import dev.wharf.core.agent.Follower;
import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.journal.DamagedException;
import dev.wharf.core.journal.Position;
import dev.wharf.model.Digest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads the journal batch by batch. */
final class Feed implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Feed.class);

    private final Follower follower;
    private Optional<Moment> early = Optional.empty();
    private Optional<byte[]> earlyText = Optional.empty();
    private Digest earlyHead = Digest.sha256("");

    /**
     * All events of one batch, and the journal's head with it.
     *
     * @param texts each event as it lies in the journal, where that is known
     */
    record Group(Position position, Digest head, List<Moment> moments, List<Optional<byte[]>> texts) {}

    Feed(Follower follower) {
        this.follower = follower;
    }

    Optional<Group> next() throws IOException {
        Optional<Moment> first = early.isPresent() ? early : poll();
        if (first.isEmpty()) {
            return Optional.empty();
        }
        Digest head = earlyHead;
        Position position = first.get().position();
        List<Moment> moments = new ArrayList<>(4);
        List<Optional<byte[]>> texts = new ArrayList<>(4);
        moments.add(first.get());
        texts.add(earlyText);
        early = poll();
        while (early.isPresent() && early.get().position().compareTo(position) == 0) {
            moments.add(early.get());
            texts.add(earlyText);
            early = poll();
        }
        return Optional.of(new Group(position, head, moments, texts));
    }

    /** The next event; at the first of a batch the head is kept, for it is known only now. */
    private Optional<Moment> poll() throws IOException {
        while (true) {
            try {
                Optional<Moment> moment = follower.poll();
                if (moment.isPresent()) {
                    earlyText = follower.text();
                    if (moment.get().index() == 0) {
                        earlyHead = follower.head();
                    }
                }
                return moment;
            } catch (DamagedException e) {
                log.error(
                        "journal is damaged and cannot be published there first={} last={} what={}",
                        e.damage().position(),
                        e.last(),
                        e.damage().what());
            }
        }
    }

    void onMore(Runnable wake) {
        if (early.isPresent()) {
            wake.run();
        } else {
            follower.onMore(wake);
        }
    }

    @Override
    public void close() {
        follower.close();
    }
}
