package dev.wharf.linux.net;

import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.annotations.In;

/** The functions of libnftables(3). */
public interface LibNftables {
    int NFT_CTX_OUTPUT_JSON = 1 << 4;
    int NFT_CTX_OUTPUT_NUMERIC_ALL = (1 << 6) | (1 << 7) | (1 << 8) | (1 << 9);
    int NFT_CTX_OUTPUT_TERSE = 1 << 11;

    Pointer nft_ctx_new(int flags);

    void nft_ctx_free(@In Pointer context);

    void nft_ctx_output_set_flags(@In Pointer context, int flags);

    int nft_ctx_buffer_output(@In Pointer context);

    int nft_ctx_buffer_error(@In Pointer context);

    Pointer nft_ctx_get_output_buffer(@In Pointer context);

    Pointer nft_ctx_get_error_buffer(@In Pointer context);

    int nft_run_cmd_from_buffer(@In Pointer context, @In byte[] commands);

    /** Loads the library; {@link UnsatisfiedLinkError} where it is not installed. */
    static LibNftables load() {
        return LibraryLoader.create(LibNftables.class).failImmediately().load("libnftables.so.1");
    }
}
