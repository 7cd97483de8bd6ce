package dev.wharf.buildkit;

import com.google.protobuf.MessageLite;
import dev.wharf.buildkit.wire.Common.BytesMessage;
import dev.wharf.buildkit.wire.Common.Nothing;
import dev.wharf.buildkit.wire.Control;
import dev.wharf.buildkit.wire.Gateway;
import dev.wharf.buildkit.wire.SessionWire;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.protobuf.lite.ProtoLiteUtils;

/** The methods that are served and called, by the names that BuildKit gives them. */
final class Calls {
    private static final String CONTROL = "moby.buildkit.v1.Control/";
    private static final String GATEWAY = "moby.buildkit.v1.frontend.LLBBridge/";

    static final MethodDescriptor<Control.SolveRequest, Control.SolveResponse> SOLVE = unary(
            CONTROL + "Solve", Control.SolveRequest.getDefaultInstance(), Control.SolveResponse.getDefaultInstance());
    static final MethodDescriptor<Control.StatusRequest, Control.StatusResponse> STATUS = of(
            MethodType.SERVER_STREAMING,
            CONTROL + "Status",
            Control.StatusRequest.getDefaultInstance(),
            Control.StatusResponse.getDefaultInstance());
    static final MethodDescriptor<Control.ListWorkersRequest, Control.ListWorkersResponse> LIST_WORKERS = unary(
            CONTROL + "ListWorkers",
            Control.ListWorkersRequest.getDefaultInstance(),
            Control.ListWorkersResponse.getDefaultInstance());
    static final MethodDescriptor<Control.InfoRequest, Control.InfoResponse> INFO = unary(
            CONTROL + "Info", Control.InfoRequest.getDefaultInstance(), Control.InfoResponse.getDefaultInstance());
    static final MethodDescriptor<Control.DiskUsageRequest, Control.DiskUsageResponse> DISK_USAGE = unary(
            CONTROL + "DiskUsage",
            Control.DiskUsageRequest.getDefaultInstance(),
            Control.DiskUsageResponse.getDefaultInstance());
    static final MethodDescriptor<Control.PruneRequest, Control.UsageRecord> PRUNE = of(
            MethodType.SERVER_STREAMING,
            CONTROL + "Prune",
            Control.PruneRequest.getDefaultInstance(),
            Control.UsageRecord.getDefaultInstance());

    static final MethodDescriptor<Control.BuildHistoryRequest, Control.BuildHistoryEvent> HISTORY = of(
            MethodType.SERVER_STREAMING,
            CONTROL + "ListenBuildHistory",
            Control.BuildHistoryRequest.getDefaultInstance(),
            Control.BuildHistoryEvent.getDefaultInstance());
    static final MethodDescriptor<Control.UpdateBuildHistoryRequest, Nothing> UPDATE_HISTORY = unary(
            CONTROL + "UpdateBuildHistory",
            Control.UpdateBuildHistoryRequest.getDefaultInstance(),
            Nothing.getDefaultInstance());

    static final MethodDescriptor<Gateway.PingRequest, Gateway.PongResponse> PING = unary(
            GATEWAY + "Ping", Gateway.PingRequest.getDefaultInstance(), Gateway.PongResponse.getDefaultInstance());
    static final MethodDescriptor<Gateway.SolveRequest, Gateway.SolveResponse> BUILD = unary(
            GATEWAY + "Solve", Gateway.SolveRequest.getDefaultInstance(), Gateway.SolveResponse.getDefaultInstance());
    static final MethodDescriptor<Gateway.ReturnRequest, Nothing> RETURN =
            unary(GATEWAY + "Return", Gateway.ReturnRequest.getDefaultInstance(), Nothing.getDefaultInstance());
    static final MethodDescriptor<Nothing, Nothing> EVALUATE = nothing(GATEWAY + "Evaluate");
    static final MethodDescriptor<Nothing, Nothing> INPUTS = nothing(GATEWAY + "Inputs");
    static final MethodDescriptor<Nothing, Nothing> WARN = nothing(GATEWAY + "Warn");

    static final MethodDescriptor<SessionWire.Packet, SessionWire.Packet> FILES = of(
            MethodType.BIDI_STREAMING,
            "moby.filesync.v1.FileSync/DiffCopy",
            SessionWire.Packet.getDefaultInstance(),
            SessionWire.Packet.getDefaultInstance());
    static final MethodDescriptor<BytesMessage, BytesMessage> OUTPUT = bytes("moby.filesync.v1.FileSend/DiffCopy");

    /** The same method, whose messages are others where the client wants files one by one. */
    static final MethodDescriptor<SessionWire.Packet, SessionWire.Packet> OUTPUT_FILES = of(
            MethodType.BIDI_STREAMING,
            "moby.filesync.v1.FileSend/DiffCopy",
            SessionWire.Packet.getDefaultInstance(),
            SessionWire.Packet.getDefaultInstance());

    static final MethodDescriptor<SessionWire.CredentialsRequest, SessionWire.CredentialsResponse> CREDENTIALS = unary(
            "moby.filesync.v1.Auth/Credentials",
            SessionWire.CredentialsRequest.getDefaultInstance(),
            SessionWire.CredentialsResponse.getDefaultInstance());
    static final MethodDescriptor<SessionWire.GetSecretRequest, SessionWire.GetSecretResponse> SECRET = unary(
            "moby.buildkit.secrets.v1.Secrets/GetSecret",
            SessionWire.GetSecretRequest.getDefaultInstance(),
            SessionWire.GetSecretResponse.getDefaultInstance());
    static final MethodDescriptor<SessionWire.CheckAgentRequest, Nothing> CHECK_AGENT = unary(
            "moby.sshforward.v1.SSH/CheckAgent",
            SessionWire.CheckAgentRequest.getDefaultInstance(),
            Nothing.getDefaultInstance());
    static final MethodDescriptor<BytesMessage, BytesMessage> AGENT = bytes("moby.sshforward.v1.SSH/ForwardAgent");
    static final MethodDescriptor<BytesMessage, BytesMessage> UPLOAD = bytes("moby.upload.v1.Upload/Pull");

    private Calls() {}

    private static MethodDescriptor<BytesMessage, BytesMessage> bytes(String name) {
        return of(
                MethodType.BIDI_STREAMING, name, BytesMessage.getDefaultInstance(), BytesMessage.getDefaultInstance());
    }

    /** A method of which only that it was called counts. */
    private static MethodDescriptor<Nothing, Nothing> nothing(String name) {
        return unary(name, Nothing.getDefaultInstance(), Nothing.getDefaultInstance());
    }

    private static <Q extends MessageLite, A extends MessageLite> MethodDescriptor<Q, A> unary(
            String name, Q request, A answer) {
        return of(MethodType.UNARY, name, request, answer);
    }

    private static <Q extends MessageLite, A extends MessageLite> MethodDescriptor<Q, A> of(
            MethodType type, String name, Q request, A answer) {
        return MethodDescriptor.<Q, A>newBuilder()
                .setType(type)
                .setFullMethodName(name)
                .setRequestMarshaller(ProtoLiteUtils.marshaller(request))
                .setResponseMarshaller(ProtoLiteUtils.marshaller(answer))
                .build();
    }
}
