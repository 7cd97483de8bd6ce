package dev.wharf.spi.network;

import dev.wharf.model.NetworkId;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/** Knows who is on this host's networks, for those who tell other hosts. */
@ConsumerType
public interface Residents {
    /** Who is on the network now. */
    List<Resident> of(NetworkId network);

    /** Calls back, from a thread that must not be kept, when somebody may have come or gone. */
    AutoCloseable watch(Runnable changed);
}
