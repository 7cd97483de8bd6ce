package dev.wharf.cli;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * What a process is given.
 *
 * @param isTerminal whether a person looks at the output
 * @param isTyped whether a person types the input
 */
record Surroundings(
        InputStream in,
        OutputStream out,
        OutputStream err,
        Map<String, String> environment,
        boolean isTerminal,
        boolean isTyped) {

    static Surroundings ofThisProcess() {
        return new Surroundings(
                new FileInputStream(FileDescriptor.in),
                new FileOutputStream(FileDescriptor.out),
                new FileOutputStream(FileDescriptor.err),
                System.getenv(),
                isTerminal(1),
                isTerminal(0));
    }

    /** The kernel tells what a descriptor stands for; the JDK's console speaks for two at once, and since 22 otherwise. */
    private static boolean isTerminal(int descriptor) {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor))
                    .toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException e) {
            return false;
        }
    }

    /** The same with the output elsewhere. */
    Surroundings into(OutputStream other) {
        return new Surroundings(in, other, err, environment, false, isTyped);
    }

    /** Colours are for people who did not say no (no-color.org). */
    boolean isColourful() {
        return isTerminal
                && environment.getOrDefault("NO_COLOR", "").isEmpty()
                && !environment.getOrDefault("TERM", "").equals("dumb");
    }
}
