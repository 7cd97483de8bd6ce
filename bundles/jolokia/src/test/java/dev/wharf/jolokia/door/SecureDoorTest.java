package dev.wharf.jolokia.door;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.management.ObjectName;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The same door behind TLS, with certificates as openssl makes them. */
@Timeout(120)
class SecureDoorTest {
    private static final String BEAN = "dev.wharf:type=SecureProbe";
    private static final String READ = "{\"type\":\"read\",\"mbean\":\"" + BEAN + "\",\"attribute\":\"Answer\"}";
    private static final String CALL = "{\"type\":\"exec\",\"mbean\":\"" + BEAN + "\",\"operation\":\"whoCalls\"}";
    private static final char[] NONE = {};

    @TempDir
    private static Path folder;

    @BeforeAll
    static void certificates() throws Exception {
        ManagementFactory.getPlatformMBeanServer().registerMBean(new DoorTest.Probe(), new ObjectName(BEAN));
        authority("ours");
        authority("theirs");
        certify("server", "localhost", "ours");
        certify("otto", "otto", "ours");
        certify("anna", "anna", "ours");
        certify("stranger", "otto", "theirs");
        Files.writeString(folder.resolve("eve"), "read only");
    }

    @AfterAll
    static void close() throws Exception {
        ManagementFactory.getPlatformMBeanServer().unregisterMBean(new ObjectName(BEAN));
    }

    private static void authority(String name) throws Exception {
        run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2 -subj /CN=" + name
                + " -addext basicConstraints=critical,CA:TRUE -keyout " + name + ".key -out " + name + ".crt");
    }

    private static void certify(String file, String commonName, String authority) throws Exception {
        run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2 -subj /O=Wharf/CN=" + commonName
                + " -addext subjectAltName=DNS:" + commonName + ",IP:127.0.0.1 -addext basicConstraints=CA:FALSE -CA "
                + authority + ".crt -CAkey " + authority + ".key -keyout " + file + ".key -out " + file + ".crt");
        run("pkcs12 -export -passout pass: -in " + file + ".crt -inkey " + file + ".key -out " + file + ".p12");
    }

    private static void run(String words) throws Exception {
        List<String> command = new java.util.ArrayList<>(List.of("openssl"));
        command.addAll(Arrays.asList(words.split(" ", -1)));
        Path said = folder.resolve("said");
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(said.toFile())
                .start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(Files.readString(said)).isZero();
    }

    private static Door open(Map<String, String> more) throws IOException {
        Map<String, String> said = new HashMap<>(Map.of("address", "127.0.0.1", "port", "0"));
        said.put("certificate", folder.resolve("server.crt").toString());
        said.put("key", folder.resolve("server.key").toString());
        said.putAll(more);
        return new Door(name -> said.getOrDefault(name, ""));
    }

    private static Door withPasswords() throws IOException {
        return open(Map.of("readers", folder.resolve("eve").toString()));
    }

    private static Door withCertificates() throws IOException {
        return open(Map.of("authorities", folder.resolve("ours.crt").toString(), "certified_operators", "otto"));
    }

    /** A client that trusts an authority, and has a certificate unless it is called nothing. */
    private static HttpClient client(String authority, String certificate) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (InputStream in = Files.newInputStream(folder.resolve(authority + ".crt"))) {
            trusted.setCertificateEntry(
                    "ca",
                    java.security.cert.CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        KeyStore own = KeyStore.getInstance("PKCS12");
        own.load(null, null);
        if (!certificate.isEmpty()) {
            try (InputStream in = Files.newInputStream(folder.resolve(certificate + ".p12"))) {
                own.load(in, NONE);
            }
        }
        keys.init(own, NONE);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return HttpClient.newBuilder().sslContext(tls).build();
    }

    private static String ask(HttpClient client, Door door, String body, String... headers) throws Exception {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(door.get())).POST(BodyPublishers.ofString(body));
        if (headers.length > 0) request.headers(headers);
        HttpResponse<String> answer = client.send(request.build(), BodyHandlers.ofString());
        return answer.statusCode() + " " + answer.body();
    }

    private static String console(HttpClient client, Door door, String path) throws Exception {
        URI uri = URI.create(door.get().replaceAll("/jolokia.*", "/console/") + path);
        HttpResponse<String> answer = client.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString());
        return answer.statusCode() + " " + answer.body();
    }

    private static String[] basic(String pair) {
        byte[] bytes = pair.getBytes(StandardCharsets.UTF_8);
        return new String[] {"Authorization", "Basic " + Base64.getEncoder().encodeToString(bytes)};
    }

    @Test
    void whoTrustsTheAuthorityIsServedJolokiaAndTheConsoleByPassword() throws Exception {
        try (Door door = withPasswords()) {
            assertThat(door.get()).startsWith("https://");
            HttpClient client = client("ours", "");
            assertThat(ask(client, door, READ, basic("eve:read only"))).contains("\"value\":42");
            assertThat(ask(client, door, READ, basic("eve:wrong"))).startsWith("401 ");
            assertThat(ask(client, door, CALL, basic("eve:read only"))).contains("\"status\":403");
            assertThat(console(client, door, "")).contains("<title>Wharf console</title>");
            assertThat(console(client, door, "api/look/host")).startsWith("401 ");
            // A page from our own address may ask: it is https here.
            String[] headers = basic("eve:read only");
            String own = door.get().replaceAll("/jolokia.*", "");
            assertThat(ask(client, door, READ, headers[0], headers[1], "Origin", own))
                    .contains("\"value\":42");
        }
    }

    @Test
    void whoTrustsAnotherAuthorityDoesNotSpeakWithIt() throws Exception {
        try (Door door = withPasswords()) {
            HttpClient client = client("theirs", "");
            assertThatThrownBy(() -> ask(client, door, READ, basic("eve:read only")))
                    .isInstanceOf(javax.net.ssl.SSLException.class);
        }
    }

    @Test
    void aCertificateIsWhoOneIs() throws Exception {
        try (Door door = withCertificates()) {
            HttpClient otto = client("ours", "otto");
            HttpClient anna = client("ours", "anna");
            assertThat(ask(otto, door, READ)).contains("\"value\":42");
            assertThat(ask(otto, door, CALL)).contains("\"value\":\"otto\"");
            assertThat(console(otto, door, "api/me")).isEqualTo("200 {\"name\":\"otto\",\"operator\":true}");
            assertThat(ask(anna, door, READ)).contains("\"value\":42");
            assertThat(ask(anna, door, CALL)).contains("\"status\":403");
            assertThat(console(anna, door, "api/me")).isEqualTo("200 {\"name\":\"anna\",\"operator\":false}");
        }
    }

    @Test
    void aCertificateOfAnotherAuthorityOrNoneIsTurnedAwayBeforeAnythingIsServed() throws Exception {
        try (Door door = withCertificates()) {
            for (String certificate : List.of("stranger", "")) {
                HttpClient client = client("ours", certificate);
                assertThatThrownBy(() -> ask(client, door, READ))
                        .as(certificate)
                        .isInstanceOf(IOException.class);
                assertThatThrownBy(() -> console(client, door, ""))
                        .as(certificate)
                        .isInstanceOf(IOException.class);
            }
        }
    }

    @Test
    void plainHttpGetsNothing() throws Exception {
        try (Door door = withPasswords();
                Socket socket = new Socket("127.0.0.1", URI.create(door.get()).getPort())) {
            socket.setSoTimeout(60_000);
            String[] password = basic("eve:read only");
            String request = "GET /jolokia/version HTTP/1.1\r\nHost: x\r\n" + password[0] + ": " + password[1]
                    + "\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            // The JDK's server has no word of HTTP for it: it hangs up, from Java 25 on with an alert of TLS before it.
            assertThat(answer).matches("(?s)|\\x15\\x03.{5}");
        }
    }

    @Test
    void aKeyOfRsaServesAsWell() throws Exception {
        run("req -x509 -newkey rsa:2048 -noenc -days 2 -subj /CN=rsa -addext subjectAltName=IP:127.0.0.1 -addext"
                + " basicConstraints=CA:FALSE -CA ours.crt -CAkey ours.key -keyout rsa.key -out rsa.crt");
        try (Door door = open(Map.of(
                "readers", folder.resolve("eve").toString(),
                "certificate", folder.resolve("rsa.crt").toString(),
                "key", folder.resolve("rsa.key").toString()))) {
            assertThat(ask(client("ours", ""), door, READ, basic("eve:read only")))
                    .contains("\"value\":42");
        }
    }

    @Test
    void whatCannotBeUsedIsNamedAndHowToMendIt() throws Exception {
        run("ec -in server.key -aes128 -passout pass:secret -out locked.key");
        assertThatThrownBy(() -> open(Map.of(
                        "readers",
                        folder.resolve("eve").toString(),
                        "key",
                        folder.resolve("locked.key").toString())))
                .hasMessageContaining("locked.key")
                .hasMessageContaining("openssl pkcs8 -topk8 -nocrypt");
        assertThatThrownBy(
                        () -> open(Map.of("authorities", folder.resolve("eve").toString())))
                .hasMessageContaining("eve cannot be read as certificates");

        assertThatThrownBy(() -> open(Map.of(
                        "readers",
                        folder.resolve("eve").toString(),
                        "key",
                        folder.resolve("none.key").toString())))
                .hasMessageContaining("none.key");
    }
}
