package dev.wharf.build.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.build.dockerfile.Dockerfile;
import dev.wharf.build.dockerfile.DockerfileException;
import dev.wharf.model.Platform;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ChecksTest {
    private static Checks.Result check(String asked, String target, String... lines) throws DockerfileException {
        Stages stages = Stages.of(
                Dockerfile.parse("Dockerfile", String.join("\n", lines)),
                Map.of(),
                target,
                Platform.parse("linux/amd64"),
                Contexts.ONE);
        return Checks.of(
                stages,
                asked,
                target.isEmpty(),
                image -> image.equals("known") ? Optional.of(Set.of("JAVA_HOME")) : Optional.empty());
    }

    private static List<String> of(String... lines) throws DockerfileException {
        return check("", "", lines).warnings().stream()
                .map(Checks.Warning::shown)
                .toList();
    }

    @Test
    void whatBreaksARuleIsToldAsByBuildKit() throws DockerfileException {
        assertThat(of("FROM a as One", "FROM b AS one", "FROM --platform=linux/amd64 c AS context", "FROM d:x$none"))
                .containsExactly(
                        "StageNameCasing: Stage name 'One' should be lowercase (line 1)",
                        "FromAsCasing: 'as' and 'FROM' keywords' casing do not match (line 1)",
                        "DuplicateStageName: Duplicate stage name \"one\", stage names should be unique (line 2)",
                        "ReservedStageName: Stage name should not use the same name as reserved stage \"context\" (line 3)",
                        "FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant value"
                                + " \"linux/amd64\" (line 3)",
                        "UndefinedArgInFrom: FROM argument 'none' is not declared (line 4)");
        assertThat(of("FROM --platform=$TARGETPLATFORM a", "maintainer me", "RUN a \\", "", " b", "WORKDIR rel"))
                .containsExactly(
                        "NoEmptyContinuation: Empty continuation line (line 5)",
                        "MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label (line 2)",
                        "ConsistentInstructionCasing: Command 'maintainer' should match the case of the command majority"
                                + " (uppercase) (line 2)",
                        "RedundantTargetPlatform: Setting platform to predefined $TARGETPLATFORM in FROM is redundant as"
                                + " this is the default behavior (line 1)",
                        "WorkdirRelativePath: Relative workdir \"rel\" can have unexpected results if the base image"
                                + " changes (line 6)");
        assertThat(of("FROM a", "CMD [\"x\"]", "CMD x", "ENV a b", "ARG TOKEN", "EXPOSE 80/TCP 1.2.3.4:80:80"))
                .containsExactly(
                        "MultipleInstructionsDisallowed: Multiple CMD instructions should not be used in the same stage"
                                + " because only the last one will be used (line 2)",
                        "JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related"
                                + " to OS signals (line 3)",
                        "LegacyKeyValueFormat: \"ENV key=value\" should be used instead of legacy \"ENV key value\" format"
                                + " (line 4)",
                        "SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ARG \"TOKEN\")"
                                + " (line 5)",
                        "ExposeProtoCasing: Defined protocol '80/TCP' in EXPOSE instruction should be lowercase (line 6)",
                        "ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping,"
                                + " found '1.2.3.4:80:80' (line 6)");
    }

    @Test
    void variablesThatNothingKnowsAreTold() throws DockerfileException {
        assertThat(of(
                        "ARG G=1",
                        "FROM known AS one",
                        "ENV A=$PATH B=${JAVA_HOME:-x} C=${NONE:-$JAVA_HME} D='$D' E=\\$E",
                        "ARG DECLARED",
                        "ARG WITH=$DECLARED$G",
                        "COPY --chown=$A a ${B}/$WITH",
                        "RUN --mount=target=$M echo $not",
                        "FROM one",
                        "USER $DECLARED$A$U",
                        "COPY <<E <<'F' /x/",
                        "$H",
                        "E",
                        "$never",
                        "F",
                        "FROM unknown",
                        "WORKDIR /$X",
                        "FROM scratch",
                        "WORKDIR /$PATH/$Y"))
                .containsExactly(
                        "UndefinedVar: Usage of undefined variable '$JAVA_HME' (did you mean $JAVA_HOME?) (line 3)",
                        "UndefinedVar: Usage of undefined variable '$NONE' (line 3)",
                        "UndefinedVar: Usage of undefined variable '$G' (did you mean $A?) (line 5)",
                        "UndefinedVar: Usage of undefined variable '$M' (did you mean $A?) (line 7)",
                        "UndefinedVar: Usage of undefined variable '$U' (did you mean $A?) (line 9)",
                        "UndefinedVar: Usage of undefined variable '$H' (did you mean $A?) (line 10)",
                        "UndefinedVar: Usage of undefined variable '$Y' (line 18)");
    }

    @Test
    void aBaseIsNamedByArgumentsWithoutAClientToo() throws DockerfileException {
        assertThat(of("ARG IMAGE", "ARG TAG=1", "FROM known:$TAG", "FROM ${IMAGE:-known}", "FROM known$IMAGE:x"))
                .isEmpty();
        assertThat(of("ARG TAG=", "FROM known:$TAG"))
                .containsExactly("InvalidDefaultArgInFrom: Default value for ARG known:$TAG results in empty or invalid"
                        + " base image name (line 2)");
    }

    @Test
    void whatIsWrittenAsItShouldBreaksNone() throws DockerfileException {
        assertThat(of(
                        "ARG V=1",
                        "FROM --platform=$BUILDPLATFORM a:${V} AS one",
                        "SHELL [\"x\"]",
                        "CMD y",
                        "ENV PUBLIC_KEY=1 path=2",
                        "WORKDIR /a",
                        "WORKDIR b",
                        "FROM --platform=linux/arm64 a AS arm64",
                        "EXPOSE 80/tcp"))
                .isEmpty();
    }

    @Test
    void rulesAreSkippedAndMadeErrorsByWhoeverSaysSo() throws DockerfileException {
        String[] file = {"# check=skip=LegacyKeyValueFormat,X;error=true", "FROM a", "ENV a b", "CMD x"};

        assertThat(check("", "", file).violation()).contains("lint violation found for rules: JSONArgsRecommended");
        assertThat(check("skip=all", "", file).warnings()).isEmpty();
        assertThat(check("error=false", "", file).violation()).isEmpty();
        assertThat(check("", "0", "FROM a", "FROM b", "CMD x").warnings()).isEmpty();
    }

    @Test
    void anOutlineHasWhatTheTargetAndItsStagesTake() throws DockerfileException {
        Outline outline = Outline.of(Stages.of(
                Dockerfile.parse(
                        "Dockerfile",
                        String.join(
                                "\n",
                                "ARG BASE=b",
                                "ARG NEVER",
                                "# GLOBAL is everywhere",
                                "ARG GLOBAL=1",
                                "FROM $BASE AS one",
                                "ARG A=a$B",
                                "RUN --mount=type=secret,target=/s/pass --mount=type=ssh,required=true x",
                                "FROM c",
                                "ARG UNRELATED",
                                "# two is the second",
                                "FROM one AS two",
                                "ARG GLOBAL",
                                "ARG GIVEN")),
                Map.of("GIVEN", "given"),
                "two",
                Platform.parse("linux/amd64"),
                Contexts.ONE));

        assertThat(outline.name() + ": " + outline.description()).isEqualTo("two: is the second");
        assertThat(outline.arguments())
                .extracting(one -> one.name() + "=" + one.value() + " " + one.description())
                .containsExactly("BASE=b ", "GLOBAL=1 is everywhere", "A=a ", "GIVEN=given ");
        assertThat(outline.secrets()).extracting(Outline.Lent::name).containsExactly("pass");
        assertThat(outline.agents()).extracting(Outline.Lent::required).containsExactly(true);
    }
}
