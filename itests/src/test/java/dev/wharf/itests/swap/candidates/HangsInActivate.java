package dev.wharf.itests.swap.candidates;

import dev.wharf.spi.registry.RegistryBackend;
import org.osgi.service.component.annotations.Component;

/** Is never done with being made. */
@Component(
        service = RegistryBackend.class,
        property = {"wharf.name=layout", "service.ranking:Integer=500"})
public class HangsInActivate extends Backend {
    /** Hangs. */
    public HangsInActivate() {
        hang();
    }
}
