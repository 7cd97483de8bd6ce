package dev.wharf.core.state;

/** What is wanted of a container. */
public enum Goal {
    /** Made, never run. */
    CREATED,
    RUNNING,
    PAUSED,
    /** Ran, and shall not run now. */
    STOPPED,
    REMOVED;

    /** Whether a process is wanted. */
    public boolean wantsProcess() {
        return this == RUNNING || this == PAUSED;
    }
}
