package dev.wharf.model;

import java.util.List;

/**
 * Limits (Docker Engine API, {@code Resources}). Zero and empty mean no limit of that kind.
 *
 * @param memorySwapBytes memory and swap together, -1 for no limit on swap
 * @param nanoCpus billionths of a processor
 * @param cpuPeriodMicros and {@code cpuQuotaMicros} of the CFS scheduler, in microseconds
 * @param cpusetCpus a list such as {@code 0-2,7}
 * @param memorySwappiness 0 to 100, -1 for the kernel's
 * @param oomScoreAdj -1000 to 1000
 */
public record Resources(
        long memoryBytes,
        long memorySwapBytes,
        long memoryReservationBytes,
        int memorySwappiness,
        long nanoCpus,
        long cpuShares,
        long cpuPeriodMicros,
        long cpuQuotaMicros,
        String cpusetCpus,
        String cpusetMems,
        long pidsLimit,
        int blkioWeight,
        List<BlockIo> blockIo,
        boolean oomKillDisable,
        int oomScoreAdj,
        long shmSizeBytes,
        String cgroupParent,
        List<Ulimit> ulimits,
        List<Device> devices,
        List<String> deviceCgroupRules) {
    public static final Resources UNLIMITED = new Resources(
            0, 0, 0, -1, 0, 0, 0, 0, "", "", 0, 0, List.of(), false, 0, 0, "", List.of(), List.of(), List.of());

    public Resources {
        blockIo = Checks.copy(blockIo);
        ulimits = Checks.copy(ulimits);
        devices = Checks.copy(devices);
        deviceCgroupRules = Checks.copy(deviceCgroupRules);
    }

    /** A resource limit of setrlimit(2), by its lower-case name such as {@code nofile}; -1 is no limit. */
    public record Ulimit(String name, long soft, long hard) {}

    /** A host device given to a container, with {@code rwm} rights. */
    public record Device(String hostPath, String containerPath, String permissions) {}

    /** A rate or weight for one block device: kind is {@code read-bps}, {@code write-iops}, {@code weight}, ... */
    public record BlockIo(String kind, String devicePath, long value) {}
}
