package dev.wharf.build.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.build.dockerfile.Dockerfile;
import dev.wharf.build.dockerfile.DockerfileException;
import dev.wharf.build.dockerfile.Instruction;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.Platform;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class StagesTest {
    private static Stages of(Map<String, String> arguments, String target, String... lines) throws DockerfileException {
        return of(Contexts.ONE, arguments, target, lines);
    }

    private static Stages of(Contexts contexts, Map<String, String> arguments, String target, String... lines)
            throws DockerfileException {
        return Stages.of(
                Dockerfile.parse("Dockerfile", String.join("\n", lines)),
                arguments,
                target,
                Platform.parse("linux/amd64"),
                contexts);
    }

    private static Stages of(String... lines) throws DockerfileException {
        return of(Map.of(), "", lines);
    }

    @Test
    void onlyStagesThatTheTargetNeedsAreWanted() throws DockerfileException {
        Stages all = of(
                "FROM a AS one",
                "FROM b AS two",
                "FROM c",
                "COPY --from=one /x /x",
                "FROM 2",
                "RUN --mount=from=two,target=/t x");

        assertThat(all.wanted()).containsExactlyInAnyOrder(1, 3);
        assertThat(of(Map.of(), "2", "FROM a AS one", "FROM b", "FROM c", "COPY --from=one /x /x")
                        .wanted())
                .containsExactlyInAnyOrder(0, 2);
    }

    @Test
    void aStageMayHaveTheNameOfAnImage() throws DockerfileException {
        Stages all = of("FROM busybox AS busybox", "FROM busybox");

        assertThat(all.all().get(0).baseStage()).isEmpty();
        assertThat(all.all().get(1).baseStage()).contains(0);
    }

    @Test
    void aContextGoesBeforeTheStageThatHasItsName() throws DockerfileException {
        Stages all = of(
                new Contexts(Map.of("made", "sha256:1"), Set.of("files")),
                Map.of(),
                "",
                "FROM one AS made",
                "RUN never",
                "FROM two AS files",
                "COPY --from=made /x /x",
                "FROM made",
                "COPY --from=files /y /y",
                "FROM files",
                "COPY --from=docker.io/library/files:latest /z /z");

        assertThat(all.all().get(0).base()).isEqualTo("made");
        assertThat(all.all().get(0).body()).isEmpty();
        assertThat(all.all().get(1).base()).isEqualTo("scratch");
        assertThat(all.all().get(1).body()).extracting(Instruction::code).containsExactly("COPY --from=files . /");
        assertThat(all.all().get(1).needs()).isEmpty();
        assertThat(all.all().get(2).needs()).containsExactly(0);
        assertThat(all.wanted()).containsExactly(1, 3);
    }

    @Test
    void circlesAndReferencesAheadAreRefused() {
        assertThatThrownBy(() -> of("FROM x AS a", "COPY --from=a /1 /2"))
                .hasMessageContaining("refers to current build block");
        assertThatThrownBy(() -> of("FROM x AS a", "COPY --from=b /1 /2", "FROM x AS b", "COPY --from=a /1 /2"))
                .hasMessageContaining("circular dependency detected on stage: b")
                .hasMessageContaining("Dockerfile:2:1: COPY");
        assertThatThrownBy(() -> of("FROM x", "COPY --from=1 /1 /2", "FROM x"))
                .hasMessageContaining("invalid from flag value 1");
        assertThatThrownBy(() -> of(Map.of(), "nope", "FROM x"))
                .hasMessageContaining("target stage \"nope\" could not be found");
        assertThatThrownBy(() -> of("RUN x", "FROM y")).hasMessageContaining("no build stage in current context");
    }

    @Test
    void argumentsBeforeTheFirstStageNameItsBase() throws DockerfileException {
        String[] lines = {"ARG v=1", "ARG image=base:$v", "FROM ${image}"};

        assertThat(of(lines).target().base()).isEqualTo("base:1");
        assertThat(of(Map.of("v", "2"), "", lines).target().base()).isEqualTo("base:2");
    }

    @Test
    void argumentsAreSeenWhereTheyAreDeclaredAndUnusedOnesAreTold() throws DockerfileException {
        Stages all = of(Map.of("a", "given", "b", "never"), "", "ARG a=1", "FROM x", "ARG a", "ARG c=3");
        Draft draft = Draft.scratch(all, Platform.parse("linux/amd64"));
        for (Instruction one : all.target().body()) {
            draft.settings(one);
        }

        assertThat(draft.environment()).contains("a=given", "c=3");
        assertThat(draft.toldRun(List.of("/bin/sh", "-c", "x"))).isEqualTo("|2 a=given c=3 /bin/sh -c x");
        assertThat(all.outer().unused()).containsExactly("b");
    }

    @Test
    void argumentsGoOnInAStageMadeFromTheirsWhereBuildkitsRulesCount() throws DockerfileException {
        Stages all = of(Map.of("g", "given"), "one", "FROM x AS one", "ARG a=1", "ARG g", "ARG TARGETSTAGE");
        Draft draft = Draft.scratch(all, Platform.parse("linux/amd64"));
        for (Instruction one : all.target().body()) {
            draft.settings(one);
        }

        assertThat(draft.heir(all).environment()).contains("a=1", "g=given", "TARGETSTAGE=one");
        assertThat(draft.child(all).environment()).noneMatch(one -> one.startsWith("a=") || one.startsWith("g="));
    }

    @Test
    void whatIsBuiltOnAnImageWithoutAPathHasTheUsualOne() throws DockerfileException {
        ImageConfig bare = new ImageConfig(
                Platform.host(),
                "2026-01-01T00:00:00Z",
                "",
                "",
                List.of("A=b"),
                List.of(),
                List.of(),
                "",
                List.of(),
                List.of(),
                Map.of(),
                "",
                Optional.empty(),
                List.of(),
                List.of(),
                List.of(),
                List.of());
        Stages all = of("FROM x", "ENV PATH=$PATH:/opt/bin");
        Draft draft = Draft.on(all, bare, List.of(), Digest.sha256("x"));
        for (Instruction one : all.target().body()) {
            draft.settings(one);
        }

        assertThat(draft.environment())
                .containsExactly("A=b", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/bin");
    }

    @Test
    void settingsAreToldAsDockerTellsThem() throws DockerfileException {
        Stages all = of(
                "FROM x",
                "HEALTHCHECK --interval=90s --retries=3 CMD a b",
                "CMD [\"a\", \"b\\n\"]",
                "EXPOSE 90 80/udp",
                "VOLUME /a /b",
                "ENTRYPOINT x",
                "SHELL [\"/bin/bash\", \"-c\"]",
                "LABEL a=1 b=\"2 3\"");
        Draft draft = Draft.scratch(all, Platform.parse("linux/amd64"));

        assertThat(all.target().body().stream().map(one -> {
                    try {
                        return draft.settings(one);
                    } catch (DockerfileException e) {
                        return e.getMessage();
                    }
                }))
                .containsExactly(
                        "HEALTHCHECK &{[\"CMD-SHELL\" \"a b\"] \"1m30s\" \"0s\" \"0s\" \"0s\" '\\x03'}",
                        "CMD [\"a\" \"b\\n\"]",
                        "EXPOSE 80/udp 90",
                        "VOLUME [/a /b]",
                        "ENTRYPOINT [\"/bin/sh\" \"-c\" \"x\"]",
                        "SHELL [/bin/bash -c]",
                        "LABEL a=1 b=2 3");
    }

    @Test
    void keysFollowFromEverythingBefore() throws DockerfileException {
        Stages all = of("FROM x", "ENV a=1", "ENV a=2");
        Draft one = Draft.scratch(all, Platform.parse("linux/amd64"));
        Draft other = Draft.scratch(all, Platform.parse("linux/amd64"));
        assertThat(one.next("RUN x")).isEqualTo(other.next("RUN x")).isNotEqualTo(one.next("RUN y"));

        one.done(one.next("ENV a=1"), "", "", java.util.Optional.empty());
        other.done(other.next("ENV a=2"), "", "", java.util.Optional.empty());

        assertThat(one.next("RUN x")).isNotEqualTo(other.next("RUN x"));
    }
}
