package dev.wharf.buildkit;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.nio.ByteBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Joins a line to a channel in memory, at whose other end gRPC is. */
final class Relay extends ChannelInboundHandlerAdapter {
    private static final Logger LOG = LoggerFactory.getLogger(Relay.class);

    private final Line line;

    Relay(Line line) {
        this.line = line;
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        line.onGone(ctx::close);
        line.listen(new Line.Input() {
            @Override
            public void bytes(ByteBuffer bytes) {
                ctx.writeAndFlush(ctx.alloc().buffer(bytes.remaining()).writeBytes(bytes));
                if (!ctx.channel().isWritable()) {
                    line.reading(false);
                }
            }

            @Override
            public void ended() {
                ctx.close();
            }
        });
        ctx.fireChannelActive();
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ByteBuf bytes = (ByteBuf) message;
        boolean more = true;
        try {
            for (ByteBuffer buffer : bytes.nioBuffers()) {
                more = line.send(buffer);
            }
        } finally {
            bytes.release();
        }
        if (!more) {
            ctx.channel().config().setAutoRead(false);
            line.onWritable(() -> ctx.channel().config().setAutoRead(true));
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        if (ctx.channel().isWritable()) {
            line.reading(true);
        }
        ctx.fireChannelWritabilityChanged();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        line.finish();
        ctx.fireChannelInactive();
    }

    /** The other end of the channel hears of it by its close. */
    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        LOG.warn("a client of BuildKit is cut off", cause);
        ctx.close();
    }
}
