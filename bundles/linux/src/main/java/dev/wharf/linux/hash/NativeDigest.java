package dev.wharf.linux.hash;

import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Locale;
import jnr.ffi.Pointer;

/** One hash in the making, kept by libcrypto. Its memory goes when nobody holds this any more. */
final class NativeDigest extends MessageDigest {
    private static final Cleaner CLEANER = Cleaner.create();
    /** As much at a time as keeps a garbage collection, which cannot move a pinned array, waiting for less than a millisecond. */
    private static final int STEP = 256 * 1024;

    private final LibCrypto library;
    private final Pointer type;
    private final Pointer context;
    private final int length;

    NativeDigest(LibCrypto library, MessageDigest like) {
        super(like.getAlgorithm());
        this.library = library;
        this.length = like.getDigestLength();
        this.type = library.EVP_get_digestbyname(
                like.getAlgorithm().replace("-", "").toLowerCase(Locale.ROOT));
        this.context = library.EVP_MD_CTX_new();
        CLEANER.register(this, freeing(library, context));
        engineReset();
    }

    /** Made apart, so that it does not hold on to what it is to outlive. */
    private static Runnable freeing(LibCrypto library, Pointer context) {
        return () -> library.EVP_MD_CTX_free(context);
    }

    @Override
    protected void engineUpdate(byte input) {
        engineUpdate(new byte[] {input}, 0, 1);
    }

    @Override
    protected void engineUpdate(byte[] input, int offset, int count) {
        if (offset == 0 && count == input.length && count <= STEP) {
            check(library.EVP_DigestUpdate(context, input, count));
            return;
        }
        engineUpdate(ByteBuffer.wrap(input, offset, count));
    }

    @Override
    protected void engineUpdate(ByteBuffer input) {
        while (input.hasRemaining()) {
            int step = Math.min(input.remaining(), STEP);
            ByteBuffer part = input.slice(input.position(), step);
            check(library.EVP_DigestUpdate(context, part, step));
            input.position(input.position() + step);
        }
    }

    @Override
    protected byte[] engineDigest() {
        byte[] hash = new byte[length];
        check(library.EVP_DigestFinal_ex(context, hash, new int[1]));
        engineReset();
        return hash;
    }

    @Override
    protected void engineReset() {
        check(library.EVP_DigestInit_ex(context, type, null));
    }

    @Override
    protected int engineGetDigestLength() {
        return length;
    }

    private static void check(int result) {
        if (result != 1) {
            throw new IllegalStateException("libcrypto cannot hash");
        }
    }
}
