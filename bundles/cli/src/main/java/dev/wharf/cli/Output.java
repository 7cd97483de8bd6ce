package dev.wharf.cli;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** Lines for whoever reads us. Unlike a print stream it notices when the reader has gone. */
final class Output implements AutoCloseable {
    private final OutputStream out;
    private final boolean colourful;

    Output(Surroundings surroundings) {
        this.out = new BufferedOutputStream(surroundings.out(), 1 << 14);
        this.colourful = surroundings.isColourful();
    }

    /** The reader has gone, as {@code head} does when it has enough; that is no failure. */
    static final class ReaderGone extends IOException {
        private static final long serialVersionUID = 1L;
    }

    void line(String text) throws IOException {
        raw((text + "\n").getBytes(StandardCharsets.UTF_8));
    }

    void raw(byte[] bytes) throws IOException {
        try {
            out.write(bytes);
        } catch (IOException e) {
            throw lost(e);
        }
    }

    void flush() throws IOException {
        try {
            out.flush();
        } catch (IOException e) {
            throw lost(e);
        }
    }

    /** A disk that is full or an output that is closed is a failure: who kept the output would take a part for all of it. */
    private static IOException lost(IOException e) {
        String reason = String.valueOf(e.getMessage());
        return reason.contains("Broken pipe") || reason.contains("Connection reset")
                ? new ReaderGone()
                : new IOException("cannot write the output: " + reason, e);
    }

    String bold(String text) {
        return ink("1", text);
    }

    String faint(String text) {
        return ink("2", text);
    }

    String good(String text) {
        return ink("32", text);
    }

    String bad(String text) {
        return ink("31", text);
    }

    private String ink(String code, String text) {
        return colourful && !text.isEmpty() ? "\u001b[" + code + "m" + text + "\u001b[0m" : text;
    }

    @Override
    public void close() throws IOException {
        flush();
    }
}
