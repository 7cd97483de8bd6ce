package dev.wharf.launch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The daemon's process id in a file, for scripts. Held by a claim, so that no other daemon writes its own over it. */
final class PidFile implements AutoCloseable {
    private final Path file;
    private final Claim claim;

    private PidFile(Path file, Claim claim) {
        this.file = file;
        this.claim = claim;
    }

    static PidFile write(Path file) throws CannotStart {
        try {
            Path folder = file.getParent();
            if (folder != null) Files.createDirectories(folder);
            return new PidFile(file, Claim.take(file, file, "--pidfile"));
        } catch (IOException e) {
            throw new CannotStart("cannot write --pidfile " + file + ": " + Reason.of(e), e);
        }
    }

    /** Leaves the file of an agent that was started meanwhile, where somebody had taken ours away. */
    @Override
    public void close() {
        try (claim) {
            if (Files.readString(file).equals(Claim.content())) {
                Files.delete(file);
            }
        } catch (IOException e) {
            // A stale pid file confuses nobody for long: the next start writes its own over it.
        }
    }
}
