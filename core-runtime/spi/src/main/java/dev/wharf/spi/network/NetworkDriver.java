package dev.wharf.spi.network;

import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkSpec;
import dev.wharf.spi.Driver;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.kernel.Sandbox;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Joins sandboxes to networks. Addresses are chosen before the driver is asked and arrive in the {@link EndpointSpec}; each
 * call carries the whole specification, so a driver needs no memory to undo what another driver did.
 */
@ConsumerType
public interface NetworkDriver extends Driver {
    /** Makes the network's device and rules, or makes them whole again. */
    Device create(NetworkSpec network) throws DriverException;

    /** Removes the network's device and rules. */
    void remove(NetworkSpec network) throws DriverException;

    /**
     * Joins the sandbox: interface, addresses, routes, published ports. EXISTS with the text {@code Bind for HOST:PORT
     * failed: port is already allocated} when another program holds a host port.
     */
    Endpoint attach(NetworkSpec network, EndpointSpec endpoint, Sandbox sandbox) throws DriverException;

    /**
     * Parts the sandbox from the network. Rules and ports are gone when the call returns; the interface may go with its
     * sandbox, which is not waited for unless {@code sandbox} lives on.
     */
    void detach(NetworkSpec network, EndpointSpec endpoint, Sandbox sandbox) throws DriverException;

    /** Every endpoint of ours found in the kernel now; one that lacks a device or a port is not among them. */
    List<Endpoint> survey() throws DriverException;

    /** Whether endpoints leave a trace that {@link #survey} could find. Of a mode that makes nothing, nothing is missed. */
    default boolean leavesTraces() {
        return true;
    }
}
