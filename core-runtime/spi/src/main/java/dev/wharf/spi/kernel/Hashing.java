package dev.wharf.spi.kernel;

import java.security.MessageDigest;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Hash functions for bulk content. Java's own are fast only once the optimising compiler has replaced them, and an agent that
 * does without that compiler would hash a pulled image at a tenth of what the machine can do.
 */
@ProviderType
public interface Hashing {
    /**
     * A fresh hash function, {@code sha256} or {@code sha512}, which gives exactly what Java's gives. One thread at a time.
     */
    MessageDigest hasher(String algorithm);
}
