package dev.wharf.core.plan;

import dev.wharf.model.DriverName;
import dev.wharf.spi.Driver;
import dev.wharf.spi.DriverException;

/**
 * The only way to a driver. A gate lends the serving driver for the length of one call. While a swap drains the gate, callers
 * wait; when no driver comes in time, the call is UNAVAILABLE.
 */
public interface Gate<D extends Driver> {
    <R> R use(DriverName name, Use<D, R> use) throws DriverException;

    /** The same for a call that takes as long as its bytes do, and so is given no deadline. */
    default <R> R useLong(DriverName name, Use<D, R> use) throws DriverException {
        return use(name, use);
    }

    /** One call to a driver. */
    interface Use<D, R> {
        R with(D driver) throws DriverException;
    }
}
