package dev.wharf.core.command;

import dev.wharf.model.Digest;
import java.security.SecureRandom;
import java.util.HexFormat;

/**
 * Chance, chosen before the command is given: every random thing a decision needs is derived from it, so that the same
 * command decides the same way again.
 */
public record Entropy(String seed) {
    private static final SecureRandom CHANCE = new SecureRandom();

    public static Entropy fresh() {
        byte[] bytes = new byte[16];
        CHANCE.nextBytes(bytes);
        return new Entropy(HexFormat.of().formatHex(bytes));
    }

    /** 64 hexadecimal digits for {@code purpose}. */
    public String hex(String purpose) {
        return Digest.sha256(seed + "/" + purpose).hex();
    }

    /** A number from 0 to {@code bound - 1} for {@code purpose}. */
    public int number(String purpose, int bound) {
        return (int) (Long.parseLong(hex(purpose).substring(0, 12), 16) % bound);
    }
}
