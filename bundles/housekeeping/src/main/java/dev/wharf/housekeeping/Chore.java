package dev.wharf.housekeeping;

import dev.wharf.core.agent.FailedException;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.spi.DriverException;
import java.io.IOException;

/** What a job does. */
interface Chore {
    /** The job's name, which its settings begin with. */
    String name();

    /** What it does, in words. */
    String what();

    /** Whether it can say what it would do without doing it. */
    boolean hasDryRun();

    /** Does it; may block. What it finds and does is told to the shift. */
    void work(Shift shift) throws IOException, DriverException, RefusedException, FailedException;
}
