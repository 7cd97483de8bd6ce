package dev.wharf.model;

/**
 * The first process of a container. A pid alone may be used again by the kernel; with its start time it is unique.
 *
 * @param startTicks field 22 of /proc/[pid]/stat (proc(5)): clock ticks since boot
 * @param monitorPid the process that holds the streams and reaps the container
 */
public record InitProcess(int pid, long startTicks, int monitorPid) {}
