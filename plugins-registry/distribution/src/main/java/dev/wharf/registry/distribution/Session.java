package dev.wharf.registry.distribution;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.registry.Credentials;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import javax.net.ssl.SSLException;

/**
 * Requests to one registry in the name of one user. Answers challenges, follows redirects, comes back when told to wait, and
 * bounds all of that. The Authorization header goes to the registry's own origin and nowhere else.
 */
final class Session {
    private static final int MAX_REDIRECTS = 5;
    private static final int MAX_CHALLENGES = 2;
    private static final int MAX_RETRIES = 2;
    private static final Duration FIRST_PAUSE = Duration.ofMillis(300);

    /** The longest that a registry may make us wait in one request, all its requests to wait together. */
    private static final Duration MAX_WAIT = Duration.ofSeconds(60);

    private static final Set<String> REPEATABLE = Set.of("GET", "HEAD");

    private final Wire wire;
    private final Settings settings;
    private final String registry;
    private final URI base;
    private final Origin origin;
    private final Credentials credentials;

    Session(Wire wire, Settings settings, String registry, URI base, Credentials credentials) {
        this.wire = wire;
        this.settings = settings;
        this.registry = registry;
        this.base = base;
        this.origin = Origin.of(base);
        this.credentials = credentials;
    }

    URI base() {
        return base;
    }

    String registry() {
        return registry;
    }

    Duration patience() {
        return settings.idleTimeout();
    }

    /**
     * Sends {@code request} and answers with what came in the end, whatever its status. UNAVAILABLE where nothing came.
     *
     * @param scopes what the request needs to be allowed, as {@code repository:name:actions}
     */
    Http.Answer exchange(Http.Request request, SortedSet<String> scopes) throws DriverException {
        Http.Request next = request;
        int redirects = 0;
        int challenges = 0;
        int retries = 0;
        Duration waited = Duration.ZERO;
        SortedSet<String> wanted = new TreeSet<>(scopes);
        String refusedToken = "";
        while (true) {
            boolean home = Origin.of(next.uri()).equals(origin);
            Optional<String> authorization = home ? authorization(wanted, refusedToken) : Optional.empty();
            Http.Answer answer;
            try {
                answer = send(authorization.isPresent() ? next.with("Authorization", authorization.get()) : next);
            } catch (IOException e) {
                if (REPEATABLE.contains(next.method()) && mayPass(e) && retries++ < MAX_RETRIES) {
                    pause(FIRST_PAUSE.multipliedBy(retries));
                    continue;
                }
                wire.doubt(registry);
                throw Failures.unreachable(next.uri(), e);
            }
            if (answer.status() == 401 && home && challenges++ < MAX_CHALLENGES) {
                Optional<Challenge> challenge = Challenge.choose(answer.headers("WWW-Authenticate"));
                if (challenge.isPresent() && hasAnswer(challenge.get(), authorization)) {
                    answer.close();
                    wire.learn(origin, challenge.get());
                    refusedToken = authorization
                            .filter(a -> a.startsWith("Bearer "))
                            .map(a -> a.substring(7))
                            .orElse("");
                    continue;
                }
                return answer;
            }
            Optional<Duration> delay = delay(next, answer, retries);
            if (delay.isPresent() && waited.plus(delay.get()).compareTo(MAX_WAIT) <= 0) {
                answer.close();
                waited = waited.plus(delay.get());
                retries++;
                pause(delay.get());
                continue;
            }
            if (!isRedirect(answer.status())) {
                return answer;
            }
            answer.close();
            if (redirects++ >= MAX_REDIRECTS) {
                throw failure(
                        Kind.FAILED,
                        "registry " + registry + " sends us from place to place: stopped after " + MAX_REDIRECTS
                                + " redirects");
            }
            next = next.at(target(next, answer));
        }
    }

    private Http.Answer send(Http.Request request) throws IOException {
        return wire.http.send(
                request,
                Tls.of(settings, Tokens.authority(request.uri()), registry),
                settings.connectTimeout(),
                settings.idleTimeout());
    }

    private Optional<String> authorization(SortedSet<String> scopes, String refused) throws DriverException {
        if (!credentials.registryToken().isEmpty()) {
            return Optional.of("Bearer " + credentials.registryToken());
        }
        Optional<Challenge> challenge = wire.challenge(origin);
        if (challenge.isEmpty()) {
            return Optional.empty();
        }
        if (challenge.get().scheme().equals("basic")) {
            return credentials.username().isEmpty() ? Optional.empty() : Optional.of(Tokens.basic(credentials));
        }
        try {
            return Optional.of("Bearer "
                    + wire.tokens.token(settings, registry, origin, challenge.get(), scopes, credentials, refused));
        } catch (DriverException e) {
            // The registry may ask for something else by now; the next request will hear.
            wire.forget(origin);
            throw e;
        }
    }

    /** Whether there is anything to say to {@code challenge} that was not said in the request it answers. */
    private boolean hasAnswer(Challenge challenge, Optional<String> said) {
        if (!credentials.registryToken().isEmpty()) {
            return false;
        }
        if (challenge.scheme().equals("basic")) {
            return !credentials.username().isEmpty() && !said.equals(Optional.of(Tokens.basic(credentials)));
        }
        return true;
    }

    static boolean mayPass(IOException e) {
        return !(e instanceof InterruptedIOException
                || e instanceof ConnectException
                || e instanceof HttpTimeoutException
                || e instanceof SSLException);
    }

    /** How long to wait before the same request again; empty where that would not help. */
    static Optional<Duration> delay(Http.Request request, Http.Answer answer, int retries) {
        int status = answer.status();
        boolean passing = status == 500 || status == 502 || status == 503 || status == 504;
        if (status != 429 && !(passing && REPEATABLE.contains(request.method()))) {
            return Optional.empty();
        }
        Optional<Duration> asked = retryAfter(answer.header("Retry-After"));
        if (retries >= (status == 429 ? 2 * MAX_RETRIES : MAX_RETRIES)) {
            return Optional.empty();
        }
        return Optional.of(asked.orElse(FIRST_PAUSE.multipliedBy(1L << retries)));
    }

    private static Optional<Duration> retryAfter(String text) {
        if (text.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(Duration.ofSeconds(Math.max(0, Integer.parseInt(text.strip()))));
        } catch (NumberFormatException notSeconds) {
            try {
                Duration until = Duration.between(
                        Instant.now(), ZonedDateTime.parse(text.strip(), DateTimeFormatter.RFC_1123_DATE_TIME));
                return Optional.of(until.isNegative() ? Duration.ZERO : until);
            } catch (DateTimeParseException neither) {
                return Optional.empty();
            }
        }
    }

    static boolean isRedirect(int status) {
        return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    }

    private URI target(Http.Request from, Http.Answer answer) throws DriverException {
        URI target = resolve(from.uri(), answer.header("Location"));
        boolean secure = target.getScheme().equals("https");
        if (!secure && from.uri().getScheme().equals("https") && !settings.isInsecure(Tokens.authority(target))) {
            throw failure(
                    Kind.FAILED,
                    "registry " + registry + " sends us from HTTPS to plain HTTP at " + target.getHost()
                            + "; that is not followed");
        }
        if (!REPEATABLE.contains(from.method()) && !Origin.of(target).equals(Origin.of(from.uri()))) {
            throw failure(
                    Kind.FAILED,
                    "registry " + registry + " sends an upload on to " + target.getHost() + "; that is not followed");
        }
        return target;
    }

    /** A Location as given, which may be relative. */
    URI resolve(URI from, String location) throws DriverException {
        try {
            URI target = from.resolve(location);
            if (location.isEmpty() || target.getHost() == null || target.getUserInfo() != null) {
                throw new IllegalArgumentException("no host");
            }
            // A registry behind a proxy that takes the TLS off may not know that it is reached by HTTPS.
            if (target.getScheme().equals("http")
                    && origin.isSecure()
                    && target.getHost().equals(base.getHost())) {
                return URI.create(base.getScheme() + "://" + base.getRawAuthority() + target.getRawPath()
                        + (target.getRawQuery() == null ? "" : "?" + target.getRawQuery()));
            }
            if (!Set.of("http", "https").contains(target.getScheme())) {
                throw new IllegalArgumentException("no HTTP");
            }
            return target;
        } catch (IllegalArgumentException e) {
            throw failure(Kind.FAILED, "registry " + registry + " sends us to an address that is none", e);
        }
    }

    static void pause(Duration time) throws DriverException {
        try {
            Thread.sleep(time.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failure(Kind.UNAVAILABLE, "interrupted", e);
        }
    }
}
