package dev.wharf.build.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.build.dockerfile.Dockerfile;
import dev.wharf.build.dockerfile.DockerfileException;
import dev.wharf.build.plan.Contexts;
import dev.wharf.build.plan.Stages;
import dev.wharf.model.Platform;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class NeededTest {
    private static Optional<Set<String>> of(String... lines) throws DockerfileException {
        Stages stages = Stages.of(
                Dockerfile.parse("Dockerfile", String.join("\n", lines)),
                Map.of(),
                "",
                Platform.parse("linux/amd64"),
                Contexts.ONE);
        return Needed.paths(stages, image -> switch (image) {
            case "plain" -> Optional.of(List.of());
            case "eager" -> Optional.of(List.of("ADD ./triggered /"));
            default -> Optional.empty();
        });
    }

    @Test
    void onlyWhatWantedStagesTakeIsNeeded() throws DockerfileException {
        assertThat(of(
                        "FROM plain AS one",
                        "COPY never /",
                        "FROM eager AS two",
                        "ONBUILD COPY later /",
                        "FROM two",
                        "COPY --chown=1 /a ./b/../c dir/ /to/",
                        "COPY --from=plain elsewhere /",
                        "ADD http://there/x git://there/y *.go <<here /to/",
                        "text",
                        "here",
                        "RUN --mount=target=/m,source=bound --mount=type=cache,target=/c x"))
                .contains(Set.of("triggered", "later", "a", "c", "dir", "*.go", "bound"));
        assertThat(of("FROM scratch", "LABEL a=b")).contains(Set.of());
    }

    @Test
    void allIsNeededWhereThatCannotBeTold() throws DockerfileException {
        assertThat(of("FROM plain", "COPY a . /")).isEmpty();
        assertThat(of("FROM plain", "COPY a/$WORD /")).isEmpty();
        assertThat(of("FROM plain", "COPY ** /")).isEmpty();
        assertThat(of("FROM plain", "COPY ../a /")).isEmpty();
        assertThat(of("FROM plain", "RUN --mount=target=/m x")).isEmpty();
        assertThat(of("FROM unknown", "COPY a /")).isEmpty();
    }
}
