package dev.wharf.registry.archive;

import dev.wharf.model.DriverName;
import dev.wharf.model.Repository;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * Serves the archives in a folder under the names that are written in them; an image that has none there is called after its
 * file. An archive that appears is served from the next question on. Nothing is unpacked to disk: a blob is read where it
 * lies, which in a packed archive means from its beginning on.
 */
public class ArchiveBackend implements RegistryBackend, AutoCloseable {
    /** The name an operator writes. */
    public static final DriverName NAME = new DriverName("archive");

    /** Whoever asks who serves a repository is not kept waiting for longer by an archive that is large and packed. */
    private static final Duration BRIEF = Duration.ofSeconds(20);

    private final ArchiveFolder archives;

    public ArchiveBackend(Path root) {
        archives = new ArchiveFolder(root);
    }

    /** Serves another folder from now on. */
    public final void serve(Path root) {
        archives.move(root);
    }

    /** The folder that is served. */
    public final Path root() {
        return archives.root();
    }

    @Override
    public DriverName name() {
        return NAME;
    }

    @Override
    public List<Format> formats() {
        return List.of(new Format("image-archive", 1));
    }

    @Override
    public Readiness probe() {
        Path root = archives.root();
        return Files.exists(root) && !Files.isDirectory(root)
                ? Readiness.no(root + " is not a directory")
                : Readiness.yes();
    }

    @Override
    public boolean serves(Repository repository) {
        try {
            return archives.all(BRIEF).stream().anyMatch(a -> a.has(repository));
        } catch (DriverException e) {
            return false;
        }
    }

    @Override
    public Remote open(Repository repository, Credentials credentials) throws DriverException {
        return new ArchiveRemote(repository, archives);
    }

    /** Ends what is being read. */
    @Override
    public void close() {
        archives.close();
    }
}
