package dev.wharf.oci.layer;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * How file names are spelled as text. A file name is bytes and nearly always UTF-8; a byte that is not becomes the lone
 * surrogate U+DC00 + byte, which no UTF-8 text holds. So every name survives the way in and out, in every locale, and the
 * usual ones can be read.
 */
public final class Names {
    /** The order of the bytes, which is the same on every machine. */
    public static final Comparator<String> BY_BYTES = (a, b) -> Arrays.compareUnsigned(encode(a), encode(b));

    private Names() {}

    public static String decode(byte[] bytes) {
        return decode(bytes, 0, bytes.length);
    }

    public static String decode(byte[] bytes, int offset, int length) {
        for (int i = offset; i < offset + length; i++) {
            if (bytes[i] < 0) {
                return decodeBeyondAscii(bytes, offset, length);
            }
        }
        return new String(bytes, offset, length, StandardCharsets.ISO_8859_1);
    }

    private static String decodeBeyondAscii(byte[] bytes, int offset, int length) {
        CharsetDecoder utf8 = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        ByteBuffer in = ByteBuffer.wrap(bytes, offset, length);
        CharBuffer out = CharBuffer.allocate(length);
        for (; ; ) {
            CoderResult result = utf8.decode(in, out, true);
            if (!result.isError()) {
                return out.flip().toString();
            }
            for (int i = 0; i < result.length(); i++) {
                out.put((char) (0xdc00 + (in.get() & 0xff)));
            }
        }
    }

    public static byte[] encode(String name) {
        for (int i = 0; i < name.length(); i++) {
            if (Character.isSurrogate(name.charAt(i))) {
                return encodeWithEscapes(name);
            }
        }
        return name.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] encodeWithEscapes(String name) {
        ByteBuffer out = ByteBuffer.allocate(name.length() * 4);
        for (int i = 0; i < name.length(); ) {
            int point = name.codePointAt(i);
            int next = i + Character.charCount(point);
            if (point >= 0xdc80 && point <= 0xdcff) {
                out.put((byte) (point - 0xdc00));
            } else {
                out.put(name.substring(i, next).getBytes(StandardCharsets.UTF_8));
            }
            i = next;
        }
        return Arrays.copyOf(out.array(), out.position());
    }

    /** A name for a message: control characters and escaped bytes are spelled out, and a very long one is cut. */
    public static String show(String name) {
        StringBuilder shown = new StringBuilder();
        for (int i = 0; i < name.length(); i++) {
            if (shown.length() > 200) {
                return shown.append("...").toString();
            }
            char c = name.charAt(i);
            if (c < ' ' || c == 0x7f) {
                shown.append(String.format("\\x%02x", (int) c));
            } else if (c >= 0xdc80 && c <= 0xdcff && (i == 0 || !Character.isHighSurrogate(name.charAt(i - 1)))) {
                shown.append(String.format("\\x%02x", c - 0xdc00));
            } else {
                shown.append(c);
            }
        }
        return shown.toString();
    }

    /** The components of a path, without empty ones and {@code "."}; {@code ".."} is kept. */
    public static List<String> components(String path) {
        List<String> components = new ArrayList<>();
        for (int start = 0; start <= path.length(); ) {
            int end = path.indexOf('/', start);
            if (end < 0) {
                end = path.length();
            }
            String component = path.substring(start, end);
            if (!component.isEmpty() && !component.equals(".")) {
                components.add(component);
            }
            start = end + 1;
        }
        return components;
    }

    /** A path of a directory and a name in it; the empty path is the root. */
    public static String join(String parent, String name) {
        return parent.isEmpty() ? name : parent + "/" + name;
    }
}
