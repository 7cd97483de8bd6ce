package dev.wharf.testkit.journal;

import dev.wharf.core.journal.EventJournal;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A kind of journal, ready to be tested. Its segments are small, so that a short test sees several of them.
 *
 * @param <D> the interface of file calls that the journal makes. The harness knows its methods by name: those that take a
 *     {@link Path} and answer with an interface open a file; {@code force} makes that file durable, {@code forceDirectory}
 *     the names in a directory; {@code rename} and {@code delete} change names.
 */
public interface JournalKit<D> {
    /** The interface {@code D}. */
    Class<D> diskType();

    /** The real thing. */
    D disk();

    /** Opens the journal in {@code directory}. */
    EventJournal open(Path directory, D disk) throws IOException;

    /** Opens the journal in {@code directory} to be read, while nobody has it. */
    EventJournal openClosed(Path directory) throws IOException;

    /** Whether records lie in {@code file}, rather than a note or a cache. */
    boolean holdsRecords(Path file);

    default EventJournal open(Path directory) throws IOException {
        return open(directory, disk());
    }
}
