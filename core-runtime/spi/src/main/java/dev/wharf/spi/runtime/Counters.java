package dev.wharf.spi.runtime;

/**
 * What charts draw of one container: few numbers, which are quick to read for hundreds of containers at a time. They only grow,
 * but for memory and processes, which are as they stand; nanoseconds and bytes throughout.
 *
 * @param rxBytes received on all interfaces but the loopback
 */
public record Counters(
        long cpuTotalNanos,
        long throttledNanos,
        long memoryUsageBytes,
        long pids,
        long blockReadBytes,
        long blockWrittenBytes,
        long rxBytes,
        long txBytes) {}
