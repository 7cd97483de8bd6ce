package dev.wharf.registry.distribution;

import dev.wharf.spi.registry.Credentials;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Signs tokens that a real registry accepts. One user may do everything in {@code team/} and {@code public/}, everybody else
 * may pull from {@code public/}.
 */
final class TokenServer implements AutoCloseable {
    static final String REFRESH_TOKEN = "refresh-me";

    private final FakeRegistry server;
    private final Credentials user;
    private final Path certificate;
    private final PrivateKey key;
    private final AtomicInteger given = new AtomicInteger();
    private final AtomicInteger stale = new AtomicInteger();
    private volatile String lastScope = "";
    private volatile String refusal = "";

    TokenServer(Path folder, Credentials user) throws Exception {
        this.user = user;
        Files.createDirectories(folder);
        certificate = folder.resolve("token.crt");
        Path keyFile = folder.resolve("token.key");
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
                "/CN=tokens",
                "-keyout",
                keyFile.toString(),
                "-out",
                certificate.toString());
        key = KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(der(keyFile)));
        server = new FakeRegistry();
        server.on("GET", "/token", (exchange, asked) -> {
            String authorization = asked.header("Authorization");
            boolean known = authorization.equals(Tokens.basic(user));
            if (!authorization.isEmpty() && !known) {
                FakeRegistry.status(401, refusal).give(exchange, asked);
            } else {
                String query = asked.path().substring(asked.path().indexOf('?') + 1);
                FakeRegistry.status(200, answer(parameters(query, "scope"), known))
                        .give(exchange, asked);
            }
        });
        server.on("POST", "/token", (exchange, asked) -> {
            String form = new String(asked.body(), StandardCharsets.UTF_8);
            boolean known = parameters(form, "refresh_token").contains(REFRESH_TOKEN)
                    && parameters(form, "grant_type").contains("refresh_token");
            FakeRegistry.status(known ? 200 : 401, known ? answer(parameters(form, "scope"), true) : "")
                    .give(exchange, asked);
        });
    }

    String configuration() {
        return "auth: {token: {realm: 'http://%s/token', service: reg, issuer: us, rootcertbundle: %s}}"
                .formatted(server.host(), certificate);
    }

    /** What is said to whoever is not known. */
    void refuseWith(String body) {
        refusal = body;
    }

    int given() {
        return given.get();
    }

    String lastScope() {
        return lastScope;
    }

    void giveStaleTokens(int count) {
        stale.set(count);
    }

    private static List<String> parameters(String query, String name) {
        List<String> values = new ArrayList<>();
        for (String pair : query.split("&")) {
            if (pair.startsWith(name + "=")) {
                values.add(URLDecoder.decode(pair.substring(name.length() + 1), StandardCharsets.UTF_8));
            }
        }
        return values;
    }

    private String answer(List<String> scopes, boolean known) throws Exception {
        given.incrementAndGet();
        lastScope = String.join(" ", scopes);
        return "{\"token\":\"" + token(lastScope, known) + "\",\"expires_in\":300}";
    }

    String token(String scopes, boolean known) throws Exception {
        long now = Instant.now().getEpochSecond();
        long expires = stale.getAndUpdate(n -> Math.max(0, n - 1)) > 0 ? now - 4000 : now + 300;
        List<String> access = new ArrayList<>();
        for (String scope : scopes.isEmpty() ? new String[0] : scopes.split(" ")) {
            String[] parts = scope.split(":");
            String actions = known
                    ? "\"" + parts[2].replace(",", "\",\"") + "\""
                    : parts[1].startsWith("public/") ? "\"pull\"" : "";
            access.add("{\"type\":\"repository\",\"name\":\"%s\",\"actions\":[%s]}".formatted(parts[1], actions));
        }
        String header = "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"x5c\":[\"%s\"]}"
                .formatted(Base64.getEncoder().encodeToString(der(certificate)));
        String claims =
                "{\"iss\":\"us\",\"sub\":\"%s\",\"aud\":\"reg\",\"exp\":%d,\"nbf\":%d,\"iat\":%d,\"jti\":\"%d\",\"access\":[%s]}"
                        .formatted(
                                user.username(),
                                expires,
                                now - 5000,
                                now - 5000,
                                given.get(),
                                String.join(",", access));
        String signed =
                base64(header.getBytes(StandardCharsets.UTF_8)) + "." + base64(claims.getBytes(StandardCharsets.UTF_8));
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initSign(key);
        signature.update(signed.getBytes(StandardCharsets.US_ASCII));
        return signed + "." + base64(signature.sign());
    }

    private static String base64(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private static byte[] der(Path pem) throws Exception {
        return Base64.getMimeDecoder().decode(Files.readString(pem).replaceAll("-----[A-Z ]+-----", ""));
    }

    @Override
    public void close() {
        server.close();
    }
}
