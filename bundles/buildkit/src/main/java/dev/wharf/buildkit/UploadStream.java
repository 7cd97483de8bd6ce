package dev.wharf.buildkit;

import dev.wharf.buildkit.wire.Common.BytesMessage;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/** What the other end sends in a call, as a stream. One thread. */
final class UploadStream extends InputStream {
    private final Talk<BytesMessage, BytesMessage> talk;
    private InputStream piece = InputStream.nullInputStream();
    private boolean ended;

    UploadStream(Talk<BytesMessage, BytesMessage> talk) {
        this.talk = talk;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        while (!ended) {
            int read = piece.read(bytes, offset, length);
            if (read > 0) {
                return read;
            }
            Optional<BytesMessage> next = talk.take();
            ended = next.isEmpty();
            if (next.isPresent()) {
                piece = next.get().getData().newInput();
            }
        }
        return -1;
    }

    @Override
    public void close() {
        talk.close();
    }
}
