package dev.wharf.dns;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Follower;
import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.ContainerSpec.Networking;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverName;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.InitProcess;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkSpec.Pool;
import dev.wharf.model.NetworkWish;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.kernel.SandboxKey;
import dev.wharf.spi.network.Endpoint;
import dev.wharf.testkit.runtime.RuntimeSpecs;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** A host with containers on networks, as events tell of them, and an agent that answers with it. */
final class Town {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

    private volatile Host host = Host.EMPTY;
    private final Queue<Moment> moments = new ConcurrentLinkedQueue<>();
    private final List<Runnable> wakes = new ArrayList<>();
    private List<String> dns = List.of();
    private List<String> options = List.of();

    static NetworkId network(String name) {
        return new NetworkId(Digest.sha256("network " + name).hex());
    }

    static ContainerId container(String name) {
        return new ContainerId(Digest.sha256("container " + name).hex());
    }

    Host host() {
        return host;
    }

    Names names(String asker) {
        return new Names(host, host.container(container(asker)).orElseThrow());
    }

    Town net(String name, boolean internal, boolean predefined, String... subnets) {
        List<Pool> pools = new ArrayList<>();
        for (String subnet : subnets) {
            pools.add(new Pool(subnet, "", "", Map.of()));
        }
        return tell(new NetworkEvent.Created(
                new NetworkSpec(
                        network(name),
                        name,
                        new DriverName("bridge"),
                        "br-" + name,
                        pools,
                        internal,
                        false,
                        subnets.length > 1,
                        predefined,
                        Map.of(),
                        Map.of(),
                        Map.of()),
                NOW));
    }

    /** The next containers are made with these resolvers and options. */
    Town with(List<String> resolvers, List<String> resolverOptions) {
        dns = resolvers;
        options = resolverOptions;
        return this;
    }

    /** A place on a network. */
    record At(String network, String ipv4, String ipv6, List<String> aliases, List<String> links) {
        At(String network, String ipv4) {
            this(network, ipv4, "", List.of(), List.of());
        }

        At(String network, String ipv4, String... aliases) {
            this(network, ipv4, "", List.of(aliases), List.of());
        }
    }

    Town run(String name, Path sandbox, At... places) {
        ContainerId id = container(name);
        List<NetworkWish> wishes = new ArrayList<>();
        List<EndpointSpec> endpoints = new ArrayList<>();
        for (At at : places) {
            wishes.add(new NetworkWish(network(at.network), at.aliases, at.links, "", "", "", 0, Map.of()));
            endpoints.add(new EndpointSpec(
                            Digest.sha256(name + at.network).hex(),
                            network(at.network),
                            "veth",
                            "eth" + endpoints.size(),
                            at.ipv4.isEmpty() ? "" : at.ipv4 + "/24",
                            "",
                            at.ipv6.isEmpty() ? "" : at.ipv6 + "/64",
                            "",
                            "",
                            at.aliases,
                            List.of(),
                            Map.of())
                    .withMetric(endpoints.size() * 1024));
        }
        ContainerSpec plain = RuntimeSpecs.of(Path.of("/"), "true").build().spec();
        ContainerSpec spec = plain.withNetworking(new Networking(
                ContainerSpec.Namespace.PRIVATE,
                wishes,
                List.of(),
                List.of(),
                false,
                dns,
                List.of(),
                options,
                List.of(),
                List.of(),
                ""));
        tell(new ContainerEvent.Created(id, name, spec, Optional.empty(), NOW));
        tell(new ContainerEvent.StartRequested(id, endpoints));
        tell(new ContainerEvent.SandboxCreated(id, new Sandbox(SandboxKey.of(id), sandbox)));
        for (EndpointSpec endpoint : endpoints) {
            tell(new ContainerEvent.EndpointAttached(id, new Endpoint(endpoint.id(), endpoint.network(), "veth", "")));
        }
        tell(new ContainerEvent.ProcessCreated(id, new InitProcess(1, 1, 1), 1, Optional.empty()));
        return tell(new ContainerEvent.Started(id, new InitProcess(1, 1, 1), NOW));
    }

    Town run(String name, At... places) {
        return run(name, Path.of("/nowhere"), places);
    }

    Container get(String name) {
        return host.container(container(name)).orElseThrow();
    }

    synchronized Town tell(Event event) {
        Host before = host;
        host = event.apply(before);
        moments.add(new Moment(
                Position.START, 0, new Cause(CommandId.NONE, Optional.empty(), Actor.WHARF), NOW, event, before, host));
        wakes.forEach(Runnable::run);
        wakes.clear();
        return this;
    }

    private synchronized void onMore(Runnable wake) {
        if (moments.isEmpty()) {
            wakes.add(wake);
        } else {
            wake.run();
        }
    }

    Agent agent() {
        return (Agent) Proxy.newProxyInstance(
                Town.class.getClassLoader(), new Class<?>[] {Agent.class}, (proxy, method, arguments) -> {
                    switch (method.getName()) {
                        case "host":
                            return host;
                        case "position":
                            return Position.START;
                        case "follow":
                            return new Followed();
                        default:
                            throw new UnsupportedOperationException(method.getName());
                    }
                });
    }

    private final class Followed implements Follower {
        @Override
        public Optional<Moment> poll() {
            return Optional.ofNullable(moments.poll());
        }

        @Override
        public dev.wharf.model.Digest head() {
            throw new UnsupportedOperationException("head");
        }

        @Override
        public void onMore(Runnable wake) {
            Town.this.onMore(wake);
        }

        @Override
        public void close() {
            // Nothing is held.
        }
    }
}
