package dev.wharf.buildkit;

import com.google.protobuf.ByteString;
import dev.wharf.build.run.Offers;
import dev.wharf.buildkit.wire.Common.BytesMessage;
import java.io.IOException;
import java.io.InputStream;

/** One connection to a client's ssh agent. */
final class AgentTalk implements Offers.Connection {
    private final Talk<BytesMessage, BytesMessage> talk;
    private final InputStream in;

    AgentTalk(Talk<BytesMessage, BytesMessage> talk) {
        this.talk = talk;
        this.in = new UploadStream(talk);
    }

    @Override
    public int read(byte[] bytes) throws IOException {
        return in.read(bytes, 0, bytes.length);
    }

    @Override
    public void write(byte[] bytes, int length) throws IOException {
        talk.send(BytesMessage.newBuilder()
                .setData(ByteString.copyFrom(bytes, 0, length))
                .build());
    }

    @Override
    public void close() {
        talk.close();
    }
}
