package dev.wharf.spi.kernel;

import java.nio.file.Path;

/** A network namespace kept alive by a file (namespaces(7)); {@link #HOST_PATH} stands for the host's own. */
public record Sandbox(SandboxKey key, Path path) {
    public static final Path HOST_PATH = Path.of("/proc/1/ns/net");
}
