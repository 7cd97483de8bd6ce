package dev.wharf.engine.http;

import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** TLS of the engine's TCP ports, from the same three PEM files that dockerd takes. */
public final class Tls {
    /**
     * ChaCha20 first: the daemon's compiler has no use for a processor's AES instructions (it stops before the stage that
     * has), and without these AES takes three times as long.
     */
    private static final List<String> CIPHERS = List.of(
            "TLS_CHACHA20_POLY1305_SHA256",
            "TLS_AES_128_GCM_SHA256",
            "TLS_AES_256_GCM_SHA384",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384");

    private Tls() {}

    /**
     * A server's side of TLS 1.2 and 1.3.
     *
     * @param clients the authorities whose clients are let in; none lets everybody in
     */
    public static SslContext server(Path certificate, Path key, Optional<Path> clients) throws IOException {
        SslContextBuilder builder;
        try {
            builder = SslContextBuilder.forServer(readable(certificate, "--tlscert"), readable(key, "--tlskey"));
        } catch (IllegalArgumentException e) {
            throw new IOException(
                    "the certificate " + certificate + " or its key " + key + " cannot be used: " + reason(e)
                            + "; both are PEM files, the key without a password in PKCS#8 (openssl pkcs8 -topk8 -nocrypt)",
                    e);
        }
        if (clients.isPresent()) {
            try {
                builder.trustManager(readable(clients.get(), "--tlscacert")).clientAuth(ClientAuth.REQUIRE);
            } catch (IllegalArgumentException e) {
                throw new IOException("the authority " + clients.get() + " cannot be used: " + reason(e), e);
            }
        }
        return builder.sslProvider(SslProvider.JDK)
                .ciphers(CIPHERS)
                .protocols("TLSv1.3", "TLSv1.2")
                .build();
    }

    private static String reason(Exception e) {
        return e.getCause() == null
                ? String.valueOf(e.getMessage())
                : String.valueOf(e.getCause().getMessage());
    }

    private static File readable(Path file, String option) throws IOException {
        if (!Files.isReadable(file)) {
            throw new IOException(option + " " + file + ": no such file, or not readable");
        }
        return file.toFile();
    }
}
