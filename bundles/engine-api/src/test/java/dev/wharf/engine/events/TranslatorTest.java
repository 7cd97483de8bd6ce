package dev.wharf.engine.events;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.agent.Follower;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Host;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.DriverName;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.Exit;
import dev.wharf.model.InitProcess;
import dev.wharf.model.MountSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.spi.network.Endpoint;
import dev.wharf.testkit.runtime.RuntimeSpecs;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TranslatorTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final ContainerId WEB = new ContainerId("a".repeat(64));
    private static final InitProcess INIT = new InitProcess(7, 1, 6);

    private final Translator translator = new Translator();
    private Host host = Host.EMPTY;

    @Test
    void memoryThatRanOutIsToldOnceByWhicheverTellsIt() {
        assertThat(told(
                        created(),
                        new ContainerEvent.Started(WEB, INIT, NOW),
                        new ContainerEvent.OutOfMemory(WEB),
                        exited()))
                .as("the monitor says it, and then the end does")
                .containsExactly("create", "start", "oom", "die");
        assertThat(told(new ContainerEvent.Started(WEB, INIT, NOW), exited()))
                .as("of the next run nobody has said it")
                .containsExactly("start", "oom", "die");
    }

    @Test
    void whoEndsLeavesItsNetworksAndThenItsVolumesInWhateverOrderTheyAreLetGo() {
        NetworkId lan = new NetworkId("b".repeat(64));
        host = new NetworkEvent.Created(
                        new NetworkSpec(
                                lan,
                                "lan",
                                new DriverName("bridge"),
                                "br-lan",
                                List.of(),
                                false,
                                false,
                                false,
                                false,
                                Map.of(),
                                Map.of(),
                                Map.of()),
                        NOW)
                .apply(host);
        EndpointSpec place =
                new EndpointSpec("e", lan, "veth", "eth0", "", "", "", "", "", List.of(), List.of(), Map.of());
        Event started = new ContainerEvent.StartRequested(WEB, List.of(place));
        Event joined = new ContainerEvent.EndpointAttached(WEB, new Endpoint("e", lan, "veth", ""));
        Event made = new ContainerEvent.ProcessCreated(WEB, INIT, 1, Optional.empty());

        assertThat(told(
                        created(new MountSpec(MountSpec.Kind.VOLUME, "cargo", "/hold", false, false, Map.of())),
                        started,
                        joined,
                        made,
                        new ContainerEvent.Started(WEB, INIT, NOW),
                        exited(),
                        new ContainerEvent.RootfsUnmounted(WEB),
                        new ContainerEvent.EndpointDetached(WEB, lan)))
                .containsExactly("create", "connect", "mount", "start", "oom", "die", "disconnect", "unmount");
        assertThat(told(
                        started,
                        joined,
                        made,
                        new ContainerEvent.EndpointDetached(WEB, lan),
                        new ContainerEvent.RootfsUnmounted(WEB)))
                .as("a run that never began")
                .containsExactly("connect", "mount", "disconnect", "unmount");
    }

    private List<String> told(Event... events) {
        List<String> actions = new ArrayList<>();
        for (Event event : events) {
            Host before = host;
            host = event.apply(host);
            translator
                    .translate(new Follower.Moment(
                            Position.START,
                            0,
                            new Cause(new CommandId("c"), Optional.empty(), Actor.WHARF),
                            NOW,
                            event,
                            before,
                            host))
                    .forEach(e -> actions.add(e.action()));
        }
        return actions;
    }

    private static Event created(MountSpec... mounts) {
        ContainerSpec plain = RuntimeSpecs.of(Path.of("/"), "true").build().spec();
        ContainerSpec spec = new ContainerSpec(
                plain.image(),
                plain.imageReference(),
                plain.command(),
                plain.stdio(),
                plain.hostname(),
                plain.domainname(),
                plain.labels(),
                plain.annotations(),
                plain.resources(),
                plain.security(),
                plain.namespaces(),
                List.of(mounts),
                plain.networking(),
                plain.restartPolicy(),
                plain.autoRemove(),
                plain.stop(),
                plain.healthcheck(),
                plain.logging(),
                plain.storage(),
                plain.storageOptions(),
                plain.runtime(),
                plain.remarks());
        return new ContainerEvent.Created(WEB, "web", spec, Optional.empty(), NOW);
    }

    private static Event exited() {
        return new ContainerEvent.Exited(WEB, new Exit(137, NOW, true, false));
    }
}
