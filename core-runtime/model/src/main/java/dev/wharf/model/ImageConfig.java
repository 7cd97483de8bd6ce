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

    /** One line of how the image was made; an empty layer has no diff id. */
    public record History(String created, String createdBy, String author, String comment, boolean emptyLayer) {}
}
