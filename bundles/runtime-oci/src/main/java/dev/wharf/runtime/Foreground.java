package dev.wharf.runtime;

import dev.wharf.model.ContainerId;
import dev.wharf.model.Signal;
import dev.wharf.spi.kernel.Descriptors;
import dev.wharf.spi.kernel.Processes;
import dev.wharf.spi.kernel.Processes.Spawn;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs execs without a monitor: the runtime stays in the foreground as long as the process lives and ends as it ended
 * (crun(1)), and the agent holds the pipes itself. That spares a third of a short exec. Only for those whose client is there
 * already and who have no terminal: when the agent goes, so do its clients, and with them the pipes.
 */
final class Foreground {
    private static final Logger LOG = LoggerFactory.getLogger(Foreground.class);

    private static final String PID = "/proc/self/fd/3";
    private static final String PROCESS = "/proc/self/fd/4";

    private final Processes processes;
    private final Descriptors descriptors;
    private final Programs programs;
    private final SealedPrograms sealed;
    private final Duration patience;

    /** Execs that must be running within {@code patience}. */
    Foreground(
            Processes processes, Descriptors descriptors, Programs programs, SealedPrograms sealed, Duration patience) {
        this.processes = processes;
        this.descriptors = descriptors;
        this.programs = programs;
        this.sealed = sealed;
        this.patience = patience;
    }

    /**
     * A process and the runtime that waits for it.
     *
     * @param code the exit code, once it has ended
     * @param pipes makes the wire to its streams, once
     */
    record Started(Monitors.Started who, CompletableFuture<Integer> code, Wire.Connector pipes) {}

    /** Starts the runtime for an exec with {@code stdin} or with none; what to run it is told later. */
    Ready prepare(ContainerId container, RuntimeBinary runtime, boolean stdin) throws IOException {
        List<Integer> ours = new ArrayList<>();
        List<Integer> lent = new ArrayList<>();
        CompletableFuture<Integer> code = new CompletableFuture<>();
        Programs.Listening pid = null;
        try {
            Descriptors.Pair out = pipe(ours, lent);
            Descriptors.Pair err = pipe(ours, lent);
            Optional<Descriptors.Pair> in = stdin ? Optional.of(pipeInto(ours, lent)) : Optional.empty();
            Descriptors.Pair what = pipeInto(ours, lent);
            Descriptors.Pair answer = descriptors.pipe(false);
            lent.add(answer.far());
            pid = programs.listen(answer.near());
            int runtimePid = processes.spawn(
                    new Spawn(
                            sealed.of(runtime.path()),
                            runtime.name(),
                            arguments(container, runtime),
                            Programs.ENVIRONMENT,
                            Path.of("/"),
                            List.of(
                                    in.map(Descriptors.Pair::near).orElse(Spawn.NULL),
                                    out.far(),
                                    err.far(),
                                    answer.far(),
                                    what.near()),
                            true),
                    code::complete);
            return new Ready(
                    runtime,
                    runtimePid,
                    processes.startTicks(runtimePid).orElse(0),
                    code,
                    ours,
                    new Ends(what.far(), in.map(Descriptors.Pair::far), out.near(), err.near()),
                    pid);
        } catch (IOException e) {
            ours.forEach(descriptors::close);
            if (pid != null) {
                pid.close();
            }
            throw e;
        } finally {
            lent.forEach(descriptors::close);
        }
    }

    private Descriptors.Pair pipe(List<Integer> ours, List<Integer> lent) throws IOException {
        Descriptors.Pair pair = descriptors.pipe(false);
        ours.add(pair.near());
        lent.add(pair.far());
        return pair;
    }

    private Descriptors.Pair pipeInto(List<Integer> ours, List<Integer> lent) throws IOException {
        Descriptors.Pair pair = descriptors.pipe(false);
        lent.add(pair.near());
        ours.add(pair.far());
        return pair;
    }

    private static int number(String text) {
        try {
            return Integer.parseInt(text.strip());
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private static List<String> arguments(ContainerId container, RuntimeBinary runtime) {
        List<String> arguments = new ArrayList<>(runtime.globalArguments());
        arguments.addAll(List.of("exec", "--pid-file", PID, "--process", PROCESS, container.value()));
        return arguments;
    }

    /** Our ends of the pipes to a runtime: what it is to run, and the streams of the process. */
    private record Ends(int what, Optional<Integer> in, int out, int err) {}

    /**
     * A runtime that waits for its process.json at a pipe. By then it has done nearly half of what it does. It ends by itself
     * when nobody is left who could write, and with {@link #close}.
     */
    final class Ready implements AutoCloseable {
        private final RuntimeBinary runtime;
        private final int pid;
        private final long ticks;
        private final CompletableFuture<Integer> code;
        private final List<Integer> ours;
        private final Ends ends;
        private final Programs.Listening answer;

        private Ready(
                RuntimeBinary runtime,
                int pid,
                long ticks,
                CompletableFuture<Integer> code,
                List<Integer> ours,
                Ends ends,
                Programs.Listening answer) {
            this.runtime = runtime;
            this.pid = pid;
            this.ticks = ticks;
            this.code = code;
            this.ours = ours;
            this.ends = ends;
            this.answer = answer;
        }

        boolean isWaiting() {
            return !code.isDone();
        }

        /** Has it run this process.json, once, and waits until the process is there. */
        Started go(byte[] process) throws IOException, Monitors.Refused {
            tell(process);
            int found = number(Programs.await(answer.first(), patience, runtime.name()));
            if (found <= 0) {
                throw refused();
            }
            ours.clear();
            return new Started(
                    new Monitors.Started(found, processes.startTicks(found).orElse(0), pid, ticks),
                    code,
                    ready -> new PipeWire(descriptors, ends.in(), ends.out(), ends.err(), ready));
        }

        private void tell(byte[] process) {
            try {
                ByteBuffer bytes = ByteBuffer.wrap(process);
                while (bytes.hasRemaining()) {
                    descriptors.write(ends.what(), bytes);
                }
            } catch (IOException e) {
                // It ended before it read all: why, it says on the standard error.
                LOG.debug("a runtime did not read what to run pid={}", pid, e);
            }
            ours.remove(Integer.valueOf(ends.what()));
            descriptors.close(ends.what());
        }

        /** The runtime says on the process's standard error why there is none. */
        private Monitors.Refused refused() throws IOException {
            ours.remove(Integer.valueOf(ends.err()));
            try (Programs.Listening complaint = programs.listen(ends.err())) {
                complaint.settle(Duration.ofMillis(200));
                String words = complaint.text().strip();
                return words.isEmpty() ? Monitors.Refused.silent(runtime) : new Monitors.Refused(words);
            }
        }

        /** Ends a runtime that has not {@linkplain #go gone}; of one that has, nothing is left to do. */
        @Override
        public void close() {
            answer.close();
            if (ours.isEmpty()) {
                return;
            }
            try {
                if (ticks > 0) {
                    processes.signal(pid, ticks, Signal.KILL);
                }
            } catch (IOException e) {
                LOG.warn("a runtime that waits is not killed; without pipes it ends by itself pid={}", pid, e);
            }
            ours.forEach(descriptors::close);
            ours.clear();
        }
    }
}
