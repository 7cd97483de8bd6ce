package dev.wharf.buildkit;

import dev.wharf.build.run.BuildException;
import dev.wharf.buildkit.wire.Common.Nothing;
import dev.wharf.buildkit.wire.Common.Status;
import dev.wharf.buildkit.wire.Control.BuildHistoryEvent;
import dev.wharf.buildkit.wire.Control.BuildHistoryRecord;
import dev.wharf.buildkit.wire.Control.BuildHistoryRequest;
import dev.wharf.buildkit.wire.Control.StatusResponse;
import dev.wharf.buildkit.wire.Control.UpdateBuildHistoryRequest;
import dev.wharf.buildkit.wire.Control.Vertex;
import dev.wharf.model.Digest;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.stub.StreamObserver;
import java.time.Instant;
import java.util.Optional;

/** What is remembered of builds, as clients of BuildKit read it. Safe to use from any thread. */
final class History {
    /** The code of an error of no certain kind. */
    private static final int UNKNOWN = 2;

    private final Workshop workshop;

    History(Workshop workshop) {
        this.workshop = workshop;
    }

    /** Tells of the builds that are there, the last first. */
    void list(BuildHistoryRequest request, StreamObserver<BuildHistoryEvent> out) {
        if (!request.getEarlyExit()) {
            out.onError(io.grpc.Status.UNIMPLEMENTED
                    .withDescription("builds are listed, and not followed; see wharf journal tail")
                    .asRuntimeException());
            return;
        }
        workshop.built().stream()
                .filter(build -> request.getRef().isEmpty() || request.getRef().equals(build.id()))
                .filter(build -> !request.getActiveOnly() || build.took().isEmpty())
                .limit(request.getLimit() > 0 ? request.getLimit() : Long.MAX_VALUE)
                .forEach(build -> out.onNext(event(build)));
        out.onCompleted();
    }

    private static BuildHistoryEvent event(Workshop.Built build) {
        BuildHistoryRecord.Builder record = BuildHistoryRecord.newBuilder()
                .setRef(build.id())
                .setFrontend(Attributes.FRONTEND)
                .putFrontendAttrs("filename", build.file())
                .setCreatedAt(Progress.time(build.at()))
                .setNumTotalSteps(build.steps().size())
                .setNumCompletedSteps(build.steps().size())
                .setNumCachedSteps((int) build.steps().stream()
                        .filter(Workshop.Built.Step::cached)
                        .count());
        build.took()
                .ifPresent(
                        took -> record.setCompletedAt(Progress.time(build.at().plus(took))));
        if (!build.failure().isEmpty()) {
            record.setError(Status.newBuilder().setCode(UNKNOWN).setMessage(build.failure()));
        }
        return BuildHistoryEvent.newBuilder()
                .setType(build.took().isPresent() ? BuildHistoryEvent.Type.COMPLETE : BuildHistoryEvent.Type.STARTED)
                .setRecord(record)
                .build();
    }

    /** Forgets a build. There is nothing else to change about one. */
    void update(UpdateBuildHistoryRequest request, StreamObserver<Nothing> out) {
        try {
            if (request.getPinned()) {
                throw new BuildException("the last builds are remembered, and none is held longer than others");
            }
            if (request.getDelete()) {
                workshop.dismiss(request.getRef());
            }
            out.onNext(Nothing.getDefaultInstance());
            out.onCompleted();
        } catch (BuildException e) {
            out.onError(io.grpc.Status.UNKNOWN.withDescription(e.getMessage()).asRuntimeException());
        }
    }

    /** The steps of a build that is over, as its client heard of them; what they said is not remembered. */
    Optional<StatusResponse> steps(String ref) {
        return workshop.built().stream()
                .filter(build -> build.id().equals(ref) && build.took().isPresent())
                .findFirst()
                .map(History::steps);
    }

    private static StatusResponse steps(Workshop.Built build) {
        StatusResponse.Builder status = StatusResponse.newBuilder();
        for (Workshop.Built.Step step : build.steps()) {
            status.addVertexes(Vertex.newBuilder()
                    .setDigest(Digest.sha256(build.id() + " " + status.getVertexesCount())
                            .toString())
                    .setName("[" + step.stage() + "] " + step.instruction())
                    .setCached(step.cached())
                    .setStarted(Progress.time(step.at().minus(step.took())))
                    .setCompleted(Progress.time(step.at())));
        }
        return status.build();
    }

    /** Tells clients the time here, which they count from. */
    static final class Clock implements ServerInterceptor {
        private static final Metadata.Key<String> NOW =
                Metadata.Key.of("buildkit-current-timestamp", Metadata.ASCII_STRING_MARSHALLER);

        @Override
        public <Q, A> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            return next.startCall(
                    new SimpleForwardingServerCall<>(call) {
                        @Override
                        public void sendHeaders(Metadata own) {
                            own.put(NOW, Instant.now().toString());
                            super.sendHeaders(own);
                        }
                    },
                    headers);
        }
    }
}
