package dev.wharf.network.vxlan;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.interfaces.XECPrivateKey;
import java.security.spec.NamedParameterSpec;
import java.security.spec.XECPrivateKeySpec;
import java.security.spec.XECPublicKeySpec;
import java.util.Base64;
import java.util.EnumSet;
import java.util.Set;
import javax.crypto.KeyAgreement;

/**
 * The pair of keys (X25519) by which other hosts know this one in encrypted networks. The private one lies in a file that
 * root alone may read and is given to nobody but the kernel.
 */
final class OwnKey {
    private static final String FILE = "wireguard.key";
    /** Beside the private one, for the operator who writes it down for other hosts. */
    private static final String PUBLIC_FILE = "wireguard.pub";

    private static final int LENGTH = 32;
    /** The point that a public key is the private one's multiple of (RFC 7748). */
    private static final BigInteger BASE = BigInteger.valueOf(9);

    private static final String CURVE = "X25519";

    private final byte[] secret;
    private final String publicKey;

    private OwnKey(byte[] secret) throws GeneralSecurityException {
        this.secret = secret;
        publicKey = publicKey(secret);
    }

    /** The key in that folder, which is made where there is none. */
    static OwnKey in(Path folder) throws IOException {
        Path file = folder.resolve(FILE);
        try {
            if (!Files.exists(file)) {
                Files.createDirectories(folder);
                write(file, "rw-------", Base64.getEncoder().encodeToString(fresh()));
            }
            OwnKey key = new OwnKey(decoded(Files.readString(file).strip()));
            Path known = folder.resolve(PUBLIC_FILE);
            if (!Files.exists(known) || !Files.readString(known).strip().equals(key.publicKey)) {
                write(known, "rw-r--r--", key.publicKey);
            }
            return key;
        } catch (IllegalArgumentException e) {
            // Without the content of the file.
            throw new IOException(
                    file + " is no key of 32 bytes in Base64; restore it, or remove it to have another one made");
        } catch (GeneralSecurityException e) {
            throw new IOException("cannot make a key: " + e.getMessage(), e);
        }
    }

    /** For the kernel. */
    byte[] secret() {
        return secret.clone();
    }

    String publicKey() {
        return publicKey;
    }

    /** Whether a text could be somebody's public key. */
    static boolean isKey(String text) {
        try {
            return decoded(text).length == LENGTH;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static byte[] decoded(String text) {
        byte[] bytes = Base64.getDecoder().decode(text);
        if (bytes.length != LENGTH || !Base64.getEncoder().encodeToString(bytes).equals(text)) {
            throw new IllegalArgumentException();
        }
        return bytes;
    }

    private static byte[] fresh() throws GeneralSecurityException {
        PrivateKey made = KeyPairGenerator.getInstance(CURVE).generateKeyPair().getPrivate();
        byte[] scalar = ((XECPrivateKey) made)
                .getScalar()
                .orElseThrow(() -> new GeneralSecurityException("the provider keeps private keys to itself"));
        // As WireGuard's own tools write it (RFC 7748, decodeScalar25519).
        scalar[0] &= (byte) 248;
        scalar[31] = (byte) (scalar[31] & 127 | 64);
        return scalar;
    }

    private static String publicKey(byte[] secret) throws GeneralSecurityException {
        KeyFactory keys = KeyFactory.getInstance(CURVE);
        KeyAgreement multiplication = KeyAgreement.getInstance(CURVE);
        multiplication.init(keys.generatePrivate(new XECPrivateKeySpec(NamedParameterSpec.X25519, secret)));
        multiplication.doPhase(keys.generatePublic(new XECPublicKeySpec(NamedParameterSpec.X25519, BASE)), true);
        return Base64.getEncoder().encodeToString(multiplication.generateSecret());
    }

    /** Whole or not at all, and at no moment readable for others. */
    private static void write(Path file, String permissions, String text) throws IOException {
        Path draft = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(draft);
        Set<StandardOpenOption> options = EnumSet.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        try (FileChannel out = FileChannel.open(
                draft, options, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions)))) {
            out.write(ByteBuffer.wrap((text + "\n").getBytes(java.nio.charset.StandardCharsets.US_ASCII)));
            out.force(true);
        }
        Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public String toString() {
        return "key " + publicKey;
    }
}
