package dev.wharf.kafka.desired;

import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.Refusal;
import dev.wharf.core.state.DriverBinding;
import dev.wharf.core.state.Host;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import java.util.Set;

/** Finds the driver that somebody means, before a network is written down that nobody could make or take away. */
public final class NetworkDrivers {
    private static final Set<String> SINGLE = Set.of("host", "none", "null");

    private NetworkDrivers() {}

    /** The driver that is called so, where it can make networks on this host. */
    public static DriverName named(Host host, String word) throws RefusedException {
        if (SINGLE.contains(word)) {
            throw refusal(Refusal.Kind.FORBIDDEN, "only one instance of \"" + word + "\" network is allowed");
        }
        DriverName name = meant(word);
        DriverBinding driver = host.driver(new DriverId(DriverKind.NETWORK, name))
                .orElseThrow(() -> refusal(
                        Refusal.Kind.MISSING,
                        "no driver \"" + name + "\" is there; see wharf driver ls for those that are"));
        if (driver.serving().isEmpty() && !driver.why().isEmpty()) {
            throw refusal(
                    Refusal.Kind.UNSUPPORTED, "networks of driver " + name + " cannot be made here: " + driver.why());
        }
        return name;
    }

    /** Networks over hosts are called by what they are for, or by their technique. */
    static DriverName meant(String word) {
        return new DriverName(word.isEmpty() ? "bridge" : word.equals("vxlan") ? "overlay" : word);
    }

    private static RefusedException refusal(Refusal.Kind kind, String message) {
        return new RefusedException(new Refusal(kind, message));
    }
}
