package dev.wharf.core.agent;

import dev.wharf.core.command.Command;
import dev.wharf.core.event.Event;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import dev.wharf.model.DriverId;
import dev.wharf.model.SubjectId;
import java.util.List;

/**
 * Hears how commands become effects, as it happens. Offered as a service, it is told from then on; nobody is told otherwise, and
 * that costs nothing. It is called by those who do the work, so it returns at once and throws nothing.
 */
public interface Tracing {
    /** The detail of an actor that says which trace of the client's a command belongs to (W3C Trace Context). */
    String TRACE_PARENT = "traceparent";

    /** Hears nothing. */
    Tracing OFF = new Silence();

    /** A command came in; it is over when it is answered. */
    Work command(Command command, Cause cause);

    /** A command is judged. */
    Work decision(Command command, Cause cause);

    /** A step of a plan runs, on this thread. */
    Work step(String step, SubjectId subject, Cause cause);

    /** A driver is called, by the step that runs on this thread if one does. */
    Work call(DriverId driver, String implementation, String method);

    /** The kernel is called, likewise. */
    Work kernelCall(String method);

    /** Events are written down together. */
    Writing writing(List<Event> events, Cause cause);

    /** Something that takes its time. */
    interface Work extends AutoCloseable {
        /** It did not work; to be said before it is over. */
        void failed(String why);

        /** It is over; from any thread. */
        @Override
        void close();
    }

    /** Events on their way into the journal. */
    interface Writing extends Work {
        void lieAt(Position position);
    }
}
