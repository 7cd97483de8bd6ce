package dev.wharf.dns;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Attendance;
import dev.wharf.core.agent.Follower;
import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.model.ContainerId;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.kernel.Diversions;
import dev.wharf.spi.kernel.Namespaces;
import dev.wharf.spi.network.Neighbourhood;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the journal and keeps a {@link Counter} open in each sandbox that needs one. What it holds are sockets and nothing
 * else: after a restart it looks at the host once and opens them anew. It stands beside the road of a start, which waits
 * for it a moment where it comes late, and never fails for it.
 */
@Component(service = Attendance.class, immediate = true)
public final class Attendant implements Attendance, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Attendant.class);
    private static final Path RESOLV_CONF = Path.of("/etc/resolv.conf");
    private static final int PORT = 53;

    /** How long after a failure a sandbox is tried again, where nothing is told of it sooner. */
    private static final long AGAIN_MILLIS = 1000;

    private static final int OPENERS = 8;

    private final Agent agent;
    private final Namespaces namespaces;
    private final Diversions diversions;
    private final Loop loop;
    private final Resolver resolver;
    private final List<Neighbourhood> around = new CopyOnWriteArrayList<>();
    private final Semaphore more = new Semaphore(1);
    private final ThreadPoolExecutor openers =
            new ThreadPoolExecutor(OPENERS, OPENERS, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), work -> {
                Thread opener = new Thread(work, "wharf-dns-opener");
                opener.setDaemon(true);
                return opener;
            });
    private final Thread thread = new Thread(this::run, "wharf-dns-follower");
    private volatile boolean closing;

    /** Owned by the thread. */
    private final Map<ContainerId, Counter> counters = new HashMap<>();

    /** Sandboxes that are served, or could not be. Others wait for it, by its monitor. */
    private final Map<ContainerId, Path> settled = new HashMap<>();

    private final Set<ContainerId> again = new HashSet<>();

    /** Whose sockets are being opened, and for which turn of it. */
    private final Map<ContainerId, Object> opening = new HashMap<>();

    /** What openers have to tell the thread; at most as many as are opening. */
    private final Queue<Runnable> results = new ConcurrentLinkedQueue<>();

    @Activate
    public Attendant(@Reference Agent agent, @Reference Namespaces namespaces, @Reference Diversions diversions)
            throws IOException {
        this(agent, namespaces, diversions, new Upstreams(RESOLV_CONF), PORT);
    }

    /** @param port where the resolvers outside listen */
    Attendant(Agent agent, Namespaces namespaces, Diversions diversions, Upstreams upstreams, int port)
            throws IOException {
        this.agent = agent;
        this.namespaces = namespaces;
        this.diversions = diversions;
        loop = new Loop();
        resolver = new Resolver(agent, upstreams, new Forwarder(loop, port), around);
        openers.allowCoreThreadTimeOut(true);
        thread.setDaemon(true);
        thread.start();
    }

    /** Those who know of networks that reach other hosts. */
    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC, unbind = "forget")
    void know(Neighbourhood neighbourhood) {
        around.add(neighbourhood);
    }

    void forget(Neighbourhood neighbourhood) {
        around.remove(neighbourhood);
    }

    private void run() {
        Position from = agent.position();
        try (Follower follower = agent.follow(from)) {
            Set<ContainerId> touched = new HashSet<>(agent.host().containers().keySet());
            while (!closing) {
                for (Optional<Moment> moment = follower.poll(); moment.isPresent(); moment = follower.poll()) {
                    hear(moment.get(), touched);
                }
                touched.addAll(again);
                again.clear();
                hearResults();
                Host host = agent.host();
                touched.forEach(id -> settle(host, id));
                touched.clear();
                follower.onMore(more::release);
                await();
            }
        } catch (IOException e) {
            LOG.error("the journal cannot be followed, containers' names grow old", e);
        } catch (InterruptedException e) {
            LOG.debug("interrupted");
        }
        openers.shutdownNow();
        try {
            if (!openers.awaitTermination(2, TimeUnit.SECONDS)) {
                LOG.debug("sockets are still being opened");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        hearResults();
        counters.values().forEach(Counter::close);
    }

    private void await() throws InterruptedException {
        if (again.isEmpty()) {
            more.acquire();
        } else if (!more.tryAcquire(AGAIN_MILLIS, TimeUnit.MILLISECONDS)) {
            LOG.debug("try again containers={}", again);
        }
        more.drainPermits();
    }

    /** A sandbox that went and came again between two looks is another one, though it has the name of the first. */
    private void hear(Moment moment, Set<ContainerId> touched) {
        if (moment.event() instanceof ContainerEvent event) {
            touched.add(event.container());
            if (event instanceof ContainerEvent.SandboxRemoved || event instanceof ContainerEvent.SandboxCreated) {
                leave(event.container());
            }
        }
    }

    private void leave(ContainerId id) {
        opening.remove(id);
        synchronized (settled) {
            settled.remove(id);
        }
        Counter counter = counters.remove(id);
        if (counter != null) {
            counter.close();
        }
    }

    private void settle(Host host, ContainerId id) {
        Optional<Path> sandbox = host.container(id).flatMap(c -> sandbox(host, c));
        if (sandbox.isEmpty()) {
            leave(id);
        } else if (!counters.containsKey(id) && !opening.containsKey(id)) {
            Object turn = new Object();
            opening.put(id, turn);
            openers.execute(() -> open(id, sandbox.get(), turn));
        }
    }

    /** Side by side, for many starts at once must not wait for one another's sockets. What came of it is told to the thread. */
    private void open(ContainerId id, Path sandbox, Object turn) {
        long began = System.nanoTime();
        try {
            Counter counter = Counter.open(id, sandbox, namespaces, diversions, loop, resolver);
            results.add(() -> opened(id, turn, sandbox, counter));
            LOG.debug(
                    "names container={} micros={}",
                    id.shortForm(),
                    TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - began));
        } catch (IOException | DriverException e) {
            results.add(() -> failed(id, turn, sandbox, e));
        }
        more.release();
    }

    private void opened(ContainerId id, Object turn, Path sandbox, Counter counter) {
        if (opening.remove(id, turn)) {
            counters.put(id, counter);
            settled(id, sandbox);
        } else {
            // The sandbox was another one meanwhile, and this may have taken its diversion.
            counter.close();
            leave(id);
            again.add(id);
        }
    }

    private void failed(ContainerId id, Object turn, Path sandbox, Exception why) {
        if (opening.remove(id, turn) && Files.exists(sandbox)) {
            LOG.warn("no names for a container yet container={} reason={}", id.shortForm(), why.getMessage());
            again.add(id);
            settled(id, sandbox);
        } else {
            // A sandbox that is gone is told of, and so is the next one.
            LOG.debug("no sandbox container={} reason={}", id.shortForm(), why.getMessage());
        }
    }

    private void settled(ContainerId id, Path sandbox) {
        synchronized (settled) {
            settled.put(id, sandbox);
            settled.notifyAll();
        }
    }

    @Override
    public void await(ContainerId container, Duration patience) throws InterruptedException {
        Host host = agent.host();
        Optional<Path> sandbox = host.container(container).flatMap(c -> sandbox(host, c));
        if (sandbox.isEmpty()) {
            return;
        }
        long end = System.nanoTime() + patience.toNanos();
        synchronized (settled) {
            for (long left = patience.toMillis(); left > 0 && !closing; left = (end - System.nanoTime()) / 1_000_000) {
                if (sandbox.get().equals(settled.get(container))) {
                    return;
                }
                settled.wait(left);
            }
        }
        LOG.warn("a process is started before its names are served container={}", container.shortForm());
    }

    private void hearResults() {
        for (Runnable result = results.poll(); result != null; result = results.poll()) {
            result.run();
        }
    }

    /** Where a container is to be heard: while it runs or is about to, and no longer, for the sandbox has to go then. */
    private static Optional<Path> sandbox(Host host, Container c) {
        return (c.isRunning() || c.goal().wantsProcess()) && Names.serves(host, c)
                ? c.sandbox().value().map(s -> s.path())
                : Optional.empty();
    }

    @Override
    @Deactivate
    public void close() {
        closing = true;
        synchronized (settled) {
            settled.notifyAll();
        }
        more.release();
        try {
            thread.join(5000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        loop.close();
    }
}
