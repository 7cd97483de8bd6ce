package dev.wharf.jmx;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Vitals.Latency;
import dev.wharf.core.story.Standing;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;

/** Reads the agent. */
final class AgentBean implements AgentMXBean {
    private final Agent agent;
    private final String version;
    private final Clock clock;
    private final Instant startedAt;

    AgentBean(Agent agent, String version, Instant startedAt, Clock clock) {
        this.agent = agent;
        this.version = version;
        this.startedAt = startedAt;
        this.clock = clock;
    }

    @Override
    public String getVersion() {
        return version;
    }

    @Override
    public String getStartedAt() {
        return startedAt.toString();
    }

    @Override
    public long getUptimeMillis() {
        return Duration.between(startedAt, clock.instant()).toMillis();
    }

    @Override
    public String getHostId() {
        return agent.host().identity().id();
    }

    @Override
    public long getJournalOrigin() {
        return agent.journal().origin().sequence();
    }

    @Override
    public long getJournalEnd() {
        return agent.journal().end().sequence();
    }

    @Override
    public long getJournalDurable() {
        return agent.journal().durable().sequence();
    }

    @Override
    public String getJournalHead() {
        return agent.journal().head().toString();
    }

    @Override
    public long getJournalSizeBytes() {
        return agent.journal().sizeBytes();
    }

    @Override
    public String getJournalSyncMode() {
        return agent.journal().syncMode();
    }

    @Override
    public long getJournalCheckpoint() {
        return agent.journal().checkpoint().map(c -> c.at().sequence()).orElse(0L);
    }

    @Override
    public String getJournalCheckpointAt() {
        return agent.journal().checkpoint().map(c -> c.written().toString()).orElse("");
    }

    @Override
    public int getLoopWaiting() {
        return agent.vitals().waiting();
    }

    @Override
    public int getLanesBusy() {
        return agent.vitals().lanes();
    }

    @Override
    public int getLanesLimit() {
        return agent.vitals().laneLimit();
    }

    @Override
    public Map<String, Long> getLoopTurns() {
        return figures(agent.vitals().turns());
    }

    @Override
    public Map<String, Long> getJournalAppends() {
        return figures(agent.vitals().appends());
    }

    @Override
    public Map<String, Long> getJournalSyncs() {
        return figures(agent.vitals().syncs());
    }

    static Map<String, Long> figures(Latency latency) {
        return new TreeMap<>(Map.of(
                "count", latency.count(),
                "sumNanos", latency.sumNanos(),
                "p50Nanos", latency.p50Nanos(),
                "p90Nanos", latency.p90Nanos(),
                "p99Nanos", latency.p99Nanos(),
                "maxNanos", latency.maxNanos()));
    }

    @Override
    public int getContainers() {
        return agent.host().containers().size();
    }

    @Override
    public Map<String, Integer> getContainersByState() {
        Map<String, Integer> counts = new TreeMap<>();
        Standing.counts(agent.host()).forEach((standing, count) -> counts.put(standing.word(), count));
        return counts;
    }

    @Override
    public int getImages() {
        return agent.host().images().size();
    }

    @Override
    public int getLayers() {
        return agent.host().layers().size();
    }

    @Override
    public int getNetworks() {
        return agent.host().networks().size();
    }

    @Override
    public int getVolumes() {
        return agent.host().volumes().size();
    }

    @Override
    public int getPullsUnderWay() {
        return agent.host().pulls().size();
    }
}
