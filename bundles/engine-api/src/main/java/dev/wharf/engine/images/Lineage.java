package dev.wharf.engine.images;

import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.model.ImageConfig.History;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Which image was made from which. Nobody writes it down: an image that was made from another begins with its layers and its
 * history, and that is seen.
 */
public final class Lineage {
    private Lineage() {}

    /** Whether one was made from the other, at once or over others. */
    public static boolean descends(Image child, Image ancestor) {
        List<History> story = ancestor.config().history();
        boolean more = child.layers().size() > ancestor.layers().size()
                || child.config().history().size() > story.size();
        return more
                && begins(child.layers(), ancestor.layers())
                && begins(child.config().history(), story);
    }

    private static <T> boolean begins(List<T> whole, List<T> part) {
        return whole.size() >= part.size() && whole.subList(0, part.size()).equals(part);
    }

    /** The image that one was made from here. One from a registry has none, as with Docker, even if its base is here too. */
    public static Optional<Image> parent(Host host, Image image) {
        if (!ImageShapes.digests(image).isEmpty()) {
            return Optional.empty();
        }
        return host.images().values().stream()
                .filter(i -> i.wanted() && !i.layers().isEmpty() && descends(image, i))
                .max(Comparator.comparingInt((Image i) -> i.config().history().size())
                        .thenComparing(Image::storedAt));
    }

    /** The image that one was made from here, the one that was made from, and so on. */
    static List<Image> ancestors(Host host, Image image) {
        return Stream.iterate(parent(host, image), Optional::isPresent, one -> parent(host, one.orElseThrow()))
                .map(Optional::orElseThrow)
                .toList();
    }

    /** Whether any image was made from this one. */
    static boolean hasChildren(Host host, Image image) {
        return host.images().values().stream().anyMatch(i -> i.wanted() && descends(i, image));
    }
}
