package dev.wharf.core.agent;

import dev.wharf.model.ContainerId;
import java.time.Duration;

/**
 * Gets ready beside the plan what a container's process counts on in its sandbox, such as answers to questions for names. It is there
 * long before the process on any host but one that is very busy.
 */
public interface Attendance {
    /**
     * Waits until everything is ready for the process that is about to run, at most for {@code patience}: at once where nothing is
     * to be got ready, and where it cannot be, for which no start fails.
     */
    void await(ContainerId container, Duration patience) throws InterruptedException;
}
