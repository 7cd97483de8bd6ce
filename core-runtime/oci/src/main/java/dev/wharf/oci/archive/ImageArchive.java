package dev.wharf.oci.archive;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.Platform;
import dev.wharf.model.Reference;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads and writes archives of images. */
public final class ImageArchive {
    private ImageArchive() {}

    /**
     * What an archive held.
     *
     * @param leftovers blobs that were taken, because their use could not be known yet, and that no image needs
     */
    public record Contents(List<ArchivedImage> images, Set<Digest> leftovers) {
        public Contents {
            images = List.copyOf(images);
            leftovers = Set.copyOf(leftovers);
        }
    }

    /**
     * An image to write.
     *
     * @param manifest a manifest whose bytes, config and layers are all there
     * @param index the index to write with it, which names them all; empty for the manifest alone
     * @param others the manifests of its other variants, which go with the index
     */
    public record SavedImage(
            Descriptor manifest, List<Reference> names, Optional<Descriptor> index, List<Descriptor> others) {
        public SavedImage {
            names = List.copyOf(names);
            others = List.copyOf(others);
        }

        /** An image of one platform. */
        public SavedImage(Descriptor manifest, List<Reference> names) {
            this(manifest, names, Optional.empty(), List.of());
        }
    }

    /**
     * Reads an archive in one pass, plain, gzip or zstd by its first bytes. Each blob is handed to {@code blobs} once, as it
     * comes; the images follow when the archive has been read to its end. Whatever the archive says, nothing is written
     * anywhere else, and no more than a few megabytes of it are held in memory.
     *
     * @param wanted which images to take where an archive offers one for each of several platforms; none for all of them
     * @param host the platform whose image comes first and has the name
     */
    public static Contents read(InputStream archive, Blobs blobs, List<Platform> wanted, Platform host)
            throws IOException {
        return new ArchiveReader(blobs, wanted, host).read(archive);
    }

    /** Writes one archive that is both Docker's and an OCI layout; {@code out} is flushed and left open. */
    public static void write(OutputStream out, List<SavedImage> images, Blobs blobs) throws IOException {
        new ArchiveWriter(out, blobs).write(images);
    }
}
