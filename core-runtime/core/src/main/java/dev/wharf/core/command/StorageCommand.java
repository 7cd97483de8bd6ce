package dev.wharf.core.command;

import static dev.wharf.core.command.Decision.accept;
import static dev.wharf.core.command.Decision.refuse;

import dev.wharf.core.event.Event;
import dev.wharf.core.event.StorageEvent;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.DriverBinding;
import dev.wharf.core.state.Goal;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Layer;
import dev.wharf.core.state.Move;
import dev.wharf.model.ContainerId;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.spi.storage.SnapshotKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Wishes about where snapshots are kept. */
public sealed interface StorageCommand extends Command {
    /**
     * Wants images and containers that do not run to live with another driver, with every layer they stand on. It is answered
     * when that is written down; the moving goes on by itself, and across restarts of the agent.
     */
    record Migrate(DriverName to, List<ImageId> images, List<ContainerId> containers) implements StorageCommand {
        public Migrate {
            images = List.copyOf(images);
            containers = List.copyOf(containers);
        }

        @Override
        public Decision decide(Host host, Instant now) {
            Optional<DriverBinding> binding = host.driver(new DriverId(DriverKind.STORAGE, to));
            if (binding.isEmpty()) {
                return refuse(Refusal.Kind.MISSING, "No such storage driver: " + to);
            }
            if (!binding.get().ready()) {
                return refuse(
                        Refusal.Kind.CONFLICT,
                        "storage driver " + to + " is not ready: "
                                + binding.get().why());
            }
            Set<LayerId> layers = new LinkedHashSet<>();
            for (ImageId id : images) {
                Optional<Image> image = host.image(id).filter(Image::wanted);
                if (image.isEmpty()) {
                    return refuse(Refusal.Kind.MISSING, "No such image: " + id);
                }
                image.get().layers().stream().map(LayerSpec::id).forEach(layers::add);
            }
            for (ContainerId id : containers) {
                Optional<Container> c = host.container(id);
                if (c.isEmpty()) {
                    return refuse(Refusal.Kind.MISSING, "No such container: " + id);
                }
                Optional<String> obstacle = obstacle(c.get());
                if (obstacle.isPresent()) {
                    return refuse(Refusal.Kind.CONFLICT, "container " + c.get().name() + " " + obstacle.get());
                }
                layers.addAll(stack(host, c.get().top()));
            }
            return judge(host, layers);
        }

        private Decision judge(Host host, Set<LayerId> layers) {
            List<Event> events = new ArrayList<>();
            for (LayerId id : layers) {
                Optional<Layer> layer = host.layer(id);
                if (layer.isEmpty() || !layer.get().snapshot().isPresent()) {
                    return refuse(Refusal.Kind.CONFLICT, "layer " + id.value() + " is not unpacked yet");
                }
                Optional<Decision> conflict =
                        want(host, SnapshotKey.of(id), layer.get().storage(), events);
                if (conflict.isPresent()) {
                    return conflict.get();
                }
            }
            for (ContainerId id : containers) {
                DriverName from = host.container(id).orElseThrow().spec().storage();
                Optional<Decision> conflict = want(host, SnapshotKey.of(id), from, events);
                if (conflict.isPresent()) {
                    return conflict.get();
                }
            }
            return events.isEmpty()
                    ? refuse(Refusal.Kind.UNCHANGED, "all of it lives with " + to + " already, or is on its way there")
                    : accept(events);
        }

        private Optional<Decision> want(Host host, SnapshotKey snapshot, DriverName from, List<Event> events) {
            Optional<Move> move = host.move(snapshot);
            if (move.isPresent() && !move.get().to().equals(to)) {
                return Optional.of(refuse(
                        Refusal.Kind.CONFLICT,
                        snapshot + " is just moving from " + move.get().from() + " to "
                                + move.get().to() + "; wharf storage ls shows how far it is"));
            }
            if (move.isEmpty() && !from.equals(to)) {
                events.add(new StorageEvent.MoveRequested(snapshot, from, to));
            }
            return Optional.empty();
        }

        /** The layer and all below it, the lowest first. */
        private static List<LayerId> stack(Host host, Optional<LayerId> top) {
            List<LayerId> stack = new ArrayList<>();
            for (Optional<LayerId> at = top; at.isPresent(); ) {
                stack.add(0, at.get());
                at = host.layer(at.get()).flatMap(l -> l.spec().parent());
            }
            return stack;
        }
    }

    /** Why a container cannot be moved now, as the end of a sentence that begins with its name. */
    static Optional<String> obstacle(Container c) {
        if (c.goal() == Goal.REMOVED) {
            return Optional.of("is being removed");
        }
        if (c.goal().wantsProcess() || c.isRunning() || !c.mount().isAbsent()) {
            return Optional.of("is running; stop it first");
        }
        return c.rootfs().isPresent() ? Optional.empty() : Optional.of("has no root file system yet");
    }
}
