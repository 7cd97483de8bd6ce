package dev.wharf.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.engine.containers.ContainerRoutes;
import dev.wharf.engine.http.Door;
import dev.wharf.engine.http.Endpoint;
import dev.wharf.engine.http.Line;
import dev.wharf.engine.http.Server;
import dev.wharf.engine.http.Workers;
import dev.wharf.model.ContainerId;
import dev.wharf.model.Digest;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class NicknamesTest {
    @TempDir
    private Path directory;

    private final StandingAgent standing = new StandingAgent();

    /** Somebody else takes the first name that is chosen just before it is asked for. */
    private Agent racing() {
        Agent agent = standing.agent();
        AtomicBoolean quicker = new AtomicBoolean(true);
        return (Agent) Proxy.newProxyInstance(
                Agent.class.getClassLoader(), new Class<?>[] {Agent.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("submit")
                            && arguments[0] instanceof ContainerCommand.Create wish
                            && quicker.getAndSet(false)) {
                        ContainerId other =
                                new ContainerId(Digest.sha256("other").hex());
                        agent.submit(
                                new ContainerCommand.Create(other, wish.name(), wish.spec()), (Cause) arguments[1]);
                    }
                    return method.invoke(agent, arguments);
                });
    }

    @Test
    void whoGaveNoNameIsNotRefusedForOneThatWasTakenMeanwhile() throws Exception {
        Path socket = directory.resolve("wharf.sock");
        Door door = new Door();
        door.open(racing());
        try (Workers workers = new Workers();
                Server server = Server.open(
                        List.of(new Endpoint.Unix(socket)),
                        EngineApi.router(
                                List.of(new ContainerRoutes(Duration.ZERO, java.nio.file.Path.of("/nowhere")))),
                        door,
                        workers);
                Line line = Line.to(socket)) {
            Line.Reply reply = line.request("POST", "/containers/create", "{\"Image\":\"busybox\"}")
                    .reply();

            assertThat(reply.status()).as(reply.text()).isEqualTo(201);
            assertThat(standing.host().containers()).hasSize(2);
        }
    }
}
