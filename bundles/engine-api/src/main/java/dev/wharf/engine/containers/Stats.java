package dev.wharf.engine.containers;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.state.Container;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Outlet;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.json.Json;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec.Namespace;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.runtime.Measure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** {@code /containers/{id}/stats}: counters once a second, each beside the ones before, from which clients compute rates. */
final class Stats {
    private static final Duration BEAT = Duration.ofSeconds(1);
    private static final long HOST_MEMORY = hostMemory();
    private static final String NEVER = "0001-01-01T00:00:00Z";

    private final Agent agent;
    private final Request request;
    private final ContainerId id;
    private final Outlet outlet;
    private Optional<Measure> before = Optional.empty();

    private Stats(Agent agent, Request request, ContainerId id, Outlet outlet) {
        this.agent = agent;
        this.request = request;
        this.id = id;
        this.outlet = outlet;
    }

    static Answer handle(Agent agent, Request request) {
        boolean stream = request.query().flag("stream", true);
        boolean oneShot = request.version().atLeast(41) && request.query().flag("one-shot", false);
        if (stream && oneShot) {
            throw Problem.invalid("cannot have stream=true and one-shot=true");
        }
        Container c = ContainerRoutes.found(agent, request);
        if (stream) {
            return Answer.flow(Answer.JSON, outlet -> new Stats(agent, request, c.id(), outlet).tell());
        }
        if (!c.isRunning()) {
            return Answer.json(empty(c));
        }
        if (oneShot) {
            return Answer.later(request.work(
                    () -> Answer.json(shape(c, agent.streams().measure(c.id()), Optional.empty()))));
        }
        // A rate takes two readings; the second comes a beat later, without a thread that waits for it.
        return Answer.later(request.work(() -> agent.streams().measure(c.id())).thenCompose(first -> {
            var second = new java.util.concurrent.CompletableFuture<Answer>();
            request.after(
                    BEAT,
                    () -> request.work(
                                    () -> Answer.json(shape(c, agent.streams().measure(c.id()), Optional.of(first))))
                            .whenComplete((answer, thrown) -> {
                                if (thrown != null) {
                                    second.complete(Answer.json(empty(c)));
                                } else {
                                    second.complete(answer);
                                }
                            }));
            return second;
        }));
    }

    private void tell() {
        if (outlet.isGone()) {
            return;
        }
        request.work(this::reading).whenComplete((bytes, thrown) -> {
            if (thrown != null) {
                outlet.end();
                return;
            }
            boolean more = outlet.send(bytes);
            if (more) {
                request.after(BEAT, this::tell);
            } else {
                outlet.onWritable(() -> request.after(BEAT, this::tell));
            }
        });
    }

    private byte[] reading() throws DriverException {
        Optional<Container> c = agent.host().container(id);
        if (c.isEmpty()) {
            throw DriverException.failure(dev.wharf.spi.Failure.Kind.MISSING, "the container is gone");
        }
        if (!c.get().isRunning()) {
            before = Optional.empty();
            return Json.line(empty(c.get()));
        }
        Measure now;
        try {
            now = agent.streams().measure(id);
        } catch (DriverException e) {
            // It ended between the look and the reading.
            return Json.line(empty(c.get()));
        }
        byte[] line = Json.line(shape(c.get(), now, before));
        before = Optional.of(now);
        return line;
    }

    private static ObjectNode empty(Container c) {
        ObjectNode node = Json.object();
        node.put("name", "/" + c.name())
                .put("id", c.id().value())
                .put("read", NEVER)
                .put("preread", NEVER);
        node.putObject("pids_stats");
        blockIo(node);
        node.put("num_procs", 0);
        node.putObject("storage_stats");
        node.set("cpu_stats", cpu(Optional.empty()));
        node.set("precpu_stats", cpu(Optional.empty()));
        node.putObject("memory_stats");
        return node;
    }

    private static final List<String> BLOCK_IO = List.of(
            "io_service_bytes_recursive",
            "io_serviced_recursive",
            "io_queue_recursive",
            "io_service_time_recursive",
            "io_wait_time_recursive",
            "io_merged_recursive",
            "io_time_recursive",
            "sectors_recursive");

    /** Every counter of the kernel's, of which nobody knows anything yet. */
    private static ObjectNode blockIo(ObjectNode node) {
        ObjectNode blkio = node.putObject("blkio_stats");
        BLOCK_IO.forEach(blkio::putNull);
        return blkio;
    }

    private static ObjectNode shape(Container c, Measure m, Optional<Measure> before) {
        ObjectNode node = Json.object();
        node.put("name", "/" + c.name()).put("id", c.id().value());
        node.put("read", time(m)).put("preread", before.map(Stats::time).orElse(NEVER));
        ObjectNode pids = node.putObject("pids_stats").put("current", m.pids());
        if (m.pidsLimit() > 0) {
            pids.put("limit", m.pidsLimit());
        }
        ArrayNode bytes = blockIo(node).putArray(BLOCK_IO.get(0));
        m.blockIo()
                .forEach(b -> bytes.addObject()
                        .put("major", b.major())
                        .put("minor", b.minor())
                        .put("op", b.operation())
                        .put("value", b.bytes()));
        node.put("num_procs", 0);
        node.putObject("storage_stats");
        node.set("cpu_stats", cpu(Optional.of(m)));
        node.set("precpu_stats", cpu(before));
        ObjectNode memory = node.putObject("memory_stats").put("usage", m.memoryUsageBytes());
        if (m.memoryMaxUsageBytes() > 0) {
            memory.put("max_usage", m.memoryMaxUsageBytes());
        }
        ObjectNode stats = memory.putObject("stats");
        m.memoryStats().forEach(stats::put);
        memory.put("limit", limit(m));
        // Those of the host are not the container's.
        boolean own = c.spec().networking().sandbox().kind() != Namespace.Kind.HOST;
        if (own && !m.interfaces().isEmpty()) {
            ObjectNode networks = node.putObject("networks");
            m.interfaces()
                    .forEach((name, i) -> networks.putObject(name)
                            .put("rx_bytes", i.rxBytes())
                            .put("rx_packets", i.rxPackets())
                            .put("rx_errors", i.rxErrors())
                            .put("rx_dropped", i.rxDropped())
                            .put("tx_bytes", i.txBytes())
                            .put("tx_packets", i.txPackets())
                            .put("tx_errors", i.txErrors())
                            .put("tx_dropped", i.txDropped()));
        }
        return node;
    }

    /** A container without a limit may take what the host has, and clients divide by this number. */
    private static long limit(Measure m) {
        return m.memoryLimitBytes() > 0 ? Math.min(m.memoryLimitBytes(), HOST_MEMORY) : HOST_MEMORY;
    }

    private static long hostMemory() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/meminfo"))) {
            return lines.filter(line -> line.startsWith("MemTotal:"))
                    .findFirst()
                    .map(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024)
                    .orElse(Long.MAX_VALUE);
        } catch (IOException e) {
            return Long.MAX_VALUE;
        }
    }

    private static String time(Measure m) {
        return Instant.ofEpochSecond(m.readEpochNanos() / 1_000_000_000L, m.readEpochNanos() % 1_000_000_000L)
                .toString();
    }

    private static ObjectNode cpu(Optional<Measure> measure) {
        ObjectNode node = Json.object();
        ObjectNode usage = node.putObject("cpu_usage")
                .put("total_usage", measure.map(Measure::cpuTotalNanos).orElse(0L));
        measure.filter(m -> !m.cpuPerProcessorNanos().isEmpty()).ifPresent(m -> {
            ArrayNode each = usage.putArray("percpu_usage");
            m.cpuPerProcessorNanos().forEach(each::add);
        });
        usage.put("usage_in_kernelmode", measure.map(Measure::cpuSystemNanos).orElse(0L))
                .put("usage_in_usermode", measure.map(Measure::cpuUserNanos).orElse(0L));
        measure.ifPresent(m -> node.put("system_cpu_usage", m.hostCpuNanos()).put("online_cpus", m.onlineCpus()));
        node.putObject("throttling_data")
                .put("periods", measure.map(Measure::periods).orElse(0L))
                .put("throttled_periods", measure.map(Measure::throttledPeriods).orElse(0L))
                .put("throttled_time", measure.map(Measure::throttledNanos).orElse(0L));
        return node;
    }
}
