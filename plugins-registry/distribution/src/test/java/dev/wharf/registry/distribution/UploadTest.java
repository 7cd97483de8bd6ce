package dev.wharf.registry.distribution;

import static dev.wharf.registry.distribution.FakeRegistry.status;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.sun.net.httpserver.HttpExchange;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Repository;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.registry.Content;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Uploads to a registry that follows the specification in a way of its own. */
@Timeout(120)
class UploadTest {
    private static final String SESSION = "/somewhere/else/session";

    @TempDir
    Path folder;

    FakeRegistry registry;
    DistributionBackend backend;
    final ByteArrayOutputStream received = new ByteArrayOutputStream();

    @BeforeEach
    void start() throws Exception {
        registry = new FakeRegistry();
        backend = new DistributionBackend(folder.resolve("certs.d"), Map.of(), Map.of("timeout.idle", "5"));
        registry.on(
                "POST", "/v2/app/blobs/uploads/", status(202, "", "Location", "../../../.." + SESSION + "?state=0"));
        registry.on("GET", SESSION, this::tellProgress);
        registry.on("PATCH", SESSION, this::take);
        registry.on("PUT", SESSION, (exchange, asked) -> {
            received.write(asked.body());
            status(201, "").give(exchange, asked);
        });
    }

    @AfterEach
    void stop() {
        backend.close();
        registry.close();
    }

    @Test
    void aSmallBlobGoesInOneRequest() throws Exception {
        byte[] blob = noise(1000);

        push(content(blob));

        assertThat(received.toByteArray()).isEqualTo(blob);
        assertThat(registry.asked("PATCH", SESSION)).isEmpty();
        assertThat(registry.asked().get(2).path()).contains("state=0&digest=sha256%3A");
    }

    @Test
    void anEmptyBlobIsABlobToo() throws Exception {
        push(content(new byte[0]));

        assertThat(received.size()).isZero();
        assertThat(registry.asked().get(2).method()).isEqualTo("PUT");
    }

    @Test
    void aLargeBlobFollowsTheRegistryFromPlaceToPlace() throws Exception {
        byte[] blob = noise(3_000_000);

        push(content(blob));

        assertThat(received.toByteArray()).isEqualTo(blob);
        var put = registry.asked().get(registry.asked().size() - 1);
        assertThat(put.path()).startsWith(SESSION + "?state=3000000&digest=");
    }

    @Test
    void anUploadThatBreaksOffGoesOnWithWhatIsMissing() throws Exception {
        byte[] blob = noise(3_000_000);
        registry.on(
                "PATCH",
                SESSION,
                FakeRegistry.inTurn(
                        (exchange, asked) -> {
                            received.write(asked.body(), 0, 1_000_000);
                            exchange.close();
                        },
                        this::take));

        push(content(blob));

        assertThat(received.toByteArray()).isEqualTo(blob);
        assertThat(registry.asked().stream().filter(asked -> asked.method().equals("PATCH")))
                .extracting(asked -> asked.header("Content-Range"))
                .containsExactly("0-2999999", "1000000-2999999");
    }

    @Test
    void anUploadThatTheRegistryKnowsNoMoreAfterABreakIsBegunAnew() throws Exception {
        byte[] blob = noise(3_000_000);
        registry.on("GET", SESSION, status(404, "{\"errors\":[{\"code\":\"BLOB_UPLOAD_INVALID\"}]}"));
        registry.on("PATCH", SESSION, FakeRegistry.inTurn((exchange, asked) -> exchange.close(), this::take));

        push(content(blob));

        assertThat(received.toByteArray()).isEqualTo(blob);
    }

    @Test
    void anUploadWhoseEndWasNotHeardIsLookedFor() throws Exception {
        byte[] blob = noise(1000);
        registry.on("HEAD", "/v2/app/blobs/*", FakeRegistry.inTurn(status(404, ""), status(200, "")));
        registry.on("PUT", SESSION, (exchange, asked) -> {
            received.write(asked.body());
            exchange.close();
        });

        push(content(blob));

        assertThat(received.toByteArray()).isEqualTo(blob);
    }

    @Test
    void aRegistryThatFailsForAMomentIsAskedAgain() throws Exception {
        byte[] blob = noise(1000);
        FakeRegistry.Answer fails = status(503, "");
        registry.on("POST", "/v2/app/blobs/uploads/", FakeRegistry.inTurn(fails, status(202, "", "Location", SESSION)));
        registry.on("PUT", "/v2/app/manifests/*", FakeRegistry.inTurn(fails, status(201, "")));

        push(content(blob));
        push(content(MediaTypes.OCI_MANIFEST, blob, ""));

        assertThat(received.toByteArray()).isEqualTo(blob);
        assertThat(registry.asked().stream().filter(asked -> asked.path().contains("/manifests/")))
                .hasSize(2);
    }

    @Test
    void aRegistryThatDoesNotSayWhatItHasIsSentIt() throws Exception {
        byte[] blob = noise(1000);
        registry.on("HEAD", "/v2/app/blobs/*", status(501, ""));

        push(content(blob));

        assertThat(received.toByteArray()).isEqualTo(blob);
    }

    @Test
    void aBlobTooLargeForOneRequestGoesInPieces() throws Exception {
        byte[] blob = noise(40 << 20);
        registry.on("PATCH", SESSION, (exchange, asked) -> {
            if (asked.body().length > (20 << 20)) {
                status(413, "").give(exchange, asked);
            } else {
                take(exchange, asked);
            }
        });

        push(content(blob));

        assertThat(received.toByteArray()).isEqualTo(blob);
    }

    @Test
    void aRegistryThatNeverTakesAnythingIsGivenUpAndTheUploadWithdrawn() {
        registry.on("PATCH", SESSION, status(500, ""));

        assertThatThrownBy(() -> push(content(noise(3_000_000))))
                .isInstanceOf(DriverException.class)
                .hasMessageContaining("500");
        assertThat(registry.asked().stream().filter(asked -> asked.method().equals("DELETE")))
                .hasSize(1);
        assertThat(registry.asked().size()).isLessThan(20);
    }

    @Test
    void aBlobThatAnotherRepositoryHasIsMounted() throws Exception {
        byte[] blob = noise(3_000_000);
        registry.on("POST", "/v2/app/blobs/uploads/", status(201, "", "Location", "/v2/app/blobs/x"));

        push(content(blob, registry.host() + "/team/base"));

        assertThat(registry.asked().get(1).path())
                .isEqualTo("/v2/app/blobs/uploads/?mount=sha256%3A"
                        + Digest.sha256(blob).hex() + "&from=team%2Fbase");
        assertThat(registry.asked()).hasSize(2);
    }

    @Test
    void aMountThatIsNotAllowedBecomesAnUpload() throws Exception {
        byte[] blob = noise(1000);
        FakeRegistry.Answer start = status(202, "", "Location", SESSION);
        registry.on(
                "POST",
                "/v2/app/blobs/uploads/",
                (exchange, asked) -> (asked.path().contains("mount=") ? status(403, "") : start).give(exchange, asked));

        push(content(blob, registry.host() + "/secret"));

        assertThat(received.toByteArray()).isEqualTo(blob);
    }

    @Test
    void whatTheRegistryHasIsNotSent() throws Exception {
        registry.on("HEAD", "/v2/app/blobs/*", status(200, ""));

        push(content(noise(1000)));

        assertThat(registry.asked()).hasSize(1);
    }

    @Test
    void aRegistryThatFindsAnotherDigestSaysSo() {
        registry.on("PUT", SESSION, status(400, "{\"errors\":[{\"code\":\"DIGEST_INVALID\",\"message\":\"not so\"}]}"));

        Throwable thrown = catchThrowable(() -> push(content(noise(1000))));

        assertThat(thrown).hasMessageContaining("digest invalid: not so");
        assertThat(((DriverException) thrown).failure().kind()).isEqualTo(Failure.Kind.CORRUPT);
    }

    @Test
    void contentThatCannotBeReadIsAFailureAndNotAWait() {
        Content broken = new Content() {
            @Override
            public Descriptor descriptor() {
                return new Descriptor(MediaTypes.OCI_LAYER, Digest.sha256("x"), 1000);
            }

            @Override
            public InputStream open() throws IOException {
                throw new IOException("disk on fire");
            }
        };

        assertThatThrownBy(() -> push(broken))
                .isInstanceOf(DriverException.class)
                .hasMessageContaining("disk on fire");
    }

    @Test
    void anUploadThatIsNotAllowedIsDenied() {
        registry.on(
                "POST",
                "/v2/app/blobs/uploads/",
                status(403, "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"read only\"}]}"));

        Throwable thrown = catchThrowable(() -> push(content(noise(10))));

        assertThat(thrown).hasMessageContaining("push access denied for " + registry.host() + "/app");
        assertThat(thrown).hasMessageEndingWith("denied: read only");
        assertThat(((DriverException) thrown).failure().kind()).isEqualTo(Failure.Kind.UNAUTHORISED);
    }

    // --- the registry

    private void take(HttpExchange exchange, FakeRegistry.Asked asked) throws Exception {
        String range = asked.header("Content-Range");
        assertThat(range).startsWith(received.size() + "-");
        received.write(asked.body());
        status(202, "", "Location", SESSION + "?state=" + received.size()).give(exchange, asked);
    }

    private void tellProgress(HttpExchange exchange, FakeRegistry.Asked asked) throws Exception {
        status(
                        204,
                        "",
                        "Location",
                        SESSION + "?state=" + received.size(),
                        "Range",
                        "0-" + Math.max(0, received.size() - 1))
                .give(exchange, asked);
    }

    // --- helpers

    private void push(Content content) throws DriverException {
        try (RegistryBackend.Remote remote =
                backend.open(Repository.parse(registry.host() + "/app"), Credentials.ANONYMOUS)) {
            remote.push(content);
        }
    }

    private static Content content(byte[] bytes) {
        return content(bytes, "");
    }

    private static Content content(byte[] bytes, String knownIn) {
        return content(MediaTypes.OCI_LAYER, bytes, knownIn);
    }

    private static Content content(String mediaType, byte[] bytes, String knownIn) {
        return new Content() {
            @Override
            public Descriptor descriptor() {
                return new Descriptor(mediaType, Digest.sha256(bytes), bytes.length);
            }

            @Override
            public String knownIn() {
                return knownIn;
            }

            @Override
            public InputStream open() {
                return new ByteArrayInputStream(bytes);
            }
        };
    }

    private static byte[] noise(int size) {
        byte[] bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        return bytes;
    }
}
