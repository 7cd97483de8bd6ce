package dev.wharf.itests.swap.candidates;

import dev.wharf.model.DriverName;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkSpec;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.network.Device;
import dev.wharf.spi.network.Endpoint;
import dev.wharf.spi.network.NetworkDriver;
import java.util.List;

/** A network mode that has nothing, under the name and in the formats of one that serves. */
public abstract class Joints implements NetworkDriver {
    @Override
    public DriverName name() {
        return new DriverName("bridge");
    }

    @Override
    public List<Format> formats() {
        return List.of(new Format("bridge-nft", 1));
    }

    @Override
    public Readiness probe() {
        return Readiness.yes();
    }

    private static DriverException nothing() {
        return DriverException.failure(Failure.Kind.UNSUPPORTED, "planted: it never serves");
    }

    @Override
    public Device create(NetworkSpec network) throws DriverException {
        throw nothing();
    }

    @Override
    public void remove(NetworkSpec network) throws DriverException {
        throw nothing();
    }

    @Override
    public Endpoint attach(NetworkSpec network, EndpointSpec endpoint, Sandbox sandbox) throws DriverException {
        throw nothing();
    }

    @Override
    public void detach(NetworkSpec network, EndpointSpec endpoint, Sandbox sandbox) throws DriverException {
        throw nothing();
    }

    @Override
    public List<Endpoint> survey() {
        return List.of();
    }
}
