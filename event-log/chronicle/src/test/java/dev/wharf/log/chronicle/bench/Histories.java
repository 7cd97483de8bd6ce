package dev.wharf.log.chronicle.bench;

import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.log.chronicle.ChronicleLog;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.log.codec.record.RecordJournal;
import dev.wharf.log.file.FileLog;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Journals full of what an agent really wrote: a host that is opened, and the same container run over and over. */
final class Histories {
    private static final EventCodec CODEC = new EventCodec();

    /** How many containers stay; as many as a busy host has. */
    private static final int STAY = 100;

    /** The batches of one run after which the container is up. */
    private static final int UP = 9;

    private static final String CONTAINER = "b34cb5e8034706f887a9dad13380467e6cc147b268ca3c63fd48d83502ab2a36";
    private static final String ENDPOINT = "b134280ec6a5ec6a684f1da9217640139887e920218588ed3cddfe87cee4ae37";

    private Histories() {}

    static EventJournal open(String kind, Path directory) throws IOException {
        return new RecordJournal(
                kind.equals("file")
                        ? new FileLog(new FileLog.Options(directory, "bench"))
                        : new ChronicleLog(new ChronicleLog.Options(directory, "bench")),
                CODEC);
    }

    /** Appends {@code events} events or a few more. */
    static int write(EventJournal journal, int events) throws IOException {
        int written = 0;
        for (String line : lines("opening.jsonl")) {
            written += append(journal, line);
        }
        List<String> run = lines("run.jsonl");
        for (int n = 0; written < events; n++) {
            for (String line : n < STAY ? run.subList(0, UP) : run) {
                written += append(journal, ofRun(line, n));
            }
        }
        journal.sync();
        return written;
    }

    /** A batch of ordinary size, each a little different. */
    static Batch batch(int number) throws IOException {
        return CODEC.decodeBatch(
                ByteBuffer.wrap(ofRun(Lines.RUN.get(UP - 1), number).getBytes(StandardCharsets.UTF_8)));
    }

    private static final class Lines {
        static final List<String> RUN = lines("run.jsonl");
    }

    private static String ofRun(String line, int n) {
        String hex = String.format("%08x", n);
        return line.replace(CONTAINER, hex + CONTAINER.substring(8))
                .replace(ENDPOINT, hex + ENDPOINT.substring(8))
                .replace("cosy_compass", "cosy_compass_" + n)
                .replace("\"command\":\"", "\"command\":\"" + hex);
    }

    private static int append(EventJournal journal, String line) throws IOException {
        Batch batch = CODEC.decodeBatch(ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8)));
        journal.append(batch);
        return batch.events().size();
    }

    private static List<String> lines(String name) {
        try (InputStream in = Histories.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    static void delete(Path directory) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }
}
