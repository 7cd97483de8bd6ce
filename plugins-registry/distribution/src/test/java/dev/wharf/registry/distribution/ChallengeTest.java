package dev.wharf.registry.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class ChallengeTest {
    @Test
    void aBearerChallengeIsRead() {
        assertThat(
                        Challenge.parse(
                                "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\",scope=\"repository:a/b:pull,push\""))
                .containsExactly(new Challenge(
                        "bearer",
                        Map.of(
                                "realm",
                                "https://auth.docker.io/token",
                                "service",
                                "registry.docker.io",
                                "scope",
                                "repository:a/b:pull,push")));
    }

    @Test
    void spacesEscapesAndBareWordsAreUnderstood() {
        assertThat(Challenge.parse("  BASIC  Realm = \"a \\\"b\\\" c\" , charset=UTF-8"))
                .containsExactly(new Challenge("basic", Map.of("realm", "a \"b\" c", "charset", "UTF-8")));
    }

    @Test
    void severalChallengesInOneHeaderAreToldApart() {
        assertThat(Challenge.parse("Negotiate, Basic realm=\"x\", Bearer realm=\"y\""))
                .extracting(Challenge::scheme)
                .containsExactly("negotiate", "basic", "bearer");
    }

    @Test
    void tokensComeBeforePasswords() {
        assertThat(Challenge.choose(List.of("Basic realm=\"x\"", "Bearer realm=\"y\""))
                        .orElseThrow()
                        .scheme())
                .isEqualTo("bearer");
        assertThat(Challenge.choose(List.of("Negotiate"))).isEmpty();
        assertThat(Challenge.choose(List.of())).isEmpty();
    }

    @Test
    void anyTextIsReadToItsEnd() {
        Random chance = new Random(42);
        for (int i = 0; i < 20_000; i++) {
            StringBuilder text = new StringBuilder();
            for (int n = chance.nextInt(30); n > 0; n--) {
                text.append("Bearer realm=\",\\ \t\0\u00e9".charAt(chance.nextInt(20)));
            }
            Challenge.choose(List.of(text.toString()));
        }
        assertThat(Challenge.parse("x".repeat(100_000))).isEmpty();
    }
}
