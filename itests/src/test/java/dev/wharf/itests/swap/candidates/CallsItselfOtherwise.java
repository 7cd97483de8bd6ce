package dev.wharf.itests.swap.candidates;

import dev.wharf.model.DriverName;
import dev.wharf.spi.registry.RegistryBackend;
import org.osgi.service.component.annotations.Component;

/** Has another name than its component says, as a copy does in which one of the two was forgotten. */
@Component(
        service = RegistryBackend.class,
        property = {"wharf.name=layout", "service.ranking:Integer=500"})
public class CallsItselfOtherwise extends Backend {
    @Override
    public DriverName name() {
        return new DriverName("otherwise");
    }
}
