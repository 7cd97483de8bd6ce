package dev.wharf.core.command;

import dev.wharf.core.event.BuildEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.event.HostEvent.Collected.Item;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.state.Build;
import dev.wharf.core.state.BuildStep;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Layer;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.MountSpec;
import dev.wharf.model.Reference;
import dev.wharf.spi.storage.SnapshotKey;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A policy of garbage collection: which images and which steps of builds are of no use any more. What that comes to is a pure
 * function from the host and the time, with a reason for each. Never of it is what a container was made of or mounts, also one
 * that was removed and is kept, what another image that stays stands on, what is being pulled, and what is moving to another
 * storage driver.
 *
 * @param images which images may go at all
 * @param unusedFor how long an image may be of no use
 * @param keepBytes how much the layers of images may take; the longest unused go first
 * @param minAge how long an image stays in any case after it was used last
 * @param keepLabels images with one of these labels stay: {@code name} or {@code name=value}
 * @param keepReferences images with one of these names stay; {@code *} stands for anything
 * @param cacheUnusedFor how long a step of a build may be of no use
 * @param cacheKeepBytes how much the layers of steps may take
 */
public record GcPolicy(
        Images images,
        Optional<Duration> unusedFor,
        OptionalLong keepBytes,
        Duration minAge,
        List<String> keepLabels,
        List<String> keepReferences,
        Optional<Duration> cacheUnusedFor,
        OptionalLong cacheKeepBytes) {
    /** As many items are told of in one event, for events must stay of a readable size. */
    private static final int MOST_ITEMS = 500;

    public GcPolicy {
        keepLabels = List.copyOf(keepLabels);
        keepReferences = List.copyOf(keepReferences);
    }

    /** Which images a policy is about. */
    public enum Images {
        UNUSED,
        DANGLING,
        NONE
    }

    /** What goes. */
    record Found(List<ImageId> images, List<Digest> steps, List<Item> items) {
        /** The events that make it unwanted, unless it is a dry run, and say why. */
        List<Event> events(Host host, String run, boolean dryRun) {
            List<Event> events = new ArrayList<>();
            if (!dryRun) {
                if (!steps.isEmpty()) {
                    events.add(new BuildEvent.Forgotten(steps));
                }
                for (ImageId id : images) {
                    host.image(id).stream()
                            .flatMap(i -> i.references().stream())
                            .forEach(r -> events.add(new ImageEvent.Untagged(id, r)));
                    events.add(new ImageEvent.RemoveRequested(id));
                }
            }
            for (int from = 0; from < items.size(); from += MOST_ITEMS) {
                events.add(new HostEvent.Collected(
                        run, dryRun, items.subList(from, Math.min(items.size(), from + MOST_ITEMS))));
            }
            return events;
        }
    }

    /** A build that is under way: what it stands on is known once it is done. */
    static Optional<String> buildUnderWay(Host host) {
        return host.builds().values().stream()
                .filter(Build::isUnderWay)
                .map(Build::id)
                .findFirst();
    }

    /** What goes, with the reasons, in the order in which it goes. */
    public List<Item> items(Host host, Instant now) {
        return of(host, now).items();
    }

    Found of(Host host, Instant now) {
        return new Pass(host, now).run();
    }

    /** One look at a host. */
    private final class Pass {
        private final Host host;
        private final Instant now;
        private final List<Item> items = new ArrayList<>();

        /** What goes, in order. */
        private final List<ImageId> goingImages = new ArrayList<>();

        private final Map<Digest, BuildStep> steps;
        private final List<Digest> goingSteps = new ArrayList<>();

        /** How many stand on each layer. */
        private final Map<LayerId, Integer> standing = new HashMap<>();

        /** How many staying images have each layer below their top one. */
        private final Map<LayerId, Integer> below = new HashMap<>();

        private final Set<ImageId> used = new HashSet<>();
        private final Map<ImageId, Image> staying = new LinkedHashMap<>();

        Pass(Host host, Instant now) {
            this.host = host;
            this.now = now;
            steps = new LinkedHashMap<>();
            host.steps().entrySet().stream()
                    .sorted(Comparator.comparing((Map.Entry<Digest, BuildStep> e) ->
                                    e.getValue().at())
                            .thenComparing(Map.Entry.comparingByKey()))
                    .forEach(e -> steps.put(e.getKey(), e.getValue()));
            host.images().values().stream()
                    .filter(Image::wanted)
                    .sorted(Comparator.comparing(host::usedAt).thenComparing(i -> i.id().value()))
                    .forEach(i -> staying.put(i.id(), i));
            staying.values().forEach(i -> count(i, 1));
            host.containers().values().forEach(this::use);
            host.kept().values().forEach(this::use);
            host.pulls().values().stream().flatMap(p -> p.resolved().stream()).forEach(r -> {
                used.add(r.image());
                r.layers().forEach(l -> standing.merge(l.id(), 1, Integer::sum));
            });
        }

        private void use(Container c) {
            used.add(c.spec().image());
            c.spec().mounts().stream()
                    .filter(m -> m.kind() == MountSpec.Kind.IMAGE)
                    .flatMap(m ->
                            staying.keySet().stream().filter(id -> id.value().equals(m.source())))
                    .forEach(used::add);
            Optional<LayerId> at = c.top();
            while (at.isPresent()) {
                standing.merge(at.get(), 1, Integer::sum);
                at = host.layer(at.get()).flatMap(l -> l.spec().parent());
            }
        }

        private void count(Image image, int by) {
            int top = image.layers().size() - 1;
            for (int i = 0; i <= top; i++) {
                LayerId layer = image.layers().get(i).id();
                standing.merge(layer, by, Integer::sum);
                if (i < top) {
                    below.merge(layer, by, Integer::sum);
                }
            }
        }

        Found run() {
            cache();
            if (images != Images.NONE) {
                age();
                keepBytes.ifPresent(this::shrink);
                // What went for want of room may have been all that kept another.
                age();
            }
            return new Found(List.copyOf(goingImages), List.copyOf(goingSteps), List.copyOf(items));
        }

        private void age() {
            unusedFor.ifPresent(limit -> sweep(
                    this::mayGo,
                    i -> isOlder(host.usedAt(i), limit),
                    i -> "not used for " + words(Duration.between(host.usedAt(i), now)) + ", which is longer than "
                            + words(limit)));
        }

        private boolean isOlder(Instant at, Duration limit) {
            return Duration.between(at, now).compareTo(limit) > 0;
        }

        // ---- steps of builds

        private void cache() {
            Set<ImageId> holders = new HashSet<>();
            cacheUnusedFor.ifPresent(limit -> List.copyOf(steps.entrySet()).stream()
                    .filter(e -> isOlder(e.getValue().at(), limit))
                    .forEach(e -> forget(
                            e.getKey(),
                            holders,
                            "no build used it for "
                                    + words(Duration.between(e.getValue().at(), now)) + ", which is longer than "
                                    + words(limit))));
            cacheKeepBytes.ifPresent(limit -> {
                for (Digest key : List.copyOf(steps.keySet())) {
                    long bytes = cacheBytes();
                    if (bytes <= limit) {
                        break;
                    }
                    forget(
                            key,
                            holders,
                            "the cache of builds takes " + size(bytes) + ", which is more than " + size(limit)
                                    + ", and this was used longest ago");
                }
            });
            sweep(
                    i -> holders.contains(i.id()) && i.references().isEmpty() && !isHolder(i) && isFree(i),
                    i -> true,
                    i -> "held the layers of forgotten steps");
        }

        private void forget(Digest key, Set<ImageId> holders, String reason) {
            BuildStep step = steps.remove(key);
            if (step == null) {
                return;
            }
            goingSteps.add(key);
            step.holder().ifPresent(holders::add);
            items.add(new Item("build step", key.toString(), step.instruction(), 0, step.at(), reason));
        }

        /** What steps hold that no image with a name does. */
        private long cacheBytes() {
            Set<LayerId> named = staying.values().stream()
                    .filter(i -> !i.references().isEmpty())
                    .flatMap(i -> i.layers().stream())
                    .map(LayerSpec::id)
                    .collect(Collectors.toSet());
            return steps.values().stream()
                    .flatMap(s -> s.layer().stream())
                    .map(LayerSpec::id)
                    .distinct()
                    .filter(l -> !named.contains(l))
                    .mapToLong(this::bytes)
                    .sum();
        }

        private boolean isHolder(Image image) {
            return steps.values().stream().anyMatch(s -> s.holder().equals(Optional.of(image.id())));
        }

        // ---- images

        private boolean mayGo(Image image) {
            boolean dangling = image.references().stream().allMatch(r -> r.contains("@"));
            return (images == Images.UNUSED || dangling)
                    && isOlder(host.usedAt(image), minAge)
                    && !isHolder(image)
                    && !isKept(image)
                    && isFree(image);
        }

        /** Whether nothing stands on it that stays, and nothing of it is on its way. */
        private boolean isFree(Image image) {
            List<LayerSpec> layers = image.layers();
            boolean isParent = !layers.isEmpty()
                    && below.getOrDefault(layers.get(layers.size() - 1).id(), 0) > 0;
            return !used.contains(image.id())
                    && !isParent
                    && layers.stream()
                            .noneMatch(l -> host.move(SnapshotKey.of(l.id())).isPresent());
        }

        private boolean isKept(Image image) {
            return keepLabels.stream().anyMatch(l -> hasLabel(image, l))
                    || image.references().stream()
                            .anyMatch(r -> keepReferences.stream().anyMatch(glob -> matches(glob, r)));
        }

        /** Lets everything go that may and shall, until nothing more can: what stood on another may free that other. */
        private void sweep(Predicate<Image> may, Predicate<Image> shall, Function<Image, String> why) {
            boolean more = true;
            while (more) {
                more = false;
                for (Image image : List.copyOf(staying.values())) {
                    if (shall.test(image) && may.test(image)) {
                        remove(image, why.apply(image));
                        more = true;
                    }
                }
            }
        }

        private void shrink(long limit) {
            long bytes = imageBytes();
            while (bytes > limit) {
                Optional<Image> next =
                        staying.values().stream().filter(this::mayGo).findFirst();
                if (next.isEmpty()) {
                    return;
                }
                remove(
                        next.get(),
                        "images take " + size(bytes) + ", which is more than " + size(limit)
                                + ", and this was used longest ago");
                bytes = imageBytes();
            }
        }

        private long imageBytes() {
            return staying.values().stream()
                    .filter(i -> !i.references().isEmpty() || !isHolder(i))
                    .flatMap(i -> i.layers().stream())
                    .map(LayerSpec::id)
                    .distinct()
                    .mapToLong(this::bytes)
                    .sum();
        }

        private void remove(Image image, String reason) {
            staying.remove(image.id());
            goingImages.add(image.id());
            count(image, -1);
            long freed = image.layers().stream()
                    .map(LayerSpec::id)
                    .distinct()
                    .filter(l -> standing.getOrDefault(l, 0) <= 0)
                    .mapToLong(this::bytes)
                    .sum();
            items.add(new Item("image", image.id().value(), name(image), freed, host.usedAt(image), reason));
        }

        private long bytes(LayerId id) {
            return host.layer(id).map(Layer::sizeBytes).orElse(0L);
        }
    }

    private static boolean hasLabel(Image image, String wanted) {
        int equals = wanted.indexOf('=');
        String name = equals < 0 ? wanted : wanted.substring(0, equals);
        String value = image.config().labels().get(name);
        return value != null && (equals < 0 || value.equals(wanted.substring(equals + 1)));
    }

    /** Whether a name is meant, as people write it or in full. */
    static boolean matches(String glob, String reference) {
        Pattern pattern = Pattern.compile(List.of(glob.split("\\*", -1)).stream()
                .map(part -> part.isEmpty() ? "" : Pattern.quote(part))
                .collect(Collectors.joining(".*")));
        String familiar = Reference.parse(reference).familiar();
        int tag = familiar.lastIndexOf(':');
        String bare = tag > familiar.lastIndexOf('/') ? familiar.substring(0, tag) : familiar;
        return List.of(reference, familiar, bare).stream()
                .anyMatch(name -> pattern.matcher(name).matches());
    }

    private static String name(Image image) {
        return image.references().stream()
                .map(Reference::parse)
                .filter(r -> r.digest().isEmpty())
                .map(Reference::familiar)
                .findFirst()
                .orElse("<none>");
    }

    /** Days where it is days, as people think of it. */
    static String words(Duration duration) {
        if (duration.toDays() > 0) {
            return duration.toDays() + (duration.toDays() == 1 ? " day" : " days");
        }
        if (duration.toHours() > 0) {
            return duration.toHours() + " h";
        }
        return duration.toMinutes() > 0 ? duration.toMinutes() + " min" : duration.toSeconds() + " s";
    }

    private static String size(long bytes) {
        String[] units = {"B", "kB", "MB", "GB", "TB"};
        double value = bytes;
        int unit = 0;
        while (value >= 1000 && unit < units.length - 1) {
            value /= 1000;
            unit++;
        }
        return unit == 0 ? bytes + " B" : String.format(Locale.ROOT, "%.1f %s", value, units[unit]);
    }
}
