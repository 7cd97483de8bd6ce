package dev.wharf.spi.tls;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Whom a client of TLS trusts and who it is, by files in PEM (RFC 7468) as programs of the host are told of them.
 *
 * @param authorities files of those whom it trusts beside those whom the host trusts
 * @param identities who it is; none where it need not say
 * @param trusting whether any certificate will do, with any name
 */
public record ClientTls(List<Path> authorities, List<Identity> identities, boolean trusting) {
    /** A certificate with its chain, and its key: PKCS #8, or the older form of its algorithm, without a password. */
    public record Identity(Path certificate, Path key) {}

    private static final char[] NO_PASSWORD = new char[0];

    private static final Pattern PEM =
            Pattern.compile("-----BEGIN ([A-Z ]*PRIVATE KEY)-----([A-Za-z0-9+/=\\s]+)-----END \\1-----");

    public ClientTls {
        authorities = List.copyOf(authorities);
        identities = List.copyOf(identities);
    }

    /** @throws IOException which names the file that cannot be used */
    public SSLContext context() throws IOException {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys(), trust(), null);
            return context;
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw new IOException("TLS cannot be set up: " + e.getMessage(), e);
        }
    }

    /** Why a handshake failed, in words that users of Docker know. */
    public static String reason(IOException handshake) {
        if (has(handshake, CertPathBuilderException.class)) {
            return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
        }
        boolean certificate =
                has(handshake, CertPathValidatorException.class) || has(handshake, CertificateException.class);
        return (certificate ? "tls: failed to verify certificate: " : "tls: ") + handshake.getMessage();
    }

    private static boolean has(@Nullable Throwable thrown, Class<? extends Throwable> kind) {
        for (Throwable t = thrown; t != null; t = t.getCause()) {
            if (kind.isInstance(t)) {
                return true;
            }
        }
        return false;
    }

    private TrustManager[] trust() throws GeneralSecurityException, IOException {
        if (trusting) {
            return new TrustManager[] {new AnyCertificate()};
        }
        KeyStore store = emptyStore();
        int count = 0;
        for (TrustManager manager : managers(null)) {
            if (manager instanceof X509TrustManager known) {
                for (X509Certificate authority : known.getAcceptedIssuers()) {
                    store.setCertificateEntry("system-" + count++, authority);
                }
            }
        }
        for (Path file : authorities) {
            for (Certificate authority : certificates(file)) {
                store.setCertificateEntry("own-" + count++, authority);
            }
        }
        return managers(store);
    }

    private static TrustManager[] managers(@Nullable KeyStore store) throws GeneralSecurityException {
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return factory.getTrustManagers();
    }

    private KeyManager @Nullable [] keys() throws GeneralSecurityException, IOException {
        if (identities.isEmpty()) {
            return null;
        }
        KeyStore store = emptyStore();
        for (Identity identity : identities) {
            Certificate[] chain = certificates(identity.certificate()).toArray(Certificate[]::new);
            store.setKeyEntry(
                    identity.certificate().toString(), privateKey(identity.key(), chain[0]), NO_PASSWORD, chain);
        }
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, NO_PASSWORD);
        return factory.getKeyManagers();
    }

    private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        return store;
    }

    private static Collection<? extends Certificate> certificates(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            Collection<? extends Certificate> found =
                    CertificateFactory.getInstance("X.509").generateCertificates(in);
            if (found.isEmpty()) {
                throw new IOException("no certificate in " + file);
            }
            return found;
        } catch (NoSuchFileException e) {
            throw missing(file, e);
        } catch (GeneralSecurityException e) {
            throw new IOException(file + " cannot be read as certificates: " + e.getMessage(), e);
        }
    }

    private static PrivateKey privateKey(Path file, Certificate certificate)
            throws GeneralSecurityException, IOException {
        Matcher pem = PEM.matcher(text(file));
        while (pem.find()) {
            byte[] der = Base64.getMimeDecoder().decode(pem.group(2));
            if (pem.group(1).startsWith("ENCRYPTED")) {
                throw new IOException("the key " + file + " is encrypted; it must be readable without a password");
            }
            byte[] wrapped = pem.group(1).equals("PRIVATE KEY") ? der : wrap(der, certificate);
            return KeyFactory.getInstance(certificate.getPublicKey().getAlgorithm())
                    .generatePrivate(new PKCS8EncodedKeySpec(wrapped));
        }
        throw new IOException("no private key in " + file);
    }

    private static String text(Path file) throws IOException {
        try {
            return Files.readString(file, StandardCharsets.US_ASCII);
        } catch (NoSuchFileException e) {
            throw missing(file, e);
        }
    }

    private static IOException missing(Path file, NoSuchFileException e) {
        return new IOException("open " + file + ": no such file or directory", e);
    }

    /**
     * Java reads PKCS #8 only, which is an older key form with the algorithm's name before it; the certificate's public key
     * begins with that same name (RFC 5280, SubjectPublicKeyInfo; RFC 5208, PrivateKeyInfo).
     */
    private static byte[] wrap(byte[] key, Certificate certificate) {
        byte[] publicKey = certificate.getPublicKey().getEncoded();
        int start = 1 + lengthBytes(publicKey, 1);
        int end = start + 1 + lengthBytes(publicKey, start + 1) + length(publicKey, start + 1);
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        content.writeBytes(new byte[] {0x02, 0x01, 0x00});
        content.write(publicKey, start, end - start);
        content.write(0x04);
        writeLength(content, key.length);
        content.writeBytes(key);
        ByteArrayOutputStream sequence = new ByteArrayOutputStream();
        sequence.write(0x30);
        writeLength(sequence, content.size());
        sequence.writeBytes(content.toByteArray());
        return sequence.toByteArray();
    }

    /** How many bytes a DER length takes, its first one included. */
    private static int lengthBytes(byte[] der, int at) {
        return (der[at] & 0x80) == 0 ? 1 : 1 + (der[at] & 0x7f);
    }

    private static int length(byte[] der, int at) {
        if ((der[at] & 0x80) == 0) {
            return der[at];
        }
        int length = 0;
        for (int i = 1; i <= (der[at] & 0x7f); i++) {
            length = (length << 8) | (der[at + i] & 0xff);
        }
        return length;
    }

    private static void writeLength(ByteArrayOutputStream out, int length) {
        if (length < 0x80) {
            out.write(length);
        } else if (length < 0x100) {
            out.write(0x81);
            out.write(length);
        } else {
            out.write(0x82);
            out.write(length >> 8);
            out.write(length);
        }
    }

    /** Trusts whoever answers; for servers that the operator called insecure. Skips the check of the host's name too. */
    private static final class AnyCertificate extends X509ExtendedTrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
                throws CertificateException {
            throw new CertificateException("not a server");
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {
            // Any will do.
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
                throws CertificateException {
            throw new CertificateException("not a server");
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {
            // Any will do.
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
            throw new CertificateException("not a server");
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {
            // Any will do.
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
