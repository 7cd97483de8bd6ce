package dev.wharf.core.loop;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Remembers that the journal lost records. They may be what said whose a thing is, so what belongs to nobody is no leftover
 * then, but perhaps somebody's data: it stays until an operator has looked. A file in the data root says so over checkpoints,
 * after which no fold sees the damage any more; who takes the file away has the next start sweep.
 */
final class LostRecords {
    private static final Logger log = LoggerFactory.getLogger(LostRecords.class);

    private final Path file;
    private volatile boolean known;

    LostRecords(Path file) {
        this.file = file;
        this.known = Files.exists(file);
    }

    /** Records were lost, as these words say. */
    void note(List<String> words) {
        if (words.isEmpty()) {
            return;
        }
        known = true;
        try {
            Files.write(file, words);
        } catch (IOException e) {
            log.warn("what the journal lost cannot be remembered file={} reason={}", file, e.toString());
        }
    }

    /** Whether what belongs to nobody is to be left alone; says so where there is any. */
    boolean spare(List<Survey.Orphan> orphans) {
        if (!known || orphans.isEmpty()) {
            return known;
        }
        orphans.forEach(orphan -> log.info("left alone kind={} key={}", orphan.kind(), orphan.key()));
        log.warn(
                "the journal lost records, so what belongs to nobody is left alone; once nothing of it is missed, remove"
                        + " file={} and start again things={}",
                file,
                orphans.stream().collect(Collectors.groupingBy(Survey.Orphan::kind, Collectors.counting())));
        return true;
    }
}
