package dev.wharf.kafka;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;

/** Gives signed tokens for client credentials, as RFC 6749 section 4.4 says, and tells the key that they are checked with. */
final class TokenServer implements AutoCloseable {
    static final String AUDIENCE = "brokers";
    static final String ISSUER = "https://tokens.test";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Base64.Encoder URL = Base64.getUrlEncoder().withoutPadding();

    private final HttpServer server;
    private final KeyPair pair;
    private final String expected;
    private final AtomicInteger given = new AtomicInteger();
    private final Set<String> scopes = new TreeSet<>();

    TokenServer(String client, String secret) throws IOException, GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        pair = generator.generateKeyPair();
        expected =
                "Basic " + Base64.getEncoder().encodeToString((client + ":" + secret).getBytes(StandardCharsets.UTF_8));
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/token", this::token);
        server.createContext("/keys", this::keys);
        server.start();
    }

    private String url(String path) {
        return "http://127.0.0.1:" + server.getAddress().getPort() + path;
    }

    String tokenUrl() {
        return url("/token");
    }

    String keysUrl() {
        return url("/keys");
    }

    int given() {
        return given.get();
    }

    synchronized Set<String> scopes() {
        return new TreeSet<>(scopes);
    }

    private synchronized void token(HttpExchange exchange) throws IOException {
        String form = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        boolean known = expected.equals(exchange.getRequestHeaders().getFirst("Authorization"))
                && form.contains("grant_type=client_credentials");
        if (!known) {
            answer(exchange, 401, Map.of("error", "invalid_client"));
            return;
        }
        for (String field : form.split("&")) {
            if (field.startsWith("scope=")) {
                scopes.add(URLDecoder.decode(field.substring(6), StandardCharsets.UTF_8));
            }
        }
        given.incrementAndGet();
        answer(exchange, 200, Map.of("access_token", signed(), "token_type", "Bearer", "expires_in", 3600));
    }

    private String signed() throws IOException {
        long now = Instant.now().getEpochSecond();
        String text = part(Map.of("alg", "RS256", "typ", "JWT", "kid", "one")) + "."
                + part(Map.of(
                        "iss",
                        ISSUER,
                        "sub",
                        "wharf-host",
                        "aud",
                        AUDIENCE,
                        "iat",
                        now,
                        "exp",
                        now + 3600,
                        "scope",
                        "kafka"));
        try {
            Signature signature = Signature.getInstance("SHA256withRSA");
            signature.initSign(pair.getPrivate());
            signature.update(text.getBytes(StandardCharsets.US_ASCII));
            return text + "." + URL.encodeToString(signature.sign());
        } catch (GeneralSecurityException e) {
            throw new IOException(e);
        }
    }

    private static String part(Map<String, ?> claims) throws IOException {
        return URL.encodeToString(JSON.writeValueAsBytes(claims));
    }

    private void keys(HttpExchange exchange) throws IOException {
        RSAPublicKey key = (RSAPublicKey) pair.getPublic();
        answer(
                exchange,
                200,
                Map.of(
                        "keys",
                        List.of(Map.of(
                                "kty", "RSA",
                                "use", "sig",
                                "alg", "RS256",
                                "kid", "one",
                                "n", number(key.getModulus()),
                                "e", number(key.getPublicExponent())))));
    }

    private static String number(BigInteger number) {
        byte[] bytes = number.toByteArray();
        int sign = bytes[0] == 0 ? 1 : 0;
        return URL.encodeToString(java.util.Arrays.copyOfRange(bytes, sign, bytes.length));
    }

    private static void answer(HttpExchange exchange, int status, Map<String, ?> body) throws IOException {
        byte[] bytes = JSON.writeValueAsBytes(body);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
