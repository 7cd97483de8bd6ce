package dev.wharf.engine;

import dev.wharf.engine.http.Endpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The sockets that whoever started this process listens on and passes (sd_listen_fds(3)): {@code LISTEN_FDS} of them, from the
 * first descriptor after the standard ones on, for the process {@code LISTEN_PID}. What each of them is, the kernel says.
 */
final class Passed {
    private static final int FIRST = 3;

    /** As /proc/net/unix marks a socket that accepts, and one of streams. */
    private static final String LISTENS = "00010000";

    private static final String STREAM = "0001";

    private final Map<String, String> environment;
    private final Path proc;

    Passed(Map<String, String> environment, Path proc) {
        this.environment = environment;
        this.proc = proc;
    }

    /** All of them; an IllegalArgumentException says why there are none, or which cannot be used. */
    List<Endpoint> sockets() throws IOException {
        int count = count();
        List<Endpoint> sockets = new ArrayList<>();
        for (int descriptor = FIRST; descriptor < FIRST + count; descriptor++) {
            sockets.add(socket(descriptor));
        }
        return sockets;
    }

    private int count() throws IOException {
        String self = proc.resolve("self").toRealPath().getFileName().toString();
        String count = environment.getOrDefault("LISTEN_FDS", "");
        if (!environment.getOrDefault("LISTEN_PID", "").equals(self) || !count.matches("[1-9][0-9]{0,3}")) {
            throw new IllegalArgumentException(
                    "cannot listen on fd://: no sockets were passed; start by a socket unit of systemd, or name a socket");
        }
        return Integer.parseInt(count);
    }

    private Endpoint socket(int descriptor) throws IOException {
        String what =
                Files.readSymbolicLink(proc.resolve("self/fd/" + descriptor)).toString();
        String inode = what.startsWith("socket:[") ? what.substring(8, what.length() - 1) : what;
        try (Stream<String> lines = Files.lines(proc.resolve("net/unix"))) {
            return lines.map(line -> line.strip().split("\\s+", 8))
                    .filter(words -> words.length == 8
                            && words[6].equals(inode)
                            && words[3].equals(LISTENS)
                            && words[4].equals(STREAM))
                    .findFirst()
                    .map(words -> new Endpoint.Passed(descriptor, words[7]))
                    .orElseThrow(() -> new IllegalArgumentException("cannot listen on fd://: descriptor " + descriptor
                            + " is no listening unix socket; name ports with --host tcp://"));
        }
    }
}
