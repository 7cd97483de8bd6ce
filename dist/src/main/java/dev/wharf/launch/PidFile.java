package dev.wharf.launch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The daemon's process id in a file, for scripts; the claims on the roots are what keeps a second daemon away. */
final class PidFile implements AutoCloseable {
    private final Path file;

    private PidFile(Path file) {
        this.file = file;
    }

    static PidFile write(Path file) throws CannotStart {
        try {
            Path folder = file.getParent();
            if (folder != null) Files.createDirectories(folder);
            Files.writeString(file, content());
            return new PidFile(file);
        } catch (IOException e) {
            throw new CannotStart("cannot write --pidfile " + file + ": " + Reason.of(e), e);
        }
    }

    private static String content() {
        return ProcessHandle.current().pid() + "\n";
    }

    /** Leaves the file of an agent that was started meanwhile. */
    @Override
    public void close() {
        try {
            if (Files.readString(file).equals(content())) {
                Files.delete(file);
            }
        } catch (IOException e) {
            // A stale pid file confuses nobody for long: the next start writes its own over it.
        }
    }
}
