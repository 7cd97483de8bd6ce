package dev.wharf.model;

/**
 * A host port that leads to a container's port; chosen before the driver is asked.
 *
 * @param hostAddress {@code 0.0.0.0}, {@code ::} or one address of the host
 * @param hostPort 0 where no port of the host's leads there and the container is reached at its own address
 */
public record PublishedPort(int containerPort, String protocol, String hostAddress, int hostPort) {
    /** Whether a port of the host's leads there. */
    public boolean isMapped() {
        return hostPort != 0;
    }

    /** The form {@code 80/tcp}. */
    public String containerSide() {
        return containerPort + "/" + protocol;
    }
}
