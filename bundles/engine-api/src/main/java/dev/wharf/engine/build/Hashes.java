package dev.wharf.engine.build;

import dev.wharf.model.Digest;
import dev.wharf.spi.kernel.Hashing;
import java.security.MessageDigest;
import java.util.Optional;

/** Hashes with whatever port serves now, and with Java's own functions while none does. */
public final class Hashes implements Hashing {
    private volatile Optional<Hashing> serving = Optional.empty();

    public synchronized void set(Hashing hashing) {
        serving = Optional.of(hashing);
    }

    /** Forgets {@code hashing} unless another serves already. */
    public synchronized void clear(Hashing hashing) {
        serving = serving.filter(now -> now != hashing);
    }

    @Override
    public MessageDigest hasher(String algorithm) {
        return serving.map(port -> port.hasher(algorithm)).orElseGet(() -> Digest.hasher(algorithm));
    }
}
