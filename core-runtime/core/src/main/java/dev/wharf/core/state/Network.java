package dev.wharf.core.state;

import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.spi.network.Device;
import java.time.Instant;
import java.util.Optional;

/** A network: what it is, whether it is wanted, and its device. */
public record Network(NetworkSpec spec, Instant createdAt, boolean wanted, Fact<Device> device, Optional<Stall> stall) {
    public NetworkId id() {
        return spec.id();
    }

    /**
     * Whether its wire is the host's own, and not one that others have, too: there a container is reached directly, no port of
     * the host leads to it, and the gateway is somebody else's.
     */
    public boolean hasOwnWire() {
        String mode = spec.driver().value();
        return !mode.equals("macvlan") && !mode.equals("ipvlan");
    }

    /** No longer wanted. A crash may have left a device that no event names, so it is removed even where none is known. */
    public Network unwanted() {
        return new Network(spec, createdAt, false, device.doubtful(), Optional.empty());
    }

    public Network device(Fact<Device> fact) {
        return new Network(spec, createdAt, wanted, fact, Optional.empty());
    }

    public Network stalled(Stall why) {
        return new Network(spec, createdAt, wanted, device, Optional.of(why));
    }
}
