package dev.wharf.registry.http;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.oci.image.DocumentException;
import dev.wharf.oci.image.Index;
import dev.wharf.oci.image.Manifest;
import dev.wharf.oci.layout.OciLayout;
import dev.wharf.registry.distribution.Downloads;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.registry.Content;
import dev.wharf.spi.registry.RegistryBackend;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/** One layout in a store as one repository. */
final class HttpRemote implements RegistryBackend.Remote {
    private static final int OK = 200;
    private static final int PARTIAL = 206;
    private static final int NOT_FOUND = 404;

    private final Downloads downloads;
    private final Repository repository;
    private final Store store;
    private final Optional<Keys> keys;
    private final AtomicBoolean closed = new AtomicBoolean();

    HttpRemote(Downloads downloads, Repository repository, Store store, Optional<Keys> keys) {
        this.downloads = downloads;
        this.repository = repository;
        this.store = store;
        this.keys = keys;
        downloads.enter();
    }

    // --- read

    @Override
    public Descriptor resolve(Reference reference) throws DriverException {
        Optional<Descriptor> listed = reference.digest().isPresent()
                ? listed(reference).stream()
                        .filter(m -> reference.digest().equals(Optional.of(m.digest())))
                        .findFirst()
                : OciLayout.find(listed(reference), reference);
        if (listed.isPresent()) {
            Descriptor found = listed.get();
            // What it is called here means nothing elsewhere.
            return new Descriptor(found.mediaType(), found.digest(), found.sizeBytes(), found.platform(), Map.of());
        }
        return reference.digest().isPresent()
                ? described(reference, reference.digest().get())
                : absent(reference);
    }

    private List<Descriptor> listed(Reference reference) throws DriverException {
        URI uri = at("index.json");
        byte[] bytes = document(uri).orElseThrow(() -> missing(reference));
        try {
            return Index.parse(bytes, "").manifests();
        } catch (DocumentException e) {
            throw failure(Kind.CORRUPT, "cannot use " + uri + ": " + e.getMessage(), e);
        }
    }

    /** A manifest that the index does not list may be inside another index. */
    private Descriptor described(Reference reference, Digest digest) throws DriverException {
        byte[] bytes = document(blob(digest)).orElseThrow(() -> missing(reference));
        Digest found =
                Digest.of(digest.algorithm(), Digest.hasher(digest.algorithm()).digest(bytes));
        if (!found.equals(digest)) {
            throw failure(Kind.CORRUPT, blob(digest) + " has in truth " + found);
        }
        try {
            return new Descriptor(OciLayout.mediaTypeOf(bytes), digest, bytes.length);
        } catch (DocumentException e) {
            throw failure(Kind.INVALID, "cannot use " + reference.familiar() + ": " + e.getMessage(), e);
        }
    }

    @Override
    public List<String> tags() throws DriverException {
        byte[] bytes = document(at("index.json"))
                .orElseThrow(() ->
                        failure(Kind.MISSING, "repository " + repository.familiar() + " not found: name unknown"));
        try {
            return Index.parse(bytes, "").manifests().stream()
                    .flatMap(m -> Optional.ofNullable(m.annotations().get(OciLayout.REF_NAME)).stream())
                    .filter(name -> !name.contains("/") && !name.contains(":"))
                    .distinct()
                    .toList();
        } catch (DocumentException e) {
            throw failure(Kind.CORRUPT, "cannot use " + at("index.json") + ": " + e.getMessage(), e);
        }
    }

    @Override
    public InputStream fetch(Descriptor content, long offset) throws DriverException {
        if (offset == content.sizeBytes() && offset > 0) {
            return InputStream.nullInputStream();
        }
        return downloads.open(
                store.base().getAuthority(), content, offset, position -> open(content.digest(), position));
    }

    /** A server that cannot begin in the middle sends everything, and what was had already is passed over. */
    private InputStream open(Digest digest, long offset) throws DriverException {
        Downloads.Answer answer = ask(blob(digest), offset);
        try {
            if (answer.status() == NOT_FOUND) {
                answer.close();
                throw failure(Kind.MISSING, repository.familiar() + " has no " + digest + ": blob unknown");
            }
            if (answer.status() != OK && answer.status() != PARTIAL) {
                throw refused(answer);
            }
            if (answer.status() == OK) {
                answer.body().skipNBytes(offset);
            }
            return answer.body();
        } catch (IOException e) {
            throw unavailable(answer.uri(), e);
        }
    }

    private Optional<byte[]> document(URI uri) throws DriverException {
        try (Downloads.Answer answer = ask(uri, 0)) {
            if (answer.status() == NOT_FOUND) {
                return Optional.empty();
            }
            if (answer.status() != OK) {
                throw refused(answer);
            }
            byte[] bytes = answer.body().readNBytes(Manifest.LIMIT_BYTES + 1);
            if (bytes.length > Manifest.LIMIT_BYTES) {
                throw failure(Kind.CORRUPT, uri + " is too big: at most " + Manifest.LIMIT_BYTES + " bytes are read");
            }
            return Optional.of(bytes);
        } catch (IOException e) {
            throw unavailable(uri, e);
        }
    }

    private Downloads.Answer ask(URI from, long offset) throws DriverException {
        Map<String, String> plain = offset > 0 ? Map.of("Range", "bytes=" + offset + "-") : Map.of();
        return downloads.get(from, uri -> {
            // A signature is for the store, and not for whomever it sends us to.
            if (keys.isEmpty()
                    || !Objects.equals(uri.getAuthority(), store.base().getAuthority())) {
                return plain;
            }
            Map<String, String> signed = new HashMap<>(plain);
            signed.putAll(Signature.of(keys.get(), store.region(), uri, plain, Instant.now()));
            return signed;
        });
    }

    private URI at(String path) {
        return URI.create(store.base() + "/" + repository.path() + "/" + path);
    }

    private URI blob(Digest digest) {
        return at("blobs/" + digest.algorithm() + "/" + digest.hex());
    }

    // --- what goes wrong

    private Descriptor absent(Reference reference) throws DriverException {
        throw missing(reference);
    }

    private static DriverException missing(Reference reference) {
        return failure(
                Kind.MISSING,
                "manifest for " + reference.familiar() + " not found: manifest unknown: manifest unknown");
    }

    private DriverException refused(Downloads.Answer answer) {
        String what = "the store at " + answer.uri().getAuthority() + " answers " + answer.status() + " for "
                + answer.uri().getPath();
        return switch (answer.status()) {
            case 401, 403 ->
                failure(
                        Kind.UNAUTHORISED,
                        what
                                + (keys.isEmpty()
                                        ? ": it may be missing, or keys." + repository.host() + " may be needed"
                                        : ": it may be missing, or the keys may not be good for it"));
            case 429, 500, 502, 503, 504 -> failure(Kind.UNAVAILABLE, what);
            default -> failure(Kind.FAILED, what);
        };
    }

    private static DriverException unavailable(URI uri, IOException e) {
        return failure(Kind.UNAVAILABLE, "reading " + uri + " broke off: " + e.getMessage(), e);
    }

    // --- write

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
                Kind.UNSUPPORTED,
                "cannot push to " + repository.familiar() + ": registry backend http only reads from "
                        + store.base().getAuthority() + "; a route in dev.wharf.registries.cfg leads elsewhere");
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            downloads.leave();
        }
    }
}
