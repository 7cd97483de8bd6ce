package dev.wharf.kafka;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

/**
 * Who this host is to brokers: a chain of certificates and the private key of its first, both in PEM. An encrypted key is opened
 * here, since Kafka's client asks a JDK of 17 for it by a name which that does not know.
 */
record Identity(String chain, String key) {
    private static final Pattern CERTIFICATE =
            Pattern.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", Pattern.DOTALL);
    private static final Pattern KEY = Pattern.compile(
            "-----BEGIN ([A-Z ]*?)PRIVATE KEY-----(.*?)-----END [A-Z ]*?PRIVATE KEY-----", Pattern.DOTALL);

    /** @param password of the key, or empty where none is known */
    static Identity read(Path file, String password) throws UnusableException {
        String pem;
        try {
            pem = Files.readString(file, StandardCharsets.US_ASCII);
        } catch (IOException e) {
            throw new UnusableException("tls.certificate.file is " + file + ", which cannot be read as PEM");
        }
        String chain =
                CERTIFICATE.matcher(pem).results().map(found -> found.group()).collect(Collectors.joining("\n"));
        if (chain.isEmpty()) {
            throw new UnusableException("there is no certificate in tls.certificate.file, " + file);
        }
        Matcher key = KEY.matcher(pem);
        if (!key.find()) {
            throw new UnusableException("there is no private key in tls.certificate.file, " + file);
        }
        return switch (key.group(1)) {
            case "" -> new Identity(chain, key.group());
            case "ENCRYPTED " -> new Identity(chain, open(key.group(2), password, file));
            default ->
                throw new UnusableException(
                        "the private key in " + file + " is not in PKCS #8, as openssl pkcs8 -topk8 writes it");
        };
    }

    private static String open(String key, String password, Path file) throws UnusableException {
        if (password.isEmpty()) {
            throw new UnusableException(
                    "the private key in " + file + " is encrypted: name a file with its password in tls.password.file");
        }
        try {
            EncryptedPrivateKeyInfo info =
                    new EncryptedPrivateKeyInfo(Base64.getMimeDecoder().decode(key));
            // Of PBES2 the parameters alone say which of its many forms it is.
            String form = info.getAlgName().equals("PBES2") || info.getAlgName().startsWith("1.")
                    ? info.getAlgParameters().toString()
                    : info.getAlgName();
            Key secret = SecretKeyFactory.getInstance(form).generateSecret(new PBEKeySpec(password.toCharArray()));
            Cipher cipher = Cipher.getInstance(form);
            cipher.init(Cipher.DECRYPT_MODE, secret, info.getAlgParameters());
            byte[] opened = info.getKeySpec(cipher).getEncoded();
            return "-----BEGIN PRIVATE KEY-----\n" + Base64.getMimeEncoder().encodeToString(opened)
                    + "\n-----END PRIVATE KEY-----";
        } catch (GeneralSecurityException | IOException | IllegalArgumentException e) {
            throw new UnusableException("the password in tls.password.file does not open the private key in " + file
                    + ": " + e.getMessage());
        }
    }

    @Override
    public String toString() {
        return "Identity[chain=" + chain + ", key=(secret)]";
    }
}
