package dev.wharf.engine;

import dev.wharf.build.run.HostCache;
import dev.wharf.core.agent.Agent;
import dev.wharf.engine.archive.ContentRoutes;
import dev.wharf.engine.archive.CopyRoutes;
import dev.wharf.engine.archive.Trees;
import dev.wharf.engine.build.Bench;
import dev.wharf.engine.build.BuildCache;
import dev.wharf.engine.build.BuildRoutes;
import dev.wharf.engine.build.BuildkitRoutes;
import dev.wharf.engine.build.Hashes;
import dev.wharf.engine.containers.ContainerRoutes;
import dev.wharf.engine.containers.StreamRoutes;
import dev.wharf.engine.events.EventRoutes;
import dev.wharf.engine.http.Door;
import dev.wharf.engine.http.Endpoint;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.http.Server;
import dev.wharf.engine.http.Workers;
import dev.wharf.engine.images.ArchiveRoutes;
import dev.wharf.engine.images.CommitRoutes;
import dev.wharf.engine.images.ImageRoutes;
import dev.wharf.engine.journal.AgentFacts;
import dev.wharf.engine.journal.DriverRoutes;
import dev.wharf.engine.journal.HindsightRoutes;
import dev.wharf.engine.journal.JobRoutes;
import dev.wharf.engine.journal.PruneRoutes;
import dev.wharf.engine.journal.StorageRoutes;
import dev.wharf.engine.journal.UndeleteRoutes;
import dev.wharf.engine.journal.WharfRoutes;
import dev.wharf.engine.metrics.MetricsRoutes;
import dev.wharf.engine.networks.NetworkRoutes;
import dev.wharf.engine.system.AbsentRoutes;
import dev.wharf.engine.system.InfoRoutes;
import dev.wharf.engine.system.RegistryRoutes;
import dev.wharf.engine.system.SystemRoutes;
import dev.wharf.engine.system.UsageRoutes;
import dev.wharf.engine.volumes.VolumeRoutes;
import dev.wharf.model.AddressPool;
import dev.wharf.oci.layer.Tree;
import dev.wharf.spi.kernel.Hashing;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.management.ManagementFactory;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.SynchronousBundleListener;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves the Engine API on the sockets of the framework property {@code wharf.hosts}. It is up before the agent is; requests
 * that need one wait for it.
 */
@Component(
        immediate = true,
        service = {})
public final class EngineApi {
    private static final Logger LOG = LoggerFactory.getLogger(EngineApi.class);

    /** By then whoever waited for this start has been answered. */
    private static final Duration UNTIL_REHEARSAL = Duration.ofSeconds(1);

    /** What a rehearsal has to end in; the next start tidies up after one that needs longer, and clients wait for that start. */
    private static final Duration FAREWELL = Duration.ofMillis(200);

    private final Door door = new Door();
    private final Workers workers = new Workers();
    private final Trees trees = new Trees();
    private final Hashes hashes = new Hashes();
    private final Optional<Server> server;
    private final Optional<Server> numbers;
    private final Thread rehearsal;
    private volatile List<Routes> parts = List.of();

    @Activate
    public EngineApi(BundleContext context) {
        server = open(context);
        numbers = tellNumbers(context);
        rehearsal = new Thread(() -> rehearse(context), "wharf-rehearsal");
        rehearsal.setDaemon(true);
        // At the very beginning of the end, while there still is somebody who answers those that are inside.
        context.addBundleListener((SynchronousBundleListener) event -> {
            if (event.getBundle().getBundleId() == 0 && event.getType() == BundleEvent.STOPPING) {
                // It would take the processor from those who tidy up, and there is nothing left to rehearse for.
                rehearsal.interrupt();
                server.ifPresent(Server::stopListening);
                numbers.ifPresent(Server::stopListening);
            }
        });
    }

    private void rehearse(BundleContext context) {
        try {
            Thread.sleep(UNTIL_REHEARSAL.toMillis());
            Optional<Agent> agent = door.now();
            if (agent.isPresent()) {
                AgentFacts facts = facts(context);
                Rehearsal.play(
                        agent.get(),
                        router(routes(facts, trees, hashes, Duration.ZERO)),
                        facts.execRoot().resolve("rehearsal"));
                agent.get().maintenance().giveBackMemory();
                LOG.debug("the rehearsal is over");
            }
        } catch (InterruptedException | ClosedByInterruptException | InterruptedIOException e) {
            LOG.debug("the rehearsal ends early, for the engine stops");
        } catch (IOException e) {
            LOG.warn("no rehearsal, so first answers will be slower reason={}", e.getMessage());
        } catch (RuntimeException e) {
            LOG.warn("the rehearsal broke off, so first answers will be slower; please report this", e);
        }
    }

    /** An engine that nobody can reach is of no use, so it stops, having said why. */
    private Optional<Server> open(BundleContext context) {
        try {
            List<Endpoint> endpoints = new Endpoints(name -> property(context, name, "")).read();
            parts = routes(facts(context), trees, hashes, retention(context));
            Server opened = Server.open(endpoints, router(parts), door, workers);
            endpoints.forEach(endpoint -> LOG.info("listening address={}", endpoint.url()));
            return Optional.of(opened);
        } catch (IOException | IllegalArgumentException e) {
            LOG.error("no door, so the engine stops: {}", e.getMessage());
            stop(context);
            return Optional.empty();
        }
    }

    /** Whoever watches the host is not worth stopping it for, so where the port cannot be had the engine serves without. */
    private Optional<Server> tellNumbers(BundleContext context) {
        try {
            Optional<Endpoint> endpoint = new Endpoints(name -> property(context, name, "")).numbers();
            if (endpoint.isEmpty()) {
                return Optional.empty();
            }
            Server opened = Server.open(
                    List.of(endpoint.get()), router(List.of(new MetricsRoutes(facts(context)))), door, workers);
            LOG.info("numbers are told url={}", endpoint.get().url());
            return Optional.of(opened);
        } catch (IOException | IllegalArgumentException e) {
            LOG.error("numbers are told on no port: {}", e.getMessage());
            return Optional.empty();
        }
    }

    static List<Routes> routes(AgentFacts facts, Trees trees, Duration retention) {
        return routes(facts, trees, new Hashes(), retention);
    }

    /** Every part of the API; the last one answers for what no other serves. */
    private static List<Routes> routes(AgentFacts facts, Trees trees, Hashes hashes, Duration retention) {
        Bench bench = new Bench(facts, trees, hashes, new HostCache());
        return List.of(
                new WharfRoutes(facts),
                new DriverRoutes(),
                new StorageRoutes(),
                new HindsightRoutes(),
                new PruneRoutes(trees),
                new UndeleteRoutes(retention),
                new JobRoutes(),
                new InfoRoutes(facts),
                new UsageRoutes(trees, BuildCache.caches(facts)),
                new RegistryRoutes(),
                new ImageRoutes(),
                new ArchiveRoutes(),
                new CommitRoutes(),
                new CopyRoutes(trees),
                new ContentRoutes(trees),
                new NetworkRoutes(),
                new VolumeRoutes(trees, retention),
                new ContainerRoutes(retention, facts.dataRoot()),
                new StreamRoutes(trees),
                new BuildRoutes(bench),
                new BuildkitRoutes(bench),
                new EventRoutes(),
                new MetricsRoutes(facts),
                new SystemRoutes(),
                new AbsentRoutes());
    }

    /** How long what is removed can be had back; not at all unless somebody said so. */
    private static Duration retention(BundleContext context) {
        String text = property(context, "wharf.undelete.retention", "0");
        try {
            return text.matches("0|off|") ? Duration.ZERO : Spans.parse(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("wharf.undelete.retention=" + text + ": " + e.getMessage());
        }
    }

    private static AgentFacts facts(BundleContext context) {
        return new AgentFacts(
                property(context, "wharf.version", "unknown"),
                Instant.ofEpochMilli(ManagementFactory.getRuntimeMXBean().getStartTime()),
                Path.of(property(context, "wharf.data.root", "/var/lib/wharf")),
                Path.of(property(context, "wharf.exec.root", "/run/wharf")),
                AddressPool.parseAll(property(context, "wharf.address.pools", "")));
    }

    private static String property(BundleContext context, String name, String byDefault) {
        String value = context.getProperty(name);
        return value == null ? byDefault : value;
    }

    /** The router that serves these routes. */
    public static Router router(List<Routes> routes) {
        Router router = new Router();
        routes.forEach(part -> part.addTo(router));
        return router;
    }

    private static void stop(BundleContext context) {
        try {
            context.getBundle(Constants.SYSTEM_BUNDLE_LOCATION).stop();
        } catch (BundleException e) {
            LOG.error("the framework does not stop reason={}", e.getMessage());
        }
    }

    @Reference(
            cardinality = ReferenceCardinality.OPTIONAL,
            policy = ReferencePolicy.DYNAMIC,
            policyOption = ReferencePolicyOption.GREEDY)
    void setAgent(Agent agent) {
        door.open(agent);
        LOG.debug("the door is open");
        Thread tidying = new Thread(() -> parts.forEach(part -> part.tidy(agent)), "wharf-tidying");
        tidying.setDaemon(true);
        tidying.start();
        if (rehearsal.getState() == Thread.State.NEW) {
            rehearsal.start();
        }
    }

    void unsetAgent(Agent agent) {
        door.close(agent);
    }

    @Reference(
            cardinality = ReferenceCardinality.OPTIONAL,
            policy = ReferencePolicy.DYNAMIC,
            policyOption = ReferencePolicyOption.GREEDY)
    void setTree(Tree tree) {
        trees.set(tree);
    }

    void unsetTree(Tree tree) {
        trees.clear(tree);
    }

    @Reference(
            cardinality = ReferenceCardinality.OPTIONAL,
            policy = ReferencePolicy.DYNAMIC,
            policyOption = ReferencePolicyOption.GREEDY)
    void setHashing(Hashing hashing) {
        hashes.set(hashing);
    }

    void unsetHashing(Hashing hashing) {
        hashes.clear(hashing);
    }

    @Deactivate
    void close() {
        rehearsal.interrupt();
        try {
            rehearsal.join(FAREWELL.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        server.ifPresent(Server::close);
        numbers.ifPresent(Server::close);
        parts.forEach(Routes::close);
        workers.close();
    }
}
