package com.example.wharf.shelf;

import dev.wharf.model.Repository;
import dev.wharf.spi.registry.RegistryBackend;
import dev.wharf.testkit.registry.RegistryBackendContract;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.io.TempDir;

class ShelfBackendTest extends RegistryBackendContract {
    @TempDir
    Path root;

    @Override
    protected RegistryBackend backend() {
        return new ShelfBackend("shelf.example", root);
    }

    @Override
    protected Repository emptyRepository() {
        return Repository.parse("shelf.example/team/app");
    }

    @Override
    protected Optional<Repository> foreignRepository() {
        return Optional.of(Repository.parse("alpine"));
    }
}
