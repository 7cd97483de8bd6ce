package dev.wharf.spi.network;

/**
 * A network that the host knows the way to.
 *
 * @param subnet with prefix length
 * @param device by which the host reaches it, or empty
 * @param connected whether the host itself is on it
 */
public record Neighbour(String subnet, String device, boolean connected) {}
