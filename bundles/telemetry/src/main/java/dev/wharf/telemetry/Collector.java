package dev.wharf.telemetry;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporterBuilder;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.logging.Level;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A collector that spans go to, in batches and behind everybody's back; what it does not take in time is lost. */
final class Collector implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Collector.class);

    private static final Duration BEAT = Duration.ofSeconds(1);
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /** Kept, for else the JDK forgets its level. What goes wrong with the collector is told by {@link Told}. */
    private static final java.util.logging.Logger THEIRS = java.util.logging.Logger.getLogger("io.opentelemetry");

    private final SdkTracerProvider provider;
    private final String version;

    private Collector(SdkTracerProvider provider, String version) {
        this.provider = provider;
        this.version = version;
    }

    /**
     * @throws IllegalArgumentException if a setting makes no sense
     * @throws IOException if a file cannot be read
     */
    static Collector open(
            String endpoint, String headersFile, String authorities, String service, String version, double ratio)
            throws IOException {
        if (!(ratio >= 0 && ratio <= 1)) {
            throw new IllegalArgumentException("ratio = " + ratio + ": expected a number from 0 to 1");
        }
        String scheme = URI.create(endpoint).getScheme();
        if (!"http".equals(scheme) && !"https".equals(scheme)) {
            throw new IllegalArgumentException(
                    "endpoint = " + endpoint + ": expected such as http://127.0.0.1:4318/v1/traces");
        }
        THEIRS.setLevel(Level.OFF);
        // OpenTelemetry looks for what sends through the thread's class loader as well.
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(Collector.class.getClassLoader());
        try {
            OtlpHttpSpanExporterBuilder exporter = OtlpHttpSpanExporter.builder()
                    .setEndpoint(endpoint)
                    .setCompression("gzip")
                    .setTimeout(PATIENCE);
            if (!headersFile.isBlank()) {
                for (String line : Files.readAllLines(Path.of(headersFile))) {
                    int colon = line.indexOf(':');
                    if (colon > 0) {
                        exporter.addHeader(
                                line.substring(0, colon).strip(),
                                line.substring(colon + 1).strip());
                    }
                }
            }
            if (!authorities.isBlank()) {
                exporter.setTrustedCertificates(Files.readAllBytes(Path.of(authorities)));
            }
            SpanExporter told = new Told(exporter.build(), endpoint);
            return new Collector(
                    SdkTracerProvider.builder()
                            .setResource(Resource.getDefault()
                                    .merge(Resource.create(Attributes.of(
                                            AttributeKey.stringKey("service.name"), service,
                                            AttributeKey.stringKey("service.version"), version))))
                            .setSampler(Sampler.parentBased(Sampler.traceIdRatioBased(ratio)))
                            .addSpanProcessor(BatchSpanProcessor.builder(told)
                                    .setScheduleDelay(BEAT)
                                    .build())
                            .build(),
                    version);
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    Tracer tracer() {
        return provider.tracerBuilder("dev.wharf")
                .setInstrumentationVersion(version)
                .build();
    }

    /** Sends what there is, and stops. */
    @Override
    public void close() {
        provider.shutdown().join(BEAT.toMillis() * 2, TimeUnit.MILLISECONDS);
    }

    /** Says once that the collector takes nothing, and once that it does again. */
    private record Told(SpanExporter exporter, String endpoint, AtomicBoolean lost) implements SpanExporter {
        Told(SpanExporter exporter, String endpoint) {
            this(exporter, endpoint, new AtomicBoolean());
        }

        @Override
        public CompletableResultCode export(Collection<SpanData> spans) {
            CompletableResultCode result = exporter.export(spans);
            result.whenComplete(() -> {
                if (lost.getAndSet(!result.isSuccess()) == result.isSuccess()) {
                    if (result.isSuccess()) {
                        LOG.info("traces arrive again endpoint={}", endpoint);
                    } else {
                        LOG.warn(
                                "traces are lost, for the collector does not take them endpoint={} reason={}",
                                endpoint,
                                String.valueOf(result.getFailureThrowable()));
                    }
                }
            });
            return result;
        }

        @Override
        public CompletableResultCode flush() {
            return exporter.flush();
        }

        @Override
        public CompletableResultCode shutdown() {
            return exporter.shutdown();
        }
    }
}
