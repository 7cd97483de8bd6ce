package dev.wharf.core.loop;

import dev.wharf.core.agent.Follower;
import dev.wharf.core.event.Event;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Entry;
import dev.wharf.core.journal.Position;
import dev.wharf.core.journal.RecentBatches;
import dev.wharf.core.state.Host;
import dev.wharf.model.Digest;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/** Makes readers that fold as they go, and never show a batch before it is durable. */
final class Followers {
    /** Of how many batches it is remembered what they did: most followers are at the end, and see the same. */
    private static final int REMEMBERED = 64;

    private final EventJournal journal;
    private final Committer committer;
    /** What a batch did, event by event. */
    private final RecentBatches<List<Follower.Moment>> recent = new RecentBatches<>(REMEMBERED);

    Followers(EventJournal journal, Committer committer) {
        this.journal = journal;
        this.committer = committer;
    }

    Follower follow(Position after, Host host) throws IOException {
        return new FoldingFollower(journal.open(after), after, host);
    }

    private final class FoldingFollower implements Follower {
        private final EventJournal.Reader reader;
        private final Deque<Moment> ready = new ArrayDeque<>();
        private Optional<Entry> early = Optional.empty();
        private Position seen;
        private Host host;
        private int index;

        FoldingFollower(EventJournal.Reader reader, Position after, Host host) {
            this.reader = reader;
            this.seen = after;
            this.host = host;
        }

        @Override
        public Optional<Moment> poll() throws IOException {
            if (ready.isEmpty()) {
                Optional<Entry> entry = early.isPresent() ? early : reader.poll();
                early = Optional.empty();
                if (entry.isEmpty()) {
                    return Optional.empty();
                }
                if (entry.get().position().isAfter(committer.durable())) {
                    early = entry;
                    return Optional.empty();
                }
                unfold(entry.get());
            }
            Optional<Moment> next = Optional.ofNullable(ready.poll());
            next.ifPresent(moment -> index = moment.index());
            return next;
        }

        @Override
        public Optional<byte[]> text() {
            return reader.text(index);
        }

        private void unfold(Entry entry) {
            List<Moment> moments = recent.at(entry.position()).orElseGet(() -> moments(entry));
            recent.put(entry.position(), moments);
            ready.addAll(moments);
            host = moments.isEmpty() ? host : moments.get(moments.size() - 1).after();
            seen = entry.position();
        }

        private List<Moment> moments(Entry entry) {
            List<Moment> moments = new ArrayList<>();
            Host before = host;
            for (Event event : entry.batch().events()) {
                Host after = event.apply(before);
                moments.add(new Moment(
                        entry.position(),
                        moments.size(),
                        entry.batch().cause(),
                        entry.batch().at(),
                        event,
                        before,
                        after));
                before = after;
            }
            return moments;
        }

        @Override
        public Digest head() {
            return reader.head();
        }

        @Override
        public void onMore(Runnable wake) {
            if (ready.isEmpty()) {
                committer.onDurable(seen, wake);
            } else {
                wake.run();
            }
        }

        @Override
        public void close() {
            reader.close();
        }
    }
}
