package dev.wharf.systemd;

import dev.wharf.core.agent.Agent;
import dev.wharf.spi.kernel.Datagrams;
import java.util.Optional;
import java.util.function.Consumer;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/**
 * Ready is who answers: the agent is a service once its journal is folded and the first survey is done, and the sockets were open
 * before. The launcher, which hears the signal to reload, calls here when it begins ({@code begin}) and when it is through
 * ({@code end}).
 */
@Component(immediate = true, service = Consumer.class, property = "wharf.hears=reload")
public final class SystemdComponent implements Consumer<String> {
    private final BundleContext context;
    private final Optional<Supervisor> supervisor;
    private final Optional<Thread> watch;
    private final Agent agent;

    @Activate
    public SystemdComponent(BundleContext context, @Reference Datagrams datagrams, @Reference Agent agent) {
        this.context = context;
        this.agent = agent;
        supervisor = Supervisor.of(System.getenv(), ProcessHandle.current().pid(), datagrams);
        watch = supervisor.map(s -> new Thread(new Watch(s, agent), "wharf-systemd"));
        supervisor.ifPresent(s -> s.ready(status()));
        watch.ifPresent(thread -> {
            thread.setDaemon(true);
            thread.start();
        });
    }

    private String status() {
        return Watch.status(agent.host(), agent.position());
    }

    @Override
    public void accept(String what) {
        supervisor.ifPresent(s -> {
            if (what.equals("begin")) {
                s.reloading();
            } else {
                s.ready(status());
            }
        });
    }

    @Deactivate
    void close() {
        watch.ifPresent(Thread::interrupt);
        // A bundle that is replaced stops, too; the agent only does when the framework does.
        if (context.getBundle(0).getState() == Bundle.STOPPING) {
            supervisor.ifPresent(Supervisor::stopping);
        }
    }
}
