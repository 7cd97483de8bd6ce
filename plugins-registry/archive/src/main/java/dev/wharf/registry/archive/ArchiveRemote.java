package dev.wharf.registry.archive;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.registry.Content;
import dev.wharf.spi.registry.RegistryBackend;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import java.util.zip.ZipException;

/** One repository, spread over as many archives as have images of it; of two that say the same the newer one counts. */
final class ArchiveRemote implements RegistryBackend.Remote {
    /** A pull has time; archives of many gigabytes that are packed take a minute. */
    private static final Duration PATIENCE = Duration.ofHours(1);

    /** How often an archive may be replaced between a look at it and its opening. */
    private static final int LOOKS = 5;

    private final Repository repository;
    private final ArchiveFolder archives;

    ArchiveRemote(Repository repository, ArchiveFolder archives) {
        this.repository = repository;
        this.archives = archives;
    }

    private List<Archive> mine() throws DriverException {
        return archives.all(PATIENCE).stream().filter(a -> a.has(repository)).toList();
    }

    @Override
    public Descriptor resolve(Reference reference) throws DriverException {
        return mine().stream()
                .flatMap(a -> a.resolve(reference).stream())
                .findFirst()
                .orElseThrow(() -> failure(
                        Failure.Kind.MISSING,
                        "manifest for " + reference.familiar() + " not found: manifest unknown: manifest unknown"));
    }

    @Override
    public List<String> tags() throws DriverException {
        List<Archive> mine = mine();
        if (mine.isEmpty()) {
            throw failure(Failure.Kind.MISSING, "repository " + repository.familiar() + " not found: name unknown");
        }
        return mine.stream()
                .flatMap(a -> a.tags(repository).stream())
                .distinct()
                .toList();
    }

    @Override
    public InputStream fetch(Descriptor content, long offset) throws DriverException {
        for (int look = 1; ; look++) {
            try {
                return open(content, offset);
            } catch (Archive.Replaced e) {
                if (look == LOOKS) {
                    throw failure(Failure.Kind.UNAVAILABLE, "archives are replaced all the time: " + e.getMessage(), e);
                }
            }
        }
    }

    private InputStream open(Descriptor content, long offset) throws DriverException, Archive.Replaced {
        Archive archive = mine().stream()
                .filter(a -> a.holds(content.digest()))
                .findFirst()
                .orElseThrow(() -> failure(
                        Failure.Kind.MISSING,
                        repository.familiar() + " has no " + content.digest() + ": blob unknown"));
        try {
            return archive.open(content.digest(), offset);
        } catch (Archive.Replaced e) {
            throw e;
        } catch (IOException e) {
            boolean broken = e instanceof EOFException || e instanceof ZipException;
            throw failure(
                    broken ? Failure.Kind.CORRUPT : Failure.Kind.FAILED,
                    "cannot read " + content.digest() + " from the archive " + archive.file() + ": " + e.getMessage(),
                    e);
        }
    }

    @Override
    public void push(Content content) throws DriverException {
        throw readOnly();
    }

    @Override
    public void tag(Reference reference, Descriptor manifest) throws DriverException {
        throw readOnly();
    }

    private DriverException readOnly() {
        return failure(
                Failure.Kind.UNSUPPORTED,
                "cannot push to " + repository.familiar()
                        + ": registry backend archive serves what docker save put into " + archives.root()
                        + " and takes nothing; a route in dev.wharf.registries.cfg leads elsewhere");
    }

    @Override
    public void close() {
        // Nothing stays open between two calls.
    }
}
