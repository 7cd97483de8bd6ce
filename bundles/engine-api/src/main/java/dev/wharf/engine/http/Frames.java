package dev.wharf.engine.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.MessageToMessageCodec;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketCloseStatus;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import java.util.List;

/** Between a WebSocket's frames and the bytes in them. Where one message ends and the next begins means nothing here. */
final class Frames extends MessageToMessageCodec<WebSocketFrame, ByteBuf> {
    /** The longest frame a client may send; what is typed or piped comes in far shorter ones. */
    static final int LONGEST = 1 << 20;

    private final boolean binary;
    private boolean closeSent;

    Frames(boolean binary) {
        this.binary = binary;
    }

    @Override
    protected void decode(ChannelHandlerContext ctx, WebSocketFrame frame, List<Object> out) {
        if (frame instanceof CloseWebSocketFrame) {
            // The client is through with both directions. What it sent last may end the process's input first.
            ctx.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
            if (closeSent) {
                ctx.close();
            } else {
                closeSent = true;
                ctx.writeAndFlush(new CloseWebSocketFrame(WebSocketCloseStatus.NORMAL_CLOSURE, ""))
                        .addListener(ChannelFutureListener.CLOSE);
            }
        } else if (frame instanceof PingWebSocketFrame) {
            ctx.writeAndFlush(new PongWebSocketFrame(frame.content().retain()));
        } else if (!(frame instanceof PongWebSocketFrame) && frame.content().isReadable()) {
            out.add(frame.content().retain());
        }
    }

    /** Nothing is what a connection taken over writes at its end. */
    @Override
    protected void encode(ChannelHandlerContext ctx, ByteBuf bytes, List<Object> out) {
        if (bytes.isReadable()) {
            out.add(binary ? new BinaryWebSocketFrame(bytes.retain()) : new TextWebSocketFrame(bytes.retain()));
        } else if (closeSent) {
            out.add(Unpooled.EMPTY_BUFFER);
        } else {
            closeSent = true;
            out.add(new CloseWebSocketFrame(WebSocketCloseStatus.NORMAL_CLOSURE, ""));
        }
    }
}
