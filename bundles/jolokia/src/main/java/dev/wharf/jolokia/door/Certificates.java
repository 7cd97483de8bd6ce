package dev.wharf.jolokia.door;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManagerFactory;

/**
 * Who the server is, and whose clients it lets in.
 *
 * @param authorities one of which must have signed a client's certificate; empty where clients need none
 */
record Certificates(Path certificate, Path key, Optional<Path> authorities) {
    private static final char[] NO_PASSWORD = {};
    private static final Pattern PEM =
            Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");

    /** Empty where the settings name none. */
    static Optional<Certificates> of(Function<String, String> said) {
        String authorities = said.apply("authorities");
        if (said.apply("certificate").isBlank()) {
            if (!authorities.isBlank()) {
                throw new IllegalArgumentException(
                        "authorities of clients' certificates need TLS: name certificate and key, too");
            }
            return Optional.empty();
        }
        if (said.apply("key").isBlank()) {
            throw new IllegalArgumentException("the certificate needs its key: name its file as key");
        }
        return Optional.of(new Certificates(
                Path.of(said.apply("certificate")),
                Path.of(said.apply("key")),
                Optional.of(authorities).filter(text -> !text.isBlank()).map(Path::of)));
    }

    /** @throws IllegalArgumentException which names the file that cannot be used */
    HttpsConfigurator configurator() throws IOException {
        SSLContext tls = context();
        boolean everybody = authorities.isPresent();
        return new HttpsConfigurator(tls) {
            @Override
            public void configure(HttpsParameters parameters) {
                SSLParameters wanted = tls.getDefaultSSLParameters();
                wanted.setNeedClientAuth(everybody);
                parameters.setSSLParameters(wanted);
            }
        };
    }

    private SSLContext context() throws IOException {
        try {
            Certificate[] chain = read(certificate);
            KeyStore own = empty();
            own.setKeyEntry("server", privateKey(chain[0].getPublicKey().getAlgorithm()), NO_PASSWORD, chain);
            KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            keys.init(own, NO_PASSWORD);
            KeyStore trusted = empty();
            if (authorities.isPresent()) {
                int count = 0;
                for (Certificate authority : read(authorities.get())) {
                    trusted.setCertificateEntry("authority-" + count++, authority);
                }
            }
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(trusted);
            SSLContext tls = SSLContext.getInstance("TLS");
            tls.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
            return tls;
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException("TLS cannot be set up: " + e.getMessage(), e);
        }
    }

    private static KeyStore empty() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        return store;
    }

    private static Certificate[] read(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            Certificate[] certificates = CertificateFactory.getInstance("X.509")
                    .generateCertificates(in)
                    .toArray(Certificate[]::new);
            if (certificates.length == 0) {
                throw new IllegalArgumentException("there is no certificate in " + file);
            }
            return certificates;
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalArgumentException(file + " cannot be read as certificates: " + e.getMessage(), e);
        }
    }

    private PrivateKey privateKey(String algorithm) {
        try {
            Matcher pem = PEM.matcher(Files.readString(key, StandardCharsets.US_ASCII));
            if (!pem.find()) {
                throw new IllegalArgumentException("there is no key in PKCS #8 without a password in " + key
                        + "; openssl pkcs8 -topk8 -nocrypt -in " + key + " makes one of what is there");
            }
            byte[] der = Base64.getMimeDecoder().decode(pem.group(1));
            return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der));
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalArgumentException(
                    key + " cannot be read as the key of " + certificate + ": " + e.getMessage(), e);
        }
    }
}
