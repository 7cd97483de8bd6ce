package dev.wharf.build.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.build.dockerfile.DockerfileException;
import dev.wharf.model.Digest;
import dev.wharf.model.Healthcheck;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.Platform;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChangesTest {
    private static final ImageConfig BASE = new ImageConfig(
            Platform.host(),
            "2026-01-01T00:00:00Z",
            "me",
            "",
            List.of("PATH=/bin"),
            List.of(),
            List.of("sleep", "600"),
            "/srv",
            List.of(),
            List.of(),
            Map.of(),
            "",
            Optional.empty(),
            List.of(),
            List.of(),
            List.of(Digest.sha256("layer")),
            List.of(new ImageConfig.History("2026-01-01T00:00:00Z", "by", "me", "", false)));

    private static ImageConfig changed(String... changes) throws DockerfileException {
        return Changes.apply(BASE, List.of(changes));
    }

    @Test
    void everyInstructionThatCommitTakesIsDone() throws Exception {
        ImageConfig config = changed(
                "HEALTHCHECK --interval=5s --retries=2 CMD [\"true\",\"x\"]",
                "ENV a=b c=\"d e\"",
                "env path $PATH",
                "ENTRYPOINT [\"e\"]",
                "EXPOSE 80 90-91/udp",
                "LABEL \"q r\"=s",
                "ONBUILD RUN x",
                "STOPSIGNAL SIGINT",
                "USER u:g",
                "VOLUME [\"/a\", \"/b\"]",
                "WORKDIR below");

        assertThat(config.healthcheck())
                .contains(new Healthcheck(
                        List.of("CMD", "true", "x"),
                        Duration.ofSeconds(5),
                        Duration.ZERO,
                        Duration.ZERO,
                        Duration.ZERO,
                        2));
        assertThat(config.env()).containsExactly("PATH=/bin", "a=b", "c=d e", "path=/bin");
        assertThat(config.entrypoint()).containsExactly("e");
        assertThat(config.cmd()).as("belonged to the entry point before").isEmpty();
        assertThat(config.exposedPorts()).containsExactly("80/tcp", "90/udp", "91/udp");
        assertThat(config.labels()).isEqualTo(Map.of("q r", "s"));
        assertThat(config.onBuild()).containsExactly("RUN x");
        assertThat(config.stopSignal()).isEqualTo("SIGINT");
        assertThat(config.user()).isEqualTo("u:g");
        assertThat(config.volumes()).containsExactly("/a", "/b");
        assertThat(config.workingDir()).isEqualTo("/srv/below");
        assertThat(config.diffIds()).isEqualTo(BASE.diffIds());
        assertThat(config.history()).isEqualTo(BASE.history());
    }

    @Test
    void nothingToChangeChangesNothing() throws Exception {
        assertThat(changed()).isEqualTo(BASE);
        assertThat(changed("")).isEqualTo(BASE);
        assertThat(changed("CMD x y").cmd()).containsExactly("/bin/sh", "-c", "x y");
    }

    @ParameterizedTest
    @CsvSource({
        "FROM x, FROM is not a valid change command",
        "RUN x, RUN is not a valid change command",
        "COPY a b, COPY is not a valid change command",
        "ARG a, ARG is not a valid change command",
        "MAINTAINER me, MAINTAINER is not a valid change command",
        "NOTHING x, unknown instruction: NOTHING",
        "EXPOSE bad, Invalid containerPort: bad",
        "STOPSIGNAL bad, invalid signal: bad",
        "HEALTHCHECK bad, 'Unknown type \"BAD\" in HEALTHCHECK (try CMD)'",
        "ONBUILD FROM x, FROM isn't allowed as an ONBUILD trigger",
    })
    void whatCannotBeChangedSoIsRefused(String change, String why) {
        assertThatThrownBy(() -> changed(change))
                .isInstanceOf(DockerfileException.class)
                .hasMessage(why);
    }
}
