package dev.wharf.spi.network;

import dev.wharf.spi.DriverException;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/** Says which hosts share networks. Where there are several sources the one of the highest ranking is asked. */
@ConsumerType
public interface PeerSource {
    /** As things stand now. UNAVAILABLE where that is not known; then what was last known goes on. */
    Peers peers() throws DriverException;

    /** Calls back, from a thread that must not be kept, when {@link #peers} may have another answer. */
    AutoCloseable watch(Runnable changed) throws DriverException;

    /** A source that can tell the others of this host; otherwise whoever writes peers down writes their keys down. */
    interface Announcing extends PeerSource {
        /** Says by which public key others know this host; empty where it has none any more. Does not wait. */
        void announce(String key);
    }

    /** This host and the others. */
    record Peers(Peer self, List<Peer> others) {
        public Peers {
            others = List.copyOf(others);
        }
    }
}
