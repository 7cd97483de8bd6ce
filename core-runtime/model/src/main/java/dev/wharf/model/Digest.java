package dev.wharf.model;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A content digest, {@code sha256:<64 hex>} or {@code sha512:<128 hex>} (OCI image spec, descriptor, "Digests"). The
 * strict grammar makes a digest safe in a path or a URL.
 */
public record Digest(String algorithm, String hex) implements Comparable<Digest> {
    /** Fresh for ever; only copies of them are used. */
    private static final MessageDigest SHA_256 = unused("SHA-256");

    private static final MessageDigest SHA_512 = unused("SHA-512");

    public Digest {
        switch (algorithm) {
            case "sha256" -> Checks.hex(hex, 64, "sha256 digest");
            case "sha512" -> Checks.hex(hex, 128, "sha512 digest");
            default -> throw new IllegalArgumentException("unsupported digest algorithm \"" + algorithm + "\"");
        }
    }

    /** Reads {@code algorithm:hex}. */
    public static Digest parse(String text) {
        int colon = text.indexOf(':');
        if (colon < 0) {
            throw new IllegalArgumentException("invalid digest \"" + text + "\": expected algorithm:hex");
        }
        return new Digest(text.substring(0, colon), text.substring(colon + 1));
    }

    /** The sha256 digest of {@code bytes}. */
    public static Digest sha256(byte[] bytes) {
        return of("sha256", hasher("sha256").digest(bytes));
    }

    /** The sha256 digest of {@code text} in UTF-8. */
    public static Digest sha256(String text) {
        return sha256(text.getBytes(StandardCharsets.UTF_8));
    }

    /** A digest from the raw hash that {@link #hasher} gave. */
    public static Digest of(String algorithm, byte[] hash) {
        return new Digest(algorithm, HexFormat.of().formatHex(hash));
    }

    /** A fresh hash function for {@code algorithm}; every Java platform has both. */
    public static MessageDigest hasher(String algorithm) {
        try {
            // A copy needs no look through all providers of algorithms, and each event is hashed.
            return (MessageDigest) (algorithm.equals("sha512") ? SHA_512 : SHA_256).clone();
        } catch (CloneNotSupportedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static MessageDigest unused(String algorithm) {
        try {
            return MessageDigest.getInstance(algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public int compareTo(Digest other) {
        return toString().compareTo(other.toString());
    }

    @Override
    public String toString() {
        return algorithm + ":" + hex;
    }
}
