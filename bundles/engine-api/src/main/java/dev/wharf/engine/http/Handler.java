package dev.wharf.engine.http;

import dev.wharf.core.agent.Agent;

/** Answers one kind of request. Called on an event loop, so it must not block; {@link Request#work} is for what does. */
public interface Handler {
    /** Answers; whatever is thrown is told to the client as {@link Problems} says. */
    Answer handle(Agent agent, Request request) throws Exception;

    /** A handler that needs no agent, and so answers while the house wakes up. */
    interface Early {
        Answer handle(Request request) throws Exception;
    }
}
