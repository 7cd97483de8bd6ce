package dev.wharf.jmx;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Agent.JournalFacts;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Host;
import dev.wharf.model.Digest;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Proxy;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.Optional;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import javax.management.openmbean.TabularData;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class AgentBeanTest {
    private static final Instant NOON = Instant.parse("2026-05-01T12:00:00Z");

    private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    private Host host = Host.EMPTY;

    @BeforeEach
    void show() throws Exception {
        server.registerMBean(
                new AgentBean(agent(), "1.2.3", NOON, Clock.fixed(NOON.plusMillis(1500), ZoneOffset.UTC)),
                new ObjectName(JmxComponent.NAME));
    }

    @AfterEach
    void hide() throws Exception {
        server.unregisterMBean(new ObjectName(JmxComponent.NAME));
    }

    /** An agent that answers for its host and its journal. */
    private Agent agent() {
        JournalFacts facts = new JournalFacts(
                Position.START,
                new Position(9),
                new Position(8),
                Digest.sha256("head"),
                4096,
                "always",
                Optional.empty(),
                Optional.of(new JournalFacts.Checkpoint(new Position(5), NOON)),
                Map.of());
        return (Agent) Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {Agent.class},
                (proxy, method, arguments) -> switch (method.getName()) {
                    case "host" -> host;
                    case "journal" -> facts;
                    default -> throw new UnsupportedOperationException(method.getName());
                });
    }

    private Object read(String attribute) throws Exception {
        return server.getAttribute(new ObjectName(JmxComponent.NAME), attribute);
    }

    @Test
    void aConsoleReadsTheAgentAndItsJournal() throws Exception {
        assertThat(read("Version")).isEqualTo("1.2.3");
        assertThat(read("UptimeMillis")).isEqualTo(1500L);
        assertThat(read("JournalEnd")).isEqualTo(9L);
        assertThat(read("JournalDurable")).isEqualTo(8L);
        assertThat(read("JournalSizeBytes")).isEqualTo(4096L);
        assertThat(read("JournalHead")).isEqualTo(Digest.sha256("head").toString());
        assertThat(read("JournalSyncMode")).isEqualTo("always");
        assertThat(read("JournalCheckpoint")).isEqualTo(5L);
        assertThat(read("JournalCheckpointAt")).isEqualTo(NOON.toString());
    }

    @Test
    void everyValueIsReadAfresh() throws Exception {
        assertThat(read("Volumes")).isEqualTo(0);
        assertThat(read("HostId")).isEqualTo("");

        host = new HostEvent.Opened("h1", 1, "1.2.3", NOON).apply(host);
        host = new VolumeEvent.Created(
                        new VolumeSpec(new VolumeName("mydata"), VolumeSpec.LOCAL, Map.of(), Map.of(), false), NOON)
                .apply(host);

        assertThat(read("Volumes")).isEqualTo(1);
        assertThat(read("HostId")).isEqualTo("h1");
    }

    @Test
    void everyWayToStandIsCountedEvenWhereNobodyStandsSo() throws Exception {
        assertThat(((TabularData) read("ContainersByState")).size()).isEqualTo(6);
        assertThat(read("Containers")).isEqualTo(0);
    }
}
