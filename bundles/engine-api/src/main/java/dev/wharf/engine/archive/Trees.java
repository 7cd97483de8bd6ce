package dev.wharf.engine.archive;

import dev.wharf.engine.http.Problem;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Extent;
import dev.wharf.oci.layer.Tree;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** Opens directories with whatever tree port serves now; it may come and go. */
public final class Trees implements Tree {
    private volatile Optional<Tree> serving = Optional.empty();

    public synchronized void set(Tree tree) {
        serving = Optional.of(tree);
    }

    /** Forgets {@code tree} unless another serves already. */
    public synchronized void clear(Tree tree) {
        serving = serving.filter(now -> now != tree);
    }

    /** The bytes of files in a directory; -1 where it cannot be walked. */
    public long sizeBytes(Path directory) {
        try (Dir dir = open(directory)) {
            return Extent.of(dir).sizeBytes();
        } catch (IOException | Problem e) {
            return -1;
        }
    }

    @Override
    public Dir open(Path directory) throws IOException {
        return serving.orElseThrow(() -> Problem.unavailable("the port to the host's file systems is not there now"))
                .open(directory);
    }
}
