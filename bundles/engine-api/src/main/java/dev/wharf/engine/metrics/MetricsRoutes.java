package dev.wharf.engine.metrics;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.state.Container;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.journal.AgentFacts;
import dev.wharf.model.ContainerId;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.runtime.Measure;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.OpenMetricsTextFormatWriter;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * {@code GET /metrics}: OpenMetrics 1.0 for who asks for it, as Prometheus does, and Prometheus's older text for everybody else.
 * Counters of containers are read from the kernel for each scrape.
 */
public final class MetricsRoutes implements Routes {
    private final AgentFacts facts;

    public MetricsRoutes(AgentFacts facts) {
        this.facts = facts;
    }

    @Override
    public void addTo(Router router) {
        router.get("/metrics", (agent, request) -> Answer.later(request.work(() -> answer(agent, request))));
    }

    private Answer answer(Agent agent, Request request) throws IOException {
        ExpositionFormatWriter writer = request.header("Accept")
                        .filter(accept -> accept.contains("application/openmetrics-text"))
                        .isPresent()
                ? new OpenMetricsTextFormatWriter(false, false)
                : new PrometheusTextFormatWriter(false);
        MetricSnapshots all = new HostMetrics(facts, agent, measures(agent)).all();
        ByteArrayOutputStream text = new ByteArrayOutputStream(64 << 10);
        writer.write(text, all);
        return new Answer.Whole(200, writer.getContentType(), text.toByteArray(), Map.of());
    }

    /** The counters of what runs; a container that ends meanwhile has none. */
    private static Map<ContainerId, Measure> measures(Agent agent) {
        List<ContainerId> running = agent.host().containers().values().stream()
                .filter(Container::isRunning)
                .map(Container::id)
                .toList();
        Map<ContainerId, Measure> measures = new TreeMap<>((a, b) -> a.value().compareTo(b.value()));
        for (ContainerId id : running) {
            measure(agent, id).ifPresent(measure -> measures.put(id, measure));
        }
        return measures;
    }

    private static Optional<Measure> measure(Agent agent, ContainerId id) {
        try {
            return Optional.of(agent.streams().measure(id));
        } catch (DriverException e) {
            return Optional.empty();
        }
    }
}
