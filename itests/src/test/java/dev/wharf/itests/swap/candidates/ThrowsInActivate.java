package dev.wharf.itests.swap.candidates;

import dev.wharf.spi.registry.RegistryBackend;
import org.osgi.service.component.annotations.Component;

/** Breaks when it is made. */
@Component(
        service = RegistryBackend.class,
        property = {"wharf.name=layout", "service.ranking:Integer=500"})
public class ThrowsInActivate extends Backend {
    /** Breaks. */
    public ThrowsInActivate() {
        throw new IllegalStateException("planted: it cannot be made");
    }
}
