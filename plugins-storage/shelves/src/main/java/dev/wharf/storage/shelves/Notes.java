package dev.wharf.storage.shelves;

import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.Usage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/** What is written down of a snapshot, in or at its directory. */
public interface Notes {
    /** The parent of a snapshot; empty where nothing is, or something that was not made by this driver. */
    Optional<SnapshotKey> parent(Path snapshot) throws IOException;

    void setParent(Path snapshot, SnapshotKey parent) throws IOException;

    /** The space that a sealed snapshot itself takes, where that was counted. */
    Optional<Usage> usage(Path snapshot) throws IOException;

    void setUsage(Path snapshot, Usage usage) throws IOException;

    /** How a usage is written. */
    static String text(Usage usage) {
        return usage.sizeBytes() + " " + usage.inodes();
    }

    /** What {@link #text} wrote. */
    static Usage usage(String text) {
        String[] words = text.split(" ", 2);
        return new Usage(Long.parseLong(words[0]), Long.parseLong(words[1]));
    }

    /** Files {@code parent} and {@code usage} beside the content. */
    final class InFiles implements Notes {
        @Override
        public Optional<SnapshotKey> parent(Path snapshot) throws IOException {
            return read(snapshot.resolve("parent")).map(SnapshotKey::new);
        }

        @Override
        public void setParent(Path snapshot, SnapshotKey parent) throws IOException {
            Files.writeString(snapshot.resolve("parent"), parent.value());
        }

        @Override
        public Optional<Usage> usage(Path snapshot) throws IOException {
            return read(snapshot.resolve("usage")).map(Notes::usage);
        }

        @Override
        public void setUsage(Path snapshot, Usage usage) throws IOException {
            Files.writeString(snapshot.resolve("usage"), Notes.text(usage));
        }

        /** The text of a file; empty where none is. */
        public static Optional<String> read(Path file) throws IOException {
            try {
                return Optional.of(Files.readString(file));
            } catch (NoSuchFileException e) {
                return Optional.empty();
            }
        }
    }
}
