package dev.wharf.engine.containers;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Request;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/** What was done without the loop, and is told all the same. */
public final class Notes {
    private Notes() {}

    /**
     * Holds an answer back until the record has the note, so that whoever has the answer finds the event. An answer is not spoilt
     * by a note that cannot be taken, such as one about a container that has just gone.
     */
    public static Function<Answer, CompletionStage<Answer>> first(
            Agent agent, Request request, ContainerCommand.Note note) {
        return answer -> agent.submit(note, request.cause()).handle((event, refused) -> answer);
    }
}
