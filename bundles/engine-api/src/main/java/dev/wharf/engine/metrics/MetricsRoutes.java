package dev.wharf.engine.metrics;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.journal.AgentFacts;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.runtime.Counters;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.OpenMetricsTextFormatWriter;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * {@code GET /metrics}: OpenMetrics 1.0 for who asks for it, as Prometheus does, and Prometheus's older text for everybody else.
 * Counters of containers are read from the kernel for each scrape.
 */
public final class MetricsRoutes implements Routes {
    /** Of a host with some hundred containers. */
    private static final int USUAL_SIZE = 256 << 10;

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
        Host host = agent.host();
        MetricSnapshots all = new HostMetrics(facts, agent, host, counters(agent, host)).all();
        ByteArrayOutputStream text = new ByteArrayOutputStream(USUAL_SIZE);
        writer.write(text, all);
        return new Answer.Whole(200, writer.getContentType(), text.toByteArray(), Map.of());
    }

    /** The counters of what runs; a container that ends meanwhile has none. */
    private static Map<Container, Counters> counters(Agent agent, Host host) {
        Map<Container, Counters> all = new IdentityHashMap<>();
        for (Container c : host.containers().values()) {
            if (c.isRunning()) {
                try {
                    all.put(c, agent.streams().counters(c.id()));
                } catch (DriverException e) {
                    // It has just ended, or its runtime is being replaced.
                }
            }
        }
        return all;
    }
}
