package dev.wharf.buildkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.build.run.BuildException;
import dev.wharf.buildkit.wire.Ops.Definition;
import dev.wharf.buildkit.wire.Ops.Op;
import dev.wharf.buildkit.wire.Ops.SourceOp;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class HandedTest {
    private static final ImageId IMAGE = new ImageId(Digest.sha256("image"));

    @Test
    void anImageComesBackAsTheGraphThatItWentAs() throws Exception {
        Definition graph = Handed.definition(IMAGE);

        assertThat(Handed.images(Map.of("0-base", Definition.parseFrom(graph.toByteArray()))))
                .isEqualTo(Map.of("0-base", IMAGE));
        assertThat(graph.getMetadataMap())
                .containsOnlyKeys(graph.getDefList().stream()
                        .map(op -> Digest.sha256(op.toByteArray()).toString())
                        .toList());
    }

    @Test
    void aGraphOfOperationsIsRefused() {
        Definition graph = Definition.newBuilder()
                .addDef(Op.newBuilder()
                        .setSource(SourceOp.newBuilder().setIdentifier("docker-image://busybox"))
                        .build()
                        .toByteString())
                .addDef(Op.getDefaultInstance().toByteString())
                .build();

        assertThatThrownBy(() -> Handed.images(Map.of("base", graph)))
                .isInstanceOf(BuildException.class)
                .hasMessageContaining("LLB");
    }
}
