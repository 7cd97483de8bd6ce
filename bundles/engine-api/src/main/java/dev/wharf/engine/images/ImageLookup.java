package dev.wharf.engine.images;

import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.engine.http.Problem;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
import dev.wharf.model.Platform;
import dev.wharf.model.Reference;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** Finds the image that a client means by a name, an id or the beginning of one. A name wins over an id. */
public final class ImageLookup {
    private static final Pattern HEX = Pattern.compile("(?:sha256:)?[0-9a-f]{1,64}");

    private ImageLookup() {}

    /**
     * What was found.
     *
     * @param reference the full reference, where it was found by one
     */
    public record Found(Image image, Optional<Reference> reference) {}

    /** The image; 404 with the words that clients look for where there is none. */
    public static Found get(Host host, String text) {
        return find(host, text).orElseThrow(() -> missing(text));
    }

    /** The variant for {@code wanted} of the image; 404 where that is not here. */
    public static Found get(Host host, String text, Optional<Platform> wanted) {
        Found found = get(host, text);
        return wanted.isEmpty()
                ? found
                : variant(host, found.image(), wanted.get())
                        .map(i -> new Found(i, found.reference()))
                        .orElseThrow(() -> Problem.missing("image with reference " + text + " was found but "
                                + otherwise(host, found.image()) + " the specified platform (" + wanted.get() + ")"));
    }

    private static String otherwise(Host host, Image image) {
        return host.variants(image).size() == 1
                ? "its platform (" + image.config().platform() + ") does not match"
                : "does not provide";
    }

    /** The variant of an image that is made for {@code wanted}, where one is here. */
    static Optional<Image> variant(Host host, Image image, Platform wanted) {
        return host.variants(image).stream()
                .filter(i -> wanted.accepts(i.config().platform()))
                .findFirst();
    }

    /** Whether a client that says this means the image, or a variant of it, today. */
    public static boolean means(Host host, String text, ImageId id) {
        try {
            return find(host, text).stream()
                    .flatMap(found -> host.variants(found.image()).stream())
                    .anyMatch(variant -> variant.id().equals(id));
        } catch (Problem ambiguous) {
            return false;
        }
    }

    /** The name that a client says this by; empty where it says an id, or nothing that is here. */
    static Optional<Reference> named(Host host, String text) {
        try {
            return find(host, text).flatMap(Found::reference);
        } catch (Problem ambiguous) {
            return Optional.empty();
        }
    }

    public static Problem missing(String text) {
        return Problem.missing("No such image: " + withTag(text));
    }

    public static Optional<Found> find(Host host, String text) {
        if (text.isBlank()) {
            throw Problem.invalid("image name cannot be blank");
        }
        if (text.matches("(?:sha256:)?[0-9a-f]{64}")) {
            String hex = text.startsWith("sha256:") ? text.substring(7) : text;
            return host.image(new ImageId(new Digest("sha256", hex)))
                    .filter(Image::wanted)
                    .map(i -> new Found(i, Optional.empty()));
        }
        Optional<Reference> reference = parse(text);
        Optional<Found> named = reference.flatMap(r -> byReference(host, r));
        if (named.isPresent() || !HEX.matcher(text).matches()) {
            if (reference.isEmpty() && !HEX.matcher(text).matches()) {
                throw Problem.invalid("invalid reference format");
            }
            return named;
        }
        String hex = text.startsWith("sha256:") ? text.substring(7) : text;
        List<Image> matching = host.images().values().stream()
                .filter(i -> i.wanted() && i.id().digest().hex().startsWith(hex))
                .toList();
        if (matching.size() > 1) {
            throw Problem.invalid("ambiguous image id prefix: " + text);
        }
        return matching.stream().findFirst().map(i -> new Found(i, Optional.empty()));
    }

    private static Optional<Found> byReference(Host host, Reference reference) {
        if (reference.digest().isPresent() && reference.tag().isPresent()) {
            // A digest says exactly which; the tag beside it is for people.
            Reference exact =
                    Reference.of(reference.repository(), reference.digest().get());
            return host.imageNamed(exact.toString()).filter(Image::wanted).map(i -> new Found(i, Optional.of(exact)));
        }
        return host.imageNamed(reference.toString())
                .filter(Image::wanted)
                .map(i -> new Found(i, Optional.of(reference)));
    }

    /** The reference, unless the text is none; names in upper case are refused with Docker's words. */
    private static Optional<Reference> parse(String text) {
        try {
            return Optional.of(Reference.parse(text));
        } catch (IllegalArgumentException e) {
            if (HEX.matcher(text).matches()) {
                return Optional.empty();
            }
            throw Problem.invalid(String.valueOf(e.getMessage()));
        }
    }

    private static String withTag(String text) {
        try {
            return HEX.matcher(text).matches() ? text : Reference.parse(text).familiar();
        } catch (IllegalArgumentException e) {
            return text;
        }
    }
}
