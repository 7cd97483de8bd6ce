package dev.wharf.itests.swap.candidates;

import dev.wharf.spi.registry.RegistryBackend;
import org.osgi.service.component.annotations.Component;

/** Does not answer when it is asked whether it can work. */
@Component(
        service = RegistryBackend.class,
        property = {"wharf.name=layout", "service.ranking:Integer=500"})
public class HangsInProbe extends Backend {
    @Override
    public Readiness probe() {
        hang();
        return Readiness.yes();
    }
}
