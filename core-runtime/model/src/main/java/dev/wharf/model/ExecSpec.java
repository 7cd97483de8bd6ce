package dev.wharf.model;

import java.util.List;

/** One command to run inside a running container, resolved; the fields are those of {@link ContainerSpec.Command}. */
public record ExecSpec(
        List<String> arguments,
        List<String> env,
        String user,
        String workingDir,
        boolean privileged,
        boolean tty,
        boolean stdin,
        boolean stdout,
        boolean stderr,
        String detachKeys) {
    public ExecSpec {
        arguments = Checks.copy(arguments);
        env = Checks.copy(env);
    }
}
