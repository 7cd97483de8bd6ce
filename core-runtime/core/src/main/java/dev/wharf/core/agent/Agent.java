package dev.wharf.core.agent;

import dev.wharf.core.command.Command;
import dev.wharf.core.event.Event;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.model.Digest;
import dev.wharf.model.Progress;
import dev.wharf.model.PullId;
import dev.wharf.model.SubjectId;
import dev.wharf.spi.registry.Credentials;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** The door of the house: every front comes in here, and nothing goes around it. */
public interface Agent {
    /**
     * Completes with the event that answers the command, or fails with {@link RefusedException} or {@link FailedException}.
     * The answer is as durable as the journal's sync mode promises. Giving up on the stage gives up the answer, not the wish.
     */
    CompletionStage<Event> submit(Command command, Cause cause);

    /** The whole host as of the last batch: immutable, consistent, free to keep. */
    Host host();

    /** The position of the last batch that {@link #host} holds. */
    Position position();

    /** The whole host as it was at {@code instant}, folded from the nearest checkpoint before it. */
    Host hostAt(Instant instant) throws IOException;

    /** The whole host as it was just after {@code position}. */
    Host hostAt(Position position) throws IOException;

    /**
     * Does {@code then} once {@link #host} is {@code so}, now or later: it is looked whenever something changes about that subject.
     * What is seen need not be durable yet. From any thread, the loop's own among them, so it must return soon.
     */
    void when(SubjectId about, Predicate<Host> so, Runnable then);

    /** Follows the journal from just after a position of the caller's own keeping. */
    Follower follow(Position after) throws IOException;

    /** The position before the first batch at or after {@code instant}: where to follow from to see all since then. */
    Position positionAt(Instant instant) throws IOException;

    /** Facts about the record itself. */
    JournalFacts journal();

    /** How the loop is doing. */
    Vitals vitals();

    /**
     * Completes, with the position of the last batch, once the loop has opened a letter that was posted now: whoever supervises the
     * agent knows by it that the one thread is alive through which everything goes. A full disk does not hold it up.
     */
    CompletionStage<Position> pulse();

    /**
     * Keeps what lies after a position from being trimmed for a follower that has yet to carry it elsewhere, while the journal is
     * no larger than {@code limitBytes}; past that it goes all the same, and {@code host.history-dropped} says so. Holds last as
     * long as the agent runs, or until they are moved on or released.
     */
    void hold(String follower, Position after, long limitBytes);

    /** Lets go of what {@link #hold} kept. */
    void release(String follower);

    /** Walks the journal's chain; the first damage in words, or empty when all is well. */
    Optional<String> verifyJournal() throws IOException;

    /** Whose credentials a pull or push uses; kept in memory only, and forgotten when it ends. Give before submitting. */
    void lend(PullId pull, Credentials credentials);

    /** Gives up a push for which credentials were lent, because its client went away: it ends soon, and tags nothing. */
    void giveUp(PullId push);

    /** Hears how far a pull or push is, and pulls beside it, which may fetch the same; from any thread, must return soon. */
    AutoCloseable watch(PullId pull, Consumer<Progress> listener);

    /** Bytes that flow past the journal: streams, logs, counters, content. */
    Streams streams();

    /** The drivers' implementations, and how to change which of them serves. */
    Fleet fleet();

    /** Questions to registries. */
    Registries registries();

    /** What keeps record and knowledge in order. */
    Maintenance maintenance();

    /** The jobs that keep the host tidy, while the bundle that has them is there. */
    Optional<Jobs> jobs();

    /**
     * A house beside this one, in which nothing is in earnest.
     *
     * @param folder where its journal is kept while it stands; it may not be there yet
     * @param image the one image that it has
     */
    Stage stage(Path folder, Image image) throws IOException;

    /** What the next turn will do for one subject and why, in a few lines for people. */
    List<String> explain(SubjectId subject);

    /**
     * How the record is doing.
     *
     * @param broken why nothing is made durable any more, so that every change is refused until the agent is started again
     * @param checkpoint the last whole one that is known
     * @param carried by its name how far each follower has carried the record elsewhere that {@link #hold holds} it for that
     */
    record JournalFacts(
            Position origin,
            Position end,
            Position durable,
            Digest head,
            long sizeBytes,
            String syncMode,
            Optional<String> broken,
            Optional<Checkpoint> checkpoint,
            Map<String, Position> carried) {
        public JournalFacts {
            carried = Map.copyOf(carried);
        }

        /** A batch that tells everything, and when it was written. */
        public record Checkpoint(Position at, Instant written) {}
    }
}
