package dev.wharf.network.macvlan;

import dev.wharf.spi.kernel.ChildLinks;
import dev.wharf.spi.kernel.Links;
import dev.wharf.spi.network.NetworkDriver;
import java.nio.file.Path;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Each sandbox has a hardware address of its own on the parent's wire. */
@Component(
        service = NetworkDriver.class,
        property = {"wharf.name=macvlan", "wharf.formats=macvlan-tag 1"})
public final class MacvlanDriver extends ChildDriver {
    @Activate
    public MacvlanDriver(BundleContext framework, @Reference Links links, @Reference ChildLinks children) {
        this(
                links,
                children,
                Path.of(framework.getProperty("wharf.exec.root"), "children"),
                agent(framework.getProperty("wharf.exec.root")));
    }

    public MacvlanDriver(Links links, ChildLinks children, Path places, String agent) {
        super("macvlan", links, children, places, agent);
    }
}
