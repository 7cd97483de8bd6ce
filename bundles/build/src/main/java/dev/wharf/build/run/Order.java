package dev.wharf.build.run;

import dev.wharf.build.plan.Contexts;
import dev.wharf.model.Platform;
import dev.wharf.model.Reference;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a client wants built.
 *
 * @param dockerfile where the file is in the context
 * @param text the file itself, where it comes apart from the context; the context is then without what its .dockerignore
 *     names
 * @param names what the image shall be called
 * @param target the stage that is wanted; empty for the last
 * @param cacheFrom images whose steps count as done; where there are any, no others do
 * @param network what RUN steps see of the network
 * @param keeping which containers of steps stay, for looking into
 */
public record Order(
        String dockerfile,
        Optional<String> text,
        List<Reference> names,
        Map<String, String> arguments,
        String target,
        Map<String, String> labels,
        boolean noCache,
        boolean pull,
        boolean quiet,
        Keeping keeping,
        List<String> cacheFrom,
        String network,
        Optional<Platform> platform,
        Contexts contexts,
        Rules rules) {
    /** Whose rules count where Docker's classic builder and BuildKit differ in what comes of a Dockerfile. */
    public enum Rules {
        /** What a RUN writes where a volume belongs goes with it; what a tar holds keeps its owners; arguments end with their stage. */
        CLASSIC,
        /** A RUN has no volumes; --chown counts for what is unpacked; arguments go on in stages made from theirs. */
        BUILDKIT
    }

    /**
     * Which containers of RUN steps stay when these are over.
     *
     * @param done those of steps that came to a layer
     * @param failed the one whose command failed, and where that one does not, none does
     */
    public record Keeping(boolean done, boolean failed) {}

    public Order {
        names = List.copyOf(names);
        arguments = Map.copyOf(arguments);
        cacheFrom = List.copyOf(cacheFrom);
    }
}
