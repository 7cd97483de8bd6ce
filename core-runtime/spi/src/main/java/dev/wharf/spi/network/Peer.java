package dev.wharf.spi.network;

/**
 * A host that shares networks with others.
 *
 * @param number from 0, its own for as long as it lives: it says which part of a shared subnet the host gives out
 * @param name for people
 * @param address where its tunnels end
 * @param key its public key (X25519) in Base64, by which encrypted networks know it; empty where it has none
 */
public record Peer(int number, String name, String address, String key) {
    public Peer {
        if (number < 0) {
            throw new IllegalArgumentException("a host's number is 0 or more, not " + number);
        }
    }

    /** A host without a key. */
    public Peer(int number, String name, String address) {
        this(number, name, address, "");
    }

    public Peer withKey(String other) {
        return new Peer(number, name, address, other);
    }
}
