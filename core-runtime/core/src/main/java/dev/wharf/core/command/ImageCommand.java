package dev.wharf.core.command;

import static dev.wharf.core.command.Decision.accept;
import static dev.wharf.core.command.Decision.act;
import static dev.wharf.core.command.Decision.refuse;

import dev.wharf.core.event.Event;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.event.LayerEvent;
import dev.wharf.core.plan.ImageStep;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Layer;
import dev.wharf.core.state.Pull;
import dev.wharf.model.DriverName;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.Platform;
import dev.wharf.model.PullId;
import dev.wharf.model.Reference;
import dev.wharf.spi.Failure;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/** Wishes about images. */
public sealed interface ImageCommand extends Command {
    /** Brings an image here from wherever its repository is served; credentials are lent to the agent beforehand. */
    record PullImage(PullId pull, Reference reference, Optional<Platform> platform, DriverName storage)
            implements ImageCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return accept(new ImageEvent.PullRequested(
                            pull, List.of(reference.toString()), platform, Pull.Source.REGISTRY, storage, now))
                    .until(ended(pull));
        }
    }

    /** Gives a pull up, because whoever wanted it went away; what came for it alone goes. */
    record CancelPull(PullId pull) implements ImageCommand {
        @Override
        public boolean letsGo() {
            return true;
        }

        @Override
        public Decision decide(Host host, Instant now) {
            return host.pull(pull).isPresent()
                    ? accept(new ImageEvent.Failed(
                            pull, new Failure(Failure.Kind.UNAVAILABLE, "the pull was cancelled")))
                    : refuse(Refusal.Kind.UNCHANGED, "no pull " + pull + " is under way");
        }
    }

    /**
     * Makes an image of content that is in the content store already: a load, an import, a commit, a build.
     *
     * @param references what it shall be called, maybe nothing
     */
    record Store(PullId pull, List<Reference> references, Pull.Source source, Pull.Resolved what, DriverName storage)
            implements ImageCommand {
        public Store {
            references = List.copyOf(references);
        }

        @Override
        public Decision decide(Host host, Instant now) {
            List<Event> events = new ArrayList<>();
            events.add(new ImageEvent.PullRequested(
                    pull,
                    references.stream().map(Reference::toString).toList(),
                    Optional.of(what.config().platform()),
                    source,
                    storage,
                    now));
            events.add(new ImageEvent.Resolved(pull, what));
            DriverName home = storage;
            for (LayerSpec layer : what.layers()) {
                // A layer lives where the one below it lives, wherever new images go now.
                home = host.layer(layer.id()).map(Layer::storage).orElse(home);
                events.add(new LayerEvent.Wanted(layer, pull, "", home));
            }
            return accept(events).until(ended(pull));
        }
    }

    record Tag(ImageId image, Reference reference) implements ImageCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            if (reference.digest().isPresent()) {
                return refuse(Refusal.Kind.INVALID, "refusing to create a tag with a digest reference");
            }
            Optional<Image> known = host.image(image).filter(Image::wanted);
            if (known.isEmpty()) {
                return refuse(Refusal.Kind.MISSING, "No such image: " + image);
            }
            return known.get().references().contains(reference.toString())
                    ? refuse(Refusal.Kind.UNCHANGED, "image is tagged " + reference.familiar() + " already")
                    : accept(new ImageEvent.Tagged(image, reference.toString(), Optional.of(now)));
        }
    }

    /**
     * Takes one reference from an image, and removes the image with its last one.
     *
     * @param reference which one; empty to remove the image itself, whatever it is called
     * @param named how the caller wrote it, for the messages of refusals
     */
    record Remove(ImageId image, Optional<Reference> reference, String named, boolean force) implements ImageCommand {
        @Override
        public boolean letsGo() {
            return true;
        }

        @Override
        public Decision decide(Host host, Instant now) {
            Optional<Image> known = host.image(image).filter(Image::wanted);
            if (known.isEmpty()) {
                return refuse(Refusal.Kind.MISSING, "No such image: " + named);
            }
            List<String> left = new ArrayList<>(known.get().references());
            List<Event> events = new ArrayList<>();
            if (reference.isPresent()) {
                String full = reference.get().toString();
                if (!left.remove(full)) {
                    return refuse(Refusal.Kind.MISSING, "No such image: " + named);
                }
                String repository = reference.get().repository().toString();
                events.add(new ImageEvent.Untagged(image, full));
                // A digest reference came with the tag that was pulled and goes with the last tag of its repository.
                if (left.stream().noneMatch(r -> isTagOf(r, repository))) {
                    for (String digest : List.copyOf(left)) {
                        if (digest.startsWith(repository + "@")) {
                            left.remove(digest);
                            events.add(new ImageEvent.Untagged(image, digest));
                        }
                    }
                }
                if (!left.isEmpty()) {
                    return accept(events);
                }
            } else {
                // Whoever says it by force next would be refused all the same, so this is what is told first.
                Optional<Decision> running = conflict(host, true);
                if (running.isPresent()) {
                    return running.get();
                }
                List<Reference> names = left.stream().map(Reference::parse).toList();
                long tags =
                        names.stream().filter(name -> name.tag().isPresent()).count();
                long repositories =
                        names.stream().map(Reference::repository).distinct().count();
                // Two tags of one repository are two names as well, whatever the text says.
                if ((tags > 1 || repositories > 1) && !force) {
                    return refuse(
                            Refusal.Kind.CONFLICT,
                            "conflict: unable to delete " + image.shortForm()
                                    + " (must be forced) - image is referenced in multiple repositories");
                }
                left.forEach(r -> events.add(new ImageEvent.Untagged(image, r)));
            }
            Optional<Decision> conflict = conflict(host, true).or(() -> conflict(host, false));
            if (conflict.isPresent()) {
                return conflict.get();
            }
            if (host.usersOf(image).stream()
                    .anyMatch(user -> user.isRunning() || !user.spec().image().equals(image))) {
                // What was made from it holds its layers and starts again without it; what mounts it holds nothing of
                // it.
                return accept(events);
            }
            if (!known.get().references().isEmpty()) {
                events.addAll(variants(host, known.get()));
            }
            events.add(new ImageEvent.RemoveRequested(image));
            return accept(events)
                    .until(e -> e instanceof ImageEvent.Removed r && r.image().equals(image));
        }

        /** What was here for other platforms goes with the last of them that was called something, unless it is in use. */
        private static List<Event> variants(Host host, Image last) {
            List<Image> others = host.variants(last).stream()
                    .filter(i -> !i.id().equals(last.id()))
                    .toList();
            return others.stream().anyMatch(i -> !i.references().isEmpty())
                    ? List.of()
                    : others.stream()
                            .filter(i -> host.usersOf(i.id()).isEmpty())
                            .<Event>map(i -> new ImageEvent.RemoveRequested(i.id()))
                            .toList();
        }

        /** Why the containers that run, or those that do not, keep the image. */
        private Optional<Decision> conflict(Host host, boolean running) {
            if (force && (reference.isPresent() || !running)) {
                return Optional.empty();
            }
            return host.usersOf(image).stream()
                    .filter(user -> user.isRunning() == running)
                    .findFirst()
                    .map(user -> refuse(Refusal.Kind.CONFLICT, conflict(user)));
        }

        private String conflict(Container user) {
            if (reference.isPresent()) {
                return "conflict: unable to remove repository reference \"" + named
                        + "\" (must force) - container " + user.id().shortForm()
                        + " is using its referenced image " + image.shortForm();
            }
            return "conflict: unable to delete " + image.shortForm()
                    + (user.isRunning()
                            ? " (cannot be forced) - image is being used by running container "
                            : " (must be forced) - image is being used by stopped container ")
                    + user.id().shortForm();
        }

        private static boolean isTagOf(String reference, String repository) {
            return reference.startsWith(repository + ":");
        }
    }

    /**
     * Uploads an image to the repository of one of its references; credentials are lent under {@code push}.
     *
     * @param whole whether it goes with its index and everything that is in that, where all of it is here
     */
    record Push(PullId push, ImageId image, Reference reference, boolean whole) implements ImageCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            Optional<Image> known = host.image(image).filter(Image::wanted);
            if (known.isEmpty()) {
                return refuse(Refusal.Kind.MISSING, "No such image: " + reference.familiar());
            }
            List<Image> images = whole ? host.variants(known.get()) : List.of(known.get());
            return act(new ImageStep.PushImage(
                    push,
                    images.stream().map(host::asKept).toList(),
                    reference,
                    host.blobsBeside(reference.repository())));
        }
    }

    /** Writes down that a client did something with an image that changes nothing, such as saving it. */
    record Note(ImageId image, String action, Map<String, String> details) implements ImageCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return host.image(image).isPresent()
                    ? accept(new ImageEvent.Noted(image, action, details))
                    : refuse(Refusal.Kind.MISSING, "No such image: " + image);
        }
    }

    private static Predicate<Event> ended(PullId pull) {
        return e -> e instanceof ImageEvent.Stored s && s.pull().equals(pull)
                || e instanceof ImageEvent.Failed f && f.pull().equals(pull);
    }
}
