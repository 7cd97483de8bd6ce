package dev.wharf.jmx;

/** One volume, as {@code dev.wharf:type=Volume,name="data"}. */
public interface VolumeMXBean {
    String getName();

    /** RFC 3339. */
    String getCreatedAt();

    /** Containers that use it, by name. */
    String[] getContainers();
}
