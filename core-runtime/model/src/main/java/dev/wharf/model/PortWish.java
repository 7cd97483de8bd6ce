package dev.wharf.model;

import java.util.Set;

/**
 * A wish to reach a container's port through the host.
 *
 * @param containerPort 1 to 65535
 * @param protocol {@code tcp}, {@code udp} or {@code sctp}
 * @param hostAddress the host's address to listen on, empty for all of them
 * @param hostPortFirst the first host port that would do, 0 for any free one
 * @param hostPortLast the last host port that would do; equal to the first for exactly one
 */
public record PortWish(int containerPort, String protocol, String hostAddress, int hostPortFirst, int hostPortLast) {
    private static final Set<String> PROTOCOLS = Set.of("tcp", "udp", "sctp");

    public PortWish {
        if (containerPort < 1 || containerPort > 65535) {
            throw new IllegalArgumentException("invalid container port " + containerPort + ": must be 1 to 65535");
        }
        if (!PROTOCOLS.contains(protocol)) {
            throw new IllegalArgumentException("invalid protocol \"" + protocol + "\": must be tcp, udp or sctp");
        }
        if (hostPortFirst < 0 || hostPortLast > 65535 || hostPortLast < hostPortFirst) {
            throw new IllegalArgumentException("invalid host port range " + hostPortFirst + "-" + hostPortLast);
        }
    }
}
