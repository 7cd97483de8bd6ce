package dev.wharf.engine.build;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.build.run.Report;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Outlet;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.json.Json;
import dev.wharf.model.ImageId;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;

/**
 * The answer of a build: nothing until there is something to say, so that what fails at once is a plain error, and a stream of
 * records from then on. Whoever writes waits where the client is slow.
 */
class BuildAnswer implements Report {
    /** For so long nobody notices that a record waits for the next. */
    private static final Duration SOON = Duration.ofMillis(15);

    private static final int MOST_HELD = 16 << 10;

    /** As much of what is not told is kept in case that the build fails: the last of it. */
    private static final int MOST_KEPT = 1 << 20;

    private final CompletableFuture<Answer> answer = new CompletableFuture<>();
    private final CompletableFuture<OutputStream> out = new CompletableFuture<>();
    private final ByteArrayOutputStream held = new ByteArrayOutputStream();
    private final Later later;
    private final boolean quiet;
    private final ArrayDeque<byte[]> kept = new ArrayDeque<>();
    private int keptBytes;
    private long sentAt = System.nanoTime();
    private boolean waiting;
    private boolean begun;
    private boolean broken;
    private boolean ended;
    private Optional<Answer> refusal = Optional.empty();

    /** What sends is done later by somebody who may block. */
    interface Later {
        void run(Duration delay, Runnable task);
    }

    /** @param quiet whether nothing is told but the image, unless the build fails */
    BuildAnswer(boolean quiet, Later later) {
        this.quiet = quiet;
        this.later = later;
    }

    CompletionStage<Answer> answer() {
        return answer;
    }

    @Override
    public void stream(String text) {
        tellOrKeep(Json.object().put("stream", text));
    }

    @Override
    public void status(String status, String id) {
        ObjectNode record = Json.object().put("status", status);
        tellOrKeep(id.isEmpty() ? record : record.put("id", id));
    }

    private synchronized void tellOrKeep(ObjectNode record) {
        if (!quiet) {
            tell(record);
            return;
        }
        byte[] bytes = Json.record(record);
        kept.add(bytes);
        keptBytes += bytes.length;
        while (keptBytes > MOST_KEPT) {
            keptBytes -= kept.remove().length;
        }
    }

    @Override
    public void image(ImageId id) {
        if (quiet) {
            tell(Json.object().put("stream", id.value() + "\n"));
            return;
        }
        ObjectNode record = Json.object();
        record.putObject("aux").put("ID", id.value());
        tell(record);
    }

    final synchronized void tell(ObjectNode record) {
        if (broken) {
            return;
        }
        held.writeBytes(Json.record(record));
        if (held.size() >= MOST_HELD || System.nanoTime() - sentAt >= SOON.toNanos()) {
            send();
        } else if (!waiting) {
            waiting = true;
            later.run(SOON, this::sendHeld);
        }
    }

    private synchronized void sendHeld() {
        waiting = false;
        if (!ended) {
            send();
        }
    }

    /** Steps that the cache has come faster than anybody reads, so they are sent together. */
    private void send() {
        if (broken || held.size() == 0) {
            return;
        }
        begin();
        byte[] records = held.toByteArray();
        held.reset();
        sentAt = System.nanoTime();
        try {
            OutputStream stream = out.join();
            stream.write(records);
            stream.flush();
        } catch (IOException | CompletionException e) {
            // The client is gone; the build hears of that by itself.
            broken = true;
        }
    }

    private void begin() {
        if (!begun) {
            begun = true;
            answer.complete(Answer.flow(Answer.JSON, this::opened));
        }
    }

    private void opened(Outlet outlet) {
        outlet.onGone(() -> out.completeExceptionally(new IOException("the client went away")));
        out.complete(outlet.blocking());
    }

    /** Nothing more comes; what failed before there was anything to say is an answer of its own. */
    synchronized void end() {
        if (ended) {
            return;
        }
        send();
        ended = true;
        if (!begun && refusal.isPresent()) {
            begun = true;
            answer.complete(refusal.get());
            return;
        }
        begin();
        try {
            out.join().close();
        } catch (IOException | CompletionException e) {
            broken = true;
        }
    }

    /** Says that it failed; {@link #end} sends that. */
    synchronized void fail(Problem problem, Optional<Integer> code) {
        kept.forEach(held::writeBytes);
        kept.clear();
        if (!begun && held.size() == 0) {
            broken = true;
            refusal = Optional.of(Answer.error(problem.status(), problem.message()));
            return;
        }
        ObjectNode record = Json.object();
        ObjectNode detail = record.putObject("errorDetail");
        code.ifPresent(c -> detail.put("code", c));
        detail.put("message", problem.message());
        tell(record.put("error", problem.message()));
    }
}
