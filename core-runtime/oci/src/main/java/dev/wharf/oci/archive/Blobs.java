package dev.wharf.oci.archive;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.LayerId;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/** Where an archive's blobs go to or come from; a content store, seen from here. */
public interface Blobs {
    /**
     * Keeps one blob whose digest is not known yet and answers with its descriptor. The stream is read to its end and left
     * open. A blob that is there already may be read and forgotten.
     */
    Descriptor take(String mediaType, InputStream bytes) throws IOException;

    /** The bytes of a blob that is there. */
    InputStream open(Digest digest) throws IOException;

    /** The blob of a layer, where that is there already: an archive need not hold it. */
    Optional<Descriptor> layer(LayerId layer);
}
