package dev.wharf.kafka;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Forms;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.Command;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.command.HostCommand;
import dev.wharf.core.command.ImageCommand;
import dev.wharf.core.command.NetworkCommand;
import dev.wharf.core.command.Pruning;
import dev.wharf.core.command.Refusal;
import dev.wharf.core.command.VolumeCommand;
import dev.wharf.core.event.Event;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Network;
import dev.wharf.kafka.desired.NetworkDrivers;
import dev.wharf.model.ContainerId;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.model.ImageId;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkWish;
import dev.wharf.model.PullId;
import dev.wharf.model.Reference;
import dev.wharf.model.Resources;
import dev.wharf.model.RestartPolicy;
import dev.wharf.model.Signal;
import dev.wharf.model.SubjectId;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Gives orders to the agent. Every identifier and every chance is derived from the command's id, so a command that comes twice
 * asks for the very same.
 */
final class Desk {
    private final Agent agent;
    private final Supplier<Optional<Forms>> forms;

    Desk(Agent agent, Supplier<Optional<Forms>> forms) {
        this.agent = agent;
        this.forms = forms;
    }

    /**
     * Begins what is ordered. The stage fails with {@link RefusedException} or {@code FailedException}.
     *
     * @param made whether the container that shall run was made in an earlier life, and only its start is missing
     */
    CompletionStage<Event> give(
            Order order, String id, Actor actor, Optional<Order.Expectation> expectation, boolean made) {
        try {
            Entropy entropy = new Entropy(dev.wharf.model.Digest.sha256(
                            "kafka/" + agent.host().identity().id() + "/" + id)
                    .hex());
            Cause cause = cause(id, actor);
            if (order instanceof Order.SwapDriver swap) {
                return agent.fleet().swap(driver(swap.driver()), swap.implementation(), cause);
            }
            if (made) {
                return agent.submit(
                        new ContainerCommand.Start(new ContainerId(entropy.hex("container")), entropy),
                        cause(id + ":start", actor));
            }
            Command command = command(order, entropy);
            CompletionStage<Event> first =
                    agent.submit(expectation.isPresent() ? only(expectation.get(), command) : command, cause);
            if (order instanceof Order.RunContainer) {
                // Events of both are found by the id before the colon.
                ContainerId container = ((ContainerCommand) command).container();
                return first.thenCompose(created ->
                        agent.submit(new ContainerCommand.Start(container, entropy), cause(id + ":start", actor)));
            }
            return first;
        } catch (RefusedException e) {
            return CompletableFuture.failedStage(e);
        } catch (IllegalArgumentException e) {
            return refused(Refusal.Kind.INVALID, String.valueOf(e.getMessage()));
        } catch (IOException e) {
            return refused(Refusal.Kind.UNAVAILABLE, String.valueOf(e.getMessage()));
        }
    }

    private static Cause cause(String id, Actor actor) {
        return new Cause(new CommandId(id), Optional.empty(), actor);
    }

    private static CompletionStage<Event> refused(Refusal.Kind kind, String message) {
        return CompletableFuture.failedStage(new RefusedException(new Refusal(kind, message)));
    }

    private Command only(Order.Expectation expected, Command command) throws IOException, RefusedException {
        Position at = new Position(expected.position());
        if (at.isAfter(agent.position()) || agent.journal().origin().isAfter(at)) {
            throw refusal(
                    Refusal.Kind.INVALID,
                    "the journal has no position " + at + ": it goes from "
                            + agent.journal().origin() + " to " + agent.position());
        }
        return new HostCommand.Unchanged(subject(expected.subject()), agent.hostAt(at), command);
    }

    private static SubjectId subject(String text) throws RefusedException {
        int colon = text.indexOf(':');
        String value = text.substring(colon + 1);
        return switch (colon < 0 ? "" : text.substring(0, colon)) {
            case "container" -> new ContainerId(value);
            case "image" -> new ImageId(dev.wharf.model.Digest.parse(value));
            case "network" -> new NetworkId(value);
            case "volume" -> new VolumeName(value);
            case "driver" -> driver(value);
            default -> throw refusal(Refusal.Kind.INVALID, "nothing can be expected of \"" + text + "\"");
        };
    }

    private static RefusedException refusal(Refusal.Kind kind, String message) {
        return new RefusedException(new Refusal(kind, message));
    }

    private Command command(Order order, Entropy entropy) throws RefusedException {
        Host host = agent.host();
        if (order instanceof Order.RunContainer o) {
            return create(o.name(), o.body(), entropy);
        } else if (order instanceof Order.CreateContainer o) {
            return create(o.name(), o.body(), entropy);
        } else if (order instanceof Order.StartContainer o) {
            return new ContainerCommand.Start(container(host, o.container()), entropy);
        } else if (order instanceof Order.StopContainer o) {
            return new ContainerCommand.Stop(container(host, o.container()), signal(o.signal()), grace(o.grace()));
        } else if (order instanceof Order.KillContainer o) {
            return new ContainerCommand.Kill(
                    container(host, o.container()), signal(o.signal()).orElse(Signal.KILL));
        } else if (order instanceof Order.RestartContainer o) {
            return new ContainerCommand.Restart(
                    container(host, o.container()), signal(o.signal()), grace(o.grace()), entropy);
        } else if (order instanceof Order.PauseContainer o) {
            return new ContainerCommand.Pause(container(host, o.container()));
        } else if (order instanceof Order.UnpauseContainer o) {
            return new ContainerCommand.Resume(container(host, o.container()));
        } else if (order instanceof Order.RenameContainer o) {
            return new ContainerCommand.Rename(container(host, o.container()), o.name());
        } else if (order instanceof Order.UpdateContainer o) {
            checkLimits(o.resources());
            if (o.restartPolicy().isPresent()) {
                checkPolicy(o.restartPolicy().get());
            }
            return new ContainerCommand.Update(container(host, o.container()), o.resources(), o.restartPolicy());
        } else if (order instanceof Order.RemoveContainer o) {
            return new ContainerCommand.Remove(container(host, o.container()), o.force(), o.volumes(), Duration.ZERO);
        } else if (order instanceof Order.ConnectNetwork o) {
            NetworkWish wish =
                    new NetworkWish(network(host, o.network()), o.aliases(), List.of(), o.ipv4(), "", "", 0, Map.of());
            return new ContainerCommand.Connect(container(host, o.container()), wish, entropy);
        } else if (order instanceof Order.DisconnectNetwork o) {
            return new ContainerCommand.Disconnect(
                    container(host, o.container()), network(host, o.network()), o.force());
        }
        return other(host, order, entropy);
    }

    private static Command other(Host host, Order order, Entropy entropy) throws RefusedException {
        if (order instanceof Order.CreateNetwork o) {
            String id = entropy.hex("network");
            return new NetworkCommand.Create(new NetworkSpec(
                    new NetworkId(id),
                    o.name(),
                    NetworkDrivers.named(host, o.driver()),
                    "br-" + id.substring(0, 12),
                    List.of(),
                    o.internal(),
                    true,
                    false,
                    false,
                    o.options(),
                    Map.of(),
                    o.labels()));
        } else if (order instanceof Order.RemoveNetwork o) {
            return new NetworkCommand.Remove(network(host, o.network()));
        } else if (order instanceof Order.CreateVolume o) {
            return new VolumeCommand.Create(
                    new VolumeSpec(new VolumeName(o.name()), VolumeSpec.LOCAL, o.options(), o.labels(), false));
        } else if (order instanceof Order.RemoveVolume o) {
            return new VolumeCommand.Remove(new VolumeName(o.volume()), o.force(), Duration.ZERO);
        } else if (order instanceof Order.PullImage o) {
            DriverName storage = host.preferred(DriverKind.STORAGE)
                    .orElseThrow(() -> refusal(Refusal.Kind.UNAVAILABLE, "no storage driver serves"));
            return new ImageCommand.PullImage(
                    new PullId(entropy.hex("pull").substring(0, 32)),
                    Reference.parse(o.reference()),
                    Optional.empty(),
                    storage);
        } else if (order instanceof Order.TagImage o) {
            return new ImageCommand.Tag(image(host, o.image()), Reference.parse(o.reference()));
        } else if (order instanceof Order.RemoveImage o) {
            Optional<Reference> reference = o.image().matches("(sha256:)?[0-9a-f]{64}")
                    ? Optional.empty()
                    : Optional.of(Reference.parse(o.image()));
            return new ImageCommand.Remove(image(host, o.image()), reference, o.image(), o.force());
        } else if (order instanceof Order.PruneHost o) {
            Set<Pruning.Kind> kinds = EnumSet.noneOf(Pruning.Kind.class);
            for (String kind : o.kinds()) {
                kinds.add(kind(kind));
            }
            Pruning pruning = new Pruning(kinds, o.allImages(), o.allVolumes(), Optional.empty());
            return new HostCommand.Prune(pruning, pruning.items(host));
        }
        throw new IllegalStateException(order.getClass().getName());
    }

    private Command create(String name, com.fasterxml.jackson.databind.JsonNode body, Entropy entropy)
            throws RefusedException {
        ContainerId id = new ContainerId(entropy.hex("container"));
        Forms reader = forms.get()
                .orElseThrow(() -> refusal(Refusal.Kind.UNAVAILABLE, "nobody here reads what containers shall be"));
        return new ContainerCommand.Create(
                id,
                name.isEmpty() ? "c-" + id.shortForm() : name,
                reader.container(id, body.toString().getBytes(StandardCharsets.UTF_8), entropy));
    }

    private static Optional<Signal> signal(String text) {
        return text.isEmpty() ? Optional.empty() : Optional.of(Signal.parse(text));
    }

    /** Locally a negative one waits for ever; an answer that may never come is none. */
    private static Optional<Duration> grace(Optional<Duration> grace) throws RefusedException {
        if (grace.filter(Duration::isNegative).isPresent()) {
            throw refusal(Refusal.Kind.INVALID, "grace must not be negative");
        }
        return grace;
    }

    /** What no kernel takes, so that it is not written down as what the container has. */
    private static void checkLimits(Resources limits) throws RefusedException {
        within("memoryBytes", limits.memoryBytes(), 0, Long.MAX_VALUE);
        within("memorySwapBytes", limits.memorySwapBytes(), -1, Long.MAX_VALUE);
        within("memoryReservationBytes", limits.memoryReservationBytes(), 0, Long.MAX_VALUE);
        within("memorySwappiness", limits.memorySwappiness(), -1, 100);
        within("nanoCpus", limits.nanoCpus(), 0, Long.MAX_VALUE);
        within("cpuShares", limits.cpuShares(), 0, Long.MAX_VALUE);
        within("cpuPeriodMicros", limits.cpuPeriodMicros(), 0, 1_000_000);
        within("cpuQuotaMicros", limits.cpuQuotaMicros(), -1, Long.MAX_VALUE);
        within("pidsLimit", limits.pidsLimit(), -1, Long.MAX_VALUE);
        within("blkioWeight", limits.blkioWeight(), 0, 1000);
        within("oomScoreAdj", limits.oomScoreAdj(), -1000, 1000);
    }

    private static void within(String field, long value, long least, long most) throws RefusedException {
        if (value < least || value > most) {
            throw refusal(
                    Refusal.Kind.INVALID,
                    "resources." + field + " must be "
                            + (most == Long.MAX_VALUE ? least + " or more" : "from " + least + " to " + most) + ", not "
                            + value);
        }
    }

    private static void checkPolicy(RestartPolicy policy) throws RefusedException {
        if (policy.maximumRetries() < 0) {
            throw refusal(
                    Refusal.Kind.INVALID,
                    "restartPolicy.maximumRetries must be 0 or more, not " + policy.maximumRetries());
        }
        if (policy.maximumRetries() > 0 && policy.kind() != RestartPolicy.Kind.ON_FAILURE) {
            throw refusal(Refusal.Kind.INVALID, "restartPolicy.maximumRetries is for ON_FAILURE alone");
        }
    }

    private static Pruning.Kind kind(String text) throws RefusedException {
        return Stream.of(Pruning.Kind.values())
                .filter(kind -> kind.name().toLowerCase(Locale.ROOT).equals(text))
                .findFirst()
                .orElseThrow(() -> refusal(
                        Refusal.Kind.INVALID, "kinds are container, image, network and volume, not \"" + text + "\""));
    }

    private static DriverId driver(String text) throws RefusedException {
        int slash = text.indexOf('/');
        return Stream.of(DriverKind.values())
                .filter(kind -> slash > 0 && kind.word().equals(text.substring(0, slash)))
                .findFirst()
                .map(kind -> new DriverId(kind, new DriverName(text.substring(slash + 1))))
                .orElseThrow(
                        () -> refusal(Refusal.Kind.INVALID, "a driver is named like storage/overlay, not " + text));
    }

    private static ContainerId container(Host host, String name) throws RefusedException {
        Optional<Container> named = host.containerNamed(name);
        if (named.isPresent()) {
            return named.get().id();
        }
        List<ContainerId> found = host.containers().keySet().stream()
                .filter(id -> id.value().equals(name)
                        || name.length() >= 12 && id.value().startsWith(name))
                .toList();
        if (found.size() != 1) {
            throw refusal(Refusal.Kind.MISSING, "No such container: " + name);
        }
        return found.get(0);
    }

    private static NetworkId network(Host host, String name) throws RefusedException {
        return host.networkNamed(name)
                .map(Network::id)
                .or(() -> host.networks().keySet().stream()
                        .filter(id -> id.value().equals(name))
                        .findFirst())
                .orElseThrow(() -> refusal(Refusal.Kind.MISSING, "network " + name + " not found"));
    }

    private static ImageId image(Host host, String name) throws RefusedException {
        String digest = name.startsWith("sha256:") ? name : "sha256:" + name;
        Optional<ImageId> byId = host.images().keySet().stream()
                .filter(id -> id.toString().equals(name) || id.toString().equals(digest))
                .findFirst();
        return byId.or(() -> host.imageNamed(Reference.parse(name).toString()).map(Image::id))
                .orElseThrow(() -> refusal(Refusal.Kind.MISSING, "No such image: " + name));
    }
}
