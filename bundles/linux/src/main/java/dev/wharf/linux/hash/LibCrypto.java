package dev.wharf.linux.hash;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.annotations.In;
import jnr.ffi.annotations.Out;
import jnr.ffi.annotations.Pinned;
import jnr.ffi.types.size_t;
import org.jspecify.annotations.Nullable;

/** The functions of OpenSSL's libcrypto that hash (EVP_DigestInit(3)). Public for jnr alone. */
public interface LibCrypto {
    Pointer EVP_MD_CTX_new();

    void EVP_MD_CTX_free(Pointer context);

    Pointer EVP_get_digestbyname(String name);

    int EVP_DigestInit_ex(Pointer context, Pointer type, @Nullable Pointer engine);

    int EVP_DigestUpdate(Pointer context, @In @Pinned byte[] bytes, @size_t long count);

    int EVP_DigestUpdate(Pointer context, @In ByteBuffer bytes, @size_t long count);

    int EVP_DigestUpdate(Pointer context, Pointer bytes, @size_t long count);

    int EVP_DigestFinal_ex(Pointer context, @Out byte[] hash, int[] length);

    /** The library, loaded at first use; empty on a host without one that we know. */
    static Optional<LibCrypto> find() {
        return Holder.LIBRARY;
    }

    /** Loads the library when it is first asked for. */
    final class Holder {
        private static final Optional<LibCrypto> LIBRARY = load();

        private Holder() {}

        private static Optional<LibCrypto> load() {
            for (String name : List.of("libcrypto.so.3", "libcrypto.so.1.1")) {
                try {
                    LibCrypto library = LibraryLoader.create(LibCrypto.class).load(name);
                    Pointer context = library.EVP_MD_CTX_new();
                    library.EVP_MD_CTX_free(context);
                    return Optional.of(library);
                } catch (UnsatisfiedLinkError e) {
                    continue;
                }
            }
            return Optional.empty();
        }
    }
}
