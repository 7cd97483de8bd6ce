package dev.wharf.registry.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.oci.layout.OciLayout;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.registry.Content;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import dev.wharf.testkit.registry.ReadOnlyRegistryContract;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HttpBackendTest extends ReadOnlyRegistryContract {
    private static final Repository TEAM = Repository.parse("images.example/team/app");
    private static final String SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    @TempDir
    private static Path published;

    private final OciLayout layout;
    private FileServer server;
    private final Map<String, Object> configuration = new HashMap<>();

    HttpBackendTest() throws Exception {
        layout = new OciLayout(Files.createTempDirectory(published, "bucket").resolve("images/team/app"));
        server = new FileServer(layout.folder().resolve("../../..").normalize());
        configuration.put("stores.images.example", server.url() + "/images/");
    }

    @BeforeEach
    void aBackendWithoutAStoreServesNothing() {
        assertThat(new HttpBackend(published, Map.of()).serves(TEAM)).isFalse();
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Override
    protected HttpBackend backend() {
        HttpBackend made = new HttpBackend(published, Map.of());
        made.configure(configuration);
        return made;
    }

    @Override
    protected Repository emptyRepository() {
        return TEAM;
    }

    @Override
    protected Optional<Repository> foreignRepository() {
        return Optional.of(Repository.parse("alpine"));
    }

    @Override
    protected void publish(Content content) throws Exception {
        layout.create();
        try (InputStream in = content.open()) {
            layout.put(content.descriptor(), in);
        }
    }

    @Override
    protected void publish(Reference reference, Descriptor manifest) throws Exception {
        layout.create().tag(reference.tag().orElseThrow(), manifest);
    }

    @Test
    void aTransferThatBreaksOffGoesOnWhereItStopped() throws Exception {
        Image image = image("x");
        push(image);
        server.toBreakOff.set(2);

        assertThat(fetch(image.layer().descriptor(), 0)).isEqualTo(image.layer().bytes());
        assertThat(server.ranges).anyMatch(range -> range.matches("bytes=[1-9][0-9]*-"));
    }

    @Test
    void aServerThatCannotBeginInTheMiddleIsReadFromTheStart() throws Exception {
        Image image = image("x");
        push(image);
        server.rangesServed = false;
        server.toBreakOff.set(1);

        assertThat(fetch(image.layer().descriptor(), 0)).isEqualTo(image.layer().bytes());
        assertThat(fetch(image.layer().descriptor(), 1_000_000))
                .hasSize(image.layer().bytes().length - 1_000_000);
    }

    @Test
    void aManifestThatIsNotWhatItIsCalledIsCorrupt() throws Exception {
        Descriptor manifest = push(image("x"));
        Files.writeString(layout.path(manifest.digest()), "{\"schemaVersion\":2}");

        assertThatThrownBy(() -> remote.resolve(Reference.of(repository, manifest.digest())))
                .isInstanceOfSatisfying(
                        DriverException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.CORRUPT))
                .hasMessageContaining("has in truth sha256:");
    }

    // ---- keys

    private Path keys(String permissions) throws Exception {
        Path file = Files.writeString(
                Files.createTempFile(published, "keys", ""),
                "# ours\n[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = " + SECRET
                        + "\n");
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
    }

    @Test
    void withKeysEveryRequestIsSignedAndWithoutThemTheStoreRefuses() throws Exception {
        server.anonymousRefused = true;
        Descriptor manifest = push(image("x"));
        publish(tag("v"), manifest);
        assertThatThrownBy(() -> remote.resolve(tag("v")))
                .hasMessageContaining("answers 403")
                .hasMessageContaining("keys.images.example");
        configuration.put("keys.images.example", keys("rw-------"));
        server.authorizations.clear();

        try (RegistryBackend.Remote signed = backend().open(TEAM, Credentials.ANONYMOUS)) {
            assertSame(signed.resolve(tag("v")), manifest);
            signed.fetch(manifest, 0).close();
        }

        assertThat(server.authorizations)
                .hasSize(2)
                .allMatch(a -> a.startsWith("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/")
                        && a.contains("/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date,")
                        && !a.contains(SECRET));
    }

    @Test
    void whomTheStoreSendsUsToLearnsNothingOfOurKeys() throws Exception {
        configuration.put("keys.images.example", keys("rw-------"));
        Descriptor manifest = push(image("x"));
        publish(tag("v"), manifest);
        try (FileServer other =
                new FileServer(layout.folder().resolve("../../..").normalize())) {
            server.movedTo = Optional.of(other.url());

            try (RegistryBackend.Remote signed = backend().open(TEAM, Credentials.ANONYMOUS)) {
                assertSame(signed.resolve(tag("v")), manifest);
            }

            assertThat(server.authorizations).allMatch(a -> a.startsWith("AWS4"));
            assertThat(other.authorizations).containsOnly("null");
        }
    }

    @ParameterizedTest
    @CsvSource({"rw-r--r--, open to others", "rw--w----, open to others"})
    void keysThatOthersMayReadAreNotUsed(String permissions, String reason) throws Exception {
        configuration.put("keys.images.example", keys(permissions));

        assertThatThrownBy(() -> backend().open(TEAM, Credentials.ANONYMOUS))
                .hasMessageContaining(reason)
                .hasMessageNotContaining(SECRET);
    }

    @Test
    void aFileWithoutKeysSaysWhatIsExpected() throws Exception {
        Path file = Files.writeString(published.resolve("empty"), "key = " + SECRET);
        configuration.put(
                "keys.images.example",
                Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------")));

        assertThatThrownBy(() -> backend().open(TEAM, Credentials.ANONYMOUS))
                .hasMessageContaining("expected aws_access_key_id")
                .hasMessageNotContaining(SECRET);
    }

    // ---- settings

    @Test
    void aWrongSettingChangesNothing() throws Exception {
        HttpBackend made = backend();
        Descriptor manifest = push(image("x"));
        publish(tag("v"), manifest);

        assertThatThrownBy(() -> made.configure(Map.of("stores.other.example", "ftp://other.example")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("stores.other.example: expected an address");

        assertThat(made.serves(TEAM)).isTrue();
        made.configure(Map.of());
        assertThat(made.serves(TEAM)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "stores.a=not an address",
                "stores.a=https://user:secret@store.example",
                "stores.a=https://store.example?list",
                "keys.a=/etc/keys",
                "regions.a=eu-central-1"
            })
    void whatCannotBeIsRefusedWithoutRepeatingSecrets(String setting) {
        String[] parts = setting.split("=", 2);

        assertThatThrownBy(() -> backend().configure(Map.of(parts[0], parts[1])))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(parts[0])
                .hasMessageNotContaining("secret");
    }
}
