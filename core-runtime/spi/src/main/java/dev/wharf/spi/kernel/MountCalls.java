package dev.wharf.spi.kernel;

import java.io.IOException;
import java.nio.file.Path;
import org.osgi.annotation.versioning.ProviderType;

/** mount(2) and umount2(2) for short-lived mounts of one's own, such as a driver's probe. */
@ProviderType
public interface MountCalls {
    /** Mounts at {@code target}, a directory that is there; an overlay's list of lower directories may be of any length. */
    void mount(Mount mount, Path target) throws IOException;

    /** Unmounts everything at and under {@code target}; nothing there is fine. */
    void unmount(Path target) throws IOException;
}
