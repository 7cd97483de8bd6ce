package dev.wharf.registry.distribution;

import static dev.wharf.spi.DriverException.failure;

import com.fasterxml.jackson.databind.JsonNode;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.registry.Credentials;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;

/**
 * Gets bearer tokens from the place a registry names (the token specification of the distribution project) and remembers them
 * while they last. Names and passwords go there only when it belongs to the registry's own site and cannot be overheard.
 */
final class Tokens {
    private static final int MAX_REMEMBERED = 128;
    private static final int MAX_TOKEN_BYTES = 1 << 20;

    /** What a token lasts when nobody says (token specification, {@code expires_in}), and how long before that we stop. */
    private static final long DEFAULT_SECONDS = 60;

    private static final Duration MARGIN = Duration.ofSeconds(10);

    /** What a token is for; holds secrets and is never printed. */
    private record Key(URI realm, String service, String scopes, Credentials credentials) {}

    private record Token(String value, long expiresAtNanos) {
        boolean isFresh() {
            return System.nanoTime() - expiresAtNanos < 0;
        }

        @Override
        public String toString() {
            return "token";
        }
    }

    private final Http http;
    private final Map<Key, Token> remembered = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Token> eldest) {
            return size() > MAX_REMEMBERED;
        }
    };

    Tokens(Http http) {
        this.http = http;
    }

    /**
     * A token that opens {@code scopes}.
     *
     * @param refused a token that the registry did not take, to get another one; or empty
     */
    String token(
            Settings settings,
            String registry,
            Origin origin,
            Challenge challenge,
            SortedSet<String> scopes,
            Credentials credentials,
            String refused)
            throws DriverException {
        URI realm = realm(settings, registry, origin, challenge);
        boolean trusted = mayKnow(settings, registry, origin, Origin.of(realm));
        Credentials shown = trusted ? credentials : Credentials.ANONYMOUS;
        Key key = new Key(realm, challenge.parameter("service"), String.join(" ", scopes), shown);
        synchronized (remembered) {
            Token token = remembered.get(key);
            if (token != null && token.isFresh() && !token.value().equals(refused)) {
                return token.value();
            }
        }
        Token token = fetch(settings, registry, key, !trusted && !credentials.isAnonymous());
        synchronized (remembered) {
            remembered.put(key, token);
        }
        return token.value();
    }

    void forgetAll() {
        synchronized (remembered) {
            remembered.clear();
        }
    }

    private static URI realm(Settings settings, String registry, Origin origin, Challenge challenge)
            throws DriverException {
        String text = challenge.parameter("realm");
        try {
            URI realm = URI.create(text);
            if (realm.getHost() == null || realm.getUserInfo() != null || realm.getFragment() != null) {
                throw new IllegalArgumentException("no host");
            }
            boolean plain = realm.getScheme().equals("http");
            boolean overheard = plain && (origin.isSecure() || !settings.isInsecure(authority(realm)));
            if (overheard || !(plain || realm.getScheme().equals("https"))) {
                throw failure(
                        Kind.UNAUTHORISED,
                        "registry " + registry + " sends us to " + realm.getScheme() + "://" + realm.getHost()
                                + " for a token, which could be overheard; it must be https");
            }
            return realm;
        } catch (IllegalArgumentException e) {
            throw failure(
                    Kind.UNAUTHORISED,
                    "registry " + registry + " asks for a token but does not say where to get one",
                    e);
        }
    }

    private static boolean mayKnow(Settings settings, String registry, Origin origin, Origin realm) {
        return origin.sharesSiteWith(realm)
                || settings.realms().getOrDefault(registry, Set.of()).contains(realm.host());
    }

    static String authority(URI uri) {
        return uri.getHost() + (uri.getPort() >= 0 ? ":" + uri.getPort() : "");
    }

    private Token fetch(Settings settings, String registry, Key key, boolean withheld) throws DriverException {
        Http.Request request = request(settings, key);
        try (Http.Answer answer = http.send(
                request,
                Tls.of(settings, authority(key.realm()), registry),
                settings.connectTimeout(),
                settings.idleTimeout())) {
            if (answer.status() != 200) {
                throw refused(registry, key, withheld, answer);
            }
            return read(answer.body().readNBytes(MAX_TOKEN_BYTES));
        } catch (IOException e) {
            throw Failures.unreachable(key.realm(), e);
        }
    }

    private static Http.Request request(Settings settings, Key key) {
        Credentials credentials = key.credentials();
        if (!credentials.identityToken().isEmpty()) {
            StringBuilder form = new StringBuilder("grant_type=refresh_token&client_id=wharf");
            append(form, "service", key.service());
            append(form, "scope", key.scopes());
            append(form, "refresh_token", credentials.identityToken());
            return new Http.Request(
                    "POST",
                    key.realm(),
                    Map.of("Content-Type", "application/x-www-form-urlencoded"),
                    Optional.of(small(form.toString().getBytes(StandardCharsets.UTF_8))),
                    settings.idleTimeout());
        }
        StringBuilder query = new StringBuilder(key.realm().toString());
        query.append(key.realm().getRawQuery() == null ? "?client_id=wharf" : "&client_id=wharf");
        append(query, "service", key.service());
        for (String scope : key.scopes().split(" ")) {
            append(query, "scope", scope);
        }
        Http.Request request = new Http.Request("GET", URI.create(query.toString()), Map.of(), settings.idleTimeout());
        if (credentials.username().isEmpty()) {
            return request;
        }
        return request.with("Authorization", basic(credentials));
    }

    private static void append(StringBuilder to, String key, String value) {
        if (!value.isEmpty()) {
            to.append('&').append(key).append('=').append(URLEncoder.encode(value, StandardCharsets.UTF_8));
        }
    }

    static String basic(Credentials credentials) {
        String pair = credentials.username() + ":" + credentials.password();
        return "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8));
    }

    static Http.Upload small(byte[] bytes) {
        return new Http.Upload() {
            @Override
            public HttpRequest.BodyPublisher publisher() {
                return HttpRequest.BodyPublishers.ofByteArray(bytes);
            }

            @Override
            public long sent() {
                return 0;
            }
        };
    }

    private static DriverException refused(String registry, Key key, boolean withheld, Http.Answer answer) {
        String says = Failures.says(answer);
        String host = key.realm().getHost();
        if (answer.status() == 429 || answer.status() >= 500) {
            return failure(
                    Kind.UNAVAILABLE,
                    "cannot get a token for registry " + registry + " from " + host + ": status " + answer.status()
                            + (says.isEmpty() ? "" : ": " + says));
        }
        String help = withheld
                ? "; your credentials were not sent there, because it is another site than the registry; if it is to"
                        + " have them, list it under \"realms." + registry
                        + "\" in dev.wharf.registry.distribution.cfg"
                : "";
        return failure(
                Kind.UNAUTHORISED,
                "unauthorized: " + reason(says) + " (registry " + registry + ", token from " + host + ")" + help);
    }

    /** What the server says beyond that it does not know us. */
    private static String reason(String says) {
        String more = says.replaceFirst("^(unauthorized(: |$))+", "");
        return more.isEmpty() ? "incorrect username or password" : more;
    }

    private static Token read(byte[] document) throws DriverException, IOException {
        JsonNode root = Failures.JSON.readTree(document);
        String value = root == null ? "" : root.path("token").asText("");
        if (value.isEmpty() && root != null) {
            value = root.path("access_token").asText("");
        }
        if (value.isEmpty() || value.chars().anyMatch(c -> c <= ' ' || c > '~')) {
            throw failure(Kind.UNAUTHORISED, "the token server's answer holds no token");
        }
        long seconds = root.path("expires_in").asLong(DEFAULT_SECONDS);
        Duration lasts =
                Duration.ofSeconds(Math.max(0, Math.min(seconds, 86_400))).minus(MARGIN);
        return new Token(value, System.nanoTime() + lasts.toNanos());
    }
}
