package dev.wharf.runtime;

import java.nio.file.Path;
import java.util.List;

/**
 * An OCI runtime's program, with the command line that crun(1), runc(8) and youki share.
 *
 * @param name what people call it, such as {@code crun}
 * @param root its state directory, one per agent and runtime
 * @param takesFilters whether it takes a compiled seccomp filter in place of a profile (crun(1), {@code
 *     run.oci.seccomp_bpf_data})
 */
record RuntimeBinary(String name, Path path, Path root, boolean takesFilters) {
    /** What comes before the command. */
    List<String> globalArguments() {
        return List.of("--root", root.toString());
    }

    /** The directory in which it keeps a container's state; it is there as long as the runtime knows the container. */
    Path state(String container) {
        return root.resolve(container);
    }
}
