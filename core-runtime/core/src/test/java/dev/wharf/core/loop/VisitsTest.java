package dev.wharf.core.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.model.ContainerId;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.kernel.Kernel;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class VisitsTest {
    private static final ContainerId WEB = new ContainerId("3eb0".repeat(16));

    private final List<String> calls = new ArrayList<>();
    private final Kernel kernel = (Kernel) Proxy.newProxyInstance(
            Kernel.class.getClassLoader(), new Class<?>[] {Kernel.class}, (proxy, method, arguments) -> {
                synchronized (calls) {
                    calls.add(method.getName());
                }
                return method.getName().equals("mountRootfs") ? Path.of("/rootfs") : null;
            });
    private final Visits visits = new Visits();
    private final Kernel steps = visits.watched(kernel);

    @Test
    void theLastVisitorTakesTheMountAwayAgain() throws Exception {
        visits.enter(kernel, WEB, List.of());
        visits.enter(kernel, WEB, List.of());
        visits.leave(kernel, WEB, c -> false);
        assertThat(calls).containsExactly("mountRootfs", "mountRootfs");
        visits.leave(kernel, WEB, c -> false);
        assertThat(calls).endsWith("unmountRootfs");
    }

    @Test
    void aMountThatAStepMadeItsOwnMeanwhileStays() throws Exception {
        visits.enter(kernel, WEB, List.of());
        steps.mountRootfs(WEB, List.of());
        // The host that the visitor sees may not have heard of it yet.
        visits.leave(kernel, WEB, c -> false);
        assertThat(calls).doesNotContain("unmountRootfs");
        steps.unmountRootfs(WEB);
        assertThat(calls).endsWith("unmountRootfs");
    }

    @Test
    void aMountOfBeforeTheAgentStartedStaysWhereTheHostKnowsOfIt() throws Exception {
        visits.enter(kernel, WEB, List.of());
        visits.leave(kernel, WEB, c -> true);
        assertThat(calls).doesNotContain("unmountRootfs");
    }

    @Test
    void aStepWaitsForAVisitorWhoSoonLeaves() throws Exception {
        visits.enter(kernel, WEB, List.of());
        CompletableFuture<Void> step = CompletableFuture.runAsync(() -> {
            try {
                steps.unmountRootfs(WEB);
            } catch (DriverException e) {
                throw new IllegalStateException(e);
            }
        });
        Thread.sleep(100);
        assertThat(step).isNotDone();
        visits.leave(kernel, WEB, c -> true);
        step.get(10, TimeUnit.SECONDS);
        assertThat(calls).containsExactly("mountRootfs", "unmountRootfs");
    }

    @Test
    void aStepThatWaitedLongEnoughIsToldWhoIsInTheWay() throws Exception {
        visits.enter(kernel, WEB, List.of());
        assertThatThrownBy(() -> steps.unmountRootfs(WEB)).hasMessageContaining("files are being copied");
        assertThat(calls).doesNotContain("unmountRootfs");
    }
}
