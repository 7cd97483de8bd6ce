package dev.wharf.itests.swap.candidates;

import dev.wharf.spi.registry.RegistryBackend;
import org.osgi.service.component.annotations.Component;

/** Cannot work here, and leaves a thread that does not end. */
@Component(
        service = RegistryBackend.class,
        property = {"wharf.name=layout", "service.ranking:Integer=500"})
public class LeavesThreads extends Backend {
    @Override
    public Readiness probe() {
        Thread thread = new Thread(LeavesThreads::stay, "planted-thread");
        thread.setDaemon(true);
        thread.start();
        return Readiness.no("planted: it cannot work");
    }

    private static void stay() {
        hang();
    }
}
