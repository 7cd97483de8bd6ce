package dev.wharf.runtime;

import dev.wharf.model.ContainerId;
import dev.wharf.model.Signal;
import dev.wharf.spi.kernel.Descriptors;
import dev.wharf.spi.kernel.Processes;
import dev.wharf.spi.kernel.Processes.Spawn;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Runs execs without a monitor: the runtime stays in the foreground as long as the process lives and ends as it ended
 * (crun(1)), and the agent holds the pipes itself. That spares a third of a short exec. Only for those whose client is there
 * already and who have no terminal: when the agent goes, so do its clients, and with them the pipes.
 */
final class Foreground {
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

    /** Starts an exec of this process.json and waits until its process is there, with {@code stdin} or with none. */
    Started start(ContainerId container, RuntimeBinary runtime, byte[] process, boolean stdin)
            throws IOException, Monitors.Refused {
        List<Integer> ours = new ArrayList<>();
        List<Integer> lent = new ArrayList<>();
        Descriptors.Pair out = pipe(ours, lent);
        Descriptors.Pair err = pipe(ours, lent);
        Optional<Descriptors.Pair> in = Optional.empty();
        CompletableFuture<Integer> code = new CompletableFuture<>();
        Programs.Listening pid = null;
        try {
            if (stdin) {
                Descriptors.Pair pair = descriptors.pipe(false);
                lent.add(pair.near());
                ours.add(pair.far());
                in = Optional.of(pair);
            }
            Descriptors.Pair answer = descriptors.pipe(false);
            lent.add(answer.far());
            pid = programs.listen(answer.near());
            int what = descriptors.memory("process.json", process);
            lent.add(what);
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
                                    what),
                            true),
                    code::complete);
            long runtimeTicks = processes.startTicks(runtimePid).orElse(0);
            lent.forEach(descriptors::close);
            lent.clear();
            int found = number(await(pid, runtime, runtimePid, runtimeTicks));
            if (found <= 0) {
                throw refused(runtime, err.near(), ours);
            }
            Optional<Integer> input = in.map(Descriptors.Pair::far);
            return new Started(
                    new Monitors.Started(found, processes.startTicks(found).orElse(0), runtimePid, runtimeTicks),
                    code,
                    ready -> new PipeWire(descriptors, input, out.near(), err.near(), ready));
        } catch (IOException | Monitors.Refused e) {
            ours.forEach(descriptors::close);
            throw e;
        } finally {
            lent.forEach(descriptors::close);
            if (pid != null) {
                pid.close();
            }
        }
    }

    private Descriptors.Pair pipe(List<Integer> ours, List<Integer> lent) throws IOException {
        Descriptors.Pair pair = descriptors.pipe(false);
        ours.add(pair.near());
        lent.add(pair.far());
        return pair;
    }

    /** What the runtime wrote instead of a file with the pid; nothing where it ended before. */
    private String await(Programs.Listening pid, RuntimeBinary runtime, int runtimePid, long runtimeTicks)
            throws IOException {
        try {
            return Programs.await(pid.first(), patience, runtime.name());
        } catch (IOException e) {
            if (runtimeTicks > 0) {
                processes.signal(runtimePid, runtimeTicks, Signal.KILL);
            }
            throw e;
        }
    }

    private static int number(String text) {
        try {
            return Integer.parseInt(text.strip());
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    /** The runtime says on the process's standard error why there is none. */
    private Monitors.Refused refused(RuntimeBinary runtime, int stderr, List<Integer> ours) throws IOException {
        ours.remove(Integer.valueOf(stderr));
        try (Programs.Listening complaint = programs.listen(stderr)) {
            complaint.settle(Duration.ofMillis(200));
            String words = complaint.text().strip();
            return words.isEmpty() ? Monitors.Refused.silent(runtime) : new Monitors.Refused(words);
        }
    }

    private static List<String> arguments(ContainerId container, RuntimeBinary runtime) {
        List<String> arguments = new ArrayList<>(runtime.globalArguments());
        arguments.addAll(List.of("exec", "--pid-file", PID, "--process", PROCESS, container.value()));
        return arguments;
    }
}
