package dev.wharf.registry.distribution;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.oci.image.DocumentException;
import dev.wharf.oci.image.Index;
import dev.wharf.oci.image.Manifest;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.registry.Content;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One repository of a registry, and of the mirrors before it. */
final class DistributionRemote implements RegistryBackend.Remote {
    private static final Logger log = LoggerFactory.getLogger(DistributionRemote.class);

    private static final String DOCUMENTS = String.join(
            ", ", MediaTypes.OCI_INDEX, MediaTypes.OCI_MANIFEST, MediaTypes.DOCKER_LIST, MediaTypes.DOCKER_MANIFEST);

    /** More than this nobody pulls at once. */
    private static final int MOST_TAGS = 10_000;

    private static final String SCHEMA_ONE = "application/vnd.docker.distribution.manifest.v1+";

    private final Wire wire;
    private final Settings settings;
    private final Repository repository;
    private final Credentials credentials;
    private final AtomicBoolean closed = new AtomicBoolean();

    private final Map<String, Session> sessions = new ConcurrentHashMap<>();
    /** The mirrors that served, by what they served last. */
    private final Map<Digest, String> servedBy = new ConcurrentHashMap<>();

    /** The last manifest pushed, because it is asked for again when it gets its tag. */
    private volatile @Nullable Document lastPushed;

    @SuppressWarnings("ArrayRecordComponent") // never compared, and as private as the array
    private record Document(Digest digest, byte[] bytes) {}

    DistributionRemote(Wire wire, Settings settings, Repository repository, Credentials credentials) {
        this.wire = wire;
        this.settings = settings;
        this.repository = repository;
        this.credentials = credentials;
        wire.http.enter();
    }

    // --- pull

    @Override
    public Descriptor resolve(Reference reference) throws DriverException {
        return fromWhoeverHasIt(mirror -> true, session -> {
            Descriptor found = resolve(session, reference);
            note(session, found);
            return found;
        });
    }

    private Descriptor resolve(Session session, Reference reference) throws DriverException {
        URI uri = manifest(session, reference);
        Http.Request head = new Http.Request("HEAD", uri, Map.of("Accept", DOCUMENTS), session.patience());
        try (Http.Answer answer = session.exchange(head, scopes("pull"))) {
            if (answer.status() == 401 || answer.status() == 403) {
                throw Failures.unexpected(repository, false, answer);
            }
            Optional<Descriptor> described = answer.status() == 200 ? described(answer) : Optional.empty();
            if (described.isPresent()) {
                return agreed(session, reference, described.get());
            }
        }
        // Not every registry says all in a HEAD, and some know none; what is sent instead is checked before it is
        // believed.
        return read(session, reference, uri);
    }

    @Override
    public List<String> tags() throws DriverException {
        return fromWhoeverHasIt(mirror -> true, this::tags);
    }

    /** Page by page, as far as the registry says that there is another (distribution specification, "Listing Tags"). */
    private List<String> tags(Session session) throws DriverException {
        List<String> tags = new ArrayList<>();
        URI first = URI.create(session.base() + "/v2/" + repository.path() + "/tags/list");
        Optional<URI> page = Optional.of(first);
        while (page.isPresent() && tags.size() < MOST_TAGS) {
            URI uri = page.get();
            Http.Request get = new Http.Request("GET", uri, Map.of("Accept", "application/json"), session.patience());
            try (Http.Answer answer = session.exchange(get, scopes("pull"))) {
                if (answer.status() == 404) {
                    throw failure(Kind.MISSING, "repository " + repository.familiar() + " not found: name unknown");
                }
                if (answer.status() != 200) {
                    throw Failures.unexpected(repository, false, answer);
                }
                Failures.JSON
                        .readTree(answer.body().readNBytes(Manifest.LIMIT_BYTES))
                        .path("tags")
                        .forEach(tag -> tags.add(tag.asText()));
                page = next(uri, answer.header("Link"));
            } catch (IOException e) {
                throw Failures.unreachable(uri, e);
            }
        }
        return tags;
    }

    private static Optional<URI> next(URI here, String link) {
        int open = link.indexOf('<');
        int close = link.indexOf('>');
        return open < 0 || close < open || !link.contains("rel=\"next\"")
                ? Optional.empty()
                : Optional.of(here.resolve(link.substring(open + 1, close)))
                        // Credentials were given for this registry and no other.
                        .filter(there -> there.getRawAuthority().equals(here.getRawAuthority()));
    }

    private static Optional<Descriptor> described(Http.Answer answer) throws DriverException {
        String mediaType = mediaType(answer);
        refuseSchemaOne(mediaType);
        try {
            Digest digest = Digest.parse(answer.header("Docker-Content-Digest"));
            long size = Long.parseLong(answer.header("Content-Length"));
            return isDocument(mediaType) && size > 0
                    ? Optional.of(new Descriptor(mediaType, digest, size))
                    : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private Descriptor read(Session session, Reference reference, URI uri) throws DriverException {
        Http.Request get = new Http.Request("GET", uri, Map.of("Accept", DOCUMENTS), session.patience());
        try (Http.Answer answer = session.exchange(get, scopes("pull"))) {
            if (answer.status() == 404) {
                throw Failures.missingManifest(reference);
            }
            if (answer.status() != 200) {
                throw Failures.unexpected(repository, false, answer);
            }
            byte[] bytes = answer.body().readNBytes(Manifest.LIMIT_BYTES + 1);
            if (bytes.length > Manifest.LIMIT_BYTES) {
                throw failure(
                        Kind.CORRUPT,
                        "the manifest of " + reference.familiar() + " is too big: at most " + Manifest.LIMIT_BYTES
                                + " bytes are read");
            }
            String mediaType = mediaType(answer);
            refuseSchemaOne(mediaType);
            String algorithm = reference.digest().map(Digest::algorithm).orElse("sha256");
            Digest digest = Digest.of(algorithm, Digest.hasher(algorithm).digest(bytes));
            String announced = answer.header("Docker-Content-Digest");
            if (!announced.isEmpty() && announced.startsWith(algorithm + ":") && !announced.equals(digest.toString())) {
                throw failure(
                        Kind.CORRUPT,
                        "registry " + session.registry() + " announced " + announced + " for " + reference.familiar()
                                + " but sent " + digest);
            }
            return agreed(
                    session,
                    reference,
                    new Descriptor(kind(bytes, isDocument(mediaType) ? mediaType : ""), digest, bytes.length));
        } catch (DocumentException e) {
            throw failure(Kind.INVALID, "cannot use " + reference.familiar() + ": " + e.getMessage(), e);
        } catch (IOException e) {
            throw Failures.unreachable(uri, e);
        }
    }

    /** What a document is by its content. */
    private static String kind(byte[] document, String announced) throws DocumentException {
        if (MediaTypes.isIndex(announced)) {
            return Index.parse(document, announced).mediaType();
        }
        if (MediaTypes.isManifest(announced)) {
            return Manifest.parse(document, announced).mediaType();
        }
        try {
            return Manifest.parse(document, "").mediaType();
        } catch (DocumentException noManifest) {
            try {
                return Index.parse(document, "").mediaType();
            } catch (DocumentException noIndexEither) {
                throw noManifest;
            }
        }
    }

    private static Descriptor agreed(Session session, Reference reference, Descriptor found) throws DriverException {
        Optional<Digest> asked = reference.digest();
        if (asked.isPresent() && !asked.get().equals(found.digest())) {
            throw failure(
                    Kind.CORRUPT,
                    "registry " + session.registry() + " has " + found.digest() + " where " + asked.get()
                            + " was asked for");
        }
        if (found.sizeBytes() > Manifest.LIMIT_BYTES) {
            throw failure(
                    Kind.CORRUPT,
                    "the manifest of " + reference.familiar() + " is too big: " + found.sizeBytes() + " bytes, at most "
                            + Manifest.LIMIT_BYTES + " are read");
        }
        return found;
    }

    private static void refuseSchemaOne(String mediaType) throws DriverException {
        if (mediaType.startsWith(SCHEMA_ONE)) {
            throw failure(
                    Kind.UNSUPPORTED,
                    "the image is in Docker's schema 1 format, which is no longer read; push it again with a current"
                            + " tool");
        }
    }

    @Override
    public InputStream fetch(Descriptor content, long offset) throws DriverException {
        if (offset < 0 || offset > content.sizeBytes()) {
            throw failure(
                    Kind.INVALID,
                    "there is no byte " + offset + " in " + content.digest() + " of " + content.sizeBytes() + " bytes");
        }
        if (offset == content.sizeBytes() && offset > 0) {
            return InputStream.nullInputStream();
        }
        return fromWhoeverHasIt(mirror -> !wire.hasFailed(mirror, content.digest()), session -> {
            BlobStream stream = new BlobStream(
                    session.registry(),
                    content,
                    offset,
                    position -> isDocument(content.mediaType())
                            ? openDocument(session, content, position)
                            : openBlob(session, content, position),
                    isMirror(session) ? () -> disappointed(session, content.digest()) : BlobStream.Disappointment.NONE);
            note(session, content);
            return stream;
        });
    }

    private void disappointed(Session mirror, Digest content) {
        log.warn("mirror sent something else mirror={} blob={}", mirror.registry(), content);
        wire.failed(mirror.base(), content);
    }

    @Override
    public Optional<String> mirror(Descriptor content) {
        return Optional.ofNullable(servedBy.get(content.digest()));
    }

    private void note(Session session, Descriptor served) {
        if (isMirror(session)) {
            servedBy.put(served.digest(), session.registry());
        } else {
            servedBy.remove(served.digest());
        }
    }

    private InputStream openDocument(Session session, Descriptor content, long offset) throws DriverException {
        Reference reference = Reference.of(repository, content.digest());
        Http.Request request =
                new Http.Request("GET", manifest(session, reference), Map.of("Accept", DOCUMENTS), session.patience());
        Http.Answer answer = session.exchange(request, scopes("pull"));
        try {
            if (answer.status() == 404) {
                throw Failures.missingManifest(reference);
            }
            if (answer.status() != 200) {
                throw Failures.unexpected(repository, false, answer);
            }
            checkLength(session, content, answer, content.sizeBytes());
            answer.body().skipNBytes(offset);
            return answer.body();
        } catch (IOException e) {
            answer.close();
            throw Failures.unreachable(answer.uri(), e);
        } catch (DriverException e) {
            answer.close();
            throw e;
        }
    }

    private InputStream openBlob(Session session, Descriptor content, long offset) throws DriverException {
        URI uri = URI.create(session.base() + "/v2/" + repository.path() + "/blobs/" + content.digest());
        Map<String, String> headers = offset == 0 ? Map.of() : Map.of("Range", "bytes=" + offset + "-");
        Http.Answer answer =
                session.exchange(new Http.Request("GET", uri, headers, session.patience()), scopes("pull"));
        try {
            switch (answer.status()) {
                case 200 -> {
                    checkLength(session, content, answer, content.sizeBytes());
                    // A registry that knows no ranges sends all of it again.
                    answer.body().skipNBytes(offset);
                }
                case 206 -> {
                    if (!answer.header("Content-Range").replace(" ", "").startsWith("bytes" + offset + "-")) {
                        throw failure(
                                Kind.CORRUPT,
                                "registry " + session.registry() + " sent another range of " + content.digest()
                                        + " than was asked for");
                    }
                    checkLength(session, content, answer, content.sizeBytes() - offset);
                }
                case 404 -> throw Failures.missingBlob(repository, content.digest());
                default -> throw Failures.unexpected(repository, false, answer);
            }
            return answer.body();
        } catch (IOException e) {
            answer.close();
            throw Failures.unreachable(answer.uri(), e);
        } catch (DriverException e) {
            answer.close();
            throw e;
        }
    }

    private static void checkLength(Session session, Descriptor content, Http.Answer answer, long expected)
            throws DriverException {
        String announced = answer.header("Content-Length");
        if (!announced.isEmpty() && !announced.equals(Long.toString(expected))) {
            throw failure(
                    Kind.CORRUPT,
                    "registry " + session.registry() + " has " + announced + " bytes for " + content.digest()
                            + " where the image says " + expected);
        }
    }

    // --- push

    @Override
    public void push(Content content) throws DriverException {
        Session session = home();
        if (isDocument(content.descriptor().mediaType())) {
            pushDocument(session, content);
        } else {
            new BlobPush(session, repository, scopes("pull", "push"), content).run();
        }
    }

    private void pushDocument(Session session, Content content) throws DriverException {
        Descriptor descriptor = content.descriptor();
        byte[] bytes;
        try (InputStream in = content.open()) {
            bytes = in.readNBytes(Manifest.LIMIT_BYTES + 1);
        } catch (IOException e) {
            throw failure(Kind.FAILED, "cannot read " + descriptor.digest() + ": " + e.getMessage(), e);
        }
        String algorithm = descriptor.digest().algorithm();
        if (!Digest.of(algorithm, Digest.hasher(algorithm).digest(bytes)).equals(descriptor.digest())) {
            throw failure(Kind.CORRUPT, "the manifest to push is not " + descriptor.digest());
        }
        put(session, descriptor.digest().toString(), descriptor, bytes);
        lastPushed = new Document(descriptor.digest(), bytes);
    }

    @Override
    public void tag(Reference reference, Descriptor manifest) throws DriverException {
        Session session = home();
        Document last = lastPushed;
        byte[] bytes = last != null && last.digest().equals(manifest.digest()) ? last.bytes() : bytesOf(manifest);
        put(session, reference.tag().orElse("latest"), manifest, bytes);
    }

    private byte[] bytesOf(Descriptor manifest) throws DriverException {
        try (InputStream in = openDocument(home(), manifest, 0)) {
            byte[] bytes = in.readNBytes(Manifest.LIMIT_BYTES);
            String algorithm = manifest.digest().algorithm();
            if (!Digest.of(algorithm, Digest.hasher(algorithm).digest(bytes)).equals(manifest.digest())) {
                throw failure(
                        Kind.CORRUPT,
                        "registry " + home().registry() + " sent something else than " + manifest.digest());
            }
            return bytes;
        } catch (IOException e) {
            throw Failures.unreachable(home().base(), e);
        }
    }

    private void put(Session session, String name, Descriptor manifest, byte[] bytes) throws DriverException {
        Breaks breaks = new Breaks();
        while (true) {
            try {
                putOnce(session, name, manifest, bytes);
                return;
            } catch (DriverException e) {
                breaks.rest(e);
            }
        }
    }

    private void putOnce(Session session, String name, Descriptor manifest, byte[] bytes) throws DriverException {
        Http.Request request = new Http.Request(
                "PUT",
                URI.create(session.base() + "/v2/" + repository.path() + "/manifests/" + name),
                Map.of("Content-Type", manifest.mediaType()),
                Optional.of(Tokens.small(bytes)),
                session.patience());
        try (Http.Answer answer = session.exchange(request, scopes("pull", "push"))) {
            if (answer.status() != 201 && answer.status() != 200 && answer.status() != 204) {
                throw Failures.unexpected(repository, true, answer);
            }
            String digest = answer.header("Docker-Content-Digest");
            if (digest.startsWith(manifest.digest().algorithm() + ":")
                    && !digest.equals(manifest.digest().toString())) {
                throw failure(
                        Kind.CORRUPT,
                        "registry " + session.registry() + " took " + manifest.digest() + " for " + digest);
            }
        }
    }

    // --- where to ask

    private interface Question<R> {
        R ask(Session session) throws DriverException;
    }

    private <R> R fromWhoeverHasIt(Predicate<URI> usable, Question<R> question) throws DriverException {
        for (URI mirror : mirrors()) {
            if (!usable.test(mirror)) {
                continue;
            }
            try {
                return question.ask(mirror(mirror));
            } catch (DriverException e) {
                if (Thread.currentThread().isInterrupted()) {
                    throw e;
                }
                log.info("mirror passed over mirror={} repository={} reason={}", mirror, repository, e.getMessage());
            }
        }
        return question.ask(home());
    }

    private List<URI> mirrors() {
        return settings.mirrors().getOrDefault(repository.host(), List.of());
    }

    private boolean isMirror(Session session) {
        return mirrors().contains(session.base());
    }

    private Session mirror(URI base) {
        // Who we are to the registry is nobody else's business.
        return sessions.computeIfAbsent(
                base.toString(),
                key -> new Session(wire, settings, Tokens.authority(base), base, Credentials.ANONYMOUS));
    }

    private Session home() throws DriverException {
        Session known = sessions.get("");
        if (known != null) {
            return known;
        }
        String registry = registry();
        Session session = new Session(wire, settings, registry, wire.base(settings, registry), credentials);
        Session other = sessions.putIfAbsent("", session);
        return other == null ? session : other;
    }

    /** The host that speaks the protocol for a name's host. */
    private String registry() {
        return repository.host().equals(Repository.DEFAULT_HOST)
                ? "registry-1.docker.io"
                : repository.host().toLowerCase(Locale.ROOT);
    }

    private URI manifest(Session session, Reference reference) {
        String name = reference
                .digest()
                .map(Digest::toString)
                .orElseGet(() -> reference.tag().orElse("latest"));
        return URI.create(session.base() + "/v2/" + repository.path() + "/manifests/" + name);
    }

    private SortedSet<String> scopes(String... actions) {
        return new TreeSet<>(List.of("repository:" + repository.path() + ":" + String.join(",", actions)));
    }

    private static String mediaType(Http.Answer answer) {
        String type = answer.header("Content-Type");
        int semicolon = type.indexOf(';');
        return (semicolon < 0 ? type : type.substring(0, semicolon)).strip();
    }

    private static boolean isDocument(String mediaType) {
        return MediaTypes.isManifest(mediaType) || MediaTypes.isIndex(mediaType);
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            wire.http.leave();
        }
    }
}
