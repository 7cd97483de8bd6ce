package dev.wharf.telemetry;

import dev.wharf.core.agent.Tracing;
import dev.wharf.core.command.Command;
import dev.wharf.core.event.Event;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.model.DriverId;
import dev.wharf.model.SubjectId;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Traces for as long as there are settings for it. Settings that make no sense trace nothing, and the log says why. */
@Component(
        service = Tracing.class,
        configurationPid = "dev.wharf.telemetry",
        configurationPolicy = ConfigurationPolicy.REQUIRE)
@Designate(ocd = TelemetrySettings.class)
public final class TelemetryComponent implements Tracing {
    private static final Logger LOG = LoggerFactory.getLogger(TelemetryComponent.class);

    private final Optional<Collector> collector;
    private final Tracing traces;

    @Activate
    public TelemetryComponent(BundleContext context, TelemetrySettings settings) {
        collector = open(settings, context.getBundle().getVersion().toString());
        traces = collector.<Tracing>map(to -> new Traces(to.tracer())).orElse(Tracing.OFF);
    }

    private static Optional<Collector> open(TelemetrySettings settings, String version) {
        try {
            Collector opened = Collector.open(
                    settings.endpoint(),
                    settings.headers_file(),
                    settings.authorities(),
                    settings.service_name(),
                    version,
                    settings.ratio());
            LOG.info("commands are traced endpoint={}", settings.endpoint());
            return Optional.of(opened);
        } catch (IOException e) {
            LOG.error("nothing is traced reason=headers.file or authorities cannot be read: {}", e.getMessage());
        } catch (RuntimeException e) {
            LOG.error("nothing is traced reason={}", e.getMessage());
        }
        return Optional.empty();
    }

    @Deactivate
    void close() {
        collector.ifPresent(Collector::close);
    }

    @Override
    public Work command(Command command, Cause cause) {
        return traces.command(command, cause);
    }

    @Override
    public Work decision(Command command, Cause cause) {
        return traces.decision(command, cause);
    }

    @Override
    public Work step(String step, SubjectId subject, Cause cause) {
        return traces.step(step, subject, cause);
    }

    @Override
    public Work call(DriverId driver, String implementation, String method) {
        return traces.call(driver, implementation, method);
    }

    @Override
    public Work kernelCall(String method) {
        return traces.kernelCall(method);
    }

    @Override
    public Writing writing(List<Event> events, Cause cause) {
        return traces.writing(events, cause);
    }
}
