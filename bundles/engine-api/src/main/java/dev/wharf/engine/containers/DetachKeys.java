package dev.wharf.engine.containers;

import dev.wharf.engine.http.Problem;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The keys that let go of a terminal and leave the process alone, {@code ctrl-p,ctrl-q} unless said otherwise. The bytes of a
 * sequence begun are held back until it is whole or broken off.
 */
final class DetachKeys {
    static final DetachKeys NONE = new DetachKeys(List.of());
    private static final List<Integer> DEFAULT = List.of(16, 17);

    private final List<Integer> keys;
    private int matched;

    private DetachKeys(List<Integer> keys) {
        this.keys = keys;
    }

    static DetachKeys parse(String text) {
        if (text.isEmpty()) {
            return new DetachKeys(DEFAULT);
        }
        List<Integer> keys = new ArrayList<>();
        for (String key : text.split(",", -1)) {
            if (key.length() == 1 && key.charAt(0) < 0x80) {
                keys.add((int) key.charAt(0));
            } else if (key.length() == 6
                    && key.startsWith("ctrl-")
                    && "@abcdefghijklmnopqrstuvwxyz[\\]^_".indexOf(key.charAt(5)) >= 0) {
                keys.add(key.charAt(5) & 0x1f);
            } else {
                throw Problem.invalid("Invalid detach keys (" + text + ") provided");
            }
        }
        return new DetachKeys(keys);
    }

    /** Puts what may pass into {@code passing}; true when the sequence is whole. */
    boolean pass(ByteBuffer bytes, ByteArrayOutputStream passing) {
        while (bytes.hasRemaining()) {
            int b = bytes.get() & 0xff;
            if (!keys.isEmpty() && b == keys.get(matched)) {
                matched++;
                if (matched == keys.size()) {
                    matched = 0;
                    return true;
                }
                continue;
            }
            for (int i = 0; i < matched; i++) {
                passing.write(keys.get(i));
            }
            matched = 0;
            if (!keys.isEmpty() && b == keys.get(0)) {
                matched = 1;
            } else {
                passing.write(b);
            }
        }
        return false;
    }

    byte[] bytes() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        keys.forEach(bytes::write);
        return bytes.toByteArray();
    }

    boolean isNone() {
        return keys.isEmpty();
    }
}
