package dev.wharf.model;

import java.util.List;

/**
 * One command to run inside a running container, resolved; the fields are those of {@link ContainerSpec.Command}.
 *
 * @param rows and {@code columns} of the terminal at first, 0 where nobody said
 */
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
        String detachKeys,
        int rows,
        int columns) {
    public ExecSpec {
        arguments = Checks.copy(arguments);
        env = Checks.copy(env);
    }

    /** The same on a terminal of another size at first. */
    public ExecSpec withConsole(int otherRows, int otherColumns) {
        return with(env, otherRows, otherColumns);
    }

    /** The same with another environment. */
    public ExecSpec withEnv(List<String> changed) {
        return with(changed, rows, columns);
    }

    private ExecSpec with(List<String> variables, int otherRows, int otherColumns) {
        return new ExecSpec(
                arguments,
                variables,
                user,
                workingDir,
                privileged,
                tty,
                stdin,
                stdout,
                stderr,
                detachKeys,
                otherRows,
                otherColumns);
    }

    public ExecSpec(
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
        this(arguments, env, user, workingDir, privileged, tty, stdin, stdout, stderr, detachKeys, 0, 0);
    }
}
