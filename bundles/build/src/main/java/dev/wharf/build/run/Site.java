package dev.wharf.build.run;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.state.Image;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.DriverName;
import dev.wharf.model.Reference;
import dev.wharf.oci.layer.Tree;
import dev.wharf.spi.kernel.Hashing;
import dev.wharf.spi.registry.Credentials;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** Where a build is done, and what it borrows from whoever asked for it. Safe to use from any thread. */
public interface Site {
    Agent agent();

    /** The cause of the next command. */
    Cause cause();

    Tree tree();

    /** How the content of files is hashed. */
    Hashing hashing();

    /** A folder of this build's own, which is removed when it ends. */
    Path folder();

    /** A folder for what {@code --mount=type=cache} keeps over builds. */
    Path caches();

    /** What the client lends to steps. */
    Offers offers();

    /** A folder of this build's own for what must not reach a disk; it is removed when the build ends. */
    Path memory() throws IOException;

    /** The whole specification of a container, as if a client had asked for it, under this build's limits. */
    ContainerSpec container(Job job);

    /** The image that a name or the beginning of an id means. */
    Optional<Image> image(String name);

    Credentials credentials(Reference image);

    DriverName storage();
}
