package dev.wharf.itests.swap.candidates;

import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.StorageDriver;
import java.util.List;
import org.osgi.service.component.annotations.Component;

/** Does not answer when it is asked what it finds. */
@Component(
        service = StorageDriver.class,
        property = {"wharf.name=overlay", "service.ranking:Integer=500"})
public class HangsInSurvey extends Snapshots {
    @Override
    public List<Snapshot> survey() {
        Backend.hang();
        return List.of();
    }
}
