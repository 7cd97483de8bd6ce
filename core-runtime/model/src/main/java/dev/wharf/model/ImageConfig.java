package dev.wharf.model;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What an image says about the containers made from it (OCI image spec, image configuration). Image content is data: only
 * these fields are ever taken from it, and none of them grants anything.
 *
 * @param created the time the image says it was made, as written, or empty
 * @param volumes paths that want a volume
 * @param exposedPorts ports in the form {@code 80/tcp}
 * @param stopSignal a signal's name or number, or empty
 * @param diffIds digests of the uncompressed layer tars, lowest first
 */
public record ImageConfig(
        Platform platform,
        String created,
        String author,
        String user,
        List<String> env,
        List<String> entrypoint,
        List<String> cmd,
        String workingDir,
        List<String> volumes,
        List<String> exposedPorts,
        Map<String, String> labels,
        String stopSignal,
        Optional<Healthcheck> healthcheck,
        List<String> shell,
        List<String> onBuild,
        List<Digest> diffIds,
        List<History> history) {
    public ImageConfig {
        env = Checks.copy(env);
        entrypoint = Checks.copy(entrypoint);
        cmd = Checks.copy(cmd);
        volumes = Checks.copy(volumes);
        exposedPorts = Checks.copy(exposedPorts);
        labels = Checks.copy(labels);
        shell = Checks.copy(shell);
        onBuild = Checks.copy(onBuild);
        diffIds = Checks.copy(diffIds);
        history = Checks.copy(history);
    }

    /** An image that says nothing but what it runs on, and has no layers. */
    public static ImageConfig of(Platform platform) {
        return new ImageConfig(
                platform,
                "",
                "",
                "",
                List.of(),
                List.of(),
                List.of(),
                "",
                List.of(),
                List.of(),
                Map.of(),
                "",
                Optional.empty(),
                List.of(),
                List.of(),
                List.of(),
                List.of());
    }

    /** The same, with what is said of its making. */
    public ImageConfig made(String when, String by) {
        return with(when, by, diffIds, history);
    }

    /** The same with other layers, and how they came to be. */
    public ImageConfig withLayers(List<Digest> layers, List<History> how) {
        return with(created, author, layers, how);
    }

    private ImageConfig with(String when, String by, List<Digest> layers, List<History> how) {
        return new ImageConfig(
                platform,
                when,
                by,
                user,
                env,
                entrypoint,
                cmd,
                workingDir,
                volumes,
                exposedPorts,
                labels,
                stopSignal,
                healthcheck,
                shell,
                onBuild,
                layers,
                how);
    }

    /** One line of how the image was made; an empty layer has no diff id. */
    public record History(String created, String createdBy, String author, String comment, boolean emptyLayer) {}
}
