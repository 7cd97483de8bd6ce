package dev.wharf.itests.console;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A collector hears of a container's start, from the client's request down to the calls of drivers and the events. */
@Timeout(120)
class TracesIT {
    private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
    private static final String CLIENT = "00f067aa0ba902b7";

    private final Collection<Span> received = new ConcurrentLinkedQueue<>();

    private HttpServer listen() throws Exception {
        HttpServer receiver = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        receiver.createContext("/v1/traces", exchange -> {
            try (exchange;
                    InputStream body = new GZIPInputStream(exchange.getRequestBody())) {
                ExportTraceServiceRequest.parseFrom(body)
                        .getResourceSpansList()
                        .forEach(resource ->
                                resource.getScopeSpansList().forEach(scope -> received.addAll(scope.getSpansList())));
                exchange.sendResponseHeaders(200, -1);
            }
        });
        receiver.start();
        return receiver;
    }

    @Test
    void aStartIsTracedFromTheRequestToTheDriversAndTheEvents(@TempDir Path folder) throws Exception {
        HttpServer receiver = listen();
        Path etc = Files.createDirectories(folder.resolve("etc"));
        try (Daemon daemon = SharedAgent.withBusybox(folder.resolve("agent"), "--config-dir=" + etc)) {
            assertThat(Files.readString(daemon.log())).doesNotContain("commands are traced");
            daemon.docker("run", "--rm", "busybox", "true").outOrThrow();
            // As operators do it: while the agent runs.
            Path settings = etc.resolve("dev.wharf.telemetry.cfg");
            Files.writeString(
                    settings,
                    "endpoint = http://127.0.0.1:" + receiver.getAddress().getPort() + "/v1/traces\nratio = 0\n");
            awaitLog(daemon, "commands are traced");
            daemon.docker("create", "--name", "traced", "busybox", "sleep", "1000")
                    .outOrThrow();
            daemon.curl(
                            "/v1.41/containers/traced/start",
                            "--request",
                            "POST",
                            "--header",
                            "traceparent: 00-" + TRACE + "-" + CLIENT + "-01")
                    .outOrThrow();
            Span started = await(span -> span.getName().equals("write container.started"));

            assertThat(received)
                    .allSatisfy(span -> assertThat(hex(span.getTraceId())).isEqualTo(TRACE));
            Map<String, Span> byId = received.stream().collect(Collectors.toMap(s -> hex(s.getSpanId()), s -> s));
            Span command = named("command container Start");
            assertThat(hex(command.getParentSpanId())).isEqualTo(CLIENT);
            assertThat(started.getParentSpanId()).isEqualTo(command.getSpanId());
            assertThat(named("decide container Start").getParentSpanId()).isEqualTo(command.getSpanId());
            assertThat(named("write container.start-requested").getParentSpanId())
                    .isEqualTo(command.getSpanId());
            for (String call : List.of("kernel mountRootfs", "kernel createSandbox", "network bridge attach")) {
                Span step = byId.get(hex(named(call).getParentSpanId()));
                assertThat(step.getName()).as(call).startsWith("step ");
                assertThat(step.getParentSpanId()).isEqualTo(command.getSpanId());
            }
            assertThat(received.stream().map(Span::getName)).anyMatch(name -> name.matches("runtime \\S+ start"));
            assertThat(daemon.wharf("journal", "tail", "--lines", "20", "--format", "json")
                            .out())
                    .contains("\"traceparent\":\"00-" + TRACE);

            Files.delete(settings);
            awaitSilence(daemon);
        } finally {
            receiver.stop(0);
        }
    }

    /** Once the settings are gone, commands go on and nobody is told. */
    private void awaitSilence(Daemon daemon) throws Exception {
        for (int i = 0; i < 300; i++) {
            Thread.sleep(100);
            received.clear();
            daemon.curl(
                            "/v1.41/containers/traced/rename?name=traced" + i,
                            "--request",
                            "POST",
                            "--header",
                            "traceparent: 00-" + TRACE + "-" + CLIENT + "-01")
                    .outOrThrow();
            daemon.curl("/v1.41/containers/traced" + i + "/rename?name=traced", "--request", "POST")
                    .outOrThrow();
            Thread.sleep(1200);
            if (received.isEmpty()) {
                return;
            }
        }
        throw new AssertionError("still told: " + names());
    }

    private static void awaitLog(Daemon daemon, String words) throws Exception {
        for (int i = 0; i < 800; i++) {
            if (Files.readString(daemon.log()).contains(words)) {
                return;
            }
            Thread.sleep(50);
        }
        throw new AssertionError("not logged: " + words + "\n" + Files.readString(daemon.log()));
    }

    private Span await(Predicate<Span> wanted) throws Exception {
        for (int i = 0; i < 800; i++) {
            Stream<Span> found = received.stream().filter(wanted);
            java.util.Optional<Span> one = found.findFirst();
            if (one.isPresent() && received.stream().anyMatch(s -> s.getName().startsWith("command "))) {
                return one.get();
            }
            Thread.sleep(50);
        }
        throw new AssertionError("only " + names());
    }

    private Span named(String name) {
        return received.stream()
                .filter(span -> span.getName().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError(name + " is not among " + names()));
    }

    private List<String> names() {
        return received.stream().map(Span::getName).toList();
    }

    private static String hex(com.google.protobuf.ByteString bytes) {
        return HexFormat.of().formatHex(bytes.toByteArray());
    }
}
