package dev.wharf.jmx;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Follower;
import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.event.BuildEvent;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.event.LayerEvent;
import java.lang.management.ManagementFactory;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Shows the agent, its journal and everything on the host to the platform's MBean server for as long as the agent is there. A
 * follower of the journal keeps the beans in line with the host and hands events on as notifications; nobody waits for it.
 */
@Component(
        service = {},
        immediate = true)
public final class JmxComponent {
    static final String NAME = Exhibits.DOMAIN + ":type=Agent";
    static final String JOURNAL = Exhibits.DOMAIN + ":type=Journal";

    private static final Logger LOG = LoggerFactory.getLogger(JmxComponent.class);

    private final Agent agent;
    private final MBeanServer server;
    private final JournalBean journal = new JournalBean();
    private final Semaphore more = new Semaphore(1);
    /** How long what has come or gone may go unseen. */
    private static final Duration PATIENCE = Duration.ofMillis(100);

    private final Thread thread = new Thread(this::run, "wharf-jmx-follower");
    /** Whether the follower has called since it was asked to, which it does once. */
    private volatile boolean called = true;

    private volatile boolean driversChanged;
    private volatile boolean closing;

    @Activate
    public JmxComponent(BundleContext context, @Reference Agent agent) throws JMException {
        this(agent, ManagementFactory.getPlatformMBeanServer(), context.getProperty("wharf.version"));
    }

    JmxComponent(Agent agent, MBeanServer server, @org.jspecify.annotations.Nullable String version)
            throws JMException {
        this.agent = agent;
        this.server = server;
        Instant startedAt =
                Instant.ofEpochMilli(ManagementFactory.getRuntimeMXBean().getStartTime());
        AgentBean bean = new AgentBean(agent, version == null ? "unknown" : version, startedAt, Clock.systemUTC());
        server.registerMBean(bean, new ObjectName(NAME));
        server.registerMBean(journal, new ObjectName(JOURNAL));
        thread.setDaemon(true);
        thread.start();
    }

    /** A driver that serves as it did before the agent was started is no news for the journal. */
    private void driversChanged() {
        driversChanged = true;
        more.release();
    }

    private void called() {
        called = true;
        more.release();
    }

    private void run() {
        try (AutoCloseable ear = agent.fleet().onChange(this::driversChanged);
                Exhibits exhibits = new Exhibits(server, agent);
                Follower follower = agent.follow(agent.position())) {
            boolean changed = true;
            boolean first = true;
            while (!closing) {
                for (Optional<Moment> moment = follower.poll(); moment.isPresent(); moment = follower.poll()) {
                    journal.tell(moment.get());
                    changed |= tell(exhibits, moment.get());
                }
                if (changed || driversChanged) {
                    // All beans are gone through, which is not to happen for each of a thousand containers that come at
                    // once.
                    if (!first) {
                        Thread.sleep(PATIENCE.toMillis());
                    }
                    first = false;
                    // What comes after this is told of again.
                    driversChanged = false;
                    exhibits.settle(agent.host(), agent.fleet().candidates());
                    changed = false;
                }
                if (called) {
                    called = false;
                    follower.onMore(this::called);
                }
                more.acquire();
                more.drainPermits();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Exception e) {
            LOG.error("beans show no more what comes and goes", e);
        }
    }

    /**
     * Shows what came and hides what went, where that is easily told; whether the rest must be looked at. Most of what happens
     * to a thing is seen by asking its bean. Builds make many images and containers, and to look at everything for each of them
     * would take longer than they do.
     */
    private boolean tell(Exhibits exhibits, Moment moment) {
        Event event = moment.event();
        if (event instanceof ContainerEvent about) {
            return event instanceof ContainerEvent.Renamed
                    || moment.before().containers().containsKey(about.container())
                            != moment.after().containers().containsKey(about.container());
        }
        if (event instanceof ImageEvent.Stored stored) {
            exhibits.settle(agent.host(), stored.image().id());
            return false;
        }
        if (event instanceof ImageEvent.Removed removed) {
            exhibits.settle(agent.host(), removed.image());
            return false;
        }
        return !(event instanceof BuildEvent || event instanceof LayerEvent)
                && !(event instanceof ImageEvent
                        && moment.before().images().size()
                                == moment.after().images().size());
    }

    @Deactivate
    void hide() {
        closing = true;
        thread.interrupt();
        try {
            thread.join(2000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        journal.close();
        take(NAME);
        take(JOURNAL);
    }

    private void take(String name) {
        try {
            server.unregisterMBean(new ObjectName(name));
        } catch (JMException e) {
            LOG.warn("cannot be taken away name={}", name, e);
        }
    }
}
