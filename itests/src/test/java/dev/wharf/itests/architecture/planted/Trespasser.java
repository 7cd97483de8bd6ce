package dev.wharf.itests.architecture.planted;

import dev.wharf.core.agent.Agent;
import dev.wharf.model.Digest;
import dev.wharf.spi.storage.StorageDriver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.Assertions;

/** Plays a room that may import values only, and goes through every door it finds. */
abstract class Trespasser {
    private final List<Digest> allowed = List.of();
    private final Agent[] doors = {};

    Optional<Digest> innocent() {
        return allowed.stream().findFirst();
    }

    int door() {
        return doors.length;
    }

    abstract StorageDriver driver();

    boolean disk(Path path) {
        return Files.exists(path);
    }

    Instant clock() {
        Assertions.assertThat(allowed).isEmpty();
        return Instant.now();
    }
}
