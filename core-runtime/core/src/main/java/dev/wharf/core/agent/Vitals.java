package dev.wharf.core.agent;

/**
 * How the loop is doing since the agent was started.
 *
 * @param waiting letters that nobody has opened yet
 * @param lanes steps that run now
 * @param laneLimit how many may run at once
 * @param turns what the sequencer's turns took, their appends included
 * @param appends what it took to append a batch
 * @param syncs what it took to make batches survive a loss of power
 */
public record Vitals(int waiting, int lanes, int laneLimit, Latency turns, Latency appends, Latency syncs) {
    /**
     * How long something took, in nanoseconds; percentiles to two significant digits.
     *
     * @param count how often it was done
     * @param sumNanos all together
     */
    public record Latency(long count, long sumNanos, long p50Nanos, long p90Nanos, long p99Nanos, long maxNanos) {
        /** Of what was never done. */
        public static final Latency NONE = new Latency(0, 0, 0, 0, 0, 0);
    }
}
