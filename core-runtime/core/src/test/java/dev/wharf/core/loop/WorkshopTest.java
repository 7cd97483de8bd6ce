package dev.wharf.core.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.model.DriverName;
import dev.wharf.model.PullId;
import dev.wharf.model.Repository;
import dev.wharf.spi.Driver;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class WorkshopTest {
    private static final Repository REPOSITORY = Repository.parse("layout.local/busybox");

    private final Workshop workshop = new Workshop(InstantSource.system(), Duration.ofSeconds(10));

    /** Serves everything. */
    private record Backend(DriverName name) implements RegistryBackend {
        @Override
        public List<Driver.Format> formats() {
            return List.of(new Driver.Format("f", 1));
        }

        @Override
        public Driver.Readiness probe() {
            return Driver.Readiness.yes();
        }

        @Override
        public boolean serves(Repository repository) {
            return true;
        }

        @Override
        public Remote open(Repository repository, Credentials credentials) {
            throw new AssertionError("nobody opens it");
        }
    }

    private void come(String name, int rank) {
        DriverName id = new DriverName(name);
        workshop.registry.add(new Backend(id), id, rank, name + "/1", true);
    }

    private String chosen() throws DriverException {
        return workshop.registry(REPOSITORY, backend -> backend.name().value());
    }

    @Test
    void aPullAtTheStartWaitsForTheBackendThatIsMeant() throws Exception {
        AtomicBoolean complete = new AtomicBoolean();
        workshop.completeWhen(complete::get);
        come("distribution", 0);
        CompletableFuture<String> pull = CompletableFuture.supplyAsync(() -> {
            try {
                return chosen();
            } catch (DriverException e) {
                throw new AssertionError(e);
            }
        });
        Thread.sleep(50);
        assertThat(pull).isNotDone();
        come("layout", 10);
        complete.set(true);
        workshop.arrived();
        assertThat(pull.get(5, TimeUnit.SECONDS)).isEqualTo("layout");
        complete.set(false);
        assertThat(chosen()).as("only the start is waited for").isEqualTo("layout");
    }

    @Test
    void aRouteGoesBeforeEveryRank() throws Exception {
        come("distribution", 100);
        come("archive", 0);
        assertThat(chosen()).isEqualTo("distribution");

        workshop.routes.set("layout.local/** archive, ** distribution");
        assertThat(chosen()).isEqualTo("archive");

        workshop.routes.set("layout.local/** gone archive");
        assertThat(chosen()).as("one that is not there is passed over").isEqualTo("archive");

        workshop.routes.set("layout.local/** gone");
        assertThatThrownBy(this::chosen)
                .hasMessageContaining("the route \"layout.local/** gone\" leads to no registry backend that is there");
    }

    @Test
    void whatBeganWithOneBackendEndsWithIt() throws Exception {
        come("distribution", 100);
        come("archive", 0);

        assertThat(preferring("archive")).isEqualTo("archive");
        assertThat(preferring("gone")).isEqualTo("distribution");
    }

    @Test
    void aPushIsWantedUntilItsClientGoesAway() {
        PullId push = new PullId("a".repeat(32));
        assertThat(workshop.isWanted(push)).as("one that no client waits for").isTrue();
        workshop.lend(push, Credentials.ANONYMOUS);
        assertThat(workshop.isWanted(push)).isTrue();
        workshop.giveUp(push);
        assertThat(workshop.isWanted(push)).isFalse();
        workshop.forget(push);
        workshop.giveUp(push);
        assertThat(workshop.isWanted(push)).as("what is over is not kept").isTrue();
    }

    private String preferring(String name) throws DriverException {
        return workshop.registry(
                REPOSITORY, Optional.of(new DriverName(name)), b -> b.name().value());
    }

    @Test
    void nobodyWaitsOnceTheAgentStops() {
        workshop.completeWhen(() -> false);
        CompletableFuture<Object> kernel = CompletableFuture.supplyAsync(() -> {
            try {
                return workshop.kernel();
            } catch (DriverException e) {
                return String.valueOf(e.getMessage());
            }
        });
        workshop.closing();
        assertThat(kernel.join()).asString().contains("the agent stops");
        assertThatThrownBy(this::chosen).hasMessageContaining("no registry backend serves");
        assertThatThrownBy(() -> workshop.runtime.use(new DriverName("default"), d -> d))
                .hasMessageContaining("the agent stops");
    }
}
