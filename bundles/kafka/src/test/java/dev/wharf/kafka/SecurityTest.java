package dev.wharf.kafka;

import static dev.wharf.kafka.Topics.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.core.event.HostEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.log.codec.record.RecordJournal;
import dev.wharf.log.file.FileLog;
import dev.wharf.testkit.kafka.Broker;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A broker that takes nobody without TLS, a password, or both. */
@Timeout(120)
class SecurityTest {
    private static final String PASSWORD = "canary \"quoted\" \\ pass";

    @TempDir
    static Path home;

    private static Broker broker;
    private static TokenServer tokens;
    private static String oauth = "";
    private static Path authority;
    private static Path password;

    private static void keytool(String... words) throws Exception {
        List<String> command = new java.util.ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString()));
        command.addAll(List.of(words));
        run("keytool", command);
    }

    private static void run(String name, List<String> command) throws Exception {
        Path log = home.resolve(name + ".log");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(Files.readString(log)).isZero();
    }

    @BeforeAll
    static void startBroker() throws Exception {
        Path store = home.resolve("broker.p12");
        keytool(
                "-genkeypair",
                "-alias",
                "broker",
                "-keyalg",
                "EC",
                "-dname",
                "CN=localhost",
                "-ext",
                "SAN=IP:127.0.0.1,DNS:localhost",
                "-validity",
                "2",
                "-storetype",
                "PKCS12",
                "-keystore",
                store.toString(),
                "-storepass",
                "changeit");
        authority = home.resolve("ca.pem");
        keytool(
                "-exportcert",
                "-rfc",
                "-alias",
                "broker",
                "-keystore",
                store.toString(),
                "-storepass",
                "changeit",
                "-file",
                authority.toString());
        password = Files.writeString(home.resolve("password"), PASSWORD + "\n");
        String quoted = ClientSettings.quoted(PASSWORD).replace("\\", "\\\\");
        Map<String, String> settings = new LinkedHashMap<>();
        tokens = new TokenServer("wharf-host", "canary client secret");
        try (ServerSocket socket = new ServerSocket(0)) {
            oauth = "127.0.0.1:" + socket.getLocalPort();
        }
        settings.put("listeners", "CONTROLLER://127.0.0.1:CONTROLLER,SAFE://127.0.0.1:PORT,OAUTH://" + oauth);
        settings.put("advertised.listeners", "SAFE://127.0.0.1:PORT,OAUTH://" + oauth);
        settings.put("inter.broker.listener.name", "SAFE");
        settings.put("listener.security.protocol.map", "CONTROLLER:PLAINTEXT,SAFE:SASL_SSL,OAUTH:SASL_SSL");
        settings.put("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512");
        settings.put("listener.name.oauth.sasl.enabled.mechanisms", "OAUTHBEARER");
        settings.put(
                "listener.name.oauth.oauthbearer.sasl.jaas.config",
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;");
        settings.put(
                "listener.name.oauth.oauthbearer.sasl.server.callback.handler.class",
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler");
        settings.put("listener.name.oauth.oauthbearer.sasl.oauthbearer.jwks.endpoint.url", tokens.keysUrl());
        settings.put("listener.name.oauth.oauthbearer.sasl.oauthbearer.expected.audience", TokenServer.AUDIENCE);
        settings.put("listener.name.oauth.oauthbearer.sasl.oauthbearer.expected.issuer", TokenServer.ISSUER);
        settings.put("sasl.mechanism.inter.broker.protocol", "PLAIN");
        settings.put(
                "listener.name.safe.plain.sasl.jaas.config",
                "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"wharf\" password=" + quoted
                        + " user_wharf=" + quoted + ";");
        settings.put(
                "listener.name.safe.scram-sha-512.sasl.jaas.config",
                "org.apache.kafka.common.security.scram.ScramLoginModule required;");
        settings.put(
                "listener.name.safe.scram-sha-256.sasl.jaas.config",
                "org.apache.kafka.common.security.scram.ScramLoginModule required;");
        settings.put("ssl.keystore.type", "PKCS12");
        settings.put("ssl.keystore.location", store.toString());
        settings.put("ssl.keystore.password", "changeit");
        settings.put("ssl.truststore.type", "PEM");
        settings.put("ssl.truststore.location", authority.toString());
        broker = Broker.start(
                home.resolve("broker"),
                settings,
                List.of(
                        "--add-scram",
                        "SCRAM-SHA-512=[name=scram,password=secret]",
                        "--add-scram",
                        "SCRAM-SHA-256=[name=short,password=secret]"),
                List.of("-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=" + tokens.keysUrl()));
    }

    @AfterAll
    static void stopBroker() throws Exception {
        broker.close();
        tokens.close();
    }

    private static Settings settings(String prefix, String... more) {
        Map<String, String> all = new TreeMap<>();
        all.put("security.protocol", "SASL_SSL");
        all.put("tls.authorities.file", authority.toString());
        for (int i = 0; i < more.length; i += 2) {
            all.put(more[i], more[i + 1]);
        }
        return Topics.settings(broker.address(), prefix, all);
    }

    private static String state(Settings settings, Path folder) throws Exception {
        try (EventJournal journal =
                new RecordJournal(new FileLog(new FileLog.Options(folder, "test")), new EventCodec())) {
            JournalAgent agent = new JournalAgent(journal);
            agent.append(new Batch(
                    new Cause(CommandId.NONE, Optional.empty(), Actor.WHARF),
                    Instant.now(),
                    List.of(new HostEvent.Opened("host", 1, "test", Instant.now()))));
            Gauges gauges = new Gauges();
            try (Publisher publisher = new Publisher(agent.agent(), settings, gauges, Optional::empty)) {
                publisher.start();
                await(() -> gauges.getPosition() == 1 || !gauges.getTrouble().isEmpty());
                assertThat(gauges.getTrouble()).doesNotContain("canary");
                return gauges.getPosition() == 1 ? "published" : gauges.getState();
            }
        }
    }

    @Test
    void passwordsAreGivenAsTheyLieInTheirFileOverTls(@TempDir Path folder) throws Exception {
        Settings settings = settings(
                "plain", "sasl.mechanism", "PLAIN", "sasl.user", "wharf", "sasl.password.file", password.toString());
        assertThat(state(settings, folder)).isEqualTo("published");
        assertThat(settings.toString()).doesNotContain("canary");
    }

    @Test
    void scramWorksAsWell(@TempDir Path folder) throws Exception {
        Path secret = Files.writeString(folder.resolve("secret"), "secret");
        Settings settings = settings("scram", "sasl.user", "scram", "sasl.password.file", secret.toString());
        assertThat(state(settings, folder.resolve("journal"))).isEqualTo("published");
        Settings shorter = settings(
                "shorter",
                "sasl.mechanism",
                "SCRAM-SHA-256",
                "sasl.user",
                "short",
                "sasl.password.file",
                secret.toString());
        assertThat(state(shorter, folder.resolve("other"))).isEqualTo("published");
    }

    private static Settings oauth(String prefix, Path secret) {
        return settings(
                prefix,
                "bootstrap.servers",
                oauth,
                "sasl.mechanism",
                "OAUTHBEARER",
                "oauth.token.url",
                tokens.tokenUrl(),
                "oauth.client",
                "wharf-host",
                "oauth.secret.file",
                secret.toString(),
                "oauth.scope",
                "kafka");
    }

    @Test
    void aTokenIsFetchedForTheClientsSecretAndIsEnough(@TempDir Path folder) throws Exception {
        Path secret = Files.writeString(folder.resolve("secret"), "canary client secret\n");
        assertThat(state(oauth("oauth", secret), folder.resolve("journal"))).isEqualTo("published");
        assertThat(tokens.given()).isPositive();
        assertThat(tokens.scopes()).containsOnly("kafka");
    }

    @Test
    void withAWrongSecretThereIsNoTokenAndThatIsSaid(@TempDir Path folder) throws Exception {
        Path wrong = Files.writeString(folder.resolve("wrong"), "canary of another");
        assertThat(state(oauth("denied", wrong), folder.resolve("journal"))).isNotEqualTo("published");
    }

    @Test
    void aWrongPasswordBlocksAndSaysSo(@TempDir Path folder) throws Exception {
        Path wrong = Files.writeString(folder.resolve("wrong"), "wrong");
        Settings settings = settings(
                "wrong", "sasl.mechanism", "PLAIN", "sasl.user", "wharf", "sasl.password.file", wrong.toString());
        assertThat(state(settings, folder.resolve("journal"))).isEqualTo("blocked");
    }

    @Test
    void aFileThatCannotBeReadIsNamedWithItsSetting(@TempDir Path folder) throws Exception {
        Settings settings = settings("nofile", "security.protocol", "SSL", "tls.authorities.file", folder.toString());
        assertThatThrownBy(() -> new ClientSettings(settings, "host").admin())
                .isInstanceOf(IOException.class)
                .hasMessage("tls.authorities.file is " + folder + ", where no file is that can be read");
    }

    @Test
    void aKeyIsOpenedWithItsPasswordAndWhatIsWrongWithItIsSaid(@TempDir Path folder) throws Exception {
        Path plain = folder.resolve("plain.pem");
        Path locked = folder.resolve("locked.pem");
        Path certificate = folder.resolve("certificate.pem");
        openssl(
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-subj",
                "/CN=host",
                "-keyout",
                plain,
                "-out",
                certificate);
        openssl("pkcs8", "-topk8", "-in", plain, "-out", locked, "-passout", "pass:canary key");
        Path identity = Files.writeString(
                folder.resolve("identity.pem"), Files.readString(certificate) + Files.readString(locked));

        Identity opened = Identity.read(identity, "canary key");

        assertThat(opened.key().replaceAll("\\s", ""))
                .isEqualTo(Files.readString(plain).replaceAll("\\s", ""));
        assertThat(opened.chain()).isEqualTo(Files.readString(certificate).strip());
        assertThat(opened.toString()).doesNotContain("PRIVATE");
        assertThatThrownBy(() -> Identity.read(identity, "")).hasMessageContaining("is encrypted: name a file");
        assertThatThrownBy(() -> Identity.read(identity, "canary wrong"))
                .hasMessageContaining("does not open the private key")
                .hasMessageNotContaining("canary");
        assertThatThrownBy(() -> Identity.read(certificate, "")).hasMessageContaining("no private key");
        assertThatThrownBy(() -> Identity.read(plain, "")).hasMessageContaining("no certificate");
    }

    private static void openssl(Object... words) throws Exception {
        List<String> command = new java.util.ArrayList<>(List.of("openssl"));
        List.of(words).forEach(word -> command.add(word.toString()));
        run("openssl", command);
    }

    @Test
    void whatTlsSaysIsSaidInTheWordsOfTheSettings() {
        Settings.Security nobody = settings("words", "security.protocol", "SSL").security();
        Settings.Security somebody = settings("words", "security.protocol", "SSL", "tls.certificate.file", "/host.pem")
                .security();

        assertThat(Handshake.told("Received fatal alert: bad_certificate", nobody))
                .isEqualTo("the broker wants a certificate, and tls.certificate.file names none: bad_certificate");
        assertThat(Handshake.told("Received fatal alert: certificate_expired", somebody))
                .isEqualTo(
                        "the broker refuses the certificate in tls.certificate.file, /host.pem: certificate_expired");
        assertThat(Handshake.told("PKIX path building failed", somebody))
                .isEqualTo("the broker's certificate is not vouched for by tls.authorities.file, " + authority
                        + ": PKIX path building failed");
        assertThat(Handshake.told("connection reset", nobody)).isEqualTo("connection reset");
    }

    @Test
    void aSecretThatIsEmptyOrNotThereIsNamedWithItsSetting(@TempDir Path folder) throws Exception {
        Path empty = Files.writeString(folder.resolve("empty"), "\n");
        for (Path file : List.of(empty, folder.resolve("nowhere"))) {
            Settings settings = settings("nosecret", "sasl.user", "wharf", "sasl.password.file", file.toString());
            assertThatThrownBy(() -> new ClientSettings(settings, "host").admin())
                    .isInstanceOf(UnusableException.class)
                    .hasMessageStartingWith("sasl.password.file is " + file + ", ");
        }
    }

    @Test
    void aHostThatIsNotThereIsToldSo() {
        assertThatThrownBy(() -> Publisher.knock("nowhere.invalid:9092"))
                .hasMessage("no broker answers at nowhere.invalid:9092: no such host");
    }

    @Test
    void whoIsNotVouchedForIsNoBroker(@TempDir Path folder) throws Exception {
        Settings settings = settings(
                "strange",
                "sasl.mechanism",
                "PLAIN",
                "sasl.user",
                "wharf",
                "sasl.password.file",
                password.toString(),
                "tls.authorities.file",
                other(folder).toString());
        assertThat(state(settings, folder.resolve("journal"))).isEqualTo("blocked");
    }

    private static Path other(Path folder) throws Exception {
        String store = folder.resolve("other.p12").toString();
        keytool(
                "-genkeypair",
                "-alias",
                "other",
                "-keyalg",
                "EC",
                "-dname",
                "CN=other",
                "-validity",
                "2",
                "-storetype",
                "PKCS12",
                "-keystore",
                store,
                "-storepass",
                "changeit");
        Path file = folder.resolve("other.pem");
        keytool(
                "-exportcert",
                "-rfc",
                "-alias",
                "other",
                "-keystore",
                store,
                "-storepass",
                "changeit",
                "-file",
                file.toString());
        return file;
    }

    @Test
    void settingsThatAreWrongOrNotOursAreRefusedByName() {
        Map<String, String> good = Map.of("bootstrap.servers", "one:9092,[::1]:9093");
        assertThat(Settings.of(good).isOn()).isTrue();
        assertThat(Settings.of(Map.of()).isOn()).isFalse();
        for (Map.Entry<String, String> bad : Map.of(
                        "bootstrap.servers", "one two",
                        "topics.prefix", "a_b",
                        "format", "xml",
                        "topics.partitions", "0",
                        "security.protocol", "NONE",
                        "sasl.jaas.config", "com.sun.security.auth.module.JndiLoginModule required;",
                        "commands.allow", "ops",
                        "compression", "lz4")
                .entrySet()) {
            Map<String, String> all = new TreeMap<>(good);
            all.put(bad.getKey(), bad.getValue());
            assertThatThrownBy(() -> Settings.of(all))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(bad.getKey());
        }
        assertThatThrownBy(() -> Settings.of(Map.of("bootstrap.servers", "a:1", "security.protocol", "SASL_SSL")))
                .hasMessageContaining("sasl.user");
    }
}
