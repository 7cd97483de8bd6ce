package dev.wharf.jmx;

/** One network, as {@code dev.wharf:type=Network,name="bridge"}. */
public interface NetworkMXBean {
    String getId();

    String getName();

    String getDriver();

    boolean isInternal();

    /** Its pools of addresses, in CIDR notation. */
    String[] getSubnets();

    /** Containers that have a place on it, by name. */
    String[] getContainers();
}
