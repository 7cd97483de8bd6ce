package dev.wharf.engine.images;

import dev.wharf.build.dockerfile.DockerfileException;
import dev.wharf.build.plan.Changes;
import dev.wharf.engine.http.Problem;
import dev.wharf.model.ImageConfig;
import java.util.List;

/** Applies Dockerfile instructions to an image's config, as {@code --change} of import and commit asks. */
final class ImportChanges {
    private ImportChanges() {}

    static ImageConfig apply(ImageConfig base, List<String> changes) {
        try {
            return Changes.apply(base, changes);
        } catch (DockerfileException e) {
            throw Problem.invalid(String.valueOf(e.getMessage()));
        }
    }
}
