package dev.wharf.buildkit;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.wharf.build.run.BuildException;
import dev.wharf.buildkit.wire.Ops.Definition;
import dev.wharf.buildkit.wire.Ops.Input;
import dev.wharf.buildkit.wire.Ops.Op;
import dev.wharf.buildkit.wire.Ops.OpMetadata;
import dev.wharf.buildkit.wire.Ops.SourceOp;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What came of one build, as a client hands it on to another of the same session. To the client it is a graph of BuildKit's
 * operations, which it passes on as it is; here it is one operation that says which image it was.
 */
final class Handed {
    static final String NOT_SERVED = "graphs of BuildKit's operations (LLB) are not served; Dockerfiles are built";

    private static final String SCHEME = "wharf-image://";

    private Handed() {}

    /** A graph that stands for an image. */
    static Definition definition(ImageId image) {
        ByteString source = Op.newBuilder()
                .setSource(SourceOp.newBuilder().setIdentifier(SCHEME + image.value()))
                .build()
                .toByteString();
        String digest = digest(source);
        ByteString end = Op.newBuilder()
                .addInputs(Input.newBuilder().setDigest(digest))
                .build()
                .toByteString();
        return Definition.newBuilder()
                .addDef(source)
                .addDef(end)
                .putMetadata(digest, OpMetadata.getDefaultInstance())
                .putMetadata(digest(end), OpMetadata.getDefaultInstance())
                .build();
    }

    private static String digest(ByteString op) {
        return Digest.sha256(op.toByteArray()).toString();
    }

    /** The images that graphs stand for; refuses graphs that were not made here. */
    static Map<String, ImageId> images(Map<String, Definition> graphs) throws BuildException {
        Map<String, ImageId> images = new LinkedHashMap<>();
        for (Map.Entry<String, Definition> one : graphs.entrySet()) {
            images.put(one.getKey(), image(one.getValue()));
        }
        return images;
    }

    private static ImageId image(Definition graph) throws BuildException {
        try {
            String identifier = graph.getDefCount() == 2
                    ? Op.parseFrom(graph.getDef(0)).getSource().getIdentifier()
                    : "";
            if (identifier.startsWith(SCHEME)) {
                return ImageId.parse(identifier.substring(SCHEME.length()));
            }
        } catch (InvalidProtocolBufferException | IllegalArgumentException e) {
            throw new BuildException("invalid graph of BuildKit's operations: " + e.getMessage());
        }
        throw new BuildException(NOT_SERVED);
    }
}
