package dev.wharf.itests.swap.candidates;

import dev.wharf.spi.network.NetworkDriver;
import java.util.List;
import org.osgi.service.component.annotations.Component;

/** Writes and reads only what comes after what is there. */
@Component(
        service = NetworkDriver.class,
        property = {"wharf.name=bridge", "service.ranking:Integer=500"})
public class ReadsAnotherFormat extends Joints {
    @Override
    public List<Format> formats() {
        return List.of(new Format("bridge-nft", 99));
    }
}
