package dev.wharf.core.state;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverName;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.Platform;
import dev.wharf.model.PullId;
import dev.wharf.spi.Failure;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A wish to bring an image here, and how far it got. A load, an import and a commit are pulls whose content is here already.
 *
 * @param references what the image shall be called; the first is what is looked for
 * @param storage the storage driver its new layers unpack in
 * @param resolved what it turned out to be, once known
 * @param failure why it will not come, once known
 */
public record Pull(
        PullId id,
        List<String> references,
        Optional<Platform> platform,
        Source source,
        DriverName storage,
        Instant at,
        Optional<Resolved> resolved,
        Optional<Failure> failure,
        Optional<Stall> stall) {
    public Pull {
        references = List.copyOf(references);
    }

    /** Where the content comes from. */
    public enum Source {
        REGISTRY,
        LOAD,
        IMPORT,
        COMMIT,
        BUILD;

        /** Whether every blob of the image comes along, and not only those that it has of its own. */
        public boolean bringsBlobs() {
            return this == REGISTRY || this == LOAD;
        }
    }

    /**
     * The image behind the reference.
     *
     * @param target what the registry's reference stood for: an index or a manifest
     * @param backend the registry backend that knew; empty where the content was here already
     * @param mirrors the hosts of the mirrors that the backend had documents from, by document; one that is not among them
     *     came from the repository's own place or was here already
     */
    public record Resolved(
            ImageId image,
            Descriptor target,
            Descriptor manifest,
            Descriptor configBlob,
            ImageConfig config,
            List<LayerSpec> layers,
            Optional<DriverName> backend,
            Map<Digest, String> mirrors) {
        /** One whose content was here already. */
        public Resolved(
                ImageId image,
                Descriptor target,
                Descriptor manifest,
                Descriptor configBlob,
                ImageConfig config,
                List<LayerSpec> layers) {
            this(image, target, manifest, configBlob, config, layers, Optional.empty(), Map.of());
        }

        public Resolved {
            layers = List.copyOf(layers);
            mirrors = Map.copyOf(mirrors);
        }
    }

    public Pull resolved(Resolved what) {
        return new Pull(id, references, platform, source, storage, at, Optional.of(what), failure, Optional.empty());
    }

    /** What it turned out to be is to be found out again. */
    public Pull unresolved() {
        return new Pull(id, references, platform, source, storage, at, Optional.empty(), failure, Optional.empty());
    }

    public Pull failed(Failure why) {
        return new Pull(id, references, platform, source, storage, at, resolved, Optional.of(why), Optional.empty());
    }

    public Pull stalled(Stall why) {
        return new Pull(id, references, platform, source, storage, at, resolved, failure, Optional.of(why));
    }
}
