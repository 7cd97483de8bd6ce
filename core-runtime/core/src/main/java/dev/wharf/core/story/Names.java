package dev.wharf.core.story;

import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Network;
import dev.wharf.core.state.Pull;
import dev.wharf.model.ContainerId;
import dev.wharf.model.DriverId;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerId;
import dev.wharf.model.NetworkId;
import dev.wharf.model.PullId;
import dev.wharf.model.Reference;
import dev.wharf.model.SubjectId;
import dev.wharf.model.VolumeName;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/** From subjects to the names people call them by, and back. */
public final class Names {
    private static final int SHORT = 12;

    private Names() {}

    /** What people call a subject of this host; a short identifier where it has no name (any more). */
    public static String of(SubjectId subject, Host host) {
        if (subject instanceof ContainerId id) {
            return host.container(id).map(Container::name).orElseGet(id::shortForm);
        }
        if (subject instanceof ImageId id) {
            return host.image(id)
                    .flatMap(image -> image.references().stream().findFirst())
                    .map(Names::familiar)
                    .orElseGet(id::shortForm);
        }
        if (subject instanceof PullId id) {
            return host.pull(id)
                    .map(Names::of)
                    .orElseGet(() -> "pull " + id.value().substring(0, SHORT));
        }
        if (subject instanceof LayerId id) return shortForm(id);
        if (subject instanceof NetworkId id) {
            return host.network(id).map(network -> network.spec().name()).orElseGet(id::shortForm);
        }
        return subject instanceof SubjectId.HostItself ? "host" : subject.value();
    }

    /** A pull is called by what it brings. */
    static String of(Pull pull) {
        return pull.references().stream().findFirst().map(Names::familiar).orElse("an image without a name");
    }

    /** A reference as people write it; one that cannot be read stays as it is. */
    static String familiar(String reference) {
        try {
            return Reference.parse(reference).familiar();
        } catch (IllegalArgumentException e) {
            return reference;
        }
    }

    static String shortForm(LayerId layer) {
        return layer.chain().hex().substring(0, SHORT);
    }

    /**
     * Every subject that {@code text} can mean, the likeliest first: the text form {@code kind:value}, a name, an image
     * reference, {@code kind/name} of a driver, or the beginning of an identifier.
     */
    public static List<SubjectId> find(String text, Host host) {
        String wanted = text.startsWith("/") ? text.substring(1) : text;
        if (wanted.isEmpty()) return List.of();
        List<SubjectId> exact =
                all(host).filter(id -> isNamed(id, wanted, host)).toList();
        return exact.isEmpty() ? all(host).filter(id -> beginsWith(id, wanted)).toList() : exact;
    }

    private static Stream<SubjectId> all(Host host) {
        Stream<Stream<? extends SubjectId>> kinds = Stream.of(
                host.containers().values().stream()
                        .sorted(Comparator.comparing(Container::createdAt))
                        .map(Container::id),
                host.networks().keySet().stream(),
                host.volumes().keySet().stream(),
                host.images().values().stream()
                        .sorted(Comparator.comparing(Image::storedAt))
                        .map(Image::id),
                host.pulls().keySet().stream(),
                host.drivers().keySet().stream(),
                host.layers().keySet().stream(),
                host.services().keySet().stream(),
                host.documents().keySet().stream(),
                Stream.of(new SubjectId.HostItself()));
        return kinds.flatMap(Function.identity());
    }

    private static boolean isNamed(SubjectId id, String wanted, Host host) {
        if (wanted.equals(id.text()) || wanted.equals(id.value())) return true;
        if (id instanceof ImageId image) {
            return host.image(image).stream()
                    .flatMap(known -> known.references().stream())
                    .anyMatch(reference ->
                            reference.equals(wanted) || familiar(reference).equals(familiar(wanted)));
        }
        if (id instanceof PullId pull) {
            return host.pull(pull)
                    .map(known -> of(known).equals(familiar(wanted)))
                    .orElse(false);
        }
        if (id instanceof DriverId driver) return driver.name().value().equals(wanted);
        if (id instanceof VolumeName || id instanceof LayerId) return false;
        return of(id, host).equals(wanted);
    }

    private static boolean beginsWith(SubjectId id, String wanted) {
        if (wanted.length() < 2 || id instanceof VolumeName || id instanceof DriverId) return false;
        String value = id.value();
        return value.startsWith(wanted)
                || value.substring(value.indexOf(':') + 1).startsWith(wanted);
    }

    /** The name of a network as it is, or as it was before it went. */
    static String of(NetworkId network, Host after, Host before) {
        Optional<Network> known = after.network(network).or(() -> before.network(network));
        return known.map(n -> n.spec().name()).orElseGet(network::shortForm);
    }
}
