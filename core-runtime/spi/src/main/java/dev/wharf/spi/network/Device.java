package dev.wharf.spi.network;

import dev.wharf.model.NetworkId;

/** The kernel's device of a network; the name is empty where the mode needs none. */
public record Device(NetworkId network, String name) {}
