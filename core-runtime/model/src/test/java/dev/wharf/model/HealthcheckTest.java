package dev.wharf.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class HealthcheckTest {
    private static Healthcheck asking(String... test) {
        return new Healthcheck(List.of(test), Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO, 0);
    }

    @Test
    void wordsAreRunAsTheyAre() {
        assertThat(asking("CMD", "curl", "-f", "localhost").command(List.of()))
                .containsExactly("curl", "-f", "localhost");
    }

    @Test
    void aLineIsRunByTheShellOfTheImage() {
        Healthcheck check = asking("CMD-SHELL", "test -f /ok || exit 1");
        assertThat(check.command(List.of())).containsExactly("/bin/sh", "-c", "test -f /ok || exit 1");
        assertThat(check.command(List.of("/bin/bash", "-ec")))
                .containsExactly("/bin/bash", "-ec", "test -f /ok || exit 1");
    }

    @Test
    void noneAsksNothing() {
        assertThat(asking("NONE").isAsked()).isFalse();
        assertThat(asking().isAsked()).isFalse();
        assertThat(asking().command(List.of())).isEmpty();
        assertThat(asking("CMD", "true").isAsked()).isTrue();
    }

    @Test
    void zeroMeansTheDefaultsOfDocker() {
        Healthcheck check = asking("CMD", "true");
        assertThat(check.pause()).isEqualTo(Duration.ofSeconds(30));
        assertThat(check.patience()).isEqualTo(Duration.ofSeconds(30));
        assertThat(check.startPause()).isEqualTo(Duration.ofSeconds(5));
        assertThat(check.tolerance()).isEqualTo(3);
    }

    @Test
    void whatIsSaidCounts() {
        Healthcheck check = new Healthcheck(
                List.of("CMD", "true"),
                Duration.ofSeconds(1),
                Duration.ofSeconds(2),
                Duration.ofSeconds(3),
                Duration.ofSeconds(4),
                5);
        assertThat(check.pause()).isEqualTo(Duration.ofSeconds(1));
        assertThat(check.patience()).isEqualTo(Duration.ofSeconds(2));
        assertThat(check.startPause()).isEqualTo(Duration.ofSeconds(4));
        assertThat(check.tolerance()).isEqualTo(5);
    }

    @Test
    void whatACheckDoesNotSayItTakesFromAnotherFieldByField() {
        Healthcheck image = new Healthcheck(
                List.of("CMD", "well"),
                Duration.ofSeconds(7),
                Duration.ofSeconds(2),
                Duration.ofSeconds(3),
                Duration.ofSeconds(1),
                5);
        Healthcheck own =
                new Healthcheck(List.of(), Duration.ofSeconds(9), Duration.ZERO, Duration.ZERO, Duration.ZERO, 0);

        assertThat(own.over(image))
                .isEqualTo(new Healthcheck(
                        List.of("CMD", "well"),
                        Duration.ofSeconds(9),
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(3),
                        Duration.ofSeconds(1),
                        5));
        Healthcheck off =
                new Healthcheck(List.of("NONE"), Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO, 0);
        assertThat(off.over(image).isAsked()).isFalse();
    }

    @Test
    void wordsThatNobodyKnowsAskNothing() {
        Healthcheck check = new Healthcheck(
                List.of("curl", "localhost"), Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO, 0);

        assertThat(check.isAsked()).isFalse();
    }
}
