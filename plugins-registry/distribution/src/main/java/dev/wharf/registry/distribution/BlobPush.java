package dev.wharf.registry.distribution;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.model.Digest;
import dev.wharf.model.Repository;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.registry.Content;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Uploads one blob (OCI distribution spec, "Pushing blobs"): a mount from another repository if that is possible, small ones
 * in one request, large ones in a session that can be taken up again after a break.
 */
final class BlobPush {
    /** What goes in one request, where nothing is lost by sending it again. */
    private static final long SMALL_BYTES = 512 << 10;

    /** The pieces in which a blob goes to a registry that refuses it whole. */
    private static final long PIECE_BYTES = 16 << 20;

    /** A registry reads a large blob once more before it says that it has it. */
    private static final Duration FINISH = Duration.ofMinutes(10);

    private final Session session;
    private final Repository repository;
    private final SortedSet<String> scopes;
    private final Content content;
    private final Digest digest;
    private final long size;
    private final Breaks breaks = new Breaks();

    BlobPush(Session session, Repository repository, SortedSet<String> scopes, Content content) {
        this.session = session;
        this.repository = repository;
        this.scopes = scopes;
        this.content = content;
        this.digest = content.descriptor().digest();
        this.size = content.descriptor().sizeBytes();
    }

    void run() throws DriverException {
        while (!isThere()) {
            try {
                upload();
                return;
            } catch (DriverException e) {
                breaks.rest(e);
            }
        }
    }

    private void upload() throws DriverException {
        Optional<URI> upload = start();
        if (upload.isEmpty()) {
            return;
        }
        try {
            if (size <= SMALL_BYTES) {
                finish(upload.get(), new ContentUpload(content, 0, size));
            } else {
                finish(sendPieces(upload.get()), new ContentUpload(content, size, 0));
            }
        } catch (DriverException e) {
            abandon(upload.get());
            throw e;
        }
    }

    private boolean isThere() throws DriverException {
        Http.Request request = new Http.Request("HEAD", at("blobs/" + digest), Map.of(), session.patience());
        try (Http.Answer answer = session.exchange(request, scopes)) {
            return switch (answer.status()) {
                case 200 -> true;
                case 401, 403 -> throw Failures.unexpected(repository, true, answer);
                // Not every registry answers this question; whatever else it may be, the upload will hear of it.
                default -> false;
            };
        }
    }

    /** Opens an upload; empty where the blob was mounted and nothing is left to do. */
    private Optional<URI> start() throws DriverException {
        String query = "";
        SortedSet<String> wanted = scopes;
        String from = pathOf(content.knownIn());
        if (!from.isEmpty()) {
            query = "?mount=" + encoded(digest.toString()) + "&from=" + encoded(from);
            wanted = new TreeSet<>(scopes);
            wanted.add("repository:" + from + ":pull");
        }
        try (Http.Answer answer = post(query, wanted)) {
            if (answer.status() == 201) {
                content.mounted();
                return Optional.empty();
            }
            if (answer.status() == 202) {
                return Optional.of(location(answer));
            }
            if (query.isEmpty()) {
                throw Failures.unexpected(repository, true, answer);
            }
        }
        // A mount that is not allowed costs nothing but this second question.
        try (Http.Answer answer = post("", scopes)) {
            if (answer.status() != 202) {
                throw Failures.unexpected(repository, true, answer);
            }
            return Optional.of(location(answer));
        }
    }

    private Http.Answer post(String query, SortedSet<String> wanted) throws DriverException {
        return session.exchange(
                new Http.Request("POST", at("blobs/uploads/" + query), Map.of(), session.patience()), wanted);
    }

    private URI sendPieces(URI start) throws DriverException {
        URI upload = start;
        long offset = 0;
        long piece = size;
        while (offset < size) {
            long length = Math.min(piece, size - offset);
            try (ContentUpload body = new ContentUpload(content, offset, length);
                    Http.Answer answer = send(patch(upload, offset, length, body), body)) {
                if (answer.status() == 202 || answer.status() == 204) {
                    upload = location(answer);
                    offset += length;
                    continue;
                }
                if (answer.status() == 413 && piece > PIECE_BYTES) {
                    piece = PIECE_BYTES;
                } else {
                    throw unexpected(answer);
                }
            } catch (DriverException e) {
                breaks.rest(e);
            }
            Progress progress = progress(upload);
            upload = progress.upload();
            offset = progress.received();
        }
        return upload;
    }

    private Http.Request patch(URI upload, long offset, long length, ContentUpload body) {
        return new Http.Request(
                "PATCH",
                upload,
                Map.of(
                        "Content-Type",
                        "application/octet-stream",
                        "Content-Range",
                        offset + "-" + (offset + length - 1)),
                Optional.of(body),
                session.patience());
    }

    private record Progress(URI upload, long received) {}

    /** Asks how much of a broken upload arrived. */
    private Progress progress(URI upload) throws DriverException {
        try (Http.Answer answer =
                session.exchange(new Http.Request("GET", upload, Map.of(), session.patience()), scopes)) {
            if (answer.status() != 204 && answer.status() != 202 && answer.status() != 200) {
                throw unexpected(answer);
            }
            return new Progress(
                    answer.header("Location").isEmpty() ? upload : location(answer), received(answer.header("Range")));
        }
    }

    private long received(String range) {
        int dash = range.lastIndexOf('-');
        try {
            long last = Long.parseLong(range.substring(dash + 1).strip());
            // "0-0" is what registries answer when nothing came yet; a single byte lost is sent again.
            return last <= 0 ? 0 : Math.min(last + 1, size);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private void finish(URI upload, ContentUpload body) throws DriverException {
        String separator = upload.getRawQuery() == null ? "?" : "&";
        URI target = URI.create(upload + separator + "digest=" + encoded(digest.toString()));
        Http.Request request = new Http.Request(
                "PUT", target, Map.of("Content-Type", "application/octet-stream"), Optional.of(body), FINISH);
        try (body;
                Http.Answer answer = send(request, body)) {
            if (answer.status() == 201 || answer.status() == 204) {
                return;
            }
            if (answer.status() == 400) {
                throw failure(
                        Kind.CORRUPT,
                        "registry " + session.registry() + " did not take " + digest + " for " + repository.familiar()
                                + ": " + Failures.says(answer));
            }
            throw unexpected(answer);
        }
    }

    /** Sends a request with {@code body}; content that cannot be read is no fault of the registry. */
    private Http.Answer send(Http.Request request, ContentUpload body) throws DriverException {
        try {
            return session.exchange(request, scopes);
        } catch (DriverException e) {
            Optional<IOException> unreadable = body.unreadable();
            throw unreadable.isEmpty()
                    ? e
                    : failure(
                            Kind.FAILED,
                            "cannot read " + digest + ": " + unreadable.get().getMessage(),
                            e);
        }
    }

    /** What an upload under way came to; one that the registry knows no more, or otherwise than we do, can be begun anew. */
    private DriverException unexpected(Http.Answer answer) {
        DriverException e = Failures.unexpected(repository, true, answer);
        return answer.status() == 404 || answer.status() == 416
                ? failure(Kind.UNAVAILABLE, e.failure().message(), e)
                : e;
    }

    private void abandon(URI upload) {
        if (Thread.currentThread().isInterrupted()) {
            return;
        }
        try {
            session.exchange(new Http.Request("DELETE", upload, Map.of(), Duration.ofSeconds(5)), scopes)
                    .close();
        } catch (DriverException e) {
            // The registry sweeps uploads that nobody finishes; the failure that brought us here is the one to tell.
        }
    }

    private URI location(Http.Answer answer) throws DriverException {
        return session.resolve(answer.uri(), answer.header("Location"));
    }

    private URI at(String path) {
        return URI.create(session.base() + "/v2/" + repository.path() + "/" + path);
    }

    private static String pathOf(String knownIn) {
        try {
            return knownIn.isEmpty() ? "" : Repository.parse(knownIn).path();
        } catch (IllegalArgumentException e) {
            // A hint that makes no sense is no hint.
            return "";
        }
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
