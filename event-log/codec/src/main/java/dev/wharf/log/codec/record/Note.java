package dev.wharf.log.codec.record;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32C;

/** A few words kept in a small file beside the log, with a checksum; a note that is not whole counts as none. */
final class Note {
    private static final int MAX_BYTES = 4096;
    private static final int SPACE_BYTES = 512;

    private Note() {}

    static Optional<Map<String, String>> read(Disk disk, Path directory, String name) throws IOException {
        Path file = directory.resolve(name);
        if (!disk.list(directory).contains(file)) {
            return Optional.empty();
        }
        ByteBuffer bytes = ByteBuffer.allocate(MAX_BYTES);
        try (Disk.Handle handle = disk.read(file)) {
            while (bytes.hasRemaining() && handle.read(bytes, bytes.position()) > 0) {
                // reads on
            }
        }
        String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8);
        int last = text.lastIndexOf("crc ");
        if (last < 0 || !text.substring(last).equals(seal(text.substring(0, last)))) {
            return Optional.empty();
        }
        Map<String, String> words = new LinkedHashMap<>();
        text.substring(0, last).lines().forEach(line -> {
            int space = line.indexOf(' ');
            words.put(line.substring(0, Math.max(space, 0)), line.substring(space + 1));
        });
        return Optional.of(words);
    }

    /** Writes the note durably: afterwards it is there whole, or the one before is. */
    static void write(Disk disk, Path directory, String name, Map<String, String> words) throws IOException {
        StringBuilder text = new StringBuilder();
        words.forEach((word, value) ->
                text.append(word).append(' ').append(value.replace('\n', ' ')).append('\n'));
        text.append(seal(text.toString()));
        byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
        Path draft = draft(directory, name);
        try (Disk.Handle handle = disk.write(draft)) {
            // Over what is there, and cut afterwards: a draft that was kept has its space, however full the disk is
            // now.
            handle.writeFully(ByteBuffer.wrap(bytes), 0);
            handle.truncate(bytes.length);
            handle.force();
        }
        disk.rename(draft, directory.resolve(name));
        disk.forceDirectory(directory);
    }

    /** Takes the note away, durably, and keeps the space for the next one. */
    static void withdraw(Disk disk, Path directory, String name) throws IOException {
        Path note = directory.resolve(name);
        if (disk.list(directory).contains(note)) {
            disk.rename(note, draft(directory, name));
        } else {
            try (Disk.Handle handle = disk.write(draft(directory, name))) {
                handle.writeZeros(0, SPACE_BYTES);
                handle.force();
            }
        }
        disk.forceDirectory(directory);
    }

    private static Path draft(Path directory, String name) {
        return directory.resolve(name + ".new");
    }

    private static String seal(String text) {
        CRC32C crc = new CRC32C();
        crc.update(text.getBytes(StandardCharsets.UTF_8));
        return String.format("crc %08x\n", crc.getValue());
    }
}
