package dev.wharf.registry.distribution;

import static dev.wharf.spi.DriverException.failure;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.wharf.model.Digest;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.tls.ClientTls;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.security.cert.CertPathBuilderException;
import java.util.Locale;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** What went wrong between us and a registry, in the words that people know from Docker, with the registry named. */
final class Failures {
    private static final int MAX_ERROR_BYTES = 64 << 10;
    private static final int MAX_TEXT = 400;

    static final ObjectMapper JSON = new ObjectMapper(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(32)
                    .maxTokenCount(20_000)
                    .build())
            .build());

    private Failures() {}

    static DriverException missingManifest(Reference reference) {
        return failure(
                Kind.MISSING,
                "manifest for " + reference.familiar() + " not found: manifest unknown: manifest unknown");
    }

    static DriverException missingBlob(Repository repository, Digest digest) {
        return failure(
                Kind.MISSING, repository.familiar() + " has no " + digest + ": blob unknown: blob unknown to registry");
    }

    static DriverException denied(Repository repository, boolean pushing, String says) {
        return failure(
                Kind.UNAUTHORISED,
                (pushing ? "push" : "pull") + " access denied for " + repository.familiar()
                        + ", repository does not exist or may require 'docker login': "
                        + (says.isEmpty() ? "denied: requested access to the resource is denied" : says));
    }

    /** An answer that is not one of those expected. */
    static DriverException unexpected(Repository repository, boolean pushing, Http.Answer answer) {
        String says = says(answer);
        String host = answer.uri().getAuthority();
        return switch (answer.status()) {
            case 401, 403 -> denied(repository, pushing, says);
            case 429 ->
                failure(
                        Kind.UNAVAILABLE,
                        "registry " + host + " asks to come back later: "
                                + (says.isEmpty() ? "toomanyrequests: too many requests" : says));
            case 500, 502, 503, 504 ->
                failure(
                        Kind.UNAVAILABLE,
                        "registry " + host + ": " + status(answer) + (says.isEmpty() ? "" : ": " + says));
            case 413 -> failure(Kind.EXHAUSTED, "registry " + host + ": " + status(answer) + ", too large for it");
            default -> failure(Kind.FAILED, "registry " + host + ": " + (says.isEmpty() ? status(answer) : says));
        };
    }

    private static String status(Http.Answer answer) {
        return "received unexpected HTTP status: " + answer.status();
    }

    /** The first error in the body of an answer, as {@code code: message}; empty where there is none. */
    static String says(Http.Answer answer) {
        byte[] bytes;
        try {
            bytes = answer.body().readNBytes(MAX_ERROR_BYTES);
        } catch (IOException e) {
            return "";
        }
        try {
            JsonNode root = JSON.readTree(bytes);
            JsonNode first = root == null
                    ? MissingNode.getInstance()
                    : root.path("errors").path(0);
            String code = first.path("code").asText("");
            String message = first.path("message")
                    .asText(root == null ? "" : root.path("details").asText(""));
            String text = code.isEmpty()
                    ? message
                    : code.toLowerCase(Locale.ROOT).replace('_', ' ') + (message.isEmpty() ? "" : ": " + message);
            return tame(text);
        } catch (IOException e) {
            return "";
        }
    }

    /** Text of a stranger, made safe for a terminal and short. */
    private static String tame(String text) {
        String line = text.replaceAll("\\p{Cntrl}+", " ").strip();
        return line.length() <= MAX_TEXT ? line : line.substring(0, MAX_TEXT) + "...";
    }

    /** No answer at all. */
    static DriverException unreachable(URI uri, IOException e) {
        if (e instanceof InterruptedIOException) {
            return failure(Kind.UNAVAILABLE, "the transfer from registry " + uri.getHost() + " was interrupted", e);
        }
        String registry = uri.getHost() + (uri.getPort() >= 0 ? ":" + uri.getPort() : "");
        return failure(Kind.UNAVAILABLE, "cannot reach registry " + registry + ": " + reason(registry, e), e);
    }

    static String reason(String registry, IOException e) {
        if (has(e, UnresolvedAddressException.class)) {
            return "no such host";
        }
        if (e instanceof HttpTimeoutException) {
            return "timed out (" + e.getMessage() + ")";
        }
        if (e instanceof ConnectException) {
            return e.getMessage() == null ? "connection refused" : tame(e.getMessage());
        }
        if (has(e, SSLException.class)) {
            return tlsReason(registry, e);
        }
        String message = String.valueOf(e.getMessage());
        return message.contains("EOF reached") || message.contains("received no bytes")
                ? "the connection was closed without an answer"
                : tame(message);
    }

    private static String tlsReason(String registry, IOException e) {
        String message = String.valueOf(e.getMessage());
        if (message.toLowerCase(Locale.ROOT).contains("unrecognized ssl message")) {
            return "http: server gave HTTP response to HTTPS client; if that is as it should be, list " + registry
                    + " under \"insecure\" in dev.wharf.registry.distribution.cfg";
        }
        String hint = has(e, CertPathBuilderException.class)
                ? "; its authority can be put into certs.d/" + registry + "/ca.crt"
                : "";
        return tame(ClientTls.reason(e)) + hint;
    }

    private static boolean has(@Nullable Throwable thrown, Class<? extends Throwable> kind) {
        for (Throwable t = thrown; t != null; t = t.getCause()) {
            if (kind.isInstance(t)) {
                return true;
            }
        }
        return false;
    }
}
