package dev.wharf.itests.swap.candidates;

import dev.wharf.model.Repository;
import dev.wharf.spi.registry.RegistryBackend;
import org.osgi.service.component.annotations.Component;

/** Serves until the first call, and hangs in that. */
@Component(
        service = RegistryBackend.class,
        property = {"wharf.name=layout", "service.ranking:Integer=500"})
public class HangsInCall extends Backend {
    @Override
    public boolean serves(Repository repository) {
        hang();
        return false;
    }
}
