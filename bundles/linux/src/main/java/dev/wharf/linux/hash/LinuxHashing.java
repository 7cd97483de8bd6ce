package dev.wharf.linux.hash;

import dev.wharf.model.Digest;
import dev.wharf.spi.kernel.Hashing;
import java.security.MessageDigest;
import java.util.Optional;
import org.osgi.service.component.annotations.Component;

/** Hashes with libcrypto, or with Java where the host has no such library. Holds no state. */
@Component(service = Hashing.class)
public final class LinuxHashing implements Hashing {
    @Override
    public MessageDigest hasher(String algorithm) {
        MessageDigest java = Digest.hasher(algorithm);
        Optional<LibCrypto> library = LibCrypto.find();
        return library.isPresent() ? new NativeDigest(library.get(), java) : java;
    }
}
