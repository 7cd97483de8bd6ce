package dev.wharf.engine.containers;

import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.engine.http.Problem;
import dev.wharf.model.ContainerId;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** Finds the container a client means: a whole id, then a name with or without its slash, then the beginning of an id. */
public final class ContainerLookup {
    private static final Pattern WHOLE = Pattern.compile("[0-9a-f]{64}");
    private static final Pattern BEGINNING = Pattern.compile("[0-9a-f]{1,63}");

    private ContainerLookup() {}

    /** The container; 404 with the words that clients look for where there is none. */
    public static Container get(Host host, String text) {
        return find(host, text).orElseThrow(() -> Problem.missing("No such container: " + text));
    }

    /**
     * The container that another one is to join or names otherwise. That it is missing is no 404: at that, the docker command
     * thinks the image missing and pulls it.
     *
     * @param purpose what comes before the words, with its colon
     */
    static Container joined(Host host, String text, String purpose) {
        return find(host, text).orElseThrow(() -> Problem.invalid(purpose + "No such container: " + text));
    }

    /** The container, where there is one. */
    public static Optional<Container> find(Host host, String text) {
        if (WHOLE.matcher(text).matches()) {
            Optional<Container> exact = host.container(new ContainerId(text));
            if (exact.isPresent()) {
                return exact;
            }
        }
        String name = text.startsWith("/") ? text.substring(1) : text;
        Optional<Container> named = host.containerNamed(name)
                .or(() -> Optional.ofNullable(host.linkNames().get(name)).flatMap(host::container));
        if (named.isPresent() || !BEGINNING.matcher(text).matches()) {
            return named;
        }
        List<Container> matching = host.containers().values().stream()
                .filter(c -> c.id().value().startsWith(text))
                .limit(2)
                .toList();
        if (matching.size() > 1) {
            throw Problem.invalid("multiple IDs found with provided prefix: " + text);
        }
        return matching.stream().findFirst();
    }
}
