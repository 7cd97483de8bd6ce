package dev.wharf.kafka;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.config.types.Password;

/** Turns settings into what Kafka's clients want, reading secrets from their files afresh each time. */
final class ClientSettings {
    /** Which addresses the client may fetch tokens from; Kafka asks for it as a property of the whole JVM. */
    private static final String ALLOWED_URLS = "org.apache.kafka.sasl.oauthbearer.allowed.urls";

    /** The largest batch of the journal and its headers. */
    static final int MAX_RECORD_BYTES = 5 << 20;

    private final Settings settings;
    private final String host;

    ClientSettings(Settings settings, String host) {
        this.settings = settings;
        this.host = host;
    }

    private Map<String, Object> common(String purpose) throws IOException {
        Map<String, Object> to = new HashMap<>();
        to.put("bootstrap.servers", settings.brokers());
        to.put("client.id", "wharf-" + purpose + "-" + host.substring(0, Math.min(12, host.length())));
        to.put("enable.metrics.push", "false");
        to.put("metric.reporters", "");
        to.put("reconnect.backoff.ms", "100");
        to.put("reconnect.backoff.max.ms", "3000");
        to.put("request.timeout.ms", "8000");
        to.put("default.api.timeout.ms", "10000");
        to.put("security.protocol", settings.security().protocol());
        secure(to, settings.security());
        return to;
    }

    Map<String, Object> admin() throws IOException {
        return common("admin");
    }

    Map<String, Object> consumer() throws IOException {
        Map<String, Object> to = common("reader");
        to.put("isolation.level", "read_committed");
        to.put("enable.auto.commit", "false");
        to.put("auto.offset.reset", "earliest");
        // Whoever only looks must not make a topic, with settings that are none of ours.
        to.put("allow.auto.create.topics", "false");
        to.put("fetch.max.bytes", Integer.toString(1 << 20));
        to.put("max.partition.fetch.bytes", Integer.toString(1 << 20));
        to.put("receive.buffer.bytes", "65536");
        return to;
    }

    /**
     * The transactional id is the host's: whoever opens a producer with it fences whoever had one before, so of two agents that
     * think they are one host only the later can write.
     */
    Map<String, Object> producer() throws IOException {
        Map<String, Object> to = common("publisher");
        to.put("transactional.id", settings.prefix() + "-" + host);
        to.put("enable.idempotence", "true");
        to.put("acks", "all");
        to.put("linger.ms", "5");
        // Must be at least linger and request together, or no producer starts.
        to.put("delivery.timeout.ms", "20000");
        to.put("max.block.ms", "15000");
        to.put("transaction.timeout.ms", "60000");
        // One partition takes all events of a host, and each request costs the broker as much as hundreds of them.
        to.put("batch.size", Integer.toString(256 << 10));
        // A few requests under way and the largest record; what is more would only lie in the agent's small heap.
        to.put("buffer.memory", Integer.toString(7 << 20));
        to.put("max.request.size", Integer.toString(MAX_RECORD_BYTES));
        to.put("compression.type", settings.compression());
        return to;
    }

    private static void secure(Map<String, Object> to, Settings.Security security) throws IOException {
        if (security.protocol().endsWith("SSL")) {
            if (security.authorities().isPresent()) {
                to.put("ssl.truststore.type", "PEM");
                to.put(
                        "ssl.truststore.location",
                        readable("tls.authorities.file", security.authorities().get()));
            }
            if (security.certificate().isPresent()) {
                Identity who = Identity.read(
                        security.certificate().get(),
                        security.certificatePassword().isEmpty()
                                ? ""
                                : secret("tls.password.file", security.certificatePassword()));
                to.put("ssl.keystore.type", "PEM");
                to.put("ssl.keystore.certificate.chain", who.chain());
                to.put("ssl.keystore.key", new Password(who.key()));
            }
            to.put("ssl.endpoint.identification.algorithm", security.checkNames() ? "https" : "");
        }
        if (!security.isSasl()) {
            return;
        }
        to.put("sasl.mechanism", security.mechanism());
        to.put("sasl.jaas.config", new Password(login(security)));
        if (security.mechanism().equals("OAUTHBEARER")) {
            to.put("sasl.oauthbearer.token.endpoint.url", security.tokenUrl());
            to.put(
                    "sasl.login.callback.handler.class",
                    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler");
            System.setProperty(ALLOWED_URLS, security.tokenUrl());
        }
    }

    private static String login(Settings.Security security) throws IOException {
        return switch (security.mechanism()) {
            case "PLAIN" ->
                "org.apache.kafka.common.security.plain.PlainLoginModule required username=" + quoted(security.user())
                        + " password=" + quoted(secret("sasl.password.file", security.password())) + ";";
            case "OAUTHBEARER" ->
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId="
                        + quoted(security.client()) + " clientSecret="
                        + quoted(secret("oauth.secret.file", security.clientSecret()))
                        + (security.scope().isEmpty() ? "" : " scope=" + quoted(security.scope())) + ";";
            default ->
                "org.apache.kafka.common.security.scram.ScramLoginModule required username=" + quoted(security.user())
                        + " password=" + quoted(secret("sasl.password.file", security.password())) + ";";
        };
    }

    /** A word as JAAS reads it, whatever is in it. */
    static String quoted(String word) {
        return '"' + word.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    /** A file that Kafka's client will read, which would not say of which file it speaks. */
    private static String readable(String setting, Path file) throws UnusableException {
        if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
            throw new UnusableException(setting + " is " + file + ", where no file is that can be read");
        }
        return file.toString();
    }

    /** What a file holds, without the line's end. */
    private static String secret(String setting, Optional<Path> file) throws UnusableException {
        if (file.isEmpty()) {
            return "";
        }
        String secret;
        try {
            secret = Files.readString(Path.of(readable(setting, file.get())), StandardCharsets.UTF_8)
                    .stripTrailing();
        } catch (UnusableException e) {
            throw e;
        } catch (IOException e) {
            throw new UnusableException(setting + " is " + file.get() + ", which cannot be read: " + e.getMessage());
        }
        if (secret.isEmpty()) {
            throw new UnusableException(setting + " is " + file.get() + ", which is empty");
        }
        return secret;
    }
}
