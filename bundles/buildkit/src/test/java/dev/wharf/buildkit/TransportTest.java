package dev.wharf.buildkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.buildkit.wire.Control;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
final class TransportTest {
    @Test
    void aCallGoesOverALineAndComesBack() throws Exception {
        try (Wire wire = new Wire();
                Transport transport = new Transport()) {
            transport.serve(
                    wire.left,
                    List.of(ServerServiceDefinition.builder("moby.buildkit.v1.Control")
                            .addMethod(Calls.SOLVE, ServerCalls.asyncUnaryCall((request, out) -> {
                                out.onNext(Control.SolveResponse.newBuilder()
                                        .putExporterResponse("ref", request.getRef())
                                        .build());
                                out.onCompleted();
                            }))
                            .build()));
            ManagedChannel client = transport.reach(wire.right);

            Control.SolveResponse answer = ClientCalls.blockingUnaryCall(
                    client,
                    Calls.SOLVE,
                    CallOptions.DEFAULT.withDeadlineAfter(10, TimeUnit.SECONDS),
                    Control.SolveRequest.newBuilder()
                            .setRef("x".repeat(300_000))
                            .build());

            assertThat(answer.getExporterResponseOrThrow("ref")).hasSize(300_000);
        }
    }
}
