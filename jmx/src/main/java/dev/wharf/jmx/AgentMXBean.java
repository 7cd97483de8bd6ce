package dev.wharf.jmx;

import java.util.Map;

/** The agent and its journal, as {@code dev.wharf:type=Agent}. Every value is read afresh and from memory. */
public interface AgentMXBean {
    String getVersion();

    /** RFC 3339. */
    String getStartedAt();

    long getUptimeMillis();

    /** Who this host is in its journal. */
    String getHostId();

    /** The last batch that was trimmed away, 0 where none was. */
    long getJournalOrigin();

    /** The last batch that was written. */
    long getJournalEnd();

    /** The last batch that a loss of power would leave. */
    long getJournalDurable();

    /** The SHA-256 of the last record, which holds that of the one before it. */
    String getJournalHead();

    long getJournalSizeBytes();

    /** {@code always} or {@code os}. */
    String getJournalSyncMode();

    /** The batch that holds the last checkpoint, 0 where there is none. */
    long getJournalCheckpoint();

    /** When it was written, RFC 3339; empty where there is none. */
    String getJournalCheckpointAt();

    /** Letters that the sequencer has not opened yet. */
    int getLoopWaiting();

    /** Steps that run now. */
    int getLanesBusy();

    int getLanesLimit();

    /** {@code count}, {@code sumNanos}, {@code p50Nanos}, {@code p90Nanos}, {@code p99Nanos}, {@code maxNanos} of the turns. */
    Map<String, Long> getLoopTurns();

    /** The same of appends to the journal. */
    Map<String, Long> getJournalAppends();

    /** The same of forces of the journal to disk. */
    Map<String, Long> getJournalSyncs();

    int getContainers();

    /** How many containers stand in each way: {@code running}, {@code exited}, ...; those without any are there with 0. */
    Map<String, Integer> getContainersByState();

    int getImages();

    int getLayers();

    int getNetworks();

    int getVolumes();

    int getPullsUnderWay();
}
