package dev.wharf.build.run;

import dev.wharf.model.ContainerId;
import dev.wharf.model.ImageId;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One container that a build needs.
 *
 * @param volumes what is written there goes to volumes, and with them
 * @param tmpfs targets and their options
 * @param network what this step asks for; empty for what the whole build has
 */
public record Job(
        ContainerId id,
        ImageId image,
        List<String> command,
        List<String> env,
        Map<String, String> labels,
        String user,
        String workingDir,
        List<String> volumes,
        List<Bind> binds,
        Map<String, String> tmpfs,
        Optional<String> network) {
    /** A file or folder of the host that a container sees. */
    public record Bind(Path source, String target, boolean readOnly) {}

    /** A container that never runs, for looking at an image's files. */
    static Job still(ImageId image) {
        return new Job(
                Hands.newContainer(),
                image,
                List.of("-"),
                List.of(),
                Map.of(),
                "",
                "/",
                List.of(),
                List.of(),
                Map.of(),
                Optional.empty());
    }

    public Job {
        command = List.copyOf(command);
        env = List.copyOf(env);
        labels = Map.copyOf(labels);
        volumes = List.copyOf(volumes);
        binds = List.copyOf(binds);
        tmpfs = Map.copyOf(tmpfs);
    }
}
