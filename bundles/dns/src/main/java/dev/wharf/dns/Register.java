package dev.wharf.dns;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Follower;
import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.journal.Position;
import dev.wharf.model.NetworkId;
import dev.wharf.spi.network.Resident;
import dev.wharf.spi.network.Residents;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Who is on which network here and by which names. Follows the journal only while somebody wants to hear of changes. */
@Component(service = Residents.class)
public final class Register implements Residents, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Register.class);

    private final Agent agent;
    private final List<Runnable> watchers = new CopyOnWriteArrayList<>();
    private volatile boolean closing;
    /** Guarded by this. */
    private Optional<Thread> follower = Optional.empty();

    @Activate
    public Register(@Reference Agent agent) {
        this.agent = agent;
    }

    @Override
    public List<Resident> of(NetworkId network) {
        return Names.residents(agent.host(), network);
    }

    @Override
    public AutoCloseable watch(Runnable changed) {
        watchers.add(changed);
        synchronized (this) {
            if (follower.isEmpty() && !closing) {
                Thread thread = new Thread(this::follow, "wharf-dns-register");
                thread.setDaemon(true);
                thread.start();
                follower = Optional.of(thread);
            }
        }
        return () -> watchers.remove(changed);
    }

    private void follow() {
        Position from = agent.position();
        Semaphore more = new Semaphore(0);
        try (Follower journal = agent.follow(from)) {
            while (!closing) {
                boolean moved = false;
                for (Optional<Moment> moment = journal.poll(); moment.isPresent(); moment = journal.poll()) {
                    moved |= moves(moment.get());
                }
                if (moved) {
                    watchers.forEach(Runnable::run);
                }
                journal.onMore(more::release);
                more.acquire();
                more.drainPermits();
            }
        } catch (IOException e) {
            LOG.error("the journal cannot be followed, other hosts hear of changes late", e);
        } catch (InterruptedException e) {
            LOG.debug("interrupted");
        }
    }

    private static boolean moves(Moment moment) {
        return moment.event() instanceof ContainerEvent.EndpointAttached
                || moment.event() instanceof ContainerEvent.EndpointDetached
                || moment.event() instanceof ContainerEvent.DisconnectRequested
                || moment.event() instanceof ContainerEvent.Renamed
                || moment.event() instanceof ContainerEvent.Observed;
    }

    @Override
    @Deactivate
    public void close() {
        closing = true;
        synchronized (this) {
            follower.ifPresent(Thread::interrupt);
        }
    }
}
