package dev.wharf.network.macvlan;

import dev.wharf.spi.kernel.ChildLinks;
import dev.wharf.spi.kernel.Links;
import dev.wharf.spi.network.NetworkDriver;
import java.nio.file.Path;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Sandboxes share the hardware address of their parent, which a switch may insist on. */
@Component(
        service = NetworkDriver.class,
        property = {"wharf.name=ipvlan", "wharf.formats=ipvlan-tag 1"})
public final class IpvlanDriver extends ChildDriver {
    @Activate
    public IpvlanDriver(BundleContext framework, @Reference Links links, @Reference ChildLinks children) {
        this(
                links,
                children,
                Path.of(framework.getProperty("wharf.exec.root"), "children"),
                agent(framework.getProperty("wharf.exec.root")));
    }

    public IpvlanDriver(Links links, ChildLinks children, Path places, String agent) {
        super("ipvlan", links, children, places, agent);
    }
}
