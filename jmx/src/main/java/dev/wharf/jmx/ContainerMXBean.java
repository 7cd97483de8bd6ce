package dev.wharf.jmx;

import org.jspecify.annotations.Nullable;

/**
 * One container, as {@code dev.wharf:type=Container,name="web"}. What the kernel counts is read afresh and 0 while nothing runs;
 * all else is from memory.
 */
public interface ContainerMXBean {
    String getId();

    String getName();

    /** What it was made from, as it was asked for. */
    String getImage();

    /** {@code created}, {@code running}, {@code paused}, {@code restarting}, {@code removing} or {@code exited}. */
    String getState();

    /** {@code healthy}, {@code unhealthy}, {@code starting}, or {@code none} without a health check. */
    String getHealth();

    /** RFC 3339. */
    String getCreatedAt();

    /** RFC 3339, empty where it never ran. */
    String getStartedAt();

    /** RFC 3339, empty where it never ended. */
    String getLastExitAt();

    /** -1 where it never ended. */
    int getLastExitCode();

    boolean isLastExitOutOfMemory();

    /** Restarts by its policy. */
    int getRestarts();

    /** As the host numbers it, 0 while nothing runs. */
    int getPid();

    /** 0 for none. */
    long getMemoryLimitBytes();

    /** Billionths of a processor, 0 for no limit. */
    long getNanoCpusLimit();

    /** 0 for none. */
    long getPidsLimit();

    long getCpuTotalNanos();

    long getCpuThrottledNanos();

    long getMemoryUsageBytes();

    long getPids();

    long getBlockReadBytes();

    long getBlockWrittenBytes();

    long getNetworkReceivedBytes();

    long getNetworkSentBytes();

    /** Each answers with the position in the journal of what it led to. */
    long start();

    /** Sends its stop signal, and after {@code seconds} the kill; -1 for its own time. */
    long stop(int seconds);

    /** As {@link #stop}, and starts it again. */
    long restart(int seconds);

    /** Sends a signal, by name or number. */
    long kill(@Nullable String signal);

    long pause();

    long unpause();
}
