package dev.wharf.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.wharf.core.agent.Tracing;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import dev.wharf.model.ContainerId;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Spans as a collector receives them over HTTP. */
@Timeout(120)
class TracesTest {
    private static final ContainerId WEB = new ContainerId("a".repeat(64));
    private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
    private static final String CLIENT = "00f067aa0ba902b7";

    private final ConcurrentLinkedQueue<Span> received = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<String> tokens = new ConcurrentLinkedQueue<>();
    private HttpServer receiver;

    @BeforeEach
    void listen() throws Exception {
        receiver = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        receiver.createContext("/v1/traces", exchange -> {
            try (exchange;
                    InputStream body = new GZIPInputStream(exchange.getRequestBody())) {
                tokens.add(String.valueOf(exchange.getRequestHeaders().getFirst("X-Token")));
                ExportTraceServiceRequest.parseFrom(body)
                        .getResourceSpansList()
                        .forEach(resource ->
                                resource.getScopeSpansList().forEach(scope -> received.addAll(scope.getSpansList())));
                exchange.sendResponseHeaders(200, -1);
            }
        });
        receiver.start();
    }

    @AfterEach
    void close() {
        receiver.stop(0);
    }

    private String endpoint() {
        return "http://127.0.0.1:" + receiver.getAddress().getPort() + "/v1/traces";
    }

    private static Cause cause(String command, Map<String, String> details) {
        return new Cause(new CommandId(command), Optional.empty(), new Actor(Actor.Kind.PEER, "root", details));
    }

    private Span span(String name) {
        return received.stream()
                .filter(span -> span.getName().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError(name + " is not among "
                        + received.stream().map(Span::getName).toList()));
    }

    private static String hex(com.google.protobuf.ByteString bytes) {
        return HexFormat.of().formatHex(bytes.toByteArray());
    }

    @Test
    void aCommandItsStepsTheirCallsAndWhatIsWrittenMakeOneTraceWithinTheClients(@TempDir Path folder) throws Exception {
        Path headers = Files.writeString(folder.resolve("headers"), "X-Token: secret\n");
        try (Collector collector = Collector.open(endpoint(), headers.toString(), "", "wharf", "1", 0)) {
            Tracing traces = new Traces(collector.tracer());
            ContainerCommand.Pause pause = new ContainerCommand.Pause(WEB);
            Cause asked = cause("c1", Map.of(Tracing.TRACE_PARENT, "00-" + TRACE + "-" + CLIENT + "-01"));
            try (Tracing.Work command = traces.command(pause, asked)) {
                traces.decision(pause, asked).close();
                try (Tracing.Work step = traces.step("Freeze", WEB, asked)) {
                    Tracing.Work call = traces.call(
                            new DriverId(DriverKind.RUNTIME, new DriverName("oci")), "crun/1", "capability");
                    call.failed("busy");
                    call.close();
                    traces.kernelCall("bootId").close();
                }
                try (Tracing.Writing writing =
                        traces.writing(List.of(new ContainerEvent.Frozen(WEB, Instant.EPOCH)), asked)) {
                    writing.lieAt(new Position(7));
                }
            }
            // Nobody traces it, for a client did not and the ratio is 0.
            traces.command(pause, cause("c2", Map.of())).close();
        }
        Span command = span("command container Pause");
        assertThat(hex(command.getTraceId())).isEqualTo(TRACE);
        assertThat(hex(command.getParentSpanId())).isEqualTo(CLIENT);
        assertThat(received)
                .allSatisfy(span -> assertThat(hex(span.getTraceId())).isEqualTo(TRACE));
        assertThat(span("decide container Pause").getParentSpanId()).isEqualTo(command.getSpanId());
        Span step = span("step Freeze");
        assertThat(step.getParentSpanId()).isEqualTo(command.getSpanId());
        assertThat(span("runtime oci capability").getParentSpanId()).isEqualTo(step.getSpanId());
        assertThat(span("runtime oci capability").getStatus())
                .isEqualTo(Status.newBuilder()
                        .setCode(Status.StatusCode.STATUS_CODE_ERROR)
                        .setMessage("busy")
                        .build());
        assertThat(span("kernel bootId").getParentSpanId()).isEqualTo(step.getSpanId());
        assertThat(span("write container.frozen").getAttributesList()).anySatisfy(attribute -> {
            assertThat(attribute.getKey()).isEqualTo("wharf.position");
            assertThat(attribute.getValue().getIntValue()).isEqualTo(7);
        });
        assertThat(received).hasSize(6);
        assertThat(tokens).containsOnly("secret");
    }

    @Test
    void whatNobodyCommandedIsNotTraced() throws Exception {
        try (Collector collector = Collector.open(endpoint(), "", "", "wharf", "1", 1)) {
            Tracing traces = new Traces(collector.tracer());
            Cause own = new Cause(CommandId.NONE, Optional.empty(), Actor.WHARF);
            traces.command(new ContainerCommand.Pause(WEB), own).close();
            traces.step("Freeze", WEB, own).close();
            traces.kernelCall("bootId").close();
            traces.writing(List.of(new ContainerEvent.Frozen(WEB, Instant.EPOCH)), cause("unknown", Map.of()))
                    .close();
        }
        assertThat(received).isEmpty();
    }

    @Test
    void settingsThatMakeNoSenseAreRefused() {
        assertThatThrownBy(() -> Collector.open("127.0.0.1:4318", "", "", "wharf", "1", 1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Collector.open(endpoint(), "", "", "wharf", "1", 2))
                .hasMessageContaining("expected a number from 0 to 1");
        assertThatThrownBy(() -> Collector.open(endpoint(), "/no/such/file", "", "wharf", "1", 1))
                .isInstanceOf(java.io.IOException.class);
    }
}
