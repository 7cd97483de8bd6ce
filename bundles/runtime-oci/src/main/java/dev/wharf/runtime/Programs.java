package dev.wharf.runtime;

import dev.wharf.model.Signal;
import dev.wharf.spi.kernel.Descriptors;
import dev.wharf.spi.kernel.Processes;
import dev.wharf.spi.kernel.Processes.Spawn;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/** Runs short programs to their end and hears what they say. */
final class Programs {
    private static final String DIRECTORIES = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /** What a program is told, and all of it: nothing of the agent's own environment leaks into a container's runtime. */
    static final Map<String, String> ENVIRONMENT = Map.of("PATH", DIRECTORIES, "LC_ALL", "C", "TZ", "UTC");

    /** A runtime in a rage may print without end; what it meant to say comes first. */
    private static final int OUTPUT_LIMIT = 64 * 1024;

    /** Touched by the descriptors' thread only, which hears all programs. */
    private static final ThreadLocal<ByteBuffer> HEARD =
            ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(8 * 1024));

    private final Processes processes;
    private final Descriptors descriptors;

    Programs(Processes processes, Descriptors descriptors) {
        this.processes = processes;
        this.descriptors = descriptors;
    }

    /** How a program ended: exit code, 128 and the signal's number for a killed one, and what it printed. */
    record Outcome(int code, String output) {
        /** What it said, or how it ended where it said nothing. */
        String words() {
            String said = output.strip();
            return said.isEmpty() ? "it ended with exit code " + code + " and gave no reason" : said;
        }
    }

    /**
     * Runs a program until its end. One that takes longer than {@code patience} is killed.
     *
     * @throws IOException if it cannot be started, took too long, or the caller was interrupted
     */
    Outcome run(Path program, List<String> arguments, Duration patience) throws IOException {
        Descriptors.Pair pipe = descriptors.pipe(false);
        Listening output = new Listening(pipe.near());
        CompletableFuture<Integer> code = new CompletableFuture<>();
        try {
            int pid;
            try {
                pid = processes.spawn(
                        new Spawn(
                                program,
                                program.getFileName().toString(),
                                arguments,
                                ENVIRONMENT,
                                Path.of("/"),
                                List.of(Spawn.NULL, pipe.far(), pipe.far()),
                                true),
                        code::complete);
            } finally {
                descriptors.close(pipe.far());
            }
            OptionalLong ticks = processes.startTicks(pid);
            try {
                int ended = await(
                        code,
                        patience,
                        program + " " + arguments.stream().findFirst().orElse(""));
                // Whoever it left behind may hold the pipe for ever; what the program itself wrote is in the pipe by
                // now.
                output.settle(Duration.ofMillis(200));
                return new Outcome(ended, output.text());
            } catch (IOException e) {
                if (ticks.isPresent()) {
                    processes.signal(pid, ticks.getAsLong(), Signal.KILL);
                }
                throw e;
            }
        } finally {
            output.close();
        }
    }

    static <T> T await(CompletableFuture<T> future, Duration patience, String what) throws IOException {
        try {
            return future.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new IOException(what.strip() + " did not answer within " + patience.toMillis() + " ms", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (IOException)
                    new InterruptedIOException("interrupted while waiting for " + what.strip()).initCause(e);
        } catch (ExecutionException e) {
            throw new IOException(e.getCause());
        }
    }

    /** Finds a program by its name in the usual directories. */
    static Optional<Path> find(String name) {
        return Stream.of(DIRECTORIES.split(":"))
                .map(directory -> Path.of(directory, name))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** Listens to a pipe until its end, on the descriptors' own thread. */
    Listening listen(int descriptor) throws IOException {
        return new Listening(descriptor);
    }

    /** Collects what comes out of a pipe, line by line and as a whole. Owns the descriptor. */
    final class Listening implements AutoCloseable {
        private final int descriptor;
        private final Descriptors.Readiness readiness;
        private final ByteArrayOutputStream heard = new ByteArrayOutputStream();
        private final CompletableFuture<String> first = new CompletableFuture<>();
        private final CompletableFuture<String> firstLine = new CompletableFuture<>();
        private final CompletableFuture<Boolean> end = new CompletableFuture<>();
        private boolean closed;

        private Listening(int descriptor) throws IOException {
            this.descriptor = descriptor;
            this.readiness = descriptors.watch(descriptor, (readable, writable) -> hear());
            readiness.want(true, false);
        }

        /** One read per readiness, so that a blocking pipe never blocks. */
        private synchronized void hear() {
            if (closed) {
                return;
            }
            ByteBuffer buffer = HEARD.get();
            try {
                buffer.clear();
                int count = descriptors.read(descriptor, buffer);
                if (count == Descriptors.WOULD_BLOCK) {
                    return;
                }
                if (count == Descriptors.END) {
                    finish();
                    return;
                }
                buffer.flip();
                collect(buffer);
                first.complete(text());
            } catch (IOException e) {
                finish();
            }
        }

        private void collect(ByteBuffer buffer) {
            synchronized (heard) {
                while (buffer.hasRemaining()) {
                    byte b = buffer.get();
                    if (heard.size() < OUTPUT_LIMIT) {
                        heard.write(b);
                    }
                    if (b == '\n' && !firstLine.isDone()) {
                        firstLine.complete(heard.toString(StandardCharsets.UTF_8));
                    }
                }
            }
        }

        private void finish() {
            try {
                readiness.want(false, false);
            } catch (IOException e) {
                // It hears nothing any more in any case.
            }
            first.complete(text());
            firstLine.complete(text());
            end.complete(true);
        }

        /** What came in one piece before anything else; nothing where the end came at once. */
        CompletableFuture<String> first() {
            return first;
        }

        /** The first line with its newline; what there was of one where the end came before. */
        CompletableFuture<String> firstLine() {
            return firstLine;
        }

        void settle(Duration patience) {
            try {
                end.get(patience.toMillis(), TimeUnit.MILLISECONDS);
            } catch (TimeoutException | ExecutionException e) {
                // What was heard so far will do.
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        String text() {
            synchronized (heard) {
                return heard.toString(StandardCharsets.UTF_8);
            }
        }

        /** Afterwards no call that was already on its way reads a descriptor that is somebody else's by then. */
        @Override
        public synchronized void close() {
            closed = true;
            readiness.close();
            descriptors.close(descriptor);
        }
    }
}
