package dev.wharf.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ReferenceTest {
    private static final String DIGEST = "sha256:" + "a1".repeat(32);

    @ParameterizedTest
    @CsvSource({
        "ubuntu, docker.io/library/ubuntu:latest, ubuntu:latest",
        "ubuntu:22.04, docker.io/library/ubuntu:22.04, ubuntu:22.04",
        "team/app, docker.io/team/app:latest, team/app:latest",
        "docker.io/ubuntu, docker.io/library/ubuntu:latest, ubuntu:latest",
        "index.docker.io/team/app:1, docker.io/team/app:1, team/app:1",
        "localhost/app, localhost/app:latest, localhost/app:latest",
        "host:5000/app, host:5000/app:latest, host:5000/app:latest",
        "[::1]:5000/app:x, [::1]:5000/app:x, [::1]:5000/app:x",
        "registry.example.com/a/b/c:1.2, registry.example.com/a/b/c:1.2, registry.example.com/a/b/c:1.2"
    })
    void whatPeopleWriteIsExpandedAndFoldedAgain(String written, String whole, String familiar) {
        Reference reference = Reference.parse(written);
        assertThat(reference).hasToString(whole);
        assertThat(reference.familiar()).isEqualTo(familiar);
        assertThat(Reference.parse(whole)).isEqualTo(reference);
    }

    @Test
    void aDigestStandsForItselfAndNeedsNoTag() {
        Reference reference = Reference.parse("ubuntu@" + DIGEST);
        assertThat(reference.tag()).isEmpty();
        assertThat(reference.digest()).contains(Digest.parse(DIGEST));
        assertThat(reference).hasToString("docker.io/library/ubuntu@" + DIGEST);
    }

    @Test
    void tagAndDigestMayStandTogether() {
        Reference reference = Reference.parse("ubuntu:22.04@" + DIGEST);
        assertThat(reference.tag()).contains("22.04");
        assertThat(reference.digest()).isPresent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "Ubuntu",
                "ubuntu:",
                "ubuntu:-x",
                "ubuntu:a b",
                "a//b",
                "/a",
                "a/",
                "a___b",
                "ubuntu@sha256:12",
                "ubuntu@md5:00",
                "ub\u0000untu",
                "../../etc/passwd",
                "host:port/app"
            })
    void whatIsNoReferenceIsRefused(String written) {
        assertThatThrownBy(() -> Reference.parse(written)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void upperCaseIsNamedAsTheReason() {
        assertThatThrownBy(() -> Reference.parse("Ubuntu"))
                .hasMessageContaining("repository name (library/Ubuntu) must be lowercase");
    }

    @Test
    void aNameWithoutEndIsRefusedBeforeItIsRead() {
        assertThatThrownBy(() -> Reference.parse("a" + "/a".repeat(200_000)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Reference.parse("a" + ".a".repeat(200_000) + "/x"))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
