package dev.wharf.spi.kernel;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/** Limits on the space of a directory tree: project quotas of ext4 and xfs (quotactl(2), ioctl(2) FS_IOC_FSSETXATTR). */
@ProviderType
public interface ProjectQuotas {
    /** Why trees on the file system of {@code directory} cannot be limited, and what would help; empty where they can. */
    Optional<String> obstacle(Path directory) throws IOException;

    /**
     * Makes {@code directory}, with everything that is in it and will be, a project of its own that takes at most
     * {@code sizeBytes}. The project's number is the directory's inode number where that fits, so that two directories never
     * share one.
     */
    void limit(Path directory, long sizeBytes) throws IOException;

    /**
     * Gives a project that is full a little more than {@code sizeBytes}, so that it can be mounted, which xfs counts as
     * writing; one that has room again is held to {@code sizeBytes}.
     */
    void makeRoom(Path directory, long sizeBytes) throws IOException;

    /** Forgets the limit of what was {@code directory}'s project; call it while the directory is there. */
    void forget(Path directory) throws IOException;
}
