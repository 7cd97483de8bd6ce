package dev.wharf.engine;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.agent.Registries;
import dev.wharf.core.agent.Streams;
import dev.wharf.core.command.Command;
import dev.wharf.core.command.Decision;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.state.DriverBinding;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.ImageId;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.Platform;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.registry.RegistryBackend.Manners;
import java.lang.reflect.Proxy;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** An agent whose host stands still: wishes are judged and written down, and nothing is ever carried out. */
final class StandingAgent {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

    private Host host = Host.EMPTY
            .with(serving(DriverKind.STORAGE, "overlay"))
            .with(serving(DriverKind.NETWORK, "bridge"))
            .with(serving(DriverKind.NETWORK, "macvlan"))
            .with(serving(DriverKind.RUNTIME, "default"))
            .with(busybox());

    StandingAgent() {
        host = new NetworkEvent.Created(
                        new NetworkSpec(
                                new NetworkId(Digest.sha256("bridge").hex()),
                                "bridge",
                                new DriverName("bridge"),
                                "wharf0",
                                List.of(),
                                false,
                                false,
                                false,
                                true,
                                Map.of(),
                                Map.of(),
                                Map.of()),
                        NOW)
                .apply(host);
    }

    private static DriverBinding serving(DriverKind kind, String name) {
        return new DriverBinding(
                new DriverId(kind, new DriverName(name)), Optional.of(name + "/1"), List.of(), 0, true, "");
    }

    private static Image busybox() {
        return image("busybox", Platform.host());
    }

    /** An image without layers that runs a shell. */
    static Image image(String name, Platform platform, String... entrypoint) {
        Digest digest = Digest.sha256(name);
        return new Image(
                new ImageId(digest),
                new Descriptor(MediaTypes.OCI_MANIFEST, digest, 1),
                new Descriptor(MediaTypes.OCI_CONFIG, digest, 1),
                new ImageConfig(
                        platform,
                        NOW.toString(),
                        "",
                        "",
                        List.of(),
                        List.of(entrypoint),
                        List.of("sh"),
                        "",
                        List.of(),
                        List.of(),
                        Map.of(),
                        "",
                        Optional.empty(),
                        List.of(),
                        List.of(),
                        List.of(),
                        List.of()),
                List.of(),
                List.of("docker.io/library/" + name + ":latest"),
                1,
                NOW,
                true,
                Optional.empty());
    }

    /** The agent as fronts see it. What it has no answer for is a fault, so that a test cannot pass by accident. */
    Agent agent() {
        return (Agent) Proxy.newProxyInstance(
                Agent.class.getClassLoader(), new Class<?>[] {Agent.class}, (proxy, method, arguments) -> {
                    return switch (method.getName()) {
                        case "host" -> host();
                        case "submit" -> submit((Command) arguments[0]);
                        case "registries" -> registries();
                        case "lend" -> null;
                        case "streams" -> streams();
                        case "watch" -> (AutoCloseable) () -> {};
                        case "equals" -> proxy == arguments[0];
                        case "hashCode" -> 1;
                        default -> throw new UnsupportedOperationException(method.getName());
                    };
                });
    }

    private static Registries registries() {
        return (Registries) Proxy.newProxyInstance(
                Registries.class.getClassLoader(), new Class<?>[] {Registries.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("manners")) {
                        return new Manners(List.of("127.0.0.0/8", "reg.test:5000"), Map.of());
                    }
                    throw new UnsupportedOperationException(method.getName());
                });
    }

    /** Nothing flows here. */
    private static Streams streams() {
        return (Streams) Proxy.newProxyInstance(
                Streams.class.getClassLoader(), new Class<?>[] {Streams.class}, (proxy, method, arguments) -> {
                    throw DriverException.failure(Failure.Kind.UNSUPPORTED, method.getName());
                });
    }

    /** Something comes to pass by itself. */
    synchronized void happens(Event event) {
        host = event.apply(host);
    }

    synchronized Host host() {
        return host;
    }

    private synchronized CompletionStage<Event> submit(Command command) {
        Decision decision = command.decide(host, NOW);
        if (decision instanceof Decision.Refused refused) {
            return CompletableFuture.failedFuture(new RefusedException(refused.refusal()));
        }
        if (decision instanceof Decision.Accepted accepted) {
            for (Event event : accepted.events()) {
                host = event.apply(host);
            }
            return CompletableFuture.completedFuture(
                    accepted.events().get(accepted.events().size() - 1));
        }
        throw new UnsupportedOperationException("nothing is carried out here");
    }
}
