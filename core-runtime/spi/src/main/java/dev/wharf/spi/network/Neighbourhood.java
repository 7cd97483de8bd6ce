package dev.wharf.spi.network;

import dev.wharf.model.NetworkId;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/** Knows who is on a network on other hosts, for those who answer by name. Answers from memory, at once. */
@ConsumerType
public interface Neighbourhood {
    /** Who is on the network elsewhere, as last heard; nobody where the network is this host's alone. */
    List<Resident> beyond(NetworkId network);
}
