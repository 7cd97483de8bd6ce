package dev.wharf.runtime;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * What an operator may say (Config Admin, {@code dev.wharf.runtime}).
 *
 * @param path the OCI runtime to use; without it the first that works of crun, runc and youki
 * @param monitor the conmon to use; without it the one in the usual directories
 * @param mountMissing whether cgroup controllers that hinder a runtime may be mounted as version 1; without it, where no
 *     other init manages the host's cgroups
 * @param patience how long a runtime may take for one command
 */
record Settings(Optional<Path> path, Optional<Path> monitor, Optional<Boolean> mountMissing, Duration patience) {
    static final Settings USUAL =
            new Settings(Optional.empty(), Optional.empty(), Optional.empty(), Duration.ofSeconds(30));

    /** Reads {@code path}, {@code monitor}, {@code cgroup.mount-missing} and {@code patience-seconds}. */
    static Settings of(Map<String, ?> properties) {
        return new Settings(
                text(properties, "path").map(Path::of),
                text(properties, "monitor").map(Path::of),
                text(properties, "cgroup.mount-missing").map(Boolean::parseBoolean),
                text(properties, "patience-seconds")
                        .map(Long::parseLong)
                        .map(Duration::ofSeconds)
                        .orElse(USUAL.patience()));
    }

    private static Optional<String> text(Map<String, ?> properties, String name) {
        return Optional.ofNullable(properties.get(name))
                .map(value -> value.toString().strip())
                .filter(value -> !value.isEmpty());
    }
}
