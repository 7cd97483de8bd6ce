package dev.wharf.itests.swap.candidates;

import dev.wharf.spi.storage.StorageDriver;
import org.osgi.service.component.annotations.Component;

/** Would serve, and finds nothing of what is there. */
@Component(
        service = StorageDriver.class,
        property = {"wharf.name=overlay", "service.ranking:Integer=500"})
public class FindsNothing extends Snapshots {}
