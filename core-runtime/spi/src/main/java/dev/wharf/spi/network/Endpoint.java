package dev.wharf.spi.network;

import dev.wharf.model.NetworkId;

/** A sandbox's place on a network as found in the kernel. {@code id} is the one of its specification. */
public record Endpoint(String id, NetworkId network, String hostInterface, String mac) {}
