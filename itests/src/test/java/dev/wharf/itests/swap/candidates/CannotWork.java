package dev.wharf.itests.swap.candidates;

import dev.wharf.spi.registry.RegistryBackend;
import org.osgi.service.component.annotations.Component;

/** Says that it cannot work here. */
@Component(
        service = RegistryBackend.class,
        property = {"wharf.name=layout", "service.ranking:Integer=500"})
public class CannotWork extends Backend {
    @Override
    public Readiness probe() {
        return Readiness.no("planted: this host lacks everything");
    }
}
