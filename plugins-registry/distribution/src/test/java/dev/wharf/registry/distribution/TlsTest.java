package dev.wharf.registry.distribution;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Map;
import java.util.concurrent.Callable;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Registries behind TLS at a name that is not this machine's own; see {@code src/test/hosts}. */
@Timeout(120)
class TlsTest {
    private static final byte[] BLOB = "hello".getBytes(UTF_8);
    private static final Descriptor LAYER = new Descriptor(MediaTypes.OCI_LAYER, Digest.sha256(BLOB), BLOB.length);

    @TempDir
    static Path folder;

    @TempDir
    Path certificates;

    private static DebianRegistry closed;
    private static FakeRegistry secure;

    @BeforeAll
    static void start() throws Exception {
        Path ca = authority("ca");
        certify("server", "registry.test", "rsa:2048");
        certify("client", "client", "rsa:2048");
        closed = DebianRegistry.with(folder.resolve("registry"), "", """
                tls:
                  certificate: %s
                  key: %s
                  clientcas: [%s]
                """.formatted(
                        folder.resolve("server.crt"), folder.resolve("server.key"), ca));
        secure = new FakeRegistry(https());
    }

    @AfterAll
    static void stop() throws Exception {
        closed.close();
        secure.close();
    }

    @BeforeEach
    void answers() {
        secure.on("GET", "/v2/app/blobs/" + LAYER.digest(), FakeRegistry.bytes("x", BLOB));
    }

    @Test
    void aRegistryOfAnUnknownAuthorityIsNotSpokenTo() {
        assertUnavailable("x509: certificate signed by unknown authority", () -> fetch(secureHost(), Map.of()));
        assertUnavailable("certs.d/" + secureHost() + "/ca.crt", () -> fetch(secureHost(), Map.of()));
    }

    @Test
    void anAuthorityOfTheOperatorsIsTrusted() throws Exception {
        trustAuthority(secureHost());

        assertThat(fetch(secureHost(), Map.of())).isEqualTo(BLOB);
    }

    @Test
    void theCertificateMustBeTheOneOfTheHost() throws Exception {
        String host = "evil.test:" + secure.port();
        trustAuthority(host);

        assertUnavailable("evil.test", () -> fetch(host, Map.of()));
    }

    @Test
    void anInsecureRegistryNeedsNoAuthority() throws Exception {
        assertThat(fetch(secureHost(), Map.of("insecure", secureHost()))).isEqualTo(BLOB);
        assertThat(fetch("evil.test:" + secure.port(), Map.of("insecure", "evil.test:" + secure.port())))
                .isEqualTo(BLOB);
        assertThat(fetch("127.0.0.1:" + secure.port(), Map.of())).isEqualTo(BLOB);
    }

    @Test
    void nothingThatGoesWrongLeadsToPlainHttp() throws Exception {
        try (FakeRegistry plain = new FakeRegistry()) {
            plain.on("GET", "/v2/app/blobs/" + LAYER.digest(), FakeRegistry.bytes("x", BLOB));
            String host = "registry.test:" + plain.port();

            Throwable thrown = catchThrowable(() -> fetch(host, Map.of("timeout.idle", "2")));

            assertThat(thrown).isInstanceOf(DriverException.class);
            assertThat(plain.asked()).isEmpty();
            assertThat(fetch(host, Map.of("timeout.idle", "2", "insecure", host)))
                    .isEqualTo(BLOB);
        }
    }

    @Test
    void aServerWithoutTlsIsRecognised() throws Exception {
        try (DebianRegistry plain = DebianRegistry.open(folder.resolve("plain"))) {
            String host = "registry.test" + plain.host().substring("127.0.0.1".length());

            assertUnavailable("http: server gave HTTP response to HTTPS client", () -> fetch(host, Map.of()));
        }
    }

    @Test
    void aRegistryThatAsksForACertificateGetsOurs() throws Exception {
        String host = "registry.test" + closed.host().substring("127.0.0.1".length());
        trustAuthority(host);
        assertUnavailable("cannot reach registry " + host, () -> fetch(host, Map.of()));

        for (String form : new String[] {"pkcs8", "pkcs1", "ec"}) {
            Path own = certificates.resolve(host);
            String name = form.equals("ec") ? "client-ec" : "client";
            if (form.equals("ec")) {
                certify("client-ec", "client", "ec");
            }
            Files.write(own.resolve("client.cert"), Files.readAllBytes(folder.resolve(name + ".crt")));
            Path key = folder.resolve(name + ".key");
            if (form.equals("pkcs1")) {
                key = folder.resolve("client.pkcs1");
                Shell.run(
                        "openssl",
                        "rsa",
                        "-traditional",
                        "-in",
                        folder.resolve("client.key").toString(),
                        "-out",
                        key.toString());
                assertThat(Files.readString(key)).contains("BEGIN RSA PRIVATE KEY");
            } else if (form.equals("ec")) {
                key = folder.resolve("client.sec1");
                Shell.run(
                        "openssl", "ec", "-in", folder.resolve("client-ec.key").toString(), "-out", key.toString());
                assertThat(Files.readString(key)).contains("BEGIN EC PRIVATE KEY");
            }
            Files.write(own.resolve("client.key"), Files.readAllBytes(key));

            Throwable thrown = catchThrowable(() -> fetch(host, Map.of()));
            assertThat(thrown).as(form).hasMessageContaining("blob unknown");
        }
    }

    @Test
    void aCertificateWithoutItsKeySaysWhatIsMissing() throws Exception {
        Path own = Files.createDirectories(certificates.resolve(secureHost()));
        Files.write(own.resolve("client.cert"), Files.readAllBytes(folder.resolve("client.crt")));

        assertUnavailable("missing key " + own.resolve("client.key"), () -> fetch(secureHost(), Map.of()));
    }

    @Test
    void aRedirectFromHttpsToPlainHttpIsNotFollowed() throws Exception {
        trustAuthority(secureHost());
        try (FakeRegistry plain = new FakeRegistry()) {
            secure.on(
                    "GET",
                    "/v2/app/blobs/" + LAYER.digest(),
                    FakeRegistry.redirect("http://storage.test:" + plain.port() + "/x"));

            Throwable thrown = catchThrowable(() -> fetch(secureHost(), Map.of()));

            assertThat(thrown).hasMessageContaining("that is not followed");
            assertThat(plain.asked()).isEmpty();
        }
    }

    @Test
    void whereTheRegistrySendsUsItsOwnAuthorityIsTrustedToo() throws Exception {
        trustAuthority(secureHost());
        try (FakeRegistry store = new FakeRegistry(https())) {
            String host = "registry.test:" + store.port();
            store.on("GET", "/x", FakeRegistry.bytes("x", BLOB));
            secure.on("GET", "/v2/app/blobs/" + LAYER.digest(), FakeRegistry.redirect("https://" + host + "/x"));

            assertThat(fetch(secureHost(), Map.of())).isEqualTo(BLOB);

            Files.createDirectories(certificates.resolve(host));
            assertUnavailable("certs.d/" + host + "/ca.crt", () -> fetch(secureHost(), Map.of()));
        }
    }

    @Test
    void aRegistryThatForgetsItIsBehindTlsIsReachedByTlsAllTheSame() throws Exception {
        trustAuthority(secureHost());
        secure.on("GET", "/v2/app/blobs/" + LAYER.digest(), FakeRegistry.redirect("http://registry.test/moved"));
        secure.on("GET", "/moved", FakeRegistry.bytes("x", BLOB));

        assertThat(fetch(secureHost(), Map.of())).isEqualTo(BLOB);
    }

    @Test
    void aTokenThatCouldBeOverheardIsNotFetched() throws Exception {
        trustAuthority(secureHost());
        try (FakeRegistry plain = new FakeRegistry()) {
            secure.on(
                    "HEAD",
                    "/v2/app/manifests/v",
                    FakeRegistry.status(
                            401,
                            "",
                            "WWW-Authenticate",
                            "Bearer realm=\"http://127.0.0.1:" + plain.port() + "/token\""));

            Throwable thrown = catchThrowable(() -> {
                try (RegistryBackend.Remote remote = backend(Map.of())
                        .open(Repository.parse(secureHost() + "/app"), new Credentials("user", "pw", "", ""))) {
                    remote.resolve(Reference.parse(secureHost() + "/app:v"));
                }
            });

            assertThat(thrown).hasMessageContaining("could be overheard");
            assertThat(plain.asked()).isEmpty();
        }
    }

    // --- helpers

    private static String secureHost() {
        return "registry.test:" + secure.port();
    }

    private void trustAuthority(String host) throws Exception {
        Path own = Files.createDirectories(certificates.resolve(host));
        Files.write(own.resolve("ca.crt"), Files.readAllBytes(folder.resolve("ca.crt")));
    }

    private DistributionBackend backend(Map<String, Object> configuration) {
        return new DistributionBackend(certificates, Map.of(), configuration);
    }

    private byte[] fetch(String host, Map<String, Object> configuration) throws Exception {
        try (RegistryBackend.Remote remote =
                        backend(configuration).open(Repository.parse(host + "/app"), Credentials.ANONYMOUS);
                InputStream in = remote.fetch(LAYER, 0)) {
            return in.readAllBytes();
        }
    }

    private static void assertUnavailable(String message, Callable<?> call) {
        Throwable thrown = catchThrowable(call::call);
        assertThat(thrown).isInstanceOf(DriverException.class).hasMessageContaining(message);
        assertThat(((DriverException) thrown).failure().kind()).isEqualTo(Failure.Kind.UNAVAILABLE);
    }

    private static HttpsServer https() throws Exception {
        Path store = folder.resolve("server.p12");
        Shell.run(
                "openssl",
                "pkcs12",
                "-export",
                "-passout",
                "pass:secret",
                "-in",
                folder.resolve("server.crt").toString(),
                "-inkey",
                folder.resolve("server.key").toString(),
                "-out",
                store.toString());
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, "secret".toCharArray());
        }
        KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(keys, "secret".toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        HttpsServer server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
        server.setHttpsConfigurator(new HttpsConfigurator(context));
        return server;
    }

    private static Path authority(String name) throws Exception {
        Path certificate = folder.resolve(name + ".crt");
        Shell.run(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=test authority",
                "-keyout",
                folder.resolve(name + ".key").toString(),
                "-out",
                certificate.toString());
        return certificate;
    }

    private static void certify(String name, String host, String algorithm) throws Exception {
        Path request = folder.resolve(name + ".csr");
        Path extensions = Files.writeString(folder.resolve(name + ".ext"), "subjectAltName=DNS:" + host + "\n");
        if (algorithm.equals("ec")) {
            Shell.run(
                    "openssl",
                    "req",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:prime256v1",
                    "-nodes",
                    "-subj",
                    "/CN=" + host,
                    "-keyout",
                    folder.resolve(name + ".key").toString(),
                    "-out",
                    request.toString());
        } else {
            Shell.run(
                    "openssl",
                    "req",
                    "-newkey",
                    algorithm,
                    "-nodes",
                    "-subj",
                    "/CN=" + host,
                    "-keyout",
                    folder.resolve(name + ".key").toString(),
                    "-out",
                    request.toString());
        }
        Shell.run(
                "openssl",
                "x509",
                "-req",
                "-days",
                "2",
                "-in",
                request.toString(),
                "-CA",
                folder.resolve("ca.crt").toString(),
                "-CAkey",
                folder.resolve("ca.key").toString(),
                "-CAcreateserial",
                "-extfile",
                extensions.toString(),
                "-out",
                folder.resolve(name + ".crt").toString());
    }
}
