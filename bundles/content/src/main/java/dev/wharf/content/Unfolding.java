package dev.wharf.content;

/**
 * How far a compressed layer may unfold. An honest layer of text reaches one to twenty or so, and gzip alone can go to one to
 * a thousand, so the ratio counts only above what a small machine can bear.
 *
 * @param ratio how many times its size
 * @param freeBytes what any layer may unfold to, however small it is
 * @param mostBytes what no layer may unfold to
 */
public record Unfolding(long ratio, long freeBytes, long mostBytes) {
    public static final Unfolding DEFAULT = new Unfolding(200, 256L << 20, 256L << 30);

    long limit(long compressedBytes) {
        return Math.min(mostBytes, Math.max(freeBytes, compressedBytes * ratio));
    }
}
