package dev.wharf.core.loop;

import dev.wharf.spi.DriverException;
import java.io.IOException;

/** What came of a caller's own work inside a gate, where only a driver's faults are to be seen. */
interface OwnWork<R> {
    R get() throws IOException;

    /** Something that a caller does with what a driver gave. */
    interface Doing<R> {
        R done() throws DriverException, IOException;
    }

    /** Does it now; what it throws comes from {@link #get}, but for the failures of drivers. */
    static <R> OwnWork<R> of(Doing<R> work) throws DriverException {
        try {
            R result = work.done();
            return () -> result;
        } catch (IOException e) {
            return () -> {
                throw e;
            };
        } catch (RuntimeException e) {
            return () -> {
                throw e;
            };
        }
    }
}
