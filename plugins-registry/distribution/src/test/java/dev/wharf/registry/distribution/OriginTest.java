package dev.wharf.registry.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OriginTest {
    @Test
    void theDefaultPortIsTheSameAsNone() {
        assertThat(origin("https://Registry.example")).isEqualTo(origin("https://registry.example:443/x"));
        assertThat(origin("https://registry.example")).isNotEqualTo(origin("http://registry.example"));
        assertThat(origin("https://registry.example")).isNotEqualTo(origin("https://registry.example:5000"));
    }

    @ParameterizedTest
    @CsvSource({
        "registry-1.docker.io, auth.docker.io",
        "registry.gitlab.com, gitlab.com",
        "ghcr.io, ghcr.io",
        "ghcr.io, token.ghcr.io",
        "registry.example.co.uk, auth.example.co.uk",
        "127.0.0.1, 127.0.0.1",
    })
    void aHostTrustsItsOwnSite(String registry, String realm) {
        assertThat(origin("https://" + registry).sharesSiteWith(origin("https://" + realm)))
                .isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "registry-1.docker.io, docker.io.evil.example",
        "registry-1.docker.io, evildocker.io",
        "ghcr.io, quay.io",
        "example.co.uk, evil.co.uk",
        "example.com.au, evil.com.au",
        "registry.local, evil.local",
        "10.0.0.1, 10.0.0.2",
        "1.2.3.4, 5.2.3.4",
        "localhost, evil",
    })
    void aHostDoesNotTrustStrangers(String registry, String realm) {
        assertThat(origin("https://" + registry).sharesSiteWith(origin("https://" + realm)))
                .isFalse();
    }

    private static Origin origin(String uri) {
        return Origin.of(URI.create(uri));
    }
}
