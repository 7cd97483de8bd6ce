package dev.wharf.log.codec.record;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What keeps the records of a journal. A directory holds one kind, for ever: another that found nothing would begin anew. */
public enum LogKind {
    CHRONICLE("queue", "[0-9]{8}-[0-9]{4}V\\.cq4"),
    FILE("", "[0-9]{20}\\.records");

    /** The setting that says which kind serves; see {@link #chosen}. */
    public static final String SETTING = "wharf.journal.kind";

    /** What serves where nothing is set. */
    public static final LogKind USUAL = CHRONICLE;

    private final String folder;
    private final String names;

    LogKind(String folder, String names) {
        this.folder = folder;
        this.names = names;
    }

    /** The name in settings and in the note beside the records. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The kind that {@code setting} names, {@link #USUAL} for an empty one, and none for a word that is no kind. */
    public static Optional<LogKind> chosen(String setting) {
        if (setting.isBlank()) {
            return Optional.of(USUAL);
        }
        for (LogKind kind : values()) {
            if (kind.word().equals(setting.strip())) {
                return Optional.of(kind);
            }
        }
        return Optional.empty();
    }

    /** Where the files with records lie in a journal's {@code directory}. */
    public Path folder(Path directory) {
        return directory.resolve(folder);
    }

    /** The files with records in a journal's {@code directory}, oldest first. */
    public List<Path> files(Disk disk, Path directory) throws IOException {
        return disk.list(folder(directory)).stream()
                .filter(file -> String.valueOf(file.getFileName()).matches(names))
                .toList();
    }
}
