package dev.wharf.registry.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.model.Repository;
import dev.wharf.spi.registry.RegistryBackend;
import dev.wharf.testkit.registry.RegistryBackendContract;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DebianRegistryTest extends RegistryBackendContract {
    private static final AtomicInteger COUNT = new AtomicInteger();

    @TempDir
    static Path folder;

    private static DebianRegistry registry;

    @BeforeAll
    static void start() throws Exception {
        registry = DebianRegistry.open(folder.resolve("registry"));
    }

    @AfterAll
    static void stop() throws Exception {
        registry.close();
    }

    @Override
    protected RegistryBackend backend() {
        return new DistributionBackend(folder.resolve("certs.d"), Map.of(), Map.of());
    }

    @Override
    protected Repository emptyRepository() {
        return Repository.parse(registry.host() + "/team/app" + COUNT.incrementAndGet());
    }

    @Override
    protected Optional<Repository> foreignRepository() {
        return Optional.empty();
    }

    @Test
    void connectionsAndThreadsGoWhenNobodyPullsAnyMore() throws Exception {
        DistributionBackend own = new DistributionBackend(folder.resolve("certs.d"), Map.of(), Map.of());
        assertThat(own.isIdle()).isTrue();

        try (var other = own.open(repository, credentials())) {
            push(image("x"));
            other.fetch(image("x").layer().descriptor(), 0).close();
            assertThat(own.isIdle()).isFalse();
        }
        own.close();

        assertThat(own.isIdle()).isTrue();
    }
}
