package dev.wharf.buildkit;

import com.google.protobuf.ByteString;
import dev.wharf.build.run.Offers;
import dev.wharf.buildkit.wire.Common.BytesMessage;
import dev.wharf.buildkit.wire.SessionWire;
import dev.wharf.model.Reference;
import dev.wharf.oci.layer.Dir;
import dev.wharf.spi.registry.Credentials;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a client lends to its builds for as long as its {@code POST /session} lasts. Safe to use from any thread. */
final class Session implements Offers {
    private static final Logger LOG = LoggerFactory.getLogger(Session.class);

    /** Somebody may have to touch a key, or to type a word. */
    private static final long PATIENCE_SECONDS = 120;

    /** As much as BuildKit takes of one secret. */
    private static final int LARGEST_SECRET = 500 << 10;

    private static final String OUTPUT = "buildkit-attachable-exporter-id";

    private final ManagedChannel client;
    private final String sharedKey;

    /** @param sharedKey what sessions have in common whose folders are the same; empty where that is not known */
    Session(ManagedChannel client, String sharedKey) {
        this.client = client;
        this.sharedKey = sharedKey;
    }

    /**
     * What a folder of the client's has in common with the same one of other sessions; empty where there is nothing.
     *
     * @param use what the folder is to the build; each use of one is kept apart
     */
    Optional<String> key(String folder, String use) {
        return sharedKey.isEmpty() ? Optional.empty() : Optional.of(folder + ":" + use + ":" + sharedKey);
    }

    private <Q, A> A ask(MethodDescriptor<Q, A> method, Q request) {
        return ClientCalls.blockingUnaryCall(
                client, method, CallOptions.DEFAULT.withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS), request);
    }

    private static boolean isAbsent(StatusRuntimeException e) {
        Status.Code code = e.getStatus().getCode();
        return code == Status.Code.NOT_FOUND || code == Status.Code.UNIMPLEMENTED;
    }

    private static IOException told(StatusRuntimeException e) {
        String why = e.getStatus().getDescription();
        return new IOException(
                "the client says: " + (why == null ? e.getStatus().getCode() : why));
    }

    @Override
    public Optional<byte[]> secret(String id) throws IOException {
        try {
            byte[] secret = ask(
                            Calls.SECRET,
                            SessionWire.GetSecretRequest.newBuilder().setId(id).build())
                    .getData()
                    .toByteArray();
            if (secret.length > LARGEST_SECRET) {
                throw new IOException("secret " + id + " is larger than " + LARGEST_SECRET + " bytes");
            }
            return Optional.of(secret);
        } catch (StatusRuntimeException e) {
            if (isAbsent(e)) {
                return Optional.empty();
            }
            throw told(e);
        }
    }

    @Override
    public Optional<Agent> agent(String id) throws IOException {
        try {
            ask(
                    Calls.CHECK_AGENT,
                    SessionWire.CheckAgentRequest.newBuilder().setId(id).build());
        } catch (StatusRuntimeException e) {
            // A client that has agents, and not this one, has no code of its own for that.
            LOG.debug("no such ssh agent id={} reason={}", id, e.getMessage());
            return Optional.empty();
        }
        return Optional.of(() -> {
            Talk<BytesMessage, BytesMessage> talk = new Talk<>(client, Calls.AGENT, header("buildkit.ssh.id", id));
            return new AgentTalk(talk);
        });
    }

    /** Credentials for the registry of an image; none where the client has none. */
    Credentials credentials(Reference image) {
        String host = image.repository().toString().split("/", 2)[0];
        try {
            SessionWire.CredentialsResponse answer = ask(
                    Calls.CREDENTIALS,
                    SessionWire.CredentialsRequest.newBuilder()
                            .setHost(host.equals("docker.io") ? "registry-1.docker.io" : host)
                            .build());
            if (answer.getSecret().isEmpty()) {
                return Credentials.ANONYMOUS;
            }
            return answer.getUsername().isEmpty()
                    ? new Credentials("", "", answer.getSecret(), "")
                    : new Credentials(answer.getUsername(), answer.getSecret(), "", "");
        } catch (StatusRuntimeException e) {
            LOG.debug("no credentials host={} reason={}", host, e.getMessage());
            return Credentials.ANONYMOUS;
        }
    }

    /**
     * A folder of the client's as a tar.
     *
     * @param name what the client calls it
     * @param leftOut patterns of what is left out, as .dockerignore has them
     * @param only paths that are wanted, with what their links lead to; empty for all
     * @param list what of it is here already; closed with the tar
     */
    FolderStream folder(String name, List<String> leftOut, List<String> only, FolderList list, LongConsumer progress) {
        Metadata headers = new Metadata();
        put(headers, "dir-name", List.of(name));
        put(headers, "exclude-patterns", leftOut);
        put(headers, "followpaths", only);
        return new FolderStream(new Talk<>(client, Calls.FILES, headers), list, progress);
    }

    /** What a client that read its own input gives on, byte by byte. */
    InputStream upload(String path) {
        return new UploadStream(new Talk<>(client, Calls.UPLOAD, header("urlpath", path)));
    }

    /** Gives the client the bytes of one of the outputs that it asked for, by its number. */
    void give(int output, InputStream bytes) throws IOException {
        try (bytes;
                Talk<BytesMessage, BytesMessage> talk =
                        new Talk<>(client, Calls.OUTPUT, header(OUTPUT, String.valueOf(output)))) {
            byte[] buffer = new byte[64 << 10];
            for (int read = bytes.read(buffer); read >= 0; read = bytes.read(buffer)) {
                talk.send(BytesMessage.newBuilder()
                        .setData(ByteString.copyFrom(buffer, 0, read))
                        .build());
            }
            talk.end();
            while (talk.take().isPresent()) {
                // It says no more than that it has all.
            }
        }
    }

    /** Gives the client files as one of its outputs; takes the directory over. */
    void give(int output, Dir root) throws IOException {
        try (root;
                Talk<SessionWire.Packet, SessionWire.Packet> talk =
                        new Talk<>(client, Calls.OUTPUT_FILES, header(OUTPUT, String.valueOf(output)))) {
            new FolderGift(talk, root).give();
        }
    }

    private static Metadata header(String key, String value) {
        Metadata headers = new Metadata();
        put(headers, key, List.of(value));
        return headers;
    }

    /** As BuildKit encodes them: all of a key or none, since a header is ASCII. */
    private static void put(Metadata headers, String key, List<String> values) {
        boolean plain = values.stream()
                .allMatch(value -> StandardCharsets.US_ASCII.newEncoder().canEncode(value));
        Metadata.Key<String> name = Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER);
        for (String value : values) {
            headers.put(name, plain ? value : URLEncoder.encode(value, StandardCharsets.UTF_8));
        }
        if (!plain) {
            headers.put(Metadata.Key.of(key + "-encoded", Metadata.ASCII_STRING_MARSHALLER), "1");
        }
    }

    @Override
    public String toString() {
        return "what a client of BuildKit lends";
    }
}
