package dev.wharf.spi.network;

/**
 * A host that shares networks with others.
 *
 * @param number from 0, its own for as long as it lives: it says which part of a shared subnet the host gives out
 * @param name for people
 * @param address where its tunnels end
 */
public record Peer(int number, String name, String address) {
    public Peer {
        if (number < 0) {
            throw new IllegalArgumentException("a host's number is 0 or more, not " + number);
        }
    }
}
