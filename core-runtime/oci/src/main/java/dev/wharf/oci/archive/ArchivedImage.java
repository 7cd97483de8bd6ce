package dev.wharf.oci.archive;

import dev.wharf.model.Descriptor;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.Reference;
import java.util.List;
import java.util.Optional;

/**
 * One image found in an archive; all its blobs are in the {@link Blobs} that the archive was read into.
 *
 * @param manifest the manifest as it was, or one made for an archive that has none
 * @param config the descriptor of the config, whose digest is the image's id
 * @param layers lowest first
 * @param names what it was called, perhaps nothing
 * @param index the index that offers it for its platform, where there is one
 * @param first whether it is the one of its index that the host would choose, which has the names
 */
public record ArchivedImage(
        Descriptor manifest,
        Descriptor config,
        ImageConfig settings,
        List<LayerSpec> layers,
        List<Reference> names,
        Optional<Descriptor> index,
        boolean first) {
    public ArchivedImage {
        layers = List.copyOf(layers);
        names = List.copyOf(names);
    }

    public ImageId id() {
        return new ImageId(config.digest());
    }
}
