package dev.wharf.linux.kernel;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Finds who keeps a mount busy, for a message that helps. Looks at every process, so only after a failure. */
final class Occupants {
    private Occupants() {}

    /** The pid of a process whose root, working directory, program or open file lies under {@code mountPoint}. */
    static Optional<String> find(Path mountPoint) {
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                if (uses(process, mountPoint)) {
                    return Optional.of(process.getFileName().toString());
                }
            }
        } catch (IOException e) {
            // A guess that fails says nothing.
        }
        return Optional.empty();
    }

    private static boolean uses(Path process, Path mountPoint) {
        for (String link : List.of("cwd", "root", "exe")) {
            if (leadsUnder(process.resolve(link), mountPoint)) {
                return true;
            }
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path file : files) {
                if (leadsUnder(file, mountPoint)) {
                    return true;
                }
            }
        } catch (IOException e) {
            // It ended meanwhile.
        }
        return false;
    }

    private static boolean leadsUnder(Path link, Path mountPoint) {
        try {
            return Files.readSymbolicLink(link).startsWith(mountPoint);
        } catch (IOException e) {
            return false;
        }
    }
}
