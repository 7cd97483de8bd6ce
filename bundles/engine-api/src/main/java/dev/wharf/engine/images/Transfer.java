package dev.wharf.engine.images;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Outlet;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.json.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;

/**
 * The answer of a pull or push: nothing until there is something to tell, so that what fails at once is a plain error, and a
 * stream of records from then on. Records that a slow client has no room for are left out where a later one says more.
 */
final class Transfer {
    private final CompletableFuture<Answer> answer = new CompletableFuture<>();
    private final List<byte[]> early = new ArrayList<>();
    private Optional<Outlet> outlet = Optional.empty();
    /** What to do when the client goes away before the end; something else for each of several pulls. */
    private Optional<Runnable> gone = Optional.empty();

    private boolean begun;
    private boolean over;
    private boolean left;

    /** The answer to a client that may go away before it was told anything, of which {@code departure} tells. */
    Transfer(Consumer<Runnable> departure) {
        departure.accept(this::left);
    }

    CompletionStage<Answer> answer() {
        return answer;
    }

    /** A record that must arrive. */
    void tell(ObjectNode record) {
        send(Json.record(record), true);
    }

    /** A record that the next of its kind makes worthless. */
    void mention(ObjectNode record) {
        send(Json.record(record), false);
    }

    private synchronized void send(byte[] bytes, boolean must) {
        if (over) {
            return;
        }
        begin();
        if (outlet.isEmpty()) {
            if (must) {
                early.add(bytes);
            }
        } else if (must || writable) {
            writable = outlet.get().send(bytes);
            if (!writable) {
                outlet.get().onWritable(this::roomAgain);
            }
        }
    }

    private boolean writable = true;

    private synchronized void roomAgain() {
        writable = true;
    }

    private void begin() {
        if (!begun) {
            begun = true;
            answer.complete(Answer.flow(Answer.JSON, this::opened));
        }
    }

    /** Runs {@code cancel} when the client goes away before the end, and at once where it went already. */
    void onGone(Runnable cancel) {
        synchronized (this) {
            if (!left) {
                gone = Optional.of(cancel);
                return;
            }
        }
        cancel.run();
    }

    /** Whether the client went away, so that nothing more need be begun for it. */
    synchronized boolean isLeft() {
        return left;
    }

    private void left() {
        Optional<Runnable> cancel;
        synchronized (this) {
            left = true;
            cancel = over ? Optional.empty() : gone;
            gone = Optional.empty();
        }
        cancel.ifPresent(Runnable::run);
    }

    private synchronized void opened(Outlet to) {
        outlet = Optional.of(to);
        early.forEach(to::send);
        early.clear();
        if (over) {
            to.end();
        }
    }

    synchronized void end() {
        begin();
        over = true;
        outlet.ifPresent(Outlet::end);
    }

    /** Ends with an error: as an answer of its own while nothing was sent, and in the stream afterwards. */
    synchronized void fail(Problem problem) {
        if (!begun) {
            begun = true;
            over = true;
            answer.complete(Answer.error(problem.status(), problem.message()));
            return;
        }
        ObjectNode record = Json.object();
        record.putObject("errorDetail").put("message", problem.message());
        tell(record.put("error", problem.message()));
        end();
    }
}
