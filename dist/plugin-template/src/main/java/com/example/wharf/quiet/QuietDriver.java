package com.example.wharf.quiet;

import dev.wharf.model.DriverName;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkSpec;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.network.Device;
import dev.wharf.spi.network.Endpoint;
import dev.wharf.spi.network.NetworkDriver;
import java.util.List;
import org.osgi.service.component.annotations.Component;

/**
 * A network mode for containers that talk to themselves alone: the sandbox keeps the loopback device it was born with. The
 * least a mode can do; one that makes devices asks for {@code Links} as a reference and leaves traces to be surveyed.
 */
@Component(
        service = NetworkDriver.class,
        property = {"wharf.name=" + QuietDriver.NAME, "wharf.formats=" + QuietDriver.FORMAT_NAME + " 1"})
public final class QuietDriver implements NetworkDriver {
    public static final String NAME = "quiet";
    static final String FORMAT_NAME = "network-quiet";

    @Override
    public DriverName name() {
        return new DriverName(NAME);
    }

    @Override
    public List<Format> formats() {
        return List.of(new Format(FORMAT_NAME, 1));
    }

    @Override
    public Readiness probe() {
        return Readiness.yes();
    }

    @Override
    public Device create(NetworkSpec network) {
        return new Device(network.id(), "");
    }

    @Override
    public void remove(NetworkSpec network) {
        // There is no device.
    }

    @Override
    public Endpoint attach(NetworkSpec network, EndpointSpec endpoint, Sandbox sandbox) {
        return new Endpoint(endpoint.id(), network.id(), "", "");
    }

    @Override
    public void detach(NetworkSpec network, EndpointSpec endpoint, Sandbox sandbox) {
        // There is no interface.
    }

    @Override
    public List<Endpoint> survey() {
        return List.of();
    }

    @Override
    public boolean leavesTraces() {
        return false;
    }
}
