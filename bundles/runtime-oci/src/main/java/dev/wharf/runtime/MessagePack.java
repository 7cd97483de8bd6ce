package dev.wharf.runtime;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * Writes the few kinds of values that fluentd's messages have (github.com/msgpack/msgpack, spec.md). The library for it,
 * msgpack-core, is no bundle that a framework resolves: it asks for android.os.
 */
final class MessagePack {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
    private final DataOutputStream out = new DataOutputStream(bytes);

    private interface Write {
        void to(DataOutputStream out) throws IOException;
    }

    private MessagePack write(Write write) {
        try {
            write.to(out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return this;
    }

    /** The head of an array of up to 15 values, which follow. */
    MessagePack array(int size) {
        return write(o -> o.writeByte(0x90 | size));
    }

    /** The head of a map, whose names and values follow by turns. */
    MessagePack map(int size) {
        return write(o -> {
            if (size < 16) {
                o.writeByte(0x80 | size);
            } else {
                o.writeByte(0xde);
                o.writeShort(size);
            }
        });
    }

    MessagePack text(String text) {
        return text(text.getBytes(StandardCharsets.UTF_8));
    }

    MessagePack text(byte[] text) {
        return write(o -> {
            if (text.length < 32) {
                o.writeByte(0xa0 | text.length);
            } else if (text.length < 1 << 8) {
                o.writeByte(0xd9);
                o.writeByte(text.length);
            } else if (text.length < 1 << 16) {
                o.writeByte(0xda);
                o.writeShort(text.length);
            } else {
                o.writeByte(0xdb);
                o.writeInt(text.length);
            }
            o.write(text);
        });
    }

    MessagePack number(long number) {
        return write(o -> {
            o.writeByte(0xd3);
            o.writeLong(number);
        });
    }

    /** A fluentd EventTime, which is an extension of type 0. */
    MessagePack eventTime(long epochSecond, int nanos) {
        return write(o -> {
            o.writeShort(0xd700);
            o.writeInt((int) epochSecond);
            o.writeInt(nanos);
        });
    }

    byte[] bytes() {
        return bytes.toByteArray();
    }
}
