package dev.wharf.registry.distribution;

import static dev.wharf.registry.distribution.FakeRegistry.brokenAfter;
import static dev.wharf.registry.distribution.FakeRegistry.bytes;
import static dev.wharf.registry.distribution.FakeRegistry.inTurn;
import static dev.wharf.registry.distribution.FakeRegistry.redirect;
import static dev.wharf.registry.distribution.FakeRegistry.status;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.oci.image.Index;
import dev.wharf.oci.image.Manifest;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class HostileRegistryTest {
    private static final String SECRET = "s3cret-passw0rd";
    private static final Credentials USER = new Credentials("user", SECRET, "", "");
    private static final byte[] BLOB = noise(300_000);
    private static final Descriptor LAYER = new Descriptor(MediaTypes.OCI_LAYER, Digest.sha256(BLOB), BLOB.length);
    private static final byte[] MANIFEST =
            new Manifest(new Descriptor(MediaTypes.OCI_CONFIG, LAYER.digest(), 5), List.of(LAYER)).write();
    private static final String BLOB_PATH = "/v2/app/blobs/" + LAYER.digest();
    private static final String TAG_PATH = "/v2/app/manifests/v";

    @TempDir
    Path folder;

    FakeRegistry registry;
    FakeRegistry stranger;
    DistributionBackend backend;

    @BeforeEach
    void start() throws Exception {
        registry = new FakeRegistry("127.0.0.1");
        stranger = new FakeRegistry("127.0.0.2");
        backend = backend(Map.of());
    }

    @AfterEach
    void stop() {
        backend.close();
        registry.close();
        stranger.close();
    }

    // --- content that is not what it should be

    @Test
    void aManifestThatDoesNotHaveTheAnnouncedDigestIsCorrupt() {
        String other = Digest.sha256("other").toString();
        registry.on("HEAD", TAG_PATH, status(200, ""));
        registry.on(
                "GET",
                TAG_PATH,
                status(
                        200,
                        new String(MANIFEST, UTF_8),
                        "Docker-Content-Digest",
                        other,
                        "Content-Type",
                        MediaTypes.OCI_MANIFEST));

        assertFails(Failure.Kind.CORRUPT, "announced " + other, () -> resolve("v"));
    }

    @Test
    void aManifestThatIsNotTheOneAskedForIsCorrupt() {
        Digest asked = Digest.sha256("asked");
        String path = "/v2/app/manifests/" + asked;
        Reference reference = Reference.of(repository(), asked);

        registry.on("HEAD", path, bytes(MediaTypes.OCI_MANIFEST, MANIFEST));
        assertFails(Failure.Kind.CORRUPT, "was asked for", () -> resolve(reference));

        registry.on("HEAD", path, status(405, "")).on("GET", path, bytes(MediaTypes.OCI_MANIFEST, MANIFEST));
        assertFails(Failure.Kind.CORRUPT, "was asked for", () -> resolve(reference));
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 404, 405, 501})
    void aManifestIsFoundThoughTheRegistrySaysNothingInAHead(int status) throws Exception {
        registry.on("HEAD", TAG_PATH, status(status, ""));
        registry.on(
                "GET", TAG_PATH, status(200, new String(MANIFEST, UTF_8), "Content-Type", "text/plain; charset=utf-8"));

        assertThat(resolve("v"))
                .isEqualTo(new Descriptor(MediaTypes.OCI_MANIFEST, Digest.sha256(MANIFEST), MANIFEST.length));
    }

    @Test
    void aDocumentThatIsNoManifestIsInvalid() {
        registry.on("HEAD", TAG_PATH, status(200, ""));
        registry.on("GET", TAG_PATH, status(200, "<html>sign in</html>", "Content-Type", "text/html"));

        assertFails(Failure.Kind.INVALID, "malformed", () -> resolve("v"));
    }

    @Test
    void anIndexAnnouncedAsAManifestIsInvalid() {
        byte[] index = new Index(List.of(LAYER)).write();
        registry.on("HEAD", TAG_PATH, status(200, ""));
        registry.on("GET", TAG_PATH, bytes(MediaTypes.OCI_MANIFEST, index));

        assertFails(Failure.Kind.INVALID, "ambiguous", () -> resolve("v"));
    }

    /** A registry says that a manifest is not there where its own kind is not among those that are accepted. */
    @Test
    void aManifestThatAnIndexCallsByAnotherKindIsRead() throws Exception {
        Descriptor called = new Descriptor(MediaTypes.DOCKER_MANIFEST, Digest.sha256(MANIFEST), MANIFEST.length);
        registry.on("GET", "/v2/app/manifests/" + called.digest(), (exchange, asked) -> {
            boolean accepted = asked.header("Accept").contains(MediaTypes.OCI_MANIFEST);
            (accepted ? bytes(MediaTypes.OCI_MANIFEST, MANIFEST) : status(404, "")).give(exchange, asked);
        });

        try (RegistryBackend.Remote remote = backend.open(repository(), Credentials.ANONYMOUS);
                InputStream in = remote.fetch(called, 0)) {
            assertThat(in.readAllBytes()).isEqualTo(MANIFEST);
        }
    }

    @Test
    void schemaOneIsRefusedWithAWordOfHelp() {
        String type = "application/vnd.docker.distribution.manifest.v1+prettyjws";
        registry.on("HEAD", TAG_PATH, bytes(type, MANIFEST));

        assertFails(Failure.Kind.UNSUPPORTED, "push it again", () -> resolve("v"));
    }

    @Test
    void aHugeManifestIsNotRead() {
        registry.on("HEAD", TAG_PATH, status(200, ""));
        registry.on("GET", TAG_PATH, (exchange, asked) -> {
            exchange.sendResponseHeaders(200, 0);
            OutputStream out = exchange.getResponseBody();
            for (int i = 0; i < 1600; i++) {
                out.write(new byte[64 << 10]);
            }
        });
        assertFails(Failure.Kind.CORRUPT, "too big", () -> resolve("v"));

        registry.on("HEAD", TAG_PATH, (exchange, asked) -> {
            exchange.getResponseHeaders().add("Content-Type", MediaTypes.OCI_MANIFEST);
            exchange.getResponseHeaders()
                    .add("Docker-Content-Digest", LAYER.digest().toString());
            exchange.getResponseHeaders().add("Content-Length", "104857600");
            exchange.sendResponseHeaders(200, -1);
        });
        assertFails(Failure.Kind.CORRUPT, "104857600 bytes", () -> resolve("v"));
    }

    @Test
    void aBlobOfAnotherLengthIsCorrupt() {
        registry.on("GET", BLOB_PATH, bytes("x", new byte[7]));

        assertFails(Failure.Kind.CORRUPT, "7 bytes", () -> fetch(0));
    }

    @Test
    void noMoreBytesComeOutThanTheImageSays() {
        registry.on("GET", BLOB_PATH, (exchange, asked) -> {
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().write(BLOB);
            exchange.getResponseBody().write(BLOB);
        });

        assertThatThrownBy(() -> fetch(0)).isInstanceOf(IOException.class).hasMessageContaining("sent more than");
    }

    // --- transfers that break

    @Test
    void aTransferThatBreaksOffGoesOnWhereItStopped() throws Exception {
        registry.on("GET", BLOB_PATH, inTurn(brokenAfter(BLOB, 100_000), this::range));

        assertThat(fetch(0)).isEqualTo(BLOB);
        List<FakeRegistry.Asked> asked = registry.asked("GET", BLOB_PATH);
        assertThat(asked).hasSize(2);
        assertThat(asked.get(1).header("Range")).matches("bytes=[1-9][0-9]*-");
    }

    @Test
    void aRegistryThatKnowsNoRangesSendsItAllAgain() throws Exception {
        registry.on("GET", BLOB_PATH, inTurn(brokenAfter(BLOB, 100_000), bytes("x", BLOB)));

        assertThat(fetch(0)).isEqualTo(BLOB);
        assertThat(fetch(1000)).isEqualTo(Arrays.copyOfRange(BLOB, 1000, BLOB.length));
    }

    @Test
    void aRegistryThatSendsAnotherRangeIsNotBelieved() {
        registry.on("GET", BLOB_PATH, (exchange, asked) -> {
            exchange.getResponseHeaders().add("Content-Range", "bytes 0-9/" + BLOB.length);
            exchange.sendResponseHeaders(206, 10);
            exchange.getResponseBody().write(new byte[10]);
        });

        assertFails(Failure.Kind.CORRUPT, "another range", () -> fetch(1000));
    }

    @Test
    void aTransferThatNeverGetsOnIsGivenUp() {
        registry.on("GET", BLOB_PATH, brokenAfter(BLOB, 0));

        assertThatThrownBy(() -> fetch(0))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("broke off at 0 of 300000 bytes")
                .hasMessageContaining(registry.host());
        // Java's client asks again by itself now and then where a connection ends before the answer.
        assertThat(registry.asked().size()).isLessThan(20);
    }

    @Test
    void aRegistryThatDripsIsGivenUp() {
        backend = backend(Map.of("timeout.idle", "1"));
        registry.on("GET", BLOB_PATH, (exchange, asked) -> {
            exchange.sendResponseHeaders(200, BLOB.length);
            for (byte b : BLOB) {
                exchange.getResponseBody().write(b);
                exchange.getResponseBody().flush();
                Thread.sleep(100);
            }
        });

        assertThatThrownBy(() -> fetch(0)).isInstanceOf(IOException.class).hasMessageContaining("timed out");
    }

    @Test
    void aRegistryThatSaysNothingIsUnavailable() {
        backend = backend(Map.of("timeout.idle", "1"));
        registry.on("HEAD", TAG_PATH, (exchange, asked) -> Thread.sleep(60_000));

        assertFails(Failure.Kind.UNAVAILABLE, "cannot reach registry " + registry.host(), () -> resolve("v"));
    }

    @Test
    void aRegistryThatIsNotThereIsUnavailable() throws Exception {
        Reference reference = Reference.parse("127.0.0.1:" + DebianRegistry.freePort() + "/app");

        assertFails(Failure.Kind.UNAVAILABLE, reference.repository().host(), () -> resolve(reference));
    }

    @Test
    void aNameThatNobodyHasIsUnavailable() {
        assertFails(Failure.Kind.UNAVAILABLE, "no such host", () -> resolve(Reference.parse("nowhere.invalid/app")));
    }

    @Test
    void anInterruptEndsAWaitAtOnce() throws Exception {
        registry.on("GET", BLOB_PATH, (exchange, asked) -> {
            exchange.sendResponseHeaders(200, BLOB.length);
            exchange.getResponseBody().write(BLOB, 0, 1000);
            exchange.getResponseBody().flush();
            Thread.sleep(60_000);
        });
        Throwable[] thrown = new Throwable[1];
        Thread reader = new Thread(() -> thrown[0] = catchThrowable(() -> fetch(0)));
        reader.start();
        while (registry.asked().isEmpty()) {
            Thread.sleep(5);
        }
        reader.interrupt();
        reader.join(10_000);

        assertThat(reader.isAlive()).isFalse();
        assertThat(thrown[0]).isNotNull();
    }

    // --- patience

    @Test
    void aRegistryThatAsksToComeBackLaterIsAskedAgain() throws Exception {
        registry.on(
                "HEAD",
                TAG_PATH,
                inTurn(status(429, "", "Retry-After", "0"), status(503, ""), bytes(MediaTypes.OCI_MANIFEST, MANIFEST)));

        assertThat(resolve("v").digest()).isEqualTo(Digest.sha256(MANIFEST));
    }

    @Test
    void aRegistryThatAsksToComeBackTomorrowIsUnavailableAtOnce() {
        String body = "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"limit\\u001b[31m reached\"}]}";
        registry.on("HEAD", TAG_PATH, status(404, ""));
        registry.on("GET", BLOB_PATH, status(429, body, "Retry-After", "86400"));

        assertFails(Failure.Kind.UNAVAILABLE, "toomanyrequests: limit [31m reached", () -> fetch(0));
        assertThat(registry.asked()).hasSize(1);
    }

    @Test
    void aRegistryThatStaysBrokenIsUnavailable() {
        registry.on("HEAD", TAG_PATH, status(500, "")).on("GET", TAG_PATH, status(500, ""));

        assertFails(Failure.Kind.UNAVAILABLE, "received unexpected HTTP status: 500", () -> resolve("v"));
        assertThat(registry.asked().size()).isLessThan(8);
    }

    // --- redirects and secrets

    @Test
    void aBlobKeptElsewhereIsFetchedThereWithoutOurCredentials() throws Exception {
        requirePassword(registry);
        registry.on("GET", BLOB_PATH, guarded(redirect("http://" + stranger.host() + "/storage")));
        stranger.on("GET", "/storage", bytes("x", BLOB));

        assertThat(fetch(0, USER)).isEqualTo(BLOB);

        assertThat(registry.asked().stream().map(asked -> asked.header("Authorization")))
                .anyMatch(header -> header.startsWith("Basic "));
        assertNoSecrets(stranger);
    }

    @Test
    void anotherPortOfTheSameHostIsAnotherOrigin() throws Exception {
        try (FakeRegistry neighbour = new FakeRegistry("127.0.0.1")) {
            requirePassword(registry);
            registry.on("GET", BLOB_PATH, guarded(redirect("http://" + neighbour.host() + "/storage")));
            neighbour.on("GET", "/storage", bytes("x", BLOB));

            assertThat(fetch(0, USER)).isEqualTo(BLOB);
            assertNoSecrets(neighbour);
        }
    }

    @Test
    void aStrangerThatAsksForAPasswordGetsNone() {
        requirePassword(registry);
        requirePassword(stranger);
        registry.on("GET", BLOB_PATH, guarded(redirect("http://" + stranger.host() + "/storage")));
        stranger.on("GET", "/storage", guarded(bytes("x", BLOB)));

        assertFails(Failure.Kind.UNAUTHORISED, "pull access denied", () -> fetch(0, USER));
        assertNoSecrets(stranger);
    }

    @Test
    void redirectsInACircleEnd() {
        registry.on("GET", BLOB_PATH, redirect("/v2/app/other"));
        registry.on("GET", "/v2/app/other", redirect(BLOB_PATH));

        assertFails(Failure.Kind.FAILED, "redirects", () -> fetch(0));
        assertThat(registry.asked().size()).isLessThan(10);
    }

    @Test
    void aRedirectToNowhereFails() {
        registry.on("GET", BLOB_PATH, redirect("file:///etc/passwd"));
        assertFails(Failure.Kind.FAILED, "an address that is none", () -> fetch(0));

        registry.on("GET", BLOB_PATH, redirect("http://user:pw@" + stranger.host() + "/"));
        assertFails(Failure.Kind.FAILED, "an address that is none", () -> fetch(0));
    }

    @Test
    void aRegistryThatIsNeverSatisfiedIsAskedAFewTimesOnly() {
        registry.on("HEAD", TAG_PATH, status(401, "", "WWW-Authenticate", "Basic realm=\"x\""));
        assertFails(
                Failure.Kind.UNAUTHORISED,
                "pull access denied for " + registry.host() + "/app",
                () -> resolve("v", USER));
        assertThat(registry.asked().size()).isLessThan(6);

        registry.on("GET", "/token", status(200, "{\"token\":\"abc\"}"));
        registry.on("HEAD", TAG_PATH, status(401, "", "WWW-Authenticate", bearer(registry)));
        int before = registry.asked().size();
        assertFails(Failure.Kind.UNAUTHORISED, "may require 'docker login'", () -> resolve("v", USER));
        assertThat(registry.asked().size() - before).isLessThan(10);
    }

    @Test
    void aTokenServerOfAnotherSiteIsAskedWithoutOurCredentials() throws Exception {
        stranger.on("GET", "/token", status(200, "{\"token\":\"anonymous\"}"));
        registry.on("HEAD", TAG_PATH, (exchange, asked) -> {
            boolean known = asked.header("Authorization").equals("Bearer anonymous");
            (known ? bytes(MediaTypes.OCI_MANIFEST, MANIFEST) : status(401, "", "WWW-Authenticate", bearer(stranger)))
                    .give(exchange, asked);
        });

        assertThat(resolve("v", USER).digest()).isEqualTo(Digest.sha256(MANIFEST));
        assertThat(stranger.asked("GET", "/token?client_id=wharf&service=reg&scope=repository%3Aapp%3Apull"))
                .hasSize(1);
        assertNoSecrets(stranger);
    }

    @Test
    void anIdentityTokenDoesNotGoToAnotherSiteEither() {
        stranger.on("GET", "/token", status(401, ""));
        registry.on("HEAD", TAG_PATH, status(401, "", "WWW-Authenticate", bearer(stranger)));

        assertFails(
                Failure.Kind.UNAUTHORISED,
                "realms." + registry.host(),
                () -> resolve("v", new Credentials("", "", SECRET, "")));
        assertNoSecrets(stranger);
    }

    @Test
    void anotherSiteMayBeTrustedByConfiguration() throws Exception {
        backend = backend(Map.of("realms." + registry.host(), "127.0.0.2"));
        stranger.on("GET", "/token", status(200, "{\"access_token\":\"abc\"}"));
        registry.on(
                "HEAD",
                TAG_PATH,
                (exchange, asked) -> (asked.header("Authorization").equals("Bearer abc")
                                ? bytes(MediaTypes.OCI_MANIFEST, MANIFEST)
                                : status(401, "", "WWW-Authenticate", bearer(stranger)))
                        .give(exchange, asked));

        resolve("v", USER);

        assertThat(stranger.asked().get(0).header("Authorization")).startsWith("Basic ");
    }

    @Test
    void aTokenThatCouldEndAHeaderIsNoToken() {
        registry.on("GET", "/token", status(200, "{\"token\":\"abc\\r\\nX-Evil: 1\"}"));
        registry.on("HEAD", TAG_PATH, status(401, "", "WWW-Authenticate", bearer(registry)));

        assertFails(Failure.Kind.UNAUTHORISED, "no token", () -> resolve("v"));
    }

    @Test
    void aTokenServerThatCannotBeReadIsUnavailableOrDenied() {
        registry.on("HEAD", TAG_PATH, status(401, "", "WWW-Authenticate", "Bearer realm=\"gopher://x\""));
        assertFails(Failure.Kind.UNAUTHORISED, "could be overheard", () -> resolve("v"));

        registry.on("HEAD", TAG_PATH, status(401, "", "WWW-Authenticate", "Bearer service=\"x\""));
        assertFails(Failure.Kind.UNAUTHORISED, "does not say where", () -> resolve("v"));
    }

    @Test
    void noMessageHoldsASecret() {
        requirePassword(registry);
        registry.on("HEAD", TAG_PATH, status(401, "", "WWW-Authenticate", "Basic realm=\"x\""));

        Throwable thrown = catchThrowable(() -> resolve("v", USER));

        for (Throwable t = thrown; t != null; t = t.getCause()) {
            assertThat(t.toString()).doesNotContain(SECRET, Tokens.basic(USER));
        }
    }

    // --- mirrors

    @Test
    void aMirrorIsAskedFirstAndNeverToldWhoWeAre() throws Exception {
        backend = backend(Map.of("mirrors." + registry.host(), "http://" + stranger.host()));
        requirePassword(registry);
        stranger.on("HEAD", TAG_PATH, bytes(MediaTypes.OCI_MANIFEST, MANIFEST));
        stranger.on("GET", BLOB_PATH, bytes("x", BLOB));

        assertThat(resolve("v", USER).digest()).isEqualTo(Digest.sha256(MANIFEST));
        assertThat(fetch(0, USER)).isEqualTo(BLOB);

        assertThat(registry.asked()).isEmpty();
        assertNoSecrets(stranger);
    }

    @Test
    void theRegistryItselfIsAskedWhereTheMirrorsHaveNothing() throws Exception {
        String dead = "http://127.0.0.3:" + DebianRegistry.freePort();
        backend = backend(Map.of("mirrors." + registry.host(), dead + ", http://" + stranger.host()));
        registry.on("HEAD", TAG_PATH, bytes(MediaTypes.OCI_MANIFEST, MANIFEST));

        assertThat(resolve("v").digest()).isEqualTo(Digest.sha256(MANIFEST));
        assertThat(stranger.asked("HEAD", TAG_PATH)).hasSize(1);
    }

    @Test
    void aMirrorThatSendsSomethingElseIsNotAskedAgain() throws Exception {
        backend = backend(Map.of("mirrors." + registry.host(), "http://" + stranger.host()));
        stranger.on("GET", BLOB_PATH, bytes("x", new byte[BLOB.length]));
        registry.on("GET", BLOB_PATH, bytes("x", BLOB));

        // Whoever tries again opens a remote of its own.
        assertThat(fetch(0)).isNotEqualTo(BLOB);
        assertThat(fetch(0)).isEqualTo(BLOB);
        assertThat(stranger.asked("GET", BLOB_PATH)).hasSize(1);
    }

    @Test
    void theMirrorThatServedIsNamed() throws Exception {
        backend = backend(Map.of("mirrors." + registry.host(), "http://" + stranger.host() + "/depot"));
        stranger.on("HEAD", "/depot" + TAG_PATH, bytes(MediaTypes.OCI_MANIFEST, MANIFEST));
        registry.on("GET", BLOB_PATH, bytes("x", BLOB));

        try (RegistryBackend.Remote remote = backend.open(repository(), Credentials.ANONYMOUS)) {
            assertThat(remote.mirror(LAYER)).isEmpty();
            Descriptor manifest = remote.resolve(Reference.of(repository(), "v"));
            remote.fetch(LAYER, 0).close();
            assertThat(remote.mirror(manifest)).hasValue(stranger.host());
            assertThat(remote.mirror(LAYER)).as("which the mirror did not have").isEmpty();

            stranger.on("GET", "/depot" + BLOB_PATH, bytes("x", BLOB));
            remote.fetch(LAYER, 0).close();
            assertThat(remote.mirror(LAYER)).hasValue(stranger.host());
        }
    }

    @Test
    void aMirrorIsNeverPushedTo() throws Exception {
        backend = backend(Map.of("mirrors." + registry.host(), "http://" + stranger.host()));
        registry.on("PUT", TAG_PATH, status(201, ""));
        registry.on("GET", "/v2/app/manifests/" + Digest.sha256(MANIFEST), bytes(MediaTypes.OCI_MANIFEST, MANIFEST));

        try (RegistryBackend.Remote remote = backend.open(repository(), Credentials.ANONYMOUS)) {
            remote.tag(
                    Reference.of(repository(), "v"),
                    new Descriptor(MediaTypes.OCI_MANIFEST, Digest.sha256(MANIFEST), MANIFEST.length));
        }

        assertThat(registry.asked("PUT", TAG_PATH)).hasSize(1);
        assertThat(stranger.asked()).isEmpty();
    }

    // --- helpers

    private DistributionBackend backend(Map<String, Object> more) {
        Map<String, Object> configuration = new HashMap<>(Map.of("timeout.idle", "5"));
        configuration.putAll(more);
        return new DistributionBackend(folder.resolve("certs.d"), Map.of(), configuration);
    }

    private Repository repository() {
        return Repository.parse(registry.host() + "/app");
    }

    private Descriptor resolve(String tag) throws DriverException {
        return resolve(tag, Credentials.ANONYMOUS);
    }

    private Descriptor resolve(String tag, Credentials credentials) throws DriverException {
        try (RegistryBackend.Remote remote = backend.open(repository(), credentials)) {
            return remote.resolve(Reference.of(repository(), tag));
        }
    }

    private Descriptor resolve(Reference reference) throws DriverException {
        try (RegistryBackend.Remote remote = backend.open(reference.repository(), Credentials.ANONYMOUS)) {
            return remote.resolve(reference);
        }
    }

    private byte[] fetch(long offset) throws Exception {
        return fetch(offset, Credentials.ANONYMOUS);
    }

    private byte[] fetch(long offset, Credentials credentials) throws Exception {
        try (RegistryBackend.Remote remote = backend.open(repository(), credentials);
                InputStream in = remote.fetch(LAYER, offset)) {
            return in.readAllBytes();
        }
    }

    private void range(com.sun.net.httpserver.HttpExchange exchange, FakeRegistry.Asked asked) throws IOException {
        int from = Integer.parseInt(asked.header("Range").replaceAll("bytes=([0-9]+)-", "$1"));
        exchange.getResponseHeaders()
                .add("Content-Range", "bytes " + from + "-" + (BLOB.length - 1) + "/" + BLOB.length);
        exchange.sendResponseHeaders(206, BLOB.length - from);
        exchange.getResponseBody().write(BLOB, from, BLOB.length - from);
    }

    private static void requirePassword(FakeRegistry registry) {
        registry.on("GET", "/v2/", guarded(status(200, "")));
    }

    private static FakeRegistry.Answer guarded(FakeRegistry.Answer answer) {
        return (exchange, asked) -> (asked.header("Authorization").equals(Tokens.basic(USER))
                        ? answer
                        : status(401, "", "WWW-Authenticate", "Basic realm=\"x\""))
                .give(exchange, asked);
    }

    private static String bearer(FakeRegistry realm) {
        return "Bearer realm=\"http://" + realm.host() + "/token\",service=\"reg\",scope=\"repository:app:pull\"";
    }

    private static void assertNoSecrets(FakeRegistry stranger) {
        assertThat(stranger.asked()).isNotEmpty();
        for (FakeRegistry.Asked asked : stranger.asked()) {
            assertThat(asked.header("Authorization")).isEmpty();
            String everything = asked.path() + asked.headers().entrySet() + new String(asked.body(), UTF_8);
            assertThat(everything).doesNotContain(SECRET, Tokens.basic(USER).substring(6));
        }
    }

    private static void assertFails(Failure.Kind kind, String message, Callable<?> call) {
        Throwable thrown = catchThrowable(call::call);
        assertThat(thrown).isInstanceOf(DriverException.class).hasMessageContaining(message);
        assertThat(((DriverException) thrown).failure().kind()).isEqualTo(kind);
    }

    private static byte[] noise(int size) {
        byte[] bytes = new byte[size];
        new Random(7).nextBytes(bytes);
        return bytes;
    }
}
