package dev.wharf.spi.network;

import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.spi.Driver;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.kernel.Sandbox;
import java.util.List;
import java.util.Set;
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
     * Parts the sandbox from the network. Rules, ports and the interface are gone when the call returns, for the sandbox may
     * live on.
     */
    void detach(NetworkSpec network, EndpointSpec endpoint, Sandbox sandbox) throws DriverException;

    /**
     * Does what {@link #detach} does for a sandbox that nobody is in any more and that goes right afterwards: the interface
     * may go with it, which is not waited for.
     */
    default void release(NetworkSpec network, EndpointSpec endpoint, Sandbox sandbox) throws DriverException {
        detach(network, endpoint, sandbox);
    }

    /** Every endpoint of ours found in the kernel now; one that lacks a device or a port is not among them. */
    List<Endpoint> survey() throws DriverException;

    /** Notices what other programs take away. */
    interface Watching extends Capability {
        /**
         * Calls back, from a thread that must not be kept, when something of this driver's may have been taken away by
         * another program. May be told more than once, and for nothing; what is amiss is for a survey to say.
         */
        AutoCloseable watch(Listener listener) throws DriverException;

        /** The networks whose device stands, with rules around it, read from the kernel now. */
        Set<NetworkId> standing() throws DriverException;
    }

    /** Has a say in what a new network will be, before anybody is promised anything. */
    interface Planning extends Capability {
        /**
         * The specification with what was left to the driver filled in: options, subnets, the part of them that this host
         * gives out. Changes nothing. INVALID with the reason where the driver's rules forbid what is asked for, UNSUPPORTED
         * where this host cannot do it.
         */
        NetworkSpec plan(NetworkSpec wanted) throws DriverException;
    }

    /** Sees what a new network must not get in the way of. */
    interface Seeing extends Capability {
        /** Where the host's routes lead, to networks of the house and to what was left of others among them. */
        List<Neighbour> neighbours() throws DriverException;
    }

    /** Hears that something may be amiss. */
    interface Listener {
        /** Rules may be missing that no survey counts. */
        void rulesLost();

        /** A device may be missing, or something else that a survey counts. */
        void deviceLost();
    }

    /** Whether endpoints leave a trace that {@link #survey} could find. Of a mode that makes nothing, nothing is missed. */
    default boolean leavesTraces() {
        return true;
    }
}
