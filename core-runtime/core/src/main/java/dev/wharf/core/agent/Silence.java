package dev.wharf.core.agent;

import dev.wharf.core.command.Command;
import dev.wharf.core.event.Event;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import dev.wharf.model.DriverId;
import dev.wharf.model.SubjectId;
import java.util.List;

/** Hears nothing, and makes nothing of it. */
final class Silence implements Tracing, Tracing.Writing {
    @Override
    public Work command(Command command, Cause cause) {
        return this;
    }

    @Override
    public Work decision(Command command, Cause cause) {
        return this;
    }

    @Override
    public Work step(String step, SubjectId subject, Cause cause) {
        return this;
    }

    @Override
    public Work call(DriverId driver, String implementation, String method) {
        return this;
    }

    @Override
    public Work kernelCall(String method) {
        return this;
    }

    @Override
    public Writing writing(List<Event> events, Cause cause) {
        return this;
    }

    @Override
    public void lieAt(Position position) {
        // Nobody wants to know.
    }

    @Override
    public void failed(String why) {
        // Nobody wants to know.
    }

    @Override
    public void close() {
        // Nothing was begun.
    }
}
