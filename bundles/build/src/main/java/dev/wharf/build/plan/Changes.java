package dev.wharf.build.plan;

import dev.wharf.build.dockerfile.Dockerfile;
import dev.wharf.build.dockerfile.DockerfileException;
import dev.wharf.build.dockerfile.Instruction;
import dev.wharf.model.ImageConfig;
import java.util.List;
import java.util.Set;

/** Applies instructions to an image's config without a build around them, as {@code --change} of commit and import asks. */
public final class Changes {
    private static final Set<String> KNOWN = Set.of(
            "CMD",
            "ENTRYPOINT",
            "ENV",
            "EXPOSE",
            "HEALTHCHECK",
            "LABEL",
            "ONBUILD",
            "STOPSIGNAL",
            "USER",
            "VOLUME",
            "WORKDIR");

    private Changes() {}

    /** The config with all {@code changes} made in their order; layers and history are as they were. */
    public static ImageConfig apply(ImageConfig base, List<String> changes) throws DockerfileException {
        String text = String.join("\n", changes);
        if (text.isBlank()) {
            return base;
        }
        try {
            return changed(base, text);
        } catch (DockerfileException e) {
            // There is no file whose line could be shown.
            throw DockerfileException.of(e.what());
        }
    }

    private static ImageConfig changed(ImageConfig base, String text) throws DockerfileException {
        List<Instruction> instructions = Dockerfile.parse("--change", text).instructions();
        for (Instruction one : instructions) {
            if (!KNOWN.contains(one.word())) {
                throw DockerfileException.of(one.word() + " is not a valid change command");
            }
        }
        Draft draft = Draft.alone(base);
        for (Instruction one : instructions) {
            if (one.word().equals("WORKDIR")) {
                draft.enter(one);
            } else {
                draft.settings(one);
            }
        }
        return draft.config().withLayers(base.diffIds(), base.history());
    }
}
