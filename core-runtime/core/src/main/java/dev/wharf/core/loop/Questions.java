package dev.wharf.core.loop;

import dev.wharf.core.plan.Drivers.Answer;
import dev.wharf.core.plan.Gate;
import dev.wharf.model.ContainerId;
import dev.wharf.model.DriverName;
import dev.wharf.model.ExecId;
import dev.wharf.model.ExecSpec;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.runtime.Attachment;
import dev.wharf.spi.runtime.OciRuntime;
import dev.wharf.spi.runtime.StreamSink;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Commands that the house itself runs inside containers, to ask them something. */
final class Questions {
    /** As much of an answer as Docker keeps. */
    private static final int LIMIT_BYTES = 4096;

    /** How long the rest of the output is waited for when the command itself has ended. */
    private static final long REST_MILLIS = 500;

    private final Map<ExecId, Open> open = new ConcurrentHashMap<>();

    private record Open(ContainerId container, CompletableFuture<Integer> code) {}

    /** Asks and waits; the thread is the caller's. */
    Answer ask(
            Gate<OciRuntime> gate,
            ContainerId container,
            DriverName runtime,
            ExecId exec,
            ExecSpec spec,
            Duration patience)
            throws DriverException {
        Open question = new Open(container, new CompletableFuture<>());
        open.put(exec, question);
        Heard heard = new Heard();
        Optional<Attachment> attachment = Optional.empty();
        try {
            attachment = gate.use(runtime, r -> {
                Optional<OciRuntime.Streaming> streams = r.capability(OciRuntime.Streaming.class);
                Optional<Attachment> joined = streams.isPresent()
                        ? Optional.of(streams.get().attach(container, Optional.of(exec), heard))
                        : Optional.empty();
                r.capability(OciRuntime.Executing.class)
                        .orElseThrow(() -> DriverException.failure(
                                Failure.Kind.UNSUPPORTED, "runtime " + runtime + " cannot exec"))
                        .exec(container, exec, spec);
                return joined;
            });
            int code = question.code().get(patience.toMillis(), TimeUnit.MILLISECONDS);
            if (attachment.isPresent()) {
                heard.rest();
            }
            return new Answer(code, heard.text());
        } catch (TimeoutException e) {
            gate.use(runtime, r -> {
                Optional<OciRuntime.Executing> executing = r.capability(OciRuntime.Executing.class);
                if (executing.isPresent()) {
                    executing.get().kill(container, exec);
                }
                return exec;
            });
            return new Answer(-1, "Health check exceeded timeout (" + words(patience) + ")" + heard.after(": "));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw DriverException.failure(Failure.Kind.UNAVAILABLE, "interrupted while waiting for an answer");
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        } finally {
            open.remove(exec);
            attachment.ifPresent(Attachment::close);
        }
    }

    /** A command ended; false where it is not one of ours. */
    boolean ended(ExecId exec, int code) {
        Open question = open.get(exec);
        return question != null && question.code().complete(code);
    }

    /** A container ended, and with it whatever ran inside. */
    void over(ContainerId container) {
        open.values().stream()
                .filter(q -> q.container().equals(container))
                .forEach(q -> q.code().complete(137));
    }

    /** As Go writes durations: {@code 30s}, {@code 1m30s}, {@code 500ms}. */
    private static String words(Duration patience) {
        if (patience.toSeconds() == 0) {
            return patience.toMillis() + "ms";
        }
        String seconds = patience.toSecondsPart() + (patience.toMillisPart() == 0 ? "" : "." + patience.toMillisPart());
        return (patience.toHours() > 0 ? patience.toHours() + "h" : "")
                + (patience.toMinutes() > 0 ? patience.toMinutesPart() + "m" : "")
                + seconds
                + "s";
    }

    /** Keeps the beginning of what is written, and lets the rest go by. */
    private static final class Heard implements StreamSink {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private final CompletableFuture<Boolean> closed = new CompletableFuture<>();
        private boolean more;

        @Override
        public synchronized void bytes(StandardStream stream, ByteBuffer written) {
            int room = LIMIT_BYTES - bytes.size();
            more |= written.remaining() > room;
            byte[] copy = new byte[Math.min(room, written.remaining())];
            written.get(copy);
            bytes.writeBytes(copy);
        }

        @Override
        public void writable() {}

        @Override
        public void closed() {
            closed.complete(true);
        }

        private void rest() throws InterruptedException, ExecutionException {
            try {
                closed.get(REST_MILLIS, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                // Something that the command left behind holds its output open; that is no part of the answer.
                return;
            }
        }

        private synchronized String text() {
            return bytes.toString(StandardCharsets.UTF_8) + (more ? "..." : "");
        }

        private String after(String joint) {
            String text = text();
            return text.isEmpty() ? "" : joint + text;
        }
    }
}
