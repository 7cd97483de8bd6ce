package dev.wharf.spi.runtime;

import java.util.List;
import java.util.Map;

/**
 * Counters of one container at one instant. Counters only grow; bytes and nanoseconds throughout. A limit of 0 is none.
 *
 * @param memoryStats the kernel's memory.stat, key by key
 */
public record Measure(
        long readEpochNanos,
        long cpuTotalNanos,
        long cpuUserNanos,
        long cpuSystemNanos,
        List<Long> cpuPerProcessorNanos,
        long hostCpuNanos,
        int onlineCpus,
        long throttledPeriods,
        long periods,
        long throttledNanos,
        long memoryUsageBytes,
        long memoryMaxUsageBytes,
        long memoryLimitBytes,
        Map<String, Long> memoryStats,
        long pids,
        long pidsLimit,
        List<BlockIo> blockIo,
        Map<String, Interface> interfaces) {
    /** Bytes moved by one device, {@code operation} is {@code read} or {@code write}. */
    public record BlockIo(int major, int minor, String operation, long bytes) {}

    /** Counters of one network interface inside. */
    public record Interface(
            long rxBytes,
            long rxPackets,
            long rxErrors,
            long rxDropped,
            long txBytes,
            long txPackets,
            long txErrors,
            long txDropped) {}

    /** The few of them that charts draw. */
    public Counters counters() {
        return new Counters(
                cpuTotalNanos,
                throttledNanos,
                memoryUsageBytes,
                pids,
                blockReadBytes(),
                blockWrittenBytes(),
                rxBytes(),
                txBytes());
    }

    public long blockReadBytes() {
        return moved("read");
    }

    public long blockWrittenBytes() {
        return moved("write");
    }

    private long moved(String operation) {
        return blockIo.stream()
                .filter(io -> io.operation().equals(operation))
                .mapToLong(BlockIo::bytes)
                .sum();
    }

    /** Received on all interfaces. */
    public long rxBytes() {
        return interfaces.values().stream().mapToLong(Interface::rxBytes).sum();
    }

    /** Sent on all interfaces. */
    public long txBytes() {
        return interfaces.values().stream().mapToLong(Interface::txBytes).sum();
    }
}
