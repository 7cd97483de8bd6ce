package dev.wharf.registry.distribution;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.model.Repository;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.registry.Credentials;
import java.net.URI;
import java.util.Collections;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;

/** Finds out whether a registry takes credentials, by the request that says nothing but hello. */
final class Login {
    private final Wire wire;
    private final Settings settings;
    private final String registry;

    Login(Wire wire, Settings settings, String host) {
        this.wire = wire;
        this.settings = settings;
        this.registry = host.equals(Repository.DEFAULT_HOST) || host.equals("index.docker.io")
                ? "registry-1.docker.io"
                : host.toLowerCase(Locale.ROOT);
    }

    /** Answers with no token: passwords are kept by the client, as by Docker's own for registries of this kind. */
    String run(Credentials credentials) throws DriverException {
        wire.http.enter();
        try {
            URI base = wire.base(settings, registry);
            Session session = new Session(wire, settings, registry, base, credentials);
            URI hello = URI.create(base + "/v2/");
            Http.Request request = new Http.Request("GET", hello, Map.of(), session.patience());
            try (Http.Answer answer = session.exchange(request, Collections.unmodifiableSortedSet(new TreeSet<>()))) {
                return judged(hello, answer);
            }
        } finally {
            wire.http.leave();
        }
    }

    private static String judged(URI hello, Http.Answer answer) throws DriverException {
        return switch (answer.status()) {
            case 200 -> "";
            case 401, 403 ->
                throw failure(
                        Kind.UNAUTHORISED,
                        "login attempt to " + hello + " failed with status: " + answer.status()
                                + (answer.status() == 401 ? " Unauthorized" : " Forbidden"));
            case 429, 500, 502, 503, 504 ->
                throw failure(
                        Kind.UNAVAILABLE, "login attempt to " + hello + " failed with status: " + answer.status());
            default ->
                throw failure(Kind.FAILED, "login attempt to " + hello + " failed with status: " + answer.status());
        };
    }
}
