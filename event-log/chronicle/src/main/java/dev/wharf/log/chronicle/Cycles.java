package dev.wharf.log.chronicle;

import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.OptionalInt;
import net.openhft.chronicle.core.time.TimeProvider;
import net.openhft.chronicle.queue.RollCycle;
import net.openhft.chronicle.queue.RollCycles;

/**
 * The clock that Chronicle reads, which tells not the time but which file to write: a queue rolls when its clock enters the
 * next cycle, and this one enters it when the log says so. It never goes back, whatever the host's clock does, because a
 * queue that is asked to append to an older cycle loses or refuses what it is given.
 */
final class Cycles implements TimeProvider {
    /** Only its naming of files and the size of its index matter. */
    static final RollCycle ROLL = RollCycles.FIVE_MINUTELY;

    private static final String SUFFIX = ".cq4";
    private static final DateTimeFormatter NAME = DateTimeFormatter.ofPattern("uuuuMMdd-HHmm");

    private volatile int cycle;

    Cycles(int cycle) {
        this.cycle = cycle;
    }

    /** The cycle for the first file of a log. Each later file has the next cycle, so names count files and tell no time. */
    static int now() {
        return (int) (System.currentTimeMillis() / ROLL.lengthInMillis());
    }

    int cycle() {
        return cycle;
    }

    void enter(int next) {
        cycle = next;
    }

    @Override
    public long currentTimeMillis() {
        return start(cycle);
    }

    private static long start(int cycle) {
        return (long) cycle * ROLL.lengthInMillis();
    }

    /** The file of a cycle, whose name Chronicle makes from the time at which the cycle begins. */
    static String fileName(int cycle) {
        return NAME.format(Instant.ofEpochMilli(start(cycle)).atOffset(ZoneOffset.UTC)) + "V" + SUFFIX;
    }

    /** The cycle whose file this is; empty when it is none. */
    static OptionalInt cycleOf(Path file) {
        String name = String.valueOf(file.getFileName());
        if (!name.endsWith("V" + SUFFIX)) {
            return OptionalInt.empty();
        }
        try {
            LocalDateTime start = LocalDateTime.parse(name.substring(0, name.length() - SUFFIX.length() - 1), NAME);
            return OptionalInt.of((int) (start.toInstant(ZoneOffset.UTC).toEpochMilli() / ROLL.lengthInMillis()));
        } catch (DateTimeException e) {
            return OptionalInt.empty();
        }
    }
}
