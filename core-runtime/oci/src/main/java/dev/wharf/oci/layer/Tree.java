package dev.wharf.oci.layer;

import java.io.IOException;
import java.nio.file.Path;
import org.osgi.annotation.versioning.ProviderType;

/** Opens directories for unpacking and packing. */
@ProviderType
public interface Tree {
    /** Opens a directory whose path the caller trusts, symbolic links in it included. */
    Dir open(Path directory) throws IOException;
}
