package dev.wharf.core.agent;

import dev.wharf.core.event.Event;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.model.DriverId;
import dev.wharf.spi.DriverException;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** The drivers' implementations that are there: which of them serve, why others do not, and how to change that. */
public interface Fleet {
    /** Every implementation that is there or was turned away of late, those that serve first. */
    List<Candidate> candidates();

    /**
     * One implementation under a driver's name.
     *
     * @param implementation {@code bundle/version}, with {@code @} and the beginning of its digest where it is a plugin's
     * @param why why it does not serve, empty where it does
     * @param inside how many calls it is lent to now
     */
    record Candidate(DriverId driver, String implementation, int rank, Standing standing, String why, int inside) {}

    /**
     * Has the listener called after an implementation came or went, until the handle is closed; by the thread that brought it, so
     * it must return at once and may look only on another one.
     */
    AutoCloseable onChange(Runnable listener);

    /** Waits until every driver that comes with a start has come, and no longer than one that is missing is waited for. */
    void awaitDrivers() throws DriverException;

    /** What came of the calls that an implementation was lent to since it is there; none where it never was. */
    Calls calls(DriverId driver, String implementation);

    /**
     * Calls of a driver.
     *
     * @param failures how many of them failed, refusals included
     */
    record Calls(long failures, Vitals.Latency times) {
        public static final Calls NONE = new Calls(0, Vitals.Latency.NONE);
    }

    /** Settings of a driver that were refused, each with the reason and what counts instead. */
    List<String> refusedSettings(DriverId driver);

    /** How an implementation stands. */
    enum Standing {
        /** It is lent to whoever asks. */
        SERVING,
        /** It could serve, and another one does. */
        WAITING,
        /** It is being asked whether it can work here. */
        ARRIVING,
        /** It may not serve. */
        REJECTED
    }

    /**
     * Makes an implementation serve whatever the ranks of the others are, now and after a restart. Completes when it serves,
     * or fails with {@link RefusedException} or {@link FailedException}; then what served goes on.
     */
    CompletionStage<Event> swap(DriverId driver, String implementation, Cause cause);

    /** Makes that serve again which served before; the bundle is fetched back if it is gone. */
    CompletionStage<Event> rollBack(DriverId driver, Cause cause);

    /**
     * Asks each implementation under the name anew whether it can work here and finds everything, and lets it serve again where
     * it could not until now; from a thread that may wait.
     */
    List<Candidate> probe(DriverId driver);

    /** Writes down that an implementation did not even come so far as to be asked, and why. */
    void turnAway(DriverId driver, String implementation, String reason);
}
