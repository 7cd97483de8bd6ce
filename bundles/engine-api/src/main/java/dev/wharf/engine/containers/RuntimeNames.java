package dev.wharf.engine.containers;

import dev.wharf.model.DriverName;
import java.util.List;

/**
 * OCI runtimes by the names that clients know. A host has one of its own, whichever program it is, and that goes by the two
 * names of the one that Docker always has; any other goes by its driver's.
 */
public final class RuntimeNames {
    /** Docker's names for its usual runtime, first the one that it tells. */
    static final List<String> USUAL = List.of("runc", "io.containerd.runc.v2");

    private static final DriverName OF_THE_HOST = new DriverName("default");

    private RuntimeNames() {}

    /** The names that a driver is asked for by, first the one that it is told by. */
    public static List<String> of(DriverName driver) {
        return driver.equals(OF_THE_HOST) ? USUAL : List.of(driver.value());
    }

    /** The name that a driver is told by. */
    public static String shown(DriverName driver) {
        return of(driver).get(0);
    }
}
