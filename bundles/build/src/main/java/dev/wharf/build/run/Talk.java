package dev.wharf.build.run;

import dev.wharf.spi.runtime.Attachment;
import dev.wharf.spi.runtime.StreamSink;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;

/** A step's output on its way from the runtime's thread to the build's, which may be held up by a slow client. */
final class Talk implements StreamSink {
    private static final int HIGH_WATER = 512 << 10;
    private static final int LOW_WATER = 64 << 10;

    private final ArrayDeque<Piece> pieces = new ArrayDeque<>();
    private final CharsetDecoder out = decoder();
    private final CharsetDecoder err = decoder();
    private final ByteBuffer outRest = ByteBuffer.allocate(8);
    private final ByteBuffer errRest = ByteBuffer.allocate(8);
    private int held;
    private boolean paused;
    private boolean closed;
    private Optional<Attachment> attachment = Optional.empty();

    private static CharsetDecoder decoder() {
        return StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPLACE)
                .onUnmappableCharacter(CodingErrorAction.REPLACE);
    }

    /** Some output, and whether it came on the stream for errors. */
    record Piece(boolean error, String text) {}

    synchronized void over(Attachment held) {
        attachment = Optional.of(held);
    }

    @Override
    public synchronized void bytes(StandardStream stream, ByteBuffer bytes) {
        boolean error = stream != StandardStream.OUT;
        String text = text(bytes, error ? err : out, error ? errRest : outRest);
        if (text.isEmpty()) {
            return;
        }
        pieces.add(new Piece(error, text));
        held += text.length();
        if (held > HIGH_WATER && !paused) {
            paused = true;
            attachment.ifPresent(a -> a.reading(false));
        }
        notifyAll();
    }

    /** A character may be cut in two; its first half waits for the second. */
    private static String text(ByteBuffer bytes, CharsetDecoder decoder, ByteBuffer rest) {
        ByteBuffer all = ByteBuffer.allocate(rest.position() + bytes.remaining());
        rest.flip();
        all.put(rest).put(bytes).flip();
        rest.clear();
        CharBuffer chars = CharBuffer.allocate(all.remaining() + 1);
        decoder.decode(all, chars, false);
        while (all.hasRemaining() && rest.hasRemaining()) {
            rest.put(all.get());
        }
        return chars.flip().toString();
    }

    @Override
    public void writable() {
        // A step has no input.
    }

    @Override
    public synchronized void closed() {
        closed = true;
        notifyAll();
    }

    /** Whether all was heard and nothing more will come. */
    synchronized boolean isOver() {
        return closed && pieces.isEmpty();
    }

    /** What was said since, after at most {@code millis}. */
    List<Piece> next(long millis) throws InterruptedException {
        synchronized (this) {
            if (pieces.isEmpty() && !closed) {
                wait(millis);
            }
            List<Piece> said = List.copyOf(pieces);
            pieces.clear();
            held = 0;
            if (paused && held < LOW_WATER) {
                paused = false;
                attachment.ifPresent(a -> a.reading(true));
            }
            return said;
        }
    }
}
