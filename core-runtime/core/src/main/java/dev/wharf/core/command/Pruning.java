package dev.wharf.core.command;

import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Network;
import dev.wharf.model.ContainerId;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
import dev.wharf.model.NetworkId;
import dev.wharf.model.Reference;
import dev.wharf.model.VolumeName;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What is to be pruned: of these kinds everything that is not in use. What that comes to is a pure function from the host, so
 * a plan that somebody looked at can be made again from the journal and compared with what the host has come to.
 *
 * @param allImages whether images with names go, too
 * @param allVolumes whether volumes that somebody named go, too
 * @param before only what was made before
 */
public record Pruning(Set<Kind> kinds, boolean allImages, boolean allVolumes, Optional<Instant> before) {
    public Pruning {
        kinds = Set.copyOf(kinds);
    }

    /** What may go, in the order in which it is told. */
    public enum Kind {
        CONTAINER,
        IMAGE,
        NETWORK,
        VOLUME
    }

    /**
     * One thing that goes.
     *
     * @param standing what is so of it that a look at it relied on: when a container ended, what an image is called
     */
    public record Item(Kind kind, String id, String name, String standing) {}

    /** What goes, were it done now. */
    public List<Item> items(Host host) {
        List<Item> items = new ArrayList<>();
        Set<ContainerId> going = host.containers().values().stream()
                .filter(c -> kinds.contains(Kind.CONTAINER) && isOver(c) && isOld(c.createdAt()) && !host.isOfBuild(c))
                .map(Container::id)
                .collect(Collectors.toSet());
        host.containers().values().stream()
                .filter(c -> going.contains(c.id()))
                .sorted(Comparator.comparing(Container::name))
                .forEach(c -> items.add(new Item(
                        Kind.CONTAINER,
                        c.id().value(),
                        c.name(),
                        c.exit().map(e -> "ended " + e.at()).orElse("never ran"))));
        if (kinds.contains(Kind.IMAGE)) {
            images(host, going)
                    .sorted(Comparator.comparing(i -> i.id().value()))
                    .forEach(i -> items.add(
                            new Item(Kind.IMAGE, i.id().value(), names(i), String.join(" ", i.references()))));
        }
        if (kinds.contains(Kind.NETWORK)) {
            host.networks().values().stream()
                    .filter(n -> n.wanted() && !n.spec().predefined() && isOld(n.createdAt()))
                    .filter(n -> isFree(host, n, going))
                    .sorted(Comparator.comparing(n -> n.spec().name()))
                    .forEach(n -> items.add(
                            new Item(Kind.NETWORK, n.id().value(), n.spec().name(), "")));
        }
        if (kinds.contains(Kind.VOLUME)) {
            host.volumes().values().stream()
                    .filter(v -> v.wanted()
                            && isOld(v.createdAt())
                            && (allVolumes || v.spec().anonymous()))
                    .filter(v -> host.usersOf(v.name()).stream().allMatch(c -> going.contains(c.id())))
                    .sorted(Comparator.comparing(v -> v.name().value()))
                    .forEach(v -> items.add(
                            new Item(Kind.VOLUME, v.name().value(), v.name().value(), "made " + v.createdAt())));
        }
        return items;
    }

    /** What was here for other platforms goes with the last of them that is called something. */
    private Stream<Image> images(Host host, Set<ContainerId> going) {
        List<Image> chosen = host.images().values().stream()
                .filter(i -> i.wanted() && isOld(i.storedAt()) && (allImages || isDangling(i)) && !host.isVariant(i))
                .filter(i -> isUnused(host, i, going) && !host.isOfBuild(i))
                .toList();
        Stream<Image> variants = chosen.stream()
                .flatMap(i -> host.variants(i).stream())
                .filter(host::isVariant)
                .filter(i -> isUnused(host, i, going)
                        && host.variants(i).stream()
                                .allMatch(v -> v.references().isEmpty() || chosen.contains(v)));
        return Stream.concat(chosen.stream(), variants).distinct();
    }

    private static boolean isUnused(Host host, Image image, Set<ContainerId> going) {
        return host.usersOf(image.id()).stream().allMatch(c -> going.contains(c.id()));
    }

    /** Stands still and holds nothing of the kernel's, so that what it used may go with it. */
    private static boolean isOver(Container c) {
        return !c.goal().wantsProcess()
                && c.goal() != dev.wharf.core.state.Goal.REMOVED
                && c.process().isAbsent()
                && c.remains().isAbsent();
    }

    private boolean isOld(Instant made) {
        return before.map(made::isBefore).orElse(true);
    }

    /** A network that a container wants at its next start is in use, though Docker's own prune would take it. */
    private static boolean isFree(Host host, Network network, Set<ContainerId> going) {
        return host.containers().values().stream()
                .filter(c -> !going.contains(c.id()))
                .noneMatch(c -> c.places().containsKey(network.id())
                        || c.spec().networking().networks().stream()
                                .anyMatch(w -> w.network().equals(network.id())));
    }

    private static boolean isDangling(Image image) {
        return image.references().stream().allMatch(r -> r.contains("@"));
    }

    private static String names(Image image) {
        String names = image.references().stream()
                .map(Reference::parse)
                .filter(r -> r.digest().isEmpty())
                .map(Reference::familiar)
                .collect(Collectors.joining(", "));
        return names.isEmpty() ? "<none>" : names;
    }

    /** The events that make them unwanted. */
    static List<Event> removals(Host host, List<Item> items, Instant now) {
        List<Event> events = new ArrayList<>();
        for (Item item : items) {
            switch (item.kind()) {
                case CONTAINER ->
                    events.add(new ContainerEvent.RemoveRequested(new ContainerId(item.id()), false, now));
                case IMAGE -> {
                    ImageId id = new ImageId(Digest.parse(item.id()));
                    host.image(id).stream()
                            .flatMap(i -> i.references().stream())
                            .forEach(r -> events.add(new ImageEvent.Untagged(id, r)));
                    events.add(new ImageEvent.RemoveRequested(id));
                }
                case NETWORK -> events.add(new NetworkEvent.RemoveRequested(new NetworkId(item.id())));
                case VOLUME -> events.add(new VolumeEvent.RemoveRequested(new VolumeName(item.id())));
            }
        }
        return events;
    }

    /** Whether something of the list is still here, or on its way out. */
    public static boolean isThere(Host host, Item item) {
        return switch (item.kind()) {
            case CONTAINER -> host.container(new ContainerId(item.id())).isPresent();
            case IMAGE -> host.image(new ImageId(Digest.parse(item.id()))).isPresent();
            case NETWORK -> host.network(new NetworkId(item.id())).isPresent();
            case VOLUME ->
                host.volume(new VolumeName(item.id())).filter(v -> !v.wanted()).isPresent();
        };
    }

    /** What the one list has and the other has not, in words for people. */
    public static List<String> differences(List<Item> shown, List<Item> now) {
        List<String> words = new ArrayList<>();
        for (Item item : shown) {
            if (!now.contains(item)) {
                Optional<Item> same = now.stream().filter(n -> isSame(n, item)).findFirst();
                words.add(
                        called(item) + same.map(n -> change(item, n)).orElse(" was to go, and is gone or in use now"));
            }
        }
        now.stream()
                .filter(item -> shown.stream().noneMatch(s -> isSame(s, item)))
                .forEach(item -> words.add(called(item) + " would go now, and was not shown"));
        return words;
    }

    private static String change(Item shown, Item now) {
        return shown.name().equals(now.name())
                ? " changed: " + shown.standing() + ", now " + now.standing()
                : " is called " + now.name() + " now";
    }

    private static boolean isSame(Item one, Item other) {
        return one.kind() == other.kind() && one.id().equals(other.id());
    }

    private static String called(Item item) {
        return item.kind().name().toLowerCase(java.util.Locale.ROOT) + " " + item.name();
    }
}
