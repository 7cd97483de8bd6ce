package dev.wharf.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StorageCommandsTest {
    private static final String WHERE = "{\"drivers\":[],\"objects\":["
            + "{\"kind\":\"image\",\"id\":\"sha256:1\",\"name\":\"nginx\",\"drivers\":[\"erofs\",\"overlay\"],\"movingTo\":\"\"},"
            + "{\"kind\":\"container\",\"id\":\"ab\",\"name\":\"web\",\"drivers\":[\"overlay\"],\"movingTo\":\"%s\"}],"
            + "\"moves\":[%s]}";

    @TempDir
    private Path folder;

    private FakeAgent agent;

    private record Run(int status, String out, String err) {}

    @BeforeEach
    void open() throws IOException {
        agent = new FakeAgent(folder.resolve("s"));
    }

    @AfterEach
    void close() throws IOException {
        agent.close();
    }

    private Run wharf(String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Map<String, String> environment = Map.of("WHARF_HOST", agent.host());
        Surroundings surroundings =
                new Surroundings(new ByteArrayInputStream(new byte[0]), out, err, environment, false, false);
        int status = Main.run(surroundings, arguments);
        return new Run(status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @ValueSource(strings = {"storage", "storage ls", "storage df", "storage migrate"})
    void everyCommandHasHelpWithAnExample(String command) {
        Run help = wharf((command + " --help").split(" "));
        assertThat(help.status()).isZero();
        assertThat(help.out()).contains("Usage: wharf", "Example", "wharf " + command);
    }

    @Test
    void whatLivesWhereIsATableAndTroubleIsTold() {
        agent.answer(
                "/wharf/v1/storage",
                String.format(
                        WHERE,
                        "erofs",
                        "{\"snapshot\":\"container-ab\",\"kind\":\"container\",\"name\":\"web\",\"from\":\"overlay\","
                                + "\"to\":\"erofs\",\"copied\":false,\"trouble\":\"no driver serves\"}"));
        assertThat(wharf("storage", "ls").out()).isEqualTo("""
                KIND        NAME    DRIVER           MOVING
                image       nginx   erofs, overlay
                container   web     overlay          to erofs
                container web: no driver serves
                """);
    }

    @Test
    void sizesAreReadable() {
        agent.answer(
                "/wharf/v1/storage/df",
                "{\"drivers\":[{\"name\":\"overlay\",\"layers\":3,\"layerBytes\":1234567,\"containers\":1,"
                        + "\"containerBytes\":12,\"originals\":2}]}");
        assertThat(wharf("storage", "df").out()).isEqualTo("""
                DRIVER    LAYERS   SIZE     CONTAINERS   SIZE   TO BE REMOVED
                overlay   3        1.2 MB   1            12 B   2 originals
                """);
    }

    @Test
    void aMigrationThatLeftSomethingWhereItWasFails() {
        agent.answer(
                        "/wharf/v1/storage/migrate?to=erofs&what=web",
                        "{\"objects\":[\"ab\"],\"skipped\":[\"db is running; stop it first\"]}")
                .answer("/wharf/v1/storage", String.format(WHERE, "", ""));
        Run run = wharf("storage", "migrate", "--to", "erofs", "web");
        assertThat(run.status()).isEqualTo(1);
        assertThat(run.out()).isEqualTo("""
                left out: db is running; stop it first
                0 of 0 snapshots copied
                container web was not moved; wharf history web tells why
                """);
        agent.answer("/wharf/v1/storage/migrate?to=overlay&what=web", "{\"objects\":[\"ab\"],\"skipped\":[]}");
        assertThat(wharf("storage", "migrate", "--to", "overlay", "web").status())
                .isZero();
    }

    @Test
    void whatToMoveMustBeSaidOneWayOrTheOther() {
        assertThat(wharf("storage", "migrate", "--to", "erofs").status()).isEqualTo(2);
        assertThat(wharf("storage", "migrate", "--to", "erofs", "--all", "web").status())
                .isEqualTo(2);
        assertThat(wharf("storage", "migrate", "web").status()).isEqualTo(2);
        assertThat(agent.asked()).isEmpty();
    }
}
