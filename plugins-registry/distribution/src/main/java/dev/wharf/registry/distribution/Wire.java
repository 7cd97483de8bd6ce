package dev.wharf.registry.distribution;

import dev.wharf.model.Digest;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What all remotes share: connections, tokens, and what was learned of each registry. All of it can be forgotten at any time
 * and is then learned again.
 */
final class Wire {
    /** A host that says nothing to the first word is asked in the other scheme after this. */
    private static final Duration FIRST_WORD = Duration.ofSeconds(5);

    private static final int MAX_REGISTRIES = 256;

    private static final int MAX_DISAPPOINTMENTS = 10_000;

    final Http http;
    final Tokens tokens;

    private final Map<Origin, Challenge> challenges = new ConcurrentHashMap<>();
    private final Map<String, URI> bases = new ConcurrentHashMap<>();

    /** Blobs that mirrors sent damaged; remembered over remotes, because whoever tries again opens another. */
    private final Set<Disappointment> disappointments = ConcurrentHashMap.newKeySet();

    private record Disappointment(URI mirror, Digest blob) {}

    Wire(Proxies proxies) {
        http = new Http(proxies);
        tokens = new Tokens(http);
    }

    Optional<Challenge> challenge(Origin origin) {
        return Optional.ofNullable(challenges.get(origin));
    }

    void learn(Origin origin, Challenge challenge) {
        if (challenges.size() >= MAX_REGISTRIES) {
            challenges.clear();
        }
        challenges.put(origin, challenge);
    }

    void forget(Origin origin) {
        challenges.remove(origin);
    }

    /** Forgets how {@code registry} is reached, because it could not be. */
    void doubt(String registry) {
        bases.remove(registry);
    }

    /** Whether {@code mirror} sent something else when it was asked for {@code blob}. */
    boolean hasFailed(URI mirror, Digest blob) {
        return disappointments.contains(new Disappointment(mirror, blob));
    }

    void failed(URI mirror, Digest blob) {
        if (disappointments.size() >= MAX_DISAPPOINTMENTS) {
            disappointments.clear();
        }
        disappointments.add(new Disappointment(mirror, blob));
    }

    /** Lets go of every connection, thread and secret. */
    void release() {
        http.release();
        tokens.forgetAll();
        challenges.clear();
        bases.clear();
        disappointments.clear();
    }

    /**
     * The address of {@code registry} without a path. A registry is spoken to in HTTPS, and nothing that goes wrong there
     * leads to plain HTTP, unless it is listed as insecure.
     */
    URI base(Settings settings, String registry) throws DriverException {
        if (!settings.isInsecure(registry)) {
            return URI.create("https://" + registry);
        }
        URI known = bases.get(registry);
        if (known != null) {
            return known;
        }
        // A server for plain HTTP may wait for the end of a TLS greeting for ever, so the likelier scheme goes first.
        List<URI> candidates = Settings.isLoopback(registry)
                ? List.of(URI.create("http://" + registry), URI.create("https://" + registry))
                : List.of(URI.create("https://" + registry), URI.create("http://" + registry));
        IOException first = null;
        for (URI candidate : candidates) {
            try {
                if (answers(settings, registry, candidate)) {
                    if (bases.size() >= MAX_REGISTRIES) {
                        bases.clear();
                    }
                    bases.put(registry, candidate);
                    return candidate;
                }
            } catch (IOException e) {
                first = first == null ? e : first;
                if (Thread.currentThread().isInterrupted()) {
                    break;
                }
            }
        }
        if (first != null) {
            throw Failures.unreachable(candidates.get(0), first);
        }
        throw DriverException.failure(
                Failure.Kind.UNAVAILABLE, "registry " + registry + " answers neither in HTTP nor in HTTPS");
    }

    private boolean answers(Settings settings, String registry, URI base) throws IOException {
        Duration patience = FIRST_WORD.compareTo(settings.idleTimeout()) < 0 ? FIRST_WORD : settings.idleTimeout();
        Http.Request request = new Http.Request("GET", base.resolve("/v2/"), Map.of(), patience);
        try (Http.Answer answer = http.send(request, Tls.of(settings, registry), settings.connectTimeout(), patience)) {
            // Servers for HTTPS say so with this status when they are spoken to in plain HTTP.
            return answer.status() != 400 || base.getScheme().equals("https");
        }
    }
}
