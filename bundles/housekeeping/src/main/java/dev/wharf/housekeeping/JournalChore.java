package dev.wharf.housekeeping;

import dev.wharf.core.agent.FailedException;
import dev.wharf.core.agent.Jobs.Line;
import dev.wharf.core.agent.Maintenance.Checkpoint;
import dev.wharf.core.agent.RefusedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** Writes a checkpoint and lets the oldest part of the journal go. */
final class JournalChore implements Chore {
    private final Path dataRoot;

    JournalChore(Path dataRoot) {
        this.dataRoot = dataRoot;
    }

    @Override
    public String name() {
        return "journal";
    }

    @Override
    public String what() {
        return "writes a checkpoint and lets the oldest part of the journal go";
    }

    @Override
    public boolean hasDryRun() {
        return false;
    }

    @Override
    public void work(Shift shift) throws IOException, RefusedException, FailedException {
        shift.progress("writes a checkpoint");
        OptionalLong limit =
                shift.options().size("size", Files.getFileStore(dataRoot).getTotalSpace());
        Checkpoint done = shift.await(
                shift.agent().maintenance().checkpoint(shift.options().span("keep"), limit));
        shift.freed(done.trimmedBytes());
        shift.summary("checkpoint after position " + done.before() + ", trimmed " + Forms.words(done.trimmedBytes())
                + ", the journal takes " + Forms.words(done.sizeBytes()));
        if (limit.isPresent() && done.sizeBytes() > limit.getAsLong()) {
            shift.line(new Line(
                    "journal",
                    done.origin().toString(),
                    "journal",
                    done.sizeBytes(),
                    "larger than " + Forms.words(limit.getAsLong())
                            + ": what follows the last checkpoint but one stays, and so does what a follower such as"
                            + " Kafka's publisher has yet to carry on"));
        }
    }
}
