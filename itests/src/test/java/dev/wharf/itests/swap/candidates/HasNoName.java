package dev.wharf.itests.swap.candidates;

import dev.wharf.model.DriverName;
import dev.wharf.spi.registry.RegistryBackend;
import org.osgi.service.component.annotations.Component;

/** Answers with nothing when it is asked for its name. */
@Component(
        service = RegistryBackend.class,
        property = {"wharf.name=layout", "service.ranking:Integer=500"})
public class HasNoName extends Backend {
    @Override
    @SuppressWarnings("NullAway") // That is what is planted here: one that does not know its own contract.
    public DriverName name() {
        return null;
    }
}
