package dev.wharf.core.event;

import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Pull;
import dev.wharf.core.state.Stall;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverName;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.Platform;
import dev.wharf.model.PullId;
import dev.wharf.model.Reference;
import dev.wharf.model.SubjectId;
import dev.wharf.spi.Failure;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What happens to images, and to the pulls that bring them. */
public sealed interface ImageEvent extends Event {
    /** A pull, load, import, commit or build wants an image here under these references. */
    @EventType("image.pull-requested")
    record PullRequested(
            PullId pull,
            List<String> references,
            Optional<Platform> platform,
            Pull.Source source,
            DriverName storage,
            Instant at)
            implements ImageEvent {
        public PullRequested {
            references = List.copyOf(references);
        }

        @Override
        public SubjectId subject() {
            return pull;
        }

        @Override
        public Host apply(Host host) {
            return host.with(new Pull(
                    pull,
                    references,
                    platform,
                    source,
                    storage,
                    at,
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty()));
        }
    }

    /** What the reference turned out to be. */
    @EventType("image.resolved")
    record Resolved(PullId pull, Pull.Resolved what) implements ImageEvent {
        @Override
        public SubjectId subject() {
            return pull;
        }

        @Override
        public Host apply(Host host) {
            return host.change(pull, p -> p.resolved(what));
        }
    }

    /** Every layer is here: the image exists, under the references its pull asked for. */
    @EventType("image.stored")
    record Stored(PullId pull, Image image) implements ImageEvent {
        @Override
        public SubjectId subject() {
            return image.id();
        }

        @Override
        public Host apply(Host host) {
            List<String> all = new ArrayList<>(image.references());
            Optional<Image> known = host.image(image.id());
            known.ifPresent(k -> all.addAll(k.references()));
            return host.without(pull)
                    .renewed(image.documents().stream().map(Descriptor::digest).toList())
                    .with(image.withReferences(all)
                            .chosenFrom(image.index().or(() -> known.flatMap(Image::index)))
                            .taggedAt(image.taggedAt().or(() -> known.flatMap(Image::taggedAt))));
        }

        @Override
        public List<SubjectId> touches(Host host) {
            return List.of(pull);
        }
    }

    @EventType("image.failed")
    record Failed(PullId pull, Failure failure) implements ImageEvent {
        @Override
        public Optional<Failure> trouble() {
            return Optional.of(failure);
        }

        @Override
        public SubjectId subject() {
            return pull;
        }

        @Override
        public Host apply(Host host) {
            return host.without(pull);
        }

        @Override
        public List<SubjectId> touches(Host host) {
            return host.pull(pull)
                    .flatMap(Pull::resolved)
                    .map(r -> r.layers().stream().map(l -> (SubjectId) l.id()).toList())
                    .orElse(List.of());
        }
    }

    @EventType("image.stalled")
    record Stalled(PullId pull, Stall stall) implements ImageEvent {
        @Override
        public SubjectId subject() {
            return pull;
        }

        @Override
        public Host apply(Host host) {
            return host.change(pull, p -> p.stalled(stall));
        }
    }

    @EventType("image.tagged")
    record Tagged(ImageId image, String reference, Optional<Instant> at) implements ImageEvent {
        public Tagged(ImageId image, String reference) {
            this(image, reference, Optional.empty());
        }

        @Override
        public SubjectId subject() {
            return image;
        }

        @Override
        public Host apply(Host host) {
            return host.change(image, i -> i.alsoCalled(reference).taggedAt(at.or(i::taggedAt)));
        }
    }

    @EventType("image.untagged")
    record Untagged(ImageId image, String reference) implements ImageEvent {
        @Override
        public SubjectId subject() {
            return image;
        }

        @Override
        public Host apply(Host host) {
            return host.change(image, i -> {
                List<String> fewer = new ArrayList<>(i.references());
                fewer.remove(reference);
                return i.withReferences(fewer);
            });
        }
    }

    @EventType("image.remove-requested")
    record RemoveRequested(ImageId image) implements ImageEvent {
        @Override
        public SubjectId subject() {
            return image;
        }

        @Override
        public Host apply(Host host) {
            return host.change(image, Image::unwanted);
        }

        @Override
        public List<SubjectId> touches(Host host) {
            return layers(host, image);
        }
    }

    /** Its documents are gone from the content store, unless another image has the same. */
    @EventType("image.removed")
    record Removed(ImageId image) implements ImageEvent {
        @Override
        public SubjectId subject() {
            return image;
        }

        /** A pull that found the documents here just before they went looks for them again. */
        @Override
        public Host apply(Host host) {
            Host after = host.without(image);
            for (Pull pull : overtaken(host)) {
                after = after.with(pull.unresolved());
            }
            return after;
        }

        @Override
        public List<SubjectId> touches(Host host) {
            List<SubjectId> touched = new ArrayList<>(layers(host, image));
            overtaken(host).forEach(p -> touched.add(p.id()));
            return touched;
        }

        private List<Pull> overtaken(Host host) {
            return host.pulls().values().stream()
                    .filter(p -> p.source() == Pull.Source.REGISTRY
                            && p.resolved().filter(r -> r.image().equals(image)).isPresent())
                    .toList();
        }
    }

    /**
     * A repository has the image under this reference now, and by its digest, which is another name of the image from here on.
     *
     * @param backend the registry backend that took it
     */
    @EventType("image.pushed")
    record Pushed(ImageId image, String reference, Digest digest, long sizeBytes, Optional<DriverName> backend)
            implements ImageEvent {
        @Override
        public SubjectId subject() {
            return image;
        }

        @Override
        public Host apply(Host host) {
            String pinned = Reference.of(Reference.parse(reference).repository(), digest)
                    .toString();
            // What is called nothing because another variant is, stays so, wherever it went.
            return host.change(image, i -> i.wanted() && !host.isVariant(i) ? i.alsoCalled(pinned) : i);
        }
    }

    /** A client did something with an image that changes nothing, such as saving it. */
    @EventType("image.noted")
    record Noted(ImageId image, String action, java.util.Map<String, String> details) implements ImageEvent {
        public Noted {
            // In the order in which they are stored, so that what is written again is the same, byte for byte.
            details = details == null
                    ? java.util.Map.of()
                    : java.util.Collections.unmodifiableMap(new java.util.LinkedHashMap<>(details));
        }

        @Override
        public SubjectId subject() {
            return image;
        }

        @Override
        public Host apply(Host host) {
            return host;
        }
    }

    /** Removing its documents did not work; it will be tried again. */
    @EventType("image.remove-stalled")
    record RemoveStalled(ImageId image, Stall stall) implements ImageEvent {
        @Override
        public SubjectId subject() {
            return image;
        }

        @Override
        public Host apply(Host host) {
            return host.change(image, i -> i.stalled(stall));
        }
    }

    /** When an image was used last, written down by a checkpoint. */
    @EventType("image.use-recorded")
    record UseRecorded(ImageId image, Instant at) implements ImageEvent {
        @Override
        public SubjectId subject() {
            return image;
        }

        @Override
        public Host apply(Host host) {
            return host.used(image, at);
        }
    }

    @EventType("image.recorded")
    record Recorded(Image state) implements ImageEvent {
        @Override
        public SubjectId subject() {
            return state.id();
        }

        @Override
        public Host apply(Host host) {
            return host.with(state);
        }
    }

    /** A pull under way, written down whole by a checkpoint. */
    @EventType("image.pull-recorded")
    record PullRecorded(Pull state) implements ImageEvent {
        @Override
        public SubjectId subject() {
            return state.id();
        }

        @Override
        public Host apply(Host host) {
            return host.with(state);
        }
    }

    private static List<SubjectId> layers(Host host, ImageId image) {
        return host.image(image)
                .map(i -> i.layers().stream()
                        .map(LayerSpec::id)
                        .map(id -> (SubjectId) id)
                        .toList())
                .orElse(List.of());
    }
}
