package dev.wharf.launch;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.LoggerFactory;

/**
 * Space in the data root that is kept for a start on a full disk: native libraries are unpacked there, plugins are copied, and
 * a journal that was not closed is written anew. While there is space without it, it stays where it is.
 */
final class Spare {
    /** A start takes about 4 MiB, and the newest file of a journal may have 8. */
    static final long BYTES = 16L << 20;

    /** How much of what is left it takes where there is little: others have to live, too. */
    private static final int SHARE = 4;

    private final Path file;
    private final Usable usable;

    /** How many bytes may still be written. */
    interface Usable {
        long bytes() throws IOException;
    }

    Spare(Path dataRoot) {
        this(dataRoot, () -> Files.getFileStore(dataRoot).getUsableSpace());
    }

    Spare(Path dataRoot, Usable usable) {
        file = dataRoot.resolve("spare");
        this.usable = usable;
    }

    /** Gives it up where the start needs it. */
    void give() throws IOException {
        if (Files.exists(file) && usable.bytes() < BYTES) {
            Files.delete(file);
        }
    }

    /** Takes it again, as much as there is to take, beside whoever calls. */
    void keepSoon() {
        Thread thread = new Thread(this::keep, "wharf-spare");
        thread.setDaemon(true);
        thread.start();
    }

    void keep() {
        try {
            if (Files.exists(file) && Files.size(file) >= BYTES) {
                return;
            }
            long wanted = Math.min(BYTES, usable.bytes() / SHARE);
            // Zeros that are really written: a sparse file keeps nothing.
            try (OutputStream out = Files.newOutputStream(file)) {
                byte[] zeros = new byte[64 << 10];
                for (long at = 0; at < wanted; at += zeros.length) {
                    out.write(zeros);
                }
            }
        } catch (IOException e) {
            LoggerFactory.getLogger(Spare.class)
                    .debug("less space is kept for a start on a full disk reason={}", e.toString());
        }
    }
}
