package dev.wharf.engine.metrics;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Fleet;
import dev.wharf.core.agent.Fleet.Candidate;
import dev.wharf.core.agent.Vitals;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Job;
import dev.wharf.core.story.Standing;
import dev.wharf.engine.journal.AgentFacts;
import dev.wharf.spi.runtime.Counters;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot.InfoDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import io.prometheus.metrics.model.snapshots.Quantile;
import io.prometheus.metrics.model.snapshots.Quantiles;
import io.prometheus.metrics.model.snapshots.SummarySnapshot;
import io.prometheus.metrics.model.snapshots.SummarySnapshot.SummaryDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Unit;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToLongBiFunction;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The host in numbers, by the naming conventions of Prometheus: base units, {@code _total} for what only grows. Containers carry
 * their short id, their name and their image; what has gone is not told of any more, so labels are bounded by what is there.
 */
final class HostMetrics {
    private static final double NANOS = 1e9;

    private final AgentFacts facts;
    private final Agent agent;
    private final Host host;
    private final Map<Container, Counters> counters;
    /** Each container's labels, which a dozen of its metrics carry. */
    private final Map<Container, Labels> named = new IdentityHashMap<>();

    private final MetricSnapshots.Builder all = MetricSnapshots.builder();

    HostMetrics(AgentFacts facts, Agent agent, Host host, Map<Container, Counters> counters) {
        this.facts = facts;
        this.agent = agent;
        this.host = host;
        this.counters = counters;
    }

    MetricSnapshots all() {
        agent();
        journal();
        loop();
        subjects();
        drivers();
        jobs();
        containers();
        return all.build();
    }

    private void agent() {
        all.metricSnapshot(InfoSnapshot.builder()
                .name("wharf_build")
                .help("The agent and what it runs on.")
                .dataPoint(InfoDataPointSnapshot.builder()
                        .labels(Labels.of(
                                "version",
                                facts.version(),
                                "java",
                                Runtime.version().toString(),
                                "host",
                                host.identity().id()))
                        .build())
                .build());
        gauge(
                "wharf_start_time",
                "When the agent was started, since the epoch.",
                Unit.SECONDS,
                facts.startedAt().toEpochMilli() / 1e3);
        MemoryUsage heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage();
        gauge("wharf_heap_used", "Java heap in use.", Unit.BYTES, heap.getUsed());
        gauge("wharf_heap_max", "What the Java heap may grow to; beyond it the agent ends.", Unit.BYTES, heap.getMax());
        gauge(
                "wharf_threads",
                "Threads of the agent.",
                null,
                ManagementFactory.getThreadMXBean().getThreadCount());
    }

    private void journal() {
        Agent.JournalFacts journal = agent.journal();
        counter(
                "wharf_journal_batches",
                "Batches ever written to the journal.",
                null,
                journal.end().sequence());
        gauge(
                "wharf_journal_undurable_batches",
                "Batches that a loss of power would take.",
                null,
                Math.max(0, journal.end().sequence() - journal.durable().sequence()));
        GaugeSnapshot.Builder behind = GaugeSnapshot.builder()
                .name("wharf_journal_behind_batches")
                .help("Batches that a follower, such as the one that publishes to Kafka, has yet to carry elsewhere.");
        journal.carried()
                .forEach((follower, at) -> behind.dataPoint(point(
                        Labels.of("follower", follower),
                        Math.max(0, journal.end().sequence() - at.sequence()))));
        all.metricSnapshot(behind.build());
        gauge("wharf_journal_size", "Space the journal takes on disk.", Unit.BYTES, journal.sizeBytes());
    }

    private void loop() {
        Vitals vitals = agent.vitals();
        gauge("wharf_loop_waiting", "Letters that the sequencer has not opened yet.", null, vitals.waiting());
        gauge("wharf_loop_lanes_busy", "Steps that run now.", null, vitals.lanes());
        gauge("wharf_loop_lanes_limit", "Steps that may run at once.", null, vitals.laneLimit());
        summary("wharf_loop_turn", "Turns of the sequencer.", vitals.turns());
        summary("wharf_journal_append", "Appends to the journal.", vitals.appends());
        summary("wharf_journal_sync", "Forces of the journal to disk.", vitals.syncs());
    }

    private void subjects() {
        GaugeSnapshot.Builder containers =
                GaugeSnapshot.builder().name("wharf_containers").help("Containers by the way they stand.");
        Standing.counts(host)
                .forEach((standing, count) -> containers.dataPoint(point(Labels.of("state", standing.word()), count)));
        all.metricSnapshot(containers.build());
        gauge("wharf_images", "Images that are kept.", null, host.images().size());
        gauge("wharf_layers", "Layers that are kept.", null, host.layers().size());
        gauge("wharf_networks", "Networks.", null, host.networks().size());
        gauge("wharf_volumes", "Volumes.", null, host.volumes().size());
        gauge("wharf_pulls", "Pulls and pushes under way.", null, host.pulls().size());
    }

    private void drivers() {
        GaugeSnapshot.Builder serving = GaugeSnapshot.builder()
                .name("wharf_driver_serving")
                .help("Whether an implementation of a driver serves.");
        GaugeSnapshot.Builder inside = GaugeSnapshot.builder()
                .name("wharf_driver_calls_inside")
                .help("Calls that are in an implementation now.");
        for (Candidate candidate : agent.fleet().candidates()) {
            Labels labels = Labels.of(
                    "kind",
                    candidate.driver().driverKind().word(),
                    "driver",
                    candidate.driver().name().value(),
                    "implementation",
                    candidate.implementation());
            serving.dataPoint(point(labels, candidate.standing() == Fleet.Standing.SERVING ? 1 : 0));
            inside.dataPoint(point(labels, candidate.inside()));
        }
        all.metricSnapshot(serving.build());
        all.metricSnapshot(inside.build());
    }

    private void jobs() {
        CounterSnapshot.Builder runs =
                CounterSnapshot.builder().name("wharf_job_runs").help("Runs of a job of the scheduler.");
        CounterSnapshot.Builder failures =
                CounterSnapshot.builder().name("wharf_job_failures").help("Runs that failed or were cut off.");
        CounterSnapshot.Builder freed = CounterSnapshot.builder()
                .name("wharf_job_freed_bytes")
                .unit(Unit.BYTES)
                .help("What its runs gave back.");
        GaugeSnapshot.Builder last = GaugeSnapshot.builder()
                .name("wharf_job_last_run_seconds")
                .unit(Unit.SECONDS)
                .help("When the last run that ended had begun, since the epoch.");
        GaugeSnapshot.Builder took = GaugeSnapshot.builder()
                .name("wharf_job_last_duration_seconds")
                .unit(Unit.SECONDS)
                .help("What that run took.");
        GaugeSnapshot.Builder well = GaugeSnapshot.builder()
                .name("wharf_job_last_well")
                .help("Whether that run did what it should and found nothing amiss.");
        Map<String, Job> known = new TreeMap<>(host.jobs());
        agent.jobs().ifPresent(jobs -> jobs.all().forEach(job -> known.putIfAbsent(job.name(), Job.named(job.name()))));
        for (Job job : known.values()) {
            Labels labels = Labels.of("name", job.name());
            runs.dataPoint(count(labels, job.runs()));
            failures.dataPoint(count(labels, job.failures()));
            freed.dataPoint(count(labels, job.freedBytes()));
            job.last().ifPresent(run -> {
                last.dataPoint(point(labels, run.at().toEpochMilli() / 1e3));
                took.dataPoint(point(labels, run.took().toMillis() / 1e3));
                well.dataPoint(point(labels, run.result() == Job.Result.DONE ? 1 : 0));
            });
        }
        all.metricSnapshot(runs.build());
        all.metricSnapshot(failures.build());
        all.metricSnapshot(freed.build());
        all.metricSnapshot(last.build());
        all.metricSnapshot(took.build());
        all.metricSnapshot(well.build());
        gauge(
                "wharf_blobs_damaged",
                "Blobs that are not what their digests say.",
                null,
                host.damages().size());
    }

    private void containers() {
        GaugeSnapshot.Builder running =
                GaugeSnapshot.builder().name("wharf_container_running").help("Whether the container's process runs.");
        GaugeSnapshot.Builder healthy = GaugeSnapshot.builder()
                .name("wharf_container_healthy")
                .help("Whether its health check says so; absent without one.");
        CounterSnapshot.Builder restarts =
                CounterSnapshot.builder().name("wharf_container_restarts").help("Restarts by its policy.");
        for (Container c : host.containers().values()) {
            Labels labels = named(c);
            running.dataPoint(point(labels, c.isRunning() ? 1 : 0));
            c.health().ifPresent(h -> healthy.dataPoint(point(labels, h.status().equals("healthy") ? 1 : 0)));
            restarts.dataPoint(count(labels, c.restarts()));
        }
        all.metricSnapshot(running.build());
        all.metricSnapshot(healthy.build());
        all.metricSnapshot(restarts.build());
        grows("wharf_container_cpu", "CPU time of its processes.", Unit.SECONDS, Counters::cpuTotalNanos, NANOS);
        grows(
                "wharf_container_cpu_throttled",
                "Time that its limit held it back.",
                Unit.SECONDS,
                Counters::throttledNanos,
                NANOS);
        stands(
                "wharf_container_memory_usage",
                "Memory that counts against its limit.",
                Unit.BYTES,
                (c, now) -> now.memoryUsageBytes());
        stands(
                "wharf_container_memory_limit",
                "Its limit of memory, 0 for none.",
                Unit.BYTES,
                (c, now) -> Math.max(0, c.spec().resources().memoryBytes()));
        stands("wharf_container_processes", "Processes and threads in it.", null, (c, now) -> now.pids());
        stands(
                "wharf_container_processes_limit",
                "Its limit of those, 0 for none.",
                null,
                (c, now) -> Math.max(0, c.spec().resources().pidsLimit()));
        grows("wharf_container_block_read", "Read from disks.", Unit.BYTES, Counters::blockReadBytes, 1);
        grows("wharf_container_block_written", "Written to disks.", Unit.BYTES, Counters::blockWrittenBytes, 1);
        grows("wharf_container_network_received", "Received on its interfaces.", Unit.BYTES, Counters::rxBytes, 1);
        grows("wharf_container_network_sent", "Sent on its interfaces.", Unit.BYTES, Counters::txBytes, 1);
    }

    private static Labels labels(Container c) {
        return Labels.of(
                "id", c.id().shortForm(), "name", c.name(), "image", c.spec().imageReference());
    }

    private void grows(String name, String help, Unit unit, ToLongFunction<Counters> value, double scale) {
        CounterSnapshot.Builder counter =
                CounterSnapshot.builder().name(name + "_" + unit).unit(unit).help(help);
        counters.forEach((c, now) -> counter.dataPoint(count(named(c), value.applyAsLong(now) / scale)));
        all.metricSnapshot(counter.build());
    }

    private void stands(String name, String help, @Nullable Unit unit, ToLongBiFunction<Container, Counters> value) {
        GaugeSnapshot.Builder gauge =
                GaugeSnapshot.builder().name(full(name, unit)).help(help);
        if (unit != null) {
            gauge.unit(unit);
        }
        counters.forEach((c, now) -> gauge.dataPoint(point(named(c), value.applyAsLong(c, now))));
        all.metricSnapshot(gauge.build());
    }

    private Labels named(Container c) {
        return named.computeIfAbsent(c, HostMetrics::labels);
    }

    private void gauge(String name, String help, @Nullable Unit unit, double value) {
        GaugeSnapshot.Builder gauge =
                GaugeSnapshot.builder().name(full(name, unit)).help(help).dataPoint(point(Labels.EMPTY, value));
        if (unit != null) {
            gauge.unit(unit);
        }
        all.metricSnapshot(gauge.build());
    }

    private void counter(String name, String help, @Nullable Unit unit, double value) {
        all.metricSnapshot(CounterSnapshot.builder()
                .name(full(name, unit))
                .help(help)
                .dataPoint(count(Labels.EMPTY, value))
                .build());
    }

    private void summary(String name, String help, Vitals.Latency latency) {
        all.metricSnapshot(SummarySnapshot.builder()
                .name(name + "_seconds")
                .unit(Unit.SECONDS)
                .help(help)
                .dataPoint(SummaryDataPointSnapshot.builder()
                        .count(latency.count())
                        .sum(latency.sumNanos() / NANOS)
                        .quantiles(Quantiles.of(
                                new Quantile(0.5, latency.p50Nanos() / NANOS),
                                new Quantile(0.9, latency.p90Nanos() / NANOS),
                                new Quantile(0.99, latency.p99Nanos() / NANOS)))
                        .build())
                .build());
    }

    private static String full(String name, @Nullable Unit unit) {
        return unit == null ? name : name + "_" + unit;
    }

    private static GaugeDataPointSnapshot point(Labels labels, double value) {
        return GaugeDataPointSnapshot.builder().labels(labels).value(value).build();
    }

    private static CounterDataPointSnapshot count(Labels labels, double value) {
        return CounterDataPointSnapshot.builder().labels(labels).value(value).build();
    }
}
