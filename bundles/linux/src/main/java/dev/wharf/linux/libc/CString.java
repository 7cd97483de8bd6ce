package dev.wharf.linux.libc;

import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;

/** Strings as C has them: bytes with a zero at the end. */
public final class CString {
    private CString() {}

    /** Text in UTF-8. */
    public static byte[] of(String text) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("a zero byte in \"" + text.replace('\0', '?') + "\"");
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return Arrays.copyOf(bytes, bytes.length + 1);
    }

    /**
     * The very bytes of a path. Java keeps them inside a Path, but shows bytes that are no text in its own charset as
     * U+FFFD only; its URI has them all.
     */
    public static byte[] of(Path path) {
        String text = path.toString();
        return text.indexOf('\uFFFD') < 0 ? of(text) : ofUri(path.toUri());
    }

    /** The bytes up to the first zero, as text. */
    public static String text(byte[] bytes) {
        int end = 0;
        while (end < bytes.length && bytes[end] != 0) {
            end++;
        }
        return new String(bytes, 0, end, StandardCharsets.UTF_8);
    }

    private static byte[] ofUri(URI uri) {
        String raw = uri.getRawPath();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(raw.length() + 1);
        for (int i = 0; i < raw.length(); i++) {
            char c = raw.charAt(i);
            if (c == '%') {
                bytes.write(Integer.parseInt(raw, i + 1, i + 3, 16));
                i += 2;
            } else {
                bytes.write(c);
            }
        }
        bytes.write(0);
        return bytes.toByteArray();
    }
}
