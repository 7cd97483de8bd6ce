package dev.wharf.model;

/**
 * A host port that leads to a container's port; chosen before the driver is asked.
 *
 * @param hostAddress {@code 0.0.0.0}, {@code ::} or one address of the host
 */
public record PublishedPort(int containerPort, String protocol, String hostAddress, int hostPort) {
    /** The form {@code 80/tcp}. */
    public String containerSide() {
        return containerPort + "/" + protocol;
    }
}
