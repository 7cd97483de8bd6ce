package dev.wharf.itests.conformance;

import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The docker command line, as a test likes to write it. */
final class Docker {
    /**
     * Says how large a terminal is. crun sets the size of an exec's terminal while the program begins already, so it may have
     * none at first.
     */
    static final String TERMINAL_SIZE =
            "for i in $(seq 100); do stty size 2>/dev/null | grep . && break; sleep 0.05; done";

    private final Daemon daemon;

    Docker(Daemon daemon) {
        this.daemon = daemon;
    }

    /** Runs {@code docker ARGUMENTS}, whatever its end. */
    Outcome tried(String... arguments) throws IOException, InterruptedException {
        return daemon.docker(arguments);
    }

    /** Runs {@code docker ARGUMENTS}, which must succeed, and answers what it printed without the last line break. */
    String docker(String... arguments) throws IOException, InterruptedException {
        return tried(arguments).outOrThrow().stripTrailing();
    }

    /** Runs {@code docker run --rm OPTIONS busybox sh -c SCRIPT}; options are separated by spaces. */
    String sh(String options, String script) throws IOException, InterruptedException {
        return docker(run(options, script));
    }

    /** The same, whatever its end. */
    Outcome tryingSh(String options, String script) throws IOException, InterruptedException {
        return tried(run(options, script));
    }

    private static String[] run(String options, String script) {
        List<String> all = new ArrayList<>(List.of("run", "--rm"));
        if (!options.isEmpty()) all.addAll(Arrays.asList(options.split(" ")));
        all.addAll(List.of("busybox", "sh", "-c", script));
        return all.toArray(String[]::new);
    }

    /** Runs {@code docker run -d OPTIONS busybox sh -c SCRIPT} and answers the container's id. */
    String background(String options, String script) throws IOException, InterruptedException {
        List<String> all = new ArrayList<>(List.of("run", "-d"));
        if (!options.isEmpty()) all.addAll(Arrays.asList(options.split(" ")));
        all.addAll(List.of("busybox", "sh", "-c", script));
        return docker(all.toArray(String[]::new));
    }

    String inspect(String name, String format) throws IOException, InterruptedException {
        return docker("inspect", "--format", format, name);
    }

    /** Waits until {@code docker logs} shows {@code words}. */
    void awaitLog(String container, String words) throws IOException, InterruptedException {
        String log = "";
        for (int i = 0; i < 600; i++) {
            Outcome logs = tried("logs", container);
            log = logs.out() + logs.err();
            if (log.contains(words)) return;
            Thread.sleep(50);
        }
        throw new IOException("the log of " + container + " never showed \"" + words + "\" but: " + log);
    }

    Daemon daemon() {
        return daemon;
    }
}
