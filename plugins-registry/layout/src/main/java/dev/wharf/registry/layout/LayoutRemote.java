package dev.wharf.registry.layout;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.oci.image.DocumentException;
import dev.wharf.oci.layout.OciLayout;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.registry.Content;
import dev.wharf.spi.registry.RegistryBackend;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** One layout as one repository. */
final class LayoutRemote implements RegistryBackend.Remote {
    private final Repository repository;
    private final OciLayout layout;

    LayoutRemote(Repository repository, OciLayout layout) {
        this.repository = repository;
        this.layout = layout;
    }

    @Override
    public Descriptor resolve(Reference reference) throws DriverException {
        if (!layout.exists()) {
            throw missing(reference);
        }
        try {
            return layout.resolve(reference).map(LayoutRemote::bare).orElseThrow(() -> missing(reference));
        } catch (IOException e) {
            throw translated("cannot read", e);
        }
    }

    @Override
    public List<String> tags() throws DriverException {
        if (!layout.exists()) {
            throw failure(Failure.Kind.MISSING, "repository " + repository.familiar() + " not found: name unknown");
        }
        try {
            return layout.manifests().stream()
                    .flatMap(entry -> Optional.ofNullable(entry.annotations().get(OciLayout.REF_NAME)).stream())
                    // Some tools write a whole reference there, which is no tag.
                    .filter(name -> !name.contains("/") && !name.contains(":"))
                    .distinct()
                    .toList();
        } catch (IOException e) {
            throw translated("cannot read", e);
        }
    }

    private static DriverException missing(Reference reference) {
        return failure(
                Failure.Kind.MISSING,
                "manifest for " + reference.familiar() + " not found: manifest unknown: manifest unknown");
    }

    /** The annotations of an entry say how the image is called here, and mean nothing elsewhere. */
    private static Descriptor bare(Descriptor entry) {
        return new Descriptor(entry.mediaType(), entry.digest(), entry.sizeBytes(), entry.platform(), Map.of());
    }

    @Override
    public InputStream fetch(Descriptor content, long offset) throws DriverException {
        try {
            return layout.open(content.digest(), offset);
        } catch (NoSuchFileException e) {
            throw failure(
                    Failure.Kind.MISSING, repository.familiar() + " has no " + content.digest() + ": blob unknown", e);
        } catch (IOException e) {
            throw translated("cannot read", e);
        }
    }

    @Override
    public void push(Content content) throws DriverException {
        try {
            layout.create();
            if (layout.has(content.descriptor().digest())) {
                return;
            }
            try (InputStream in = content.open()) {
                layout.put(content.descriptor(), in);
            }
        } catch (IOException e) {
            throw translated("cannot write", e);
        }
    }

    @Override
    public void tag(Reference reference, Descriptor manifest) throws DriverException {
        try {
            layout.create().tag(reference.tag().orElse("latest"), manifest);
        } catch (NoSuchFileException e) {
            throw failure(
                    Failure.Kind.MISSING,
                    "cannot tag " + reference.familiar() + ": " + manifest.digest() + " was not pushed",
                    e);
        } catch (IOException e) {
            throw translated("cannot write", e);
        }
    }

    private DriverException translated(String what, IOException e) {
        String message = what + " the OCI layout " + layout.folder() + ": "
                + (e instanceof FileSystemException file && file.getReason() != null
                        ? file.getReason()
                        : e.getMessage());
        if (e instanceof DocumentException) {
            return failure(Failure.Kind.CORRUPT, message, e);
        }
        boolean full = String.valueOf(e.getMessage()).contains("No space left")
                || String.valueOf(e.getMessage()).contains("quota");
        return failure(full ? Failure.Kind.EXHAUSTED : Failure.Kind.FAILED, message, e);
    }

    @Override
    public void close() {
        // Nothing stays open between two calls.
    }
}
