package dev.wharf.itests.swap.candidates;

import dev.wharf.model.DriverName;
import dev.wharf.model.Repository;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import java.util.List;

/** A registry backend that has nothing, under the name and in the formats of one that serves. */
public abstract class Backend implements RegistryBackend {
    @Override
    public DriverName name() {
        return new DriverName("layout");
    }

    @Override
    public List<Format> formats() {
        return List.of(new Format("oci-layout", 1));
    }

    @Override
    public Readiness probe() {
        return Readiness.yes();
    }

    @Override
    public boolean serves(Repository repository) {
        return false;
    }

    @Override
    public Remote open(Repository repository, Credentials credentials) throws DriverException {
        throw DriverException.failure(Failure.Kind.UNAVAILABLE, "planted: nothing is here");
    }

    /** Stays for ever, whoever interrupts. */
    static void hang() {
        while (true) {
            try {
                Thread.sleep(60_000);
            } catch (InterruptedException e) {
                // That is what is planted here: one that does not listen.
            }
        }
    }
}
