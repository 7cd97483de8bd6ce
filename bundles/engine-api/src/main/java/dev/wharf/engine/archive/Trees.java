package dev.wharf.engine.archive;

import dev.wharf.engine.http.Problem;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Tree;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/** Opens directories with whatever tree port serves now; it may come and go. */
public final class Trees implements Tree {
    private final AtomicReference<Optional<Tree>> serving = new AtomicReference<>(Optional.empty());

    public void set(Tree tree) {
        serving.set(Optional.of(tree));
    }

    /** Forgets {@code tree} unless another serves already. */
    public void clear(Tree tree) {
        serving.updateAndGet(now -> now.filter(t -> t != tree));
    }

    @Override
    public Dir open(Path directory) throws IOException {
        return serving.get()
                .orElseThrow(() -> Problem.unavailable("the port to the host's file systems is not there now"))
                .open(directory);
    }
}
