package dev.wharf.engine.journal;

import com.fasterxml.jackson.databind.JsonNode;
import dev.wharf.core.event.Event;
import dev.wharf.core.journal.DamagedException;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Entry;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Host;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.json.Json;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.log.codec.record.ClosedLog;
import dev.wharf.log.codec.record.RecordJournal;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;

/**
 * Answers questions about a journal that no agent has open, in the words of {@link WharfRoutes}: for hosts whose agent does
 * not start, and for copies. Run as {@code verify DATA-ROOT} or {@code host DATA-ROOT PLACE}.
 */
public final class StoredJournal {
    private StoredJournal() {}

    /** Prints the answer; the exit status is 1 where there is none. */
    public static void main(String[] words) {
        try {
            Path journal = Path.of(words[1], "journal");
            JsonNode answer = words[0].equals("verify") ? verdict(journal) : host(journal, words[2]);
            System.out.println(new String(Json.bytes(answer), StandardCharsets.UTF_8));
        } catch (IOException | Problem e) {
            System.err.println(e.getMessage());
            System.exit(1);
        }
    }

    static JsonNode verdict(Path directory) throws IOException {
        try (EventJournal journal = open(directory)) {
            Optional<String> damage = journal.verify().map(d -> "position " + d.position() + ": " + d.what());
            return Json.object()
                    .put("origin", journal.origin().sequence())
                    .put("end", journal.end().sequence())
                    .put("head", journal.head().toString())
                    .put("whole", damage.isEmpty())
                    .put("damage", damage.orElse(null));
        }
    }

    static JsonNode host(Path directory, String text) throws IOException {
        Place place = Place.parse("at", text);
        try (EventJournal journal = open(directory)) {
            place.mustLieWithin(journal.origin(), journal.end());
            Host host = Host.EMPTY;
            Position position = journal.origin();
            Instant at = Instant.now();
            try (EventJournal.Reader reader = journal.open(position)) {
                for (Optional<Entry> entry = poll(reader); entry.isPresent(); entry = poll(reader)) {
                    if (place.isBefore(
                            entry.get().position(), entry.get().batch().at())) {
                        break;
                    }
                    for (Event event : entry.get().batch().events()) {
                        host = event.apply(host);
                    }
                    position = entry.get().position();
                    at = entry.get().batch().at();
                }
            }
            return Summaries.host(host, position)
                    .put("at", place.instant().orElse(at).toString());
        }
    }

    /** Steps over what is damaged, as the agent does, and says so. */
    private static Optional<Entry> poll(EventJournal.Reader reader) throws IOException {
        while (true) {
            try {
                return reader.poll();
            } catch (DamagedException e) {
                System.err.println("passing over damage: " + e.damage().what());
            }
        }
    }

    private static EventJournal open(Path directory) throws IOException {
        return new RecordJournal(ClosedLog.open(directory), new EventCodec());
    }
}
